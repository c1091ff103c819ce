# SPDX-License-Identifier: Apache-2.0
"""The main story: Redis fills up, a plan is shown, somebody who may says yes, and it is fixed."""
import re

from lab import equal, expect, wait_for

TWO = [{"name": "olga", "terminal": True, "roles": ["operator"]},
       {"name": "ann", "terminal": True, "roles": ["approver"]},
       {"name": "ben", "terminal": True, "roles": ["approver"]}]


def begin(lab, **config):
    """A full Redis, and midwatch with a plan on the terminal. Returns both."""
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], **config)
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    return redis, midwatch


def approved_with(lab, words):
    redis, midwatch = begin(lab)
    equal(redis.config_sets(), 0, "CONFIG SET before anybody approved")
    midwatch.say(words)
    incident = lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET at Redis")
    expect(redis.percent() < 95, f"memory is still at {redis.percent():.1f} %")
    equal([(decision["person"], decision["action"]) for decision in incident["decisions"]],
          [("ann", "approve")], "decisions")
    midwatch.wait_out("recovered", 10)
    midwatch.terminate()
    return redis, midwatch, incident


def test_approved_by_check_mark(lab):
    _, midwatch, incident = approved_with(lab, "✅ I1")
    plan = incident["plans"][0]
    equal([step["tool"] for step in plan["steps"]], ["redis_scale_memory"], "the plan's tools")
    equal([step["state"] for step in plan["steps"]], ["done"], "the steps' states")
    expect(plan["steps"][0]["result"]["ok"] is True, "the step's result is ok")
    expect(re.fullmatch(r"[0-9a-f]{64}", plan["digest"]), "the digest is a SHA-256")
    expect("runbook" in plan["planner"], "the plan is labelled as the runbook's")
    equal(plan["revision"], 1, "revision")
    expect(incident["before"]["memory_percent"] >= 95, "before: memory past 95 %")
    expect(incident["after"]["memory_percent"] < 95, "after: memory below 95 %")
    text = midwatch.text()
    for part in ("I1", "cache", "95", "redis_scale_memory", "reversible", "ann", "runbook"):
        expect(part in text, f"the terminal names {part!r}")
    expect("\x1b" not in text, "no colour where stdout is no terminal")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


def test_approved_by_check_mark_with_variation_selector(lab):
    approved_with(lab, "✅\ufe0f I1")


def test_approved_by_plus_one(lab):
    approved_with(lab, "+1 I1")


def test_approved_by_command(lab):
    approved_with(lab, "approve I1")


def test_approved_by_command_with_revision(lab):
    approved_with(lab, "approve i1 r1")


def test_only_who_may(lab):
    redis, midwatch = begin(lab, people=TWO)
    refusal = midwatch.ask("olga: ✅ I1", r"olga")
    expect("approver" in refusal, f"the refusal says what it takes: {refusal!r}")
    midwatch.ask("nobody: approve I1", r".")
    equal(lab.incident()["stage"], "ask", "stage after the wrong person")
    equal(redis.config_sets(), 0, "CONFIG SET after the wrong person")
    midwatch.say("ben: ✅ I1")
    incident = lab.wait_closed("recovered")
    equal([decision["person"] for decision in incident["decisions"]
           if decision["action"] == "approve"], ["ben"], "who approved")
    expect(("olga", "refused") in [(actor, action) for actor, action, _ in lab.audit()],
           f"the refusal is in the audit trail: {lab.audit()}")


def test_operator_may_reject(lab):
    redis, midwatch = begin(lab, people=TWO)
    midwatch.say("olga: reject I1 not now")
    incident = lab.wait_closed("rejected")
    equal(redis.config_sets(), 0, "CONFIG SET after a rejection")
    equal([(decision["person"], decision["action"]) for decision in incident["decisions"]],
          [("olga", "reject")], "decisions")


def test_same_reaction_twice(lab):
    redis, midwatch = begin(lab)
    midwatch.process.stdin.write("✅ I1\n✅ I1\n+1 I1\napprove I1 r1\n".encode())
    midwatch.process.stdin.flush()
    incident = lab.wait_closed("recovered")
    midwatch.ask("✅ I1", r"I1")
    equal(redis.config_sets(), 1, "CONFIG SET at Redis")
    equal([decision["action"] for decision in incident["decisions"]], ["approve"], "decisions")
    equal(len(incident["plans"]), 1, "plans")


def test_wrong_revision_and_wrong_incident(lab):
    redis, midwatch = begin(lab)
    midwatch.ask("approve I1 r2", r"r2")
    midwatch.ask("approve I7", r"I7")
    midwatch.ask("✅ I7", r"I7")
    equal(lab.incident()["stage"], "ask", "stage")
    equal(redis.config_sets(), 0, "CONFIG SET")


def test_two_different_approvers(lab):
    redis, midwatch = begin(
        lab, people=TWO, policy={"rules": [{"risk": "reversible", "then": "approve",
                                            "approvers": 2}]})
    midwatch.ask("ann: ✅ I1", r"1 more")
    midwatch.say("ann: ✅ I1")
    midwatch.ask("ann: approve I1", r"I1")
    equal(lab.incident()["stage"], "ask", "stage after one person said yes three times")
    equal(redis.config_sets(), 0, "CONFIG SET")
    midwatch.say("ben: +1 I1")
    incident = lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET at Redis")
    equal(sorted(decision["person"] for decision in incident["decisions"]), ["ann", "ben"],
          "who approved")


def test_card_comes_before_the_plan_and_changes(lab):
    _, midwatch = begin(lab)
    lines = [line for _, line in midwatch.lines()]
    card = next(number for number, line in enumerate(lines) if "🔴" in line and "I1" in line)
    plan = next(number for number, line in enumerate(lines) if re.search(r"approve I1 r1", line))
    expect(card < plan, "the card stands before the plan")
    midwatch.say("✅ I1")
    midwatch.wait_out("🟢.*I1", 15)
    for _, line in midwatch.lines():
        expect(len(line) <= 200, f"a line is too long for a terminal: {line!r}")


def test_acknowledge_shows_on_the_card(lab):
    _, midwatch = begin(lab)
    midwatch.say("👀 I1")
    midwatch.wait_out("acknowledged by ann", 5)
    wait_for("the decision to be recorded",
             lambda: [d for d in lab.incident()["decisions"] if d["action"] == "ack"], 5)
