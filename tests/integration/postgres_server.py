# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL for tests of the whole program, and what its clients do to it."""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess

from lab import Failure, expect, free_port, wait_for

SETUP = """
CREATE ROLE app LOGIN;
CREATE ROLE midwatch LOGIN IN ROLE pg_monitor, pg_signal_backend;
CREATE TABLE item (id int PRIMARY KEY, stock int);
INSERT INTO item VALUES (1, 500);
GRANT SELECT, UPDATE ON item TO app;
"""
CONFIGURATION = """
listen_addresses = '127.0.0.1'
shared_buffers = 16MB
fsync = off
autovacuum = off
track_activity_query_size = 16384
log_line_prefix = '%m [%p] %q%u@%d '
"""
TAKE_ONE = "UPDATE item SET stock = stock - 1 WHERE id = 1;"


def programs():
    """The folder of the newest PostgreSQL that is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    expect(found, "there is no PostgreSQL: install the package postgresql")
    return os.path.dirname(max(found, key=lambda path: int(re.search(r"/(\d+)/bin", path)[1])))


def runs(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return bool(file.read())
    except OSError:
        return False


class Postgres:
    """Ends with its lab. Roles: postgres, app, and midwatch with what docs/targets/postgres.md grants."""

    def __init__(self, lab, max_connections=100, configuration="", tls=None):
        self.folder = lab.path(f"postgres{len(lab.others)}")
        self.data, self.log = os.path.join(self.folder, "data"), os.path.join(self.folder, "log")
        self.programs, self.clients = programs(), []
        # It refuses to run as root.
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.port = free_port()
        os.chmod(lab.folder, 0o711)
        os.mkdir(self.folder, 0o700)
        self.give(self.folder)
        lab.others.append(self)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync")
        self.write("postgresql.conf", f"{CONFIGURATION}port = {self.port}\n"
                   f"unix_socket_directories = '{self.folder}'\nmax_connections = {max_connections}\n"
                   f"{configuration}\n")
        if tls:
            self.encrypt(*tls)
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "20", "start")
        self.sql("CREATE DATABASE shop", database="postgres")
        self.sql(SETUP)

    def give(self, path):
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)

    def encrypt(self, certificate, key):
        """Takes TLS connections, and over TCP no others."""
        for name, source in (("server.crt", certificate), ("server.key", key)):
            path = os.path.join(self.data, name)
            shutil.copyfile(source, path)
            os.chmod(path, 0o600)
            self.give(path)
        self.write("postgresql.conf", "ssl = on\n")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")

    def run(self, program, *words):
        owner = ["runuser", "-u", "postgres", "--"] if self.owner else []
        # To a file, since a server that is started keeps what it was given.
        with open(os.path.join(self.folder, "commands.log"), "ab") as log:
            done = subprocess.run([*owner, os.path.join(self.programs, program), *words], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, check=False)
        if done.returncode != 0:
            with open(log.name, encoding="utf-8", errors="replace") as file:
                raise Failure(f"{program} ended with {done.returncode}: {file.read()[-2000:]}")

    def sql(self, text, role="postgres", database="shop"):
        """Statements, and their rows as text."""
        done = subprocess.run([os.path.join(self.programs, "psql"), "-X", "-q", "-A", "-t", "-v",
                               "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port), "-U", role,
                               "-d", database, "-c", text],
                              capture_output=True, text=True, timeout=30, check=False)
        expect(done.returncode == 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def number(self, text):
        return int(self.sql(text))

    def sessions(self, where="true"):
        """How many client sessions are so, the one that asks left out."""
        return self.number("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                           f"AND pid <> pg_backend_pid() AND {where}")

    def blocked(self):
        return self.sessions("cardinality(pg_blocking_pids(pid)) > 0")

    def crowd(self, sessions, application, script):
        """That many sessions of an application run a script of pgbench's."""
        path = os.path.join(self.folder, application + ".sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script + "\n")
        client = subprocess.Popen(
            [os.path.join(self.programs, "pgbench"), "-n", "-c", str(sessions), "-t", "1", "-f", path,
             "-h", self.folder, "-p", str(self.port), "-U", "app", "shop"],
            env=dict(os.environ, PGAPPNAME=application), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.clients.append(client)
        return client

    def hold(self):
        """One session changes a row and forgets to commit."""
        self.crowd(1, "checkout", f"BEGIN; {TAKE_ONE}\n\\sleep 1800 s\nCOMMIT;")
        wait_for("the row to be locked", lambda: self.sessions("state = 'idle in transaction'") == 1,
                 every=0.05)

    def pile_up(self, sessions=88):
        """Others want that row."""
        self.crowd(sessions, "web", TAKE_ONE)
        wait_for("the sessions to wait", lambda: self.blocked() == sessions, 20, every=0.05)

    def resource(self, name="db", **keys):
        """One of `resources:` for this server."""
        return {"name": name, "kind": "postgres", "every": "500ms", "timeout": "2s",
                "url": f"postgresql://midwatch@127.0.0.1:{self.port}/shop",
                "logs": [{"file": self.log}], **keys}

    def stop(self):
        for client in self.clients:
            client.kill()
            client.wait()
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
                pid = int(file.readline())
            os.kill(pid, signal.SIGINT)
            # Its pid file goes a moment before it does.
            wait_for("PostgreSQL to end", lambda: not runs(pid), 20)
        except (OSError, ValueError):
            pass
