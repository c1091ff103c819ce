/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/grammar.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "converse/paper.h"
#include "converse/span.h"

#define WORDS_MAX      8
#define WORD_BYTES     120
#define WHY_BYTES      400
#define QUESTION_BYTES 1000
#define REVISION_MAX   9999
#define MW_LATER(text)                                                     \
    {                                                                      \
        text, MW_WORD_LATER, MW_TAKES_ANYTHING, MW_ROLE_VIEWER, NULL, NULL \
    }

const struct mw_word_spec mw_words[] = {
    {"status", MW_WORD_STATUS, MW_TAKES_MAYBE_RESOURCE, MW_ROLE_VIEWER, "status [RESOURCE]",
     "how everything is"},
    {"incidents", MW_WORD_INCIDENTS, MW_TAKES_NOTHING, MW_ROLE_VIEWER, "incidents",
     "open and recent ones"},
    {"show", MW_WORD_SHOW, MW_TAKES_INCIDENT, MW_ROLE_VIEWER, "show ID", "one incident again"},
    {"logs", MW_WORD_LOGS, MW_TAKES_RESOURCE, MW_ROLE_VIEWER, "logs RESOURCE", "lines that matter"},
    {"history", MW_WORD_HISTORY, MW_TAKES_RESOURCE, MW_ROLE_VIEWER, "history RESOURCE",
     "its last measurements"},
    {"tools", MW_WORD_TOOLS, MW_TAKES_NOTHING, MW_ROLE_VIEWER, "tools", "what can be done"},
    {"policy", MW_WORD_POLICY, MW_TAKES_NOTHING, MW_ROLE_VIEWER, "policy", "what needs a yes"},
    {"report", MW_WORD_REPORT, MW_TAKES_WHY, MW_ROLE_VIEWER, "report [DURATION]",
     "how the fixes went"},
    {"audit", MW_WORD_AUDIT, MW_TAKES_INCIDENT, MW_ROLE_VIEWER, "audit [ID]", "who did what"},
    {"ask", MW_WORD_ASK, MW_TAKES_QUESTION, MW_ROLE_VIEWER, "ask QUESTION",
     "answered by the model"},
    {"ack", MW_WORD_ACK, MW_TAKES_INCIDENT, MW_ROLE_OPERATOR, "ack ID", "you are looking at it"},
    {"fix", MW_WORD_FIX, MW_TAKES_RESOURCE, MW_ROLE_OPERATOR, "fix RESOURCE", "ask for a plan"},
    {"reject", MW_WORD_REJECT, MW_TAKES_INCIDENT_REVISION_WHY, MW_ROLE_OPERATOR, "reject ID [why]",
     "no to the plan"},
    {"freeze", MW_WORD_FREEZE, MW_TAKES_WHY, MW_ROLE_OPERATOR, "freeze [why]", "nothing automatic"},
    {"silence", MW_WORD_SILENCE, MW_TAKES_RESOURCE_SPAN_WHY, MW_ROLE_OPERATOR, "silence NAME 2h",
     "no incidents from it"},
    {"unsilence", MW_WORD_UNSILENCE, MW_TAKES_RESOURCE, MW_ROLE_OPERATOR, "unsilence NAME",
     "hear of it again"},
    {"approve", MW_WORD_APPROVE, MW_TAKES_INCIDENT_REVISION, MW_ROLE_APPROVER, "approve ID [rN]",
     "yes to the plan"},
    {"stop", MW_WORD_STOP, MW_TAKES_INCIDENT, MW_ROLE_APPROVER, "stop ID", "end a running fix"},
    {"undo", MW_WORD_UNDO, MW_TAKES_INCIDENT, MW_ROLE_APPROVER, "undo ID", "take a fix back"},
    {"thaw", MW_WORD_THAW, MW_TAKES_NOTHING, MW_ROLE_APPROVER, "thaw", "end the freeze"},
    {"help", MW_WORD_HELP, MW_TAKES_ANYTHING, MW_ROLE_VIEWER, "help", "this list"},
    MW_LATER("oncall"),
    MW_LATER("drill"),
    {0},
};

/* What else people write for them. */
static const struct {
    const char *said, *meant;
} aliases[] = {{"acknowledge", "ack"}, {"yes", "approve"},    {"no", "reject"},       {"?", "help"},
               {"mute", "silence"},    {"snooze", "silence"}, {"unmute", "unsilence"}};

static const struct mw_word_spec *find_word(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcasecmp(name, aliases[i].said) == 0) {
            name = aliases[i].meant;
            break;
        }
    }
    for (const struct mw_word_spec *spec = mw_words; spec->name != NULL; spec++) {
        if (strcasecmp(name, spec->name) == 0) {
            return spec;
        }
    }
    return NULL;
}

static const char *nearest_word(const char *name)
{
    const char *names[40];
    size_t count = 0;
    for (const struct mw_word_spec *spec = mw_words; spec->name != NULL && count < 39; spec++) {
        names[count++] = spec->name;
    }
    names[count] = NULL;
    return mw_text_nearest(name, names);
}

int mw_revision_parse(const char *text)
{
    if (text == NULL || (*text != 'r' && *text != 'R') || text[1] < '1' || text[1] > '9') {
        return 0;
    }
    int revision = 0;
    for (text++; *text >= '0' && *text <= '9'; text++) {
        revision = revision * 10 + (*text - '0');
        if (revision > REVISION_MAX) {
            return 0;
        }
    }
    return *text == '\0' ? revision : 0;
}

/* ---- words ---- */

struct words {
    size_t count;
    char *items[WORDS_MAX];
    const char *tails[WORDS_MAX + 1]; /* the text from each word on */
    bool more;
};

static void split(TALLOC_CTX *memory, const char *text, struct words *words)
{
    *words = (struct words){0};
    text += strspn(text, " ");
    while (*text != '\0') {
        if (words->count == WORDS_MAX) {
            words->more = true;
            break;
        }
        size_t length = strcspn(text, " ");
        words->tails[words->count] = text;
        words->items[words->count++] = mw_text_clean(memory, text, length, WORD_BYTES);
        text += length;
        text += strspn(text, " ");
    }
    words->tails[words->count] = text;
}

static bool is_our_name(const char *word)
{
    static const char *const names[] = {"midwatch",  "/midwatch", "!midwatch",
                                        "@midwatch", "midwatch:", "@midwatch:"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(word, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool complain(TALLOC_CTX *memory, char **complaint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool complain(TALLOC_CTX *memory, char **complaint, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    *complaint = talloc_vasprintf(memory, format, list);
    va_end(list);
    return false;
}

static bool is_number(const char *word)
{
    return *word != '\0' && strlen(word) < 10 && word[strspn(word, "0123456789")] == '\0';
}

/* The ID, which may be left out inside a thread. `*next` is the word after it. */
static bool read_incident(TALLOC_CTX *memory, const struct words *words, int64_t thread,
                          struct mw_command *command, size_t *next, char **complaint)
{
    const char *word = words->count > 1 ? words->items[1] : NULL;
    int64_t named = word != NULL ? mw_incident_id_parse(word) : 0;
    *next = 1;
    if (named > 0) {
        command->incident = named;
        *next = 2;
        return true;
    }
    if (word != NULL && is_number(word)) {
        return complain(memory, complaint, "%s is no incident ID. Did you mean: %s I%s", word,
                        command->spec->name, word);
    }
    if (thread > 0) {
        command->incident = thread;
        return true;
    }
    if (word != NULL) {
        return complain(memory, complaint, "\"%s\" is no incident ID; they look like I42. Say: %s",
                        word, command->spec->usage);
    }
    return true;
}

static bool read_incident_words(TALLOC_CTX *memory, const struct words *words, int64_t thread,
                                struct mw_command *command, char **complaint)
{
    enum mw_word_takes takes = command->spec->takes;
    size_t next;
    if (!read_incident(memory, words, thread, command, &next, complaint)) {
        return false;
    }
    if (takes != MW_TAKES_INCIDENT && next < words->count) {
        command->revision = mw_revision_parse(words->items[next]);
        next += command->revision > 0;
    }
    if (next == words->count) {
        return true;
    }
    if (takes == MW_TAKES_INCIDENT_REVISION_WHY) {
        const char *why = words->tails[next];
        command->rest = mw_paper_clean(memory, why, WHY_BYTES);
        return true;
    }
    /* Something that follows might be meant to narrow what is done; guessing would be wrong. */
    return complain(memory, complaint, "I do not understand \"%s\" there. Say: %s",
                    words->items[next], command->spec->usage);
}

static bool read_resource(TALLOC_CTX *memory, const struct words *words, struct mw_command *command,
                          char **complaint)
{
    bool needed = command->spec->takes == MW_TAKES_RESOURCE;
    if (words->count > 2) {
        return complain(memory, complaint, "One resource at a time. Say: %s", command->spec->usage);
    }
    if (words->count < 2) {
        return !needed ||
               complain(memory, complaint, "Which resource? Say: %s", command->spec->usage);
    }
    command->resource = words->items[1];
    return true;
}

/* What follows the resource, when it is no length of time. */
static bool complain_of_span(TALLOC_CTX *memory, const struct words *words, char **complaint)
{
    const char *verb = words->items[0], *name = words->items[1];
    const char *said = words->count > 2 ? mw_text_fit(memory, words->items[2], 30) : NULL;
    int64_t span;
    size_t used;
    if (mw_span_parse(&words->items[1], words->count - 1, &span, &used)) {
        const char *length = talloc_strndup(memory, words->tails[1],
                                            (size_t)(words->tails[1 + used] - words->tails[1]));
        return complain(memory, complaint, "The resource comes first. Say: %s %s %s", verb,
                        1 + used < words->count ? words->items[1 + used] : "NAME", length);
    }
    if (said == NULL) {
        return complain(memory, complaint, "For how long? Say: %s %s 2h", verb, name);
    }
    if (mw_span_lacks_unit(said)) {
        return complain(memory, complaint, "%s of what? Say: %s %s %sm, %sh or %sd", said, verb,
                        name, said, said, said);
    }
    return complain(memory, complaint,
                    "\"%s\" is no length of time; write 30m, 2h or 7d. Say: %s %s 2h %s", said,
                    verb, name, mw_text_fit(memory, words->tails[2], 60));
}

static bool read_resource_span(TALLOC_CTX *memory, const struct words *words,
                               struct mw_command *command, char **complaint)
{
    size_t used = 0;
    if (words->count < 2) {
        return complain(memory, complaint, "Which resource, and for how long? Say: %s",
                        command->spec->usage);
    }
    if (!mw_span_parse(&words->items[2], words->count - 2, &command->span, &used)) {
        return complain_of_span(memory, words, complaint);
    }
    command->resource = words->items[1];
    const char *why = words->tails[2 + used];
    command->rest = *why != '\0' ? mw_paper_clean(memory, why, WHY_BYTES) : NULL;
    return true;
}

static bool read_rest(TALLOC_CTX *memory, const struct words *words, int64_t thread,
                      struct mw_command *command, char **complaint)
{
    switch (command->spec->takes) {
    case MW_TAKES_NOTHING:
        return words->count < 2 || complain(memory, complaint, "\"%s\" takes nothing more. Say: %s",
                                            command->spec->name, command->spec->usage);
    case MW_TAKES_INCIDENT:
    case MW_TAKES_INCIDENT_REVISION:
    case MW_TAKES_INCIDENT_REVISION_WHY:
        return read_incident_words(memory, words, thread, command, complaint);
    case MW_TAKES_RESOURCE:
    case MW_TAKES_MAYBE_RESOURCE:
        return read_resource(memory, words, command, complaint);
    case MW_TAKES_RESOURCE_SPAN_WHY:
        return read_resource_span(memory, words, command, complaint);
    case MW_TAKES_WHY:
        command->rest =
            words->count > 1 ? mw_paper_clean(memory, words->tails[1], WHY_BYTES) : NULL;
        return true;
    case MW_TAKES_QUESTION:
        command->rest =
            words->count > 1 ? mw_paper_clean(memory, words->tails[1], QUESTION_BYTES) : NULL;
        return command->rest != NULL ||
               complain(memory, complaint, "What do you want to know? Say: ask why is cache slow");
    case MW_TAKES_ANYTHING:
        return true;
    }
    return true;
}

bool mw_command_parse(TALLOC_CTX *memory, const char *text, int64_t incident,
                      struct mw_command *command, char **complaint)
{
    *command = (struct mw_command){0};
    char *clean = mw_text_clean(memory, text, strlen(text), 4096);
    if (clean == NULL) {
        return complain(memory, complaint, "That is too much for me now.");
    }
    struct words words;
    split(memory, clean, &words);
    if (words.count > 0 && is_our_name(words.items[0])) {
        split(memory, words.tails[1], &words);
    }
    if (words.count == 0) {
        return complain(memory, complaint, "Say: help");
    }
    const struct mw_word_spec *spec = find_word(words.items[0]);
    if (spec == NULL) {
        char *shown = mw_text_fit(memory, words.items[0], 30);
        const char *near = nearest_word(words.items[0]);
        if (near == NULL) {
            return complain(memory, complaint, "I do not know \"%s\". Say: help", shown);
        }
        char *tail = mw_text_fit(memory, words.tails[1], 60);
        return complain(memory, complaint, "I do not know \"%s\". Did you mean: %s%s%s", shown,
                        near, *tail != '\0' ? " " : "", tail);
    }
    command->spec = spec;
    return read_rest(memory, &words, incident, command, complaint);
}
