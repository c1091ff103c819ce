/* SPDX-License-Identifier: Apache-2.0 */
#include "config/values.h"

char *mw_value_duration(TALLOC_CTX *memory, int64_t ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ms != 0 && ms % units[i].ms == 0) {
            return talloc_asprintf(memory, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
        }
    }
    return talloc_asprintf(memory, ms == 0 ? "%llds" : "%lldms", (long long)ms);
}

char *mw_value_size(TALLOC_CTX *memory, int64_t bytes)
{
    static const char *const units[] = {"", "KB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    return talloc_asprintf(memory, "%lld%s", (long long)bytes, units[unit]);
}
