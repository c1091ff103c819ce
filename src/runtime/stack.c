/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/internal.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id)       (void)(id)
#endif

#define STACK_BYTES ((size_t)(WITH_ASAN ? 1024 : 256) * 1024)
/* Whole pages also where those are large. */
#define GUARD_BYTES ((size_t)64 * 1024)
/* What a free stack keeps resident: enough for most fibers to start without a page fault. */
#define WARM_BYTES ((size_t)16 * 1024)
#define POOL_MAX   64

/* Lives at the top of its own mapping: guard page, stack growing down, this. */
struct mw_stack {
    ucontext_t context;
    void (*entry)(void *argument);
    void *argument;
    char *bottom; /* lowest usable byte */
    size_t size;
    struct mw_stack *next; /* in the pool */
    unsigned valgrind_id;
    void *fake_stack; /* AddressSanitizer's, while the fiber is away */
    bool ended;
};

static ucontext_t loop_context;
static const void *loop_bottom;
static size_t loop_size;
static struct mw_stack *starting;
static struct mw_stack *pool;
static size_t pooled, mapped;
static size_t high_water;

static void start_switch(void **fake_stack, const void *bottom, size_t size)
{
#if WITH_ASAN
    __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#else
    (void)fake_stack, (void)bottom, (void)size;
#endif
}

static void finish_switch(void *fake_stack, const void **bottom, size_t *size)
{
#if WITH_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
#else
    (void)fake_stack, (void)bottom, (void)size;
#endif
}

static void forget_poison(struct mw_stack *stack)
{
#if WITH_ASAN
    __asan_unpoison_memory_region(stack->bottom, stack->size);
#else
    (void)stack;
#endif
}

static size_t page_bytes(void)
{
    static size_t bytes;
    if (bytes == 0)
        bytes = (size_t)sysconf(_SC_PAGESIZE);
    return bytes;
}

static struct mw_stack *map_stack(void)
{
    char *base = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED ||
        mprotect(base + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) != 0)
        mw_out_of_memory("another fiber's stack (see vm.max_map_count)");
    char *bottom = base + GUARD_BYTES;
    size_t kept = (sizeof(struct mw_stack) + 63) & ~(size_t)63;
    struct mw_stack *stack = (struct mw_stack *)(void *)(bottom + STACK_BYTES - kept);
    stack->bottom = bottom;
    stack->size = STACK_BYTES - kept;
    stack->valgrind_id = VALGRIND_STACK_REGISTER(bottom, bottom + stack->size);
#if WITH_ASAN
    __lsan_register_root_region(bottom, STACK_BYTES);
#endif
    mapped++;
    return stack;
}

static void unmap_stack(struct mw_stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#if WITH_ASAN
    __lsan_unregister_root_region(stack->bottom, STACK_BYTES);
#endif
    munmap(stack->bottom - GUARD_BYTES, GUARD_BYTES + STACK_BYTES);
    mapped--;
}

static void stack_main(void)
{
    struct mw_stack *stack = starting;
    finish_switch(NULL, &loop_bottom, &loop_size);
    stack->entry(stack->argument);
    stack->ended = true;
    start_switch(NULL, loop_bottom, loop_size);
    setcontext(&loop_context);
    mw_broken(__func__, "a fiber that has ended was entered again");
}

/* Apart and not inlined: to the compiler, getcontext() is a function that may return twice. */
static __attribute__((noinline)) void make_context(struct mw_stack *stack)
{
    ucontext_t *context = &stack->context;
    mw_require(getcontext(context) == 0, "getcontext failed");
    context->uc_stack.ss_sp = stack->bottom;
    context->uc_stack.ss_size = stack->size;
    context->uc_link = NULL;
    makecontext(context, stack_main, 0);
    /* AddressSanitizer's swapcontext() wipes the shadow of a stack whose size it knows, which would
     * blind it to overruns in frames that are suspended. */
    context->uc_stack.ss_size = 0;
}

struct mw_stack *mw_stack_take(void (*entry)(void *argument), void *argument)
{
    struct mw_stack *stack = pool;
    if (stack != NULL) {
        pool = stack->next;
        pooled--;
    } else {
        stack = map_stack();
    }
    stack->entry = entry;
    stack->argument = argument;
    stack->ended = false;
    stack->fake_stack = NULL;
    make_context(stack);
    return stack;
}

void mw_stack_enter(struct mw_stack *stack)
{
    void *fake_stack = NULL;
    starting = stack;
    start_switch(&fake_stack, stack->bottom, stack->size);
    swapcontext(&loop_context, &stack->context);
    finish_switch(fake_stack, NULL, NULL);
}

void mw_stack_leave(struct mw_stack *stack)
{
    start_switch(&stack->fake_stack, loop_bottom, loop_size);
    swapcontext(&stack->context, &loop_context);
    finish_switch(stack->fake_stack, &loop_bottom, &loop_size);
}

/* Pages come zeroed and untouched ones stay absent, so the lowest present page is the mark. */
static void note_depth(const struct mw_stack *stack)
{
#ifdef MW_STACK_CHECK
    unsigned char present[STACK_BYTES / 4096] = {0};
    if (mincore(stack->bottom, STACK_BYTES, present) != 0)
        return;
    size_t page = 0;
    while (page < STACK_BYTES / page_bytes() && (present[page] & 1) == 0)
        page++;
    size_t depth = STACK_BYTES - page * page_bytes();
    if (depth > high_water)
        high_water = depth;
#else
    (void)stack;
#endif
}

void mw_stack_give(struct mw_stack *stack)
{
    mw_require(stack->ended, "the stack of a living fiber was given back");
    forget_poison(stack);
    note_depth(stack);
    if (pooled == POOL_MAX) {
        unmap_stack(stack);
        return;
    }
    size_t warm = page_bytes() > WARM_BYTES ? page_bytes() : WARM_BYTES;
    madvise(stack->bottom, STACK_BYTES - warm, MADV_DONTNEED);
    stack->next = pool;
    pool = stack;
    pooled++;
}

size_t mw_stack_count(void)
{
    return mapped;
}

size_t mw_stack_high_water(void)
{
    return high_water;
}

void mw_stack_finish(void)
{
    while (pool != NULL) {
        struct mw_stack *stack = pool;
        pool = stack->next;
        pooled--;
        unmap_stack(stack);
    }
}
