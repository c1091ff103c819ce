/* SPDX-License-Identifier: Apache-2.0 */
/* A message as the lines of a text file. */
#include <string.h>

#include "base/buffer.h"
#include "slack.h"

#define FILE_MAX ((size_t)(1024 * 1024))

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void write_list(struct mw_buffer *out, const json_t *items)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const char *risk = text_of(item, "risk");
        if (json_is_string(item)) {
            mw_buffer_append_format(out, "%s\n", json_string_value(item));
        } else if (json_object_get(item, "times") != NULL) {
            mw_buffer_append_format(out, "%s  x%lld\n", text_of(item, "text"),
                                    (long long)json_integer_value(json_object_get(item, "times")));
        } else {
            mw_buffer_append_format(out, "%zu. %s: %s%s%s%s\n", i + 1, text_of(item, "title"),
                                    text_of(item, "detail"), *risk != '\0' ? "  [" : "", risk,
                                    *risk != '\0' ? "]" : "");
        }
    }
}

static void write_cells(struct mw_buffer *out, const json_t *row)
{
    size_t i;
    json_t *cell;
    json_array_foreach(row, i, cell)
    {
        const char *text = json_string_value(cell);
        mw_buffer_append_format(out, "%s%s", i > 0 ? "\t" : "", text != NULL ? text : "");
    }
    mw_buffer_append_text(out, "\n");
}

static void write_table(struct mw_buffer *out, const json_t *block)
{
    size_t i;
    json_t *row;
    write_cells(out, json_object_get(block, "columns"));
    json_array_foreach(json_object_get(block, "rows"), i, row)
    {
        write_cells(out, row);
    }
}

char *mw_slack_render_plain(TALLOC_CTX *memory, const json_t *message)
{
    struct mw_buffer out;
    size_t i;
    json_t *block;
    mw_buffer_init(&out, memory, FILE_MAX);
    mw_buffer_append_text(&out, "");
    json_array_foreach(json_object_get(message, "blocks"), i, block)
    {
        if (i > 0) {
            mw_buffer_append_text(&out, "\n");
        }
        if (json_object_get(block, "rows") != NULL) {
            write_table(&out, block);
        } else if (json_object_get(block, "text") != NULL) {
            mw_buffer_append_format(&out, "%s\n", text_of(block, "text"));
        } else {
            write_list(&out, json_object_get(block, "items"));
            write_list(&out, json_object_get(block, "lines"));
        }
    }
    return mw_buffer_take(&out);
}
