/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries that are loaded when somebody wants them, and cost nothing before. */
#ifndef MIDWATCH_RUNTIME_LIBRARY_H
#define MIDWATCH_RUNTIME_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "midwatch/error.h"

/* A function of the library, or of one that it uses, and where its address goes. */
struct mw_symbol {
    const char *name;
    size_t offset; /* in the struct of addresses */
};

/* Opens a library, which then stays open: most do not survive being unloaded. Blocks for some
 * milliseconds; any thread. PERMANENT: what the loader says, or which function is missing. */
bool mw_library_load(const char *file, const struct mw_symbol *symbols, size_t count,
                     void *addresses, struct mw_error *error);

#endif
