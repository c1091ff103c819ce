/* SPDX-License-Identifier: Apache-2.0 */
/* What a person reads: the words, their order, and what hostile text cannot do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/redact.h"
#include "base/text.h"
#include "converse/paper.h"
#include "converse/scene.h"
#include "fake_respond.h"
#include "fixture.h"

static TALLOC_CTX *memory;
static struct mw_incident *incident;
static struct mw_scene scene;
static const struct mw_track fifteen = {
    .runs = 15, .recovered = 14, .median_ms = 6000, .last_failure = INT64_C(1778600000000)};

static int set_up(void **state)
{
    setenv("TZ", "UTC", 1);
    tzset();
    memory = talloc_new(NULL);
    incident = fixture_incident(memory);
    struct mw_watch *watch = fixture_watch(memory);
    scene = (struct mw_scene){.memory = memory,
                              .installation = "shop-prod",
                              .incident = incident,
                              .resource = mw_watch_find(watch, "cache"),
                              .track = &fifteen};
    return 0;
}

static int tear_down(void **state)
{
    mw_redact_forget_all();
    talloc_free(memory);
    return 0;
}

/* ---- looking at a message ---- */

static void append_block(char **text, const json_t *block)
{
    static const char *const lists[] = {"items", "lines", "rows"};
    const char *one = json_string_value(json_object_get(block, "text"));
    *text =
        talloc_asprintf_append(*text, "<%s>%s\n", json_string_value(json_object_get(block, "type")),
                               one != NULL ? one : "");
    for (int l = 0; l < 3; l++) {
        size_t i, c;
        json_t *item, *cell;
        json_array_foreach(json_object_get(block, lists[l]), i, item)
        {
            const char *keys[] = {"text", "title", "detail", "risk", "state"};
            if (json_is_string(item)) {
                *text = talloc_asprintf_append(*text, "%s\n", json_string_value(item));
            }
            for (int k = 0; k < 5; k++) {
                const char *part = json_string_value(json_object_get(item, keys[k]));
                *text = talloc_asprintf_append(*text, "%s%s", part != NULL ? part : "",
                                               part != NULL ? "|" : "");
            }
            json_array_foreach(json_is_array(item) ? item : NULL, c, cell)
            {
                *text = talloc_asprintf_append(*text, "%s|", json_string_value(cell));
            }
            *text = talloc_strdup_append(*text, "\n");
        }
    }
}

/* The message as text, in the order of its blocks; releases it. */
static const char *read_out(json_t *message)
{
    assert_non_null(message);
    const char *summary = json_string_value(json_object_get(message, "summary"));
    char *text = talloc_asprintf(memory, "(%s)\n", summary);
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(message, "blocks"), i, block)
    {
        append_block(&text, block);
    }
    if (text == NULL) {
        fail_msg("out of memory");
        return "";
    }
    assert_true(mw_text_is_utf8(text, strlen(text)));
    assert_true(json_dumpb(message, NULL, 0, JSON_COMPACT) <= MW_PAPER_BYTES_MAX);
    json_decref(message);
    return text;
}

/* The parts stand in the text, one after the other. */
static void assert_order(const char *text, const char *const *parts)
{
    const char *at = text;
    for (; *parts != NULL; parts++) {
        const char *found = strstr(at, *parts);
        if (found == NULL) {
            fail_msg("\"%s\" is missing, or too early, in:\n%s", *parts, text);
        }
        at = found + strlen(*parts);
    }
}

#define assert_says(text, ...) assert_order(text, (const char *const[]){__VA_ARGS__, NULL})

static void assert_silent(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) != NULL) {
        fail_msg("\"%s\" stands in:\n%s", part, text != NULL ? text : "");
    }
}

/* ---- the card ---- */

static void add_member(const char *name, const char *symptom, double before, double after)
{
    struct mw_member *member = mw_incident_add_member(incident);
    member->resource = talloc_strdup(memory, name);
    member->kind = talloc_strdup(memory, "http");
    member->environment = talloc_strdup(memory, "local");
    member->severity = MW_HEALTH_FAILED;
    member->finding_count = 1;
    member->findings = talloc_zero(memory, struct mw_finding);
    member->findings->metric = talloc_strdup(memory, "status");
    member->findings->text = talloc_strdup(memory, symptom);
    member->before.metrics = json_pack("{s:f}", "status", before);
    member->after.metrics = json_pack("{s:f}", "status", after);
}

static void test_a_card_for_several(void **state)
{
    add_member("shop", "status 503", 503, 200);
    const char *card = read_out(mw_card_message(&scene));
    assert_says(card, "shop-prod cache and 1 more: redis memory 97.2 %",
                "<headline>I42 cache (redis, local) and 1 more memory 97.2 % of maxmemory",
                "with it shop (http, local) FAILED: status 503");
    assert_silent(card, "own network");
    assert_silent(card, "the thread names them");
    const char *evidence = read_out(mw_evidence_message(&scene));
    assert_says(evidence, "Evidence on cache and 1 more", "It is about cache, shop.");

    for (int i = 0; i < 5; i++) {
        add_member(talloc_asprintf(memory, "web%d", i), "status 502", 502, 200);
    }
    incident->mass = true;
    card = read_out(mw_card_message(&scene));
    assert_says(card, "and 6 more", "⚠ so much turned bad at once", "with it shop", "with it web2",
                "and 2 more; the thread names them");
    assert_silent(card, "with it web3");
}

static void test_a_verdict_for_several(void **state)
{
    add_member("shop", "status 503", 503, 200);
    add_member("web", "has failed", 1, 1);
    TALLOC_FREE(incident->members[1].findings->metric);
    incident->members[1].before.health = MW_HEALTH_FAILED;
    incident->members[1].after.health = MW_HEALTH_HEALTHY;
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_RECOVERED;
    const char *verdict = read_out(mw_verdict_message(&scene));
    assert_says(verdict, "I42 cache and 2 more: recovered", "shop status|503|200|",
                "web|FAILED|HEALTHY|");
    incident->outcome = MW_OUTCOME_FAILED;
    incident->members[0].after.health = MW_HEALTH_FAILED;
    assert_says(read_out(mw_card_message(&scene)), "still bad: shop (FAILED)", "say fix cache");
}

static void test_a_new_card(void **state)
{
    const char *card = read_out(mw_card_message(&scene));
    assert_says(card, "shop-prod cache: redis memory 97.2 % of maxmemory (normal 41 %).",
                "<headline>I42 cache (redis, local) memory 97.2 % of maxmemory — normal 41 %, "
                "degraded from 95\n",
                "since 03:08:12 · seen in 2 samples · shop-prod", "<log>",
                "OOM command not allowed", "<wait>⏳ gathering logs");
    assert_silent(card, "Needs you");
    assert_silent(card, "on call");
}

static void test_the_card_that_asks(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 1);
    json_t *message = mw_card_message(&scene);
    const json_t *actions = json_object_get(message, "actions");
    assert_int_equal(json_array_size(actions), 4);
    const char *value = json_string_value(json_object_get(json_array_get(actions, 0), "value"));
    assert_true(strncmp(value, "I42 r1 0123456789abcdef", 23) == 0);
    const char *card = read_out(message);
    assert_says(card,
                "Plan: redis_scale_memory 32 → 64 MiB (host has 5.1 GiB free), reversible. "
                "Needs you.",
                "<headline>", "<notes>", "<log>", "Cause (82 %): sessions without expiry",
                "Plan r1 (runbook, not a model)",
                "redis_scale_memory cache|32 → 64 MiB (host has 5.1 GiB free)|reversible|",
                "Before: redis_scale_memory on redis/local recovered 14 of 15, median 6.0 s, last "
                "failure 12 May",
                "⏳ needs an approver until 03:38 — ✅ or ❌ on the plan, or: approve I42\n");
}

static void test_two_approvers(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 2);
    assert_says(read_out(mw_card_message(&scene)), "needs 2 different approvers until 03:38 —");
    fixture_approve(incident, "alice");
    assert_says(read_out(mw_card_message(&scene)), "(so far alice)");
    fixture_approve(incident, "bob");
    assert_says(read_out(mw_card_message(&scene)), "(so far alice and bob)");
    struct mw_decision *withdrawn = mw_incident_add_decision(incident);
    withdrawn->person = talloc_strdup(incident, "alice");
    withdrawn->action = MW_ACTION_WITHDRAW;
    withdrawn->revision = 1;
    assert_says(read_out(mw_card_message(&scene)), "(so far bob)");
}

static void test_a_second_plan_must_be_named(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    assert_says(read_out(mw_card_message(&scene)), "earlier plan r1 1 of 1 steps done", "Plan r2",
                "or: approve I42 r2\n");
}

/* The first plan helped one of two: the card must not go on saying that both are bad. */
static void test_what_an_earlier_plan_came_to(void **state)
{
    add_member("shop", "status 503", 503, 503);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_start_step(incident);
    fixture_end_step(incident);
    incident->after.measured_at = incident->members[0].after.measured_at = FIXTURE_SINCE + 90000;
    incident->after.health = MW_HEALTH_HEALTHY;
    incident->members[0].after.health = MW_HEALTH_FAILED;
    fixture_propose(incident);
    fixture_ask(incident, 1);
    assert_says(read_out(mw_card_message(&scene)),
                "earlier plan r1 1 of 1 steps done; after it cache was HEALTHY, shop FAILED");
}

static void test_a_tool_without_a_past(void **state)
{
    static const struct mw_track none;
    scene.track = &none;
    fixture_propose(incident);
    fixture_ask(incident, 1);
    assert_says(read_out(mw_card_message(&scene)),
                "Before: redis_scale_memory was never run on redis/local");
    scene.track = NULL;
    assert_silent(read_out(mw_card_message(&scene)), "Before:");
}

static void test_the_fact_takes_the_place_of_the_controls(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    json_t *message = mw_card_message(&scene);
    assert_string_equal(json_string_value(json_object_get(message, "state")), "running");
    const json_t *first = json_array_get(json_object_get(message, "actions"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "id")), "midwatch_stop");
    const char *card = read_out(message);
    assert_says(card, "Approved by alice 03:09:40, running step 1 of 1");
    assert_silent(card, "approve I42");
    assert_silent(card, "Before:");

    mw_incident_plan(incident)->steps[0].state = MW_STEP_UNKNOWN;
    assert_says(read_out(mw_card_message(&scene)), "outcome of step 1 unknown");
}

static void test_policy_let_it_run(void **state)
{
    struct mw_plan *plan = fixture_propose(incident);
    plan->automatic = true;
    fixture_start_step(incident);
    assert_says(read_out(mw_card_message(&scene)), "Allowed by policy 03:09:40");
    assert_says(read_out(mw_plan_message(&scene, plan)), "Policy lets it run by itself.");
    json_auto_t *message = mw_plan_message(&scene, plan);
    assert_null(json_object_get(message, "reactions"));
}

static void test_the_card_after_it(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_recover(incident);
    const char *card = read_out(mw_card_message(&scene));
    assert_says(
        card, "(shop-prod cache: recovered, memory 97.2 → 48.6 % (I42))",
        "<headline>I42 cache (redis, local) recovered — memory 97.2 → 48.6 %\n",
        "approved by alice 03:09:40 · 1 of 1 steps · healthy for 10 s · nothing else moved");
    assert_silent(card, "<log>");
    assert_silent(card, "<wait>");
}

static void test_every_end_has_its_word(void **state)
{
    static const struct {
        enum mw_outcome outcome;
        const char *word, *state;
    } cases[] = {{MW_OUTCOME_RECOVERED, "recovered", "recovered"},
                 {MW_OUTCOME_SELF_RECOVERED, "self-recovered", "recovered"},
                 {MW_OUTCOME_REJECTED, "rejected", "closed"},
                 {MW_OUTCOME_EXPIRED, "expired", "closed"},
                 {MW_OUTCOME_STOPPED, "stopped", "closed"},
                 {MW_OUTCOME_FAILED, "failed", "closed"},
                 {MW_OUTCOME_HANDED_OVER, "handed-over", "closed"}};
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome_reason = talloc_strdup(incident, "for a reason");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        incident->outcome = cases[i].outcome;
        json_t *message = mw_card_message(&scene);
        assert_string_equal(json_string_value(json_object_get(message, "state")), cases[i].state);
        const char *headline = talloc_asprintf(memory, "local) %s — memory", cases[i].word);
        assert_says(read_out(message), headline, "for a reason", "nothing was changed");
        assert_says(read_out(mw_verdict_message(&scene)), cases[i].word, "Verdict: ", cases[i].word,
                    "for a reason");
    }
}

static void test_what_is_left_of_the_trouble(void **state)
{
    static const enum mw_outcome left[] = {MW_OUTCOME_HANDED_OVER, MW_OUTCOME_FAILED,
                                           MW_OUTCOME_EXPIRED, MW_OUTCOME_REJECTED};
    incident->stage = MW_STAGE_CLOSED;
    incident->after.measured_at = FIXTURE_SINCE + 60000;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        incident->outcome = left[i];
        incident->after.health = MW_HEALTH_FAILED;
        assert_says(read_out(mw_card_message(&scene)), "still FAILED, last seen at 03:09:12",
                    "Nobody is working on it here any more: say fix cache to ask again.");
        incident->after.health = MW_HEALTH_HEALTHY;
        const char *card = read_out(mw_card_message(&scene));
        assert_says(card, "last seen HEALTHY at 03:09:12");
        assert_silent(card, "still");
        assert_silent(card, "say fix");
    }
    incident->outcome = MW_OUTCOME_STOPPED;
    incident->after.health = MW_HEALTH_FAILED;
    const char *card = read_out(mw_card_message(&scene));
    assert_says(card, "still FAILED");
    assert_silent(card, "say fix");
    incident->outcome = MW_OUTCOME_SELF_RECOVERED;
    assert_silent(read_out(mw_card_message(&scene)), "still");
}

static void assert_same_card(json_t *before)
{
    json_auto_t *after = mw_card_message(&scene);
    assert_true(json_equal(before, after));
    json_decref(before);
}

static void test_judging_and_reviewing_change_no_card(void **state)
{
    incident->stage = MW_STAGE_PLAN;
    json_t *before = mw_card_message(&scene);
    fixture_propose(incident);
    assert_int_equal(incident->stage, MW_STAGE_JUDGE);
    assert_same_card(before);

    fixture_ask(incident, 1);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    mw_incident_plan(incident)->steps[0].state = MW_STEP_FAILED;
    before = mw_card_message(&scene);
    incident->stage = MW_STAGE_REVIEW;
    assert_same_card(before);

    fixture_end_step(incident);
    before = mw_card_message(&scene);
    incident->stage = MW_STAGE_REVIEW;
    assert_same_card(before);

    /* After a no nothing runs, and nobody is asked any more. */
    fixture_propose(incident);
    fixture_ask(incident, 1);
    mw_incident_plan(incident)->state = MW_PLAN_REJECTED;
    incident->stage = MW_STAGE_REVIEW;
    const char *card = read_out(mw_card_message(&scene));
    assert_silent(card, "approve I42");
    assert_silent(card, "⏳");
}

static void test_unreachable(void **state)
{
    incident->severity = MW_HEALTH_FAILED;
    incident->findings[0] =
        (struct mw_finding){.normal = NAN,
                            .limit = NAN,
                            .health = MW_HEALTH_FAILED,
                            .text = talloc_strdup(incident, "connection refused at 127.0.0.1")};
    assert_says(read_out(mw_card_message(&scene)),
                "I42 cache (redis, local) FAILED: connection refused at 127.0.0.1\n");
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_HANDED_OVER;
    assert_says(read_out(mw_card_message(&scene)), "handed-over — connection refused");
}

static void test_a_resource_that_left_the_configuration(void **state)
{
    scene.resource = NULL;
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_recover(incident);
    assert_says(read_out(mw_card_message(&scene)), "memory_percent 97.2 → 48.6");
    assert_says(read_out(mw_verdict_message(&scene)), "memory_percent|97.2|48.6|");
}

static void test_quiet_is_visible_while_it_is_open(void **state)
{
    fake_respond_reset();
    fake.quiet = "other";
    assert_null(mw_scene_quiet(scene.memory, NULL, incident));
    fake.quiet = "cache";
    scene.quiet = mw_scene_quiet(scene.memory, NULL, incident);
    assert_says(read_out(mw_card_message(&scene)),
                "silenced by bob until 14:02: deploying; nothing runs by itself");
    struct mw_member *member = mw_incident_add_member(incident);
    member->resource = talloc_strdup(incident, "other");
    fake.quiet = "other";
    assert_string_equal(mw_scene_quiet(scene.memory, NULL, incident),
                        "other is silenced by bob until 14:02: deploying");
    fake.quiet = NULL;
}

static void test_an_acknowledgement_is_visible(void **state)
{
    struct mw_decision *ack = mw_incident_add_decision(incident);
    ack->person = talloc_strdup(incident, "bob");
    ack->action = MW_ACTION_ACK;
    assert_says(read_out(mw_card_message(&scene)), "acknowledged by bob");
}

/* ---- the thread ---- */

static void test_the_plan_in_full(void **state)
{
    struct mw_plan *plan = fixture_propose(incident);
    assert_false(mw_plan_due(incident, plan));
    fixture_ask(incident, 1);
    assert_true(mw_plan_due(incident, plan));
    json_t *message = mw_plan_message(&scene, plan);
    assert_true(json_is_true(json_object_get(message, "broadcast")));
    assert_int_equal(json_array_size(json_object_get(message, "reactions")), 2);
    assert_says(read_out(message), "<headline>Plan r1 (runbook, not a model) for cache\n", "Cause",
                "maxmemory-policy is noeviction", "redis_scale_memory cache|32 → 64 MiB",
                "there is room on the host", "expected: memory falls below 60 %",
                "undo: redis_scale_memory maxmemory 33554432",
                "✅ approves, ❌ rejects, until 03:38 — or: approve I42 r1");
}

static void test_a_rejected_plan(void **state)
{
    struct mw_plan *plan = fixture_propose(incident);
    fixture_ask(incident, 1);
    struct mw_decision *no = mw_incident_add_decision(incident);
    no->person = talloc_strdup(incident, "bob");
    no->action = MW_ACTION_REJECT;
    no->revision = 1;
    plan->state = MW_PLAN_REJECTED;
    plan->state_reason = talloc_strdup(incident, "too risky");
    assert_says(read_out(mw_plan_message(&scene, plan)), "rejected by bob: too risky",
                "This plan no longer counts");
}

static void test_risks(void **state)
{
    struct mw_plan *plan = fixture_propose(incident);
    fixture_ask(incident, 2);
    struct mw_step *step = &plan->steps[0];
    step->risk = MW_RISK_DESTRUCTIVE;
    step->risk_reason = talloc_strdup(incident, "without persistence its data is lost");
    json_decref(step->undo);
    step->undo = NULL;
    assert_says(read_out(mw_card_message(&scene)),
                "destructive, no undo: without persistence its data is lost|");
    step->risk = MW_RISK_DISRUPTIVE;
    step->risk_reason = NULL;
    step->effect = NULL;
    step->undo = json_pack("{s:s, s:{}}", "tool", "redis_restart", "arguments");
    assert_says(read_out(mw_card_message(&scene)),
                "|maxmemory 67108864|disruptive, can be undone|");
}

static void test_evidence(void **state)
{
    assert_false(mw_evidence_due(incident));
    incident->stage = MW_STAGE_PLAN;
    incident->facts = json_pack("{s:s, s:i, s:b}", "maxmemory_policy", "noeviction", "databases",
                                16, "persistence", 0);
    assert_true(mw_evidence_due(incident));
    assert_says(read_out(mw_evidence_message(&scene)), "OOM command", "Background saving",
                "maxmemory policy|noeviction|", "databases|16|", "persistence|false|");
    incident->log_count = 0;
    assert_says(read_out(mw_evidence_message(&scene)), "No log is configured for it");
}

static void test_the_verdict(void **state)
{
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_recover(incident);
    assert_says(read_out(mw_verdict_message(&scene)),
                "(I42 cache: recovered, memory 97.2 → 48.6 %)", "Evaluation of I42: recovered",
                "detected 1.1 s · analysed 2.3 s · approved 82.0 s · executed 0.2 s · verified "
                "10.1 s · total 95.7 s",
                "memory|97.2 %|48.6 %|", "clients|12|12|", "latency|0.42 ms|0.4 ms|",
                "r1 redis_scale_memory cache|maxmemory is 64 MiB now|done|",
                "0 retries · planner: runbook", "nothing else moved", "Verdict: recovered");
    json_array_append_new(incident->collateral, json_string("web went from HEALTHY to DEGRADED"));
    assert_says(read_out(mw_verdict_message(&scene)), "also moved: web went from");
}

/* Somebody may have been asked and had nothing to propose. */
static void test_the_verdict_without_a_plan(void **state)
{
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_HANDED_OVER;
    const char *verdict = read_out(mw_verdict_message(&scene));
    assert_says(verdict, "no plan was made");
    assert_silent(verdict, "none asked");
}

/* ---- strangers' text ---- */

static void test_hostile_text(void **state)
{
    static const char evil[] = "\x1b]0;owned\x07\x1b[2Jx \xff\xfe \xe2\x80\xae"
                               "evil\r\n\ttab *bold* <b> @everyone";
    mw_redact_secret("tops3cret-value");
    fixture_propose(incident);
    struct mw_plan *plan = mw_incident_plan(incident);
    incident->log[0].line = talloc_strdup(incident, evil);
    incident->findings[0].text = talloc_strdup(incident, evil);
    plan->root_cause = talloc_asprintf(incident, "%s password=hunter22 tops3cret-value", evil);
    plan->steps[0].effect = talloc_strdup(incident, evil);
    plan->steps[0].why = talloc_strdup(incident, "tops3cret-value");
    plan->planner = talloc_strdup(incident, evil);
    json_array_append_new(plan->evidence, json_string("redis://me:hunter22@host/"));
    incident->facts = json_pack("{s:s}", "tops3cret-value", "tops3cret-value");
    fixture_ask(incident, 1);
    fixture_start_step(incident);
    fixture_end_step(incident);
    json_object_set_new(plan->steps[0].result, "summary", json_string("said tops3cret-value"));
    fixture_recover(incident);
    json_t *messages[] = {mw_card_message(&scene), mw_evidence_message(&scene),
                          mw_plan_message(&scene, plan), mw_progress_message(&scene, plan),
                          mw_verdict_message(&scene)};
    for (size_t i = 0; i < 5; i++) {
        const char *text = read_out(messages[i]);
        for (const char *at = text; *at != '\0'; at++) {
            assert_true((unsigned char)*at >= 0x20 || *at == '\n');
        }
        assert_silent(text, "\xe2\x80\xae");
        assert_silent(text, "tops3cret");
        assert_silent(text, "hunter22");
    }
}

static void test_nothing_grows_without_end(void **state)
{
    char *huge = talloc_array(incident, char, 40001);
    memset(huge, 'A', 40000);
    huge[40000] = '\0';
    incident->stage = MW_STAGE_PLAN;
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, 500);
    incident->log_count = 500;
    for (int i = 0; i < 500; i++) {
        incident->log[i] = (struct mw_log_excerpt){huge, 1};
    }
    incident->facts = json_object();
    for (int i = 0; i < 500; i++) {
        json_object_set_new(incident->facts, talloc_asprintf(memory, "%d%s", i, huge),
                            json_string(huge));
    }
    for (int p = 0; p < 3; p++) {
        struct mw_plan *plan = mw_incident_add_plan(incident, 60);
        plan->revision = p + 1;
        plan->planner = plan->root_cause = huge;
        plan->evidence = json_array();
        plan->approvals_needed = 1;
        for (int i = 0; i < 60; i++) {
            struct mw_step *step = &plan->steps[i];
            json_array_append_new(plan->evidence, json_string(huge));
            step->tool = step->resource = step->why = step->expect = step->effect = huge;
            step->state = MW_STEP_DONE;
            step->result = json_pack("{s:s}", "summary", huge);
        }
    }
    read_out(mw_card_message(&scene));
    read_out(mw_evidence_message(&scene));
    read_out(mw_plan_message(&scene, &incident->plans[0]));
    read_out(mw_progress_message(&scene, &incident->plans[0]));
    incident->stage = MW_STAGE_CLOSED;
    read_out(mw_verdict_message(&scene));
    read_out(mw_card_message(&scene));
}

static void test_next_to_nothing(void **state)
{
    struct mw_incident *bare = mw_incident_create(memory);
    bare->id = 1;
    scene.incident = bare;
    scene.resource = NULL;
    scene.track = NULL;
    scene.installation = NULL;
    for (int stage = MW_STAGE_OPEN; stage <= MW_STAGE_CLOSED; stage++) {
        bare->stage = (enum mw_stage)stage;
        assert_says(read_out(mw_card_message(&scene)), "I1 ");
        assert_says(read_out(mw_verdict_message(&scene)), "I1");
        read_out(mw_evidence_message(&scene));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_card_for_several),
        TEST(test_a_verdict_for_several),
        TEST(test_a_new_card),
        TEST(test_the_card_that_asks),
        TEST(test_two_approvers),
        TEST(test_a_second_plan_must_be_named),
        TEST(test_what_an_earlier_plan_came_to),
        TEST(test_a_tool_without_a_past),
        TEST(test_the_fact_takes_the_place_of_the_controls),
        TEST(test_policy_let_it_run),
        TEST(test_the_card_after_it),
        TEST(test_every_end_has_its_word),
        TEST(test_what_is_left_of_the_trouble),
        TEST(test_judging_and_reviewing_change_no_card),
        TEST(test_unreachable),
        TEST(test_a_resource_that_left_the_configuration),
        TEST(test_an_acknowledgement_is_visible),
        TEST(test_quiet_is_visible_while_it_is_open),
        TEST(test_the_plan_in_full),
        TEST(test_a_rejected_plan),
        TEST(test_risks),
        TEST(test_evidence),
        TEST(test_the_verdict),
        TEST(test_the_verdict_without_a_plan),
        TEST(test_hostile_text),
        TEST(test_nothing_grows_without_end),
        TEST(test_next_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
