# SPDX-License-Identifier: Apache-2.0
"""A record that is broken, read-only or out of room: a clear sentence each, and nothing is lost."""
import os
import random
import re
import shutil
import sqlite3
import subprocess

from lab import BINARY, equal, expect, wait_for
from story import begin

ESCAPES = "\x1b[2J\x1b]0;owned\x07 \u202e evil"


def refused(lab, pattern):
    """`run` ends at once with one sentence on the record, and raw bytes of it reach nobody."""
    process = lab.start("run")
    equal(process.wait_end(10), 1, "exit status")
    last = process.text("err").splitlines()[-1]
    expect(re.match(r"midwatch: ", last) and re.search(pattern, last),
           f"a sentence like {pattern!r}: {last!r}")
    expect("midwatch.db" in last, f"it names the file: {last!r}")
    expect("\x1b" not in process.text("err") + process.text(), "an escape reached the terminal")


def forget_store(lab):
    for suffix in ("", "-wal", "-shm"):
        if os.path.lexists(lab.path("midwatch.db" + suffix)):
            os.unlink(lab.path("midwatch.db" + suffix))


def put_store(lab, data):
    forget_store(lab)
    with open(lab.path("midwatch.db"), "wb") as file:
        file.write(data)


def test_a_record_that_is_none(lab):
    redis = lab.redis()
    lab.write_config([lab.resource(redis)])
    lab.run().terminate()
    with open(lab.path("midwatch.db"), "rb") as file:
        whole = file.read()
    put_store(lab, b"\x1b[2J no database " * 1000)
    refused(lab, "no SQLite database")
    put_store(lab, whole[:5000])
    refused(lab, "damaged")
    put_store(lab, whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:]))
    refused(lab, "damaged")
    forget_store(lab)
    os.mkdir(lab.path("midwatch.db"))
    refused(lab, "a folder")
    os.rmdir(lab.path("midwatch.db"))
    os.mkfifo(lab.path("midwatch.db"))
    refused(lab, "no regular file")
    forget_store(lab)
    os.symlink("midwatch.db", lab.path("midwatch.db"))
    refused(lab, "symbolic links")
    # What was there before is as good as ever.
    put_store(lab, whole)
    lab.run().terminate()


def spoil(lab, source, table, column, value):
    """A copy of the record with one column of all its rows spoilt; False: the table refuses that."""
    forget_store(lab)
    shutil.copy(source, lab.path("midwatch.db"))
    store = sqlite3.connect(lab.path("midwatch.db"))
    try:
        with store:
            return store.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,)).rowcount > 0
    except sqlite3.Error:
        return False
    finally:
        store.close()


def look_clean(what, returncode, output):
    expect(returncode in (0, 1), f"{what} ended with {returncode}: {output[-300:]!r}")
    text = output.decode("utf-8")
    expect(not any(sign in text for sign in "\x1b\x07\u202e"), f"{what} shows foreign bytes raw")


READERS = (("incidents",), ("incident", "I1"), ("incident", "I1", "--json"), ("report",),
           ("audit", "verify"), ("audit", "export"))


def test_nonsense_in_the_record(lab):
    """Whatever stands in its columns, nobody crashes on it and nothing of it is printed raw."""
    _, midwatch = begin(lab)
    midwatch.terminate()
    source = lab.path("source.db")
    shutil.copy(lab.path("midwatch.db"), source)
    store = sqlite3.connect(source)
    tables = [row[0] for row in store.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
    columns = [(table, row[1]) for table in tables
               for row in store.execute(f'PRAGMA table_info("{table}")')]
    store.close()
    nonsense = (ESCAPES, "[1,2", '{"a":' * 100, 2 ** 62, -1, 9e99, b"\xff\xfe\x1b[2J", "x" * 100000, "")
    chance = random.Random(4)
    cases = [("incident", "id", 2 ** 62)] + [(*chance.choice(columns), chance.choice(nonsense))
                                             for _ in range(30)]
    ran = 0
    for number, (table, column, value) in enumerate(cases):
        if not spoil(lab, source, table, column, value):
            continue
        what = f"{table}.{column} = {value!r:.30}"
        for words in READERS:
            done = subprocess.run([BINARY, *words], cwd=lab.folder, capture_output=True, timeout=60,
                                  check=False)
            look_clean(f"{' '.join(words)} with {what}", done.returncode, done.stdout + done.stderr)
        if number % 6 == 0:
            process = lab.start("run")
            wait_for(f"the program to say something with {what}",
                     lambda: process.process.poll() is not None or "watching" in process.text("err"), 10)
            if process.process.poll() is None:
                process.ask("audit I1", ".")
                process.terminate()
            look_clean(f"run with {what}", process.wait_end(), bytes(process.raw_out) +
                       process.text("err").encode())
        ran += 1
    expect(ran >= 10, f"only {ran} of {len(cases)} cases were played")


def test_a_damaged_incident_is_told_once(lab):
    """One that is closed holds up nobody, and chat is not flooded with it."""
    redis, midwatch = begin(lab)
    midwatch.say("❌ I1")
    lab.wait_closed("rejected")
    midwatch.wait_out("Evaluation of I1", 10)
    midwatch.terminate()
    redis.call("FLUSHALL")
    store = sqlite3.connect(lab.path("midwatch.db"))
    with store:
        store.execute("UPDATE incident SET told_version = 0, findings = '[1,2'")
    store.close()
    midwatch = lab.run()
    midwatch.wait_out("What became of I1 cannot be shown: I1 is damaged", 10)
    redis.fill()
    lab.wait_plan(midwatch, number=2)
    midwatch.say("✅ I2")
    lab.wait_closed("recovered", number=2)
    midwatch.terminate()
    equal(midwatch.text().count("What became of I1"), 1, "how often chat is told")
    expect("I cannot record" not in midwatch.text(), "the record works for all others")


# ---- no room ----

class Disk:
    """A small file system that only the program under test sees, in a namespace of its own."""

    def __init__(self, lab, options="size=2m"):
        self.lab, self.options = lab, options
        self.folder = lab.path("disk")
        os.mkdir(self.folder)
        self.process = None

    def run(self):
        self.process = self.lab.start(
            "run", wrapper=["unshare", "-rm", "sh", "-c",
                            f"mount -t tmpfs -o {self.options} tmpfs '{self.folder}' && exec \"$@\"", "sh"])
        return self.process

    def seen(self, name):
        return f"/proc/{self.process.process.pid}/root{self.folder}/{name}"

    def fill(self):
        with open(self.seen("filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def query(self, sql):
        done = subprocess.run(
            ["nsenter", "-t", str(self.process.process.pid), "-U", "-m", "--preserve-credentials", "sqlite3",
             "-readonly", os.path.join(self.folder, "midwatch.db"), sql], capture_output=True, text=True,
            check=False)
        equal((done.returncode, done.stderr), (0, ""), f"sqlite3 {sql!r}")
        return done.stdout.strip()


def namespaces():
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                          capture_output=True, check=False).returncode == 0


def test_a_full_disk_is_told_and_survived(lab):
    expect(namespaces(), "this machine lets nobody make a namespace with a mount of its own")
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], store="disk/midwatch.db")
    disk = Disk(lab)
    midwatch = disk.run()
    wait_for("it to probe", redis.guests, 10)
    redis.fill()
    midwatch.wait_out(r"approve I1 r1|approve I1$", 15)
    wait_for("the plan to wait", lambda: disk.query("SELECT stage FROM incident") == "ask", 10)
    disk.fill()
    said = midwatch.ask("✅ I1", "could not be recorded, so nothing was done", 15)
    expect("full" in said, f"it says why: {said!r}")
    midwatch.wait_out(r"I cannot record", 15)
    equal(redis.config_sets(), 0, "CONFIG SET while nothing can be recorded")
    midwatch.ask("status", "cache")
    equal(disk.query("SELECT count(*) FROM decision"), "0", "decisions")
    os.unlink(disk.seen("filler"))
    midwatch.wait_out(r"I can record again", 40)
    midwatch.say("✅ I1")
    wait_for("the incident to end", lambda: disk.query("SELECT outcome FROM incident") == "recovered",
             20)
    equal(redis.config_sets(), 1, "CONFIG SET at Redis")
    equal(disk.query("PRAGMA integrity_check"), "ok", "integrity")
    midwatch.terminate()


def test_a_full_disk_before_an_incident_opens(lab):
    """The alarm is not lost: it is said as soon as it can be recorded."""
    expect(namespaces(), "this machine lets nobody make a namespace with a mount of its own")
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], store="disk/midwatch.db")
    disk = Disk(lab)
    midwatch = disk.run()
    wait_for("it to probe", redis.guests, 10)
    disk.fill()
    redis.fill()
    midwatch.wait_out(r"I cannot record", 20)
    midwatch.wait_out(r"cache is DEGRADED: memory 97.*It has no card until", 20)
    midwatch.wait_out("cannot record \"opened\", so it waits: .*full", 5, stream="err")
    os.unlink(disk.seen("filler"))
    midwatch.wait_out(r"approve I1 r1|approve I1$", 40)
    midwatch.terminate()


def test_a_read_only_file_system(lab):
    expect(namespaces(), "this machine lets nobody make a namespace with a mount of its own")
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], store="disk/midwatch.db")
    disk = Disk(lab, "ro")
    process = disk.run()
    equal(process.wait_end(10), 1, "exit status")
    last = process.text("err").splitlines()[-1]
    expect("disk/midwatch.db" in last and "ead-only" in last, f"why it cannot begin: {last!r}")


def test_it_becomes_read_only_while_it_runs(lab):
    """As when the kernel remounts a disk after errors: every file of ours has reached its greatest size."""
    redis, midwatch = begin(lab)
    pid = str(midwatch.process.pid)
    subprocess.run(["prlimit", "--pid", pid, "--fsize=4096:"], check=True)
    midwatch.ask("✅ I1", "could not be recorded, so nothing was done", 15)
    midwatch.wait_out(r"I cannot record", 15)
    equal(redis.config_sets(), 0, "CONFIG SET")
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:"], check=True)
    midwatch.wait_out(r"I can record again", 40)
    midwatch.say("✅ I1")
    lab.wait_closed("recovered")
    midwatch.terminate()
    equal(lab.cli("audit", "verify").returncode, 0, "audit verify")
