/* SPDX-License-Identifier: Apache-2.0 */
/* The runbook planner on the runbooks that are shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "adapters/llm/runbook/template.h"
#include "base/clock.h"
#include "midwatch/planner.h"

extern const struct mw_planner_ops mw_planner_runbook;

static struct mw_planner *planner;

static int set_up(void **state)
{
    struct mw_error error = {0};
    planner = talloc_zero(NULL, struct mw_planner);
    planner->ops = &mw_planner_runbook;
    return planner->ops->create(planner, NULL, getenv("RUNBOOKS"), &error) ? 0 : -1;
}

static int tear_down(void **state)
{
    talloc_free(planner);
    return 0;
}

/* tried: s for a raised ceiling, e for eviction, ? for a raised ceiling whose end was not seen. */
static json_t *full_redis(bool cache, const char *tried)
{
    json_t *previous = json_array();
    for (size_t i = 0; tried[i] != '\0'; i++) {
        const char *tool = tried[i] == 'e' ? "redis_set_eviction" : "redis_scale_memory";
        const char *state = tried[i] == '?' ? "unknown" : "done";
        json_array_append_new(previous, json_pack("{s:[{s:s, s:{s:i}, s:s}], s:s}", "steps", "tool",
                                                  tool, "arguments", "maxmemory", 1, "state", state,
                                                  "complaint", "no"));
    }
    return json_pack("{s:{s:s, s:s, s:b}, s:[{s:s}], s:{s:f, s:f}, s:{s:s, s:s, s:s, s:b, s:i, "
                     "s:i, s:i, s:i}, s:o}",
                     "resource", "name", "box", "kind", "redis", "cache", cache, "findings",
                     "metric", "memory_percent", "metrics", "memory_percent", 97.23, "x", 1.0,
                     "facts", "maxmemory_policy", "noeviction", "maxmemory_text", "32 MiB",
                     "used_memory_text", "31 MiB", "cache", cache, "maxmemory", 33554432,
                     "used_memory", 32505856, "keys", 12, "expires", 0, "previous", previous);
}

static json_t *propose(json_t *situation, struct mw_error *error)
{
    json_t *proposal = NULL;
    bool ok =
        planner->ops->propose(planner, situation, NULL, mw_deadline_in(1000), &proposal, error);
    json_decref(situation);
    return ok ? proposal : NULL;
}

static const char *first_tool(const json_t *proposal)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(proposal, "steps"), 0), "tool"));
}

static void raises_the_ceiling_first(void **state)
{
    struct mw_error error = {0};
    json_auto_t *proposal = propose(full_redis(false, ""), &error);
    assert_string_equal(first_tool(proposal), "redis_scale_memory");
    const json_t *step = json_array_get(json_object_get(proposal, "steps"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(step, "arguments"), "resource")), "box");
    const char *cause = json_string_value(json_object_get(proposal, "root_cause"));
    assert_non_null(strstr(cause, "97.2 %"));
    assert_non_null(strstr(cause, "noeviction"));
    assert_int_equal(json_array_size(json_object_get(proposal, "evidence")), 2);
}

static void loses_data_only_of_a_cache(void **state)
{
    struct mw_error error = {0};
    json_auto_t *kept = propose(full_redis(false, "s"), &error);
    assert_null(kept);
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    json_auto_t *evicting = propose(full_redis(true, "s"), &error);
    assert_string_equal(first_tool(evicting), "redis_set_eviction");
    json_auto_t *flushing = propose(full_redis(true, "se"), &error);
    assert_string_equal(first_tool(flushing), "redis_flush");
}

static void proposes_again_what_may_never_have_happened(void **state)
{
    struct mw_error error = {0};
    json_auto_t *again = propose(full_redis(false, "?"), &error);
    assert_string_equal(first_tool(again), "redis_scale_memory");
    json_auto_t *known = propose(full_redis(false, "?s"), &error);
    assert_null(known);
}

static void says_when_no_runbook_fits(void **state)
{
    struct mw_error error = {0};
    json_t *situation = full_redis(false, "");
    json_object_set_new(json_array_get(json_object_get(situation, "findings"), 0), "metric",
                        json_string("latency_ms"));
    assert_null(propose(situation, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
}

static void restarts_what_does_not_answer(void **state)
{
    struct mw_error error = {0};
    json_t *situation = full_redis(false, "");
    json_object_set_new(json_array_get(json_object_get(situation, "findings"), 0), "metric",
                        json_null());
    json_auto_t *proposal = propose(situation, &error);
    assert_string_equal(first_tool(proposal), "redis_restart");
}

/* ---- several resources ---- */

/* A full Redis of that name that needs another (NULL: none). */
static json_t *full_one(const char *name, const char *need, const char *health)
{
    json_t *one = full_redis(false, "");
    json_t *resource = json_object_get(one, "resource");
    json_object_set_new(resource, "name", json_string(name));
    json_object_set_new(resource, "depends_on",
                        need != NULL ? json_pack("[s]", need) : json_array());
    json_object_set_new(one, "health", json_string(health));
    json_object_del(one, "previous");
    return one;
}

/* What the plan is about, in its order: "box other". */
static const char *about(const json_t *proposal, char text[64])
{
    size_t i;
    const json_t *step;
    text[0] = '\0';
    json_array_foreach(json_object_get(proposal, "steps"), i, step)
    {
        strcat(text, i > 0 ? " " : "");
        strcat(text,
               json_string_value(json_object_get(json_object_get(step, "arguments"), "resource")));
    }
    return text;
}

static void plans_for_each_of_several(void **state)
{
    struct mw_error error = {0};
    char text[64];
    json_t *situation = full_one("box", NULL, "DEGRADED");
    json_object_set_new(situation, "others",
                        json_pack("[o, o]", full_one("other", NULL, "DEGRADED"),
                                  full_one("well", NULL, "HEALTHY")));
    json_auto_t *proposal = propose(situation, &error);
    assert_string_equal(about(proposal, text), "box other");
    assert_non_null(
        strstr(json_string_value(json_object_get(proposal, "root_cause")), "; other: "));
    assert_int_equal(json_array_size(json_object_get(proposal, "evidence")), 4);
}

static void begins_at_the_root(void **state)
{
    struct mw_error error = {0};
    char text[64];
    json_t *situation = full_one("root", NULL, "DEGRADED");
    json_object_set_new(situation, "others",
                        json_pack("[o, o]", full_one("leaf", "middle", "DEGRADED"),
                                  full_one("middle", "root", "HEALTHY")));
    json_auto_t *proposal = propose(situation, &error);
    assert_string_equal(about(proposal, text), "root");

    /* The root is well again and the leaf is not. */
    situation = full_one("root", NULL, "HEALTHY");
    json_object_set_new(situation, "others",
                        json_pack("[o, o]", full_one("leaf", "middle", "DEGRADED"),
                                  full_one("middle", "root", "HEALTHY")));
    json_auto_t *next = propose(situation, &error);
    assert_string_equal(about(next, text), "leaf");
}

/* What was tried on one says nothing of the other. */
static void remembers_for_each(void **state)
{
    struct mw_error error = {0};
    char text[64];
    json_t *situation = full_one("box", NULL, "DEGRADED");
    json_object_set_new(situation, "others", json_pack("[o]", full_one("other", NULL, "DEGRADED")));
    json_object_set_new(situation, "previous",
                        json_pack("[{s:[{s:s, s:{s:s, s:i}, s:s}], s:s}]", "steps", "tool",
                                  "redis_scale_memory", "arguments", "resource", "box", "maxmemory",
                                  1, "state", "done", "complaint", "no"));
    json_auto_t *proposal = propose(situation, &error);
    assert_string_equal(about(proposal, text), "other");
}

static void a_circle_of_needs_does_not_hang_it(void **state)
{
    struct mw_error error = {0};
    json_t *situation = full_one("a", "b", "DEGRADED");
    json_object_set_new(situation, "others", json_pack("[o]", full_one("b", "a", "DEGRADED")));
    json_auto_t *proposal = propose(situation, &error);
    assert_non_null(proposal);
}

static void leaves_out_half_sentences(void **state)
{
    json_auto_t *situation = json_pack("{s:{s:f}}", "metrics", "a", 1.0);
    json_auto_t *known = mw_template_fill("a is {a}, {", situation);
    assert_string_equal(json_string_value(known), "a is 1, {");
    assert_null(mw_template_fill("b is {b}", situation));
}

static void refuses_a_folder_that_is_not_there(void **state)
{
    struct mw_error error = {0};
    struct mw_planner *other = talloc_zero(NULL, struct mw_planner);
    assert_false(mw_planner_runbook.create(other, NULL, "/nonexistent", &error));
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    talloc_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_the_ceiling_first),
        cmocka_unit_test(loses_data_only_of_a_cache),
        cmocka_unit_test(proposes_again_what_may_never_have_happened),
        cmocka_unit_test(says_when_no_runbook_fits),
        cmocka_unit_test(restarts_what_does_not_answer),
        cmocka_unit_test(plans_for_each_of_several),
        cmocka_unit_test(begins_at_the_root),
        cmocka_unit_test(remembers_for_each),
        cmocka_unit_test(a_circle_of_needs_does_not_hang_it),
        cmocka_unit_test(leaves_out_half_sentences),
        cmocka_unit_test(refuses_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
