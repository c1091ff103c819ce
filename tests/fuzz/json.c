/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from strangers: parsed within bounds, printed, parsed again; and masked. */
#include "base/json.h"

#include "base/redact.h"
#include "fuzz.h"

#define LIMIT ((size_t)2000)
#define SHORT 64

static size_t depth(const json_t *value)
{
    size_t most = 0, index;
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        size_t below = depth(item);
        most = below > most ? below : most;
    }
    json_array_foreach(value, index, item)
    {
        size_t below = depth(item);
        most = below > most ? below : most;
    }
    return most + (json_is_object(value) || json_is_array(value));
}

static void check_masked(TALLOC_CTX *memory, const json_t *value, const char *text)
{
    json_auto_t *masked = mw_redact_json(value);
    fuzz_json_keeps_secret(masked);
    /* As in redact.c. */
    if (strpbrk(text, "'`\\") == NULL && strlen(text) <= SHORT) {
        json_auto_t *again = mw_redact_json(masked);
        FUZZ_HOLDS(json_equal(masked, again), mw_json_canonical(memory, again));
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    char *text = fuzz_text(memory, bytes, length, &length);
    json_auto_t *value = mw_json_parse(text, length, LIMIT, &error);
    if (value == NULL) {
        fuzz_is_sentence(&error);
        return;
    }
    FUZZ_HOLDS(length <= LIMIT && depth(value) <= MW_JSON_DEPTH_MAX, text);
    char *printed = mw_json_canonical(memory, value);
    fuzz_is_utf8(printed);
    json_auto_t *again = mw_json_parse(printed, strlen(printed), SIZE_MAX, &error);
    FUZZ_HOLDS(again != NULL && json_equal(value, again), printed);
    FUZZ_HOLDS(strcmp(mw_json_canonical(memory, again), printed) == 0, printed);
    check_masked(memory, value, text);
}
