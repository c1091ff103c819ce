/* SPDX-License-Identifier: Apache-2.0 */
/* redis_scale_memory and redis_memory_purge. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "redis.h"

#define MIB (1024 * 1024)

#define FACTOR_MIN 1.1
#define FACTOR_MAX 4.0

/* Where nobody can tell what the host has, doubling is as far as it goes. */
#define BLIND_FACTOR 2

/* Of what is free, this share stays free. */
#define SPARE 0.10

/* Less than this is noise of the allocator. */
#define PURGE_NOTICEABLE (256 * 1024)

struct change {
    struct mw_redis_info info;
    int64_t from, to;
    struct mw_room room;
};

/* ---- what is wanted ---- */

static bool by_factor(double factor, int64_t now, int64_t *to, struct mw_error *error)
{
    if (!(factor >= FACTOR_MIN && factor <= FACTOR_MAX)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "factor: from %.1f to %.0f", FACTOR_MIN,
                            FACTOR_MAX);
    }
    double bytes = (double)now * factor;
    if (bytes >= 9e18 - MIB) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "factor: the result is no possible size");
    }
    *to = now < MIB ? (int64_t)bytes : (int64_t)(ceil(bytes / MIB) * MIB);
    return true;
}

static bool wanted(const json_t *arguments, int64_t now, int64_t *to, struct mw_error *error)
{
    const json_t *size = json_object_get(arguments, "maxmemory");
    const json_t *factor = json_object_get(arguments, "factor");
    if ((size == NULL) == (factor == NULL)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "give either maxmemory (\"64MB\" or bytes) or factor (1.1 to 4)");
    }
    if (factor != NULL) {
        return by_factor(json_number_value(factor), now, to, error);
    }
    bool valid = json_is_integer(size) ? (*to = json_integer_value(size)) > 0
                                       : json_is_string(size) &&
                                             mw_size_parse(json_string_value(size), to) && *to > 0;
    return valid || mw_error_set(error, MW_ERROR_BAD_INPUT,
                                 "maxmemory: a size such as \"64MB\" or a number of bytes");
}

/* ---- whether it may be ---- */

static bool refuse_lowering(const struct change *change, TALLOC_CTX *memory, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_REFUSED,
                        "it uses %s now: with maxmemory %s keys would be evicted or writes fail",
                        mw_size_text(memory, change->info.used_memory),
                        mw_size_text(memory, change->to));
}

static bool check_room(const struct change *change, TALLOC_CTX *memory, struct mw_error *error)
{
    int64_t used = change->info.used_memory > 0 ? change->info.used_memory : 0;
    int64_t usable = (int64_t)((double)change->room.free_bytes * (1 - SPARE));
    if (!change->room.known) {
        return change->to / BLIND_FACTOR <= change->from ||
               mw_error_set(error, MW_ERROR_REFUSED,
                            "what memory its host has is not known from here, so at most double "
                            "is done at once: %s",
                            mw_size_text(memory, change->from * BLIND_FACTOR));
    }
    if (change->to - used <= usable) {
        return true;
    }
    return mw_error_set(error, MW_ERROR_REFUSED,
                        "its %s has %s free, and up to %s it could take %s more; %s is the most "
                        "that leaves a tenth of it free",
                        change->room.container ? "container" : "host",
                        mw_size_text(memory, change->room.free_bytes),
                        mw_size_text(memory, change->to), mw_size_text(memory, change->to - used),
                        mw_size_text(memory, used + usable));
}

static bool prepare(struct mw_redis *redis, const json_t *arguments, struct mw_deadline deadline,
                    struct change *change, struct mw_error *error)
{
    *change = (struct change){.from = 0};
    /* CONFIG is asked first: where it is closed, nothing else matters. */
    char *now = mw_redis_config_get(redis, "maxmemory", NULL, deadline, error);
    if (now == NULL) {
        return false;
    }
    change->from = strtoll(now, NULL, 10);
    talloc_free(now);
    if (!mw_redis_read_info(redis, deadline, &change->info, NULL, error)) {
        return false;
    }
    if (change->from <= 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it has no memory limit (maxmemory is 0): there is nothing to raise");
    }
    if (!wanted(arguments, change->from, &change->to, error)) {
        return false;
    }
    return change->to <= change->from || !redis->address->local ||
           mw_redis_host_room(change->info.process_id, deadline, &change->room, error);
}

static bool check(const struct change *change, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    bool allowed = change->to > change->from
                       ? check_room(change, memory, error)
                       : change->to == change->from || change->to > change->info.used_memory ||
                             refuse_lowering(change, memory, error);
    talloc_free(memory);
    return allowed;
}

/* ---- the tool ---- */

static char *effect_text(TALLOC_CTX *memory, const struct change *change)
{
    char *sizes = mw_redis_change_text(memory, change->from, change->to);
    const char *where = change->room.container ? "container" : "host";
    if (sizes == NULL) {
        return NULL;
    }
    if (change->to < change->from) {
        return talloc_asprintf(memory, "%s (%s used)", sizes,
                               mw_size_text(memory, change->info.used_memory));
    }
    if (!change->room.known) {
        return talloc_asprintf(memory, "%s (host memory not known)", sizes);
    }
    return talloc_asprintf(memory, "%s (%s has %s free)", sizes, where,
                           mw_size_text(memory, change->room.free_bytes));
}

MW_REDIS_ASSESS(mw_redis_assess_scale)
{
    struct change change;
    if (!prepare(target->state, arguments, deadline, &change, error) || !check(&change, error)) {
        return false;
    }
    if (change.to == change.from) {
        return mw_error_set(error, MW_ERROR_REFUSED, "maxmemory is %lld bytes already",
                            (long long)change.to);
    }
    *out = (struct mw_assessment){
        .risk = MW_RISK_REVERSIBLE,
        .effect = effect_text(memory, &change),
        .arguments =
            json_pack("{s:s, s:I}", "resource", target->name, "maxmemory", (json_int_t)change.to),
        .undo = json_pack("{s:s, s:{s:s, s:I}}", "tool", "redis_scale_memory", "arguments",
                          "resource", target->name, "maxmemory", (json_int_t)change.from),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

static double percent(int64_t used, int64_t of)
{
    return used >= 0 && of > 0 ? round(10000.0 * (double)used / (double)of) / 100 : 0;
}

static json_t *scale_result(const struct change *change, int64_t seen, int64_t used)
{
    char *sizes = mw_redis_change_text(NULL, change->from, change->to);
    double before = percent(change->info.used_memory, change->from), after = percent(used, seen);
    json_t *data =
        json_pack("{s:I, s:I, s:I, s:f, s:f, s:b}", "maxmemory_before", (json_int_t)change->from,
                  "maxmemory", (json_int_t)seen, "used_memory", (json_int_t)used,
                  "memory_percent_before", before, "memory_percent", after, "in_config_file", 0);
    json_t *result =
        seen != change->to
            ? mw_tool_result(false, data,
                             "Redis took the new maxmemory and now says %lld bytes instead of %lld",
                             (long long)seen, (long long)change->to)
            : mw_tool_result(true, data,
                             "maxmemory %s, memory %.1f → %.1f %%; it is not in the server's "
                             "configuration file, so a restart takes it back",
                             sizes != NULL ? sizes : "changed", before, after);
    talloc_free(sizes);
    return result;
}

MW_REDIS_RUN(mw_redis_run_scale)
{
    struct mw_redis *redis = target->state;
    struct change change;
    struct mw_redis_info after;
    if (!prepare(redis, arguments, deadline, &change, error) || !check(&change, error)) {
        return false;
    }
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)change.to);
    if (change.to != change.from &&
        !mw_redis_config_set(redis, "maxmemory", number, deadline, error)) {
        return false;
    }
    char *seen = mw_redis_config_get(redis, "maxmemory", NULL, deadline, error);
    bool read = seen != NULL && mw_redis_read_info(redis, deadline, &after, NULL, error);
    if (read) {
        *result = scale_result(&change, strtoll(seen, NULL, 10), after.used_memory);
    }
    talloc_free(seen);
    return read || mw_error_wrap(error, "maxmemory was set, and reading it back failed");
}

/* ---- purge ---- */

MW_REDIS_RUN(mw_redis_run_purge)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info before, after;
    if (!mw_redis_read_info(redis, deadline, &before, NULL, error)) {
        return false;
    }
    redisReply *reply mw_redis_reply_auto =
        mw_redis_tell(redis->connection, deadline, error, "MEMORY", "PURGE", NULL);
    if (reply == NULL || !mw_redis_read_info(redis, deadline, &after, NULL, error)) {
        return mw_error_wrap(error, "MEMORY PURGE");
    }
    int64_t resident = before.used_memory_rss - after.used_memory_rss;
    int64_t used = before.used_memory - after.used_memory;
    bool helped = resident >= PURGE_NOTICEABLE || used >= PURGE_NOTICEABLE;
    TALLOC_CTX *memory = talloc_new(NULL);
    json_t *data = json_pack(
        "{s:I, s:I, s:I, s:I}", "used_memory_before", (json_int_t)before.used_memory, "used_memory",
        (json_int_t)after.used_memory, "resident_before", (json_int_t)before.used_memory_rss,
        "resident", (json_int_t)after.used_memory_rss);
    *result = mw_tool_result(
        helped, data, "%s given back to the system; used_memory, which maxmemory limits, %s %s",
        resident > 0 ? mw_size_text(memory, resident) : "nothing was",
        used >= PURGE_NOTICEABLE ? "fell to" : "stays at", mw_size_text(memory, after.used_memory));
    talloc_free(memory);
    return true;
}
