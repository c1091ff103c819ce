/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal as a chat: its own parts. */
#ifndef MIDWATCH_TERMINAL_H
#define MIDWATCH_TERMINAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <talloc.h>

#include "midwatch/chat.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "runtime/fiber.h"

extern const struct mw_chat_ops mw_chat_terminal;

/* ---- words.c: what a typed line is ---- */

#define MW_TERMINAL_LINE_MAX 4096

struct mw_terminal_line {
    char *person;   /* from "NAME: …"; "" when the line names nobody */
    char *words;    /* a command; NULL for a reaction */
    char *emoji;    /* a reaction; NULL for a command */
    char *incident; /* of a reaction: as typed; NULL: none, or not understood */
    char *revision; /* of a reaction: "r2"; NULL: none */
};

/* Foreign bytes without the line break become clean parts. False: the line is blank. */
bool mw_terminal_parse(TALLOC_CTX *memory, const char *bytes, size_t length,
                       struct mw_terminal_line *line);

/* ---- paint.c: a message as lines ---- */

struct mw_terminal_look {
    size_t columns;
    bool colour;
};

/* A part of a message that changes as one: a headline, a step, a paragraph. Its text ends with a line
 * break and may hold several lines. */
struct mw_terminal_part {
    char *text;
    bool vital; /* headline and what is awaited */
};

struct mw_terminal_picture {
    size_t count;
    struct mw_terminal_part *parts;
};

/* On `memory`. A message with a slot other than "card" is set below its incident's card; one without is
 * an answer. NULL when memory has run out. */
struct mw_terminal_picture *mw_terminal_paint(TALLOC_CTX *memory, const json_t *message,
                                              const struct mw_terminal_look *look);
/* All its lines; those of `only_new` that the older picture does not have (NULL: none). */
char *mw_terminal_text(TALLOC_CTX *memory, const struct mw_terminal_picture *picture);
char *mw_terminal_changes(TALLOC_CTX *memory, const struct mw_terminal_picture *picture,
                          const struct mw_terminal_picture *older);
/* Whether headline or what is awaited differs. */
bool mw_terminal_differs(const struct mw_terminal_picture *picture,
                         const struct mw_terminal_picture *older);

/* ---- input.c and output.c: the descriptors ---- */

struct mw_terminal_input;

/* Reads from this descriptor, which stays open. Never fails: what cannot be read is at its end. */
struct mw_terminal_input *mw_terminal_input_open(TALLOC_CTX *memory, int fd);
/* The next line without its break; 1, or 0 at the end, or -1 when cancelled. A line beyond
 * MW_TERMINAL_LINE_MAX is cut there and `*cut` set. Lives until the next call. */
MW_SUSPENDS int mw_terminal_input_line(struct mw_terminal_input *input, const char **line,
                                       size_t *length, bool *cut);

struct mw_terminal_output;

struct mw_terminal_output *mw_terminal_output_open(TALLOC_CTX *memory, int fd);
bool mw_terminal_output_is_tty(const struct mw_terminal_output *output);
/* Columns and rows as they are now; 80 and 24 where it is no terminal. */
void mw_terminal_output_size(const struct mw_terminal_output *output, size_t *columns,
                             size_t *rows);
/* Writes all of it; never blocks the loop. What a deadline cut off is written before anything else the
 * next time, and the same text asked for again is then not repeated. */
MW_SUSPENDS bool mw_terminal_output_write(struct mw_terminal_output *output, const char *text,
                                          struct mw_deadline deadline, struct mw_error *error);

#endif
