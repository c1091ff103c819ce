/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

/* Virtual monotonic time starts here and not at 0, which callers may read as "never". */
#define VIRTUAL_START NS_PER_S

static struct {
    bool is_virtual;
    mw_wall_ms wall_start;
    mw_mono_ns now;
    bool seeded;
    uint64_t random[4];
} clock_state;

static int64_t read_clock(clockid_t id, int64_t units_per_s, int64_t ns_per_unit)
{
    struct timespec time;
    clock_gettime(id, &time);
    return time.tv_sec * units_per_s + time.tv_nsec / ns_per_unit;
}

mw_wall_ms mw_wall_now(void)
{
    if (clock_state.is_virtual) {
        return clock_state.wall_start + (clock_state.now - VIRTUAL_START) / NS_PER_MS;
    }
    return read_clock(CLOCK_REALTIME, 1000, NS_PER_MS);
}

mw_mono_ns mw_mono_now(void)
{
    if (clock_state.is_virtual) {
        return clock_state.now;
    }
    return read_clock(CLOCK_MONOTONIC, NS_PER_S, 1);
}

int64_t mw_wall_between(mw_wall_ms from, mw_wall_ms to)
{
    int64_t ms;
    return !__builtin_sub_overflow(to, from, &ms) && ms > 0 ? ms : 0;
}

struct mw_deadline mw_deadline_in(int64_t ms)
{
    int64_t ns;
    struct mw_deadline deadline;
    if (ms <= 0) {
        return (struct mw_deadline){mw_mono_now()};
    }
    if (__builtin_mul_overflow(ms, NS_PER_MS, &ns) ||
        __builtin_add_overflow(mw_mono_now(), ns, &deadline.at)) {
        return MW_NO_DEADLINE;
    }
    return deadline;
}

struct mw_deadline mw_deadline_min(struct mw_deadline a, struct mw_deadline b)
{
    return a.at < b.at ? a : b;
}

bool mw_deadline_passed(struct mw_deadline deadline)
{
    return deadline.at != INT64_MAX && mw_mono_now() >= deadline.at;
}

int64_t mw_deadline_left_ms(struct mw_deadline deadline)
{
    if (deadline.at == INT64_MAX) {
        return INT64_MAX;
    }
    mw_mono_ns now = mw_mono_now();
    if (deadline.at <= now) {
        return 0;
    }
    int64_t left = deadline.at - now;
    return left / NS_PER_MS + (left % NS_PER_MS != 0);
}

static void unpredictable_bytes(void *out, size_t length)
{
    unsigned char *at = out;
    while (length > 0) {
        ssize_t got = getrandom(at, length < 256 ? length : 256, 0);
        if (got > 0) {
            at += got;
            length -= (size_t)got;
        } else if (got < 0 && errno != EINTR) {
            /* Tokens that somebody can guess would be worse than no process. */
            abort();
        }
    }
}

/* splitmix64 fills the state from one number, as the authors of xoshiro advise. */
static void seed_random(uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        clock_state.random[i] = z ^ (z >> 31);
    }
    clock_state.seeded = true;
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* xoshiro256**. */
static uint64_t next_random(void)
{
    if (!clock_state.seeded) {
        uint64_t seed;
        unpredictable_bytes(&seed, sizeof seed);
        seed_random(seed);
    }
    uint64_t *s = clock_state.random;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t mw_random_below(uint64_t bound)
{
    if (bound <= 1) {
        return 0;
    }
    /* Numbers below 2^64 mod bound would make the small results likelier. */
    uint64_t uneven = -bound % bound;
    uint64_t number;
    do {
        number = next_random();
    } while (number < uneven);
    return number % bound;
}

void mw_random_bytes(void *out, size_t length)
{
    if (!clock_state.is_virtual) {
        unpredictable_bytes(out, length);
        return;
    }
    unsigned char *at = out;
    while (length > 0) {
        uint64_t number = next_random();
        size_t part = length < sizeof number ? length : sizeof number;
        memcpy(at, &number, part);
        at += part;
        length -= part;
    }
}

void mw_clock_virtual(mw_wall_ms wall, uint64_t seed)
{
    clock_state.is_virtual = true;
    clock_state.wall_start = wall;
    clock_state.now = VIRTUAL_START;
    seed_random(seed);
}

void mw_clock_advance(int64_t ns)
{
    if (clock_state.is_virtual && ns > 0 &&
        __builtin_add_overflow(clock_state.now, ns, &clock_state.now)) {
        clock_state.now = INT64_MAX - 1;
    }
}

void mw_clock_jump_wall(int64_t ms)
{
    if (clock_state.is_virtual) {
        clock_state.wall_start += ms;
    }
}

bool mw_clock_is_virtual(void)
{
    return clock_state.is_virtual;
}

void mw_clock_real(void)
{
    clock_state.is_virtual = false;
    clock_state.seeded = false;
}
