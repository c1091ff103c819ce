/* SPDX-License-Identifier: Apache-2.0 */
/* What answers on the port is no PostgreSQL, an odd one, or one that went mad. */
#include "calls.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads something and sends the next answer, until there is none; then hangs, hangs up, or repeats the
 * last for ever. */
enum ending { HANGS, HANGS_UP, FLOODS };

struct answer {
    char *bytes;
    size_t length;
};

struct liar {
    pid_t pid;
    int port;
};

static void serve_one(int fd, const struct answer *answers, size_t count, enum ending ending)
{
    char buffer[4096];
    bool well = true;
    for (size_t i = 0; i < count && well; i++) {
        well = read(fd, buffer, sizeof buffer) > 0 &&
               write(fd, answers[i].bytes, answers[i].length) >= 0;
    }
    while (well && ending == FLOODS) {
        well = write(fd, answers[count - 1].bytes, answers[count - 1].length) > 0;
    }
    while (well && ending == HANGS && read(fd, buffer, sizeof buffer) > 0) {
    }
    close(fd);
}

static struct liar start_liar(const struct answer *answers, size_t count, enum ending ending)
{
    struct liar liar = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    liar.port = ntohs(address.sin_port);
    liar.pid = fork();
    if (liar.pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0) {
                _exit(0);
            }
            serve_one(fd, answers, count, ending);
        }
    }
    close(listener);
    return liar;
}

static void stop_liar(const struct liar *liar)
{
    kill(liar->pid, SIGKILL);
    waitpid(liar->pid, NULL, 0);
}

/* ---- what it says ---- */

static void add_bytes(struct answer *answer, const void *bytes, size_t length)
{
    answer->bytes =
        talloc_realloc(test_memory, answer->bytes, char, (unsigned)(answer->length + length + 1));
    memcpy(answer->bytes + answer->length, bytes, length);
    answer->length += length;
}

static struct answer plain(const char *text)
{
    struct answer answer = {.length = 0};
    add_bytes(&answer, text, strlen(text));
    return answer;
}

/* One message: its type and its body, whose length may be a lie. */
static void add_message(struct answer *answer, char type, const void *body, size_t length,
                        uint32_t said)
{
    uint32_t size = htonl(said);
    add_bytes(answer, &type, 1);
    add_bytes(answer, &size, 4);
    add_bytes(answer, body, length);
}

#define ADD(answer, type, body) \
    add_message(answer, type, body, sizeof(body) - 1, (uint32_t)sizeof(body) - 1 + 4)

static struct answer complaint(const char *sqlstate, const char *message)
{
    struct answer answer = {.length = 0};
    char body[512];
    int length =
        snprintf(body, sizeof body, "SSCHLIMM%cVFATAL%cC%s%cM%s%c", 0, 0, sqlstate, 0, message, 0);
    body[length++] = '\0';
    add_message(&answer, 'E', body, (size_t)length, (uint32_t)length + 4);
    return answer;
}

/* Let in without a password, as a server of that version. */
static struct answer welcome(const char *version)
{
    struct answer answer = {.length = 0};
    char body[64];
    int length = snprintf(body, sizeof body, "server_version%c%s%c", 0, version, 0);
    ADD(&answer, 'R', "\0\0\0\0");
    add_message(&answer, 'S', body, (size_t)length, (uint32_t)length + 4);
    ADD(&answer, 'K', "\0\0\0\1\0\0\0\1");
    ADD(&answer, 'Z', "I");
    return answer;
}

/* "Done" to whatever was asked. */
static struct answer done(void)
{
    struct answer answer = {.length = 0};
    ADD(&answer, 'C', "SET\0");
    ADD(&answer, 'Z', "I");
    return answer;
}

/* ---- what becomes of it ---- */

static struct mw_target *target_at(int port, const char *options)
{
    return target_on(talloc_asprintf(
        test_memory, "postgresql://midwatch:s3cret-one@127.0.0.1:%d/shop%s", port, options));
}

static void check(const struct answer *answers, size_t count, enum ending ending,
                  const char *options, enum mw_error_class class, const char *says)
{
    char text[400];
    struct liar liar = start_liar(answers, count, ending);
    struct mw_target *target = target_at(liar.port, options);
    /* Reading until it is too much takes its time. */
    int64_t ms = ending == FLOODS ? 20000 : 500;
    for (int i = 0; i < 2; i++) {
        mw_mono_ns start = mw_mono_now();
        enum mw_error_class seen = probe_badly(target, ms, text);
        bool late = mw_mono_now() - start > (ms + 1000) * 1000000;
        if (seen != class || late || strstr(text, says) == NULL || strstr(text, "s3cret") != NULL) {
            stop_liar(&liar);
            fail_msg("%s: %s%s", mw_error_class_name(seen), text, late ? " (late)" : "");
        }
    }
    stop_liar(&liar);
    forget(target);
}

#define PLAIN "?sslmode=disable"

static void no_postgres_at_all_body(void)
{
    struct answer http = plain("HTTP/1.1 400 Bad Request\r\n\r\n");
    check(&http, 1, HANGS, PLAIN, MW_ERROR_RETRY, "does not speak the PostgreSQL protocol");
    check(&http, 1, HANGS, "", MW_ERROR_RETRY, "does not speak the PostgreSQL protocol");
    struct answer redis = plain("-ERR unknown command\r\n");
    check(&redis, 1, HANGS, PLAIN, MW_ERROR_RETRY, "does not speak the PostgreSQL protocol");
    struct answer tls = plain("\x15\x03\x01");
    check(&tls, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "");
    struct answer nothing = {.length = 0};
    check(&nothing, 1, HANGS, "", MW_ERROR_TIMEOUT, "");
    check(&nothing, 1, HANGS_UP, "", MW_ERROR_RETRY, "");
    check(&nothing, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "");
}

static void half_answers_body(void)
{
    struct answer answers[3] = {welcome("15.4"), done(), {.length = 0}};
    struct answer half = answers[0];
    half.length -= 8;
    check(&half, 1, HANGS, PLAIN, MW_ERROR_TIMEOUT, "");
    check(&half, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "");
    check(answers, 1, HANGS, PLAIN, MW_ERROR_TIMEOUT, "");
    check(answers, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "");
    answers[2] = plain("1\0\0\0\4");
    check(answers, 3, HANGS, PLAIN, MW_ERROR_TIMEOUT, "");
}

static void complaints_body(void)
{
    struct answer answer = complaint("57P03", "das Datenbanksystem startet");
    check(&answer, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "das Datenbanksystem startet");
    answer = complaint("28P01", "Passwort-Authentifizierung fehlgeschlagen");
    check(&answer, 1, HANGS_UP, PLAIN, MW_ERROR_REFUSED, "does not take the password");
    answer = complaint("57P01", "evil \x1b[31m line\nnext: password=s3cret-one");
    check(&answer, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "evil  line");
    answer = complaint("?", "nonsense");
    check(&answer, 1, HANGS_UP, PLAIN, MW_ERROR_RETRY, "");
}

static void a_full_server_in_any_language_body(void)
{
    struct answer answer = complaint("53300", "die verbleibenden Verbindungen sind reserviert");
    struct liar liar = start_liar(&answer, 1, HANGS_UP);
    struct mw_target *target = target_at(liar.port, PLAIN);
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    bool measured = mw_target_postgres.probe(target, mw_deadline_in(500), &sample, &error);
    stop_liar(&liar);
    if (!measured) {
        fail_msg("%s", error.text);
    }
    assert_true(metric_of(&sample, "connections_percent") == 100);
    assert_string_equal(sample.source, "postgres connect");
}

static void an_old_server_is_told_body(void)
{
    struct answer answer = welcome("9.6.24");
    check(&answer, 1, HANGS, PLAIN, MW_ERROR_PERMANENT, "version 9.6 is too old");
}

static void mad_answers_body(void)
{
    struct answer answers[5] = {welcome("15.4"), done(), done(), done(), done()};
    /* Not a row where one was asked for. */
    check(answers, 5, HANGS, PLAIN, MW_ERROR_PERMANENT, "no PostgreSQL does");
    /* A message that says it is larger than memory. */
    answers[2] = (struct answer){.length = 0};
    add_message(&answers[2], 'D', "", 0, 0x7ffffff0);
    check(answers, 3, HANGS, PLAIN, MW_ERROR_RETRY, "");
    /* A copy that nobody asked for. */
    answers[2] = (struct answer){.length = 0};
    ADD(&answers[2], 'H', "\0\0\0");
    check(answers, 3, HANGS, PLAIN, MW_ERROR_RETRY, "");
    /* Notices without an end. */
    answers[2] = (struct answer){.length = 0};
    static char notice[65536] = "SNOTICE\0C00000\0M";
    memset(notice + 16, 'x', sizeof notice - 18);
    add_message(&answers[2], 'N', notice, sizeof notice, sizeof notice + 4);
    check(answers, 3, FLOODS, PLAIN, MW_ERROR_PERMANENT, "more than 8 MiB");
}

/* Asked for a password, we give the one of the url and say so when there is none. */
static void a_password_is_asked_for_body(void)
{
    char text[400];
    struct answer ask = {.length = 0};
    ADD(&ask, 'R', "\0\0\0\3");
    struct liar liar = start_liar(&ask, 1, HANGS_UP);
    struct mw_target *target = target_on(talloc_asprintf(
        test_memory,
        "postgresql://midwatch@127.0.0.1:%d/shop?sslmode=disable&passfile=/nowhere/pass",
        liar.port));
    enum mw_error_class class = probe_badly(target, 500, text);
    stop_liar(&liar);
    assert_int_equal(class, MW_ERROR_REFUSED);
    assert_says(text, "for a password");
}

BODY_TEST(no_postgres_at_all)
BODY_TEST(half_answers)
BODY_TEST(complaints)
BODY_TEST(a_full_server_in_any_language)
BODY_TEST(an_old_server_is_told)
BODY_TEST(mad_answers)
BODY_TEST(a_password_is_asked_for)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(no_postgres_at_all),
        test_on_server(half_answers),
        test_on_server(complaints),
        test_on_server(a_full_server_in_any_language),
        test_on_server(an_old_server_is_told),
        test_on_server(mad_answers),
        test_on_server(a_password_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
