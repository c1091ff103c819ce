/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "redis.h"

char *mw_redis_number_text(TALLOC_CTX *memory, int64_t number)
{
    char digits[24], out[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t size = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0) {
            out[size++] = ',';
        }
        out[size++] = digits[i];
    }
    out[size] = '\0';
    return talloc_strdup(memory, out);
}

char *mw_redis_change_text(TALLOC_CTX *memory, int64_t from, int64_t to)
{
    char *before = mw_size_text(memory, from), *after = mw_size_text(memory, to);
    char *text = NULL;
    if (before != NULL && after != NULL) {
        const char *unit = strchr(before, ' '), *other = strchr(after, ' ');
        bool same = unit != NULL && other != NULL && strcmp(unit, other) == 0;
        int length = same ? (int)(unit - before) : (int)strlen(before);
        text = talloc_asprintf(memory, "%.*s → %s", length, before, after);
    }
    talloc_free(before);
    talloc_free(after);
    return text;
}
