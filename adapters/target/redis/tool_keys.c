/* SPDX-License-Identifier: Apache-2.0 */
/* redis_big_keys. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "redis.h"

#define LIMIT_DEFAULT  10
#define LIMIT_MAX      50
#define BATCH          500
#define KEYS_MAX       20000
#define TIME_MS        3000
#define PATTERNS_MAX   64
#define PATTERNS_TOLD  5
#define NAME_MAX_SHOWN 120

struct big_key {
    char *name; /* foreign bytes */
    size_t length;
    int64_t bytes, ttl_ms; /* ttl_ms -1: no expiry */
};

/* Keys whose names differ only in numbers and ids. */
struct pattern {
    char *text;
    int64_t keys, bytes, without_expiry;
};

struct survey {
    struct mw_redis *redis;
    TALLOC_CTX *memory;
    size_t limit, count;
    struct big_key keys[LIMIT_MAX]; /* largest first */
    size_t pattern_count;
    struct pattern patterns[PATTERNS_MAX];
    int64_t looked_at, bytes, without_expiry;
};

/* ---- taking keys in ---- */

static char *shown(TALLOC_CTX *memory, const char *name, size_t length)
{
    return mw_redact_line(memory, name, length, NAME_MAX_SHOWN);
}

/* "session:8c4f12" → "session:*". */
static char *pattern_of(TALLOC_CTX *memory, const char *name, size_t length)
{
    char out[96];
    size_t size = 0, at = 0;
    while (at < length && size < sizeof out - 2) {
        size_t start = at;
        bool digit = false;
        while (at < length && (isalnum((unsigned char)name[at]) || name[at] == '_')) {
            digit = digit || isdigit((unsigned char)name[at]);
            at++;
        }
        if (digit) {
            size -= size > 1 && out[size - 2] == '*' && out[size - 1] == '-' ? 2 : 0;
            out[size++] = '*';
        } else if (at > start) {
            size_t room = sizeof out - 2 - size, part = at - start < room ? at - start : room;
            memcpy(out + size, name + start, part);
            size += part;
        } else {
            out[size++] = name[at++];
        }
    }
    return shown(memory, out, size);
}

static void take_pattern(struct survey *survey, const struct big_key *key)
{
    char *text = pattern_of(survey->memory, key->name, key->length);
    struct pattern *place = NULL;
    for (size_t i = 0; text != NULL && place == NULL && i < survey->pattern_count; i++) {
        place = strcmp(survey->patterns[i].text, text) == 0 ? &survey->patterns[i] : NULL;
    }
    if (place != NULL) {
        talloc_free(text);
    } else if (text != NULL && survey->pattern_count < PATTERNS_MAX) {
        place = &survey->patterns[survey->pattern_count++];
        *place = (struct pattern){.text = text};
    } else {
        talloc_free(text);
        return;
    }
    place->keys++;
    place->bytes += key->bytes;
    place->without_expiry += key->ttl_ms == -1;
}

static void take_key(struct survey *survey, const struct big_key *key)
{
    survey->looked_at++;
    survey->bytes += key->bytes;
    survey->without_expiry += key->ttl_ms == -1;
    take_pattern(survey, key);

    size_t place = survey->count;
    if (place == survey->limit) {
        if (survey->keys[place - 1].bytes >= key->bytes) {
            return;
        }
        talloc_free(survey->keys[--place].name);
    } else {
        survey->count++;
    }
    while (place > 0 && survey->keys[place - 1].bytes < key->bytes) {
        survey->keys[place] = survey->keys[place - 1];
        place--;
    }
    survey->keys[place] = *key;
    survey->keys[place].name = talloc_memdup(survey->memory, key->name, key->length);
}

/* ---- asking ---- */

static void add_key_command(struct mw_redis_request *request, const char *first, const char *second,
                            const redisReply *key)
{
    const char *words[3] = {first, second != NULL ? second : key->str, key->str};
    size_t lengths[3] = {strlen(first), second != NULL ? strlen(second) : key->len, key->len};
    mw_redis_request_add_bytes(request, second != NULL ? 3 : 2, words, lengths);
}

/* A key may be gone by the time it is asked for: then its size is nil. */
static bool take_replies(struct survey *survey, redisReply *const *names,
                         redisReply *const *replies, size_t count, struct mw_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const redisReply *size = replies[2 * i], *ttl = replies[2 * i + 1];
        if (!mw_redis_reply_check(size, error)) {
            return mw_error_wrap(error, "MEMORY USAGE");
        }
        if (size->type != REDIS_REPLY_INTEGER || size->integer < 0) {
            continue;
        }
        take_key(survey, &(struct big_key){
                             .name = names[i]->str,
                             .length = names[i]->len,
                             .bytes = size->integer < INT64_MAX / KEYS_MAX / 2 ? size->integer : 0,
                             .ttl_ms = ttl->type == REDIS_REPLY_INTEGER ? ttl->integer : 0});
    }
    return true;
}

static bool measure_batch(struct survey *survey, redisReply *const *names, size_t count,
                          struct mw_deadline deadline, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    redisReply **replies = talloc_zero_array(memory, redisReply *, (unsigned)(2 * count));
    struct mw_redis_request request;
    mw_redis_request_init(&request, memory);
    for (size_t i = 0; i < count; i++) {
        add_key_command(&request, "MEMORY", "USAGE", names[i]);
        add_key_command(&request, "PTTL", NULL, names[i]);
    }
    bool done = replies != NULL ? mw_redis_exchange(survey->redis->connection, &request, true,
                                                    deadline, replies, NULL, error)
                                : mw_error_set(error, MW_ERROR_RETRY, "no memory left");
    done = done && take_replies(survey, names, replies, count, error);
    for (size_t i = 0; replies != NULL && i < 2 * count; i++) {
        mw_redis_reply_release(&replies[i]);
    }
    talloc_free(memory);
    return done;
}

static bool all_strings(const redisReply *list)
{
    for (size_t i = 0; i < list->elements; i++) {
        if (list->element[i]->type != REDIS_REPLY_STRING) {
            return false;
        }
    }
    return true;
}

/* One SCAN and the sizes of what it found. `*cursor` becomes "0" at the end. */
static bool scan_once(struct survey *survey, char cursor[32], struct mw_deadline deadline,
                      struct mw_error *error)
{
    redisReply *reply mw_redis_reply_auto = mw_redis_ask(survey->redis->connection, deadline, error,
                                                         "SCAN", cursor, "COUNT", "500", NULL);
    if (reply == NULL) {
        return mw_error_wrap(error, "SCAN");
    }
    bool shaped = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                  reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len < 32 &&
                  reply->element[1]->type == REDIS_REPLY_ARRAY && all_strings(reply->element[1]);
    if (!shaped) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "SCAN answered in an unknown shape");
    }
    memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
    redisReply *list = reply->element[1];
    for (size_t at = 0; at < list->elements && survey->looked_at < KEYS_MAX; at += BATCH) {
        size_t count = list->elements - at < BATCH ? list->elements - at : BATCH;
        if (!measure_batch(survey, list->element + at, count, deadline, error)) {
            return false;
        }
    }
    return true;
}

/* ---- telling ---- */

static int compare_patterns(const void *a, const void *b)
{
    const struct pattern *left = a, *right = b;
    return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

static json_t *keys_json(const struct survey *survey)
{
    json_t *list = json_array();
    for (size_t i = 0; i < survey->count; i++) {
        const struct big_key *key = &survey->keys[i];
        char *name = shown(survey->memory, key->name, key->length);
        json_t *expires = key->ttl_ms >= 0 ? json_integer(key->ttl_ms / 1000) : json_null();
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:o}", "key", name != NULL ? name : "", "bytes",
                                        (json_int_t)key->bytes, "expires_in_s", expires));
    }
    return list;
}

static json_t *patterns_json(struct survey *survey)
{
    json_t *list = json_array();
    qsort(survey->patterns, survey->pattern_count, sizeof survey->patterns[0], compare_patterns);
    for (size_t i = 0; i < survey->pattern_count && i < PATTERNS_TOLD; i++) {
        const struct pattern *pattern = &survey->patterns[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "pattern", pattern->text,
                                              "keys", (json_int_t)pattern->keys, "bytes",
                                              (json_int_t)pattern->bytes, "without_expiry",
                                              (json_int_t)pattern->without_expiry));
    }
    return list;
}

static json_t *report(struct survey *survey, int64_t total, bool complete)
{
    TALLOC_CTX *memory = survey->memory;
    json_t *patterns = patterns_json(survey);
    json_t *data = json_pack(
        "{s:I, s:I, s:b, s:I, s:o, s:o}", "looked_at", (json_int_t)survey->looked_at,
        "keys_in_database", (json_int_t)total, "complete", complete, "without_expiry",
        (json_int_t)survey->without_expiry, "keys", keys_json(survey), "patterns", patterns);
    if (survey->count == 0) {
        return mw_tool_result(true, data, "the database holds no keys");
    }
    const struct big_key *first = &survey->keys[0];
    char *name = shown(memory, first->name, first->length);
    return mw_tool_result(
        true, data,
        "looked at %s of %s keys: the largest is %s with %s; most memory is in %s (%s "
        "keys, %s, %s without an expiry)",
        mw_redis_number_text(memory, survey->looked_at), mw_redis_number_text(memory, total),
        name != NULL ? name : "?", mw_size_text(memory, first->bytes), survey->patterns[0].text,
        mw_redis_number_text(memory, survey->patterns[0].keys),
        mw_size_text(memory, survey->patterns[0].bytes),
        mw_redis_number_text(memory, survey->patterns[0].without_expiry));
}

static int64_t database_size(struct survey *survey, struct mw_deadline deadline,
                             struct mw_error *error)
{
    redisReply *reply mw_redis_reply_auto =
        mw_redis_ask(survey->redis->connection, deadline, error, "DBSIZE", NULL);
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
}

MW_REDIS_RUN(mw_redis_run_big_keys)
{
    struct survey *survey = talloc_zero(NULL, struct survey);
    json_int_t limit = json_integer_value(json_object_get(arguments, "limit"));
    if (survey == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left");
    }
    survey->redis = target->state;
    survey->memory = survey;
    survey->limit = limit < 1 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;

    struct mw_deadline enough = mw_deadline_in(TIME_MS);
    char cursor[32] = "0";
    bool done = true, complete = false;
    int64_t total = database_size(survey, deadline, error);
    done = total >= 0;
    while (done && !complete && survey->looked_at < KEYS_MAX && !mw_deadline_passed(enough)) {
        done = scan_once(survey, cursor, deadline, error);
        complete = strcmp(cursor, "0") == 0;
    }
    if (done) {
        *result = report(survey, total, complete);
    }
    talloc_free(survey);
    return done;
}
