/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner that asks nobody: it looks the situation up in the runbooks (prompts/runbooks,
 * described in the README there). The same situation always gets the same answer.
 */
#include <string.h>
#include <talloc.h>

#include "adapters/llm/model/runbooks.h"
#include "adapters/llm/runbook/template.h"
#include "adapters/llm/runbook/views.h"
#include "base/log.h"
#include "midwatch/planner.h"

#define ROOM "runbook"

struct runbooks {
    json_t *books; /* array of {"kind", "name", "when", "cause", …} */
};

static int release(struct runbooks *self)
{
    json_decref(self->books);
    return 0;
}

static bool runbook_create(struct mw_planner *planner, const void *config, const char *folder,
                           struct mw_error *error)
{
    struct runbooks *self = talloc_zero(planner, struct runbooks);
    talloc_set_destructor(self, release);
    self->books = mw_runbooks_read(folder, error);
    if (self->books == NULL) {
        talloc_free(self);
        return false;
    }
    mw_log_debug(ROOM, "%zu runbooks in %s", json_array_size(self->books), folder);
    planner->state = self;
    planner->label = "runbook";
    return true;
}

/* ---- looking up ---- */

static const char *worst_metric(const json_t *situation)
{
    const json_t *worst = json_array_get(json_object_get(situation, "findings"), 0);
    const char *metric = json_string_value(json_object_get(worst, "metric"));
    return metric != NULL ? metric : "unreachable";
}

static const json_t *find_book(const struct runbooks *self, const json_t *situation)
{
    const char *kind =
        json_string_value(json_object_get(json_object_get(situation, "resource"), "kind"));
    const char *metric = worst_metric(situation);
    size_t i;
    const json_t *book;
    json_array_foreach(self->books, i, book)
    {
        const char *wanted =
            json_string_value(json_object_get(json_object_get(book, "when"), "metric"));
        if (strcmp(json_string_value(json_object_get(book, "kind")), kind) == 0 && wanted != NULL &&
            strcmp(wanted, metric) == 0)
            return book;
    }
    return NULL;
}

static bool facts_fit(json_t *when, const json_t *situation)
{
    const char *name;
    json_t *wanted;
    json_object_foreach(when, name, wanted)
    {
        const json_t *actual = json_object_get(json_object_get(situation, "facts"), name);
        if (actual == NULL)
            actual = json_object_get(json_object_get(situation, "resource"), name);
        if (!json_equal(wanted, actual))
            return false;
    }
    return true;
}

/* Whether no argument that both name differs: those of earlier plans were pinned, so that a factor may
 * have become a number under another name. */
static bool same_arguments(json_t *arguments, const json_t *others)
{
    const char *name;
    json_t *value;
    json_object_foreach(arguments, name, value)
    {
        const json_t *other = json_object_get(others, name);
        if (other != NULL && !json_equal(value, other))
            return false;
    }
    return true;
}

/* Options are told apart by their tools and arguments. */
static bool same_steps(const json_t *steps, const json_t *others)
{
    if (json_array_size(steps) != json_array_size(others))
        return false;
    size_t i;
    const json_t *step;
    json_array_foreach(steps, i, step)
    {
        const json_t *other = json_array_get(others, i);
        if (!json_equal(json_object_get(step, "tool"), json_object_get(other, "tool")) ||
            !same_arguments(json_object_get(step, "arguments"),
                            json_object_get(other, "arguments")))
            return false;
    }
    return true;
}

/* A step whose end was not seen may never have happened. That the symptom is still there says that it
 * is worth a new approval. */
static bool is_in_doubt(const json_t *plan)
{
    size_t i;
    const json_t *step;
    json_array_foreach(json_object_get(plan, "steps"), i, step)
    {
        const char *state = json_string_value(json_object_get(step, "state"));
        if (state != NULL && strcmp(state, "unknown") == 0)
            return true;
    }
    return false;
}

/* What an earlier plan did about one resource. */
static json_t *steps_about(const json_t *plan, const char *name)
{
    json_t *steps = json_array();
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(plan, "steps"), i, step)
    {
        const char *about =
            json_string_value(json_object_get(json_object_get(step, "arguments"), "resource"));
        if (about == NULL || strcmp(about, name) == 0)
            json_array_append(steps, step);
    }
    return steps;
}

static bool was_tried(const json_t *steps, const json_t *situation)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(situation, "resource"), "name"));
    size_t i;
    const json_t *earlier;
    json_array_foreach(json_object_get(situation, "previous"), i, earlier)
    {
        json_auto_t *tried = steps_about(earlier, name);
        if (!is_in_doubt(earlier) && same_steps(steps, tried))
            return true;
    }
    return false;
}

static const json_t *choose_steps(const json_t *book, const json_t *situation)
{
    size_t i;
    const json_t *option;
    json_array_foreach(json_object_get(book, "options"), i, option)
    {
        const json_t *steps = json_object_get(option, "steps");
        if (json_array_size(steps) > 0 && facts_fit(json_object_get(option, "when"), situation) &&
            !was_tried(steps, situation))
            return steps;
    }
    return NULL;
}

/* ---- answering ---- */

static json_t *fill_steps(const json_t *steps, const json_t *situation)
{
    json_t *filled = json_deep_copy(steps);
    json_t *name = json_object_get(json_object_get(situation, "resource"), "name");
    size_t i;
    json_t *step;
    json_array_foreach(filled, i, step)
    {
        json_t *arguments = json_object_get(step, "arguments");
        if (!json_is_object(arguments)) {
            json_object_set_new(step, "arguments", json_object());
            arguments = json_object_get(step, "arguments");
        }
        json_object_set(arguments, "resource", name);
    }
    return filled;
}

static json_t *fill_evidence(const json_t *book, const json_t *situation)
{
    json_t *filled = json_array();
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(book, "evidence"), i, line)
    {
        json_t *text = mw_template_fill(json_string_value(line), situation);
        if (text != NULL)
            json_array_append_new(filled, text);
    }
    return filled;
}

/* What is proposed for one resource. */
static bool propose_one(const struct runbooks *self, const json_t *situation, json_t **proposal,
                        struct mw_error *error)
{
    const json_t *book = find_book(self, situation);
    if (book == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "no runbook is about %s of such a resource",
                            worst_metric(situation));
    const json_t *steps = choose_steps(book, situation);
    if (steps == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "the runbook \"%s\" has nothing left that fits here",
                            json_string_value(json_object_get(book, "name")));
    const char *cause = json_string_value(json_object_get(book, "cause"));
    json_t *filled = mw_template_fill(cause, situation);
    if (filled == NULL)
        filled = json_sprintf("%s is past its threshold", worst_metric(situation));
    *proposal = json_pack("{s:o, s:O, s:o, s:o}", "root_cause", filled, "confidence",
                          json_object_get(book, "confidence"), "evidence",
                          fill_evidence(book, situation), "steps", fill_steps(steps, situation));
    return true;
}

static bool runbook_propose(struct mw_planner *planner, const json_t *situation,
                            const struct mw_planner_host *host, struct mw_deadline deadline,
                            json_t **proposal, struct mw_error *error)
{
    const struct runbooks *self = planner->state;
    json_auto_t *views = mw_views(situation);
    json_auto_t *all = NULL;
    struct mw_error first = {0};
    size_t i;
    json_t *view;
    json_array_foreach(views, i, view)
    {
        json_auto_t *one = NULL;
        if (propose_one(self, view, &one, error))
            mw_views_merge(&all, one, view);
        else if (first.class == MW_ERROR_NONE)
            first = *error;
    }
    if (all == NULL) {
        *error = first;
        return false;
    }
    *proposal = json_incref(all);
    return true;
}

static bool runbook_check(struct mw_planner *planner, const struct mw_check *check,
                          struct mw_deadline deadline, struct mw_error *error)
{
    const struct runbooks *self = planner->state;
    mw_check_say(check, MW_CHECK_OK, "%zu runbooks", json_array_size(self->books));
    return true;
}

const struct mw_planner_ops mw_planner_runbook = {
    .name = "runbook",
    .create = runbook_create,
    .propose = runbook_propose,
    .check = runbook_check,
};
