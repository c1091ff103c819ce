# SPDX-License-Identifier: Apache-2.0
"""Descriptors and memory run out, and SIGTERM comes in the middle of each stage."""
import json
import os
import re
import resource
import signal
import subprocess
import time

from lab import BINARY, PATIENCE, equal, expect, wait_for
from model_service import ModelService
from story import begin


def limit(midwatch, **limits):
    for name, value in limits.items():
        subprocess.run(["prlimit", "--pid", str(midwatch.process.pid), f"--{name}={value}:"], check=True)


def test_no_descriptor_is_left(lab):
    """What is open goes on being used; what would need another says so, and works again later."""
    redis = lab.redis()
    lab.write_config([lab.resource(redis, logs=[{"file": redis.log}, {"command": ["/bin/echo", "ERROR x"]}])])
    midwatch = lab.run()
    limit(midwatch, nofile=3)
    redis.fill()
    lab.wait_plan(midwatch)
    midwatch.ask("logs cache", "open files")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")
    # A lost connection cannot be replaced: that is our own trouble and no incident of the server.
    redis.kill()
    midwatch.wait_out("cannot be looked at.*no file descriptor is left: raise the limit", 15, stream="err")
    limit(midwatch, nofile=1024)
    redis.start()
    midwatch.wait_out("cache can be looked at again: it is HEALTHY", 15, stream="err")
    equal(lab.query("SELECT count(*) FROM incident"), [(1,)], "incidents")
    midwatch.terminate()


def test_few_descriptors_at_the_start(lab):
    """However few it may have: it runs, or it says in one sentence why not."""
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    told = set()
    for count in range(4, 16):
        done = subprocess.run(["timeout", "-s", "TERM", "1", BINARY, "run"], cwd=lab.folder, capture_output=True,
                              timeout=20, check=False, text=True, stdin=subprocess.DEVNULL,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))
        last = (done.stderr.strip().splitlines() or [""])[-1]
        if "shared librar" in last:
            continue  # the loader did not come so far
        ran = done.returncode == 124 and "watching" in done.stderr
        expect(ran or done.returncode in (1, 2) and re.search("midwatch", last),
               f"with {count} descriptors it ended with {done.returncode}: {done.stderr[-600:]}")
        expect(ran or "LimitNOFILE" in last, f"it says what to mend: {last!r}")
        told.add("ran" if ran else "gave up")
    equal(told, {"ran", "gave up"}, "how it went")


def test_no_more_memory_is_given(lab):
    """It goes on as long as it can, or ends with a sentence; the next start goes on, and nothing is lost."""
    redis, midwatch = begin(lab)
    with open(f"/proc/{midwatch.process.pid}/status", encoding="ascii") as file:
        size = int(re.search(r"VmSize:\s+(\d+) kB", file.read())[1]) * 1024
    if PATIENCE > 1:
        return  # AddressSanitizer's shadow is a mapping of its own
    limit(midwatch, **{"as": size})
    try:
        for _ in range(50):
            midwatch.process.stdin.write(b"show I1\nlogs cache\nstatus\nhistory cache\n")
        midwatch.process.stdin.flush()
        midwatch.say("✅ I1")
    except BrokenPipeError:
        pass
    wait_for("it to do it or to end", lambda: midwatch.process.poll() is not None or redis.config_sets(), 20)
    if midwatch.process.poll() is not None:
        expect(midwatch.process.returncode not in (-signal.SIGSEGV, -signal.SIGBUS, 0),
               f"it ended with {midwatch.process.returncode}")
        midwatch.wait_end()
        expect("memory" in midwatch.text("err").splitlines()[-1], f"why: {midwatch.text('err')[-300:]}")
        midwatch = lab.run()
        if lab.incident()["stage"] == "ask":
            midwatch.say("approve I1 r%d" % lab.incident()["plans"][-1]["revision"])
    lab.wait_closed("recovered", seconds=30)
    equal(redis.config_sets(), 1, "CONFIG SET")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")
    midwatch.terminate()


def test_killed_for_want_of_memory(lab):
    """The kernel's way out: it ends in the middle of anything, and the next start takes up where it was."""
    redis, midwatch = begin(lab)
    midwatch.say("✅ I1")
    midwatch.process.kill()
    midwatch.wait_end()
    again = lab.run()
    incident = wait_for("the incident to be asked about, or to end",
                        lambda: (lambda seen: seen if seen and seen["stage"] in ("ask", "closed") else None)(
                            lab.incident()), 20)
    if incident["stage"] == "ask":
        again.say("approve I1 r%d" % incident["plans"][-1]["revision"])
    lab.wait_closed("recovered", seconds=30)
    expect(redis.config_sets() <= len([d for d in lab.incident()["decisions"] if d["action"] == "approve"]),
           "CONFIG SET ran more often than it was approved")
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


# ---- SIGTERM ----

def end_now(midwatch, seconds=3.0):
    begun = time.monotonic()
    midwatch.terminate(seconds=10)
    took = time.monotonic() - begun
    expect(took < seconds * PATIENCE, f"it ended after {took:.1f} s")


def goes_on(lab, redis, **keywords):
    """The next start takes the incident up, one yes is enough, and it is done once."""
    again = lab.run()
    lab.wait_plan(again, **keywords)
    again.say("✅ I1")
    lab.wait_closed("recovered", seconds=30)
    equal(redis.config_sets(), 1, "CONFIG SET")
    again.terminate()
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")


def test_sigterm_while_it_gathers_evidence(lab):
    redis = lab.redis()
    slow = {"command": ["/bin/sh", "-c", f"echo $$ >>'{lab.path('reads')}'; exec sleep 20"]}
    lab.write_config([lab.resource(redis, logs=[slow])])
    midwatch = lab.run()
    redis.fill()
    wait_for("its log to be read", lambda: os.path.exists(lab.path("reads")), 10)
    end_now(midwatch)
    equal(lab.incident()["stage"], "evidence", "stage in the record")
    goes_on(lab, redis, seconds=30)


def test_sigterm_while_a_model_thinks(lab):
    service = ModelService(lab, [{"stall": True}])
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], llm=service.section())
    midwatch = lab.run()
    redis.fill()
    wait_for("the model to be asked", service.requests, 15)
    end_now(midwatch)
    equal(lab.incident()["stage"], "plan", "stage in the record")
    lab.write_config([lab.resource(redis)])
    goes_on(lab, redis)


def test_sigterm_while_a_step_runs(lab):
    """The step ends first, and its end is recorded: nothing is unknown, nothing runs again."""
    redis = lab.redis()
    restart = f"echo begun >>'{lab.path('restarts')}'; sleep 1.5; exec '{redis.restart_script()}'"
    redis.kill()
    lab.write_config([lab.resource(redis, control={"restart": ["/bin/sh", "-c", restart]})])
    midwatch = lab.start("run")
    lab.wait_plan(midwatch)
    midwatch.say("✅ I1")
    wait_for("its step to run", lambda: os.path.exists(lab.path("restarts")), 10)
    end_now(midwatch, seconds=8)
    step = lab.incident()["plans"][0]["steps"][0]
    equal((step["state"], step["result"]["ok"]), ("done", True), "the step in the record")
    lab.start("run")
    lab.wait_closed("recovered", seconds=30)
    with open(lab.path("restarts"), encoding="ascii") as file:
        equal(file.read(), "begun\n", "restarts")


def test_sigterm_at_any_moment(lab):
    """Every 40 ms of an incident that policy lets run by itself; the next start goes on from there."""
    redis = lab.redis(maxmemory="16mb")
    lab.write_config([lab.resource(redis, every="200ms")],
                     policy={"rules": [{"tool": "redis_scale_memory", "then": "auto"}], "verify_hold": "500ms"})
    stages, number = set(), 1
    redis.fill()
    for delay in range(40):
        # On a busy machine it may come no further in all that time.
        if delay >= 14 and len(stages) >= 2:
            break
        midwatch = lab.start("run")
        midwatch.wait_out("watching", 10, stream="err")
        time.sleep(delay * 0.04)
        midwatch.terminate()
        incident = lab.incident(number)
        if incident is None:
            continue
        stages.add(incident["stage"])
        for plan in incident["plans"]:
            for step in plan["steps"]:
                expect(step["state"] in ("planned", "done"), f"a step was left {step['state']} at {delay}")
        if incident["stage"] == "closed":
            equal(incident["outcome"], "recovered", f"outcome of I{number}")
            redis.call("CONFIG", "SET", "maxmemory", "16mb")
            number += 1
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")
    steps = [step for one in json.loads(lab.cli("incidents", "--json").stdout) for plan in one["plans"]
             for step in plan["steps"] if step["state"] == "done"]
    expect(redis.config_sets() >= len(steps), "each step that is done was seen by Redis")
    expect(len(stages) >= 2, f"it was ended at {stages}")
