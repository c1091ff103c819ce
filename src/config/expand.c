/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "config/file.h"

/* Certificates and keys are the largest that people put into a value. */
#define FILE_MAX  (64 * 1024)
#define VALUE_MAX (256 * 1024)

struct expansion {
    const char *folder;
    struct mw_faults *faults;
};

static bool is_name(const char *text, size_t length)
{
    if (length == 0 || isdigit((unsigned char)*text)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_') {
            return false;
        }
    }
    return true;
}

static bool append_variable(struct mw_buffer *buffer, const char *name, const struct mw_yaml *node,
                            const char *path, const struct expansion *expansion)
{
    const char *value = getenv(name);
    if (value == NULL) {
        mw_fault_add(expansion->faults, node->line, path,
                     "the environment variable %s is not set; set it, or write $${ for a plain ${",
                     name);
        return false;
    }
    if (!mw_text_is_utf8(value, strlen(value))) {
        mw_fault_add(expansion->faults, node->line, path,
                     "the environment variable %s is not UTF-8", name);
        return false;
    }
    mw_buffer_append_text(buffer, value);
    return true;
}

static bool append_file(struct mw_buffer *buffer, const char *name, const struct mw_yaml *node,
                        const char *path, const struct expansion *expansion)
{
    struct mw_error error;
    size_t length = 0;
    TALLOC_CTX *memory = talloc_new(NULL);
    char *file = *name == '/' ? talloc_strdup(memory, name)
                              : talloc_asprintf(memory, "%s/%s", expansion->folder, name);
    char *bytes = file != NULL ? mw_config_file(memory, file, FILE_MAX, &length, &error) : NULL;
    if (bytes == NULL) {
        mw_fault_add(expansion->faults, node->line, path, "the file %s %s; put the value there",
                     file != NULL ? file : name, file != NULL ? error.text : "is lost");
    } else if (memchr(bytes, '\0', length) != NULL || !mw_text_is_utf8(bytes, length)) {
        mw_fault_add(expansion->faults, node->line, path,
                     "the file %s holds bytes that are no text; write text into it", file);
        bytes = NULL;
    } else {
        length -= length > 0 && bytes[length - 1] == '\n';
        length -= length > 0 && bytes[length - 1] == '\r';
        mw_buffer_append(buffer, bytes, length);
    }
    talloc_free(memory);
    return bytes != NULL;
}

/* Appends what one reference stands for; `at` is behind its "${". NULL: a fault; else behind "}". */
static const char *append_reference(struct mw_buffer *buffer, const char *at,
                                    const struct mw_yaml *node, const char *path,
                                    const struct expansion *expansion)
{
    const char *end = strchr(at, '}');
    bool is_file = strncmp(at, "file:", 5) == 0;
    const char *start = is_file ? at + 5 : at;
    if (end == NULL || end == start || (!is_file && !is_name(at, (size_t)(end - at)))) {
        mw_fault_add(expansion->faults, node->line, path,
                     "write ${NAME} with the name of an environment variable, ${file:PATH} with "
                     "the path of a file, or $${ for a plain ${");
        return NULL;
    }
    char *name = talloc_strndup(NULL, start, (size_t)(end - start));
    bool found = name != NULL && (is_file ? append_file(buffer, name, node, path, expansion)
                                          : append_variable(buffer, name, node, path, expansion));
    talloc_free(name);
    return found ? end + 1 : NULL;
}

static void expand_scalar(struct mw_yaml *node, const char *path, const struct expansion *expansion)
{
    const char *at = node->text, *next;
    if (strstr(at, "${") == NULL) {
        return;
    }
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, node, VALUE_MAX);
    while ((next = strstr(at, "${")) != NULL) {
        if (next > at && next[-1] == '$') {
            mw_buffer_append(&buffer, at, (size_t)(next - 1 - at));
            mw_buffer_append_text(&buffer, "${");
            at = next + 2;
            continue;
        }
        mw_buffer_append(&buffer, at, (size_t)(next - at));
        at = append_reference(&buffer, next + 2, node, path, expansion);
        if (at == NULL) {
            node->broken = true;
            break;
        }
        node->expanded = true;
    }
    if (at != NULL) {
        mw_buffer_append_text(&buffer, at);
    }
    char *text = mw_buffer_take(&buffer);
    if (text == NULL && !node->broken) {
        mw_fault_add(expansion->faults, node->line, path, "the value is too long");
        node->broken = true;
    }
    if (node->broken) {
        talloc_free(text);
        node->plain = false;
        return;
    }
    talloc_free(node->text);
    node->text = text;
    /* A secret that reads "null" is still a secret; an empty one is absent, as in the file. */
    node->plain = node->plain && (!node->expanded || *text == '\0');
}

static void expand_node(struct mw_yaml *node, const char *path, const struct expansion *expansion)
{
    if (node->type == MW_YAML_SCALAR) {
        expand_scalar(node, path, expansion);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char *inner =
            node->type == MW_YAML_MAPPING
                ? talloc_asprintf(NULL, "%s%s%s", path, *path != '\0' ? "." : "", node->keys[i])
                : talloc_asprintf(NULL, "%s[%zu]", path, i);
        expand_node(node->items[i], inner != NULL ? inner : path, expansion);
        talloc_free(inner);
    }
}

void mw_config_expand(struct mw_yaml *root, const char *folder, struct mw_faults *faults)
{
    struct expansion expansion = {.folder = folder, .faults = faults};
    expand_node(root, "", &expansion);
}
