/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log: how bad they are, when they were written, and which of them are one. */
#include "adapters/target/postgres/postgres.h"
#include "adapters/target/redis/redis.h"
#include "fuzz.h"
#include "watch/internal.h"

#define SHOWN 6

static enum mw_log_severity severity_of(const char *line)
{
    enum mw_log_severity severity = MW_LOG_NOTICE;
    if (mw_redis_log_severity(line, &severity) || mw_postgres_log_severity(line, &severity)) {
        FUZZ_HOLDS(severity >= MW_LOG_NOTICE && severity <= MW_LOG_CRITICAL, line);
        return severity;
    }
    severity = mw_log_severity_guess(line);
    FUZZ_HOLDS(severity >= MW_LOG_NOTICE && severity <= MW_LOG_CRITICAL, line);
    return severity;
}

static void check_moment(TALLOC_CTX *memory, const char *line)
{
    char *brief = mw_log_shorten(memory, line);
    FUZZ_HOLDS(strlen(brief) <= strlen(line) + 1, brief);
    FUZZ_HOLDS(strcmp(mw_log_shorten(memory, brief), brief) == 0, brief);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *rest = fuzz_text(memory, bytes, length, NULL);
    struct mw_fold *fold = mw_fold_create(memory);
    size_t lines = 0, count = 0, times = 0;
    for (char *line = fuzz_line(&rest); line != NULL; line = fuzz_line(&rest)) {
        mw_fold_add(fold, line, severity_of(line), lines++);
        check_moment(memory, line);
    }
    struct mw_log_excerpt *excerpts = mw_fold_take(fold, memory, SHOWN, &count);
    FUZZ_HOLDS(count <= SHOWN && count > 0, NULL);
    for (size_t i = 0; i < count; i++) {
        fuzz_is_clean(excerpts[i].line, 300);
        fuzz_keeps_secret(excerpts[i].line);
        FUZZ_HOLDS(excerpts[i].times > 0, excerpts[i].line);
        times += (size_t)excerpts[i].times;
    }
    FUZZ_HOLDS(times <= lines && (count == SHOWN || times == lines), excerpts[0].line);
}
