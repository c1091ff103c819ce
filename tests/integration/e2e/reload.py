# SPDX-License-Identifier: Apache-2.0
"""Another configuration while midwatch runs: SIGHUP."""
import os
import re
import signal

from lab import equal, expect, wait_for
from operate import Listener
from story import begin

THREE = [{"name": name, "terminal": True, "roles": ["approver"]} for name in ("ann", "ben", "carl")]
BEN_IS_VIEWER = [THREE[0], {"name": "ben", "terminal": True, "roles": ["viewer"]}, THREE[2]]
TWO_MUST = {"rules": [{"tool": "redis_scale_memory", "then": "approve", "approvers": 2}]}
DONE = "the configuration was reloaded"
REFUSED = "the configuration was not reloaded"


def hang_up(midwatch, wanted=DONE):
    """SIGHUP, and what the log said of it."""
    told_before = midwatch.text("err")
    midwatch.process.send_signal(signal.SIGHUP)

    def told():
        midwatch.expect_alive()
        return wanted in midwatch.text("err")[len(told_before):]
    wait_for(f"the log to say that {wanted}", told, 10)
    return midwatch.text("err")[len(told_before):]


def decisions(lab):
    return [(decision["person"], decision["action"]) for decision in lab.incident()["decisions"]]


def test_a_role_taken_away_voids_an_approval(lab):
    redis, midwatch = begin(lab, people=THREE, policy=TWO_MUST)
    cache = lab.resource(redis)
    midwatch.ask("ben: ✅ I1", "needs 1 more")
    lab.write_config([cache], people=BEN_IS_VIEWER, policy=TWO_MUST)
    expect("people" in hang_up(midwatch), "the log says what changed")
    midwatch.wait_out("approval of ben is void", 5)
    equal(decisions(lab), [("ben", "approve"), ("ben", "void")], "decisions")
    equal(lab.incident()["stage"], "ask", "the plan goes on waiting")
    expect("viewer" in midwatch.ask("ben: ✅ I1", "ben"), "ben may not approve now")
    midwatch.ask("ann: ✅ I1", "needs 1 more")
    # Getting the role back does not bring the approval back.
    lab.write_config([cache], people=THREE, policy=TWO_MUST)
    hang_up(midwatch)
    equal((lab.incident()["stage"], redis.config_sets()), ("ask", 0), "it still waits for a second")
    midwatch.say("carl: ✅ I1")
    incident = lab.wait_closed("recovered")
    equal(len(incident["plans"]), 1, "plans")
    equal(redis.config_sets(), 1, "CONFIG SET")
    equal([row[0] for row in lab.query("SELECT actor FROM audit WHERE action = 'reloaded'")],
          ["midwatch"] * 2, "reloads in the audit trail")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


def test_a_role_taken_away_while_midwatch_was_not_there(lab):
    redis, midwatch = begin(lab, people=THREE, policy=TWO_MUST)
    midwatch.ask("ben: ✅ I1", "needs 1 more")
    midwatch.terminate()
    lab.write_config([lab.resource(redis)], people=BEN_IS_VIEWER, policy=TWO_MUST)
    again = lab.run()
    wait_for("ben's approval to be void", lambda: ("ben", "void") in decisions(lab), 5)
    again.ask("ann: ✅ I1", "needs 1 more")
    equal(redis.config_sets(), 0, "CONFIG SET")


def test_resources_come_and_go_beside_an_open_incident(lab):
    redis, midwatch = begin(lab)
    other, cache = lab.redis(), lab.resource(redis)
    guest = redis.guests()
    lab.write_config([cache, lab.resource(other, name="other")])
    expect("added: other" in hang_up(midwatch), "the log names it")
    wait_for("midwatch to probe the new one", other.guests, 10)
    wait_for("it to be well", lambda: "HEALTHY" in midwatch.ask("status other", "other"), 10)
    equal(redis.guests(), guest, "the connection to what did not change")
    lab.write_config([{**cache, "hold": 3}])
    told = hang_up(midwatch)
    expect("removed: other" in told and "changed: cache" in told, f"the log names both: {told}")
    wait_for("midwatch to leave the removed one", lambda: not other.guests(), 10)
    equal(lab.incident()["stage"], "ask", "the incident goes on")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")
    # What is normal is still known, although the resource is probed anew.
    expect("normal" in midwatch.text().lower(), "the card knows what is normal")


def test_a_removed_resource_hands_its_incident_over(lab):
    redis, midwatch = begin(lab)
    other = lab.redis()
    lab.write_config([lab.resource(other, name="other")])
    hang_up(midwatch)
    incident = lab.wait_closed("handed_over")
    midwatch.wait_out("no longer in the configuration", 5)
    equal(incident["plans"][0]["steps"][0]["state"], "planned", "its step")
    midwatch.ask("✅ I1", "I1")
    equal(redis.config_sets(), 0, "CONFIG SET after a late ✅")
    # Configured again and still bad, it is an incident again.
    lab.write_config([lab.resource(redis), lab.resource(other, name="other")])
    hang_up(midwatch)
    lab.wait_plan(midwatch, number=2)
    # Renamed, it is another one.
    lab.write_config([lab.resource(redis, name="store"), lab.resource(other, name="other")])
    hang_up(midwatch)
    lab.wait_closed("handed_over", number=2)
    equal(lab.wait_plan(midwatch, number=3)["resources"], ["store"], "the third incident's resource")


def slow_restart(lab, redis):
    begun, go = os.path.join(lab.folder, "begun"), os.path.join(lab.folder, "go")
    script = (f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done; "
              f"exec {redis.restart_script()}")
    return begun, go, {"restart": ["/bin/sh", "-c", script]}


def in_the_middle_of_a_step(lab):
    redis = lab.redis()
    begun, go, control = slow_restart(lab, redis)
    policy = {"rules": [{"tool": "redis_restart", "then": "approve", "approvers": 1}]}
    cache = lab.resource(redis, control=control)
    lab.write_config([cache], policy=policy)
    midwatch = lab.run()
    redis.kill()
    lab.wait_plan(midwatch)
    midwatch.say("✅ I1")
    wait_for("the step to begin", lambda: os.path.exists(begun), 10)
    return midwatch, cache, policy, go


def test_a_step_in_progress_ends_before_its_resource_goes(lab):
    midwatch, _, policy, go = in_the_middle_of_a_step(lab)
    lab.write_config([lab.resource(lab.redis(), name="other")],
                     policy={"rules": policy["rules"]})
    hang_up(midwatch)
    equal(lab.incident()["plans"][0]["steps"][0]["state"], "started", "the step after the reload")
    open(go, "w", encoding="utf-8").close()
    incident = lab.wait_closed("handed_over")
    equal(incident["plans"][0]["steps"][0]["state"], "done", "the step")


def test_a_changed_resource_keeps_its_incident_through_a_step(lab):
    midwatch, cache, policy, go = in_the_middle_of_a_step(lab)
    for every in ("400ms", "300ms", "350ms"):
        lab.write_config([{**cache, "every": every}], policy=policy)
        hang_up(midwatch)
    open(go, "w", encoding="utf-8").close()
    incident = lab.wait_closed("recovered")
    equal([step["state"] for step in incident["plans"][0]["steps"]], ["done"], "step states")
    equal(len(incident["plans"]), 1, "plans")


def test_faults_change_nothing_and_are_told_once(lab):
    redis, midwatch = begin(lab)
    good = open(lab.config, encoding="utf-8").read()
    with open(lab.config, "a", encoding="utf-8") as file:
        file.write("polcy: {}\n")
    line = good.count("\n") + 1
    checked = lab.cli("check").stderr.strip()
    told = hang_up(midwatch, REFUSED)
    expect(checked.splitlines()[0] in told, f"the log has what check prints: {told!r}")
    midwatch.wait_out(f"line {line}: polcy", 5)
    hang_up(midwatch, REFUSED)
    os.rename(lab.config, lab.config + ".away")
    expect("cannot be opened" in hang_up(midwatch, REFUSED), "the log says that it is missing")
    with open(lab.config, "w", encoding="utf-8") as file:
        file.write(good)
    equal(lab.incident()["stage"], "ask", "the incident")
    expect("nothing is different" in hang_up(midwatch), "the log says that it is as before")
    midwatch.wait_out("configuration is well again", 5)
    equal(midwatch.text().count("has a fault"), 1, "how often chat was told")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")


def test_keys_that_need_a_restart_stay(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    midwatch = lab.run()
    lab.write_config([lab.resource(redis)], store="another.db", name="renamed",
                     log={"level": "error"}, policy={"max_retries": 1})
    for _ in range(2):
        before = midwatch.text("err").count("until midwatch is restarted: store")
        midwatch.process.send_signal(signal.SIGHUP)
        if before == 0:
            wait_for("the policy in force", lambda: "1 retry" in midwatch.ask("policy", "retr"), 10)
    expect(not os.path.exists(os.path.join(lab.folder, "another.db")), "the store is the old one")
    lab.write_config([lab.resource(redis)], store="another.db", name="renamed")
    told = hang_up(midwatch, "until midwatch is restarted: store")
    expect("name" not in told.split("reloaded:")[1].splitlines()[0], "the name was in force already")
    # The tools that look into the record read the file too.
    lab.write_config([lab.resource(redis)])
    redis.fill()
    lab.wait_plan(midwatch)
    expect("· renamed" in midwatch.text(), "the card has the new name")


def test_the_planner_in_force_is_the_new_one(lab):
    redis, midwatch = begin(lab)
    runbooks = os.path.join(lab.folder, "runbooks")
    os.mkdir(runbooks)
    lab.write_config([lab.resource(redis)], llm={"provider": "runbook", "runbooks": runbooks})
    expect("llm.runbooks" in hang_up(midwatch), "the log names the key")
    midwatch.say("❌ I1")
    lab.wait_closed("rejected")
    midwatch.say("fix cache")
    incident = lab.wait_closed("handed_over", number=2)
    equal(incident["plans"], [], "an empty folder of runbooks has no plan")


def resident_kb(midwatch):
    """None under a sanitizer, which keeps what was freed for a while."""
    place = f"/proc/{midwatch.process.pid}"
    with open(f"{place}/maps", encoding="utf-8") as maps:
        if "libasan" in maps.read():
            return None
    with open(f"{place}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])


def test_the_heartbeat_goes_where_the_new_one_says(lab):
    cache = lab.resource(lab.redis())
    with Listener() as first, Listener() as second:
        lab.write_config([cache])
        midwatch = lab.run()
        lab.write_config([cache], heartbeat={"url": first.url(), "every": "1s"})
        expect("heartbeat" in hang_up(midwatch), "the log names the key")
        wait_for("a heartbeat", lambda: first.beats() > 1, 10)
        lab.write_config([cache], heartbeat={"url": second.url(), "every": "1s"})
        hang_up(midwatch)
        heard = first.beats()
        wait_for("heartbeats elsewhere", lambda: second.beats() > 1, 10)
        equal(first.beats(), heard, "heartbeats to the one before")
        midwatch.terminate()


def test_a_hundred_reloads(lab):
    redis, midwatch = begin(lab)
    other, cache = lab.redis(), lab.resource(redis)
    files = f"/proc/{midwatch.process.pid}/fd"
    begun, warm = len(os.listdir(files)), None
    for turn in range(100):
        warm = resident_kb(midwatch) if turn == 20 else warm
        some = [cache, lab.resource(other, name=f"other-{turn % 3}")] if turn % 2 else [cache]
        lab.write_config(some, policy={"max_retries": turn % 4})
        hang_up(midwatch)
    lab.write_config([cache])
    hang_up(midwatch)
    wait_for("midwatch to let go of all that left", lambda: not other.guests(), 10)
    equal(len(os.listdir(files)), begun, "open files")
    grown = resident_kb(midwatch) - warm if warm else 0
    expect(grown < 500, f"eighty reloads took {grown} kB")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")
    midwatch.terminate()


def test_signals_in_a_row_and_at_the_end(lab):
    redis, midwatch = begin(lab)
    for _ in range(50):
        midwatch.process.send_signal(signal.SIGHUP)
    wait_for("a reload", lambda: DONE in midwatch.text("err"), 10)
    for how in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
        midwatch.process.send_signal(how)
    equal(midwatch.wait_end(10), 0, "exit status")
    equal((lab.incident()["stage"], redis.config_sets()), ("ask", 0), "the incident")
