/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/runbooks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/yaml.h"

#define FILES_MAX 200

static char *read_file(TALLOC_CTX *memory, const char *path, size_t *length, struct mw_error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        mw_error_set(error, MW_ERROR_PERMANENT, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = talloc_size(memory, MW_YAML_BYTES_MAX + 1);
    *length = fread(text, 1, MW_YAML_BYTES_MAX + 1, file);
    fclose(file);
    if (*length > MW_YAML_BYTES_MAX) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "%s is larger than a runbook may be", path);
        return NULL;
    }
    return text;
}

static bool book_fits_form(const json_t *book)
{
    return json_is_string(json_object_get(book, "cause")) &&
           json_is_number(json_object_get(book, "confidence")) &&
           json_is_object(json_object_get(book, "when")) &&
           json_array_size(json_object_get(book, "options")) > 0;
}

static bool add_file(json_t *all, TALLOC_CTX *memory, const char *path, struct mw_error *error)
{
    size_t length = 0;
    int line = 0;
    char *text = read_file(memory, path, &length, error);
    if (text == NULL)
        return false;
    const struct mw_yaml *tree = mw_yaml_parse(memory, text, length, &line, error);
    if (tree == NULL)
        return mw_error_wrap(error, "%s:%d", path, line);
    json_auto_t *file = mw_yaml_to_json(tree);
    json_t *kind = json_object_get(file, "kind");
    json_t *books = json_object_get(file, "runbooks");
    if (!json_is_string(kind) || !json_is_array(books))
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "%s: a runbook file needs `kind:` and a list `runbooks:`", path);
    size_t i;
    json_t *book;
    json_array_foreach(books, i, book)
    {
        if (!book_fits_form(book))
            return mw_error_set(error, MW_ERROR_BAD_INPUT,
                                "%s: runbook %zu needs `when`, `cause`, `confidence` and `options`",
                                path, i + 1);
        json_object_set(book, "kind", kind);
        json_array_append(all, book);
    }
    return true;
}

static int is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static bool read_folder(json_t *all, const char *folder, struct mw_error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    if (count < 0)
        return mw_error_set(error, MW_ERROR_PERMANENT, "cannot read the runbooks in %s: %s", folder,
                            strerror(errno));
    bool ok = count <= FILES_MAX;
    if (!ok)
        mw_error_set(error, MW_ERROR_BAD_INPUT, "%s holds more than %d runbooks", folder,
                     FILES_MAX);
    TALLOC_CTX *memory = talloc_new(NULL);
    for (int i = 0; i < count; i++) {
        char *path = talloc_asprintf(memory, "%s/%s", folder, entries[i]->d_name);
        ok = ok && add_file(all, memory, path, error);
        free(entries[i]);
    }
    free(entries);
    talloc_free(memory);
    return ok;
}

json_t *mw_runbooks_read(const char *folder, struct mw_error *error)
{
    json_t *all = json_array();
    if (read_folder(all, folder, error))
        return all;
    json_decref(all);
    return NULL;
}

static bool is_about(const json_t *book, const json_t *findings)
{
    const json_t *metric = json_object_get(json_object_get(book, "when"), "metric");
    const char *wanted = json_string_value(metric);
    bool measured = false;
    size_t i;
    const json_t *finding;
    json_array_foreach(findings, i, finding)
    {
        const json_t *named = json_object_get(finding, "metric");
        measured = measured || json_is_string(named);
        if (json_is_string(named) && json_equal(named, metric))
            return true;
    }
    return !measured && wanted != NULL && strcmp(wanted, "unreachable") == 0;
}

json_t *mw_runbooks_about(const json_t *runbooks, const json_t *situation)
{
    const json_t *kind = json_object_get(json_object_get(situation, "resource"), "kind");
    json_t *chosen = json_array();
    size_t i;
    json_t *book;
    json_array_foreach(runbooks, i, book)
    {
        if (json_equal(json_object_get(book, "kind"), kind) &&
            is_about(book, json_object_get(situation, "findings")))
            json_array_append(chosen, book);
    }
    return chosen;
}
