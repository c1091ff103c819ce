/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message without a platform: one JSON object.
 *
 *   {"summary": "plain text for a phone's lock screen, one line",
 *    "state": "firing" | "running" | "recovered" | "closed" | "info",
 *    "incident": "I42",                        (absent for plain answers)
 *    "slot": "card" | "evidence" | "plan/1" | …,
 *    "blocks": [block, …],
 *    "reactions": ["✅", "❌"],                 (to be seeded by the platform)
 *    "actions": [{"id": "midwatch_approve", "label": "Approve", "value": "I42 r1 DIGEST"}],
 *    "mention": ["alice"],                     (names of people whose phone should ring)
 *    "broadcast": true}                        (a thread message that the channel shows too)
 *
 * Blocks, in order:
 *   {"type": "headline", "text": …}              one line, the message's first
 *   {"type": "text", "text": …}                  a paragraph
 *   {"type": "notes", "items": […]}              small lines under the headline
 *   {"type": "quote", "items": […]}              paragraphs in the words of others, a model's say
 *   {"type": "log", "lines": [{"text": …, "times": 184}]}   foreign text, shown verbatim
 *   {"type": "steps", "items": [{"title": …, "detail": …, "risk": …, "state": "planned"…}]}
 *   {"type": "table", "columns": […], "rows": [[…], …]}
 *   {"type": "wait", "text": …}                  what is awaited from whom and until when
 *
 * All strings are valid UTF-8 without control characters; text is plain, never markup, and the
 * adapter escapes it for its platform. Secrets are masked before a message is made. Quotes and logs are
 * shown so that nobody takes a line of theirs for one of ours.
 */
#ifndef MIDWATCH_MESSAGE_H
#define MIDWATCH_MESSAGE_H

#include <jansson.h>

#define MW_STATE_FIRING    "firing"
#define MW_STATE_RUNNING   "running"
#define MW_STATE_RECOVERED "recovered"
#define MW_STATE_CLOSED    "closed"
#define MW_STATE_INFO      "info"

/* The mark before a headline: 🔴 🟠 🟢 ⚪, or "" for the rest. */
const char *mw_message_mark(const char *state);

#endif
