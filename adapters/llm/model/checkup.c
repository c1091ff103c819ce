/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the service knows us and the model, for `doctor`: one GET, which costs nothing. */
#include "adapters/llm/model/internal.h"
#include "base/json.h"

#define ANSWER_MAX      (2 * 1024 * 1024)
#define LAST_SUCCESSFUL 299

static bool judge(struct mw_model *self, const struct mw_http_response *response,
                  const struct mw_check *check, struct mw_error *error)
{
    if (response->status < 200 || response->status > LAST_SUCCESSFUL) {
        struct mw_model_fault fault;
        mw_model_status_fault(self, response, &fault, error);
        return false;
    }
    json_auto_t *answer = mw_json_parse(response->body, response->length, ANSWER_MAX, error);
    if (answer == NULL)
        return mw_error_wrap(error, "what answers at llm.base_url is no such service");
    return self->vendor->check(answer, self->config->model, check, error);
}

bool mw_model_check(struct mw_planner *planner, const struct mw_check *check,
                    struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_model *self = planner->state;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_http_response response = {0};
    /* headers[0] is about a body. */
    const struct mw_http_request request = {
        .url = self->vendor->check_url(memory, self->base, self->config->model),
        .headers = self->headers + 1,
        .limit = ANSWER_MAX};
    bool ok = self->send(memory, &request, deadline, &response, error) &&
              judge(self, &response, check, error);
    talloc_free(memory);
    return ok;
}
