# SPDX-License-Identifier: Apache-2.0
"""The other ends an incident can have, and what policy does to it."""
from lab import equal, expect, wait_for
from story import TWO, begin


def test_rejected_by_reaction(lab):
    redis, midwatch = begin(lab)
    midwatch.say("❌ I1")
    incident = lab.wait_closed("rejected")
    equal(redis.config_sets(), 0, "CONFIG SET after a rejection")
    expect(incident["plans"][0]["steps"][0]["state"] in ("planned", "skipped"), "the step never ran")
    midwatch.ask("✅ I1", r"I1")
    equal(lab.incident()["outcome"], "rejected", "outcome after a late ✅")
    equal(redis.config_sets(), 0, "CONFIG SET after a late ✅")


def test_expires(lab):
    redis, midwatch = begin(lab, policy={"approval_timeout": "2s"})
    lab.wait_closed("expired")
    midwatch.ask("✅ I1", r"I1")
    equal(redis.config_sets(), 0, "CONFIG SET after the time was up")


def test_heals_by_itself(lab):
    redis, midwatch = begin(lab)
    redis.call("FLUSHALL")
    incident = lab.wait_closed("self_recovered")
    midwatch.wait_out("self-recovered", 5)
    midwatch.ask("✅ I1", r"I1")
    equal(lab.incident()["outcome"], "self_recovered", "outcome after a late ✅")
    equal(redis.config_sets(), 0, "CONFIG SET")
    equal(incident["decisions"], [], "decisions")


def test_next_incident_has_the_next_number(lab):
    redis, midwatch = begin(lab)
    redis.call("FLUSHALL")
    lab.wait_closed("self_recovered")
    redis.fill()
    lab.wait_plan(midwatch, number=2)
    midwatch.say("✅ I2")
    lab.wait_closed("recovered", number=2)
    equal(redis.config_sets(), 1, "CONFIG SET")


def test_automatic_by_policy(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)],
                     policy={"rules": [{"environment": "local", "tool": "redis_scale_memory",
                                        "then": "auto"}]})
    lab.run()
    redis.fill()
    incident = lab.wait_closed("recovered")
    equal(incident["decisions"], [], "decisions")
    equal(redis.config_sets(), 1, "CONFIG SET")


def test_denied_by_policy(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], policy={"default": "deny"})
    lab.run()
    redis.fill()
    lab.wait_closed("handed_over")
    equal(redis.config_sets(), 0, "CONFIG SET")


def test_stopped_while_asking(lab):
    redis, midwatch = begin(lab)
    midwatch.say("stop I1")
    lab.wait_closed("stopped")
    midwatch.ask("✅ I1", r"I1")
    equal(redis.config_sets(), 0, "CONFIG SET after stop")


def test_stopped_by_reaction_while_verifying(lab):
    redis, midwatch = begin(lab, policy={"verify_hold": "30s"})
    midwatch.say("✅ I1")
    lab.wait_stage("verify")
    midwatch.say("🛑 I1")
    incident = lab.wait_closed("stopped")
    equal([step["state"] for step in incident["plans"][0]["steps"]], ["done"], "step states")
    equal(redis.config_sets(), 1, "CONFIG SET")


def test_undone_after_it_recovered(lab):
    redis, midwatch = begin(lab)
    limit = redis.info("memory")["maxmemory"]
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    expect(redis.info("memory")["maxmemory"] != limit, "maxmemory was raised")
    # Taking it back is only well where there is room again.
    redis.call("FLUSHALL")
    midwatch.say("undo I1")

    def taken_back():
        midwatch.expect_alive()
        if "approve I1 r2" in midwatch.text() and redis.config_sets() == 1:
            midwatch.say("approve I1 r2")
        return redis.info("memory")["maxmemory"] == limit
    wait_for("maxmemory to be as before", taken_back, 15, every=0.3)
    equal(redis.config_sets(), 2, "CONFIG SET")
    wait_for("the step to be marked as undone",
             lambda: lab.incident()["plans"][0]["steps"][0]["state"] == "undone", 10, every=0.1)


def test_dead_redis_is_restarted(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis, control={"restart": [redis.restart_script()]})],
                     people=TWO)
    midwatch = lab.run()
    dead = redis.pid()
    redis.kill()
    incident = lab.wait_plan(midwatch)
    step = incident["plans"][0]["steps"][0]
    equal(step["tool"], "redis_restart", "what the runbook proposes for a dead Redis")
    expect(step["risk"] in ("disruptive", "destructive"), f"its risk: {step['risk']}")
    expect("FAILED" in midwatch.text(), "the card says FAILED")
    midwatch.ask("ann: ✅ I1", r"I1")
    if step["risk"] == "destructive":
        equal(lab.incident()["stage"], "ask", "a destructive step waits for a second person")
        midwatch.say("ben: ✅ I1")
    lab.wait_closed("recovered")
    expect(redis.pid() and redis.pid() != dead, "another redis-server runs")


def test_restart_that_fails_is_told(lab):
    redis = lab.redis()
    lab.write_config(
        [lab.resource(redis, control={"restart": ["/bin/sh", "-c", "echo no such unit >&2; exit 3"]})],
        policy={"max_retries": 0, "rules": [{"tool": "redis_restart", "then": "approve",
                                             "approvers": 1}]})
    midwatch = lab.run()
    redis.kill()
    lab.wait_plan(midwatch)
    midwatch.say("✅ I1")
    incident = lab.wait_closed("failed", seconds=40)
    equal([step["state"] for step in incident["plans"][0]["steps"]], ["failed"], "step states")
    expect("no such unit" in midwatch.text(), "the terminal says what the command said")


def test_two_resources_two_incidents(lab):
    first, second = lab.redis(), lab.redis()
    lab.write_config([lab.resource(first, name="one"), lab.resource(second, name="two")],
                     policy={"group_window": "0s"})
    midwatch = lab.run()
    first.fill()
    lab.wait_plan(midwatch, number=1)
    second.fill()
    lab.wait_plan(midwatch, number=2)
    midwatch.say("✅ I2")
    lab.wait_closed("recovered", number=2)
    equal((first.config_sets(), second.config_sets()), (0, 1), "CONFIG SET at each")
    equal(lab.incident(1)["stage"], "ask", "the other incident still waits")
