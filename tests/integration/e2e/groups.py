# SPDX-License-Identifier: Apache-2.0
"""Several servers in one incident: one card, one plan, one yes."""
import time

from lab import PATIENCE, equal, expect, wait_for


def two(lab, **keys):
    first, second = lab.redis(), lab.redis()
    lab.write_config([lab.resource(first, "cache"), lab.resource(second, "sessions", **keys)])
    return first, second, lab.run()


def test_two_at_once_are_one_incident(lab):
    first, second, midwatch = two(lab)
    first.fill()
    second.fill()

    def planned():
        """On a busy machine there may be a plan for one before the other is full."""
        incident = lab.incident()
        return incident if incident and incident["stage"] == "ask" and \
            len(incident["resources"]) == 2 else None
    incident = wait_for("a plan for both", planned, 20, every=0.05)
    equal(sorted(incident["resources"]), ["cache", "sessions"], "resources of I1")
    plan = incident["plans"][-1]
    equal(sorted(step["arguments"]["resource"] for step in plan["steps"]), ["cache", "sessions"],
          "what the plan is about")
    expect("and 1 more" in midwatch.text(), "the card says that it is about two")
    midwatch.say(f"approve I1 r{plan['revision']}")
    incident = lab.wait_closed("recovered")
    for server in (first, second):
        equal(server.config_sets(), 1, "CONFIG SET at each")
        expect(server.percent() < 95, f"memory is still at {server.percent():.1f} %")
    equal(lab.query("SELECT COUNT(*) FROM incident"), [(1,)], "incidents")
    expect(incident["members"][0]["after"]["memory_percent"] < 95, "after, of the other one")


def test_the_root_comes_first(lab):
    """sessions needs cache: what is done begins, and here ends, at cache."""
    first, second, midwatch = two(lab, depends_on=["cache"])
    second.fill()
    lab.wait_plan(midwatch)
    equal(lab.incident()["resources"], ["sessions"], "who leads at first")
    first.fill()
    incident = lab.wait_plan(midwatch, revision=2)
    equal(incident["resources"], ["cache", "sessions"], "who leads then")
    equal(incident["plans"][0]["state"], "void", "the plan that knew only of one")
    equal([step["arguments"]["resource"] for step in incident["plans"][1]["steps"]], ["cache"],
          "the plan begins at the root")
    midwatch.ask("approve I1 r1", r"r1")
    equal(first.config_sets() + second.config_sets(), 0, "CONFIG SET after approving a void plan")
    midwatch.say("approve I1 r2")
    # The root is well then, and what needs it is not, so it has its own plan.
    incident = lab.wait_plan(midwatch, revision=3, seconds=60)
    equal(first.config_sets(), 1, "CONFIG SET at the root")
    equal([step["arguments"]["resource"] for step in incident["plans"][2]["steps"]], ["sessions"],
          "the next plan")
    midwatch.say("approve I1 r3")
    lab.wait_closed("recovered", seconds=40)
    equal(second.config_sets(), 1, "CONFIG SET at the other")


def test_needs_that_lead_nowhere_are_faults(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis, "cache", depends_on=["cach"]),
                      lab.resource(redis, "a", depends_on=["b"]),
                      lab.resource(redis, "b", depends_on=["a"])])
    done = lab.cli("check")
    equal(done.returncode, 2, "status of check")
    expect("did you mean `cache`?" in done.stderr, done.stderr)
    equal(done.stderr.count("needs itself in the end"), 2, "circles")


def row(number, *needs):
    return {"name": f"r{number}", "kind": "redis", "url": "redis://127.0.0.1", "depends_on": list(needs)}


def test_needs_that_are_too_long_are_faults(lab):
    """However many and however tangled, the answer comes at once."""
    lab.write_config([row(number, *[f"r{number + 1}"][:number < 31]) for number in range(32)])
    equal(lab.cli("check").returncode, 0, "status of check with a chain of 32")
    lab.write_config([row(number, *[f"r{number + 1}"][:number < 4999]) for number in range(5000)])
    begun = time.monotonic()
    done = lab.cli("check")
    equal(done.returncode, 2, "status of check with a chain of 5,000")
    expect("r4967 begins a chain of needs that is longer than 32" in done.stderr, done.stderr)
    # A ladder: 2^99 ways lead to its end.
    lab.write_config([row(number, *[f"r{number // 2 * 2 + side}" for side in (2, 3)][:2 * (number < 198)])
                      for number in range(200)])
    expect("longer than 32" in lab.cli("check").stderr, "a ladder of 100 steps")
    lab.write_config([row(number, f"r{(number + 1) % 3000}") for number in range(3000)])
    expect("needs itself in the end" in lab.cli("check").stderr, "a circle of 3,000")
    expect(time.monotonic() - begun < 10 * PATIENCE, "it took too long")


def test_more_resources_than_one_watches_are_a_fault(lab):
    rows = "".join(f"- {{name: r{number}, kind: redis, url: 'redis://127.0.0.1'}}\n" for number in range(10001))
    with open(lab.config, "w", encoding="utf-8") as file:
        file.write("name: lab\nresources:\n" + rows)
    done = lab.cli("check")
    equal(done.returncode, 2, "status of check")
    expect("midwatch.yaml:3: resources: these are 10001, and one midwatch watches at most 10000" in done.stderr,
           done.stderr)


def test_a_dead_host_is_one_incident(lab):
    """Six of seven die at once: midwatch suspects itself, waits, and they come back."""
    servers = [lab.redis() for _ in range(7)]
    lab.write_config([lab.resource(server, f"box{number}")
                      for number, server in enumerate(servers)],
                     policy={"mass_failure": {"percent": 30, "window": "30s"}, "default": "auto"})
    midwatch = lab.run()
    for server in servers[1:]:
        server.kill()
    incident = wait_for("the six to be in one", lambda: (lab.incident() or {}).get(
        "mass_failure") and len(lab.incident()["resources"]) == 6 and lab.incident(), 15)
    equal(incident["plans"], [], "plans while it waits")
    midwatch.wait_out("own network", 5)
    for server in servers[1:]:
        server.start()
    lab.wait_closed("self_recovered", seconds=30)
    equal(lab.query("SELECT COUNT(*) FROM incident"), [(1,)], "incidents")
