# SPDX-License-Identifier: Apache-2.0
"""The control API: the verbs by which a test looks at the fake and makes it misbehave. README.md lists them."""
import asyncio
import time

import messages
import seen
import websocket as ws
from people import VERBS, place, verb
from sockets import Burst
from world import Cannot


@verb
def read(slack, channel, person=None, thread=None):
    return seen.read(slack, channel, person, thread)


@verb
def views(slack, person):
    return seen.views(slack, person)


@verb
def file(slack, id):
    if id not in slack.world.files:
        raise Cannot(f"no file {id}")
    return messages.show_file(slack.world.files[id])


@verb
def troubles_seen(slack, person):
    return {"troubles": slack.said.get(slack.world.person(person)["id"], [])}


@verb
def requests(slack, method=None, since=0):
    return {"requests": [record for record in slack.requests[since:]
                         if method in (None, record["method"])]}


@verb
def envelopes(slack):
    return {"envelopes": [
        {"id": one.id, "type": one.kind, "key": one.key, "attempt": one.attempt, "connection": one.connection,
         "sent": one.sent, "acked": one.acked, "held": one.held, "waiting": one.waiting, "lost": one.lost,
         "event": one.payload.get("event", one.payload).get("type")} for one in slack.hub.envelopes]}


@verb
def sockets(slack):
    now = time.monotonic()
    return {"opened": slack.hub.opened, "connections": [
        {"id": link.number, "age": round(now - link.opened, 3), "silent": link.silent is not None,
         "leaving": link.leaving, "sent": link.sent, "acked": link.acked, "pings": link.pings,
         "pongs": link.pongs} for link in slack.hub.connections]}


@verb
def violations(slack):
    return {"violations": slack.violations}


@verb
def forgive(slack, containing=""):
    forgiven = [what for what in slack.violations if containing in what]
    slack.violations[:] = [what for what in slack.violations if containing not in what]
    return {"forgiven": forgiven}


@verb
def trouble(slack, method, kind, **more):
    try:
        slack.troubles.add(method, kind, **more)
    except ValueError as error:
        raise Cannot(str(error)) from None
    return {}


@verb
def calm(slack, method=None):
    slack.troubles.calm(method)
    if method is None:
        slack.hub.refusals = 0
    return {}


@verb
def rates(slack, **more):
    slack.limits.set(**more)
    return {}


@verb
def settings(slack, **more):
    strange = set(more) - set(slack.hub.settings)
    if strange:
        raise Cannot(f"no such settings: {sorted(strange)}")
    slack.hub.settings.update(more)
    return {"settings": slack.hub.settings}


@verb
def tokens(slack, bot=None, app=None):
    for which, word in (("bot", bot), ("app", app)):
        if word is not None:
            slack.refused_tokens[which] = None if word == "ok" else word
    return {}


@verb
def scopes(slack, scopes):
    slack.world.app["scopes"] = scopes
    return {}


@verb
def person(slack, name, **more):
    """Adds a person, or changes one."""
    try:
        slack.world.person(name).update(more)
    except Cannot:
        slack.world.add_person({"name": name, **more})
    return {"person": slack.world.person(name)}


@verb
def group(slack, id, users, disabled=False):
    handle = slack.world.groups.get(id, {}).get("handle", id.lower())
    slack.world.groups[id] = {"id": id, "handle": handle, "disabled": disabled,
                              "users": [slack.world.person(name)["id"] for name in users]}
    return {}


@verb
def event(slack, event):
    """Any event at all, whether the app subscribes to it or not."""
    id = slack.world.number("Ev0")
    slack.hub.send("events_api", slack.wrap({"event_ts": slack.world.ts(), **event}, id), id)
    return {"event_id": id}


# Sockets that misbehave

def links(slack, connection=None):
    found = [link for link in slack.hub.connections if connection in (None, link.number)]
    if not found:
        raise Cannot("there is no such connection")
    return found


@verb
def duplicate(slack, times):
    slack.hub.doubles = times
    return {}


@verb
def forget_acks(slack, times):
    slack.hub.forgets = times
    return {}


@verb
def hold(slack):
    slack.hub.holding = True
    return {}


@verb
def release(slack, order="same", seed=0):
    return {"released": slack.hub.release(order, seed)}


@verb
def late(slack, seconds, times=1):
    slack.hub.lates, slack.hub.late_seconds = times, seconds
    return {}


@verb
def disconnect(slack, reason, connection=None, close_after=0.5):
    for link in links(slack, connection):
        link.disconnect(reason, close_after)
    return {}


@verb
def drop(slack, connection=None, how="abort"):
    for link in links(slack, connection):
        link.abort() if how == "abort" else link.close()
    return {}


@verb
def silence(slack, pongs=True, new=False):
    for link in slack.hub.connections:
        link.silent = pongs
    slack.hub.new_silent = pongs if new else None
    return {}


@verb
def unsilence(slack):
    for link in slack.hub.connections:
        link.silent = None
    slack.hub.new_silent = None
    return {}


@verb
def refuse_sockets(slack, status=503, times=1):
    slack.hub.refusals, slack.hub.refusal_status = times or -1, status
    return {}


@verb
def send_raw(slack, text, connection=None, pieces=1, binary=False):
    data = text.encode()
    for link in links(slack, connection):
        link.control(ws.message(ws.BINARY if binary else ws.TEXT, data, max(1, -(-len(data) // pieces))))
    return {}


@verb
def burst(slack, count, text="status", person="alice", channel="ops", kind="command", ts=None, per_second=None):
    """Sends many envelopes; burst_result tells how they were acknowledged."""
    user, found = place(slack, person, channel)
    links(slack)
    slack.burst = Burst(slack.hub, [make_burst(slack, kind, user, found, text, ts) for _ in range(count)])
    slack.burst_from = len(slack.requests)
    slack.task = asyncio.ensure_future(slack.burst.run(per_second))
    return {}


def make_burst(slack, kind, user, channel, text, ts):
    if kind == "command":
        return "slash_commands", {
            "token": "verification", "team_id": slack.world.team["id"], "team_domain": "shop",
            "channel_id": channel.id, "channel_name": channel.name, "user_id": user,
            "user_name": slack.world.people[user]["name"], "command": slack.world.app["command"], "text": text,
            "api_app_id": slack.world.app["app"], "is_enterprise_install": "false",
            "response_url": slack.response_url(channel, user), "trigger_id": slack.trigger(user)}
    event_ts = slack.world.ts()
    return "events_api", slack.wrap(
        {"type": "reaction_added", "user": user, "reaction": text, "item_user": slack.world.app["user"],
         "item": {"type": "message", "channel": channel.id, "ts": ts or event_ts}, "event_ts": event_ts},
        slack.world.number("Ev0"))


@verb
def burst_result(slack):
    since = slack.requests[slack.burst_from:]
    answers = {}
    for record in since:
        if record["status"] == 200:
            answers[record["method"]] = answers.get(record["method"], 0) + 1
    return {**slack.burst.result(), "answers": answers}


async def carry_out(slack, name, arguments):
    """(status, answer) of a verb."""
    if name not in VERBS:
        return 404, {"ok": False, "error": f"no such verb: {name}"}
    try:
        return 200, {"ok": True, **VERBS[name](slack, **arguments)}
    except Cannot as cannot:
        return 400, {"ok": False, "error": str(cannot)}
    except TypeError as error:
        if VERBS[name].__name__ not in str(error):
            raise
        return 400, {"ok": False, "error": str(error)}
