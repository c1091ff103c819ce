/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/breaker.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"

#define FAILURES_MAX 3
#define PAUSE_MS     30000
#define PAUSE_MAX_MS 600000

bool mw_breaker_is_open(const struct mw_breaker *breaker)
{
    return breaker->open_to != 0;
}

bool mw_breaker_enter(struct mw_breaker *breaker, struct mw_error *error)
{
    if (breaker->open_to == 0)
        return true;
    int64_t left = mw_deadline_left_ms((struct mw_deadline){breaker->open_to});
    if (left > 0)
        return mw_error_set(error, MW_ERROR_RETRY,
                            "it failed %d times in a row and is asked again in %lld s; last: %s",
                            breaker->failures, (long long)(left + 999) / 1000, breaker->last);
    if (breaker->probing)
        return mw_error_set(error, MW_ERROR_RETRY,
                            "it failed %d times in a row and is being tried again; last: %s",
                            breaker->failures, breaker->last);
    breaker->probing = true;
    return true;
}

void mw_breaker_worked(struct mw_breaker *breaker)
{
    *breaker = (struct mw_breaker){0};
}

void mw_breaker_failed(struct mw_breaker *breaker, const char *why)
{
    breaker->probing = false;
    breaker->failures++;
    char *clean = mw_redact_line(NULL, why, strlen(why), sizeof breaker->last - 1);
    snprintf(breaker->last, sizeof breaker->last, "%s", clean != NULL ? clean : "");
    talloc_free(clean);
    if (breaker->failures < FAILURES_MAX)
        return;
    breaker->pause_ms = breaker->pause_ms == 0 ? PAUSE_MS : breaker->pause_ms * 2;
    if (breaker->pause_ms > PAUSE_MAX_MS)
        breaker->pause_ms = PAUSE_MAX_MS;
    breaker->open_to = mw_deadline_in(breaker->pause_ms).at;
}

void mw_breaker_abandoned(struct mw_breaker *breaker)
{
    breaker->probing = false;
}
