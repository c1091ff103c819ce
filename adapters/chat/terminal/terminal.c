/* SPDX-License-Identifier: Apache-2.0 */
/* This terminal as a chat: cards and threads on standard output, one command a line on standard input. */
#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_MS 10000

/* Pictures that are remembered, to print only what changed; older messages are printed whole. */
#define SHOWN_MAX 64

struct shown {
    char *reference;
    struct mw_terminal_picture *picture;
};

struct terminal {
    struct mw_terminal_output *output;
    bool colour;
    bool log_elsewhere; /* standard error is no terminal, so nobody else writes between our lines */

    size_t shown_count;
    struct shown *shown[SHOWN_MAX]; /* oldest first */
    const struct shown *last; /* stands at the bottom of the screen; NULL: something else does */
    size_t last_lines;

    char *run_id; /* makes event ids unique across restarts */
    uint64_t events;
};

struct terminal_config {
    char unused;
};

static const struct mw_option terminal_options[] = {{0}};

static bool terminal_create(struct mw_chat *chat, const void *config, struct mw_error *error)
{
    struct terminal *self = talloc_zero(chat, struct terminal);
    if (self == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    uint64_t random;
    mw_random_bytes(&random, sizeof random);
    self->run_id = talloc_asprintf(self, "%" PRIx64 "-%" PRIx64, (uint64_t)mw_wall_now(), random);
    self->output = mw_terminal_output_open(self, STDOUT_FILENO);
    if (self->output == NULL || self->run_id == NULL) {
        talloc_free(self);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    self->colour = mw_terminal_output_is_tty(self->output) && getenv("NO_COLOR") == NULL;
    self->log_elsewhere = isatty(STDERR_FILENO) != 1;
    chat->state = self;
    return true;
}

/* ---- what stands on the screen ---- */

static struct shown *find_shown(struct terminal *self, const char *reference)
{
    for (size_t i = 0; i < self->shown_count; i++) {
        if (strcmp(self->shown[i]->reference, reference) == 0) {
            return self->shown[i];
        }
    }
    return NULL;
}

static void remember(struct terminal *self, const char *reference,
                     struct mw_terminal_picture *picture)
{
    struct shown *shown = find_shown(self, reference);
    if (shown == NULL) {
        if (self->shown_count == SHOWN_MAX) {
            self->last = self->last == self->shown[0] ? NULL : self->last;
            talloc_free(self->shown[0]);
            memmove(self->shown, self->shown + 1, (SHOWN_MAX - 1) * sizeof *self->shown);
            self->shown_count--;
        }
        shown = talloc_zero(self, struct shown);
        if (shown == NULL) {
            return;
        }
        shown->reference = talloc_strdup(shown, reference);
        self->shown[self->shown_count++] = shown;
    }
    talloc_free(shown->picture);
    shown->picture = talloc_steal(shown, picture);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static struct mw_terminal_picture *paint(struct terminal *self, const json_t *message)
{
    size_t rows;
    struct mw_terminal_look look = {.colour = self->colour};
    mw_terminal_output_size(self->output, &look.columns, &rows);
    return mw_terminal_paint(self, message, &look);
}

/* Prints the text and takes the picture for what stands under this reference now. */
static bool show(struct terminal *self, const char *reference, struct mw_terminal_picture *picture,
                 const char *text, size_t lines, struct mw_deadline deadline,
                 struct mw_error *error)
{
    self->last = NULL;
    if (!mw_terminal_output_write(self->output, text, deadline, error)) {
        talloc_free(picture);
        return false;
    }
    remember(self, reference, picture);
    self->last = find_shown(self, reference);
    self->last_lines = lines;
    return true;
}

static bool show_whole(struct terminal *self, const char *reference,
                       struct mw_terminal_picture *picture, struct mw_deadline deadline,
                       struct mw_error *error)
{
    char *text = mw_terminal_text(picture, picture);
    if (text == NULL) {
        talloc_free(picture);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    return show(self, reference, picture, text, count_lines(text), deadline, error);
}

/* Moves up over what stands at the bottom and draws anew. Not where a log may have written between, nor
 * where its first line has left the screen. */
static bool may_redraw(const struct terminal *self, const struct shown *shown)
{
    size_t columns, rows;
    mw_terminal_output_size(self->output, &columns, &rows);
    return mw_terminal_output_is_tty(self->output) && self->log_elsewhere && self->last == shown &&
           self->last_lines < rows;
}

static bool redraw(struct terminal *self, const char *reference,
                   struct mw_terminal_picture *picture, struct mw_deadline deadline,
                   struct mw_error *error)
{
    char *text = mw_terminal_text(picture, picture);
    char *whole = text != NULL
                      ? talloc_asprintf(picture, "\x1b[%zuA\r\x1b[J%s", self->last_lines, text)
                      : NULL;
    if (whole == NULL) {
        talloc_free(picture);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    return show(self, reference, picture, whole, count_lines(text), deadline, error);
}

/* ---- the port ---- */

static bool terminal_post(struct mw_chat *chat, const char *key, const json_t *message,
                          const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory,
                          char **reference, struct mw_error *error)
{
    struct terminal *self = chat->state;
    struct mw_terminal_picture *picture = paint(self, message);
    char *name = talloc_strdup(memory, key);
    if (picture == NULL || name == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    if (!show_whole(self, key, picture, deadline, error)) {
        return false;
    }
    *reference = name;
    return true;
}

static bool is_card(const json_t *message)
{
    const char *slot = json_string_value(json_object_get(message, "slot"));
    return slot != NULL && strcmp(slot, "card") == 0;
}

static bool terminal_edit(struct mw_chat *chat, const char *reference, const json_t *message,
                          const char *thread, struct mw_deadline deadline, struct mw_error *error)
{
    struct terminal *self = chat->state;
    struct mw_terminal_picture *picture = paint(self, message);
    if (picture == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    const struct shown *shown = find_shown(self, reference);
    if (shown == NULL) {
        return show_whole(self, reference, picture, deadline, error);
    }
    if (may_redraw(self, shown)) {
        return redraw(self, reference, picture, deadline, error);
    }
    if (is_card(message)) {
        /* Somebody who looks on is spared a card that says nothing new; a file gets every change. */
        bool again = !mw_terminal_output_is_tty(self->output) ||
                     mw_terminal_differs(picture, shown->picture);
        if (again) {
            return show_whole(self, reference, picture, deadline, error);
        }
        remember(self, reference, picture);
        return true;
    }
    char *changes = mw_terminal_changes(picture, picture, shown->picture);
    if (changes == NULL || *changes == '\0') {
        remember(self, reference, picture);
        return true;
    }
    bool done = show(self, reference, picture, changes, 0, deadline, error);
    self->last = NULL; /* only a part of it stands there */
    return done;
}

static bool terminal_answer(struct mw_chat *chat, const struct mw_chat_event *event,
                            const json_t *message, bool private_answer, struct mw_deadline deadline,
                            struct mw_error *error)
{
    struct terminal *self = chat->state;
    struct mw_terminal_picture *picture = paint(self, message);
    char *text = picture != NULL ? mw_terminal_text(picture, picture) : NULL;
    self->last = NULL;
    bool done = text != NULL ? mw_terminal_output_write(self->output, text, deadline, error)
                             : mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    talloc_free(picture);
    return done;
}

/* ---- listening ---- */

static void complain(struct terminal *self, const char *text)
{
    struct mw_error error;
    char *line = talloc_asprintf(self, "%s\n", text);
    if (line != NULL) {
        mw_terminal_output_write(self->output, line, mw_deadline_in(ANSWER_MS), &error);
    }
    talloc_free(line);
}

static void hear(struct mw_chat *chat, const char *bytes, size_t length, bool cut)
{
    struct terminal *self = chat->state;
    /* What was typed stands on the screen now. */
    self->last = NULL;
    if (cut) {
        complain(self,
                 "That line is longer than 4,096 bytes, and nothing was done. Say it shorter.");
        return;
    }
    TALLOC_CTX *memory = talloc_new(self);
    struct mw_terminal_line line;
    if (mw_terminal_parse(memory, bytes, length, &line)) {
        char *id = talloc_asprintf(memory, "%s-%" PRIu64, self->run_id, ++self->events);
        struct mw_chat_event event = {.kind =
                                          line.emoji != NULL ? MW_CHAT_REACTION : MW_CHAT_COMMAND,
                                      .id = id,
                                      .person = line.person,
                                      .text = line.emoji != NULL ? line.revision : line.words,
                                      .emoji = line.emoji,
                                      .incident = line.incident};
        struct mw_error error;
        if (!chat->host->event(chat->host->context, chat, &event, &error) &&
            error.class != MW_ERROR_CANCELLED) {
            complain(self, error.text);
        }
    }
    talloc_free(memory);
}

static void terminal_run(struct mw_chat *chat)
{
    struct mw_error error;
    struct mw_terminal_input *input = mw_terminal_input_open(chat, STDIN_FILENO);
    const char *line;
    size_t length;
    bool cut;
    while (input != NULL && mw_terminal_input_line(input, &line, &length, &cut) > 0) {
        hear(chat, line, length, cut);
    }
    talloc_free(input);
    /* The end of input is not the end of the watch. */
    while (!mw_fiber_cancelled()) {
        mw_sleep(INT64_C(3600000), &error);
    }
}

static bool terminal_check(struct mw_chat *chat, const struct mw_check *check,
                           struct mw_deadline deadline, struct mw_error *error)
{
    bool hears = isatty(STDIN_FILENO) == 1, shows = isatty(STDOUT_FILENO) == 1;
    mw_check_say(check, MW_CHECK_OK,
                 "cards go to standard output%s, commands come from standard input%s",
                 shows ? "" : " (no terminal here)", hears ? "" : " (no terminal here)");
    return true;
}

const struct mw_chat_ops mw_chat_terminal = {
    .kind = "terminal",
    .options = terminal_options,
    .config_size = sizeof(struct terminal_config),
    .create = terminal_create,
    .run = terminal_run,
    .post = terminal_post,
    .edit = terminal_edit,
    .answer = terminal_answer,
    .check = terminal_check,
};
