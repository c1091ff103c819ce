/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share with each other. */
#ifndef MIDWATCH_WATCH_INTERNAL_H
#define MIDWATCH_WATCH_INTERNAL_H

#include "watch/watch.h"

/* ---- watch.c ---- */

/* A resource that is in no inventory yet. `keeper` as in mw_watch_replace. */
struct mw_resource *mw_resource_create(struct mw_watch *watch, const struct mw_target_ops *ops,
                                       const struct mw_resource_config *config,
                                       const void *kind_config, void *keeper,
                                       struct mw_error *error);
/* Spawns its probes; the first ones of `count` resources that are started together are spread. */
void mw_resource_start(struct mw_resource *resource, size_t index, size_t count);
/* Closes its target. */
MW_SUSPENDS void mw_resource_close(struct mw_resource *resource);

/* ---- history.c ---- */

struct mw_history *mw_history_create(TALLOC_CTX *memory);
/* `healthy`: the resource was healthy and so was this sample, so it counts for what is normal. */
void mw_history_add(struct mw_history *history, const struct mw_sample *sample, bool healthy);

/* ---- probe.c ---- */

/* The life of a resource's fiber; `resource` is a struct mw_resource. */
MW_SUSPENDS void mw_probe_fiber(void *resource);
/* One probe whose sample becomes the resource's health as it is. */
MW_SUSPENDS void mw_probe_once(struct mw_resource *resource);

/* ---- resource_json.c ---- */

/* To six digits: more are noise of the arithmetic, such as 97.19999694824219. */
double mw_shown_number(double value);

/* ---- control.c ---- */

/* NULL without a section. The configuration outlives it. */
struct mw_control *mw_control_create(TALLOC_CTX *memory, const struct mw_control_config *config);

/* ---- logs.c ---- */

/* The end of a log, NUL-terminated on `memory`. `*cut`: its first line may be torn. */
MW_SUSPENDS char *mw_log_read(TALLOC_CTX *memory, const struct mw_log_source_config *source,
                              size_t *length, bool *cut, struct mw_deadline deadline,
                              struct mw_error *error);

/* ---- severity.c ---- */

/* How bad a log line of unknown format is, by the level that it names. */
enum mw_log_severity mw_log_severity_guess(const char *line);

/* ---- moment.c ---- */

/* "17:M 22 Nov 2026 03:08:05.123 # Ready" → "03:08:05 # Ready" where that is today's date; the line as
 * it is where it is of another day, or tells time in another zone, or begins otherwise. */
char *mw_log_shorten(TALLOC_CTX *memory, const char *line);

/* ---- fold.c ---- */

/* Lines of a log by template: what differs only in digits, hexadecimal and quoted parts is one
 * entry. Memory is bounded whatever comes. */
struct mw_fold;

struct mw_fold *mw_fold_create(TALLOC_CTX *memory);
/* Add the newest line of a log first. `age` is how many lines of its log are newer. */
void mw_fold_add(struct mw_fold *fold, const char *line, enum mw_log_severity severity, size_t age);
/* The entries, worst first, then newest; clean and masked, on `memory`. */
struct mw_log_excerpt *mw_fold_take(struct mw_fold *fold, TALLOC_CTX *memory, size_t limit,
                                    size_t *count);

#endif
