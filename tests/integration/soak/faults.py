# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a soak. Each fault breaks one thing, and sees that it is well again in the end."""
import os
import random
import signal
import socket
import subprocess
import time

from lab import Failure, wait_for

MENDED_S, CLOSED_S = 60, 90


class Faults:
    """Fault functions take the name of what they break; `places` says which those may be."""

    def __init__(self, house, seed):
        self.house, self.random = house, random.Random(seed)
        redis, disks = list(house.redis), house.logs.small and house.stores.small
        self.places = {self.fill: redis, self.crash: redis, self.leave: redis, self.hang: redis,
                       self.flood: redis, self.scribble: redis, self.lock: ["db"], self.halt: ["db"],
                       self.stall: ["db"], self.lie: ["liar"], self.reload: ["midwatch"],
                       self.chatter: ["terminal"], self.deaf: ["terminal"], self.cut: ["slack"],
                       self.refuse: ["slack"],
                       **({self.full_log: ["log"], self.full_store: ["store"]} if disks else {})}
        self.weights = [1 if places[0] in ("db", "midwatch", "store", "log", "terminal", "slack") else 2
                        for places in self.places.values()]
        self.helped = 0  # how often midwatch did not mend it and we did

    def choose(self):
        fault = self.random.choices(list(self.places), self.weights)[0]
        return fault, self.random.choice(self.places[fault])

    def between(self, least, most):
        time.sleep(self.random.uniform(least, most))

    def settle(self, name, well, help_it):
        """midwatch is to mend it. Where it does not, we do, and it must see that."""
        try:
            wait_for(f"{name} to be mended", well, MENDED_S, every=0.2)
        except Failure:
            self.helped += 1
            help_it()
        wait_for(f"no incident of {name} to be open",
                 lambda: well() and self.house.open_incidents(name) == 0, CLOSED_S, every=0.5)

    # Redis

    def answers(self, server):
        return bool(server.pid()) and server.answers()

    def start(self, server):
        server.kill()
        server.start()

    def fill(self, name):
        server = self.house.redis[name]
        server.fill()
        self.settle(name, lambda: server.percent() < 90, lambda: server.call("FLUSHALL"))
        server.call("FLUSHALL")
        server.call("CONFIG", "SET", "maxmemory", server.maxmemory)

    def crash(self, name):
        server = self.house.redis[name]
        server.kill()
        self.settle(name, lambda: self.answers(server), lambda: self.start(server))

    def leave(self, name):
        server = self.house.redis[name]
        server.kill(signal.SIGTERM)
        self.settle(name, lambda: self.answers(server), lambda: self.start(server))

    def hang(self, name):
        server = self.house.redis[name]
        pid = server.pid()
        server.hang_up()
        os.kill(pid, signal.SIGSTOP)
        self.between(1, 12)
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        self.settle(name, lambda: self.answers(server), lambda: self.start(server))

    def flood(self, name):
        server = self.house.redis[name]
        guests = [socket.create_connection(("127.0.0.1", server.port), 2) for _ in range(52)]
        self.between(3, 10)
        for guest in guests:
            guest.close()
        self.settle(name, lambda: self.answers(server), lambda: self.start(server))

    def scribble(self, name):
        """Ten megabytes of a hostile log, then the crash that makes midwatch read it."""
        server = self.house.redis[name]
        with open(server.log, "ab") as file:
            for _ in range(10):
                file.write(b"\x1b[2J\x00\xff password=hunter2 " + os.urandom(1 << 20) + b"\n")
        self.crash(name)
        os.truncate(server.log, 0)

    def lie(self, _):
        liar = self.house.liar
        liar.become(self.random.choice(liar.MODES))
        self.between(2, 15)
        liar.become("honest")
        self.settle("liar", lambda: True, lambda: None)

    # PostgreSQL

    def postgres_well(self):
        try:
            return self.house.postgres.sessions("application_name = 'midwatch'") == 1 and \
                self.house.postgres.sessions() < 50
        except (Failure, subprocess.TimeoutExpired):
            return False

    def postgres_again(self):
        self.dismiss()
        self.house.postgres.run("pg_ctl", "-D", self.house.postgres.data, "-l", self.house.postgres.log,
                                "-w", "-t", "30", "-m", "immediate", "restart")

    def dismiss(self):
        for client in self.house.postgres.clients:
            client.kill()
            client.wait()
        self.house.postgres.clients.clear()

    def lock(self, name):
        postgres = self.house.postgres
        postgres.hold()
        time.sleep(2.5)
        try:
            postgres.pile_up(86)
        except Failure:
            pass  # midwatch was quicker than the last of them
        self.settle(name, self.postgres_well, self.postgres_again)
        self.dismiss()

    def processes(self):
        with open(os.path.join(self.house.postgres.data, "postmaster.pid"), encoding="ascii") as file:
            pid = int(file.readline())
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
        return [pid, *map(int, children.stdout.split())]

    def halt(self, name):
        os.kill(self.processes()[0], self.random.choice((signal.SIGQUIT, signal.SIGINT)))
        self.settle(name, self.postgres_well, self.postgres_again)

    def stall(self, name):
        processes = self.processes()
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in processes:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            if number == signal.SIGSTOP:
                self.between(2, 12)
        self.settle(name, self.postgres_well, self.postgres_again)

    # midwatch's own ground

    def reload(self, _):
        self.house.configure()
        self.house.watcher.process.send_signal(signal.SIGHUP)
        self.between(2, 5)

    def chatter(self, _):
        for number in range(100):
            self.house.watcher.say(self.random.choice((
                b"status", b"incidents", b"show I1", b"logs cache0", b"report 1h", b"tools", b"help",
                b"history db", b"policy", b"audit I2", b"silence spare 1s", "апрув I1 ✅".encode(),
                b"\xff\xfe\x1b]0;x\x07", b"x" * 5000, b"approve I%d" % number)))
            time.sleep(0.02)

    def deaf(self, _):
        """Nobody reads the terminal for a while, and people go on asking."""
        watcher = self.house.watcher
        watcher.reading.clear()
        try:
            for _ in range(60):
                watcher.say(b"tools")
            self.between(3, 12)
        finally:
            watcher.reading.set()

    def cut(self, _):
        """Slack's connections come and go, as they do, and as they should not."""
        slack = self.house.slack
        how = self.random.choice(("refresh", "warning", "drop", "silence", "closed"))
        if how == "silence":
            slack.silence(pongs=False)
            self.between(3, 30)
            slack.unsilence()
        elif how == "drop":
            slack.drop()
        else:
            if how == "closed":
                slack.refuse_sockets(times=3)
            slack.disconnect(reason="warning" if how == "warning" else "refresh_requested",
                             close_after=self.random.uniform(0.1, 2))
        slack.command(person="alice", channel="ops", text="status")
        slack.wait_connected(90)

    def refuse(self, _):
        """Its methods fail for a while."""
        slack, how = self.house.slack, self.random.choice((
            {"kind": "status", "status": 503}, {"kind": "ratelimited", "retry_after": 2},
            {"kind": "truncated"}, {"kind": "cut_after"}, {"kind": "stall"}))
        slack.trouble(method=self.random.choice(("chat.postMessage", "chat.update", "*")), times=0, **how)
        try:
            self.between(2, 15)
        finally:
            slack.calm()

    def full_log(self, _):
        logs, watcher = self.house.logs, self.house.watcher
        logs.fill()
        self.between(3, 10)
        logs.empty()
        watcher.turn_log()

    def full_store(self, _):
        self.house.stores.fill()
        try:
            self.between(3, 12)
        finally:
            self.house.stores.empty()
