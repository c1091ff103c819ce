/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/sheet.h"

#include <stdarg.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"

#define PAGE_BYTES_MAX (16 * 1024 * 1024)
#define CELL_BYTES_MAX 400

/* No script, no picture, nothing from elsewhere: what slipped through would still do nothing. */
static const char html_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\""
    " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
static const char html_style[] =
    "</title>\n<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto;"
    " padding: 0 1em; color: #1c1c1c; background: #fff; }\n"
    "table { border-collapse: collapse; margin: 0 0 1.5em; display: block; overflow-x: auto; }\n"
    "th, td { text-align: left; padding: .3em .9em .3em 0; border-bottom: 1px solid #ddd;"
    " vertical-align: top; font-variant-numeric: tabular-nums; }\n"
    "h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }\n"
    "@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #161616; }"
    " th, td { border-color: #3a3a3a; } }\n"
    "</style>\n</head>\n<body>\n";

static const char *html_escape(char letter)
{
    switch (letter) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* What Markdown would take for more than text. Underscores inside words are text, and tools have them. */
static const char *markdown_escape(char letter)
{
    switch (letter) {
    case '\\':
        return "\\\\";
    case '`':
        return "\\`";
    case '*':
        return "\\*";
    case '[':
        return "\\[";
    case ']':
        return "\\]";
    case '<':
        return "\\<";
    case '|':
        return "\\|";
    default:
        return NULL;
    }
}

static char *escaped(struct mw_sheet *sheet, const char *text)
{
    char *clean = mw_redact_line(sheet->memory, text, strlen(text), CELL_BYTES_MAX);
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, sheet->memory, PAGE_BYTES_MAX);
    mw_buffer_append_text(&buffer, "");
    for (const char *at = clean; at != NULL && *at != '\0'; at++) {
        const char *instead = sheet->html ? html_escape(*at) : markdown_escape(*at);
        if (instead != NULL) {
            mw_buffer_append_text(&buffer, instead);
        } else {
            mw_buffer_append(&buffer, at, 1);
        }
    }
    char *result = clean != NULL ? mw_buffer_take(&buffer) : NULL;
    sheet->buffer.failed |= result == NULL;
    return result != NULL ? result : talloc_strdup(sheet->memory, "");
}

void mw_sheet_begin(struct mw_sheet *sheet, TALLOC_CTX *memory, bool html, const char *title)
{
    *sheet = (struct mw_sheet){.memory = talloc_new(memory), .html = html};
    mw_buffer_init(&sheet->buffer, memory, PAGE_BYTES_MAX);
    const char *text = escaped(sheet, title);
    if (html) {
        mw_buffer_append_format(&sheet->buffer, "%s%s%s<h1>%s</h1>\n", html_head, text, html_style,
                                text);
    } else {
        mw_buffer_append_format(&sheet->buffer, "# %s\n", text);
    }
}

void mw_sheet_heading(struct mw_sheet *sheet, const char *text)
{
    mw_buffer_append_format(&sheet->buffer, sheet->html ? "<h2>%s</h2>\n" : "\n## %s\n",
                            escaped(sheet, text));
}

void mw_sheet_text(struct mw_sheet *sheet, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = talloc_vasprintf(sheet->memory, format, list);
    va_end(list);
    mw_buffer_append_format(&sheet->buffer, sheet->html ? "<p>%s</p>\n" : "\n%s\n",
                            escaped(sheet, text != NULL ? text : ""));
}

/* ---- tables ---- */

void mw_sheet_row(struct mw_sheet *sheet, const char *const *cells)
{
    if (sheet->columns == 0) {
        while (sheet->columns < MW_SHEET_COLUMNS_MAX && cells[sheet->columns] != NULL) {
            sheet->widths[sheet->columns++] = 3;
        }
    }
    char **grown = talloc_realloc(sheet->memory, sheet->cells, char *,
                                  (sheet->row_count + 1) * sheet->columns);
    if (grown == NULL) {
        sheet->buffer.failed = true;
        return;
    }
    sheet->cells = grown;
    bool ended = false;
    for (size_t i = 0; i < sheet->columns; i++) {
        ended = ended || cells[i] == NULL;
        char *cell = escaped(sheet, ended ? "" : cells[i]);
        size_t width = mw_text_width(cell);
        sheet->widths[i] = width > sheet->widths[i] ? width : sheet->widths[i];
        grown[sheet->row_count * sheet->columns + i] = cell;
    }
    sheet->row_count++;
}

static void write_html_row(struct mw_sheet *sheet, char **cells, const char *tag)
{
    mw_buffer_append_text(&sheet->buffer, "<tr>");
    for (size_t i = 0; i < sheet->columns; i++) {
        mw_buffer_append_format(&sheet->buffer, "<%s>%s</%s>", tag, cells[i], tag);
    }
    mw_buffer_append_text(&sheet->buffer, "</tr>\n");
}

static void write_markdown_row(struct mw_sheet *sheet, char **cells)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        mw_buffer_append_format(&sheet->buffer, "| %s ",
                                mw_text_pad(sheet->memory, cells[i], sheet->widths[i], false));
    }
    mw_buffer_append_text(&sheet->buffer, "|\n");
}

static void write_rule(struct mw_sheet *sheet)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        mw_buffer_append_text(&sheet->buffer, "|");
        for (size_t j = 0; j < sheet->widths[i] + 2; j++) {
            mw_buffer_append(&sheet->buffer, "-", 1);
        }
    }
    mw_buffer_append_text(&sheet->buffer, "|\n");
}

void mw_sheet_table_end(struct mw_sheet *sheet)
{
    mw_buffer_append_text(&sheet->buffer, sheet->html ? "<table>\n" : "\n");
    for (size_t i = 0; i < sheet->row_count; i++) {
        char **cells = sheet->cells + i * sheet->columns;
        if (sheet->html) {
            write_html_row(sheet, cells, i == 0 ? "th" : "td");
            continue;
        }
        write_markdown_row(sheet, cells);
        if (i == 0) {
            write_rule(sheet);
        }
    }
    if (sheet->html) {
        mw_buffer_append_text(&sheet->buffer, "</table>\n");
    }
    TALLOC_FREE(sheet->cells);
    sheet->columns = sheet->row_count = 0;
}

char *mw_sheet_end(struct mw_sheet *sheet)
{
    if (sheet->html) {
        mw_buffer_append_text(&sheet->buffer, "</body>\n</html>\n");
    }
    TALLOC_FREE(sheet->memory);
    return mw_buffer_take(&sheet->buffer);
}
