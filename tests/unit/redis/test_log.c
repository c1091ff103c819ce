/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include "../../../adapters/target/redis/redis.h"

static void lines_have_their_severity(void **state)
{
    static const struct {
        const char *line;
        enum mw_log_severity severity;
    } lines[] = {
        {"123:M 22 Nov 2026 03:08:05.123 * Ready to accept connections", MW_LOG_NOTICE},
        {"123:M 22 Nov 2026 03:08:05.123 - DB 0: 4 keys", MW_LOG_NOTICE},
        {"123:M 22 Nov 2026 03:08:05.123 . OOM", MW_LOG_NOTICE},
        {"123:M 22 Nov 2026 03:08:05.123 # Background saving error", MW_LOG_ERROR},
        {"123:M 22 Nov 2026 03:08:05.123 # Can't save in background: fork: x", MW_LOG_ERROR},
        {"123:M 22 Nov 2026 03:08:05.123 # OOM command not allowed", MW_LOG_ERROR},
        {"123:M 22 Nov 2026 03:08:05.123 # MISCONF Redis is configured", MW_LOG_ERROR},
        {"123:C 22 Nov 2026 03:08:05.123 # Write error saving DB on disk: x", MW_LOG_ERROR},
        {"123:S 22 Nov 2026 03:08:05.123 # Connection with master lost.", MW_LOG_WARNING},
        {"123:signal-handler (1795317000) Received SIGTERM", -1},
        {"123:C 22 Nov 2026 03:08:05.123 # WARNING Memory overcommit must be enabled!",
         MW_LOG_NOTICE},
        {"123:C 22 Nov 2026 03:08:05.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
         MW_LOG_NOTICE},
        {"123:M 22 Nov 2026 03:08:05.123 # === REDIS BUG REPORT START: Cut & paste",
         MW_LOG_CRITICAL},
        {"123:M 22 Nov 03:08:05.123 # Background saving error", MW_LOG_ERROR},
        {"[123] 22 Nov 03:08:05.123 # Background saving error", MW_LOG_ERROR},
        {"[123] 22 Nov 03:08:05 * fine", MW_LOG_NOTICE},
        {"", -1},
        {"ERROR something else", -1},
        {"123:M", -1},
        {"123:", -1},
        {"123:M ", -1},
        {"123:M 22 Nov", -1},
        {"123:M 22 Nov 2026 03:08:05.123", -1},
        {"123:M 22 Nov 2026 03:08:05.123 #", -1},
        {"123:Z 22 Nov 2026 03:08:05.123 # x", -1},
        {"[123", -1},
        {"[] 22 Nov 03:08:05 * fine", -1},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        enum mw_log_severity severity = MW_LOG_NOTICE;
        bool known = mw_redis_log_severity(lines[i].line, &severity);
        if (known != ((int)lines[i].severity >= 0) || (known && severity != lines[i].severity)) {
            fail_msg("%s: %d %d", lines[i].line, known, severity);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_have_their_severity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
