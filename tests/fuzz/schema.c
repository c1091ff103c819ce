/* SPDX-License-Identifier: Apache-2.0 */
/* A schema on the first line, held against the value on the second: what strangers' tools ask for. */
#include "adapters/llm/model/schema.h"

#include "base/json.h"
#include "base/json_pattern.h"
#include "fuzz.h"

#define LIMIT ((size_t)4000)

static json_t *parse(const char *text)
{
    struct mw_error ignored;
    return text != NULL ? mw_json_parse(text, strlen(text), LIMIT, &ignored) : NULL;
}

/* Fits, does not fit, or -1: the schema cannot be used. */
static int verdict(const json_t *schema, const json_t *value)
{
    struct mw_error error = {0};
    if (mw_json_check(schema, value, "arguments", &error)) {
        return 1;
    }
    fuzz_is_utf8(error.text);
    FUZZ_HOLDS(error.class == MW_ERROR_BAD_INPUT || error.class == MW_ERROR_PERMANENT, error.text);
    return error.class == MW_ERROR_BAD_INPUT ? 0 : -1;
}

/* What a model is told may be wider than what is checked, never narrower. */
static void check_reduced(TALLOC_CTX *memory, json_t *schema, const json_t *value, int fits)
{
    json_auto_t *reduced = mw_schema_reduce(schema, true);
    FUZZ_HOLDS(fits != 1 || verdict(reduced, value) != 0, mw_json_canonical(memory, reduced));
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *rest = fuzz_text(memory, bytes, length, NULL);
    const char *first = fuzz_line(&rest), *second = fuzz_line(&rest);
    if (second != NULL && mw_json_pattern_fault(first) == NULL) {
        mw_json_pattern_matches(first, second);
    }
    json_auto_t *schema = parse(first);
    json_auto_t *value = parse(second);
    if (schema == NULL || value == NULL) {
        return;
    }
    int fits = verdict(schema, value);
    if (fits < 0) {
        return;
    }
    json_auto_t *no = json_pack("{s:O}", "not", schema);
    json_auto_t *one = json_pack("{s:[O]}", "oneOf", schema);
    json_auto_t *two = json_pack("{s:[O,O]}", "allOf", schema, schema);
    FUZZ_HOLDS(verdict(no, value) == !fits, first);
    FUZZ_HOLDS(verdict(one, value) == fits, first);
    FUZZ_HOLDS(verdict(two, value) == fits, first);
    check_reduced(memory, schema, value, fits);
}
