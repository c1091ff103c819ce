/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/places.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define LEVELS_UP 5

static char *program_folder(TALLOC_CTX *memory)
{
    char *path = talloc_zero_size(memory, PATH_MAX);
    if (path == NULL || readlink("/proc/self/exe", path, PATH_MAX - 1) < 0)
        return NULL;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    return path;
}

char *mw_place_of_runbooks(TALLOC_CTX *memory)
{
    char *folder = program_folder(memory);
    if (folder == NULL)
        return NULL;
    char *installed = talloc_asprintf(memory, "%s/../share/midwatch/prompts/runbooks", folder);
    if (access(installed, R_OK) == 0)
        return installed;
    for (int i = 0; i < LEVELS_UP && folder[0] != '\0'; i++) {
        char *source = talloc_asprintf(memory, "%s/prompts/runbooks", folder);
        if (access(source, R_OK) == 0)
            return source;
        *strrchr(folder, '/') = '\0';
    }
    return NULL;
}
