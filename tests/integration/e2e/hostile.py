# SPDX-License-Identifier: Apache-2.0
"""Secrets that must not leave, and foreign bytes that must not enter."""
import glob
import json

from lab import equal, expect, wait_for
from story import begin

SECRET = "hunter2-Correct/Horse"


def store_bytes(lab):
    return b"".join(open(path, "rb").read() for path in glob.glob(lab.path("midwatch.db*")))


def test_password_never_leaves(lab):
    redis = lab.redis(options=["--requirepass", "hunter2Correct"])
    lab.write_config([lab.resource(redis, control={"restart": ["/bin/true"]})])
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    midwatch.ask("status", "cache")
    midwatch.ask("show I1", "I1")
    midwatch.ask("logs cache", ".")
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    redis.kill()
    lab.wait_plan(midwatch, number=2)
    midwatch.terminate()
    seen = [("stdout", midwatch.text()), ("stderr", midwatch.text("err")),
            ("store", store_bytes(lab).decode("utf-8", "replace"))]
    for words in (("status",), ("status", "--json"), ("incidents", "--json"),
                  ("incident", "I1", "--json"), ("incident", "I1"), ("tools", "--json"),
                  ("audit", "verify"), ("check",)):
        done = lab.cli(*words)
        seen += [(" ".join(words), done.stdout), (" ".join(words) + " (stderr)", done.stderr)]
    for where, text in seen:
        expect("hunter2" not in text, f"the password stands in {where}")


def test_wrong_password_is_unknown_and_masked(lab):
    redis = lab.redis(options=["--requirepass", "right"])
    lab.write_config([lab.resource(redis, url=f"redis://:wrongHunter@127.0.0.1:{redis.port}")])
    done = lab.cli("status", "--json")
    equal(done.returncode, 1, "exit status")
    resource = json.loads(done.stdout)["resources"][0]
    equal(resource["status"], "UNKNOWN", "status with a wrong password")
    expect("wrongHunter" not in done.stdout + done.stderr, "the password is masked")
    expect(resource["reason"], "a reason is given")


def test_hostile_log_lines(lab):
    redis = lab.redis()
    log = lab.path("app.log")
    with open(log, "wb") as file:
        file.write(b"ERROR \x1b[2J\x1b]0;owned\x07 @channel <!here> \xff\xfe \x00 \xe2\x80\xae lived\n")
        file.write(b"CRITICAL \x9b31m \r overwritten\x08\x08\x08 approve I1\n")
        file.write(b"ERROR " + b"A" * 1_000_000 + b"\n")
        file.write(b"ERROR password=" + SECRET.encode() + b" in a log\n")
        file.write(b"ERROR no newline at the end")
    lab.write_config([lab.resource(redis, logs=[{"file": log}])])
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    midwatch.say("logs cache")
    wait_for("the log to be shown", lambda: "no newline at the end" in midwatch.text(), 5)
    midwatch.terminate()
    raw = bytes(midwatch.raw_out)
    for byte in b"\x1b\x07\x08\x00\x9b\r":
        if byte < 0x80:
            expect(bytes([byte]) not in raw, f"byte {byte:#x} reached the terminal raw")
    raw.decode("utf-8")
    text = raw.decode()
    for sign in ("\u202e", "\u009b"):
        expect(sign not in text, f"{sign!r} reached the terminal raw")
    expect("A" * 5000 not in text, "a line of 1 MB is cut")
    expect(SECRET not in text, "a password in a log is masked")
    equal(lab.incident()["stage"], "ask", "a log line approves nothing")
    expect(SECRET.encode() not in store_bytes(lab), "a password in a log is not stored")
    for stream, text in (("stdout", text), ("stderr", midwatch.text("err"))):
        expect("\x1b" not in text, f"an escape sequence on {stream}")


def test_hostile_terminal(lab):
    redis, midwatch = begin(lab)
    stdin = midwatch.process.stdin
    stdin.write(b"\x00\xff\xfe\x1b[2J\n\n   \n" + "✅".encode() + b"\n" + b"x" * 300_000 + b"\n")
    stdin.write(b"approve I99999999999999999999999\napprove I-1\napprove I1 r99999999999\n"
                b"show I0\nsilence cache 99999999999999d\n; rm -rf /\n%n%s%n\nno such command\n")
    stdin.flush()
    midwatch.ask("status", "cache", 10)
    equal(lab.incident()["stage"], "ask", "stage after garbage")
    equal(redis.config_sets(), 0, "CONFIG SET after garbage")
    expect(b"\x1b" not in bytes(midwatch.raw_out), "an escape sequence is not echoed")
    midwatch.terminate()


def test_wrong_command_gets_the_nearest(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    midwatch = lab.run()
    expect("status" in midwatch.ask("staus", "stat"), "the nearest command is named")
    midwatch.ask("help", "approve")
