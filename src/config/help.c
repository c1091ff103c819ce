/* SPDX-License-Identifier: Apache-2.0 */

#include "base/buffer.h"
#include "config/values.h"

#define HELP_MAX (1024 * 1024)

static const char *type_word(const struct mw_option *option)
{
    switch (option->type) {
    case MW_OPTION_BOOL:
        return "true or false";
    case MW_OPTION_INTEGER:
        return "whole number";
    case MW_OPTION_NUMBER:
        return "number";
    case MW_OPTION_TEXT:
        return "text";
    case MW_OPTION_CHOICE:
        return "one of";
    case MW_OPTION_DURATION:
        return "duration";
    case MW_OPTION_SIZE:
        return "size";
    case MW_OPTION_PATH:
        return "path";
    case MW_OPTION_TEXT_LIST:
        return "list of texts";
    case MW_OPTION_THRESHOLDS:
        return "thresholds";
    case MW_OPTION_SECTION:
        return "section";
    case MW_OPTION_SECTIONS:
        return "list of sections";
    }
    return "value";
}

static void append_type(struct mw_buffer *buffer, const struct mw_option *option)
{
    mw_buffer_append_text(buffer, type_word(option));
    for (size_t i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
        mw_buffer_append_format(buffer, "%s `%s`", i > 0 ? "," : "", option->choices[i]);
    }
    char *bounds = mw_value_bounds(NULL, option);
    if (bounds != NULL) {
        mw_buffer_append_format(buffer, ", %s", bounds);
    }
    talloc_free(bounds);
}

/* A bar would end the cell. */
static void append_cell(struct mw_buffer *buffer, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            mw_buffer_append(buffer, "\\", 1);
        }
        mw_buffer_append(buffer, text, 1);
    }
}

static void append_row(struct mw_buffer *buffer, const struct mw_option *option, const char *prefix)
{
    static const struct {
        unsigned flag;
        const char *says;
    } notes[] = {
        {MW_OPTION_SECRET, "secret"},
        {MW_OPTION_RELOADABLE, "reloadable"},
        {MW_OPTION_NEXT, "not in this version"},
    };
    mw_buffer_append_format(buffer, "| `%s%s` | ", prefix, option->name);
    append_type(buffer, option);
    mw_buffer_append_text(buffer, " | ");
    if ((option->flags & MW_OPTION_REQUIRED) != 0) {
        mw_buffer_append_text(buffer, "required");
    } else if (option->fallback != NULL) {
        mw_buffer_append_format(buffer, "`%s`", option->fallback);
    }
    mw_buffer_append_text(buffer, " | ");
    append_cell(buffer, option->help != NULL ? option->help : "");
    const char *between = " (";
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if ((option->flags & notes[i].flag) != 0) {
            mw_buffer_append_format(buffer, "%s%s", between, notes[i].says);
            between = ", ";
        }
    }
    mw_buffer_append_text(buffer, *between == ',' ? ") |\n" : " |\n");
}

static void append_rows(struct mw_buffer *buffer, const struct mw_option *table, const char *prefix)
{
    for (; table->name != NULL; table++) {
        append_row(buffer, table, prefix);
        if (table->children != NULL) {
            char *inner = talloc_asprintf(NULL, "%s%s%s.", prefix, table->name,
                                          table->type == MW_OPTION_SECTIONS ? "[]" : "");
            append_rows(buffer, table->children, inner != NULL ? inner : prefix);
            talloc_free(inner);
        }
    }
}

char *mw_options_help(TALLOC_CTX *memory, const struct mw_option *table, const char *prefix)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, HELP_MAX);
    append_rows(&buffer, table, prefix != NULL ? prefix : "");
    return mw_buffer_take(&buffer);
}
