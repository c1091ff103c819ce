# SPDX-License-Identifier: Apache-2.0
"""Starting, ending and starting again."""
import os
import signal
import time

from lab import PATIENCE, equal, expect, wait_for
from story import begin


def test_restart_while_asking(lab):
    redis, midwatch = begin(lab)
    midwatch.terminate()
    equal(lab.incident()["stage"], "ask", "stage in the record after SIGTERM")
    again = lab.run()
    wait_for("the incident to be taken up", lambda: lab.incident()["stage"] == "ask", 5)
    again.say("✅ I1")
    incident = lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")
    equal(len(incident["plans"]), 1, "plans")
    equal(len(lab.cli("incidents", "--json").stdout.split('"opened_at"')) - 1, 1, "incidents")


def test_killed_while_asking_and_healed_meanwhile(lab):
    redis, midwatch = begin(lab)
    midwatch.process.kill()
    midwatch.wait_end()
    redis.call("FLUSHALL")
    lab.run()
    lab.wait_closed("self_recovered")
    equal(redis.config_sets(), 0, "CONFIG SET")


def test_says_nothing_after_a_quiet_restart(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    lab.run().terminate()
    again = lab.run()
    again.ask("status", "cache")
    again.terminate()
    expect("I1" not in again.text(), f"nothing about incidents: {again.text()!r}")


def test_second_run_on_the_same_store_is_refused(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    first = lab.run()
    second = lab.start("run")
    expect(second.wait_end(10) != 0, "the second run fails")
    expect("midwatch.db" in second.text("err"), f"it names the store: {second.text('err')!r}")
    first.expect_alive()
    first.terminate()


def ends_quickly(process, how):
    begun = time.monotonic()
    process.process.send_signal(how)
    equal(process.wait_end(10), 0, f"exit status after {how.name}")
    took = time.monotonic() - begun
    expect(took < 3 * PATIENCE, f"it ended after {took:.1f} s")


def test_sigterm_while_idle(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    ends_quickly(lab.run(), signal.SIGTERM)


def test_sigint_while_asking(lab):
    _, midwatch = begin(lab)
    ends_quickly(midwatch, signal.SIGINT)
    equal(lab.incident()["stage"], "ask", "stage in the record")


def test_sigterm_while_verifying_resumes_there(lab):
    redis, midwatch = begin(lab, policy={"verify_hold": "3s"})
    midwatch.say("✅ I1")
    lab.wait_stage("verify")
    ends_quickly(midwatch, signal.SIGTERM)
    lab.run()
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")


def test_stdin_closed(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)],
                     policy={"rules": [{"tool": "redis_scale_memory", "then": "auto"}]})
    midwatch = lab.run()
    midwatch.process.stdin.close()
    midwatch.process.stdin = None
    redis.fill()
    lab.wait_closed("recovered")
    midwatch.wait_out("recovered", 5)
    midwatch.terminate()


def test_stdin_from_nowhere(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    midwatch = lab.start("run", closed=("stdin",))
    wait_for("it to probe", redis.guests, 10)
    midwatch.terminate()


def test_stdout_closed(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)],
                     policy={"rules": [{"tool": "redis_scale_memory", "then": "auto"}]})
    midwatch = lab.run()
    # The reader goes away, as `midwatch run | head` would have it.
    os.dup2(os.open("/dev/null", os.O_RDONLY), midwatch.process.stdout.fileno())
    redis.fill()
    lab.wait_closed("recovered")
    midwatch.expect_alive()
    midwatch.terminate()


def test_store_cannot_be_written(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], store="no/such/folder/midwatch.db")
    midwatch = lab.start("run")
    expect(midwatch.wait_end(10) != 0, "it does not run without its store")
    expect("midwatch.db" in midwatch.text("err"), f"it names the store: {midwatch.text('err')!r}")
