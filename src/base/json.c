/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"

/* Whether brackets outside of strings nest deeper than `most`. Text that is no JSON may give any
 * answer: the parser refuses it afterwards. */
static bool nests_deeper(const char *text, size_t length, size_t most)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > most) {
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* jansson quotes foreign bytes after "near"; what is wrong and where is enough. */
static void describe(const json_error_t *fault, struct mw_error *error)
{
    char *text = mw_text_clean(NULL, fault->text, strlen(fault->text), sizeof fault->text);
    char *near = text != NULL ? strstr(text, " near ") : NULL;
    if (near != NULL) {
        *near = '\0';
    }
    mw_error_set(error, MW_ERROR_BAD_INPUT, "not valid JSON at line %d, column %d: %s", fault->line,
                 fault->column, text != NULL ? text : "out of memory");
    talloc_free(text);
}

json_t *mw_json_parse(const char *text, size_t length, size_t limit, struct mw_error *error)
{
    if (length > limit) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "JSON of %zu bytes is longer than the allowed %zu",
                     length, limit);
        return NULL;
    }
    if (nests_deeper(text, length, MW_JSON_DEPTH_MAX)) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "JSON nests deeper than the allowed %d levels",
                     MW_JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t fault;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (value == NULL) {
        describe(&fault, error);
    }
    return value;
}

char *mw_json_canonical(void *memory, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    char *copy = text != NULL ? talloc_strdup(memory, text) : NULL;
    free(text);
    return copy;
}
