#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fake of Slack over real sockets: Socket Mode, what comes again, rates, and each kind of misbehaviour."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "integration"))

from lab import Lab, equal, expect, wait_for  # noqa: E402
from slack_service import APP_TOKEN, BOT_TOKEN, SlackService  # noqa: E402
import websocket as ws  # noqa: E402
from socket_client import Client, Closed  # noqa: E402


class App:
    """What a test has: the fake and an app's way to it."""

    def __init__(self, lab, app=None, tls=()):
        self.slack = SlackService(lab, app, tls)
        self.tls = tls

    def api(self, name, token=BOT_TOKEN, /, **arguments):
        """(status, headers, text) of a method."""
        if self.tls:
            link = http.client.HTTPSConnection("localhost", self.slack.port, timeout=10,
                                               context=ssl.create_default_context(cafile=self.tls[0]))
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.slack.port, timeout=10)
        try:
            link.request("POST", "/api/" + name, json.dumps(arguments), {
                "Authorization": "Bearer " + token, "Content-Type": "application/json; charset=utf-8"})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            link.close()

    def open(self):
        """A new websocket, after its hello."""
        url = json.loads(self.api("apps.connections.open", APP_TOKEN)[2])["url"]
        link = Client(url, self.tls[0] if self.tls else None)
        equal((link.status, link.headers["sec-websocket-accept"]), (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "upgrade")
        equal(link.next()["type"], "hello", "the first frame")
        return link

    def say(self, text="hello"):
        return self.slack.say(person="alice", channel="ops", text=text)

    def provoked(self, *containing):
        """Those violations were meant, and each was written down."""
        for word in containing:
            expect(self.slack.forgive(containing=word)["forgiven"], f"nobody wrote down: {word}")


def texts(link, count):
    """The texts of the next messages, which are acknowledged."""
    found = []
    for _ in range(count):
        envelope = link.next()
        link.acknowledge(envelope)
        found.append(envelope["payload"]["event"]["text"])
    return found


def test_a_ticket_serves_once(app):
    url = json.loads(app.api("apps.connections.open", APP_TOKEN)[2])["url"]
    equal([Client(url).status, Client(url).status, Client(url[:-50]).status], [101, 403, 403], "upgrades")
    app.provoked("a ticket was used twice")


def test_an_event_comes_again_until_it_is_acknowledged(app):
    app.slack.settings(ack_timeout=0.2, redelivery=[0, 0.2, 600])
    link = app.open()
    app.say()
    seen = [link.next() for _ in range(3)]
    equal([one["retry_attempt"] for one in seen], [0, 1, 2], "attempts")
    equal(len({one["payload"]["event_id"] for one in seen}), 1, "event ids")
    equal(len({one["envelope_id"] for one in seen}), 3, "envelope ids")
    link.acknowledge(seen[-1])
    app.slack.wait_acked()
    app.slack.settings(ack_timeout=60)
    app.say("more")
    link.acknowledge(link.next())
    equal(link.next(0.5), None, "after it was acknowledged")


def test_what_a_lost_connection_had_comes_on_the_other(app):
    first, second = app.open(), app.open()
    for number in range(4):
        app.say(str(number))
    got = [first.next(), first.next()]
    expect(all(got), "payloads are spread over connections")
    for envelope in (second.next(), second.next()):
        second.acknowledge(envelope)
    first.close()
    again = [second.next(), second.next()]
    equal({one["payload"]["event_id"] for one in again}, {one["payload"]["event_id"] for one in got}, "what came again")
    for envelope in again:
        second.acknowledge(envelope)
    app.slack.wait_acked()


def test_what_nobody_can_take_is_lost_after_its_last_try(app):
    app.slack.settings(redelivery=[0, 0.1])
    app.say()
    wait_for("the event to be lost", lambda: app.slack.envelopes()["envelopes"][-1]["lost"], 5)
    app.slack.command(person="alice", channel="ops", text="status")
    equal(app.slack.troubles_seen(person="alice")["troubles"], ["dispatch_failed"], "what she is told")


def test_a_command_must_be_acknowledged_in_time(app):
    app.slack.settings(ack_timeout=0.2)
    link = app.open()
    app.slack.command(person="alice", channel="ops", text="status")
    envelope = link.next()
    equal((envelope["type"], envelope["payload"]["text"], envelope["accepts_response_payload"]),
          ("slash_commands", "status", True), "the command")
    wait_for("it to be late", lambda: app.slack.troubles_seen(person="alice")["troubles"] == ["operation_timeout"], 5)
    app.slack.command(person="alice", channel="ops", text="help")
    link.acknowledge(link.next(), payload={"text": "what you may do"})
    app.slack.wait_text("what you may do", person="alice", seconds=5)


def test_wrong_acknowledgements(app):
    link = app.open()
    app.say()
    envelope = link.next()
    link.acknowledge({"envelope_id": "made-up"})
    link.acknowledge(envelope, payload={"text": "x"})
    link.acknowledge(envelope)
    link.send(ws.TEXT, b'{"envelope_id": "x", "ok": true}')
    link.send(ws.TEXT, b"pong")
    link.send(ws.BINARY, b"x")
    wait_for("them to be written down", lambda: len(app.slack.violations()["violations"]) >= 7, 5)
    app.provoked("an envelope was acknowledged that was not sent", "a payload that is not accepted",
                 "acknowledged twice", "with ['ok']", "acknowledges nothing", "a binary frame")


def test_frames_must_be_masked(app):
    link = app.open()
    link.send(ws.PING, b"", masked=False)
    try:
        link.next()
        expect(False, "an unmasked frame is let pass")
    except Closed:
        app.provoked("a frame of the client is not masked")


def test_pings_are_answered_but_by_a_dead_socket(app):
    link = app.open()

    def ponged(seconds=5):
        link.send(ws.PING, b"x")
        link.socket.settimeout(seconds)
        try:
            return link.frame() == (ws.PONG, True, b"x")
        except TimeoutError:
            return False
    equal(ponged(), True, "a pong")
    app.slack.silence()
    app.say()
    equal(ponged(), True, "a pong of a silent socket")
    app.slack.silence(pongs=False)
    equal(ponged(0.3), False, "a pong of a dead socket")


def test_the_server_pings(app):
    app.slack.settings(ping_every=0.1)
    link = app.open()
    equal(link.next(0.5), None, "documents")
    expect(app.slack.sockets()["connections"][0]["pongs"] >= 2, "pings were not answered")


def test_connections_are_recycled(app):
    app.slack.settings(lifetime=0.4, warning_before=0.2)
    link = app.open()
    equal([link.next()["reason"], link.next()["reason"]], ["warning", "refresh_requested"], "reasons")
    try:
        equal(link.next(), None, "then it ends")
        expect(False, "the connection does not end")
    except Closed:
        pass
    app.slack.settings(lifetime=None)
    link = app.open()
    app.slack.disconnect(reason="link_disabled", close_after=None)
    equal(link.next(), {"type": "disconnect", "reason": "link_disabled", "debug_info": {"host": "applink-2"}},
          "by hand")


def test_a_connection_serves_until_it_is_closed(app):
    old, new = app.open(), app.open()
    app.slack.disconnect(reason="refresh_requested", connection=1, close_after=None)
    equal(old.next()["reason"], "refresh_requested", "the old one")
    for text in "ab":
        app.say(text)
    equal(texts(new, 2), ["a", "b"], "what goes to the new one")
    app.slack.wait_acked()
    app.slack.drop(connection=2)
    wait_for("it to be gone", lambda: len(app.slack.sockets()["connections"]) == 1, 5)
    app.say("c")
    equal(texts(old, 1), ["c"], "what goes to the old one while there is no other")
    app.slack.wait_acked()


def test_there_are_ten_connections_at_most(app):
    links = [app.open() for _ in range(10)]
    url = json.loads(app.api("apps.connections.open", APP_TOKEN)[2])["url"]
    equal(Client(url).next()["reason"], "too_many_websockets", "the eleventh")
    equal(len(app.slack.sockets()["connections"]), len(links), "connections")


def test_envelopes_come_twice_late_and_in_another_order(app):
    link = app.open()
    app.slack.duplicate(times=1)
    app.say("a")
    equal(texts(link, 2), ["a", "a"], "twice")
    app.slack.hold()
    for text in "bcd":
        app.say(text)
    equal(link.next(0.3), None, "while they are held")
    app.slack.release(order="reverse")
    equal(texts(link, 3), ["d", "c", "b"], "backwards")
    app.slack.late(seconds=0.3)
    app.say("e")
    app.say("f")
    equal(texts(link, 2), ["f", "e"], "one late")
    app.slack.settings(ack_timeout=0.2)
    app.slack.forget_acks(times=1)
    app.say("g")
    equal(texts(link, 2), ["g", "g"], "an acknowledgement that was lost")


def test_pieces(app):
    app.slack.settings(fragment=7)
    link = app.open()
    app.say()
    link.acknowledge(link.next())
    app.slack.wait_acked()
    app.slack.send_raw(text='{"type": "new"}', pieces=3)
    equal(link.next(), {"type": "new"}, "a frame of ours")


def test_an_upgrade_is_refused(app):
    app.slack.refuse_sockets(status=503)
    url = json.loads(app.api("apps.connections.open", APP_TOKEN)[2])["url"]
    equal((Client(url).status, Client(url).status), (503, 101), "upgrades")


def posted(app, text="x"):
    """(status, error or None, Retry-After) of a message."""
    status, headers, body = app.api("chat.postMessage", channel="C0OPS", text=text)
    return status, json.loads(body).get("error"), headers["Retry-After"]


def test_retry_after(app):
    app.slack.trouble(method="chat.postMessage", kind="ratelimited", retry_after=2, skip=1)
    equal([posted(app), posted(app), posted(app)],
          [(200, None, None), (429, "ratelimited", "2"), (429, "ratelimited", "2")], "answers")
    app.provoked("before its Retry-After was over")
    wait_for("the time to be over", lambda: posted(app)[0] == 200, 5, every=0.1)
    app.slack.forgive(containing="Retry-After")


def test_rates(app):
    app.slack.rates(channel_burst=2)
    equal([posted(app)[0] for _ in range(3)], [200, 200, 429], "in a channel")
    equal(app.slack.violations()["violations"], [], "the first is no violation")
    equal(json.loads(app.api("chat.postMessage", channel="C0SHOP", text="x")[2])["ok"], True, "in another")
    app.slack.rates(method="reactions.add", per_minute=1)
    equal([app.api("reactions.add", channel="C0OPS", timestamp="1700000000.000001", name="eyes")[0]
           for _ in range(2)], [200, 429], "of a method")
    app.slack.rates(off=True)
    equal([posted(app)[0] for _ in range(9)], [200] * 9, "with rates off")


def test_fates(app):
    """Whether a request was carried out, and what the app learns of it."""
    def lost(text):
        try:
            app.api("chat.postMessage", channel="C0OPS", text=text)
        except (http.client.HTTPException, ConnectionError):
            return True
        return False

    def there():
        return [one["text"] for one in app.slack.messages()]
    app.slack.trouble(method="chat.postMessage", kind="cut_before")
    equal((lost("a"), there()), (True, []), "cut before")
    app.slack.trouble(method="chat.postMessage", kind="cut_after")
    equal((lost("b"), there()), (True, ["b"]), "cut after")
    app.slack.trouble(method="*", kind="status", status=502)
    equal((app.api("chat.postMessage", channel="C0OPS", text="c")[0], there()), (502, ["b"]), "a bad gateway")
    app.slack.trouble(method="chat.postMessage", kind="truncated")
    status, _, body = app.api("chat.postMessage", channel="C0OPS", text="d")
    equal((status, body[-1:] == "}", there()), (200, False, ["b", "d"]), "half an answer")
    app.slack.trouble(method="chat.postMessage", kind="html")
    equal((app.api("chat.postMessage", channel="C0OPS", text="e")[2][:6], there()), ("<html>", ["b", "d"]), "a proxy")
    app.slack.trouble(method="chat.postMessage", kind="slow_after", seconds=0.3)
    begun = time.monotonic()
    app.api("chat.postMessage", channel="C0OPS", text="f")
    expect(time.monotonic() - begun >= 0.3, "a slow answer comes at once")
    app.slack.trouble(method="chat.postMessage", kind="error", error="missing_scope", needed="chat:write", provided="")
    answer = json.loads(app.api("chat.postMessage", channel="C0OPS", text="g")[2])
    equal(answer, {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": ""}, "an error")
    app.slack.trouble(method="*", kind="error", error="fatal_error", times=0)
    app.slack.calm()
    equal(there(), ["b", "d", "f"], "in the end")


def test_tokens_are_refused(app):
    app.slack.tokens(bot="token_revoked", app="invalid_auth")
    equal([json.loads(app.api(*how)[2])["error"] for how in (("auth.test",), ("apps.connections.open", APP_TOKEN))],
          ["token_revoked", "invalid_auth"], "errors")
    app.slack.tokens(bot="ok")
    equal(json.loads(app.api("auth.test")[2])["ok"], True, "afterwards")


def test_a_burst_is_measured(app):
    link = app.open()
    app.slack.burst(count=100)
    for _ in range(100):
        link.acknowledge(link.next())
    wait_for("all", lambda: app.slack.burst_result()["acked"] == 100, 5)
    app.api("auth.test")
    equal(app.slack.burst_result()["answers"], {"auth.test": 1}, "requests since it began")
    expect(0 < app.slack.burst_result()["p50"] <= app.slack.burst_result()["p99"], "times")


def test_violations_fail_a_lab(lab):
    """A test that does not look fails all the same, and what it started after the fake is ended too."""
    inner, later = Lab("inner"), []
    try:
        with inner:
            app = App(inner)
            inner.others.append(type("Later", (), {"stop": lambda self: later.append(True)})())
            app.api("chat.postMessage", channel="C0OPS")
    except AssertionError as error:
        expect("no_text" in str(error), f"why: {error}")
        equal(later, [True], "what was stopped")
        return
    expect(False, "nobody noticed")


def test_over_tls(lab):
    certificate, key = lab.path("tls.crt"), lab.path("tls.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    app = App(lab, tls=(certificate, key))
    link = app.open()
    app.say()
    link.acknowledge(link.next())
    app.slack.wait_acked()


def run(name, test):
    try:
        with Lab(name) as lab:
            test(lab if "lab" in test.__code__.co_varnames[:1] else App(lab))
        return True
    except Exception:
        print(f"FAIL {name}\n{traceback.format_exc()}")
        return False


def main():
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    chosen = [name for name in tests if not sys.argv[1:] or name in sys.argv[1:]]
    with ThreadPoolExecutor(4) as pool:
        passed = sum(pool.map(lambda name: run(name, tests[name]), chosen))
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) else 1


sys.exit(main())
