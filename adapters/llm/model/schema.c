/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/schema.h"

#include <stddef.h>
#include <string.h>

#define DEPTH_MAX 24
#define WORD_MAX  64

static json_t *reduce(json_t *schema, bool descriptions, int depth);

static json_t *reduce_list(const json_t *list, bool descriptions, int depth)
{
    json_t *reduced = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        json_array_append_new(reduced, reduce(item, descriptions, depth));
    }
    return reduced;
}

/* What a stranger can name: a word says little. */
static bool is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.$";
    size_t length = text != NULL ? strspn(text, letters) : 0;
    return length > 0 && length <= WORD_MAX && text[length] == '\0';
}

/* A new reference, with the words of a list only. */
static json_t *words_of(const json_t *list)
{
    json_t *words = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (is_word(json_string_value(item)))
            json_array_append(words, item);
    }
    return words;
}

/* Whether nothing in it is a sentence. */
static bool is_plain(const json_t *values)
{
    size_t i;
    const json_t *item;
    json_array_foreach(values, i, item)
    {
        if (json_is_string(item) ? !is_word(json_string_value(item))
                                 : json_is_array(item) || json_is_object(item))
            return false;
    }
    return true;
}

static json_t *reduce_properties(json_t *properties, bool descriptions, int depth)
{
    json_t *reduced = json_object();
    const char *name;
    json_t *item;
    json_object_foreach(properties, name, item)
    {
        if (descriptions || is_word(name))
            json_object_set_new(reduced, name, reduce(item, descriptions, depth));
    }
    return reduced;
}

static bool among(const char *word, const char *const *list)
{
    while (*list != NULL && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

/* One branch per type; what is said about other types does not touch a branch. */
static void split_types(json_t *reduced, const json_t *types)
{
    json_auto_t *branch = json_copy(reduced);
    json_object_del(branch, "title");
    json_object_del(branch, "description");
    json_t *branches = json_array();
    size_t i;
    json_t *type;
    json_array_foreach(types, i, type)
    {
        json_t *one = json_copy(branch);
        json_object_set(one, "type", type);
        json_array_append_new(branches, one);
    }
    const char *name;
    json_t *item;
    json_object_foreach(branch, name, item)
    {
        json_object_del(reduced, name);
    }
    json_object_set_new(reduced, "anyOf", branches);
}

/* What a stranger's form demands that cannot be said in words is left out: the form gets wider, and the
 * whole one is checked before a call. */
static void reduce_values(json_t *reduced, const char *name, json_t *value, bool descriptions)
{
    json_auto_t *values = strcmp(name, "const") == 0 ? json_pack("[O]", value) : json_incref(value);
    bool listed = strcmp(name, "const") == 0 || strcmp(name, "enum") == 0;
    if (listed && (descriptions || is_plain(values)))
        json_object_set(reduced, "enum", values);
    else if (strcmp(name, "required") == 0)
        json_object_set_new(reduced, name, descriptions ? json_incref(value) : words_of(value));
}

static void reduce_key(json_t *reduced, const char *name, json_t *value, bool descriptions,
                       int depth)
{
    static const char *const plain[] = {"minItems", "maxItems", "minimum", "maximum", NULL};
    static const char *const words[] = {"title", "description", NULL};
    static const char *const lists[] = {"anyOf", "prefixItems", NULL};
    if (among(name, plain) || (descriptions && among(name, words)) ||
        (strcmp(name, "type") == 0 && json_is_string(value)))
        json_object_set(reduced, name, value);
    else if (among(name, lists) && json_is_array(value))
        json_object_set_new(reduced, name, reduce_list(value, descriptions, depth));
    else if (strcmp(name, "oneOf") == 0 && json_is_array(value) &&
             json_object_get(reduced, "anyOf") == NULL)
        /* Branches that were made wider may fit together. */
        json_object_set_new(reduced, "anyOf", reduce_list(value, descriptions, depth));
    else if (strcmp(name, "properties") == 0 && json_is_object(value))
        json_object_set_new(reduced, name, reduce_properties(value, descriptions, depth));
    else if (strcmp(name, "items") == 0 && json_is_object(value))
        json_object_set_new(reduced, name, reduce(value, descriptions, depth));
    else if (strcmp(name, "additionalProperties") == 0)
        json_object_set_new(reduced, name,
                            json_is_object(value) ? reduce(value, descriptions, depth)
                                                  : json_incref(value));
    else
        reduce_values(reduced, name, value, descriptions);
}

static json_t *reduce(json_t *schema, bool descriptions, int depth)
{
    json_t *reduced = json_object();
    if (depth >= DEPTH_MAX)
        return reduced;
    void *at = json_object_iter(schema);
    for (; at != NULL; at = json_object_iter_next(schema, at))
        reduce_key(reduced, json_object_iter_key(at), json_object_iter_value(at), descriptions,
                   depth + 1);
    const json_t *types = json_object_get(schema, "type");
    if (json_array_size(types) > 0 && json_object_get(reduced, "anyOf") == NULL)
        split_types(reduced, types);
    return reduced;
}

json_t *mw_schema_reduce(json_t *schema, bool descriptions)
{
    return reduce(schema, descriptions, 0);
}
