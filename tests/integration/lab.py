# SPDX-License-Identifier: Apache-2.0
"""A private Redis, the real midwatch and somebody at its terminal, for tests of the whole program.

A Lab is one test's folder with everything in it; leaving it ends what was started and complains about
what is left over. Nothing here sleeps for a fixed time and hopes: wait_for() waits for a condition.
"""
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("MIDWATCH", os.path.join(ROOT, "build/src/cli/midwatch")))
# Deadlines grow by this where the program is slow for a reason (sanitizers).
PATIENCE = float(os.environ.get("MIDWATCH_TEST_PATIENCE", "1"))

SANITIZER = re.compile(r"(ERROR: (Address|Leak)Sanitizer|runtime error: ).*")


class Failure(AssertionError):
    """What a test expected and did not see."""


def wait_for(what, condition, seconds=10, every=0.02):
    """Returns the first true value of condition(), or fails after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds * PATIENCE:g} s in vain for: {what}")
        time.sleep(every)


def expect(truth, what):
    if not truth:
        raise Failure(what)


def equal(seen, wanted, what):
    if seen != wanted:
        raise Failure(f"{what}: expected {wanted!r}, saw {seen!r}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def allow_files(count=16384):
    """Raises this process's limit of open files, and so its children's."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Redis:
    """A redis-server of our own, known by its pid file, so that others may restart it."""

    def __init__(self, folder, maxmemory="32mb", options=()):
        self.folder = folder
        self.maxmemory = maxmemory
        self.options = list(options)
        self.password = None
        if "--requirepass" in self.options:
            self.password = self.options[self.options.index("--requirepass") + 1]
        self.log = os.path.join(folder, "redis.log")
        self.pid_file = os.path.join(folder, "redis.pid")
        self.port = None
        self.link = None
        self.process = None

    def command_line(self):
        return ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                "--maxmemory", self.maxmemory, "--maxmemory-policy", "noeviction", "--save", "",
                "--dir", self.folder, "--logfile", self.log, "--pidfile", self.pid_file,
                "--maxclients", "4000"] + self.options

    def start(self):
        for _ in range(10):
            self.port = self.port or free_port()
            self.process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                            cwd=self.folder, start_new_session=True)
            # Reaps it whenever it ends, so that its pid is gone when it is gone.
            threading.Thread(target=self.process.wait, daemon=True).start()
            try:
                wait_for("redis-server to answer", self.answers_or_died, 10)
            except Failure:
                self.stop()
                raise
            if self.process.poll() is None:
                return self
            self.port = None
        raise Failure("redis-server does not start; see its log: " + self.log)

    def answers_or_died(self):
        return self.process.poll() is not None or self.pid() == self.process.pid and self.answers()

    def pid(self):
        try:
            with open(self.pid_file, encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return pid if b"redis-server" in file.read() else None
        except (OSError, ValueError):
            return None

    def answers(self):
        try:
            return self.call("PING") == "PONG"
        except OSError:
            return False

    def call(self, *words):
        """One command; errors of the server are raised as Failure."""
        for attempt in (1, 2):
            try:
                if not self.link:
                    self.link = socket.create_connection(("127.0.0.1", self.port), 5)
                    self.reader = self.link.makefile("rb")
                    if self.password:
                        self.exchange("AUTH", self.password)
                return self.exchange(*words)
            except OSError:
                self.hang_up()
                if attempt == 2:
                    raise

    def exchange(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.link.sendall(b"*%d\r\n" % len(parts) +
                          b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self.reply()

    def reply(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b"-":
            raise Failure(f"redis says: {rest}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == "-1":
                return None
            data = self.reader.read(int(rest) + 2)
            return data[:-2].decode("utf-8", "replace")
        return [self.reply() for _ in range(int(rest))]

    def hang_up(self):
        if self.link:
            self.reader.close()
            self.link.close()
            self.link = None

    def info(self, section="everything"):
        lines = (line.partition(":") for line in self.call("INFO", section).splitlines())
        return {key: value for key, colon, value in lines if colon}

    def percent(self):
        memory = self.info("memory")
        return 100.0 * int(memory["used_memory"]) / int(memory["maxmemory"])

    def fill(self, percent=97.0):
        """Writes until used_memory is at this share of maxmemory. Returns when that was."""
        script = ("local from = tonumber(redis.call('incrby', 'filled', ARGV[1])) "
                  "for i = 1, ARGV[1] do redis.call('set', 'fill:' .. (from - i), "
                  "string.rep('x', 2000)) end return 1")
        while True:
            missing = percent - self.percent()
            if missing <= 0:
                return time.time()
            rough = int(missing / 100 * int(self.info("memory")["maxmemory"]) / 2200)
            self.call("EVAL", script, 0, max(20, min(rough, 1000)))

    def guests(self):
        """How many connections beside ours have sent a command."""
        return sum("cmd=client" not in row and "cmd=NULL" not in row
                   for row in self.call("CLIENT", "LIST").splitlines())

    def config_sets(self):
        """How many CONFIG SET this server has run."""
        row = self.info("commandstats").get("cmdstat_config|set", "calls=0,")
        return int(re.match(r"calls=(\d+)", row)[1])

    def kill(self, how=signal.SIGKILL):
        pid = self.pid()
        self.hang_up()
        if pid:
            os.kill(pid, how)
            wait_for("redis-server to end", lambda: not self.running(pid), 5)

    def running(self, pid):
        if self.process and self.process.pid == pid:
            return self.process.poll() is None
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def restart_script(self):
        """A program that restarts this server, for `control:`. Returns its path."""
        path = os.path.join(self.folder, "restart-redis")
        words = " ".join("'" + word + "'" for word in self.command_line())
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n"
                       f"file='{self.pid_file}'\n"
                       "# Redis removes its pid file when it ends in order; a killed one leaves it.\n"
                       "if pid=$(cat \"$file\" 2>/dev/null) && kill \"$pid\" 2>/dev/null; then\n"
                       "    n=0\n"
                       "    while [ -e \"$file\" ]; do\n"
                       "        n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.02\n"
                       "    done\n"
                       "fi\n"
                       f"exec {words} --daemonize yes\n")
        os.chmod(path, 0o755)
        return path

    def stop(self):
        self.hang_up()
        pid = self.pid()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if pid and self.running(pid):
            os.kill(pid, signal.SIGKILL)
            wait_for("redis-server to end", lambda: not self.running(pid), 5)


class Midwatch:
    """A running `midwatch run` (or another command) with somebody at its terminal."""

    def __init__(self, lab, *arguments, env=None, closed=(), wrapper=()):
        self.lab = lab
        self.out, self.err = [], []  # (time, line) as they came
        self.raw_out = bytearray()
        self.lock = threading.Lock()
        environment = dict(os.environ, LANG="C.UTF-8")
        environment.update(env or {})
        # With the limit of open files that a login gives, whatever ours is.
        self.process = subprocess.Popen(
            [*wrapper, "prlimit", "--nofile=1024:", BINARY, *arguments], cwd=lab.folder, env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL if "stdin" in closed else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.readers = [
            threading.Thread(target=self.read, args=(self.process.stdout, self.out), daemon=True),
            threading.Thread(target=self.read, args=(self.process.stderr, self.err), daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self, stream, lines):
        rest = b""
        while True:
            try:
                data = os.read(stream.fileno(), 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            now = time.time()
            with self.lock:
                if lines is self.out:
                    self.raw_out += data
                *complete, rest = (rest + data).split(b"\n")
                lines.extend((now, line.decode("utf-8", "replace")) for line in complete)

    def lines(self, stream="out"):
        with self.lock:
            return list(self.out if stream == "out" else self.err)

    def text(self, stream="out"):
        return "\n".join(line for _, line in self.lines(stream))

    def say(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()

    def wait_out(self, pattern, seconds=10, after=0, stream="out"):
        """Waits for a line that matches, beginning with line number `after`; returns (time, line)."""
        regex = re.compile(pattern)

        def seen():
            self.expect_alive()
            return next(((at, line) for at, line in self.lines(stream)[after:]
                         if regex.search(line)), None)
        return wait_for(f"a line like {pattern!r} on std{stream}", seen, seconds)

    def ask(self, words, pattern, seconds=5):
        """Says words and waits for an answer that comes after them."""
        after = len(self.lines())
        self.say(words)
        return self.wait_out(pattern, seconds, after)[1]

    def expect_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"midwatch ended by itself with {self.process.returncode}")

    def wait_end(self, seconds=10):
        try:
            self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"midwatch did not end within {seconds * PATIENCE:g} s") from None
        for reader in self.readers:
            reader.join(2)
        return self.process.returncode

    def terminate(self, seconds=5):
        """SIGTERM, and a clean end expected."""
        self.process.send_signal(signal.SIGTERM)
        equal(self.wait_end(seconds), 0, "exit status after SIGTERM")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self.readers:
            reader.join(2)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                try:
                    stream.close()
                except OSError:
                    pass

    def sanitizer(self):
        found = SANITIZER.search(self.text("err"))
        return found[0] if found else None


PERSON = [{"name": "ann", "terminal": True, "roles": ["approver"]}]
# Quick enough for a test, slow enough to be real.
POLICY = {"default": "approve", "verify_hold": "1s"}

PLANNER = {"provider": "runbook"}
if not BINARY.startswith(ROOT + os.sep):
    # A program built elsewhere does not find this tree's runbooks by itself.
    PLANNER["runbooks"] = os.path.join(ROOT, "prompts/runbooks")


class Lab:
    def __init__(self, name="lab"):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=f"midwatch-{name}.")
        self.redis_servers, self.processes, self.reports = [], [], []
        self.others = []  # whatever else must be stop()ped
        self.config = os.path.join(self.folder, "midwatch.yaml")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for process in self.processes:
            process.close()
        for server in self.redis_servers + self.others:
            server.stop()
        self.reports = [process.text() and f"--- stdout of {process.process.args[3:]}\n{process.text()}"
                        for process in self.processes] + \
                       [process.text("err") and f"--- stderr of {process.process.args[3:]}\n"
                        f"{process.text('err')}" for process in self.processes]
        complaints = [what for server in self.others for what in getattr(server, "complaints", [])]
        if complaints:
            self.reports.append("--- complaints of the fakes\n" + "\n".join(complaints))
        left = self.left_running()
        faults = [process.sanitizer() for process in self.processes]
        if os.environ.get("MIDWATCH_TEST_KEEP") and error:
            self.reports.append(f"--- kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if error is None:
            expect(not any(faults), f"a sanitizer complained: {next(filter(None, faults), '')}")
            expect(not complaints, f"a fake complained: {complaints}")
            expect(not left, f"left running: {left}")

    def left_running(self):
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                where = os.readlink(f"/proc/{pid}/cwd")
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if words and (where.startswith(self.folder) or self.folder in words):
                left.append(f"{pid} {words}")
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
        return left

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def redis(self, **keywords):
        folder = self.path(f"redis{len(self.redis_servers)}")
        os.mkdir(folder)
        server = Redis(folder, **keywords)
        self.redis_servers.append(server)
        return server.start()

    def resource(self, redis, name="cache", **keys):
        """One of `resources:` for a Redis of ours."""
        url = f"redis://{':' + redis.password + '@' if redis.password else ''}127.0.0.1:{redis.port}"
        return {"name": name, "kind": "redis", "url": url, "every": "500ms", "timeout": "1s",
                "logs": [{"file": redis.log}], **keys}

    def write_config(self, resources, people=None, policy=None, **sections):
        """YAML, a section a line: JSON's flow form is YAML, and its line numbers are plain."""
        document = {"name": "lab", "store": "midwatch.db", "log": {"level": "debug"},
                    "chat": [{"kind": "terminal"}], "llm": PLANNER,
                    "people": people or PERSON, "policy": {**POLICY, **(policy or {})},
                    "resources": resources, **sections}
        with open(self.config, "w", encoding="utf-8") as file:
            for key, value in document.items():
                if isinstance(value, list):
                    file.write(f"{key}:\n")
                    for item in value:
                        file.write(f"  - {json.dumps(item, ensure_ascii=False)}\n")
                elif value is not None:
                    file.write(f"{key}: {json.dumps(value, ensure_ascii=False)}\n")
        return self.config

    def start(self, *arguments, **keywords):
        process = Midwatch(self, *(arguments or ("run",)), **keywords)
        self.processes.append(process)
        return process

    def run(self):
        """`midwatch run`, watching: it has spoken to every Redis of ours."""
        process = self.start("run")

        def watching():
            process.expect_alive()
            return all(server.guests() for server in self.redis_servers if server.pid())
        wait_for("midwatch to probe", watching, 10)
        return process

    def cli(self, *arguments, env=None, stdin=None, seconds=20):
        """One command to its end; .returncode, .stdout, .stderr as text."""
        done = subprocess.run([BINARY, *arguments], cwd=self.folder, input=stdin, text=True,
                              encoding="utf-8", errors="replace", capture_output=True,
                              timeout=seconds * PATIENCE, check=False,
                              env=dict(os.environ, LANG="C.UTF-8", **(env or {})))
        found = SANITIZER.search(done.stderr)
        expect(not found, f"a sanitizer complained in {arguments}: {found and found[0]}")
        return done

    def incident(self, number=1):
        """The document of `incident ID --json`, or None while there is none."""
        done = self.cli("incident", f"I{number}", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def query(self, sql, *values):
        """Rows of the store, read beside the program."""
        store = sqlite3.connect(f"file:{self.path('midwatch.db')}?mode=ro", uri=True)
        try:
            return store.execute(sql, values).fetchall()
        finally:
            store.close()

    def audit(self):
        """[(actor, action, detail)], oldest first."""
        return self.query("SELECT actor, action, coalesce(detail, '') FROM audit ORDER BY id")

    def wait_stage(self, stage, number=1, seconds=15):
        def there():
            incident = self.incident(number)
            return incident if incident and incident["stage"] == stage else None
        return wait_for(f"I{number} to be at {stage}", there, seconds, every=0.05)

    def wait_plan(self, process, revision=1, number=1, seconds=15):
        """Waits until a plan is shown and may be decided on; returns the incident."""
        def asked():
            process.expect_alive()
            incident = self.incident(number)
            return incident if incident and incident["stage"] == "ask" and \
                len(incident["plans"]) >= revision else None
        incident = wait_for(f"I{number} r{revision} to be asked", asked, seconds, every=0.05)
        wait_for(f"the plan r{revision} of I{number} on the terminal",
                 lambda: re.search(rf"I{number}\b.*\br{revision}\b", process.text()), seconds)
        return incident

    def wait_closed(self, outcome, number=1, seconds=20):
        incident = self.wait_stage("closed", number, seconds)
        equal(incident["outcome"], outcome, f"outcome of I{number}")
        return incident


def run_one(test, verbose):
    begun = time.monotonic()
    lab = Lab(test.__name__)
    try:
        with lab:
            test(lab)
        trouble = None
    except BaseException:  # a test's failure must not end the others
        trouble = traceback.format_exc()
    took = time.monotonic() - begun
    if trouble:
        tails = "\n".join(report[-6000:] for report in lab.reports if report)
        print(f"FAIL {test.__name__} ({took:.1f} s)\n{trouble}{tails}\n", flush=True)
    elif verbose:
        print(f"ok   {test.__name__} ({took:.1f} s)", flush=True)
    return trouble is None


def main(tests, arguments=None, title="tests"):
    """Runs test functions side by side; -v, -jN and names are understood. Returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verbose, jobs, names = False, 6, []
    for word in arguments:
        if word == "-v":
            verbose = True
        elif re.fullmatch(r"-j\d+", word):
            jobs = int(word[2:])
        else:
            names.append(word)
    chosen = [test for test in tests if not names or any(name in test.__name__ for name in names)]
    if not os.access(BINARY, os.X_OK):
        print(f"{BINARY} is missing: build it, or set MIDWATCH to where it is", file=sys.stderr)
        return 2
    begun = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda test: run_one(test, verbose), chosen))
    passed = sum(results)
    print(f"{title}: {passed} passed, {len(results) - passed} failed in "
          f"{time.monotonic() - begun:.0f} s", flush=True)
    return 0 if chosen and all(results) else 1
