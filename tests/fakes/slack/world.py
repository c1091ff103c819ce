# SPDX-License-Identifier: Apache-2.0
"""The workspace: people, groups, channels, messages, reactions, files and views, and the events of each change.

A World knows nothing of HTTP. What changes in it is told to `emit(kind, event, channel)`, which the sockets
turn into envelopes for an app that is a member of that channel.
"""
import re
import time

import blocks as kit
import facts

TEAM = {"id": "T0SHOP", "domain": "shop", "name": "Shop"}
APP = {"user": "U0MIDWATCH", "bot": "B0MIDWATCH", "app": "A0MIDWATCH", "name": "midwatch", "command": "/midwatch",
       "bot_token": "xoxb-1-midwatch", "app_token": "xapp-1-midwatch", "scopes": facts.SCOPES,
       "app_scopes": ["connections:write"], "tolerate": [],
       "events": ["app_home_opened", "app_mention", "message.channels", "message.groups", "message.im",
                  "message.mpim", "reaction_added", "reaction_removed"]}
PEOPLE = [
    {"name": "alice"}, {"name": "bob"}, {"name": "carol"}, {"name": "gina", "is_restricted": True},
    {"name": "sam", "is_restricted": True, "is_ultra_restricted": True},
    {"name": "otto", "team_id": "T0OTHER", "is_stranger": True}, {"name": "dora", "deleted": True},
    {"name": "robot", "is_bot": True}]
GROUPS = [{"id": "S0ONCALL", "handle": "oncall", "users": ["U0ALICE", "U0BOB"]}]
CHANNELS = [
    {"id": "C0OPS", "name": "ops", "app": True}, {"id": "C0SHOP", "name": "shop", "app": True},
    {"id": "C0GENERAL", "name": "general"}, {"id": "C0SECRET", "name": "secret", "kind": "private"},
    {"id": "C0OLD", "name": "old", "archived": True, "app": True}]


class Cannot(Exception):
    """A person could not do that; a sentence says why."""


class Channel:
    def __init__(self, id, name, kind="public", archived=False, members=(), user=None):
        self.id, self.name, self.kind, self.archived, self.user = id, name, kind, archived, user
        self.members = set(members)
        self.messages, self.threads = {}, {}
        self.ephemerals = []

    def type(self):
        """Its kind, as an event says it."""
        return {"public": "channel", "private": "group"}.get(self.kind, self.kind)

    def replies(self, ts):
        """The messages under that one, oldest first."""
        return [self.messages[reply] for reply in self.threads.get(ts, []) if reply in self.messages]


class World:
    def __init__(self, app=None):
        app = app or {}
        self.app = {**APP, **{key: value for key, value in app.items() if key in APP}}
        self.team = TEAM
        self.last_ts = 0
        self.numbers = {}
        self.emit = lambda kind, event, channel: None
        self.people = {}
        for person in [{"id": self.app["user"], "name": self.app["name"], "is_bot": True}] + \
                app.get("people", PEOPLE):
            self.add_person(person)
        self.groups = {group["id"]: {"disabled": False, **group} for group in app.get("groups", GROUPS)}
        everyone = {id for id, user in self.people.items()
                    if id != self.app["user"] and not user["deleted"]}
        self.channels = {}
        for channel in app.get("channels", CHANNELS):
            members = {self.person(name)["id"] for name in channel["members"]} if "members" in channel \
                else set(everyone)
            self.channels[channel["id"]] = Channel(
                channel["id"], channel["name"], channel.get("kind", "public"), channel.get("archived", False),
                members | ({self.app["user"]} if channel.get("app") else set()))
        self.files, self.uploads = {}, {}
        self.views, self.homes, self.modals = {}, {}, {}

    def add_person(self, person):
        user = {"id": "U0" + person["name"].upper(), "team_id": TEAM["id"], "deleted": False, "is_bot": False,
                "is_restricted": False, "is_ultra_restricted": False, "is_stranger": False, "is_admin": False,
                "email": f"{person['name']}@example.org", "tz": "Europe/Berlin", **person}
        self.people[user["id"]] = user

    # Names and numbers

    def number(self, prefix):
        self.numbers[prefix] = self.numbers.get(prefix, 0) + 1
        return f"{prefix}{self.numbers[prefix]:04d}"

    def ts(self):
        """A timestamp that no message had."""
        self.last_ts = max(int(time.time() * 1000000), self.last_ts + 1)
        return f"{self.last_ts // 1000000}.{self.last_ts % 1000000:06d}"

    def person(self, name):
        for user in self.people.values():
            if name in (user["id"], user["name"]):
                return user
        raise Cannot(f"nobody is called {name}")

    def channel(self, name):
        for channel in self.channels.values():
            if name in (channel.id, channel.name, "#" + channel.name):
                return channel
        raise Cannot(f"no channel is called {name}")

    def im(self, user):
        """The conversation of a person with the app, opened where there was none."""
        id = "D0" + user[2:]
        if id not in self.channels:
            self.channels[id] = Channel(id, id, "im", members={user, self.app["user"]}, user=user)
        return self.channels[id]

    # Messages

    def post(self, channel, user, text, **more):
        """Adds a message and tells of it. `more`: blocks, thread_ts, broadcast, metadata, files, unfurl …"""
        ts = self.ts()
        message = {"type": "message", "user": user, "text": text, "ts": ts, "team": self.people[user]["team_id"]}
        if user == self.app["user"]:
            message.update(bot_id=self.app["bot"], app_id=self.app["app"], bot_profile={
                "id": self.app["bot"], "app_id": self.app["app"], "name": self.app["name"], "deleted": False,
                "team_id": TEAM["id"]})
        elif self.people[user]["is_bot"]:
            message.update(bot_id="B" + user[1:], subtype="bot_message")
        else:
            message["client_msg_id"] = self.number("client-")
        for key in ("blocks", "attachments", "thread_ts", "metadata", "files", "username"):
            if more.get(key):
                message[key] = more[key]
        if message.get("blocks"):
            message["blocks"] = kit.named(message["blocks"], self.number)
        if more.get("thread_ts"):
            channel.threads.setdefault(more["thread_ts"], []).append(ts)
            root = channel.messages.get(more["thread_ts"])
            if root and "thread_ts" not in root:
                root["thread_ts"] = root["ts"]
            if root:
                message["parent_user_id"] = root["user"]
            if more.get("broadcast"):
                message["subtype"] = "thread_broadcast"
        if more.get("files"):
            message["subtype"] = "file_share"
        message["_unfurl"] = more.get("unfurl", True)
        channel.messages[ts] = message
        self.tell_message(channel, message)
        return message

    def tell_message(self, channel, message):
        event = {**without(self.shown(channel, message), "app_id"), "channel": channel.id,
                 "event_ts": message["ts"], "channel_type": channel.type()}
        if message.get("subtype") == "thread_broadcast":
            event = {**without(event, "parent_user_id"),
                     "root": self.shown(channel, channel.messages[message["thread_ts"]])}
        self.emit("message", event, channel)
        if f"<@{self.app['user']}>" in message["text"] and message["user"] != self.app["user"]:
            event = without(event, "channel_type", "parent_user_id")
            self.emit("app_mention", {**event, "type": "app_mention"}, channel)

    def shown(self, channel, message, metadata=False, reactions=False):
        """A message as Slack gives it away."""
        shown = {key: value for key, value in message.items()
                 if not key.startswith("_") and key != "reactions" and (metadata or key != "metadata")}
        if reactions and message.get("reactions"):
            shown["reactions"] = [{"name": name, "users": list(users), "count": len(users)}
                                  for name, users in message["reactions"].items()]
        if message.get("subtype") == "bot_message":
            shown = {**without(shown, "user", "team"), "username": self.people[message["user"]]["name"]}
        replies = channel.replies(message["ts"])
        if replies:
            users = list(dict.fromkeys(reply["user"] for reply in replies))
            shown.update(reply_count=len(replies), reply_users_count=len(users), reply_users=users,
                         latest_reply=replies[-1]["ts"])
        return shown

    def change(self, channel, message, user, **changes):
        """Edits a message; a value of None takes its key away."""
        previous = self.shown(channel, message)
        changes["blocks"] = kit.named(changes.get("blocks"), self.number)
        for key, value in changes.items():
            if value is None:
                message.pop(key, None)
            else:
                message[key] = value
        message["edited"] = {"user": user, "ts": self.ts()}
        self.tell_change(channel, "message_changed", previous, message=without(self.shown(channel, message), "app_id"))

    def tell_change(self, channel, subtype, previous, **more):
        ts = self.ts()
        self.emit("message", {
            "type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": ts,
            "event_ts": ts, "previous_message": previous, **more,
            "channel_type": channel.type()}, channel)

    def delete(self, channel, message):
        """Takes a message away; one that has replies leaves a tombstone."""
        previous = self.shown(channel, message)
        if channel.replies(message["ts"]):
            channel.messages[message["ts"]] = {
                "type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True,
                "text": "This message was deleted.", "ts": message["ts"], "thread_ts": message["ts"],
                "_unfurl": False}
        else:
            del channel.messages[message["ts"]]
        self.tell_change(channel, "message_deleted", previous, deleted_ts=message["ts"])

    def whisper(self, channel, user, text, **more):
        """A message that only one person sees, until they close the window."""
        message = {"type": "message", "user": self.app["user"], "bot_id": self.app["bot"], "text": text,
                   "ts": self.ts(), "_to": user, "_unfurl": False,
                   **{key: more[key] for key in ("blocks", "thread_ts") if more.get(key)}}
        if "blocks" in message:
            message["blocks"] = kit.named(message["blocks"], self.number)
        channel.ephemerals.append(message)
        return message

    # Reactions

    def react(self, channel, message, user, name):
        """False where that person had reacted so before. Skin tones of one emoji are different names."""
        users = message.setdefault("reactions", {}).setdefault(name, [])
        if user in users:
            return False
        users.append(user)
        self.tell_reaction("reaction_added", channel, message, user, name)
        return True

    def unreact(self, channel, message, user, name):
        users = message.get("reactions", {}).get(name, [])
        if user not in users:
            return False
        users.remove(user)
        if not users:
            del message["reactions"][name]
        self.tell_reaction("reaction_removed", channel, message, user, name)
        return True

    def tell_reaction(self, kind, channel, message, user, name):
        self.emit(kind, {"type": kind, "user": user, "reaction": name, "item_user": message["user"],
                         "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
                         "event_ts": self.ts()}, channel)

    # People, as Slack gives them away

    def profile(self, user, email):
        """users.info's user."""
        profile = {"real_name": user["name"].title(), "display_name": user["name"], "team": user["team_id"]}
        if email and not user["is_bot"] and not user["is_stranger"]:
            profile["email"] = user["email"]
        shown = {key: user[key] for key in ("id", "team_id", "name", "deleted", "is_bot", "tz", "is_restricted",
                                            "is_ultra_restricted", "is_admin", "is_stranger")}
        if user["deleted"]:
            for key in ("tz", "is_restricted", "is_ultra_restricted", "is_admin"):
                del shown[key]
        if not user["is_stranger"]:
            del shown["is_stranger"]
        return {**shown, "real_name": profile["real_name"], "profile": profile}

    def conversation(self, channel):
        """conversations.info's channel."""
        shown = {"id": channel.id, "is_channel": channel.kind == "public", "is_group": False,
                 "is_im": channel.kind == "im", "is_mpim": False, "is_private": channel.kind != "public",
                 "is_archived": channel.archived, "created": 1700000000, "context_team_id": TEAM["id"]}
        if channel.kind == "im":
            return {**shown, "user": channel.user}
        return {**shown, "name": channel.name, "name_normalized": channel.name,
                "is_member": self.app["user"] in channel.members, "is_general": channel.name == "general",
                "topic": {"value": "", "creator": "", "last_set": 0},
                "purpose": {"value": "", "creator": "", "last_set": 0}}


def without(keys, *taken):
    return {key: value for key, value in keys.items() if key not in taken}


def mentions(text):
    """Whom a text calls: users, groups, here, channel, everyone; as Slack's control sequences say."""
    found = []
    for kind, name in re.findall(r"<(@|!)([^>|]+)(?:\|[^>]*)?>", text):
        if kind == "@":
            found.append(name)
        elif name.startswith("subteam^"):
            found.append(name[len("subteam^"):])
        elif name in ("here", "channel", "everyone"):
            found.append(name)
    return found
