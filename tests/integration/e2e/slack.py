# SPDX-License-Identifier: Apache-2.0
"""midwatch in Slack, played by a strict fake: cards, approvals, refusals, commands, trouble on the way."""
import json

from lab import equal, expect, wait_for
from models import LOOK, PLAN, WORDS, Model
from slack_service import SlackService

PEOPLE = [{"name": "alice", "slack": "U0ALICE", "roles": ["approver"]},
          {"name": "bob", "email": "bob@example.org", "roles": ["operator"]},
          {"name": "gina", "slack": "U0GINA", "roles": ["approver"]}]


def begin(lab, slack=None, people=PEOPLE, policy=None, **sections):
    """A Redis, the fake and midwatch in it, connected."""
    slack = slack or SlackService(lab)
    redis = lab.redis()
    lab.write_config([lab.resource(redis)], people=people, policy=policy, chat=[slack.section()], **sections)
    midwatch = lab.run()
    slack.wait_connected()
    return slack, redis, midwatch


def find_card(slack):
    return slack.wait_message("the card", lambda one: "I1 cache" in one["plain"] and not one["thread_ts"])


def find_plan(slack, card, revision=1):
    plan = slack.wait_message("the plan", lambda one: f"plan r{revision}" in one["text"], thread=card["ts"])
    slack.wait_reaction(plan["ts"], "white_check_mark", thread=card["ts"])
    slack.wait_reaction(plan["ts"], "x", thread=card["ts"])
    return plan


def private_words(slack, person, text, thread=None):
    """What only that person sees."""
    slack.wait_message(f"{text!r} for {person} alone", lambda one: one["ephemeral"] and text in one["plain"],
                       person=person, thread=thread)
    others = [one for one in slack.messages() if text in one["plain"]]
    equal(others, [], "what the others see of it")


def test_slack_from_card_to_verdict(lab):
    """Overload, card, somebody without the role refused, an approver's reaction, fix, figures."""
    with Model(lab, PLAN) as model:
        slack, redis, midwatch = begin(lab, llm=model.settings())
        redis.fill()
        card = find_card(slack)
        expect(card["text"].startswith("lab") and "Redis" in card["text"] or "redis" in card["text"],
               f"words for a phone: {card['text']!r}")
        plan = find_plan(slack, card)
        expect(plan["broadcast"], "the plan is shown in the channel too")
        card = slack.wait_message("buttons on the card", lambda one: one["ts"] == card["ts"] and
                                  "midwatch_approve" in one["buttons"])
        slack.react(person="bob", channel="ops", ts=plan["ts"], name="white_check_mark")
        private_words(slack, "bob", "to approve takes an approver")
        slack.react(person="alice", channel="ops", ts=plan["ts"], name="+1::skin-tone-4")
        incident = lab.wait_closed("recovered", seconds=40)
        equal([(one["person"], one["action"]) for one in incident["decisions"]], [("alice", "approve")],
              "decisions")
        verdict = slack.wait_message("the verdict", lambda one: "Evaluation of I1" in one["plain"],
                                     thread=card["ts"])
        expect("Before" in verdict["plain"] and "After" in verdict["plain"], "before and after")
        closed = slack.wait_message("the closed card", lambda one: one["ts"] == card["ts"] and
                                    "recovered" in one["plain"])
        equal(closed["buttons"], {}, "buttons of what is closed")
        slack.faultless()
