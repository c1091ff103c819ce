# SPDX-License-Identifier: Apache-2.0
"""Servers and services that answer garbage, half a reply or nothing, and the words of those that are real."""
import json
import re
import socket
import subprocess
import threading

from lab import BINARY, PATIENCE, equal, expect, wait_for
from model_service import ModelService
from postgres_server import Postgres

# Escapes, other control characters, overlong and cut characters, the half of a pair, text that turns around.
EVIL = (b"\x1b[2J\x1b]0;owned\x07 \x08\x9b31m \xc2\x9b31m \xff\xfe \xc0\xaf \xed\xa0\x80 "
        b"\xf4\x90\x80\x80 \xe2\x80\xae \xf0\x28 ")
RAW = [bytes([byte]) for byte in b"\x00\x07\x08\x1b\r"] + ["\u009b".encode(), "\u202e".encode()]


def expect_clean(data, where):
    data.decode("utf-8")
    for sign in RAW:
        expect(sign not in data, f"{sign!r} reached {where} raw")


class Liar:
    """Answers each connection with the same bytes, and then hangs up or keeps silent."""

    def __init__(self, lab, data, hangs_up=False):
        self.data, self.hangs_up = data, hangs_up
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.guests = []
        lab.others.append(self)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                guest, _ = self.listener.accept()
            except OSError:
                return
            self.guests.append(guest)
            threading.Thread(target=self.lie, args=(guest,), daemon=True).start()

    def lie(self, guest):
        try:
            guest.recv(4096)
            guest.sendall(self.data)
            if self.hangs_up:
                guest.close()
        except OSError:
            pass

    def stop(self):
        # A listener that only one closes goes on waiting in accept().
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for guest in self.guests:
            guest.close()


LIES = {
    "redis": [(b"", False), (b"", True), (b"+O", False), (b"+O", True), (EVIL, False),
              (b"-ERR " + EVIL + b"\r\n", False), (b"-NOAUTH " + EVIL + b"\r\n", True),
              (b"$99999999999999\r\n", False), (b"*2147483647\r\n" * 3, False),
              (b"*1\r\n" * 10000, False), (b"HTTP/1.1 400 Bad Request\r\n\r\n", True)],
    "postgres": [(b"", False), (b"", True), (b"R\x00\x00", False), (EVIL, True),
                 (b"E" + (len(EVIL) + 24).to_bytes(4, "big") + b"SFATAL\x00C28P01\x00M" + EVIL + b"\x00\x00", True),
                 (b"R\x7f\xff\xff\xff\x00\x00\x00\x05", False), (b"N" * 100000, True),
                 (b"HTTP/1.1 400 Bad Request\r\n\r\n", True)],
}


def test_servers_that_lie(lab):
    """Each has its own sentence, all of them at once, and none keeps the others waiting."""
    resources = []
    for kind, lies in LIES.items():
        for number, (data, hangs_up) in enumerate(lies):
            port = Liar(lab, data, hangs_up).port
            url = f"redis://127.0.0.1:{port}" if kind == "redis" else f"postgresql://midwatch@127.0.0.1:{port}/shop"
            resources.append({"name": f"{kind}{number}", "kind": kind, "url": url, "timeout": "1s"})
    lab.write_config(resources)
    for words in (("status", "--json"), ("status",), ("doctor",)):
        done = lab.cli(*words)
        equal(done.returncode, 1, f"exit status of {words}: {done.stderr}")
        expect_clean((done.stdout + done.stderr).encode(), " ".join(words))
    rows = json.loads(lab.cli("status", "--json").stdout)["resources"]
    equal(len(rows), len(resources), "rows")
    for row in rows:
        expect(row["status"] in ("FAILED", "UNKNOWN") and row["reason"], f"a state and its reason: {row}")
    midwatch = lab.start("run")
    midwatch.wait_out("watching", 10, stream="err")
    midwatch.ask("status", "redis0", 15)
    wait_for("its incident", lambda: "🔴" in midwatch.text(), 20)
    midwatch.terminate()
    expect_clean(bytes(midwatch.raw_out), "the terminal")
    expect_clean(midwatch.text("err").encode(), "the log")


def test_a_wrong_password_of_postgres(lab):
    postgres = Postgres(lab)
    with open(f"{postgres.data}/pg_hba.conf", "w", encoding="ascii") as file:
        file.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    postgres.sql("SELECT pg_reload_conf()")
    postgres.sql("ALTER ROLE midwatch PASSWORD 'rightHunter'")
    url = f"postgresql://midwatch:wrongHunter@127.0.0.1:{postgres.port}/shop"
    lab.write_config([{"name": "db", "kind": "postgres", "url": url}])
    done = wait_for("the password to be asked for",
                    lambda: (lambda done: done if "password" in done.stdout else None)(lab.cli("status", "--json")), 10)
    row = json.loads(done.stdout)["resources"][0]
    equal((done.returncode, row["status"]), (1, "UNKNOWN"), "status with a wrong password")
    doctor = lab.cli("doctor")
    equal(doctor.returncode, 1, "exit status of doctor")
    expect(re.search(r"failed +db .*password", doctor.stdout), f"doctor says so: {doctor.stdout}")
    for text in (done.stdout, done.stderr, doctor.stdout, doctor.stderr):
        expect("Hunter" not in text, "a password is shown")


def test_a_model_that_answers_too_much(lab):
    """50 MB, then nested 10,000 deep: the runbook answers, and midwatch stays small."""
    service = ModelService(lab, [{"huge": 50}, {"deep": 10000}])
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], llm=service.section())
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    midwatch.wait_out(r"runbook, not a model")
    redis.call("FLUSHALL")
    lab.wait_closed("self_recovered")
    redis.fill()
    lab.wait_plan(midwatch, number=2)
    log = midwatch.text("err")
    expect("large" in log and "deep" in log, f"the log says why: {log[-2000:]}")
    with open(f"/proc/{midwatch.process.pid}/status", encoding="ascii") as file:
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1024
    if PATIENCE == 1:
        expect(peak < 64, f"it took {peak:.0f} MiB")
    midwatch.terminate()


def test_foreign_bytes_everywhere(lab):
    """In key names, logs, what commands print, what is typed and what restarting says."""
    redis = lab.redis()
    redis.call("SET", b"evil:" + EVIL + b":\n\r:", b"x" * 3_000_000)
    with open(lab.path("one.log"), "wb") as file:
        file.write(b"ERROR first\n" + EVIL + b"A" * 10_000_000 + b" ERROR\x1b[31m\n" + b"ERROR last " + EVIL)
    with open(lab.path("two.log"), "wb") as file:
        file.write((b"CRITICAL " + EVIL + b"B" * 300 + b"\n") * 30000)
    command = r"printf 'ERROR \033[2J\377 from a command\n'; head -c 10000000 /dev/zero; echo; echo ERROR end"
    restart = r"printf '\033[2J\377 no, it is not\n' >&2; exit 4"
    lab.write_config(
        [lab.resource(redis, logs=[{"file": lab.path("one.log")}, {"file": lab.path("two.log")},
                                   {"command": ["/bin/sh", "-c", command]}],
                      control={"restart": ["/bin/sh", "-c", restart]})],
        policy={"max_retries": 0})
    midwatch = lab.run()
    redis.fill()
    lab.wait_plan(midwatch)
    answer = midwatch.ask("logs cache", "ERROR last", 10)
    expect(len(answer) < 400, f"a line of 10 MB is cut: {len(answer)} bytes")
    midwatch.process.stdin.write(EVIL + b" status\n" + EVIL + b"\nshow I1 " + EVIL + b"\napprove I1" + EVIL +
                                 b"\nlogs \xff\nsilence " + EVIL + b" 1h\nreject \xff\nsay\x00nul\n")
    midwatch.process.stdin.flush()
    midwatch.ask("history cache", "I1", 10)
    equal(lab.incident()["stage"], "ask", "stage after garbage")
    midwatch.say("❌ I1")
    lab.wait_closed("rejected")
    redis.kill()
    wait_for("the dead one's incident", lambda: lab.incident(2), 15)
    lab.wait_plan(midwatch, number=2)
    midwatch.say("approve I2")
    incident = lab.wait_closed("failed", number=2, seconds=60)
    said = json.dumps(incident["plans"][0]["steps"][0]["result"])
    expect("no, it is not" in said, f"what the command said: {said!r}")
    midwatch.terminate()
    expect_clean(bytes(midwatch.raw_out), "the terminal")
    expect_clean(midwatch.text("err").encode(), "the log")
    for words in (("incident", "I1"), ("incident", "I1", "--json"), ("incident", "I2"), ("report",),
                  ("audit", "export")):
        done = lab.cli(*words)
        expect_clean((done.stdout + done.stderr).encode(), " ".join(words))


def test_a_configuration_of_foreign_bytes(lab):
    cases = (b"name: \xff\xfe\n", b"\x1b[2J: x\n", b"name: lab\n" + b"k" * 2_000_000 + b": x\n",
             "name: lab\n".encode("utf-16"), b"\0\0\0", b"[" * 100000, b"a: &x [*x]\n", b"name: lab\n\xc0\xaf: 1\n",
             b"resources: [{name: \"c\\e[31m\\a\", kind: \"r\\x1b[2J\", url: \"\\u202e\"}]\n",
             b"\"\\e]0;owned\\a\": 1\npolicy: {default: \"\\e[2J\", \"\\x9b31m\": 1}\n",
             b"name: ${\x1b[2J}\nstore: ${file:/dev/zero}\nheartbeat: {url: \"https://\\e[2J/\"}\n")
    for text in cases:
        with open(lab.config, "wb") as file:
            file.write(text)
        for words in (["check"], ["run"], ["status", "--json"], ["config", "show"]):
            done = subprocess.run([BINARY, *words], cwd=lab.folder, capture_output=True, timeout=30,
                                  check=False)
            equal(done.returncode, 2, f"exit status of {words} with {text[:40]!r}: {done.stderr[-300:]!r}")
            expect(re.search(rb"(?m)^midwatch\.yaml:\d+: ", done.stderr), f"FILE:LINE of {text[:40]!r}: {done.stderr[:200]!r}")
            expect_clean(done.stdout + done.stderr, f"{words} with {text[:40]!r}")


TWENTY = """name: [lab]
chat: [{kind: terminl}]
llm: {provider: runbock}
log: {level: loud, format: prose}
heartbeat: {url: "http://hc.example.org/x", every: often}
people:
  - {name: ann, terminal: maybe, roles: [aprover]}
policy:
  verify_hold: soon
  max_retries: -3
  default: perhaps
  min_confidence: 7
  rules: [{tol: redis_flush, then: ask}]
resources:
  - {name: cache, kind: redis, ulr: x, url: "redis://127.0.0.1", every: 5 parsecs, hold: many}
  - {name: nowhere, kind: redis}
  - {name: lost, kind: rediss, url: "redis://127.0.0.1"}
"""


def test_twenty_faults_are_told_at_once(lab):
    with open(lab.config, "w", encoding="utf-8") as file:
        file.write(TWENTY)
    done = lab.cli("check")
    rows = done.stderr.splitlines()
    equal(done.returncode, 2, "exit status")
    for line, path in ((1, "name"), (2, "chat[0].kind"), (3, "llm.provider"), (4, "log.level"),
                       (4, "log.format"), (5, "heartbeat.url"), (5, "heartbeat.every"),
                       (7, "people[0].terminal"), (7, "people[0].roles"), (9, "policy.verify_hold"),
                       (10, "policy.max_retries"), (11, "policy.default"), (12, "policy.min_confidence"),
                       (13, "policy.rules[0].tol"), (13, "policy.rules[0].then"), (15, "resources[0].ulr"),
                       (15, "resources[0].every"), (15, "resources[0].hold"), (16, "resources[1].url"), (17, "resources[2].kind")):
        expect(any(row.startswith(f"midwatch.yaml:{line}: {path}: ") for row in rows),
               f"a fault at line {line} on {path}; there are\n{done.stderr}")
    equal(len(rows), 20, f"faults:\n{done.stderr}")
