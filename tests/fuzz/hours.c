/* SPDX-License-Identifier: Apache-2.0 */
/* When a rule applies. */
#include "respond/case.h"

#include "fuzz.h"

#define DAY  1440
#define WEEK (7 * DAY)
/* A Sunday, 00:00 UTC. */
#define SUNDAY INT64_C(1795305600000)

static char *print(TALLOC_CTX *memory, const struct mw_hours *hours)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    char *text = talloc_asprintf(memory, "%02d:%02d-%02d:%02d", hours->from / 60, hours->from % 60,
                                 hours->until / 60, hours->until % 60);
    for (int day = 0; day < 7; day++) {
        if ((hours->days >> day & 1) != 0) {
            text = talloc_asprintf_append(text, ",%s", days[day]);
        }
    }
    return text;
}

/* Whether a minute of the week lies in one of the spans that begin on the days named. */
static bool expected(const struct mw_hours *hours, int minute)
{
    int length = (hours->until - hours->from + DAY) % DAY;
    length = length == 0 ? DAY : length;
    for (int day = 0; day < 7; day++) {
        int since = (minute - (day * DAY + hours->from) + WEEK) % WEEK;
        if ((hours->days >> day & 1) != 0 && since < length) {
            return true;
        }
    }
    return false;
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, NULL);
    struct mw_hours hours, again;
    if (!mw_hours_parse(text, &hours)) {
        return;
    }
    FUZZ_HOLDS(hours.days > 0 && hours.days < 128, text);
    FUZZ_HOLDS(hours.from >= 0 && hours.from < DAY && hours.until >= 0 && hours.until <= DAY, text);
    char *printed = print(memory, &hours);
    FUZZ_HOLDS(mw_hours_parse(printed, &again) && again.days == hours.days &&
                   again.from == hours.from && again.until == hours.until,
               printed);
    const int edges[] = {hours.from, hours.until};
    for (int i = 0; i < 7 * 6; i++) {
        int minute = (i / 6 * DAY + edges[i % 2] + i / 2 % 3 - 1 + WEEK) % WEEK;
        FUZZ_HOLDS(mw_hours_hold(&hours, SUNDAY + minute * INT64_C(60000)) ==
                       expected(&hours, minute),
                   printed);
    }
}
