/* SPDX-License-Identifier: Apache-2.0 */
/* redis_info. */
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "redis.h"

#define FIELDS_MAX 300
#define VALUE_MAX  200

static bool is_section_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz") == length;
}

static json_t *value_of(const char *text, size_t length)
{
    char *clean = mw_redact_line(NULL, text, length, VALUE_MAX);
    char *end = NULL;
    long long number = clean != NULL ? strtoll(clean, &end, 10) : 0;
    bool whole = clean != NULL && end != clean && *end == '\0' && length < 18;
    json_t *value = whole ? json_integer(number) : json_string(clean != NULL ? clean : "");
    talloc_free(clean);
    return value;
}

static json_t *fields_of(const char *text, size_t length)
{
    json_t *fields = json_object();
    const char *end = text + length;
    while (text < end && json_object_size(fields) < FIELDS_MAX) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *stop = line_end != NULL ? line_end : end;
        const char *colon = memchr(text, ':', (size_t)(stop - text));
        size_t size = (size_t)(stop - text);
        if (colon != NULL && colon > text && *text != '#') {
            char *name = mw_text_clean(NULL, text, (size_t)(colon - text), 64);
            size_t rest = size - (size_t)(colon + 1 - text);
            rest -= rest > 0 && stop[-1] == '\r';
            if (name != NULL) {
                json_object_set_new(fields, name, value_of(colon + 1, rest));
            }
            talloc_free(name);
        }
        text = line_end != NULL ? line_end + 1 : end;
    }
    return fields;
}

static json_t *summarise(const struct mw_redis_info *info, json_t *fields)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *limit = info->maxmemory > 0
                      ? talloc_asprintf(memory, " of %s (%s)",
                                        mw_size_text(memory, info->maxmemory), info->policy)
                      : talloc_strdup(memory, " without a limit");
    json_t *result = mw_tool_result(
        true, fields, "Redis %s, %s: %s used%s, %s keys, %s with an expiry, %s clients",
        info->version, strcmp(info->role, "slave") == 0 ? "replica" : "master",
        mw_size_text(memory, info->used_memory), limit, mw_redis_number_text(memory, info->keys),
        mw_redis_number_text(memory, info->expires), mw_redis_number_text(memory, info->clients));
    talloc_free(memory);
    return result;
}

MW_REDIS_RUN(mw_redis_run_info)
{
    struct mw_redis *redis = target->state;
    const char *section = json_string_value(json_object_get(arguments, "section"));
    if (section != NULL && !is_section_name(section)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "section: a word such as memory or clients");
    }
    /* Where no section is named, its NULL ends the words already. */
    redisReply *reply mw_redis_reply_auto =
        mw_redis_ask(redis->connection, deadline, error, "INFO", section, NULL);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        return reply == NULL ? false
                             : mw_error_set(error, MW_ERROR_PERMANENT, "INFO answered no text");
    }
    json_t *fields = fields_of(reply->str, reply->len);
    if (section != NULL) {
        size_t count = json_object_size(fields);
        *result = mw_tool_result(true, fields, "%zu values of section %s", count, section);
        return true;
    }
    struct mw_redis_info info;
    mw_redis_info_parse(&info, reply->str, reply->len);
    *result = summarise(&info, fields);
    return true;
}
