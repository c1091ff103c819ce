/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands before the C library's allocator in the program (see memory.h). The C library lets a program
 * replace malloc() and calls the program's own from everywhere; each call is handed on to whoever is
 * next: the C library, or a sanitizer.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A sanitizer allocates before it is ready for code that it has changed. */
#define EARLY __attribute__((no_sanitize("address", "undefined")))

static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *old, size_t size);

EARLY static void find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL)
        mw_out_of_memory("an allocator");
    memcpy(function, &symbol, sizeof symbol);
}

/* At the first call, which comes before any thread and may come before any constructor. */
EARLY static void find_all(void)
{
    find("calloc", &next_calloc);
    find("realloc", &next_realloc);
    find("malloc", &next_malloc);
}

EARLY static _Noreturn void end(size_t size)
{
    char text[] = "another        bytes"; /* room for the digits of MW_LARGE_BYTES */
    char *digit = strstr(text, " bytes");
    do {
        *--digit = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    memmove(text + strlen("another "), digit, strlen(digit) + 1);
    mw_out_of_memory(text);
}

EARLY static void *checked(void *memory, size_t size)
{
    if (memory == NULL && size < MW_LARGE_BYTES)
        end(size);
    return memory;
}

EARLY void *malloc(size_t size)
{
    if (next_malloc == NULL)
        find_all();
    return checked(next_malloc(size), size);
}

EARLY void *calloc(size_t count, size_t size)
{
    size_t all;
    if (next_malloc == NULL)
        find_all();
    if (__builtin_mul_overflow(count, size, &all))
        all = MW_LARGE_BYTES;
    return checked(next_calloc(count, size), all);
}

EARLY void *realloc(void *old, size_t size)
{
    if (next_malloc == NULL)
        find_all();
    void *memory = next_realloc(old, size);
    /* To no size at all, it frees. */
    return size == 0 ? memory : checked(memory, size);
}
