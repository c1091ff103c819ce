/* SPDX-License-Identifier: Apache-2.0 */
/* A message as lines of a terminal, for 80 columns and down to 40. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "midwatch/message.h"
#include "terminal.h"

#define INDENT        3    /* of what stands below a headline */
#define HANG          2    /* of a paragraph's further lines */
#define BAR           "┊ " /* before the words of others */
#define BAR_WIDTH     2
#define STRING_MAX    4096
#define TABLE_COLUMNS 4
#define TABLE_GAP     2
#define COLUMNS_MIN   20

struct brush {
    TALLOC_CTX *memory; /* for what is needed while painting */
    struct mw_terminal_picture *picture;
    size_t columns; /* without the prefix */
    size_t indent;
    const char *prefix; /* of each line: "I42 │ " in a thread */
    const char *state;
    bool colour;
};

/* ---- parts and lines ---- */

static void begin_part(struct brush *brush, bool vital)
{
    struct mw_terminal_picture *picture = brush->picture;
    struct mw_terminal_part *grown =
        talloc_realloc(picture, picture->parts, struct mw_terminal_part, picture->count + 1);
    if (grown == NULL) {
        return;
    }
    picture->parts = grown;
    picture->parts[picture->count++] = (struct mw_terminal_part){talloc_strdup(picture, ""), vital};
}

static void put_line(struct brush *brush, const char *before, const char *text, const char *after)
{
    struct mw_terminal_picture *picture = brush->picture;
    if (picture->count == 0) {
        return;
    }
    struct mw_terminal_part *part = &picture->parts[picture->count - 1];
    part->text =
        talloc_asprintf_append(part->text, "%s%s%s%s\n", brush->prefix, before, text, after);
}

/* Whatever came through the contract clean is cleaned once more: this is the last door before a real
 * terminal. */
static char *clean(const struct brush *brush, const json_t *string)
{
    const char *text = json_string_value(string);
    return text != NULL ? mw_text_clean(brush->memory, text, json_string_length(string), STRING_MAX)
                        : talloc_strdup(brush->memory, "");
}

static char *clean_key(const struct brush *brush, const json_t *object, const char *key)
{
    return clean(brush, json_object_get(object, key));
}

static char *spaces(const struct brush *brush, size_t count)
{
    return talloc_asprintf(brush->memory, "%*s", (int)count, "");
}

/* Wrapped below the indent; further lines are set in by `hang` more: a line of ours begins at a margin, and no
 * words of others may come to stand there. */
static void put_wrapped(struct brush *brush, const char *text, size_t indent, size_t hang)
{
    if (text == NULL || *text == '\0') {
        return;
    }
    char **lines = mw_text_wrap(brush->memory, text, brush->columns - indent, hang);
    const char *margin = spaces(brush, indent);
    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        put_line(brush, margin, lines[i], "");
    }
}

/* ---- blocks ---- */

static const char *colour_of(const struct brush *brush)
{
    if (!brush->colour) {
        return "";
    }
    static const struct {
        const char *state, *colour;
    } colours[] = {{MW_STATE_FIRING, "\x1b[1;31m"},
                   {MW_STATE_RUNNING, "\x1b[1;33m"},
                   {MW_STATE_RECOVERED, "\x1b[1;32m"},
                   {MW_STATE_CLOSED, "\x1b[1m"}};
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(brush->state, colours[i].state) == 0) {
            return colours[i].colour;
        }
    }
    return "\x1b[1m";
}

static void paint_headline(struct brush *brush, const json_t *block)
{
    /* Only the message's first headline bears its state. */
    const char *mark = brush->picture->count <= 1 ? mw_message_mark(brush->state) : "";
    char *text = talloc_asprintf(brush->memory, "%s%s%s", mark, *mark != '\0' ? " " : "",
                                 clean_key(brush, block, "text"));
    char **lines = mw_text_wrap(brush->memory, text, brush->columns, INDENT + HANG);
    const char *colour = colour_of(brush);
    begin_part(brush, true);
    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        put_line(brush, colour, lines[i], *colour != '\0' ? "\x1b[0m" : "");
    }
    brush->indent = INDENT;
}

static void paint_text(struct brush *brush, const json_t *block, bool vital)
{
    begin_part(brush, vital);
    put_wrapped(brush, clean_key(brush, block, "text"), brush->indent, HANG);
}

static void paint_notes(struct brush *brush, const json_t *block)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(block, "items"), i, item)
    {
        begin_part(brush, false);
        put_wrapped(brush, clean(brush, item), brush->indent, HANG);
    }
}

static void paint_quote(struct brush *brush, const json_t *block)
{
    const char *margin = talloc_asprintf(brush->memory, "%*s" BAR, (int)brush->indent, "");
    size_t i, room = brush->columns - brush->indent - BAR_WIDTH;
    json_t *item;
    json_array_foreach(json_object_get(block, "items"), i, item)
    {
        char **lines = mw_text_wrap(brush->memory, clean(brush, item), room, 0);
        begin_part(brush, false);
        for (size_t l = 0; lines != NULL && lines[l] != NULL; l++) {
            put_line(brush, margin, lines[l], "");
        }
    }
}

/* Verbatim, so cut rather than wrapped: a log line is known by how it begins. */
static void paint_log(struct brush *brush, const json_t *block)
{
    const char *margin = talloc_asprintf(brush->memory, "%*s" BAR, (int)brush->indent, "");
    size_t i, room = brush->columns - brush->indent - BAR_WIDTH;
    json_t *line;
    json_array_foreach(json_object_get(block, "lines"), i, line)
    {
        json_int_t times = json_integer_value(json_object_get(line, "times"));
        char *count = times > 1 ? talloc_asprintf(brush->memory, "  ×%lld", (long long)times)
                                : talloc_strdup(brush->memory, "");
        size_t width = mw_text_width(count);
        char *text = mw_text_fit(brush->memory, clean_key(brush, line, "text"),
                                 room > width ? room - width : 1);
        begin_part(brush, false);
        put_line(brush, margin, text, count);
    }
}

static const char *step_mark(const char *state)
{
    static const struct {
        const char *state, *mark;
    } marks[] = {{"planned", "·"}, {"started", "▶"}, {"done", "✓"},  {"failed", "✗"},
                 {"unknown", "?"}, {"skipped", "–"}, {"undone", "↶"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcmp(state, marks[i].state) == 0) {
            return marks[i].mark;
        }
    }
    return "";
}

static void paint_steps(struct brush *brush, const json_t *block)
{
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(block, "items"), i, step)
    {
        const char *mark = step_mark(clean_key(brush, step, "state"));
        const char *detail = clean_key(brush, step, "detail");
        const char *risk = clean_key(brush, step, "risk");
        char *text = talloc_asprintf(brush->memory, "%zu. %s%s%s%s%s%s%s%s", i + 1, mark,
                                     *mark != '\0' ? " " : "", clean_key(brush, step, "title"),
                                     *detail != '\0' ? ": " : "", detail,
                                     *risk != '\0' ? "  [" : "", risk, *risk != '\0' ? "]" : "");
        begin_part(brush, false);
        put_wrapped(brush, text, brush->indent, 3);
    }
}

/* ---- tables ---- */

static bool is_numeric(const char *cell)
{
    return (*cell >= '0' && *cell <= '9') || *cell == '-' || strncmp(cell, "–", 3) == 0;
}

static const char *cell_at(const struct brush *brush, const json_t *row, size_t column)
{
    return clean(brush, json_array_get(row, column));
}

/* Columns as wide as their widest cell; the widest gives way where the line is too narrow. */
static void measure_table(const struct brush *brush, const json_t *block, size_t columns,
                          size_t widths[], bool numeric[])
{
    const json_t *head = json_object_get(block, "columns"), *rows = json_object_get(block, "rows");
    size_t i;
    json_t *row;
    for (size_t c = 0; c < columns; c++) {
        widths[c] = mw_text_width(cell_at(brush, head, c));
        numeric[c] = c > 0 && json_array_size(rows) > 0;
        json_array_foreach(rows, i, row)
        {
            const char *cell = cell_at(brush, row, c);
            size_t width = mw_text_width(cell);
            widths[c] = width > widths[c] ? width : widths[c];
            numeric[c] = numeric[c] && is_numeric(cell);
        }
    }
    size_t room = brush->columns - brush->indent - TABLE_GAP * (columns - 1);
    for (;;) {
        size_t total = 0, widest = 0;
        for (size_t c = 0; c < columns; c++) {
            total += widths[c];
            widest = widths[c] > widths[widest] ? c : widest;
        }
        if (total <= room || widths[widest] <= 1) {
            return;
        }
        size_t over = total - room;
        widths[widest] -= over < widths[widest] / 2 ? over : widths[widest] / 2;
    }
}

static void paint_row(struct brush *brush, const json_t *row, size_t columns, const size_t widths[],
                      const bool numeric[])
{
    char *line = talloc_strdup(brush->memory, "");
    for (size_t c = 0; c < columns; c++) {
        const char *cell = cell_at(brush, row, c);
        bool last = c + 1 == columns;
        cell = last && !numeric[c] ? mw_text_fit(brush->memory, cell, widths[c])
                                   : mw_text_pad(brush->memory, cell, widths[c], numeric[c]);
        line = talloc_asprintf_append(line, "%s%s", cell, last ? "" : "  ");
    }
    begin_part(brush, false);
    put_line(brush, spaces(brush, brush->indent), line, "");
}

static void paint_table(struct brush *brush, const json_t *block)
{
    const json_t *head = json_object_get(block, "columns");
    size_t columns = json_array_size(head), widths[TABLE_COLUMNS];
    bool numeric[TABLE_COLUMNS];
    if (columns == 0) {
        return;
    }
    columns = columns > TABLE_COLUMNS ? TABLE_COLUMNS : columns;
    measure_table(brush, block, columns, widths, numeric);
    paint_row(brush, head, columns, widths, numeric);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(block, "rows"), i, row)
    {
        paint_row(brush, row, columns, widths, numeric);
    }
}

static void paint_block(struct brush *brush, const json_t *block)
{
    const char *type = clean_key(brush, block, "type");
    if (strcmp(type, "headline") == 0) {
        paint_headline(brush, block);
    } else if (strcmp(type, "text") == 0) {
        paint_text(brush, block, false);
    } else if (strcmp(type, "wait") == 0) {
        paint_text(brush, block, true);
    } else if (strcmp(type, "notes") == 0) {
        paint_notes(brush, block);
    } else if (strcmp(type, "quote") == 0) {
        paint_quote(brush, block);
    } else if (strcmp(type, "log") == 0) {
        paint_log(brush, block);
    } else if (strcmp(type, "steps") == 0) {
        paint_steps(brush, block);
    } else if (strcmp(type, "table") == 0) {
        paint_table(brush, block);
    }
}

/* ---- the whole ---- */

/* A line that sets a card off from what stands before it. */
static void paint_rule(struct brush *brush, const char *incident)
{
    char *line = talloc_asprintf(brush->memory, "── %s ", incident);
    size_t width = line != NULL ? mw_text_width(line) : brush->columns;
    for (; width < brush->columns; width++) {
        line = talloc_strdup_append(line, "─");
    }
    begin_part(brush, false);
    put_line(brush, "", line != NULL ? line : "", "");
}

struct mw_terminal_picture *mw_terminal_paint(TALLOC_CTX *memory, const json_t *message,
                                              const struct mw_terminal_look *look)
{
    struct mw_terminal_picture *picture = talloc_zero(memory, struct mw_terminal_picture);
    TALLOC_CTX *scratch = talloc_new(picture);
    if (scratch == NULL) {
        return NULL;
    }
    struct brush brush = {.memory = scratch,
                          .picture = picture,
                          .columns = look->columns,
                          .prefix = "",
                          .colour = look->colour};
    const char *incident = mw_text_fit(scratch, clean_key(&brush, message, "incident"), 10);
    const char *slot = clean_key(&brush, message, "slot");
    brush.state = clean_key(&brush, message, "state");
    if (strcmp(slot, "card") == 0) {
        paint_rule(&brush, incident);
    } else if (*slot != '\0') {
        brush.prefix = talloc_asprintf(scratch, "%s │ ", incident);
        brush.columns -= mw_text_width(brush.prefix);
    }
    brush.columns = brush.columns < COLUMNS_MIN ? COLUMNS_MIN : brush.columns;
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(message, "blocks"), i, block)
    {
        paint_block(&brush, block);
    }
    talloc_free(scratch);
    return picture;
}

char *mw_terminal_text(TALLOC_CTX *memory, const struct mw_terminal_picture *picture)
{
    char *text = talloc_strdup(memory, "");
    for (size_t i = 0; i < picture->count; i++) {
        text = talloc_strdup_append_buffer(text, picture->parts[i].text);
    }
    return text;
}

static bool has_part(const struct mw_terminal_picture *picture, const char *text)
{
    for (size_t i = 0; i < picture->count; i++) {
        if (strcmp(picture->parts[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

char *mw_terminal_changes(TALLOC_CTX *memory, const struct mw_terminal_picture *picture,
                          const struct mw_terminal_picture *older)
{
    char *text = talloc_strdup(memory, "");
    for (size_t i = 0; i < picture->count; i++) {
        if (!has_part(older, picture->parts[i].text)) {
            text = talloc_strdup_append_buffer(text, picture->parts[i].text);
        }
    }
    return text;
}

bool mw_terminal_differs(const struct mw_terminal_picture *picture,
                         const struct mw_terminal_picture *older)
{
    size_t vital = 0, old_vital = 0;
    for (size_t i = 0; i < older->count; i++) {
        old_vital += older->parts[i].vital;
    }
    for (size_t i = 0; i < picture->count; i++) {
        vital += picture->parts[i].vital;
        if (picture->parts[i].vital && !has_part(older, picture->parts[i].text)) {
            return true;
        }
    }
    return vital != old_vital;
}
