/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "runtime/internal.h"

/* A binary heap; slot 0 of the array stays unused, so that a fiber's slot 0 can mean "none". */
static struct mw_fiber **heap;
static size_t used, room;
static uint64_t orders;

static bool before(const struct mw_fiber *a, const struct mw_fiber *b)
{
    if (a->alarm_at != b->alarm_at)
        return a->alarm_at < b->alarm_at;
    return a->alarm_order < b->alarm_order;
}

static void place(struct mw_fiber *fiber, size_t slot)
{
    heap[slot] = fiber;
    fiber->alarm_slot = slot;
}

static void rise(struct mw_fiber *fiber, size_t slot)
{
    while (slot > 1 && before(fiber, heap[slot / 2])) {
        place(heap[slot / 2], slot);
        slot /= 2;
    }
    place(fiber, slot);
}

static void sink(struct mw_fiber *fiber, size_t slot)
{
    for (;;) {
        size_t child = 2 * slot;
        if (child > used)
            break;
        if (child < used && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], fiber))
            break;
        place(heap[child], slot);
        slot = child;
    }
    place(fiber, slot);
}

void mw_alarm_set(struct mw_fiber *fiber, mw_mono_ns at)
{
    if (used + 1 >= room) {
        size_t larger = room == 0 ? 64 : room * 2;
        struct mw_fiber **grown = realloc(heap, larger * sizeof *heap);
        mw_require(grown != NULL, "no memory for a deadline");
        heap = grown;
        room = larger;
    }
    fiber->alarm_at = at;
    fiber->alarm_order = orders++;
    used++;
    rise(fiber, used);
}

void mw_alarm_clear(struct mw_fiber *fiber)
{
    size_t slot = fiber->alarm_slot;
    if (slot == 0)
        return;
    fiber->alarm_slot = 0;
    struct mw_fiber *last = heap[used--];
    if (last == fiber)
        return;
    if (slot > 1 && before(last, heap[slot / 2]))
        rise(last, slot);
    else
        sink(last, slot);
}

mw_mono_ns mw_alarm_next(void)
{
    return used == 0 ? INT64_MAX : heap[1]->alarm_at;
}

struct mw_fiber *mw_alarm_passed(mw_mono_ns now)
{
    if (used == 0 || heap[1]->alarm_at > now)
        return NULL;
    struct mw_fiber *fiber = heap[1];
    mw_alarm_clear(fiber);
    return fiber;
}

void mw_alarm_finish(void)
{
    free(heap);
    heap = NULL;
    used = room = 0;
}
