# SPDX-License-Identifier: Apache-2.0
"""What a soak runs in: servers, a Redis that lies, a Slack, small disks, and midwatch with all it says."""
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import lab as laboratory
from lab import Failure, equal, wait_for
from postgres_server import Postgres
from slack_service import SlackService

MAXMEMORY = "16mb"
PEOPLE = [{"name": "ann", "terminal": True, "roles": ["approver"]},
          {"name": "alice", "slack": "U0ALICE", "roles": ["operator"]}]
POLICY = {"default": "auto", "rules": [{"risk": "destructive", "then": "auto", "approvers": 1}],
          "min_confidence": 0, "verify_hold": "1s", "approval_timeout": "30s", "group_window": "1s",
          "mass_failure": {"percent": 0}, "max_auto_per_hour": {"resource": 1000, "all": 10000}}
LOOP = re.compile(rb"loop: lag at most ([\d.]+) ms, (\d+) fibers, (\d+) stacks")


class Disk:
    """A small disk of its own (a tmpfs, for which one must be root), or else a plain folder."""

    def __init__(self, path, size):
        os.mkdir(path)
        self.path = path
        self.small = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "midwatch-soak", path],
                                    stderr=subprocess.DEVNULL, check=False).returncode == 0

    def fill(self):
        """Writes until nothing more fits."""
        with open(os.path.join(self.path, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        os.unlink(os.path.join(self.path, "filler"))

    def stop(self):
        if self.small:
            subprocess.run(["umount", "--lazy", self.path], check=False)


class Liar:
    """Stands before a real Redis. What it does with a connection is its mode."""

    MODES = ("garbage", "half", "silent", "slam")

    def __init__(self, redis):
        self.redis, self.mode = redis, "honest"
        self.links, self.ended = set(), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def become(self, mode):
        self.mode = mode
        for link in list(self.links):
            link.shutdown(socket.SHUT_RDWR)

    def serve(self):
        while not self.ended:
            try:
                link = self.listener.accept()[0]
            except OSError:
                return
            self.links.add(link)
            threading.Thread(target=self.speak, args=(link,), daemon=True).start()

    def speak(self, link):
        try:
            if self.mode == "honest":
                with socket.create_connection(("127.0.0.1", self.redis.port), 2) as server:
                    self.relay(link, server)
            elif self.mode != "slam" and link.recv(4096):
                link.sendall({"garbage": b"\x00\xff$-7\r\n\x1b]0;owned\x07\r\n" * 200, "silent": b"",
                              "half": b"$100000\r\n# Server\r\nredis_ver"}[self.mode])
                link.recv(4096)
        except OSError:
            pass
        self.links.discard(link)
        link.close()

    @staticmethod
    def relay(one, other):
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is one else one).sendall(data)

    def stop(self):
        self.ended = True
        self.listener.close()
        self.become("slam")


class Watcher:
    """`midwatch run`. Its terminal is read here, its log goes to a disk that can be full."""

    def __init__(self, lab, log):
        self.log, self.seen_to = log, 0
        self.lag, self.fibers, self.stacks = 0.0, None, None
        self.reading = threading.Event()
        self.reading.set()
        self.approved, self.written = set(), 0
        self.saying = threading.Lock()
        self.last = b""
        with open(log, "ab") as stderr:
            self.process = subprocess.Popen([laboratory.BINARY, "run"], cwd=lab.folder,
                                            env=dict(os.environ, LANG="C.UTF-8"), stderr=stderr,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            start_new_session=True)
        os.set_blocking(self.process.stdin.fileno(), False)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Approves whatever is asked for, so that nothing waits for ever."""
        while True:
            self.reading.wait()
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.written += len(data)
            self.last = (self.last + data)[-200000:]
            for asked in re.findall(rb"\bapprove (I\d+ r\d+)", self.last):
                if asked not in self.approved:
                    self.approved.add(asked)
                    self.say(b"approve " + asked)

    def say(self, words):
        """False: the terminal takes no more now."""
        with self.saying:
            try:
                return os.write(self.process.stdin.fileno(), words + b"\n") > len(words)
            except BlockingIOError:
                return False

    def read_log(self):
        """Notes what the log says of the loop since the last look."""
        with open(self.log, "rb") as file:
            if os.fstat(file.fileno()).st_size < self.seen_to:
                self.seen_to = 0
            file.seek(self.seen_to)
            new = file.read()
        self.seen_to += len(new)
        for lag, fibers, stacks in LOOP.findall(new):
            self.lag = max(self.lag, float(lag))
            self.fibers, self.stacks = int(fibers), int(stacks)

    def turn_log(self):
        """What logrotate's copytruncate does."""
        self.read_log()
        os.truncate(self.log, 0)
        self.seen_to = 0

    def tail(self):
        with open(self.log, "rb") as file:
            return file.read()[-4000:].decode("utf-8", "replace")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class House:
    def __init__(self, lab, redis_servers=5):
        self.lab = lab
        self.logs, self.stores = Disk(lab.path("logs"), "6m"), Disk(lab.path("store"), "64m")
        lab.others += [self.logs, self.stores]
        self.redis = {f"cache{number}": lab.redis(maxmemory=MAXMEMORY, options=["--maxclients", "60"])
                      for number in range(redis_servers)}
        self.postgres = Postgres(lab)
        self.liar = Liar(next(iter(self.redis.values())))
        lab.others.append(self.liar)
        # So many incidents an hour are more than a channel may take.
        self.slack = SlackService(lab)
        self.slack.rates(off=True)
        self.spare, self.kept = False, ""
        self.configure()
        self.watcher = Watcher(lab, os.path.join(self.logs.path, "midwatch.log"))
        wait_for("midwatch to probe", lambda: all(server.guests() for server in self.redis.values()), 20)
        self.slack.wait_connected(20)

    def configure(self):
        """With a resource more each other time."""
        postgres = self.postgres
        owner = ["/usr/sbin/runuser", "-u", "postgres", "--"] if postgres.owner else []
        restart = [*owner, os.path.join(postgres.programs, "pg_ctl"), "-D", postgres.data, "-l",
                   postgres.log, "-w", "-t", "20", "-m", "fast", "restart"]
        resources = [self.lab.resource(server, name, control={"restart": [server.restart_script()]})
                     for name, server in self.redis.items()]
        resources += [postgres.resource(control={"restart": restart}),
                      {"name": "liar", "kind": "redis", "every": "500ms", "timeout": "1s",
                       "url": f"redis://127.0.0.1:{self.liar.port}"}]
        if self.spare:
            resources.append({"name": "spare", "kind": "redis", "every": "500ms", "timeout": "1s",
                              "url": f"redis://127.0.0.1:{self.liar.redis.port}"})
        self.spare = not self.spare
        self.lab.write_config(resources, people=PEOPLE, policy=POLICY, store="store/midwatch.db",
                              chat=[{"kind": "terminal"}, self.slack.section()])

    def query(self, sql, *values):
        store = sqlite3.connect(f"file:{os.path.join(self.stores.path, 'midwatch.db')}?mode=ro", uri=True)
        try:
            return store.execute(sql, values).fetchall()
        finally:
            store.close()

    def open_incidents(self, resource=None):
        where, values = (" AND resource = ?", (resource,)) if resource else ("", ())
        return self.query("SELECT count(*) FROM incident WHERE stage <> 'closed'" + where, *values)[0][0]

    def outcomes(self):
        return dict(self.query("SELECT outcome, count(*) FROM incident WHERE stage = 'closed' "
                               "GROUP BY outcome ORDER BY 2 DESC"))

    def expect_alive(self):
        if self.watcher.process.poll() is not None:
            raise Failure(f"midwatch ended by itself with {self.watcher.process.returncode}: "
                          f"{self.watcher.tail()}")

    def settled(self):
        return wait_for("all incidents to be closed", lambda: self.open_incidents() == 0, 120, every=0.5)

    def keep_log(self):
        """Its last lines, for when something was wrong."""
        self.kept = self.watcher.tail()

    def end(self):
        """In order, with the chain of hashes whole."""
        self.watcher.process.send_signal(signal.SIGTERM)
        try:
            equal(self.watcher.process.wait(20), 0, "exit status after SIGTERM")
        except subprocess.TimeoutExpired:
            raise Failure("midwatch did not end within 20 s") from None
        verified = self.lab.cli("audit", "verify", seconds=60)
        equal(verified.returncode, 0, f"audit verify: {verified.stdout}{verified.stderr}")
        equal(self.query("SELECT incident, revision FROM step WHERE state = 'started'"), [],
              "steps that were left under way")
        return verified.stdout.strip()

