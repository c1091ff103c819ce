/* SPDX-License-Identifier: Apache-2.0 */
#include "info.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct field {
    const char *name;
    unsigned char length; /* of the name: most lines of INFO are passed over by it alone */
    unsigned char size;   /* of a text; 0: a number */
    unsigned short offset;
};

#define NUMBER(key, member)                                            \
    {                                                                  \
        key, sizeof key - 1, 0, offsetof(struct mw_redis_info, member) \
    }
#define TEXT(key, member)                                                 \
    {                                                                     \
        key, sizeof key - 1, sizeof(((struct mw_redis_info *)0)->member), \
            offsetof(struct mw_redis_info, member)                        \
    }

static const struct field fields[] = {
    TEXT("redis_version", version),
    TEXT("run_id", run_id),
    TEXT("role", role),
    TEXT("maxmemory_policy", policy),
    TEXT("master_link_status", master_link),
    TEXT("rdb_last_bgsave_status", bgsave_status),
    NUMBER("process_id", process_id),
    NUMBER("uptime_in_seconds", uptime_s),
    NUMBER("connected_clients", clients),
    NUMBER("maxclients", maxclients),
    NUMBER("connected_slaves", replicas),
    NUMBER("used_memory", used_memory),
    NUMBER("used_memory_rss", used_memory_rss),
    NUMBER("maxmemory", maxmemory),
    NUMBER("evicted_keys", evicted),
    NUMBER("keyspace_hits", hits),
    NUMBER("keyspace_misses", misses),
    NUMBER("loading", loading),
    NUMBER("aof_enabled", aof_enabled),
    NUMBER("rdb_changes_since_last_save", unsaved_changes),
    NUMBER("rdb_last_save_time", saved_at_s),
    NUMBER("lazyfree_pending_objects", lazyfree_pending),
    NUMBER("master_last_io_seconds_ago", master_last_io_s),
    NUMBER("master_link_down_since_seconds", master_down_s),
};

/* -1 unless it is a number that is not negative. */
static int64_t parse_number(const char *text, size_t length)
{
    int64_t number = 0;
    if (length == 0) {
        return -1;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text[i] - '0', &number)) {
            return -1;
        }
    }
    return number;
}

static void copy_text(char *out, size_t size, const char *text, size_t length)
{
    size_t count = length < size - 1 ? length : size - 1;
    for (size_t i = 0; i < count; i++) {
        out[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';
    }
    out[count] = '\0';
}

/* "keys=12,expires=3,…": the number after NAME=, or -1. */
static int64_t part(const char *value, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    while (length > 0) {
        const char *comma = memchr(value, ',', length);
        size_t size = comma != NULL ? (size_t)(comma - value) : length;
        if (size > name_length && memcmp(value, name, name_length) == 0 &&
            value[name_length] == '=') {
            return parse_number(value + name_length + 1, size - name_length - 1);
        }
        size_t step = comma != NULL ? size + 1 : size;
        value += step;
        length -= step;
    }
    return -1;
}

static void add(int64_t *sum, int64_t number)
{
    if (number > 0 && __builtin_add_overflow(*sum, number, sum)) {
        *sum = INT64_MAX;
    }
}

static bool is_numbered(const char *key, size_t length, const char *prefix)
{
    size_t prefix_length = strlen(prefix);
    return length > prefix_length && memcmp(key, prefix, prefix_length) == 0 &&
           parse_number(key + prefix_length, length - prefix_length) >= 0;
}

static void take_list(struct mw_redis_info *info, const char *key, size_t key_length,
                      const char *value, size_t length)
{
    if (key[0] == 'd' && is_numbered(key, key_length, "db")) {
        add(&info->keys, part(value, length, "keys"));
        add(&info->expires, part(value, length, "expires"));
        info->databases++;
    } else if (key[0] == 's' && is_numbered(key, key_length, "slave")) {
        int64_t lag = part(value, length, "lag");
        info->replica_lag_s = lag > info->replica_lag_s ? lag : info->replica_lag_s;
    }
}

static void take(struct mw_redis_info *info, const char *key, size_t key_length, const char *value,
                 size_t length)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct field *field = &fields[i];
        if (field->length != key_length || memcmp(field->name, key, key_length) != 0) {
            continue;
        }
        char *place = (char *)info + field->offset;
        if (field->size > 0) {
            copy_text(place, field->size, value, length);
        } else {
            int64_t number = parse_number(value, length);
            memcpy(place, &number, sizeof number);
        }
        return;
    }
    take_list(info, key, key_length, value, length);
}

void mw_redis_info_parse(struct mw_redis_info *info, const char *text, size_t length)
{
    *info = (struct mw_redis_info){.replica_lag_s = -1};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].size == 0) {
            const int64_t absent = -1;
            memcpy((char *)info + fields[i].offset, &absent, sizeof absent);
        }
    }
    const char *end = text + length;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *next = line_end != NULL ? line_end + 1 : end;
        const char *stop = line_end != NULL ? line_end : end;
        if (stop > text && stop[-1] == '\r') {
            stop--;
        }
        const char *colon = memchr(text, ':', (size_t)(stop - text));
        if (colon != NULL && colon > text) {
            take(info, text, (size_t)(colon - text), colon + 1, (size_t)(stop - colon - 1));
        }
        text = next;
    }
}

bool mw_redis_info_must_not_fill(const struct mw_redis_info *info)
{
    bool volatile_only = strncmp(info->policy, "volatile-", 9) == 0;
    return info->policy[0] == '\0' || strcmp(info->policy, "noeviction") == 0 ||
           (volatile_only && info->expires == 0);
}
