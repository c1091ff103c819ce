# SPDX-License-Identifier: Apache-2.0
"""Silences and planned work: what is broken meanwhile opens nothing, and all of it is told afterwards."""
import json

from lab import equal, expect, wait_for
from story import TWO, begin


def incidents(lab):
    return json.loads(lab.cli("incidents", "--json").stdout)


def wait_seen_bad(midwatch):
    """midwatch has seen that the cache is bad, long enough to have told."""
    wait_for("the cache to be seen as bad",
             lambda: "DEGRADED" in midwatch.ask("status cache", r"cache \(redis"), 15, 0.3)


def test_silence_holds_through_a_restart_until_it_is_ended(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    midwatch = lab.run()
    midwatch.ask("silence cache 2 hours moving the rack", r"cache is silenced until .*no incident")
    redis.fill()
    wait_seen_bad(midwatch)
    midwatch.ask("status", r"cache is silenced by ann until .*: moving the rack")
    done = lab.cli("status")
    expect("cache is silenced by ann until" in done.stdout, f"status: {done.stdout!r}")
    silenced = json.loads(lab.cli("status", "--json").stdout)["resources"][0]["silenced"]
    equal((silenced["person"], silenced["why"]), ("ann", "moving the rack"), "silenced")
    midwatch.terminate()
    expect("🔴" not in midwatch.text(), f"no card: {midwatch.text()!r}")
    again = lab.run()
    wait_seen_bad(again)
    equal(incidents(lab), [], "incidents while it is silenced")
    expect("🔴" not in again.text(), f"no card after the restart: {again.text()!r}")
    again.ask("unsilence cache", r"no longer silenced. It is DEGRADED, and I1 is open")
    again.wait_out("🔴 I1 cache", 10)
    lab.wait_plan(again)
    again.ask("unsilence cache", r"cache is not silenced")
    actions = [(actor, action) for actor, action, _ in lab.audit()]
    for what in (("ann", "silence"), ("ann", "unsilence")):
        expect(what in actions, f"{what} is in the audit trail: {actions}")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


def test_silence_of_an_open_incident_shows_on_its_card(lab):
    _, midwatch = begin(lab)
    midwatch.ask("silence cache 30m", r"cache is silenced until")
    midwatch.wait_out(r"🔇 silenced by ann until \d\d", 5)
    equal(lab.incident()["stage"], "ask", "stage")
    after = len(midwatch.lines())
    midwatch.say("unsilence cache")
    midwatch.wait_out("🔴 I1", 5, after)
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    expect("🔇" not in "".join(line for _, line in midwatch.lines()[after:]),
           "the card is without the silence again")


def test_silence_keeps_policy_from_acting(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], policy={"default": "auto", "verify_hold": "1s"})
    midwatch = lab.run()
    midwatch.ask("silence * 30m", r"Everything is silenced until")
    redis.fill()
    wait_seen_bad(midwatch)
    midwatch.ask("status", r"everything is silenced by ann")
    midwatch.ask("fix cache", r"I1 is open")
    lab.wait_stage("ask")
    reason = lab.incident()["plans"][0]
    equal(redis.config_sets(), 0, f"CONFIG SET while it is silenced: {reason}")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET after a person said yes")


def test_silence_takes_an_operator_and_a_time(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], people=TWO + [
        {"name": "vic", "terminal": True, "roles": ["viewer"]}])
    midwatch = lab.run()
    midwatch.ask("vic: silence cache 1h", r"to silence takes")
    midwatch.ask("silence cache 1h", r"Several people")
    midwatch.ask("olga: silence cache", r"For how long\? Say: silence cache 2h")
    midwatch.ask("olga: silence cahce 1h", r"Did you mean: silence cache")
    midwatch.ask("olga: silence cache 60d", r"from 1m to 30d")
    midwatch.ask("olga: silence cache 1h", r"cache is silenced until")
    midwatch.ask("vic: unsilence cache", r"to unsilence")
    expect(("vic", "refused") in [(actor, action) for actor, action, _ in lab.audit()],
           "the refusal is in the audit trail")
    midwatch.ask("olga: help", r"silence NAME 2h")


def test_maintenance_that_is_on_now(lab):
    redis, other = lab.redis(), lab.redis()
    both = [lab.resource(redis), lab.resource(other, "other")]
    apart = {"group_window": "0s"}
    lab.write_config(both, policy=apart,
                     maintenance=[{"resources": ["cache"], "cron": "* * * * *", "for": "1h"}])
    midwatch = lab.run()
    redis.fill()
    wait_seen_bad(midwatch)
    midwatch.ask("status", r"cache is in maintenance until \d\d")
    equal(incidents(lab), [], "incidents during maintenance")
    midwatch.ask("unsilence cache", r"in maintenance")
    other.fill()
    midwatch.wait_out("🔴 I1 other", 15)
    midwatch.terminate()
    lab.write_config(both, policy=apart)
    lab.run().wait_out("🔴 I2 cache", 15)
