# SPDX-License-Identifier: Apache-2.0
"""The methods that show views: the home tab of a person and modals."""
import blocks as kit
from refusal import Refusal, invalid, method

STACK_MAX = 3


def checked(arguments, kinds):
    """The view of a request, within its limits."""
    view = arguments["view"]
    if kit.view_too_large(view):
        raise Refusal("view_too_large", f"a view of more than {kit.VIEW_BYTES_MAX} bytes")
    found = kit.check_view(view, kinds)
    if found:
        raise invalid([f"[ERROR] {what}" for what in found])
    return view


def make(slack, user, view, root=None):
    """Keeps a view for a person; returns it as Slack tells of it."""
    world = slack.world
    same = view.get("external_id")
    if same and any(other.get("external_id") == same for other in world.views.values()):
        raise Refusal("duplicate_external_id", f"external_id {same} is in use")
    id = world.number("V")
    shown = {"id": id, "team_id": world.team["id"], "callback_id": "", "private_metadata": "", "external_id": "",
             "app_id": world.app["app"], "bot_id": world.app["bot"], **view,
             "blocks": kit.named(view["blocks"], world.number), "state": {"values": {}},
             "hash": world.number("hash-"), "root_view_id": root or id, "previous_view_id": None,
             "_user": user, "_errors": {}}
    world.views[id] = shown
    return shown


def public(view):
    return {key: value for key, value in view.items() if not key.startswith("_")}


def change(slack, view, new):
    """Puts a new content into a view that stands."""
    kept = {key: view[key] for key in ("id", "team_id", "app_id", "bot_id", "root_view_id", "previous_view_id",
                                       "_user")}
    view.clear()
    view.update({"callback_id": "", "private_metadata": "", "external_id": "", **new, **kept,
                 "blocks": kit.named(new["blocks"], slack.world.number),
                 "state": {"values": {}}, "hash": slack.world.number("hash-"), "_errors": {}})
    return view


def same_hash(arguments, view):
    if "hash" in arguments and (view is None or arguments["hash"] != view["hash"]):
        raise Refusal("hash_conflict")


@method("views.publish")
def publish(slack, arguments):
    world, user = slack.world, arguments["user_id"]
    if user not in world.people:
        raise invalid(["[ERROR] invalid user_id [json-pointer:/user_id]"])
    new = checked(arguments, ("home",))
    old = world.homes.get(user)
    same_hash(arguments, old)
    world.homes[user] = change(slack, old, new) if old else make(slack, user, new)
    return {"view": public(world.homes[user])}


@method("views.open")
def open_view(slack, arguments):
    new = checked(arguments, ("modal",))
    user = slack.spend_trigger(arguments.get("trigger_id"))
    view = make(slack, user, new)
    slack.world.modals[user] = [view]
    return {"view": public(view)}


@method("views.push")
def push(slack, arguments):
    new = checked(arguments, ("modal",))
    user = slack.spend_trigger(arguments.get("trigger_id"))
    stack = slack.world.modals.setdefault(user, [])
    if len(stack) >= STACK_MAX:
        raise Refusal("push_limit_reached", f"more than {STACK_MAX} modals upon each other")
    view = make(slack, user, new, stack[0]["id"] if stack else None)
    view["previous_view_id"] = stack[-1]["id"] if stack else None
    stack.append(view)
    return {"view": public(view)}


@method("views.update")
def update(slack, arguments):
    for view in slack.world.views.values():
        if view["id"] == arguments.get("view_id") or \
                arguments.get("external_id") and view["external_id"] == arguments["external_id"]:
            break
    else:
        raise Refusal("not_found")
    same_hash(arguments, view)
    return {"view": public(change(slack, view, checked(arguments, (view["type"],))))}


def take_answer(slack, view, answer):
    """What an acknowledgement of view_submission says is to happen with the modal."""
    stack = slack.world.modals.get(view["_user"], [])
    action = (answer or {}).get("response_action")
    if action == "errors":
        names = {block.get("block_id") for block in view["blocks"] if block.get("type") == "input"}
        errors = answer.get("errors")
        if not isinstance(errors, dict) or not errors or not set(errors) <= names:
            raise Refusal("errors", f"errors must be an object of input blocks: {errors}")
        view["_errors"] = errors
    elif action in ("update", "push"):
        new = checked({"view": answer.get("view") or {}}, ("modal",))
        if action == "update":
            change(slack, view, new)
        else:
            stack.append(make(slack, view["_user"], new, view["root_view_id"]))
    elif action == "clear":
        stack.clear()
    elif action is None:
        if view in stack:
            stack.remove(view)
    else:
        raise Refusal("response_action", f"response_action {action}")
