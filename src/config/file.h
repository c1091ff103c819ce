/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, bounded. */
#ifndef MIDWATCH_CONFIG_FILE_H
#define MIDWATCH_CONFIG_FILE_H

#include <stddef.h>
#include <talloc.h>

#include "midwatch/error.h"

/* The bytes with a NUL behind them. The error has no path in it, so that it reads after one. */
char *mw_config_file(TALLOC_CTX *memory, const char *path, size_t limit, size_t *length,
                     struct mw_error *error);

#endif
