# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL runs out of connections, and Gemini is asked: the whole way, and when it fails."""
import json

from lab import equal, expect, wait_for
from model_service import KEY, ModelService
from postgres_server import Postgres

PLAN = {"root_cause": "one session of checkout holds a row lock in an open transaction",
        "confidence": 0.9, "evidence": ["88 sessions wait for the same row"],
        "steps": [{"tool": "postgres_kill_long_queries",
                   "arguments": {"resource": "db", "min_seconds": 1, "blockers_only": True},
                   "why": "the others go on once it is gone", "expect": "connections fall"}]}
LOOKS = {"calls": [{"name": "postgres_locks", "args": {"resource": "db"}},
                   {"name": "postgres_activity", "args": {"resource": "db"}}], "tokens": [1000, 30, 10]}
PROPOSES = {"calls": [{"name": "propose_plan", "args": PLAN}], "tokens": [2000, 100, 60]}
PRICE = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}


def overloaded(lab, script):
    """The overload with a plan on the terminal. Returns all three."""
    postgres = Postgres(lab)
    service = ModelService(lab, script)
    lab.write_config([postgres.resource()], llm=service.section(price=PRICE))
    midwatch = lab.run()
    postgres.hold()
    wait_for("midwatch to watch", lambda: postgres.sessions("application_name = 'midwatch'") == 1, 10,
             every=0.05)
    # The runbook leaves what is younger than two seconds alone.
    wait_for("the lock to be old enough", lambda: postgres.sessions(
        "state = 'idle in transaction' AND now() - xact_start > interval '2.1 seconds'") == 1, 10, every=0.1)
    postgres.pile_up()
    lab.wait_plan(midwatch, seconds=30)
    return postgres, service, midwatch


def approve_and_see(lab, postgres, midwatch):
    """✅, and PostgreSQL itself says that it is true."""
    equal(postgres.blocked(), 88, "sessions blocked before anybody approved")
    midwatch.say("✅ I1")
    incident = lab.wait_closed("recovered", seconds=30)
    equal(postgres.blocked(), 0, "sessions blocked")
    equal(postgres.sessions("application_name <> 'midwatch'"), 0, "sessions left")
    equal(postgres.sql("SELECT stock FROM item"), "412", "what the 88 that waited have taken from 500")
    midwatch.wait_out("Evaluation of I1", 10)
    expect(incident["before"]["connections_percent"] > 85, f"before: {incident['before']}")
    expect(incident["after"]["connections_percent"] < 10, f"after: {incident['after']}")
    return incident


def test_gemini_looks_and_its_plan_is_carried_out(lab):
    postgres, service, midwatch = overloaded(lab, [LOOKS, PROPOSES])
    incident = approve_and_see(lab, postgres, midwatch)
    plan = incident["plans"][0]
    equal((len(incident["plans"]), plan["planner"], plan["root_cause"]),
          (1, "gemini:gemini-3.8-flash", PLAN["root_cause"]), "plans, planner and cause")
    step = plan["steps"][0]
    equal((step["tool"], step["risk"], step["state"], step["result"]["ok"]),
          ("postgres_kill_long_queries", "disruptive", "done", True), "the step")
    equal(len(step["arguments"]["sessions"]), 1, "sessions that were ended")
    equal({key: incident["llm"][key] for key in ("input_tokens", "output_tokens")},
          {"input_tokens": 3000, "output_tokens": 200}, "tokens")
    expect(abs(incident["llm"]["cost_usd"] - 0.0038) < 1e-9, f"cost: {incident['llm']}")
    text = midwatch.text()
    for part in ("planner: gemini:gemini-3.8-flash", "3,000+200 tokens, $0.004", "holds up 88", "Verdict: recovered"):
        expect(part in text, f"the terminal says {part!r}")
    expect("runbook, not a model" not in text, "no plan is labelled as the runbook's")

    first, second = service.played()
    answers = [part["functionResponse"] for part in second["contents"][-1]["parts"]
               if "functionResponse" in part]
    equal([answer["name"] for answer in answers], ["postgres_locks", "postgres_activity"],
          "what was looked at")
    expect("checkout" in json.dumps(answers[0]), "the look at the locks names the one that holds it")
    expect("connections-full" in json.dumps(first), "the runbook goes along")
    expect(KEY not in text + midwatch.text("err") + json.dumps([first, second]), "the key stays at home")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


def test_gemini_fails_and_the_runbook_answers(lab):
    script = [{"status": 500, "body": {"error": {"code": 500, "status": "INTERNAL", "message": "oops"}}},
              {"status": 503, "raw": "<html>try later</html>", "type": "text/html"},
              {"raw": "{\"candidates\": [ \x07"}]
    postgres, service, midwatch = overloaded(lab, script)
    expect("runbook, not a model" in midwatch.text(), "the plan is labelled as the runbook's")
    incident = approve_and_see(lab, postgres, midwatch)
    plan = incident["plans"][0]
    equal((plan["planner"], [step["tool"] for step in plan["steps"]]),
          ("runbook", ["postgres_kill_long_queries"]), "planner and steps")
    midwatch.wait_out("planner: runbook", 5)
    expect("I1: gemini:gemini-3.8-flash has no plan" in midwatch.text("err"), "the log says why")
    service.played()
