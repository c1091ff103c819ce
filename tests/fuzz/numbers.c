/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations and numbers as people write them: what is printed reads as what it was. */
#include <math.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/values.h"
#include "fuzz.h"

static void check_size(TALLOC_CTX *memory, const char *text)
{
    int64_t bytes = -1, again = -1;
    if (!mw_size_parse(text, &bytes)) {
        FUZZ_HOLDS(bytes == -1, text);
        return;
    }
    FUZZ_HOLDS(bytes >= 0, text);
    char *printed = mw_value_size(memory, bytes);
    FUZZ_HOLDS(mw_size_parse(printed, &again) && again == bytes, printed);
    fuzz_is_clean(mw_size_text(memory, bytes), 16);
}

static void check_duration(TALLOC_CTX *memory, const char *text)
{
    int64_t ms = -1, again = -1;
    if (!mw_duration_parse(text, &ms)) {
        FUZZ_HOLDS(ms == -1, text);
        return;
    }
    FUZZ_HOLDS(ms >= 0, text);
    char *printed = mw_value_duration(memory, ms);
    FUZZ_HOLDS(mw_duration_parse(printed, &again) && again == ms, printed);
    fuzz_is_clean(mw_duration_text(memory, ms), 24);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, NULL);
    double number = NAN, again = NAN;
    check_size(memory, text);
    check_duration(memory, text);
    if (mw_value_number(text, &number)) {
        FUZZ_HOLDS(isfinite(number), text);
        char *printed = talloc_asprintf(memory, "%.17g", number);
        FUZZ_HOLDS(mw_value_number(printed, &again) && again == number, printed);
        fuzz_is_clean(mw_value_text(memory, number, "ms"), 32);
    }
}
