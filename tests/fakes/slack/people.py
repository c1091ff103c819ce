# SPDX-License-Identifier: Apache-2.0
"""What a person does: each function is a verb of the control API and returns the answer's keys."""
import blocks as kit
import views
from world import Cannot

VERBS = {}


def verb(function):
    VERBS[function.__name__] = function
    return function


def place(slack, person, channel):
    """The person and the channel, which that person must be in."""
    user = slack.world.person(person)
    found = slack.world.im(user["id"]) if channel in ("im", "D0" + user["id"][2:]) else \
        slack.world.channel(channel)
    if user["deleted"]:
        raise Cannot(f"{person} has no account any more")
    if user["id"] not in found.members:
        raise Cannot(f"{person} is not in {channel}")
    return user["id"], found


def message_at(channel, ts):
    for message in list(channel.messages.values()) + channel.ephemerals:
        if message["ts"] == ts:
            return message
    raise Cannot(f"no message {ts} in {channel.name}")


@verb
def say(slack, person, channel, text, thread=None):
    user, found = place(slack, person, channel)
    if found.archived:
        raise Cannot(f"{channel} is archived")
    text = text.replace("@" + slack.world.app["name"], f"<@{slack.world.app['user']}>") \
        if f"<@{slack.world.app['user']}>" not in text else text
    if thread is not None:
        thread = message_at(found, thread).get("thread_ts", thread)
    return {"ts": slack.world.post(found, user, text, thread_ts=thread)["ts"]}


@verb
def edit(slack, person, channel, ts, text):
    user, found = place(slack, person, channel)
    message = message_at(found, ts)
    if message["user"] != user:
        raise Cannot("one edits one's own messages")
    slack.world.change(found, message, user, text=text, blocks=message.get("blocks"))
    return {}


@verb
def delete(slack, person, channel, ts):
    _, found = place(slack, person, channel)
    slack.world.delete(found, message_at(found, ts))
    return {}


def complain(slack, user, channel):
    """What Slack says to a person whose command or button nobody answered."""
    return lambda word: slack.said.setdefault(user, []).append(word)


@verb
def command(slack, person, channel, text, command=None):
    user, found = place(slack, person, channel)
    if "commands" not in slack.scopes:
        raise Cannot("the app has no commands")
    name = command or slack.world.app["command"]
    if name != slack.world.app["command"]:
        raise Cannot(f"{name} is not a valid command")
    trigger = slack.trigger(user)
    payload = {"token": "verification", "team_id": slack.world.team["id"], "user_id": user,
               "team_domain": slack.world.team["domain"], "channel_id": found.id, "channel_name":
               {"private": "privategroup", "im": "directmessage"}.get(found.kind, found.name),
               "user_name": slack.world.people[user]["name"], "command": name, "text": text,
               "api_app_id": slack.world.app["app"], "is_enterprise_install": "false",
               "response_url": slack.response_url(found, user), "trigger_id": trigger}
    response = slack.responses[payload["response_url"].rsplit("/", 1)[1]]

    def taken(answer):
        if answer:
            slack.answer_at_once(response, answer)
    envelope = slack.hub.send("slash_commands", payload, trigger, taken, complain(slack, user, found))
    return {"trigger_id": trigger, "envelope_id": envelope.id, "response_url": payload["response_url"]}


@verb
def react(slack, person, channel, ts, name):
    user, found = place(slack, person, channel)
    if found.archived or ts not in found.messages:
        raise Cannot(f"nobody can react to {ts} in {channel}")
    slack.world.react(found, found.messages[ts], user, name)
    return {}


@verb
def unreact(slack, person, channel, ts, name):
    user, found = place(slack, person, channel)
    if not slack.world.unreact(found, message_at(found, ts), user, name):
        raise Cannot(f"{person} has not reacted with {name}")
    return {}


def element_of(blocks, action_id):
    for block in blocks or []:
        for element in kit.elements(block):
            if element.get("action_id") == action_id:
                return block, element
    seen = [element.get("action_id") for block in blocks or [] for element in kit.elements(block)]
    raise Cannot(f"there is no {action_id} to press; there are {seen}")


@verb
def press(slack, person, action_id, channel=None, ts=None, view=None, confirm=False, value=None):
    world, user = slack.world, slack.world.person(person)["id"]
    payload = {"type": "block_actions", "user": who(world, user), "api_app_id": world.app["app"],
               "token": "verification", "team": {"id": world.team["id"], "domain": world.team["domain"]},
               "enterprise": None, "is_enterprise_install": False, "state": {"values": {}}}
    if channel is not None:
        user, found = place(slack, person, channel)
        message = message_at(found, ts)
        if message.get("_to", user) != user:
            raise Cannot(f"{person} does not see {ts}")
        block, element = element_of(message.get("blocks"), action_id)
        container = {"type": "message", "message_ts": ts, "channel_id": found.id, "is_ephemeral": "_to" in message}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        payload.update(container=container, channel={"id": found.id, "name": found.name},
                       response_url=slack.response_url(found, user, message))
        if "_to" not in message:
            payload["message"] = world.shown(found, message)
    else:
        shown = view_of(slack, user, view)
        block, element = element_of(shown["blocks"], action_id)
        payload.update(container={"type": "view", "view_id": shown["id"]}, view=views.public(shown))
    if element.get("confirm") and not confirm:
        return {"sent": False, "dialog": element["confirm"]}
    trigger = payload["trigger_id"] = slack.trigger(user)
    payload["actions"] = [action_of(block, element, value, world.ts())]
    envelope = slack.hub.send("interactive", payload, trigger, None, complain(slack, user, None))
    return {"sent": True, "trigger_id": trigger, "envelope_id": envelope.id}


def who(world, user):
    name = world.people[user]["name"]
    return {"id": user, "username": name, "name": name, "team_id": world.people[user]["team_id"]}


def action_of(block, element, value, ts):
    action = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"],
              "action_ts": ts}
    if element["type"] == "button":
        action["text"] = element["text"]
        if "value" in element:
            action["value"] = element["value"]
    else:
        action.update(chosen(element, value))
    return action


def chosen(element, value):
    """What stands in an element of a form once a person has set it."""
    if element["type"] == "plain_text_input":
        return {"type": element["type"], "value": value}
    for option in element["options"]:
        if value in (option["value"], option["text"]["text"]):
            if element["type"] == "checkboxes":
                return {"type": element["type"], "selected_options": [option]}
            return {"type": element["type"], "selected_option": option}
    if value is None:
        return {"type": element["type"], "selected_option": element.get("initial_option")}
    raise Cannot(f"there is no {value} to choose: {[option['value'] for option in element['options']]}")


def view_of(slack, user, id=None):
    stack = slack.world.modals.get(user, [])
    home = slack.world.homes.get(user)
    for view in reversed(([home] if home else []) + stack):
        if id in (None, view["id"]) or id == view["type"]:
            return view
    raise Cannot("no such view is open")


@verb
def home(slack, person):
    world, user = slack.world, slack.world.person(person)["id"]
    event = {"type": "app_home_opened", "user": user, "channel": world.im(user).id, "tab": "home",
             "event_ts": world.ts()}
    if user in world.homes:
        event["view"] = views.public(world.homes[user])
    slack.emit("app_home_opened", event, None)
    return {}


def state_of(view, values):
    """The values of a modal's input blocks, as its form would send them."""
    state, left = {}, dict(values)
    for block in view["blocks"]:
        if block.get("type") != "input":
            continue
        element = block["element"]
        given = left.pop(block["block_id"], None)
        if isinstance(given, dict):
            given = given.get(element["action_id"])
        if given is None:
            given = element.get("initial_value")
        if given in (None, "") and "initial_option" not in element and not block.get("optional"):
            raise Cannot(f"{block['block_id']} must be filled in")
        if element["type"] == "plain_text_input" and given is not None and \
                not element.get("min_length", 0) <= len(given) <= element.get("max_length", 3000):
            raise Cannot(f"{block['block_id']}: too short or too long")
        state[block["block_id"]] = {element["action_id"]: chosen(element, given)}
    if left:
        raise Cannot(f"the modal has no {sorted(left)}; it has {sorted(state)}")
    return state


@verb
def submit(slack, person, values=None, view=None):
    world, user = slack.world, slack.world.person(person)["id"]
    shown = view_of(slack, user, view)
    if shown["type"] != "modal":
        raise Cannot("there is no modal to submit")
    shown["state"] = {"values": state_of(shown, values or {})}
    shown["_errors"] = {}
    payload = {"type": "view_submission", "team": {"id": world.team["id"], "domain": world.team["domain"]},
               "user": who(world, user), "api_app_id": world.app["app"], "token": "verification",
               "trigger_id": slack.trigger(user), "view": views.public(shown),
               "is_enterprise_install": False, "enterprise": None}
    envelope = slack.hub.send("interactive", payload, payload["trigger_id"],
                              lambda answer: views.take_answer(slack, shown, answer),
                              complain(slack, user, None))
    return {"envelope_id": envelope.id, "view": shown["id"]}


@verb
def close(slack, person, view=None):
    world, user = slack.world, slack.world.person(person)["id"]
    shown = view_of(slack, user, view)
    if shown not in world.modals.get(user, []):
        raise Cannot("there is no modal to close")
    world.modals[user].remove(shown)
    if shown.get("notify_on_close"):
        slack.hub.send("interactive", {
            "type": "view_closed", "team": {"id": world.team["id"], "domain": world.team["domain"]},
            "user": who(world, user), "api_app_id": world.app["app"], "token": "verification", "is_cleared": False,
            "view": views.public(shown), "is_enterprise_install": False}, shown["id"])
    return {}


def moved(slack, kind, user, channel):
    slack.emit(kind, {"type": kind, "user": user, "channel": channel.id, "channel_type": "C",
                      "team": slack.world.team["id"], "event_ts": slack.world.ts()}, channel)


@verb
def join(slack, person, channel):
    user, found = slack.world.person(person)["id"], slack.world.channel(channel)
    found.members.add(user)
    moved(slack, "member_joined_channel", user, found)
    return {}


@verb
def leave(slack, person, channel):
    user, found = place(slack, person, channel)
    found.members.remove(user)
    moved(slack, "member_left_channel", user, found)
    return {}


@verb
def invite(slack, person, channel):
    _, found = place(slack, person, channel)
    found.members.add(slack.world.app["user"])
    moved(slack, "member_joined_channel", slack.world.app["user"], found)
    return {}


@verb
def remove(slack, person, channel):
    _, found = place(slack, person, channel)
    found.members.discard(slack.world.app["user"])
    return {}
