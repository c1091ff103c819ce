/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody can look at is no incident, and would be missed all the same: people are told of it. */
#include <string.h>

#include "converse/room.h"

#define KEY     "blind/"
#define KEY_MAX 60

/* So many are named, each in a message of its own; a password that many share is one message more. */
#define NAMED_MAX 3
#define MANY      "blind"

static char *key_of(TALLOC_CTX *memory, const char *resource)
{
    return talloc_asprintf(memory, KEY "%.*s", (int)(KEY_MAX - strlen(KEY)), resource);
}

static size_t count_blind(const struct mw_watch *watch)
{
    size_t count = 0;
    for (size_t i = 0; i < watch->count; i++) {
        count += watch->resources[i]->blind;
    }
    return count;
}

void mw_converse_blind(void *context, const char *resource, const char *why)
{
    struct mw_converse *converse = context;
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *key = key_of(memory, resource);
    size_t count = count_blind(converse->watch);
    if (why == NULL) {
        mw_converse_notice_over(converse, key,
                                talloc_asprintf(memory, "%s can be looked at again.", resource));
    } else if (count <= NAMED_MAX) {
        mw_converse_notice(converse, key,
                           talloc_asprintf(memory,
                                           "I cannot look at %s, so nobody knows how it is: %s",
                                           resource, why));
    }
    if (count > NAMED_MAX) {
        mw_converse_notice(converse, MANY,
                           "I cannot look at several more either; status names them.");
    } else {
        mw_converse_notice_over(converse, MANY, "Most of what I watch can be looked at again.");
    }
    talloc_free(memory);
}

void mw_blind_forget(struct mw_converse *converse)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    for (struct mw_notice *notice = converse->notices; notice != NULL; notice = notice->next) {
        bool watched = strncmp(notice->key, KEY, strlen(KEY)) != 0;
        for (size_t i = 0; i < converse->watch->count && !watched; i++) {
            watched = strcmp(notice->key, key_of(memory, converse->watch->resources[i]->name)) == 0;
        }
        if (!watched) {
            mw_converse_notice_over(converse, notice->key, NULL);
        }
    }
    talloc_free(memory);
}
