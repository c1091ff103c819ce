/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/library.h"

#include <dlfcn.h>
#include <string.h>

bool mw_library_load(const char *file, const struct mw_symbol *symbols, size_t count,
                     void *addresses, struct mw_error *error)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return mw_error_set(error, MW_ERROR_PERMANENT, "it cannot be loaded: %s", dlerror());
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (found == NULL)
            return mw_error_set(error, MW_ERROR_PERMANENT, "%s has no %s", file, symbols[i].name);
        memcpy((char *)addresses + symbols[i].offset, &found, sizeof found);
    }
    return true;
}
