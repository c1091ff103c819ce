/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML documents as a tree that knows its lines. Scalars stay text: who reads them knows the type
 * that is wanted. Anchors, aliases, tags, several documents and merge keys are refused, so a file
 * cannot grow when it is read.
 */
#ifndef MIDWATCH_BASE_YAML_H
#define MIDWATCH_BASE_YAML_H

#include <jansson.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/error.h"

#define MW_YAML_BYTES_MAX (1024 * 1024)
#define MW_YAML_DEPTH_MAX 32

enum mw_yaml_type { MW_YAML_SCALAR, MW_YAML_SEQUENCE, MW_YAML_MAPPING };

struct mw_yaml {
    enum mw_yaml_type type;
    int line;      /* from 1 */
    char *text;    /* SCALAR */
    bool plain;    /* SCALAR: without quotes, so `null`, `true` and numbers mean themselves */
    bool expanded; /* SCALAR: the config room put text from elsewhere into it: not to be shown */
    bool broken;   /* SCALAR: it could not be filled in, which was reported */
    size_t count;  /* SEQUENCE, MAPPING */
    struct mw_yaml **items;
    char **keys; /* MAPPING; unique */
    int *key_lines;
};

/* `*line` is set to where the text is wrong (0: nowhere in particular). A text without a value is an
 * empty plain scalar. */
struct mw_yaml *mw_yaml_parse(TALLOC_CTX *memory, const char *text, size_t length, int *line,
                              struct mw_error *error);

/* NULL when absent or when this is no mapping. */
struct mw_yaml *mw_yaml_get(const struct mw_yaml *mapping, const char *key);
bool mw_yaml_is_null(const struct mw_yaml *node);

/* As JSON, by YAML's core schema: plain numbers, true, false and null mean themselves. A new
 * reference. */
json_t *mw_yaml_to_json(const struct mw_yaml *node);

#endif
