/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a Redis are read, and a probe on a scripted stream; then such replies as are large. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/target/redis/redis.h"
#include "adapters/target/redis/reply.h"
#include "base/clock.h"
#include "harness.h"
#include "runtime/runtime.h"

static int listener = -1, port;

static const char info[] =
    "# Server\r\nredis_version:7.0.15\r\nprocess_id:1\r\nuptime_in_seconds:77\r\n"
    "# Clients\r\nconnected_clients:3\r\nmaxclients:100\r\n# Memory\r\n"
    "used_memory:900\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n"
    "# Stats\r\nevicted_keys:0\r\nkeyspace_hits:1\r\nkeyspace_misses:1\r\n"
    "# Replication\r\nrole:master\r\n# Keyspace\r\ndb0:keys=4,expires=0\r\n";

/* A Redis that knows one answer. It allocates nothing. */
static void *serve(void *argument)
{
    char asked[4096], answer[sizeof info + 40];
    int link = accept(listener, NULL, NULL);
    int length = snprintf(answer, sizeof answer, "$%zu\r\n%s\r\n", strlen(info), info);
    while (read(link, asked, sizeof asked) > 0)
        if (write(link, answer, (size_t)length) < 0)
            break;
    close(link);
    return NULL;
}

static void prepare(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TORTURE_HOLDS(bind(listener, (struct sockaddr *)&address, size) == 0);
    TORTURE_HOLDS(listen(listener, 4) == 0);
    TORTURE_HOLDS(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    TORTURE_HOLDS(pthread_create(&thread, NULL, serve, NULL) == 0);
}

static int probe_twice(void *argument)
{
    char url[60];
    struct mw_error error = {0};
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    struct mw_redis_config config = {.url = url};
    struct mw_target *target = talloc_zero(NULL, struct mw_target);
    target->name = "cache";
    target->memory = target;
    if (!mw_target_redis.create(target, &config, &error))
        torture_fail("%s", error.text);
    for (int i = 0; i < 2; i++) {
        struct mw_sample sample = {0};
        if (!mw_target_redis.probe(target, mw_deadline_in(5000), &sample, &error))
            torture_fail("%s", error.text);
        TORTURE_HOLDS(mw_sample_find(&sample, "memory_percent")->value == 90);
    }
    mw_target_redis.destroy(target);
    talloc_free(target);
    return 0;
}

static void probe(void)
{
    struct mw_error error = {0};
    TORTURE_HOLDS(mw_runtime_init(&error));
    mw_runtime_run(probe_twice, NULL);
    mw_runtime_finish();
}

/* Whether one whole reply came of the bytes; otherwise there is a sentence. */
static bool decode(const char *bytes, size_t length)
{
    struct mw_redis_decoder decoder;
    struct mw_error error = {0};
    redisReply *reply = NULL;
    bool good = mw_redis_decoder_init(&decoder, &error) &&
                mw_redis_decoder_feed(&decoder, bytes, length, &error) &&
                mw_redis_decoder_next(&decoder, &reply, &error);
    if (reply != NULL)
        mw_redis_reply_check(reply, &error);
    mw_redis_reply_release(&reply);
    mw_redis_decoder_finish(&decoder);
    TORTURE_HOLDS(good || error.text[0] != '\0');
    return good;
}

static void replies(void)
{
    static const char *const texts[] = {"*3\r\n$3\r\nabc\r\n:5\r\n*2\r\n+OK\r\n$-1\r\n",
                                        "-NOPERM this user has no permissions\r\n", "$-7\r\n",
                                        "-ERR password=hunter2 is wrong\r\n", "HTTP/1.1 400\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        decode(texts[i], strlen(texts[i]));
}

#define BULK (3u << 20)

static char *bulk;

static void prepare_bulk(void)
{
    bulk = calloc(1, BULK + 40);
    int head = snprintf(bulk, 40, "$%u\r\n", BULK);
    memset(bulk + head, 'x', BULK);
    memcpy(bulk + head + BULK, "\r\n", 3);
}

static void large_reply(void)
{
    decode(bulk, strlen(bulk));
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {
        {.name = "probe", .prepare = prepare, .scenario = probe, .least = 30},
        {.name = "replies", .scenario = replies, .least = 30},
        {.name = "large-reply",
         .prepare = prepare_bulk,
         .scenario = large_reply,
         .large = true,
         .least = 2},
        {NULL}};
    return torture_main(count, words, scenarios);
}
