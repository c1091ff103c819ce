# SPDX-License-Identifier: Apache-2.0
"""Socket Mode: tickets, connections, envelopes, and the second delivery of what was not acknowledged."""
import asyncio
import json
import random
import time

import facts
import websocket as ws
from refusal import Refusal

SETTINGS = {"ack_timeout": 3, "redelivery": [0, 60, 300], "trigger_seconds": 3, "ping_every": 10,
            "connection_time": 3600, "lifetime": None, "warning_before": 10, "fragment": None,
            "connections_max": 10}
TICKET_SECONDS = 30
PONG_SECONDS = 30


class Envelope:
    def __init__(self, id, kind, payload, key, taken, timed_out):
        self.id, self.kind, self.payload, self.key = id, kind, payload, key
        self.taken, self.timed_out = taken, timed_out
        self.attempt, self.connection, self.timer = 0, None, None
        self.sent = self.acked = None
        self.held = self.lost = self.waiting = False

    def accepts(self):
        """Whether its acknowledgement may carry an answer."""
        return self.kind == "slash_commands" or self.payload.get("type") == "view_submission"

    def text(self):
        document = {"envelope_id": self.id, "type": self.kind, "payload": self.payload,
                    "accepts_response_payload": self.accepts()}
        if self.kind == "events_api":
            document.update(retry_attempt=self.attempt, retry_reason="timeout" if self.attempt else "")
        return json.dumps(document, ensure_ascii=False).encode()


class Connection:
    """One websocket. silent: None, or whether pongs are still sent."""

    def __init__(self, hub, number, writer):
        self.hub, self.number, self.writer = hub, number, writer
        self.opened = time.monotonic()
        self.silent, self.leaving, self.closing = None, False, False
        self.waiting = {}
        self.sent = self.acked = self.pings = self.pongs = 0
        self.answered = self.opened
        self.ended = asyncio.Event()
        self.timers = []

    def send(self, text):
        self.sent += 1
        if self.silent is None:
            self.writer.write(ws.message(ws.TEXT, text, self.hub.settings["fragment"]))

    def control(self, frame):
        if not self.writer.is_closing():
            self.writer.write(frame)

    def disconnect(self, reason, close_after):
        """Tells that it is to end; after more than a warning, envelopes go to others where there are any."""
        self.leaving = self.leaving or reason != "warning"
        self.send(json.dumps({"type": "disconnect", "reason": reason,
                              "debug_info": {"host": f"applink-{self.number}"}}).encode())
        if close_after is not None:
            self.later(close_after, self.close)

    def later(self, seconds, act):
        self.timers.append(asyncio.get_running_loop().call_later(seconds, act))

    def close(self):
        self.leaving = self.closing = True
        self.control(ws.close(1000))
        self.later(1, self.ended.set)

    def abort(self):
        self.writer.transport.abort()
        self.ended.set()


class Hub:
    def __init__(self, wrong):
        self.wrong = wrong
        self.settings = dict(SETTINGS)
        self.url, self.tickets, self.used = "", {}, set()
        self.connections, self.opened, self.turn = [], 0, 0
        self.envelopes, self.by_id = [], {}
        self.held, self.holding = [], False
        self.doubles = self.forgets = 0
        self.lates, self.late_seconds = 0, 0
        self.refusals, self.refusal_status = 0, 0
        self.new_silent = None
        self.bursts = {}

    # Connections

    def ticket(self):
        """A new one-time address."""
        ticket = f"{random.getrandbits(128):032x}"
        self.tickets[ticket] = time.monotonic()
        return f"{self.url}/link/?ticket={ticket}&app_id=A0MIDWATCH"

    def admit(self, request):
        """Holds an upgrade against the protocol; (status, sentence), status 101 where it is good."""
        headers, query = request.headers, dict(request.query)
        if self.refusals:
            self.refusals -= self.refusals > 0
            return self.refusal_status, "refused on command"
        if request.verb != "GET" or headers.get("upgrade", "").lower() != "websocket" or \
                "upgrade" not in headers.get("connection", "").lower() or \
                headers.get("sec-websocket-version") != "13" or len(headers.get("sec-websocket-key", "")) != 24:
            self.wrong("the websocket's address was asked for something else than an upgrade")
            return 400, "not an upgrade"
        ticket = query.get("ticket")
        if ticket in self.used:
            self.wrong("a ticket was used twice")
            return 403, "the ticket is used"
        if time.monotonic() - self.tickets.pop(ticket, -TICKET_SECONDS) >= TICKET_SECONDS:
            return 403, "the ticket is unknown or too old"
        self.used.add(ticket)
        return 101, ""

    async def serve(self, reader, writer):
        """The life of a connection after its upgrade."""
        self.opened += 1
        link = Connection(self, self.opened, writer)
        if len(self.connections) >= self.settings["connections_max"]:
            link.disconnect("too_many_websockets", 0)
        else:
            self.connections.append(link)
            self.greet(link)
        readers = [asyncio.ensure_future(self.read(link, reader)), asyncio.ensure_future(link.ended.wait()),
                   asyncio.ensure_future(self.ping(link))]
        try:
            await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in readers:
                task.cancel()
            for timer in link.timers:
                timer.cancel()
            self.gone(link)

    def greet(self, link):
        link.send(json.dumps({
            "type": "hello", "num_connections": len(self.connections),
            "connection_info": {"app_id": "A0MIDWATCH"},
            "debug_info": {"host": f"applink-{link.number}", "build_number": 1,
                           "started": time.strftime("%Y-%m-%d %H:%M:%S.000"),
                           "approximate_connection_time": self.settings["connection_time"]}}).encode())
        link.silent = self.new_silent
        lifetime = self.settings["lifetime"]
        if lifetime is not None:
            link.later(max(0, lifetime - self.settings["warning_before"]),
                       lambda: link.disconnect("warning", None))
            link.later(lifetime, lambda: link.disconnect("refresh_requested", 0.5))

    async def ping(self, link):
        while True:
            await asyncio.sleep(self.settings["ping_every"])
            if link.silent is None:
                link.pings += 1
                link.control(ws.frame(ws.PING, b"Ping from applink"))
            else:
                link.answered = time.monotonic()
            if time.monotonic() - link.answered > PONG_SECONDS + self.settings["ping_every"]:
                self.wrong("pings were not answered")
                return

    async def read(self, link, reader):
        parts = ws.Reader()
        try:
            while data := await reader.read(262144):
                for kind, message in parts.feed(data):
                    if kind == ws.CLOSE:
                        link.control(ws.frame(ws.CLOSE, message[:2]))
                        await link.writer.drain()
                        return
                    self.take_frame(link, kind, message)
        except ws.Broken as broken:
            self.wrong(f"websocket: {broken}")
            link.control(ws.close(broken.code, str(broken)))
        except ConnectionError:
            pass

    def take_frame(self, link, kind, message):
        if kind == ws.TEXT:
            self.take(link, message)
        elif kind == ws.BINARY:
            self.wrong("a binary frame")
        elif kind == ws.PONG:
            link.pongs += 1
            link.answered = time.monotonic()
        elif link.silent is not False:
            link.control(ws.frame(ws.PONG, message))

    def gone(self, link):
        if link in self.connections:
            self.connections.remove(link)
        for envelope in list(link.waiting.values()):
            self.failed(envelope)

    # Envelopes

    def send(self, kind, payload, key, taken=None, timed_out=None):
        """A new envelope; taken(payload) is called with what the acknowledgement carries, timed_out(word) when none
        comes."""
        envelope = Envelope(self.new_id(), kind, payload, key, taken, timed_out)
        self.keep(envelope)
        doubled, late = self.doubles > 0, self.lates > 0
        self.doubles -= doubled
        self.lates -= late
        if self.holding:
            envelope.held = True
            self.held.append(envelope)
        elif late:
            envelope.held = True
            asyncio.get_running_loop().call_later(self.late_seconds, self.go, envelope)
        else:
            self.go(envelope)
        if doubled:
            self.again(envelope)
        return envelope

    def new_id(self):
        return f"{random.getrandbits(128):032x}"

    def keep(self, envelope):
        self.envelopes.append(envelope)
        self.by_id[envelope.id] = envelope

    def go(self, envelope):
        """Sends an envelope to one of the connections, in turn."""
        envelope.held = False
        envelope.sent = time.time()
        # One that was told to go still serves until it is closed, where there is no other.
        open_ones = [link for link in self.connections if not link.closing and not link.writer.is_closing()]
        open_ones = [link for link in open_ones if not link.leaving] or open_ones
        if not open_ones:
            return self.failed(envelope, "dispatch_failed")
        self.turn += 1
        link = open_ones[self.turn % len(open_ones)]
        envelope.connection, envelope.waiting = link.number, True
        link.waiting[envelope.id] = envelope
        envelope.timer = asyncio.get_running_loop().call_later(self.settings["ack_timeout"], self.failed, envelope)
        link.send(envelope.text())

    def failed(self, envelope, word="operation_timeout"):
        """It was not acknowledged: an event comes again, what a person did is told them to have failed."""
        self.settle(envelope)
        envelope.waiting = False
        if envelope.kind != "events_api":
            envelope.lost = True
            if envelope.timed_out:
                envelope.timed_out(word)
            return
        waits = self.settings["redelivery"]
        if envelope.attempt >= len(waits):
            envelope.lost = True
            return
        asyncio.get_running_loop().call_later(waits[envelope.attempt], self.again, envelope)

    def again(self, envelope):
        """The same once more: another envelope, the same event."""
        twin = Envelope(self.new_id(), envelope.kind, envelope.payload, envelope.key, None, None)
        twin.attempt = envelope.attempt + (envelope.kind == "events_api")
        self.keep(twin)
        self.go(twin)

    def settle(self, envelope):
        if envelope.timer:
            envelope.timer.cancel()
        for link in self.connections:
            link.waiting.pop(envelope.id, None)

    def take(self, link, text):
        """An acknowledgement."""
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("envelope_id"), str):
            return self.wrong("a frame that acknowledges nothing")
        if not set(document) <= facts.ACKNOWLEDGEMENT:
            self.wrong(f"an acknowledgement with {sorted(set(document) - facts.ACKNOWLEDGEMENT)}")
        id = document["envelope_id"]
        burst = self.bursts.get(id)
        if burst:
            link.acked += 1
            return burst.acknowledged(id)
        envelope = self.by_id.get(id)
        if envelope is None:
            return self.wrong("an envelope was acknowledged that was not sent")
        if envelope.acked:
            return self.wrong("an envelope was acknowledged twice")
        if self.forgets > 0:
            self.forgets -= 1
            return None
        envelope.acked, envelope.waiting = time.time(), False
        link.acked += 1
        self.settle(envelope)
        return self.answer(envelope, document.get("payload"))

    def answer(self, envelope, payload):
        """What an acknowledgement carries."""
        if payload is not None and not isinstance(payload, dict):
            return self.wrong("an acknowledgement's payload must be an object")
        if payload and not envelope.accepts():
            return self.wrong("an acknowledgement carries a payload that is not accepted")
        if envelope.taken:
            try:
                envelope.taken(payload or {})
            except Refusal as refusal:
                self.wrong(f"the payload of an acknowledgement: {refusal.code}: {refusal.wrong or ''}")
        return None

    def release(self, order, seed):
        """Lets held envelopes go, in their order, backwards or shuffled."""
        self.holding, held = False, self.held
        self.held = []
        if order == "reverse":
            held.reverse()
        elif order == "shuffle":
            random.Random(seed).shuffle(held)
        for envelope in held:
            self.go(envelope)
        return len(held)


class Burst:
    """Many envelopes at once, and how soon each was acknowledged."""
    TOGETHER = 100  # so many are written before acknowledgements are looked at

    def __init__(self, hub, made):
        """`made`: (kind, payload) of each; all is made ready, and nothing sent."""
        self.hub, self.at, self.took = hub, {}, []
        self.ready = []
        for kind, payload in made:
            envelope = Envelope(hub.new_id(), kind, payload, None, None, None)
            self.ready.append((envelope.id, envelope.text()))
        self.begun = self.last = time.perf_counter()

    async def run(self, per_second=None):
        """Sends them, as fast as it goes or at a pace."""
        self.begun = time.perf_counter()
        for number, (id, text) in enumerate(self.ready):
            wait = self.begun + number / per_second - time.perf_counter() if per_second else 0
            if wait > 0 or number % self.TOGETHER == self.TOGETHER - 1:
                await asyncio.sleep(max(0, wait))
            links = self.hub.connections
            self.hub.bursts[id] = self
            self.at[id] = time.perf_counter()
            links[number % len(links)].send(text)

    def acknowledged(self, id):
        self.last = time.perf_counter()
        del self.hub.bursts[id]
        self.took.append(self.last - self.at[id])

    def result(self):
        took = sorted(self.took)

        def share(part):
            return round(1000 * took[min(len(took) - 1, int(len(took) * part))], 3) if took else None
        return {"sent": len(self.at), "acked": len(took), "seconds": round(self.last - self.begun, 6),
                "p50": share(0.5), "p99": share(0.99), "max": share(1)}
