/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to values: YAML with line numbers, `${…}` filled in, option tables (midwatch/option.h)
 * applied. Reports all that is wrong in one go; a fault never shows a secret.
 */
#ifndef MIDWATCH_CONFIG_H
#define MIDWATCH_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <talloc.h>

#include "base/yaml.h"
#include "midwatch/health.h"
#include "midwatch/option.h"

/* ---- faults ---- */

#define MW_FAULTS_MAX 200

/* One thing wrong with a configuration. */
struct mw_fault {
    int line;   /* 0: nowhere in particular */
    char *path; /* "resources[0].url"; "" for the file as a whole */
    char *text; /* what is wrong and what to write instead */
};

/* Owns its items. Beyond MW_FAULTS_MAX nothing is added. */
struct mw_faults {
    size_t count;
    struct mw_fault *items;
};

struct mw_faults *mw_faults_create(TALLOC_CTX *memory);
/* The text is cleaned and masked; "" or NULL for no path. */
void mw_fault_add(struct mw_faults *faults, int line, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* `FILE:LINE: path.to.key: what and what to write instead`, in the order of lines. */
void mw_faults_print(const struct mw_faults *faults, const char *file, FILE *to);

/* ---- the file ---- */

/*
 * Reads and parses a configuration and fills in `${NAME}` from the environment and `${file:PATH}` from
 * a file (relative to the configuration's folder, one trailing line break dropped); `$${` stands for a
 * plain `${`. A value that cannot be filled in is a fault and marked `broken`, so that loading goes on
 * and says nothing more about it. NULL, with a fault, when there is nothing to go on with.
 */
struct mw_yaml *mw_config_read(TALLOC_CTX *memory, const char *file, struct mw_faults *faults);
/* Absolute folder of a file, without a slash at the end but for "/". */
char *mw_config_folder(TALLOC_CTX *memory, const char *file);

/* Line of mapping.key.subkey, of mapping.key (also where there is no such subkey, or it is NULL), of
 * the mapping, or 0 without one: the nearest that exists. */
int mw_yaml_line_of(const struct mw_yaml *mapping, const char *key, const char *subkey);

/* ---- option tables ---- */

/* A table with the struct it fills. Several read one mapping together when each knows some of its keys:
 * those common to all resources and those of the kind. A key that two tables know goes to both. */
struct mw_option_target {
    const struct mw_option *table;
    void *out;
};

/*
 * Fills `out` from the mapping. The struct must be zeroed by the caller, since the loader does not know
 * its size; every row that is not MW_OPTION_NEXT is written: the value, else its fallback. What the
 * struct points to hangs on `memory`. Without a mapping (NULL, or an empty value) all keys are absent.
 *
 * A key without a value counts as absent. A key of MW_OPTION_NEXT is a fault unless its value is the
 * fallback or empty, which asks for nothing. An absent section is NULL; with the fallback "{}" it is
 * read as an empty one. MW_OPTION_SECRET values, and the password of MW_OPTION_HAS_SECRET URLs, are
 * given to mw_redact_secret().
 *
 * False when a fault was added; the struct then holds what could be read, and defaults.
 */
bool mw_options_load(const struct mw_option *table, const struct mw_yaml *mapping, const char *path,
                     const char *folder, TALLOC_CTX *memory, void *out, struct mw_faults *faults);
bool mw_options_load_several(const struct mw_option_target *targets, size_t count,
                             const struct mw_yaml *mapping, const char *path, const char *folder,
                             TALLOC_CTX *memory, struct mw_faults *faults);

/* The table as rows `| key | type | default | help |` of Markdown, those of sections below their own
 * with `prefix` and their name before the key. */
char *mw_options_help(TALLOC_CTX *memory, const struct mw_option *table, const char *prefix);
/* The table as a JSON Schema for editors, by which `config schema` speaks; a new reference. */
json_t *mw_options_schema(const struct mw_option *table);
/* The loaded values by key, secrets masked, as `config show` prints them; a new reference. */
json_t *mw_options_show(const struct mw_option *table, const void *values);

/* ---- what changed between two loads ---- */

/* Told of each key whose value differs, as "policy.approval_timeout"; a list is one key, since its entries
 * have no names. `reloadable`: the row says MW_OPTION_RELOADABLE. */
struct mw_option_changes {
    void *context;
    void (*add)(void *context, const char *path, bool reloadable);
};

/* Compares two structs that one table was loaded into, secrets too; `path` is where the table stands,
 * "" at the root. A table of NULL has no keys. */
void mw_options_compare(const struct mw_option *table, const void *before, const void *after,
                        const char *path, const struct mw_option_changes *changes);
bool mw_options_equal(const struct mw_option *table, const void *a, const void *b);

#endif
