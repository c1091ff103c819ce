/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a message (midwatch/message.h) block by block. Whatever text is handed in comes out clean,
 * masked and bounded, so that no caller has to think of it.
 */
#ifndef MIDWATCH_CONVERSE_PAPER_H
#define MIDWATCH_CONVERSE_PAPER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* The most bytes that a message has, and one string in it. */
#define MW_PAPER_BYTES_MAX  (32 * 1024)
#define MW_PAPER_STRING_MAX 1200

struct mw_paper {
    TALLOC_CTX *memory; /* for what is needed while writing */
    json_t *message;
    json_t *blocks;
    json_t *open; /* borrowed: the list that the last block grows by, or NULL */
    const char *open_type;
};

/* incident 0 and slot NULL: a plain answer. */
void mw_paper_begin(struct mw_paper *paper, TALLOC_CTX *memory, const char *state, int64_t incident,
                    const char *slot);
/* The message, a new reference, cut to MW_PAPER_BYTES_MAX. Without a summary the first headline or
 * text becomes one. */
json_t *mw_paper_end(struct mw_paper *paper);

#define MW_PAPER_FORMAT __attribute__((format(printf, 2, 3)))

void mw_paper_summary(struct mw_paper *paper, const char *format, ...) MW_PAPER_FORMAT;
void mw_paper_headline(struct mw_paper *paper, const char *format, ...) MW_PAPER_FORMAT;
void mw_paper_text(struct mw_paper *paper, const char *format, ...) MW_PAPER_FORMAT;
void mw_paper_wait(struct mw_paper *paper, const char *format, ...) MW_PAPER_FORMAT;
/* Adds to the notes that stand last, or begins some. */
void mw_paper_note(struct mw_paper *paper, const char *format, ...) MW_PAPER_FORMAT;
/* The same for a paragraph that begins with the words of others. */
void mw_paper_quote(struct mw_paper *paper, const char *words);
/* The same for lines of a log, verbatim, and for steps; NULL parts are left out. */
void mw_paper_log(struct mw_paper *paper, const char *line, int times);
void mw_paper_step(struct mw_paper *paper, const char *title, const char *detail, const char *risk,
                   const char *state);

/* A table of two or three columns (`third` NULL: two), and a row in it. */
void mw_paper_table(struct mw_paper *paper, const char *first, const char *second,
                    const char *third);
void mw_paper_row(struct mw_paper *paper, const char *first, const char *second, const char *third);

void mw_paper_reaction(struct mw_paper *paper, const char *emoji);
void mw_paper_action(struct mw_paper *paper, const char *id, const char *label, const char *value);
void mw_paper_broadcast(struct mw_paper *paper);

/* Clean and masked; "" for NULL. */
char *mw_paper_clean(TALLOC_CTX *memory, const char *text, size_t limit);

/* A short answer of one sentence. */
json_t *mw_paper_sentence(TALLOC_CTX *memory, const char *format, ...) MW_PAPER_FORMAT;

#endif
