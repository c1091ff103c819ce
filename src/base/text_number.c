/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

bool mw_size_parse(const char *text, int64_t *bytes)
{
    static const char letters[] = "kmgtp";

    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    int64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *text - '0', &number)) {
            return false;
        }
    }
    text += *text == ' ' && text[1] != '\0';

    int64_t unit = 1;
    char letter = (char)(*text | 0x20);
    const char *found = *text != '\0' ? memchr(letters, letter, sizeof letters - 1) : NULL;
    if (found != NULL) {
        unit = INT64_C(1) << (10 * (found - letters + 1));
        text++;
    }
    bool known = *text == '\0' || strcasecmp(text, "b") == 0 ||
                 (found != NULL && strcasecmp(text, "ib") == 0);
    int64_t result;
    if (!known || __builtin_mul_overflow(number, unit, &result)) {
        return false;
    }
    *bytes = result;
    return true;
}

/* One decimal, left out where it is zero or where nobody looks at it. */
static void format_short(char *text, size_t size, double value)
{
    double rounded = round(value * 10) / 10;
    bool whole = fabs(rounded) >= 100 || rounded == round(rounded);
    snprintf(text, size, "%.*f", whole ? 0 : 1, whole ? round(value) : rounded);
}

char *mw_size_text(TALLOC_CTX *memory, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    double value = (double)bytes;
    if (fabs(value) < 1024) {
        return talloc_asprintf(memory, "%lld B", (long long)bytes);
    }
    size_t unit = 0;
    value /= 1024;
    /* Rounding must not show 1024 of a unit. */
    while (fabs(value) >= 1023.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    char number[32];
    format_short(number, sizeof number, value);
    return talloc_asprintf(memory, "%s %s", number, units[unit]);
}

static void strip_zeros(char *number)
{
    char *point = strchr(number, '.');
    if (point == NULL) {
        return;
    }
    char *end = number + strlen(number);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end - 1 == point) {
        *point = '\0';
    }
}

char *mw_value_text(TALLOC_CTX *memory, double value, const char *unit)
{
    char number[48];
    double size = fabs(value);
    if (!isfinite(value)) {
        return talloc_strdup(memory, "unknown");
    }
    if (size >= 1e15) {
        snprintf(number, sizeof number, "%.3g", value);
    } else if (size >= 1000) {
        snprintf(number, sizeof number, "%.0f", value);
    } else {
        snprintf(number, sizeof number, "%.*f", size >= 1 ? 1 : size >= 0.01 ? 2 : 3, value);
        strip_zeros(number);
    }
    if (strcmp(number, "-0") == 0) {
        number[0] = '0';
        number[1] = '\0';
    }
    bool has_unit = unit != NULL && *unit != '\0';
    return talloc_asprintf(memory, "%s%s%s", number, has_unit ? " " : "", has_unit ? unit : "");
}
