/* SPDX-License-Identifier: Apache-2.0 */
/* Planned work: when it keeps which resources quiet. */
#include <stdio.h>
#include <string.h>

#include "base/cron.h"
#include "respond/case.h"

#define MINUTE_MS INT64_C(60000)

#define ENTRY(member) offsetof(struct mw_maintenance, member)

const struct mw_option mw_maintenance_options[] = {
    {"resources", MW_OPTION_TEXT_LIST, MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE, NULL,
     "what is worked on, by name; \"*\" is everything", ENTRY(resources)},
    {"cron", MW_OPTION_TEXT, MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE, NULL,
     "when it begins, in the local zone: minute, hour, day of the month, month, day of the week",
     ENTRY(cron)},
    {"for", MW_OPTION_DURATION, MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE, NULL,
     "how long it lasts", ENTRY(length), .minimum = 60000, .maximum = 30.0 * 86400000},
    {NULL},
};

void mw_maintenance_check(const struct mw_section_list *list,
                          const struct mw_maintenance_faults *faults)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct mw_maintenance *entry = list->items[i];
        struct mw_cron cron;
        struct mw_error error = {0};
        if (entry->cron != NULL && !mw_cron_parse(entry->cron, &cron, &error))
            faults->add(faults->context, i, "cron", error.text);
    }
}

static bool names(const struct mw_maintenance *entry, const char *resource)
{
    for (size_t i = 0; i < entry->resources.count; i++) {
        const char *name = entry->resources.items[i];
        if (strcmp(name, resource) == 0 || strcmp(name, "*") == 0)
            return true;
    }
    return false;
}

/* The newest beginning has the latest end, also where one window reaches into the next. */
static bool is_on(const struct mw_maintenance *entry, mw_wall_ms now, struct mw_quiet *quiet)
{
    struct mw_cron cron;
    struct mw_error error;
    mw_wall_ms from;
    if (!mw_cron_parse(entry->cron, &cron, &error) ||
        !mw_cron_last(&cron, now, entry->length - 1, &from))
        return false;
    *quiet = (struct mw_quiet){.from = from, .until = from + entry->length};
    return true;
}

bool mw_maintenance_find(const struct mw_section_list *list, const char *resource, mw_wall_ms now,
                         struct mw_quiet *quiet)
{
    struct mw_quiet one, longest = {0};
    for (size_t i = 0; i < list->count; i++) {
        const struct mw_maintenance *entry = list->items[i];
        if (names(entry, resource) && is_on(entry, now, &one) && one.until > longest.until)
            longest = one;
    }
    if (longest.until == 0)
        return false;
    *quiet = longest;
    return true;
}

int64_t mw_maintenance_wait(const struct mw_section_list *list, mw_wall_ms now)
{
    int64_t wait = MINUTE_MS - now % MINUTE_MS;
    struct mw_quiet one;
    for (size_t i = 0; i < list->count; i++) {
        if (is_on(list->items[i], now, &one) && one.until - now < wait)
            wait = one.until - now;
    }
    return wait > 0 ? wait : 1;
}
