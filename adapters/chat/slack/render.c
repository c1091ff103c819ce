/* SPDX-License-Identifier: Apache-2.0 */
/* A message in Block Kit. Limits are in characters; bytes are never fewer. */
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "midwatch/message.h"
#include "slack.h"

#define BLOCKS_MAX   48
#define SECTION_MAX  2900
#define ALL_MAX      9000 /* Slack refuses a message somewhere above 9,500 */
#define SUMMARY_MAX  2900
#define BUTTON_MAX   70
#define VALUE_MAX    1900
#define ACTIONS_MAX  20
#define COLUMNS_MAX  40
#define CELLS_MAX    3
#define PLAIN_MAX    ((size_t)(64 * 1024))
#define ANSWER_TABLE 80

struct sheet {
    TALLOC_CTX *memory;
    const char *mark; /* before a headline */
    json_t *blocks;
    size_t bytes;
    bool cut;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- blocks ---- */

static json_t *mrkdwn(const char *text)
{
    /* Verbatim: what looks like an address or a name becomes no link. */
    return json_pack("{s:s, s:s, s:b}", "type", "mrkdwn", "text", text, "verbatim", 1);
}

static json_t *plain(const char *text)
{
    return json_pack("{s:s, s:s, s:b}", "type", "plain_text", "text", text, "emoji", 1);
}

/* Whether there is room for that much more. */
static bool has_room(struct sheet *sheet, size_t bytes)
{
    bool room = !sheet->cut && sheet->bytes + bytes <= ALL_MAX &&
                json_array_size(sheet->blocks) < BLOCKS_MAX;
    sheet->cut = sheet->cut || !room;
    return room;
}

/* Text that is escaped already. */
static void add_section(struct sheet *sheet, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length > 0 && has_room(sheet, length)) {
        sheet->bytes += length;
        json_array_append_new(sheet->blocks,
                              json_pack("{s:s, s:o}", "type", "section", "text", mrkdwn(text)));
    }
}

static void add_context(struct sheet *sheet, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length > 0 && has_room(sheet, length)) {
        sheet->bytes += length;
        json_array_append_new(
            sheet->blocks, json_pack("{s:s, s:[o]}", "type", "context", "elements", mrkdwn(text)));
    }
}

static void add_code(struct sheet *sheet, struct mw_buffer *lines)
{
    const char *text = mw_buffer_take(lines);
    if (text != NULL && *text != '\0') {
        add_section(sheet, talloc_asprintf(sheet->memory, "```%s```", text));
    }
}

static char *escaped(const struct sheet *sheet, const char *text)
{
    return mw_slack_escape(sheet->memory, text, SECTION_MAX - 10);
}

static void write_headline(struct sheet *sheet, const char *text)
{
    char *safe = escaped(sheet, text);
    /* An asterisk in it would end the bold. */
    const char *bold = safe != NULL && *safe != '\0' && strchr(safe, '*') == NULL ? "*" : "";
    add_section(sheet, talloc_asprintf(sheet->memory, "%s%s%s%s%s", sheet->mark,
                                       *sheet->mark != '\0' ? " " : "", bold, safe, bold));
}

static void write_notes(struct sheet *sheet, const json_t *items)
{
    char *lines = talloc_strdup(sheet->memory, "");
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const char *line =
            escaped(sheet, json_string_value(item) != NULL ? json_string_value(item) : "");
        if (*lines != '\0' && strlen(lines) + strlen(line) + 1 > SECTION_MAX) {
            add_context(sheet, lines);
            lines = talloc_strdup(sheet->memory, "");
        }
        lines = talloc_asprintf_append(lines, "%s%s", *lines != '\0' ? "\n" : "", line);
    }
    add_context(sheet, lines);
}

static void begin_code(const struct sheet *sheet, struct mw_buffer *buffer)
{
    mw_buffer_init(buffer, sheet->memory, PLAIN_MAX);
    mw_buffer_append_text(buffer, "");
}

/* A line of code; what does not fit into this block begins the next. */
static void add_code_line(struct sheet *sheet, struct mw_buffer *buffer, const char *line)
{
    if (buffer->length > 0 && buffer->length + strlen(line) + 1 > SECTION_MAX - 6) {
        add_code(sheet, buffer);
        begin_code(sheet, buffer);
    }
    mw_buffer_append_format(buffer, "%s%s", buffer->length > 0 ? "\n" : "", line);
}

static void write_log(struct sheet *sheet, const json_t *lines)
{
    struct mw_buffer buffer;
    size_t i;
    json_t *line;
    begin_code(sheet, &buffer);
    json_array_foreach(lines, i, line)
    {
        const char *text = mw_slack_escape_code(sheet->memory, text_of(line, "text"), 1000);
        long long times = json_integer_value(json_object_get(line, "times"));
        add_code_line(sheet, &buffer,
                      times > 1 ? talloc_asprintf(sheet->memory, "%s ×%lld", text, times) : text);
    }
    add_code(sheet, &buffer);
}

static const char *state_mark(const char *state)
{
    return strcmp(state, "running") == 0                                      ? "▶ "
           : strcmp(state, "done") == 0                                       ? "✓ "
           : strcmp(state, "failed") == 0 || strcmp(state, "refused") == 0    ? "✗ "
           : strcmp(state, "unknown") == 0                                    ? "? "
           : strcmp(state, "skipped") == 0 || strcmp(state, "cancelled") == 0 ? "– "
                                                                              : "";
}

static void write_steps(struct sheet *sheet, const json_t *items)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const char *title = mw_slack_escape(sheet->memory, text_of(item, "title"), 300);
        const char *detail = mw_slack_escape(sheet->memory, text_of(item, "detail"), 2000);
        const char *risk = mw_slack_escape(sheet->memory, text_of(item, "risk"), 300);
        char *text = talloc_asprintf(sheet->memory, "%zu. %s*%s*", i + 1,
                                     state_mark(text_of(item, "state")), title);
        if (*detail != '\0') {
            text = talloc_asprintf_append(text, ": %s", detail);
        }
        if (*risk != '\0') {
            text = talloc_asprintf_append(text, "  _%s_", risk);
        }
        add_section(sheet, text);
    }
}

/* The words of others stand behind a bar, so that they cannot pass for ours. */
static void write_quote(struct sheet *sheet, const json_t *items)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const char *text = json_string_value(item);
        if (text != NULL) {
            add_section(sheet, talloc_asprintf(sheet->memory, "> %s", escaped(sheet, text)));
        }
    }
}

/* ---- tables ---- */

static const char *cell_of(const json_t *row, size_t column)
{
    const char *text = json_string_value(json_array_get(row, column));
    return text != NULL ? text : "";
}

static void measure(const json_t *row, size_t widths[CELLS_MAX])
{
    for (size_t i = 0; i < CELLS_MAX; i++) {
        size_t width = mw_text_width(cell_of(row, i));
        widths[i] = width > widths[i] ? width : widths[i];
    }
}

static char *draw_row(TALLOC_CTX *memory, const json_t *row, const size_t widths[CELLS_MAX])
{
    char *line = talloc_strdup(memory, "");
    size_t last = json_array_size(row) < CELLS_MAX ? json_array_size(row) : CELLS_MAX;
    for (size_t i = 0; i < last; i++) {
        const char *cell =
            i + 1 < last ? mw_text_pad(memory, cell_of(row, i), widths[i], false) : cell_of(row, i);
        line = talloc_asprintf_append(line, "%s%s", i > 0 ? "  " : "", cell);
    }
    return line;
}

/* The last column may be as wide as it is; the others keep a table readable on a phone. */
static void fit_widths(size_t widths[CELLS_MAX])
{
    for (size_t i = 0; i < CELLS_MAX - 1; i++) {
        widths[i] = widths[i] > COLUMNS_MAX / 2 ? COLUMNS_MAX / 2 : widths[i];
    }
}

static char **draw_table(TALLOC_CTX *memory, const json_t *block)
{
    const json_t *rows = json_object_get(block, "rows");
    const json_t *head = json_object_get(block, "columns");
    size_t widths[CELLS_MAX] = {0}, i, count = 0;
    json_t *row;
    char **lines = talloc_zero_array(memory, char *, json_array_size(rows) + 2);
    measure(head, widths);
    json_array_foreach(rows, i, row)
    {
        measure(row, widths);
    }
    fit_widths(widths);
    bool headed = false;
    for (size_t column = 0; column < CELLS_MAX; column++) {
        headed = headed || *cell_of(head, column) != '\0';
    }
    if (headed) {
        lines[count++] = draw_row(memory, head, widths);
    }
    json_array_foreach(rows, i, row)
    {
        lines[count++] = draw_row(memory, row, widths);
    }
    return lines;
}

static void write_table(struct sheet *sheet, const json_t *block)
{
    struct mw_buffer buffer;
    begin_code(sheet, &buffer);
    for (char **line = draw_table(sheet->memory, block); *line != NULL; line++) {
        add_code_line(sheet, &buffer, mw_slack_escape_code(sheet->memory, *line, 1000));
    }
    add_code(sheet, &buffer);
}

/* ---- buttons ---- */

/* What an approval would do that cannot be taken back lightly. */
static const char *worst_risk(const json_t *message)
{
    const char *worst = NULL;
    size_t i, j;
    json_t *block, *item;
    json_array_foreach(json_object_get(message, "blocks"), i, block)
    {
        json_array_foreach(json_object_get(block, "items"), j, item)
        {
            const char *risk = text_of(item, "risk");
            if (strstr(risk, "destructive") != NULL) {
                return "destructive";
            }
            worst = strstr(risk, "disruptive") != NULL ? "disruptive" : worst;
        }
    }
    return worst;
}

static json_t *confirmation(const char *risk)
{
    bool destroys = strcmp(risk, "destructive") == 0;
    json_t *confirm = json_pack(
        "{s:o, s:o, s:o, s:o}", "title", plain("Approve this plan?"), "text",
        mrkdwn(destroys ? "One of its steps is destructive: data may be lost for good."
                        : "One of its steps is disruptive: who uses this now will notice it."),
        "confirm", plain("Approve"), "deny", plain("Not now"));
    if (destroys) {
        json_object_set_new(confirm, "style", json_string("danger"));
    }
    return confirm;
}

static json_t *button(const json_t *message, const json_t *action)
{
    const char *id = text_of(action, "id");
    const char *label = mw_slack_escape(NULL, text_of(action, "label"), BUTTON_MAX);
    json_t *made = json_pack("{s:s, s:s, s:o}", "type", "button", "action_id", id, "text",
                             plain(label != NULL && *label != '\0' ? label : "?"));
    const char *value = text_of(action, "value");
    if (*value != '\0' && strlen(value) <= VALUE_MAX) {
        json_object_set_new(made, "value", json_string(value));
    }
    const char *risk = strcmp(id, "midwatch_approve") == 0 ? worst_risk(message) : NULL;
    if (strcmp(id, "midwatch_approve") == 0) {
        json_object_set_new(made, "style", json_string("primary"));
    } else if (strcmp(id, "midwatch_reject") == 0 || strcmp(id, "midwatch_stop") == 0) {
        json_object_set_new(made, "style", json_string("danger"));
    }
    if (risk != NULL) {
        json_object_set_new(made, "confirm", confirmation(risk));
    }
    talloc_free((void *)(uintptr_t)label);
    return made;
}

static void write_actions(struct sheet *sheet, const json_t *message)
{
    const json_t *actions = json_object_get(message, "actions");
    json_t *elements = json_array();
    size_t i;
    json_t *action;
    json_array_foreach(actions, i, action)
    {
        if (i < ACTIONS_MAX) {
            json_array_append_new(elements, button(message, action));
        }
    }
    /* There is always room for these. */
    if (json_array_size(elements) > 0) {
        json_array_append_new(sheet->blocks,
                              json_pack("{s:s, s:o}", "type", "actions", "elements", elements));
    } else {
        json_decref(elements);
    }
}

/* ---- the whole ---- */

static void write_block(struct sheet *sheet, const json_t *block)
{
    const char *type = text_of(block, "type");
    if (strcmp(type, "headline") == 0) {
        write_headline(sheet, text_of(block, "text"));
    } else if (strcmp(type, "notes") == 0) {
        write_notes(sheet, json_object_get(block, "items"));
    } else if (strcmp(type, "quote") == 0) {
        write_quote(sheet, json_object_get(block, "items"));
    } else if (strcmp(type, "log") == 0) {
        write_log(sheet, json_object_get(block, "lines"));
    } else if (strcmp(type, "steps") == 0) {
        write_steps(sheet, json_object_get(block, "items"));
    } else if (strcmp(type, "table") == 0) {
        write_table(sheet, block);
    } else {
        add_section(sheet, escaped(sheet, text_of(block, "text")));
    }
}

void mw_slack_render(TALLOC_CTX *memory, const json_t *message, struct mw_slack_page *page)
{
    struct sheet sheet = {.memory = talloc_new(memory),
                          .mark = mw_message_mark(text_of(message, "state")),
                          .blocks = json_array()};
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(message, "blocks"), i, block)
    {
        write_block(&sheet, block);
    }
    if (sheet.cut) {
        json_array_append_new(sheet.blocks,
                              json_pack("{s:s, s:[o]}", "type", "context", "elements",
                                        mrkdwn("… there is more than Slack shows in a message")));
    }
    write_actions(&sheet, message);
    const char *summary = text_of(message, "summary");
    *page = (struct mw_slack_page){
        .text = mw_slack_escape(memory, *summary != '\0' ? summary : "midwatch", SUMMARY_MAX),
        .blocks = sheet.blocks,
        .cut = sheet.cut,
    };
    talloc_free(sheet.memory);
}

void mw_slack_page_finish(struct mw_slack_page *page)
{
    json_decref(page->blocks);
    page->blocks = NULL;
}
