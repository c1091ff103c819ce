/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to what people ask; each is a message, a new reference. */
#ifndef MIDWATCH_CONVERSE_ANSWERS_H
#define MIDWATCH_CONVERSE_ANSWERS_H

#include "converse/room.h"

json_t *mw_answer_help(struct mw_request *request);
/* Notes which resources are quiet. */
void mw_note_quiet(struct mw_paper *paper, const struct mw_respond *respond,
                   const struct mw_watch *watch);
json_t *mw_answer_status(struct mw_request *request);
json_t *mw_answer_resource(struct mw_request *request, const struct mw_resource *resource);
json_t *mw_answer_tools(struct mw_request *request);
json_t *mw_answer_policy(struct mw_request *request);
MW_SUSPENDS json_t *mw_answer_incidents(struct mw_request *request);
MW_SUSPENDS json_t *mw_answer_show(struct mw_request *request, int64_t incident);
MW_SUSPENDS json_t *mw_answer_logs(struct mw_request *request, struct mw_resource *resource);
MW_SUSPENDS json_t *mw_answer_history(struct mw_request *request,
                                      const struct mw_resource *resource);
/* `length` as it was written; NULL: a week. */
MW_SUSPENDS json_t *mw_answer_report(struct mw_request *request, const char *length);
/* Of an incident; 0: of all. */
MW_SUSPENDS json_t *mw_answer_audit(struct mw_request *request, int64_t incident);

/* Of a question, in the thread of `incident` or outside of any (0). */
MW_SUSPENDS json_t *mw_answer_question(struct mw_request *request, const char *question,
                                       int64_t incident);

/* What concerns this person now: what waits for them, open incidents, resources, midwatch itself. */
MW_SUSPENDS json_t *mw_answer_home(struct mw_request *request);

#endif
