/* SPDX-License-Identifier: Apache-2.0 */
/* What answers on the port is no Redis, or one that went mad. */
#include "server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the liar does with each connection: reads a little, sends `first` (to the login), reads, sends
 * `second`, and then hangs, hangs up, or floods. */
enum ending { HANGS, HANGS_UP, FLOODS };

struct liar {
    pid_t pid;
    int port;
};

static void serve_one(int fd, const char *first, const char *second, enum ending ending)
{
    char buffer[4096];
    const char *texts[] = {first, second};
    for (int i = 0; i < 2 && texts[i] != NULL; i++) {
        if (read(fd, buffer, sizeof buffer) <= 0 || write(fd, texts[i], strlen(texts[i])) < 0) {
            break;
        }
    }
    static char flood[65536];
    memset(flood, '+', sizeof flood);
    while (ending == FLOODS && write(fd, flood, sizeof flood) > 0) {
    }
    while (ending == HANGS && read(fd, buffer, sizeof buffer) > 0) {
    }
    close(fd);
}

static struct liar start_liar(const char *first, const char *second, enum ending ending)
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
            serve_one(fd, first, second, ending);
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

static void check_liar(const char *first, const char *second, enum ending ending,
                       enum mw_error_class class, const char *says)
{
    char text[400];
    struct liar liar = start_liar(first, second, ending);
    struct mw_target *target =
        target_on(talloc_asprintf(test_memory, "redis://127.0.0.1:%d", liar.port));
    for (int i = 0; i < 2; i++) {
        mw_mono_ns start = mw_mono_now();
        enum mw_error_class seen = probe_badly(target, 500, text);
        if (seen != class || strstr(text, says) == NULL) {
            stop_liar(&liar);
            fail_msg("%s / %s: %s", first, second, text);
        }
        assert_true(mw_mono_now() - start < 1500000000);
    }
    stop_liar(&liar);
    mw_target_redis.destroy(target);
}

static void no_redis_at_all_body(void)
{
    check_liar("HTTP/1.1 400 Bad Request\r\n\r\n", NULL, HANGS, MW_ERROR_RETRY,
               "does not speak the Redis protocol");
    check_liar("\x15\x03\x01", NULL, HANGS_UP, MW_ERROR_RETRY, "does not speak the Redis protocol");
    check_liar("+OK\r\n", "<html>", HANGS, MW_ERROR_RETRY, "does not speak the Redis protocol");
    check_liar("+OK\r\n", ":5\r\n", HANGS, MW_ERROR_RETRY, "does not speak the Redis protocol");
    check_liar("+OK\r\n", "*1\r\n$1\r\na\r\n", HANGS, MW_ERROR_RETRY, "does not speak");
    check_liar("+OK\r\n", "$5\r\nhello\r\n", HANGS, MW_ERROR_RETRY, "redis_version");
}

static void half_answers_body(void)
{
    check_liar("", NULL, HANGS, MW_ERROR_TIMEOUT, "");
    check_liar("+O", NULL, HANGS, MW_ERROR_TIMEOUT, "");
    check_liar("+O", NULL, HANGS_UP, MW_ERROR_RETRY, "closed");
    check_liar("+OK\r\n", "$500\r\nredis_version:7", HANGS, MW_ERROR_TIMEOUT, "");
    check_liar("+OK\r\n", "$500\r\nredis_version:7", HANGS_UP, MW_ERROR_RETRY, "closed");
    check_liar(NULL, NULL, HANGS_UP, MW_ERROR_RETRY, "closed");
}

static void mad_answers_body(void)
{
    check_liar("+OK\r\n", "*2147483647\r\n", HANGS, MW_ERROR_PERMANENT, "more than");
    check_liar("+OK\r\n", "$99999999999\r\n", FLOODS, MW_ERROR_PERMANENT, "more than");
    check_liar("+OK\r\n+OK\r\n", NULL, HANGS, MW_ERROR_RETRY, "not asked");
    check_liar("+OK\r\n", "$0\r\n\r\n", FLOODS, MW_ERROR_RETRY, "");
    check_liar("+OK\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
               HANGS, MW_ERROR_RETRY, "does not speak");
}

static void error_answers_body(void)
{
    check_liar("-LOADING Redis is loading\r\n", NULL, HANGS, MW_ERROR_RETRY, "loading");
    check_liar("+OK\r\n", "-LOADING Redis is loading\r\n", HANGS_UP, MW_ERROR_RETRY, "loading");
    check_liar("-DENIED Redis is running in protected mode\r\n", NULL, HANGS_UP, MW_ERROR_REFUSED,
               "protected mode");
    check_liar("+OK\r\n", "-ERR unknown command 'INFO'\r\n", HANGS_UP, MW_ERROR_REFUSED, "INFO");
}

static void info_that_lies_is_survived_body(void)
{
    static const char text[] = "redis_version:7\r\nused_memory:9223372036854775807\r\n"
                               "maxmemory:1\r\nconnected_clients:9223372036854775807\r\n";
    const char *lie = talloc_asprintf(test_memory, "$%zu\r\n%s\r\n", sizeof text - 1, text);
    struct liar liar = start_liar("+OK\r\n", lie, HANGS);
    struct mw_target *target =
        target_on(talloc_asprintf(test_memory, "redis://127.0.0.1:%d", liar.port));
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    struct mw_redis *redis = target->state;
    redis->maxclients = 1;
    bool done = mw_target_redis.probe(target, mw_deadline_in(500), &sample, &error);
    stop_liar(&liar);
    if (!done) {
        fail_msg("%s", error.text);
    }
    assert_true(metric_of(&sample, "memory_percent") > 1e18);
}

BODY_TEST(no_redis_at_all)
BODY_TEST(half_answers)
BODY_TEST(mad_answers)
BODY_TEST(error_answers)
BODY_TEST(info_that_lies_is_survived)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(no_redis_at_all),
        test_on_server(half_answers),
        test_on_server(mad_answers),
        test_on_server(error_answers),
        test_on_server(info_that_lies_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
