/* SPDX-License-Identifier: Apache-2.0 */
/* What people may write to us, and what it means. Pure: it knows words, not incidents. */
#ifndef MIDWATCH_CONVERSE_GRAMMAR_H
#define MIDWATCH_CONVERSE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/incident.h"
#include "midwatch/person.h"

enum mw_word {
    MW_WORD_HELP,
    MW_WORD_STATUS,
    MW_WORD_INCIDENTS,
    MW_WORD_SHOW,
    MW_WORD_FIX,
    MW_WORD_APPROVE,
    MW_WORD_REJECT,
    MW_WORD_STOP,
    MW_WORD_ACK,
    MW_WORD_UNDO,
    MW_WORD_LOGS,
    MW_WORD_HISTORY,
    MW_WORD_TOOLS,
    MW_WORD_POLICY,
    MW_WORD_FREEZE,
    MW_WORD_THAW,
    MW_WORD_REPORT,
    MW_WORD_AUDIT,
    MW_WORD_SILENCE,
    MW_WORD_UNSILENCE,
    MW_WORD_ASK,
    MW_WORD_LATER, /* a word of the interface that this version does not have */
};

enum mw_word_takes {
    MW_TAKES_NOTHING,
    MW_TAKES_INCIDENT,
    MW_TAKES_INCIDENT_REVISION,     /* ID [rN] */
    MW_TAKES_INCIDENT_REVISION_WHY, /* ID [rN] [why] */
    MW_TAKES_RESOURCE,
    MW_TAKES_MAYBE_RESOURCE,
    MW_TAKES_RESOURCE_SPAN_WHY, /* RESOURCE DURATION [why] */
    MW_TAKES_QUESTION,          /* the rest of the line; never nothing */
    MW_TAKES_WHY,               /* the rest of the line; may be nothing */
    MW_TAKES_ANYTHING,
};

/* The words in the order in which help lists them; ends with a NULL name. */
struct mw_word_spec {
    const char *name;
    enum mw_word word;
    enum mw_word_takes takes;
    enum mw_role role; /* the least that may */
    const char *usage; /* "approve ID [rN]" */
    const char *help;  /* at most 21 columns */
};
extern const struct mw_word_spec mw_words[];

struct mw_command {
    const struct mw_word_spec *spec;
    int64_t incident; /* 0: none was named */
    int revision;     /* 0: none was named */
    char *resource;   /* as written; NULL: none */
    int64_t span;     /* ms; 0: none */
    char *rest;       /* why, or the question; NULL: nothing */
};

/*
 * Reads one line of foreign text. `incident` is the one whose thread it was written in, or 0. On
 * failure `*complaint` (on `memory`) says what is wrong and what to write instead; it never names an
 * incident that was not named.
 */
bool mw_command_parse(TALLOC_CTX *memory, const char *text, int64_t incident,
                      struct mw_command *command, char **complaint);

/* "r2" → 2; 0 when it is no revision. */
int mw_revision_parse(const char *text);

#endif
