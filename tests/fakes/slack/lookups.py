# SPDX-License-Identifier: Apache-2.0
"""The methods that look things up: auth, conversations, users, usergroups, reactions."""
import facts
from messages import bare
from refusal import Refusal, channel_of, message_of, method, page
from world import without


@method("auth.test")
def auth_test(slack, arguments):
    world, app = slack.world, slack.world.app
    return {"url": f"https://{world.team['domain']}.slack.com/", "team": world.team["name"], "user": app["name"],
            "team_id": world.team["id"], "user_id": app["user"], "bot_id": app["bot"],
            "is_enterprise_install": False}


@method("apps.connections.open")
def connections_open(slack, arguments):
    return {"url": slack.hub.ticket()}


@method("conversations.info")
def conversations_info(slack, arguments):
    channel = channel_of(slack, arguments)
    slack.need(channel, "read")
    shown = slack.world.conversation(channel)
    if arguments.get("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


@method("conversations.list")
def conversations_list(slack, arguments):
    kinds = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
    asked = (arguments.get("types") or "public_channel").split(",")
    if not set(asked) <= set(kinds):
        raise Refusal("invalid_types", f"types {asked}")
    for kind in asked:
        slack.need_scope(f"{facts.PLACES[kinds[kind]]}:read")
    world = slack.world
    shown = [world.conversation(channel) for channel in world.channels.values()
             if channel.kind in [kinds[kind] for kind in asked] and
             (channel.kind == "public" or world.app["user"] in channel.members) and
             not (arguments.get("exclude_archived") and channel.archived)]
    shown, metadata = page(shown, arguments, 100)
    return {"channels": shown, "response_metadata": metadata}


@method("conversations.members")
def conversations_members(slack, arguments):
    channel = channel_of(slack, arguments)
    slack.need(channel, "read")
    members, metadata = page(sorted(channel.members), arguments, 100)
    return {"members": members, "response_metadata": metadata}


@method("conversations.join")
def conversations_join(slack, arguments):
    channel = channel_of(slack, arguments)
    if channel.kind != "public":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    more = {}
    if slack.world.app["user"] in channel.members:
        more = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    channel.members.add(slack.world.app["user"])
    return {"channel": slack.world.conversation(channel), **more}


@method("conversations.open")
def conversations_open(slack, arguments):
    slack.need_scope("im:write")
    if "channel" in arguments:
        channel = channel_of(slack, arguments)
    else:
        users = arguments["users"].split(",")
        if len(users) != 1:
            raise Refusal("users_list_not_supplied", "the fake opens conversations with one person only")
        if users[0] not in slack.world.people:
            raise Refusal("user_not_found")
        channel = slack.world.im(users[0])
    return {"channel": {"id": channel.id}}


def within(slack, arguments, messages):
    """Those between oldest and latest."""
    oldest, latest = arguments.get("oldest", "0"), arguments.get("latest")
    for name, value in (("oldest", oldest), ("latest", latest)):
        if value not in (None, "0") and not facts.TS.fullmatch(value):
            raise Refusal(f"invalid_ts_{name}", f"{name}: {value}")
    both = arguments.get("inclusive", False)

    def inside(ts):
        after = oldest == "0" or ts > oldest or both and ts == oldest
        return after and (latest is None or ts < latest or both and ts == latest)
    return [message for message in messages if inside(message["ts"])]


@method("conversations.history")
def conversations_history(slack, arguments):
    channel = channel_of(slack, arguments)
    slack.need(channel, "history")
    if slack.world.app["user"] not in channel.members:
        raise Refusal("not_in_channel")
    whole = [message for message in channel.messages.values()
             if message.get("thread_ts", message["ts"]) == message["ts"] or
             message.get("subtype") == "thread_broadcast"]
    found, metadata = page(within(slack, arguments, whole)[::-1], arguments, 100, 999)
    shown = [slack.world.shown(channel, message, arguments.get("include_all_metadata"), True)
             for message in found]
    return {"messages": shown, "has_more": bool(metadata["next_cursor"]), "pin_count": 0,
            "response_metadata": metadata}


@method("conversations.replies")
def conversations_replies(slack, arguments):
    channel = channel_of(slack, arguments)
    slack.need(channel, "history")
    root = message_of(channel, arguments["ts"], "thread_not_found")
    inside = within(slack, arguments, channel.replies(root["ts"]))
    found, metadata = page(inside, arguments, 1000)
    shown = [slack.world.shown(channel, message, arguments.get("include_all_metadata"), True)
             for message in [root] + found]
    return {"messages": shown, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


@method("users.info")
def users_info(slack, arguments):
    user = slack.world.people.get(arguments["user"])
    if user is None:
        raise Refusal("user_not_found")
    return {"user": slack.world.profile(user, "users:read.email" in slack.scopes)}


@method("users.list")
def users_list(slack, arguments):
    shown = [without(slack.world.profile(user, "users:read.email" in slack.scopes), "is_stranger")
             for user in slack.world.people.values()]
    shown, metadata = page(shown, arguments, len(shown))
    return {"members": shown, "cache_ts": 1700000000, "response_metadata": metadata}


@method("users.lookupByEmail")
def users_lookup(slack, arguments):
    for user in slack.world.people.values():
        if user["email"] == arguments["email"].lower() and \
                not (user["deleted"] or user["is_bot"] or user["is_stranger"]):
            return {"user": slack.world.profile(user, True)}
    raise Refusal("users_not_found")


def group_of(slack, id, disabled):
    group = slack.world.groups.get(id)
    if group is None or group["disabled"] and not disabled:
        raise Refusal("no_such_subteam")
    return group


@method("usergroups.list")
def usergroups_list(slack, arguments):
    shown = []
    for group in slack.world.groups.values():
        if group["disabled"] and not arguments.get("include_disabled"):
            continue
        row = {"id": group["id"], "team_id": slack.world.team["id"], "is_usergroup": True, "is_subteam": True,
               "name": group["handle"], "handle": group["handle"], "is_external": False,
               "date_delete": 1700000000 if group["disabled"] else 0}
        if arguments.get("include_users"):
            row["users"] = group["users"]
        if arguments.get("include_count"):
            row["user_count"] = len(group["users"])
        shown.append(row)
    return {"usergroups": shown}


@method("usergroups.users.list")
def usergroups_users(slack, arguments):
    return {"users": group_of(slack, arguments["usergroup"], arguments.get("include_disabled"))["users"]}


def reacted(slack, arguments):
    """The channel and the message of a reaction."""
    if not {"channel", "timestamp"} <= set(arguments):
        raise Refusal("no_item_specified", "reactions of files are not played")
    channel = channel_of(slack, arguments)
    if not facts.TS.fullmatch(arguments["timestamp"]):
        raise Refusal("bad_timestamp", f"timestamp {arguments['timestamp']}")
    return channel, message_of(channel, arguments["timestamp"])


def emoji(arguments):
    if not facts.EMOJI.fullmatch(arguments["name"]):
        raise Refusal("invalid_name", f"name {arguments['name']}: the name of an emoji without colons")
    return arguments["name"]


@method("reactions.add")
def reactions_add(slack, arguments):
    channel, message = reacted(slack, arguments)
    name = emoji(arguments)
    slack.inside(channel, "no_access")
    if not slack.world.react(channel, message, slack.world.app["user"], name):
        raise Refusal("already_reacted")
    return {}


@method("reactions.remove")
def reactions_remove(slack, arguments):
    channel, message = reacted(slack, arguments)
    if not slack.world.unreact(channel, message, slack.world.app["user"], emoji(arguments)):
        raise Refusal("no_reaction")
    return {}


@method("reactions.get")
def reactions_get(slack, arguments):
    channel, message = reacted(slack, arguments)
    return {"type": "message", "channel": channel.id,
            "message": {**bare(slack.world.shown(channel, message, False, True), "edited"),
                        "permalink": slack.permalink(channel, message)}}
