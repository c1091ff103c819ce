/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/paper.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/redact.h"
#include "midwatch/message.h"

#define SUMMARY_BYTES_MAX 300
#define LOG_BYTES_MAX     400

char *mw_paper_clean(TALLOC_CTX *memory, const char *text, size_t limit)
{
    if (text == NULL) {
        return talloc_strdup(memory, "");
    }
    return mw_redact_line(memory, text, strlen(text), limit);
}

static json_t *clean_string(struct mw_paper *paper, const char *text, size_t limit)
{
    char *clean = mw_paper_clean(paper->memory, text, limit);
    json_t *string = json_string(clean != NULL ? clean : "");
    talloc_free(clean);
    return string;
}

void mw_paper_begin(struct mw_paper *paper, TALLOC_CTX *memory, const char *state, int64_t incident,
                    const char *slot)
{
    *paper = (struct mw_paper){.memory = memory, .message = json_object(), .blocks = json_array()};
    json_object_set_new(paper->message, "state", json_string(state));
    if (incident > 0) {
        json_object_set_new(paper->message, "incident", json_sprintf("I%" PRId64, incident));
    }
    if (slot != NULL) {
        json_object_set_new(paper->message, "slot", json_string(slot));
    }
    json_object_set_new(paper->message, "blocks", json_incref(paper->blocks));
}

static const char *first_text(const json_t *blocks)
{
    size_t i;
    json_t *block;
    json_array_foreach(blocks, i, block)
    {
        const char *text = json_string_value(json_object_get(block, "text"));
        if (text != NULL) {
            return text;
        }
    }
    return "midwatch";
}

/* Drops what stands last until the rest fits, and says so. */
static void fit(struct mw_paper *paper)
{
    bool cut = false;
    while (json_array_size(paper->blocks) > 1 &&
           json_dumpb(paper->message, NULL, 0, JSON_COMPACT) > MW_PAPER_BYTES_MAX - 200) {
        json_array_remove(paper->blocks, json_array_size(paper->blocks) - 1);
        cut = true;
    }
    if (cut) {
        mw_paper_text(paper, "The rest is too long for a message.");
    }
}

json_t *mw_paper_end(struct mw_paper *paper)
{
    if (json_object_get(paper->message, "summary") == NULL) {
        mw_paper_summary(paper, "%s", first_text(paper->blocks));
    }
    fit(paper);
    json_decref(paper->blocks);
    json_t *message = paper->message;
    *paper = (struct mw_paper){0};
    return message;
}

static json_t *formatted(struct mw_paper *paper, size_t limit, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));

static json_t *formatted(struct mw_paper *paper, size_t limit, const char *format, va_list list)
{
    char *text = talloc_vasprintf(paper->memory, format, list);
    json_t *string = clean_string(paper, text, limit);
    talloc_free(text);
    return string;
}

void mw_paper_summary(struct mw_paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    json_object_set_new(paper->message, "summary",
                        formatted(paper, SUMMARY_BYTES_MAX, format, list));
    va_end(list);
}

static void add_block(struct mw_paper *paper, json_t *block)
{
    json_array_append_new(paper->blocks, block);
    paper->open = NULL;
    paper->open_type = NULL;
}

/* The same for a block that grows by the list under `key`. */
static void add_open_block(struct mw_paper *paper, const char *type, const char *key, json_t *block)
{
    add_block(paper, block);
    json_t *last = json_array_get(paper->blocks, json_array_size(paper->blocks) - 1);
    paper->open = json_object_get(last, key);
    paper->open_type = type;
}

static void add_text(struct mw_paper *paper, const char *type, json_t *text)
{
    add_block(paper, json_pack("{s:s, s:o}", "type", type, "text", text));
}

void mw_paper_headline(struct mw_paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_text(paper, "headline", formatted(paper, MW_PAPER_STRING_MAX, format, list));
    va_end(list);
}

void mw_paper_text(struct mw_paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_text(paper, "text", formatted(paper, MW_PAPER_STRING_MAX, format, list));
    va_end(list);
}

void mw_paper_wait(struct mw_paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_text(paper, "wait", formatted(paper, MW_PAPER_STRING_MAX, format, list));
    va_end(list);
}

/* The list that a block of this type keeps its parts in; begins one where none stands last. */
static json_t *open_list(struct mw_paper *paper, const char *type, const char *key)
{
    if (paper->open == NULL || strcmp(paper->open_type, type) != 0) {
        add_open_block(paper, type, key, json_pack("{s:s, s:[]}", "type", type, key));
    }
    return paper->open;
}

void mw_paper_note(struct mw_paper *paper, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    json_t *text = formatted(paper, MW_PAPER_STRING_MAX, format, list);
    va_end(list);
    json_array_append_new(open_list(paper, "notes", "items"), text);
}

void mw_paper_quote(struct mw_paper *paper, const char *words)
{
    json_t *text = clean_string(paper, words, MW_PAPER_STRING_MAX);
    json_array_append_new(open_list(paper, "quote", "items"), text);
}

void mw_paper_log(struct mw_paper *paper, const char *line, int times)
{
    json_t *text = clean_string(paper, line, LOG_BYTES_MAX);
    json_array_append_new(open_list(paper, "log", "lines"),
                          json_pack("{s:o, s:i}", "text", text, "times", times));
}

void mw_paper_step(struct mw_paper *paper, const char *title, const char *detail, const char *risk,
                   const char *state)
{
    json_t *item = json_object();
    json_object_set_new(item, "title", clean_string(paper, title, 200));
    if (detail != NULL && *detail != '\0') {
        json_object_set_new(item, "detail", clean_string(paper, detail, MW_PAPER_STRING_MAX));
    }
    if (risk != NULL) {
        json_object_set_new(item, "risk", clean_string(paper, risk, 200));
    }
    if (state != NULL) {
        json_object_set_new(item, "state", json_string(state));
    }
    json_array_append_new(open_list(paper, "steps", "items"), item);
}

static json_t *cells(struct mw_paper *paper, const char *first, const char *second,
                     const char *third)
{
    json_t *row = json_array();
    json_array_append_new(row, clean_string(paper, first, 200));
    json_array_append_new(row, clean_string(paper, second, 200));
    if (third != NULL) {
        json_array_append_new(row, clean_string(paper, third, 200));
    }
    return row;
}

void mw_paper_table(struct mw_paper *paper, const char *first, const char *second,
                    const char *third)
{
    add_open_block(paper, "table", "rows",
                   json_pack("{s:s, s:o, s:[]}", "type", "table", "columns",
                             cells(paper, first, second, third), "rows"));
}

void mw_paper_row(struct mw_paper *paper, const char *first, const char *second, const char *third)
{
    if (paper->open != NULL && strcmp(paper->open_type, "table") == 0) {
        json_array_append_new(paper->open, cells(paper, first, second, third));
    }
}

static json_t *list_of(struct mw_paper *paper, const char *key)
{
    json_t *list = json_object_get(paper->message, key);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(paper->message, key, list);
    }
    return list;
}

void mw_paper_reaction(struct mw_paper *paper, const char *emoji)
{
    json_array_append_new(list_of(paper, "reactions"), json_string(emoji));
}

void mw_paper_action(struct mw_paper *paper, const char *id, const char *label, const char *value)
{
    json_array_append_new(list_of(paper, "actions"),
                          json_pack("{s:s, s:s, s:o}", "id", id, "label", label, "value",
                                    clean_string(paper, value, 200)));
}

void mw_paper_broadcast(struct mw_paper *paper)
{
    json_object_set_new(paper->message, "broadcast", json_true());
}

json_t *mw_paper_sentence(TALLOC_CTX *memory, const char *format, ...)
{
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    va_list list;
    va_start(list, format);
    add_text(&paper, "text", formatted(&paper, MW_PAPER_STRING_MAX, format, list));
    va_end(list);
    return mw_paper_end(&paper);
}
