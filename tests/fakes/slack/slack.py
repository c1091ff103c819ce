# SPDX-License-Identifier: Apache-2.0
"""Slack as an app meets it: reads a request, holds it against the facts, lets a method answer it, keeps a record."""
import asyncio
import json
import time
from urllib.parse import parse_qsl

import facts
import http1
import lookups  # noqa: F401  the methods register themselves
import messages
import views  # noqa: F401
from limits import Limits, Troubles
from refusal import METHODS, Refusal, invalid
from sockets import Hub
from world import World

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
OWN_FAULTS = {"invalid_blocks_format": "/blocks"}


class Slack:
    def __init__(self, app, log):
        self.world = World(app)
        self.log = log
        self.violations, self.requests = [], []
        self.hub = Hub(self.wrong)
        self.hub.settings.update((app or {}).get("settings", {}))
        self.limits, self.troubles = Limits(), Troubles()
        self.refused_tokens = {}
        self.triggers, self.responses, self.said = {}, {}, {}
        self.url = ""
        self.world.emit = self.emit

    # What the methods ask

    def wrong(self, what):
        self.violations.append(what)

    @property
    def scopes(self):
        return self.world.app["scopes"]

    def need_scope(self, *any_of):
        if not set(any_of) & set(self.scopes):
            raise Refusal("missing_scope", f"the scope {' or '.join(any_of)} was not granted", needed=any_of[0],
                          provided=",".join(self.scopes))

    def need(self, channel, what):
        self.need_scope(f"{facts.PLACES[channel.kind]}:{what}")

    def inside(self, channel, code, also=None):
        """The app must be a member, or have the scope that does without."""
        if self.world.app["user"] not in channel.members and not (
                also in self.scopes and channel.kind == "public"):
            raise Refusal(code)

    def permalink(self, channel, message):
        thread = message.get("thread_ts", message["ts"])
        more = f"?thread_ts={thread}&cid={channel.id}" if thread != message["ts"] else ""
        return f"https://{self.world.team['domain']}.slack.com/archives/{channel.id}/" \
               f"p{message['ts'].replace('.', '')}{more}"

    def trigger(self, user):
        id = self.world.number("trigger-")
        self.triggers[id] = {"user": user, "until": time.monotonic() + self.hub.settings["trigger_seconds"],
                             "spent": False}
        return id

    def spend_trigger(self, id):
        """Who may be shown a view for it."""
        trigger = self.triggers.get(id)
        if trigger is None:
            raise Refusal("invalid_trigger_id", f"trigger {id}")
        if trigger["spent"]:
            raise Refusal("exchanged_trigger_id", f"trigger {id} was used twice")
        if time.monotonic() > trigger["until"]:
            raise Refusal("expired_trigger_id")
        trigger["spent"] = True
        return trigger["user"]

    def response_url(self, channel, user, message=None):
        id = self.world.number("response-")
        self.responses[id] = {"channel": channel, "user": user, "message": message, "used": 0,
                              "since": time.monotonic()}
        return f"{self.url}/actions/{self.world.team['id']}/{id}"

    def answer_at_once(self, response, answer):
        """The payload of a command's acknowledgement is its first answer."""
        messages.respond(self, response, answer)
        response["used"] -= 1

    def emit(self, kind, event, channel):
        """An event for the app, where it subscribes to it, may know of it and is in the channel."""
        name = kind
        if kind == "message":
            name = "message." + {"public": "channels", "private": "groups"}.get(channel.kind, channel.kind)
        scope = facts.EVENTS[name]
        if name not in self.world.app["events"] or scope and scope not in self.scopes or \
                channel is not None and self.world.app["user"] not in channel.members:
            return
        id = self.world.number("Ev0")
        self.hub.send("events_api", self.wrap(event, id), id)

    def wrap(self, event, id):
        world = self.world
        return {"token": "verification", "team_id": world.team["id"], "api_app_id": world.app["app"],
                "event": event, "type": "event_callback", "event_id": id, "event_time": int(time.time()),
                "authorizations": [{"enterprise_id": None, "team_id": world.team["id"], "is_bot": True,
                                    "user_id": world.app["user"], "is_enterprise_install": False}],
                "is_ext_shared_channel": False, "event_context": "4-" + id}

    # Requests

    async def handle(self, request):
        """The bytes of the answer to a request; raises Cut where the connection is to end instead."""
        kind, name = self.route(request)
        record = {"n": len(self.requests) + 1, "at": time.time(), "method": name, "arguments": {}, "status": None,
                  "answer": None, "violations": []}
        self.requests.append(record)
        rule = self.troubles.take(name)
        before = len(self.violations)
        try:
            return await self.carry_out(kind, name, request, rule, record)
        finally:
            record["violations"] = self.violations[before:] if record["status"] is None else \
                record["violations"]
            self.log.write(json.dumps(record, ensure_ascii=False) + "\n")
            self.log.flush()

    def route(self, request):
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["upload", "v1"] and len(parts) == 3:
            return "upload", "upload"
        if parts[0] == "actions" and len(parts) == 3:
            return "response", "response_url"
        if parts[0] == "api" and len(parts) == 2:
            return "api", parts[1]
        return "nothing", request.path

    async def carry_out(self, kind, name, request, rule, record):
        trouble = rule.get("kind")
        if trouble == "slow":
            await asyncio.sleep(rule["seconds"])
        if trouble == "stall":
            await asyncio.sleep(3600)
        if trouble == "cut_before":
            raise http1.Cut()
        before = len(self.violations)
        if trouble == "status":
            status, body, headers = rule.get("status", 500), str(rule.get("body", "upstream error")).encode(), {}
        elif trouble == "html":
            status, body, headers = 200, b"<html><body>Welcome to our proxy</body></html>", \
                {"Content-Type": "text/html"}
        else:
            status, body, headers = getattr(self, "do_" + kind)(name, request, rule, record)
        record.update(status=status, violations=self.violations[before:],
                      answer=body if isinstance(body, dict) else body.decode("utf-8", "replace"))
        if trouble == "slow_after":
            await asyncio.sleep(rule["seconds"])
        if trouble == "cut_after":
            raise http1.Cut()
        if trouble == "truncated":
            whole = json.dumps(body).encode() if isinstance(body, dict) else body
            body, headers = whole[:len(whole) // 2], {**headers, "Content-Type": "application/json"}
        return http1.response(status, body, headers)

    def do_nothing(self, name, request, rule, record):
        self.wrong(f"{request.verb} {name}: there is no such address")
        return 404, b"not found", {}

    def do_upload(self, name, request, rule, record):
        if key := self.limited("upload", {}, rule):
            return self.too_many(key, rule, 1)
        try:
            messages.upload(self, request.path.rsplit("/", 1)[1], request.body,
                            request.headers.get("content-type", ""))
        except Refusal as refusal:
            self.note(name, refusal)
            return 400, refusal.code.encode(), {}
        return 200, f"OK - {len(request.body)}".encode(), {}

    def do_response(self, name, request, rule, record):
        if key := self.limited("response_url", {}, rule):
            return self.too_many(key, rule, 1)
        try:
            if "authorization" in request.headers:
                self.wrong("response_url: a token was sent to a response address")
            response = self.responses.get(request.path.rsplit("/", 1)[1])
            if response is None:
                raise Refusal("expired_url", "a response address that was never given")
            record["arguments"] = messages.parse(request.body)
            messages.respond(self, response, record["arguments"])
        except Refusal as refusal:
            self.note(name, refusal)
            gone = refusal.code in ("used_url", "expired_url")
            return 404 if gone else 400, {"ok": False, "error": refusal.code}, {}
        return 200, b"ok", {}

    def note(self, name, refusal):
        if refusal.wrong:
            self.wrong(f"{name}: {refusal.code}: {refusal.wrong}")

    def limited(self, name, arguments, rule):
        """What it must wait for, or None. Coming before its time is a violation."""
        for key in self.limits.keys(name, arguments):
            if self.limits.early(key):
                self.wrong(f"{name}: asked {self.limits.early(key):.2f} s before its Retry-After was over")
                return key
        return name if rule.get("kind") == "ratelimited" else None

    def too_many(self, key, rule, seconds):
        after = self.limits.block(key, max(seconds, rule.get("retry_after", 0)))
        return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(after)}

    # The Web API

    def do_api(self, name, request, rule, record):
        notes, headers = [], {}
        try:
            arguments = {key: value for key, value in self.arguments(name, request, notes).items()
                         if key not in self.world.app["tolerate"]}
            record["arguments"] = arguments
            self.check_token(name, request)
            if key := self.limited(name, arguments, rule):
                return self.too_many(key, rule, 1)
            key, seconds = self.limits.wait(name, arguments)
            if seconds:
                return self.too_many(key, rule, seconds)
            headers = {"x-oauth-scopes": ",".join(self.scopes)}
            answer = {"ok": True, **self.answer(name, arguments, rule)}
        except Refusal as refusal:
            self.note(name, refusal)
            answer = {"ok": False, "error": refusal.code, **refusal.more}
        if notes and answer["ok"]:
            answer.setdefault("warning", ",".join(notes))
            answer.setdefault("response_metadata", {}).setdefault("warnings", notes)
        return 200, answer, headers

    def answer(self, name, arguments, rule):
        """The keys of a good answer."""
        if rule.get("kind") == "error":
            raise Refusal(rule["error"], **{key: rule[key] for key in ("needed", "provided") if key in rule})
        found = facts.check(name, arguments)
        for code, where in OWN_FAULTS.items():
            if any(what.endswith(f"[json-pointer:{where}]") for what in found):
                raise Refusal(code, "; ".join(found))
        if found:
            raise invalid(found)
        row = facts.METHODS[name]
        if row["token"] == "bot" and len(row["scopes"]) == 1:
            self.need_scope(*row["scopes"])
        return METHODS[name](self, arguments)

    def arguments(self, name, request, notes):
        """The arguments of a request, from its body or, where it asks by GET, from its address."""
        if name not in METHODS:
            raise Refusal("unknown_method", "there is no such method, or the fake does not play it",
                          req_method=name)
        row, kind = facts.METHODS[name], request.headers.get("content-type", "").split(";")[0].strip()
        charset = "charset" in request.headers.get("content-type", "")
        if "token" in dict(request.query):
            raise Refusal("invalid_auth", "a token in the address")
        if request.verb == "GET" and row["form"]:
            return facts.from_form(name, dict(request.query))
        if request.verb != "POST" or request.query:
            raise Refusal("invalid_arguments", f"{request.verb} with arguments in the address")
        if not request.body:
            return {}
        if kind == JSON:
            if row["form"]:
                raise Refusal("invalid_arguments", "this method does not read JSON",
                              response_metadata={"messages": ["[ERROR] missing required fields"]})
            if not charset:
                notes.append("missing_charset")
            return self.parse(request.body)
        if kind != FORM:
            raise Refusal("invalid_post_type", f"content type {kind or 'none'}")
        if charset:
            notes.append("superfluous_charset")
        pairs = parse_qsl(request.body.decode("utf-8", "strict"), keep_blank_values=True)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Refusal("invalid_form_data", "an argument twice in the form")
        if "token" in fields:  # a form may carry it too
            request.headers["authorization"] = "Bearer " + fields.pop("token")
        return facts.from_form(name, fields)

    def parse(self, body):
        try:
            arguments = json.loads(body)
        except ValueError:
            raise Refusal("invalid_json", "the body is not JSON") from None
        if not isinstance(arguments, dict):
            raise Refusal("json_not_object", "the body is not a JSON object")
        return arguments

    def check_token(self, name, request):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise Refusal("not_authed", "no token")
        wanted, app = facts.METHODS[name]["token"], self.world.app
        if token not in (app["bot_token"], app["app_token"]):
            raise Refusal("invalid_auth")
        which = "bot" if token == app["bot_token"] else "app"
        if self.refused_tokens.get(which):
            raise Refusal(self.refused_tokens[which])
        if which != wanted and name != "auth.test":
            raise Refusal("not_allowed_token_type", f"the {which} token for a method that takes the {wanted} token")
        if which == "app" and name == "apps.connections.open" and "connections:write" not in app["app_scopes"]:
            raise Refusal("missing_scope", needed="connections:write", provided=",".join(app["app_scopes"]))
