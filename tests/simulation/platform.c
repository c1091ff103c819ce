/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/checks.h"

struct sim_platform sim_platforms[SIM_PLATFORMS];

void sim_platforms_make(void)
{
    sim_platforms[0] = (struct sim_platform){.number = 0, .name = "terminal", .finds = true};
    sim_platforms[1] = (struct sim_platform){.number = 1, .name = "terminal-2"};
}

void sim_platforms_forget(void)
{
    for (int i = 0; i < SIM_PLATFORMS; i++) {
        for (size_t j = 0; j < sim_platforms[i].message_count; j++)
            json_decref(sim_platforms[i].messages[j].message);
        free(sim_platforms[i].messages);
        sim_platforms[i].messages = NULL;
    }
}

void sim_platform_trouble(void)
{
    struct sim_platform *platform = &sim_platforms[sim_between(0, SIM_PLATFORMS - 1)];
    int64_t ms = sim_between(500, sim_chance(70) ? 20000 : 180000);
    platform->down_until = mw_mono_now() + ms * 1000000;
    platform->refuses = sim_chance(15);
    sim_say("%s %s for %lld ms", platform->name, platform->refuses ? "refuses" : "is down",
            (long long)ms);
}

struct sim_message *sim_platform_find(struct sim_platform *platform, const char *key)
{
    for (size_t i = platform->message_count; i > 0; i--) {
        if (strcmp(platform->messages[i - 1].key, key) == 0)
            return &platform->messages[i - 1];
    }
    return NULL;
}

static struct sim_message *add(struct sim_platform *platform, const char *key)
{
    platform->messages =
        realloc(platform->messages, (platform->message_count + 1) * sizeof *platform->messages);
    struct sim_message *message = &platform->messages[platform->message_count++];
    *message = (struct sim_message){0};
    snprintf(message->key, sizeof message->key, "%s", key);
    snprintf(message->reference, sizeof message->reference, "m%d-%zu", platform->number,
             platform->message_count);
    return message;
}

static void show(struct sim_message *at, const json_t *message)
{
    json_decref(at->message);
    at->message = json_deep_copy(message);
}

/* The message stands there from now on, whatever the program is told. */
static struct sim_message *stand(struct sim_platform *platform, const char *key,
                                 const json_t *message)
{
    struct sim_message *at = sim_platform_find(platform, key);
    bool found = at != NULL && platform->finds;
    if (at == NULL)
        at = add(platform, key);
    if (!found) {
        at->copies++;
        sim_counts.doubles += at->copies > 1;
    }
    at->known = false;
    at->life = sim.life;
    show(at, message);
    return at;
}

/* What goes wrong on the way to a platform. */
enum fate { FATE_ARRIVES, FATE_LOST, FATE_UNKNOWN, FATE_HANGS };

static enum fate fate_of(void)
{
    static const int weights[] = {92, 3, 3, 2};
    return sim.calm ? FATE_ARRIVES : (enum fate)sim_weighted(weights, 4);
}

/* False: it cannot be reached at all now. */
static bool reach(struct sim_platform *platform, struct mw_deadline deadline,
                  struct mw_error *error)
{
    if (sim.dead)
        return sim_refuse(error);
    if (!sim_wait(sim_between(5, 300), deadline, error))
        return false;
    if (!sim.calm && mw_mono_now() < platform->down_until)
        return mw_error_set(error, platform->refuses ? MW_ERROR_PERMANENT : MW_ERROR_RETRY,
                            "it is down");
    return true;
}

static bool post(struct sim_platform *platform, const char *key, const json_t *message,
                 const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory,
                 char **reference, struct mw_error *error)
{
    sim_check_post(platform, key, thread);
    if (!reach(platform, deadline, error))
        return false;
    enum fate fate = fate_of();
    if (fate == FATE_LOST)
        return mw_error_set(error, MW_ERROR_RETRY, "it was lost on the way");
    if (fate == FATE_HANGS && sim_chance(50))
        return sim_wait(3600000, deadline, error);
    struct sim_message *at = stand(platform, key, message);
    sim_counts.posts++;
    char named[24];
    snprintf(named, sizeof named, "%s", at->reference);
    sim_say("%s shows %s", platform->name, key);
    if (fate == FATE_HANGS)
        return sim_wait(3600000, deadline, error);
    if (fate == FATE_UNKNOWN)
        return mw_error_set(error, sim_chance(50) ? MW_ERROR_RETRY : MW_ERROR_TIMEOUT,
                            "no answer after it was sent");
    if (!sim_wait(sim_between(5, 200), deadline, error))
        return false;
    sim_platform_find(platform, key)->known = true;
    *reference = talloc_strdup(memory, named);
    return true;
}

static bool edit(struct sim_platform *platform, const char *reference, const json_t *message,
                 struct mw_deadline deadline, struct mw_error *error)
{
    if (!reach(platform, deadline, error))
        return false;
    enum fate fate = fate_of();
    if (fate == FATE_LOST)
        return mw_error_set(error, MW_ERROR_RETRY, "it was lost on the way");
    for (size_t i = 0; i < platform->message_count; i++) {
        if (strcmp(platform->messages[i].reference, reference) != 0)
            continue;
        show(&platform->messages[i], message);
        sim_counts.edits++;
        if (fate == FATE_HANGS)
            return sim_wait(3600000, deadline, error);
        return fate == FATE_ARRIVES ||
               mw_error_set(error, MW_ERROR_RETRY, "no answer after it was sent");
    }
    sim_broken("%s is asked to edit %s, which does not stand there", platform->name, reference);
}

static bool answer(struct sim_platform *platform, const struct mw_chat_event *event,
                   const json_t *message, struct mw_deadline deadline, struct mw_error *error)
{
    int number = 0;
    if (sim.dead)
        return sim_refuse(error);
    char *text = json_dumps(message, 0);
    if (sscanf(event->id, "e%d", &number) == 1)
        sim_ledger_answered(number, text);
    free(text);
    return reach(platform, deadline, error);
}

#define PLATFORM(index)                                                                           \
    static bool create_##index(struct mw_chat *chat, const void *config, struct mw_error *error)  \
    {                                                                                             \
        return true;                                                                              \
    }                                                                                             \
    static void run_##index(struct mw_chat *chat)                                                 \
    {                                                                                             \
        sim_delivery_run(&sim_platforms[index], chat);                                            \
    }                                                                                             \
    static bool post_##index(struct mw_chat *chat, const char *key, const json_t *message,        \
                             const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory, \
                             char **reference, struct mw_error *error)                            \
    {                                                                                             \
        return post(&sim_platforms[index], key, message, thread, deadline, memory, reference,     \
                    error);                                                                       \
    }                                                                                             \
    static bool edit_##index(struct mw_chat *chat, const char *reference, const json_t *message,  \
                             const char *thread, struct mw_deadline deadline,                     \
                             struct mw_error *error)                                              \
    {                                                                                             \
        return edit(&sim_platforms[index], reference, message, deadline, error);                  \
    }                                                                                             \
    static bool answer_##index(struct mw_chat *chat, const struct mw_chat_event *event,           \
                               const json_t *message, bool private_answer,                        \
                               struct mw_deadline deadline, struct mw_error *error)               \
    {                                                                                             \
        return answer(&sim_platforms[index], event, message, deadline, error);                    \
    }                                                                                             \
    static const struct mw_chat_ops ops_##index = {.kind = "terminal",                            \
                                                   .create = create_##index,                      \
                                                   .run = run_##index,                            \
                                                   .post = post_##index,                          \
                                                   .edit = edit_##index,                          \
                                                   .answer = answer_##index};

PLATFORM(0)
PLATFORM(1)

const struct mw_chat_ops *const sim_platform_ops[SIM_PLATFORMS] = {&ops_0, &ops_1};
