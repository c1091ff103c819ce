/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter on real descriptors: pipes, files and pseudo-terminals stand in for 0 and 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/chat/terminal/terminal.h"
#include "base/clock.h"
#include "base/text.h"
#include "runtime/runtime.h"

#define EVENTS_MAX 64

struct event {
    enum mw_chat_event_kind kind;
    char id[80], person[80], text[200], emoji[40], incident[20];
};

struct stage {
    TALLOC_CTX *memory;
    struct mw_chat *chat;
    struct mw_chat_host host;
    struct mw_group group;
    bool ended;
    int say, hear; /* the other ends of 0 and 1 */
    int kept[3];   /* the test's own 0, 1, 2 */
    size_t event_count;
    struct event events[EVENTS_MAX];
    bool refuse;
    char out[1 << 20];
    size_t out_length;
    void (*body)(struct stage *stage);
};

static struct stage *stage;

static void keep(char *place, size_t size, const char *text)
{
    snprintf(place, size, "%s", text != NULL ? text : "-");
}

static bool on_event(void *context, struct mw_chat *chat, const struct mw_chat_event *event,
                     struct mw_error *error)
{
    if (stage->refuse) {
        return mw_error_set(error, MW_ERROR_RETRY, "the record is full");
    }
    struct event *kept = &stage->events[stage->event_count++ % EVENTS_MAX];
    kept->kind = event->kind;
    keep(kept->id, sizeof kept->id, event->id);
    keep(kept->person, sizeof kept->person, event->person);
    keep(kept->text, sizeof kept->text, event->text);
    keep(kept->emoji, sizeof kept->emoji, event->emoji);
    keep(kept->incident, sizeof kept->incident, event->incident);
    return true;
}

/* ---- setting up ---- */

static int set_up(void **state)
{
    struct mw_error error;
    stage = calloc(1, sizeof *stage);
    stage->say = stage->hear = -1;
    for (int i = 0; i < 3; i++) {
        stage->kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
    }
    fflush(stdout);
    return mw_runtime_init(&error) ? 0 : -1;
}

static void give_back(void)
{
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        dup2(stage->kept[i], i);
    }
}

static int tear_down(void **state)
{
    give_back();
    for (int i = 0; i < 3; i++) {
        close(stage->kept[i]);
    }
    close(stage->say);
    close(stage->hear);
    if (mw_loop_stats().fibers == 0) {
        mw_runtime_finish();
    }
    free(stage);
    return 0;
}

static void run_chat(void *argument)
{
    stage->chat->ops->run(stage->chat);
    stage->ended = true;
}

static int run_body(void *argument)
{
    struct mw_error error;
    static char config[64];
    stage->memory = talloc_new(NULL);
    stage->chat = talloc_zero(stage->memory, struct mw_chat);
    stage->host = (struct mw_chat_host){stage, on_event};
    stage->chat->ops = &mw_chat_terminal;
    stage->chat->name = "terminal";
    stage->chat->host = &stage->host;
    bool created = mw_chat_terminal.create(stage->chat, config, &error);
    mw_group_init(&stage->group);
    if (created) {
        mw_fiber_spawn(&stage->group, "terminal", run_chat, NULL);
        stage->body(stage);
    }
    mw_group_finish(&stage->group);
    talloc_free(stage->memory);
    give_back();
    assert_true(created);
    return 0;
}

static void run(void (*body)(struct stage *))
{
    stage->body = body;
    mw_runtime_run(run_body, NULL);
}

static void put_at(int from, int to)
{
    dup2(from, to);
    close(from);
}

static void with_pipes(void)
{
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
    fcntl(out[1], F_SETFL, 0);
    stage->say = in[1];
    stage->hear = out[0];
    put_at(in[0], STDIN_FILENO);
    put_at(out[1], STDOUT_FILENO);
}

/* ---- what came out ---- */

static const char *heard(void)
{
    for (;;) {
        ssize_t got = read(stage->hear, stage->out + stage->out_length,
                           sizeof stage->out - 1 - stage->out_length);
        if (got <= 0) {
            return stage->out;
        }
        stage->out_length += (size_t)got;
        stage->out[stage->out_length] = '\0';
    }
}

static void forget(void)
{
    heard();
    stage->out_length = 0;
    stage->out[0] = '\0';
}

/* A failed assertion must not print into the pipe. */
#define check(condition)                                              \
    do {                                                              \
        if (!(condition)) {                                           \
            give_back();                                              \
            fail_msg("not so: %s\nout:\n%s", #condition, stage->out); \
        }                                                             \
    } while (0)

#define await(condition)                                                 \
    do {                                                                 \
        struct mw_deadline await_end = mw_deadline_in(5000);             \
        struct mw_error await_error;                                     \
        while (!(condition)) {                                           \
            check(!mw_deadline_passed(await_end) && #condition != NULL); \
            mw_sleep(2, &await_error);                                   \
        }                                                                \
    } while (0)

static void say(const char *text)
{
    check(write(stage->say, text, strlen(text)) == (ssize_t)strlen(text));
}

static json_t *message_of(const char *slot, const char *headline, const char *wait)
{
    json_t *message =
        json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}, {s:s, s:[s]}, {s:s, s:s}]}", "summary", "s",
                  "state", "firing", "incident", "I1", "blocks", "type", "headline", "text",
                  headline, "type", "notes", "items", "a note", "type", "wait", "text", wait);
    json_object_set_new(message, "slot", json_string(slot));
    return message;
}

static bool post(const char *key, json_t *message, int64_t ms, struct mw_error *error)
{
    char *reference = NULL;
    bool done = mw_chat_terminal.post(stage->chat, key, message, NULL, mw_deadline_in(ms),
                                      stage->memory, &reference, error);
    json_decref(message);
    check(!done || strcmp(reference, key) == 0);
    return done;
}

static bool edit(const char *reference, json_t *message)
{
    struct mw_error error;
    bool done =
        mw_chat_terminal.edit(stage->chat, reference, message, NULL, mw_deadline_in(1000), &error);
    json_decref(message);
    return done;
}

/* ---- tests ---- */

static void listens(struct stage *self)
{
    say("status\nalice: approve I1 r2\n✅ I1\n\n  \n+1 I1 r2\nlast without break");
    await(stage->event_count == 4);
    close(stage->say);
    stage->say = -1;
    await(stage->event_count == 5);
    check(strcmp(stage->events[0].text, "status") == 0);
    check(strcmp(stage->events[0].person, "") == 0);
    check(strcmp(stage->events[1].person, "alice") == 0);
    check(strcmp(stage->events[1].text, "approve I1 r2") == 0);
    check(stage->events[2].kind == MW_CHAT_REACTION);
    check(strcmp(stage->events[2].emoji, "✅") == 0);
    check(strcmp(stage->events[2].incident, "I1") == 0);
    check(strcmp(stage->events[2].text, "-") == 0);
    check(strcmp(stage->events[3].text, "r2") == 0);
    check(strcmp(stage->events[4].text, "last without break") == 0);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++) {
            check(strcmp(stage->events[i].id, stage->events[j].id) != 0);
        }
    }
    /* The end of input is not the end of the watch. */
    struct mw_error error;
    mw_sleep(50, &error);
    check(!stage->ended);
}

static void test_listens(void **state)
{
    with_pipes();
    run(listens);
}

static char first_id[80];

static void notes_id(struct stage *self)
{
    say("status\n");
    await(stage->event_count == 1);
    if (first_id[0] == '\0') {
        memcpy(first_id, stage->events[0].id, sizeof first_id);
    } else {
        check(strcmp(first_id, stage->events[0].id) != 0);
    }
}

static void test_ids_differ_across_restarts(void **state)
{
    with_pipes();
    run(notes_id);
    close(stage->say);
    close(stage->hear);
    stage->event_count = 0;
    with_pipes();
    run(notes_id);
}

static void hears_garbage(struct stage *self)
{
    char line[10000];
    memset(line, 'y', sizeof line);
    line[sizeof line - 1] = '\n';
    check(write(stage->say, line, sizeof line) == (ssize_t)sizeof line);
    say("status\n");
    await(stage->event_count == 1);
    await(strstr(heard(), "longer than 4,096 bytes") != NULL);
    check(strcmp(stage->events[0].text, "status") == 0);
    check(write(stage->say, "a\0b\xff\x1b[2J\n", 9) == 9);
    await(stage->event_count == 2);
    check(mw_text_is_utf8(stage->events[1].text, strlen(stage->events[1].text)));
    check(strchr(stage->events[1].text, 0x1b) == NULL);
    stage->refuse = true;
    say("approve I1\n");
    await(strstr(heard(), "the record is full") != NULL);
}

static void test_hears_garbage(void **state)
{
    with_pipes();
    run(hears_garbage);
}

static void prints(struct stage *self)
{
    struct mw_error error;
    check(post("I1/card", message_of("card", "it burns", "waiting"), 1000, &error));
    check(strstr(heard(), "── I1 ─") != NULL && strstr(stage->out, "🔴 it burns\n") != NULL);
    check(strchr(stage->out, 0x1b) == NULL);
    check(post("I1/plan/1", message_of("plan/1", "Plan r1", "yes?"), 1000, &error));
    check(strstr(heard(), "I1 │ Plan r1\n") != NULL || strstr(stage->out, "I1 │ 🔴 Plan r1\n"));
    forget();
    /* In a file or pipe every change of a card is printed, of others only what is new. */
    check(edit("I1/card", message_of("card", "it burns", "running")));
    check(strstr(heard(), "── I1 ─") != NULL && strstr(stage->out, "running") != NULL);
    forget();
    check(edit("I1/plan/1", message_of("plan/1", "Plan r1", "void")));
    check(strcmp(heard(), "I1 │    void\n") == 0);
    forget();
    /* After a restart nothing is remembered, so all is printed. */
    check(edit("I9/plan/1", message_of("plan/1", "Plan r1", "yes?")));
    check(strstr(heard(), "a note") != NULL);
    forget();
    json_t *answer = message_of("x", "Answer", "done");
    json_object_del(answer, "slot");
    struct mw_chat_event event = {.kind = MW_CHAT_COMMAND};
    check(mw_chat_terminal.answer(stage->chat, &event, answer, true, mw_deadline_in(1000), &error));
    json_decref(answer);
    check(strstr(heard(), "Answer\n") != NULL);
    check(mw_text_is_utf8(stage->out, stage->out_length));
}

static void test_prints_to_a_pipe(void **state)
{
    with_pipes();
    run(prints);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}

static bool ticked;

static void tick(void *argument)
{
    struct mw_error error;
    mw_sleep(20, &error);
    ticked = true;
}

static void nobody_reads(struct stage *self)
{
    struct mw_error error;
    char key[32];
    int posted = 0;
    ticked = false;
    mw_fiber_spawn(&stage->group, "tick", tick, NULL);
    for (; posted < 5000; posted++) {
        snprintf(key, sizeof key, "I1/n%d", posted);
        if (!post(key, message_of("card", key, "w"), 100, &error)) {
            break;
        }
    }
    /* The pipe is full, the post gives up in time, and the loop went on meanwhile. */
    check(posted > 10 && posted < 5000);
    check(error.class == MW_ERROR_TIMEOUT);
    await(ticked);
    heard();
    /* Asked for again it is finished, not repeated; the next one follows whole. */
    check(post(key, message_of("card", key, "w"), 1000, &error));
    check(post("I2/card", message_of("card", "the next", "w"), 1000, &error));
    heard();
    char line[48];
    snprintf(line, sizeof line, "🔴 %s\n", key);
    check(count_of(stage->out, line) == 1);
    check(strstr(stage->out, "🔴 the next\n") != NULL);
    check(mw_text_is_utf8(stage->out, stage->out_length));
    check((fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) == 0);
}

static void test_nobody_reads(void **state)
{
    with_pipes();
    run(nobody_reads);
}

static void reader_gone(struct stage *self)
{
    struct mw_error error = {0};
    close(stage->hear);
    stage->hear = -1;
    check(!post("I1/card", message_of("card", "x", "w"), 1000, &error));
    check(error.class == MW_ERROR_PERMANENT);
}

static void test_the_reader_is_gone(void **state)
{
    with_pipes();
    run(reader_gone);
}

static void from_file(struct stage *self)
{
    struct mw_error error;
    await(stage->event_count == 2);
    check(strcmp(stage->events[0].text, "status") == 0);
    check(post("I1/card", message_of("card", "into a file", "w"), 1000, &error));
    lseek(stage->hear, 0, SEEK_SET);
    check(strstr(heard(), "into a file") != NULL);
}

static void test_files(void **state)
{
    char in[] = "/tmp/mw-terminal-XXXXXX", out[] = "/tmp/mw-terminal-XXXXXX";
    int in_fd = mkstemp(in), out_fd = mkstemp(out);
    assert_int_equal(write(in_fd, "status\nincidents\n", 17), 17);
    lseek(in_fd, 0, SEEK_SET);
    stage->hear = open(out, O_RDONLY | O_CLOEXEC);
    unlink(in);
    unlink(out);
    put_at(in_fd, STDIN_FILENO);
    put_at(out_fd, STDOUT_FILENO);
    run(from_file);
}

static void from_nowhere(struct stage *self)
{
    struct mw_error error;
    check(post("I1/card", message_of("card", "x", "w"), 1000, &error));
    mw_sleep(30, &error);
    check(!stage->ended && stage->event_count == 0);
}

static void test_dev_null(void **state)
{
    put_at(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    put_at(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    run(from_nowhere);
}

static void by_socket(struct stage *self)
{
    struct mw_error error;
    say("status\n");
    await(stage->event_count == 1);
    check(post("I1/card", message_of("card", "by socket", "w"), 1000, &error));
    check(strstr(heard(), "by socket") != NULL);
    check((fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0);
}

static void test_a_socket(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    dup2(pair[0], STDIN_FILENO);
    put_at(pair[0], STDOUT_FILENO);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    stage->say = pair[1];
    stage->hear = fcntl(pair[1], F_DUPFD_CLOEXEC, 100);
    run(by_socket);
}

/* ---- on a real terminal ---- */

static void with_tty(unsigned short columns)
{
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    stage->say = master;
    stage->hear = fcntl(master, F_DUPFD_CLOEXEC, 100);
    dup2(slave, STDIN_FILENO);
    put_at(slave, STDOUT_FILENO);
    put_at(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
}

static void on_tty(struct stage *self)
{
    struct mw_error error;
    check(post("I1/card", message_of("card", "it burns", "waiting"), 1000, &error));
    await(strstr(heard(), "waiting") != NULL);
    check(strstr(stage->out, "\x1b[1;31m🔴 it burns\x1b[0m") != NULL);
    forget();
    /* The last thing printed is drawn anew in its place. */
    check(edit("I1/card", message_of("card", "it burns", "running")));
    await(strstr(heard(), "running") != NULL);
    check(strstr(stage->out, "\x1b[4A\r\x1b[J") != NULL);
    forget();
    /* Once something was typed below it, it is printed again, and only if it says something new. */
    say("status\n");
    await(stage->event_count == 1);
    forget();
    json_t *same = message_of("card", "it burns", "running");
    json_array_insert_new(json_object_get(same, "blocks"), 1,
                          json_pack("{s:s, s:s}", "type", "text", "text", "a detail"));
    check(edit("I1/card", same));
    check(strcmp(heard(), "") == 0);
    check(edit("I1/card", message_of("card", "it is out", "done")));
    await(strstr(heard(), "it is out") != NULL);
    check(strstr(stage->out, "\x1b[4A") == NULL);
    check((fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) == 0);
}

static void test_on_a_terminal(void **state)
{
    unsetenv("NO_COLOR");
    with_tty(80);
    run(on_tty);
}

static void no_colour(struct stage *self)
{
    struct mw_error error;
    check(post("I1/card", message_of("card", "it burns", "waiting"), 1000, &error));
    await(strstr(heard(), "waiting") != NULL);
    check(strchr(stage->out, 0x1b) == NULL);
}

static void test_no_color(void **state)
{
    setenv("NO_COLOR", "1", 1);
    with_tty(80);
    run(no_colour);
    unsetenv("NO_COLOR");
}

static void stopped_tty(struct stage *self)
{
    struct mw_error error = {0};
    /* Ctrl-S, and nobody presses Ctrl-Q. */
    say("\x13");
    mw_sleep(50, &error);
    ticked = false;
    mw_fiber_spawn(&stage->group, "tick", tick, NULL);
    check(!post("I1/card", message_of("card", "held", "w"), 200, &error));
    check(error.class == MW_ERROR_TIMEOUT);
    check(ticked);
    say("\x11");
    check(post("I1/card", message_of("card", "held", "w"), 1000, &error));
    await(strstr(heard(), "held") != NULL);
}

static void test_a_stopped_terminal(void **state)
{
    with_tty(80);
    run(stopped_tty);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listens),       TEST(test_ids_differ_across_restarts),
        TEST(test_hears_garbage), TEST(test_prints_to_a_pipe),
        TEST(test_nobody_reads),  TEST(test_the_reader_is_gone),
        TEST(test_files),         TEST(test_dev_null),
        TEST(test_a_socket),      TEST(test_on_a_terminal),
        TEST(test_no_color),      TEST(test_a_stopped_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
