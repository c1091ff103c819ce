# SPDX-License-Identifier: Apache-2.0
"""Operating it: doctor, heartbeat, backup and restore, and the file of an earlier version."""
import glob
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from lab import PATIENCE, PLANNER, equal, expect, free_port, wait_for
from story import begin

VERSION_1 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "version_1.sql")
SECRET_PATH = "/ping/7c1f0a9e-secret"


class Listener:
    """Who counts heartbeats on loopback, and answers with a status that may be changed."""

    def __init__(self):
        self.paths, self.status = [], 200
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                owner.paths.append((self.command, self.path))
                self.send_response(owner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *arguments):
        self.server.shutdown()
        self.server.server_close()

    def beats(self):
        return sum(method == "GET" for method, _ in self.paths)

    def url(self):
        return f"http://127.0.0.1:{self.port}{SECRET_PATH}"


# ---- doctor ----

def examine(lab, status, *arguments):
    done = lab.cli("doctor", "--json", *arguments)
    equal(done.returncode, status, f"exit status of doctor: {done.stdout} {done.stderr!r}")
    document = json.loads(done.stdout)
    equal(document["ok"], status == 0, "ok")
    return [(row["name"], row["status"], row["text"]) for row in document["checks"]]


def has(rows, name, status, words):
    expect(any(row[0] == name and row[1] == status and words in row[2] for row in rows),
           f"a row {name} {status} with {words!r}; there are {rows}")


def test_doctor_finds_all_well(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis, control={"restart": ["/bin/true"]})])
    rows = examine(lab, 0)
    has(rows, "record", "ok", "not there yet")
    has(rows, "runbook", "ok", "runbooks")
    has(rows, "cache", "ok", "Redis ")
    has(rows, "cache", "ok", "its log can be read")
    has(rows, "cache", "ok", "restart: /bin/true")
    has(rows, "people", "ok", "1 of them may approve")
    expect(not os.path.exists(lab.path("midwatch.db")), "doctor makes no record")
    midwatch = lab.run()
    rows = examine(lab, 0)
    has(rows, "record", "ok", "held by the running midwatch (pid ")
    has(rows, "record", "ok", "0 open incidents")
    midwatch.terminate()
    has(examine(lab, 0), "record", "ok", "held by nobody")
    text = lab.cli("doctor")
    equal(text.returncode, 0, "exit status without --json")
    expect("ok      cache" in text.stdout and "0 failed" in text.stdout, f"the table: {text.stdout}")


def test_doctor_says_what_to_mend(lab):
    redis = lab.redis(options=["--requirepass", "hunter2Correct"])
    with Listener() as listener:
        lab.write_config(
            [lab.resource(redis),
             lab.resource(redis, name="locked", url=f"redis://:wrongHunter2@127.0.0.1:{redis.port}"),
             {"name": "dead", "kind": "redis", "url": f"redis://127.0.0.1:{free_port()}",
              "logs": [{"file": "nowhere.log"}], "control": {"restart": ["no-such-program"]}}],
            people=[{"name": "ann", "terminal": True, "roles": ["operator"]}],
            heartbeat={"url": listener.url()},
            llm={**PLANNER, "provider": "gemini", "api_key": "key-hunter2-key",
                 "base_url": f"http://127.0.0.1:{free_port()}"})
        os.chmod(lab.config, 0o644)
        rows = examine(lab, 1)
        equal(listener.beats(), 0, "doctor does not beat")
        has(rows, "heartbeat", "ok", f"127.0.0.1:{listener.port} can be reached")
    has(rows, "configuration", "note", "chmod 640")
    has(rows, "cache", "ok", "Redis ")
    has(rows, "locked", "failed", "password")
    has(rows, "dead", "failed", "refused")
    has(rows, "dead", "failed", "nowhere.log")
    has(rows, "dead", "failed", "no-such-program")
    has(rows, "gemini", "failed", "cannot connect")
    has(rows, "people", "note", "nobody may approve")
    said = json.dumps(rows)
    for secret in ("hunter2Correct", "wrongHunter2", "key-hunter2-key", SECRET_PATH):
        expect(secret not in said, f"{secret} is shown by doctor")


def test_doctor_looks_names_up_once(lab):
    redis = lab.redis()
    away = {"kind": "redis", "url": "redis://nowhere.invalid", "timeout": "1s"}
    lab.write_config([lab.resource(redis), {"name": "one", **away}, {"name": "two", **away}])
    rows = examine(lab, 1)
    equal([row[1] for row in rows if row[0] == "names"], ["failed"], "rows about names")
    has(rows, "names", "failed", "nowhere.invalid")
    has(rows, "cache", "ok", "Redis ")


def test_doctor_waits_for_all_at_once(lab):
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(256)  # takes connections and never answers
    lab.write_config([{"name": f"r{number}", "kind": "redis", "timeout": "1s",
                       "url": f"redis://127.0.0.1:{silent.getsockname()[1]}"} for number in range(100)])
    begun = time.monotonic()
    rows = examine(lab, 1)
    took = time.monotonic() - begun
    silent.close()
    equal(sum(row[1] == "failed" and "within timeout: 1" in row[2] for row in rows), 100, "rows")
    expect(took < 5 * PATIENCE, f"100 that hang for 1 s each took {took:.1f} s")


def test_doctor_of_a_record_that_cannot_be(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], store="no/such/folder/midwatch.db")
    has(examine(lab, 1), "record", "failed", "folder")
    lab.write_config([lab.resource(redis)], store="other.db")
    with sqlite3.connect(lab.path("other.db")) as other:
        other.execute("CREATE TABLE foreigner (x)")
    other.close()
    has(examine(lab, 1), "record", "failed", "another program")


# ---- heartbeat ----

def test_heartbeat_beats_and_tells_when_it_is_not_heard(lab):
    redis = lab.redis()
    with Listener() as listener:
        lab.write_config([lab.resource(redis)], heartbeat={"url": listener.url(), "every": "1s"})
        midwatch = lab.run()
        wait_for("two beats", lambda: listener.beats() >= 2, 10)
        equal(listener.paths[0], ("GET", SECRET_PATH), "what is asked for")
        listener.status = 404
        midwatch.wait_out("heartbeat does not reach 127.0.0.1.*404", 10, stream="err")
        midwatch.wait_out("heartbeat does not reach 127.0.0.1", 10)
        missed = listener.beats()
        wait_for("two more tries", lambda: listener.beats() >= missed + 2, 10)
        listener.status = 200
        midwatch.wait_out("heartbeat reaches 127.0.0.1.* again", 10, stream="err")
        midwatch.wait_out("heartbeat reaches 127.0.0.1.* again", 10)
        equal(sum("does not reach" in line for _, line in midwatch.lines("err")), 1,
              "how often its failure is told")
        midwatch.terminate()
        expect(SECRET_PATH not in midwatch.text("err") + midwatch.text(), "the URL is masked")
    shown = lab.cli("config", "show")
    equal(json.loads(shown.stdout)["heartbeat"]["every"], "1s", "config show")
    expect("secret" not in shown.stdout, f"config show masks it: {shown.stdout}")


def test_heartbeat_follows_a_reload(lab):
    redis = lab.redis()
    with Listener() as listener:
        lab.write_config([lab.resource(redis)])
        midwatch = lab.run()
        lab.write_config([lab.resource(redis)], heartbeat={"url": listener.url(), "every": "1s"})
        midwatch.process.send_signal(signal.SIGHUP)
        wait_for("beats", lambda: listener.beats() >= 2, 10)
        lab.write_config([lab.resource(redis)])
        midwatch.process.send_signal(signal.SIGHUP)
        midwatch.wait_out("configuration was reloaded.*heartbeat", 10, stream="err",
                          after=len(midwatch.lines("err")))
        before = listener.beats()
        begun = time.monotonic()
        wait_for("some time without beats", lambda: time.monotonic() - begun > 2.5, 10)
        expect(listener.beats() <= before + 1, "no beats any more")
        midwatch.terminate()


def test_heartbeat_is_withheld_while_the_record_fails(lab):
    redis = lab.redis()
    with Listener() as listener:
        lab.write_config([lab.resource(redis)], heartbeat={"url": listener.url(), "every": "1s"})
        midwatch = lab.run()
        wait_for("a beat", listener.beats, 10)
        # Somebody holds the file: nothing can be written any more.
        other = sqlite3.connect(lab.path("midwatch.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        midwatch.wait_out("heartbeat to 127.0.0.1.* is withheld: the record", 15, stream="err")
        before = listener.beats()
        begun = time.monotonic()
        wait_for("some time without beats", lambda: time.monotonic() - begun > 3, 10)
        equal(listener.beats(), before, "beats while the record fails")
        other.execute("ROLLBACK")
        other.close()
        wait_for("beats again", lambda: listener.beats() > before, 10)
        midwatch.terminate()


def test_heartbeat_in_the_clear_is_refused(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], heartbeat={"url": "http://hc.example.org/ping/x"})
    done = lab.cli("check")
    equal(done.returncode, 2, "exit status")
    expect("heartbeat.url" in done.stderr and "https://" in done.stderr, done.stderr)


# ---- backup and restore: the commands of docs/operate.md ----

def back_up(lab, to):
    done = subprocess.run(["sqlite3", "-readonly", lab.path("midwatch.db"), f"VACUUM INTO '{to}'"],
                          capture_output=True, text=True, check=False, umask=0o077)
    equal((done.returncode, done.stdout + done.stderr), (0, ""), "sqlite3 VACUUM INTO")
    equal(os.stat(to).st_mode & 0o777, 0o600, "who may read the backup")
    copy = sqlite3.connect(f"file:{to}?mode=ro", uri=True)
    equal(copy.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity of the backup")
    copy.close()


def restore(lab, backup):
    for path in glob.glob(lab.path("midwatch.db*")):
        os.rename(path, path + ".aside")
    shutil.copy(backup, lab.path("midwatch.db"))


def test_backup_while_running_and_restore(lab):
    redis, midwatch = begin(lab)
    backup = lab.path("backup.db")
    back_up(lab, backup)
    # What came after the backup is lost with it.
    midwatch.say("❌ I1")
    lab.wait_closed("rejected")
    midwatch.terminate()
    rows = len(lab.audit())
    restore(lab, backup)
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify of the restored file")
    expect(len(lab.audit()) < rows, "the backup is older than what was replaced")
    equal(lab.incident()["stage"], "ask", "the incident is open in the restored file")
    again = lab.run()
    again.ask("show I1", "I1")
    again.say("✅ I1")
    lab.wait_closed("recovered")
    equal(redis.config_sets(), 1, "CONFIG SET")
    again.terminate()
    done = lab.cli("audit", "verify")
    equal(done.returncode, 0, f"audit verify afterwards: {done.stdout}")


def test_backup_while_it_is_written_to(lab):
    redis, midwatch = begin(lab)
    done = threading.Event()

    def talk():
        while not done.is_set():
            midwatch.say("status")
            done.wait(0.005)
    talker = threading.Thread(target=talk)
    talker.start()
    try:
        for number in range(5):
            back_up(lab, lab.path(f"backup{number}.db"))
    finally:
        done.set()
        talker.join()
    midwatch.terminate()
    for number in range(5):
        lab.write_config([lab.resource(redis)], store=f"backup{number}.db")
        equal(lab.cli("audit", "verify").returncode, 0, f"audit verify of backup {number}")
        equal(lab.incident()["stage"], "ask", f"I1 in backup {number}")


# ---- the file of the first version ----

def test_upgrade_from_the_first_version(lab):
    redis = lab.redis(maxmemory="64mb")
    lab.write_config([lab.resource(redis)])
    old = sqlite3.connect(lab.path("midwatch.db"), isolation_level=None)
    with open(VERSION_1, encoding="utf-8") as file:
        old.executescript(file.read())
    old.execute("UPDATE \"plan\" SET expires_at = ? WHERE incident = 2",
                (int(time.time() * 1000) + 1800000,))
    old.close()
    redis.fill()
    before = lab.audit()
    equal(lab.cli("incidents").returncode, 1, "a reader does not bring it up")
    has(examine(lab, 0), "record", "note", "version 1")
    midwatch = lab.run()
    midwatch.wait_out("brought from version 1 to ", 10, stream="err")
    sets = redis.config_sets()  # doctor asks whether it may
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify after the upgrade")
    equal(lab.audit()[:len(before)], before, "the audit trail is as it was")
    midwatch.wait_out(r"cache +", 10)  # the command that had not been answered
    first = lab.incident(1)
    equal((first["outcome"], first["plans"][0]["steps"][0]["state"]), ("recovered", "done"), "I1")
    equal(first["decisions"][0]["person"], "ann", "who approved I1")
    second = lab.wait_plan(midwatch, number=2)
    equal((second["stage"], second["resources"]), ("ask", ["cache"]), "I2")
    midwatch.say("✅ I2")
    second = lab.wait_closed("recovered", number=2)
    equal(second["plans"][-1]["steps"][0]["arguments"]["maxmemory"], 128 * 1024 * 1024, "what I2 did")
    equal(redis.config_sets(), sets + 1, "CONFIG SET")
    midwatch.terminate()
    done = lab.cli("audit", "verify")
    equal(done.returncode, 0, f"audit verify at the end: {done.stdout}")
    has(examine(lab, 0), "record", "ok", "newest is I2")
