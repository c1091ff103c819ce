/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/file.h"

char *mw_config_folder(TALLOC_CTX *memory, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (slash == file) {
        return talloc_strdup(memory, "/");
    }
    char *folder = slash != NULL ? talloc_strndup(memory, file, (size_t)(slash - file))
                                 : talloc_strdup(memory, ".");
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    if (real != NULL) {
        talloc_free(folder);
        folder = talloc_strdup(memory, real);
        free(real);
    }
    return folder;
}

static bool read_all(int fd, char *bytes, size_t room, size_t *length)
{
    *length = 0;
    while (*length < room) {
        ssize_t got = read(fd, bytes + *length, room - *length);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        *length += got > 0 ? (size_t)got : 0;
    }
    return true;
}

char *mw_config_file(TALLOC_CTX *memory, const char *path, size_t limit, size_t *length,
                     struct mw_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *bytes = talloc_array(memory, char, limit + 2);
    bool ok = bytes != NULL && read_all(fd, bytes, limit + 1, length);
    if (!ok) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "cannot be read: %s", strerror(errno));
    } else if (*length > limit) {
        ok = mw_error_set(error, MW_ERROR_BAD_INPUT, "has more than the allowed %zu bytes", limit);
    }
    close(fd);
    if (!ok) {
        TALLOC_FREE(bytes);
    } else {
        bytes[*length] = '\0';
    }
    return bytes;
}

struct mw_yaml *mw_config_read(TALLOC_CTX *memory, const char *file, struct mw_faults *faults)
{
    struct mw_error error;
    size_t length;
    char *bytes = mw_config_file(memory, file, MW_YAML_BYTES_MAX, &length, &error);
    if (bytes == NULL) {
        mw_fault_add(faults, 0, "", "%s; give the path of a configuration with -c", error.text);
        return NULL;
    }
    int line;
    struct mw_yaml *root = mw_yaml_parse(memory, bytes, length, &line, &error);
    talloc_free(bytes);
    if (root == NULL) {
        mw_fault_add(faults, line, "", "%s", error.text);
        return NULL;
    }
    if (root->type != MW_YAML_MAPPING) {
        mw_fault_add(faults, root->line, "",
                     "the file must hold keys with values, for example `name: shop-prod`");
        talloc_free(root);
        return NULL;
    }
    char *folder = mw_config_folder(memory, file);
    mw_config_expand(root, folder, faults);
    talloc_free(folder);
    return root;
}

int mw_yaml_line_of(const struct mw_yaml *mapping, const char *key, const char *subkey)
{
    if (mapping == NULL) {
        return 0;
    }
    for (size_t i = 0; mapping->type == MW_YAML_MAPPING && key != NULL && i < mapping->count; i++) {
        if (strcmp(mapping->keys[i], key) == 0) {
            const struct mw_yaml *inner = mapping->items[i];
            bool deeper = subkey != NULL && mw_yaml_get(inner, subkey) != NULL;
            return deeper ? mw_yaml_line_of(inner, subkey, NULL) : mapping->key_lines[i];
        }
    }
    return mapping->line;
}
