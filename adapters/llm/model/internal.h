/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share with each other and with their tests. */
#ifndef MIDWATCH_LLM_MODEL_INTERNAL_H
#define MIDWATCH_LLM_MODEL_INTERNAL_H

#include "adapters/llm/model/breaker.h"
#include "adapters/llm/model/budget.h"
#include "adapters/llm/model/model.h"
#include "adapters/llm/model/prompt.h"
#include "runtime/http.h"

struct mw_model {
    const struct mw_model_vendor *vendor;
    const struct mw_model_config *config;
    char *url, *base; /* that is posted to; without a slash at its end */
    const char *headers[3];
    struct mw_prompts prompts;
    json_t *runbooks;
    struct mw_breaker breaker;
    bool refused; /* what opened the breaker, or may, was that the service refuses us */
    struct mw_budget budget;
    /* mw_http. */
    MW_SUSPENDS bool (*send)(TALLOC_CTX *memory, const struct mw_http_request *request,
                             struct mw_deadline deadline, struct mw_http_response *response,
                             struct mw_error *error);
};

/* What an exchange tells about the service beside its answer. */
struct mw_model_tidings {
    bool sent; /* something left this machine */
    bool told; /* what follows is known; a failure that may be chance tells nothing */
    enum mw_impairment impairment;
    char why[400]; /* a sentence; "" for NONE */
};

/* exchange.c: posts a body and gives the JSON of the answer, a new reference; tries again where that is
 * worth it, within the deadline. */
MW_SUSPENDS bool mw_model_exchange(struct mw_model *self, const json_t *body,
                                   struct mw_deadline deadline, json_t **answer,
                                   struct mw_model_tidings *tidings, struct mw_error *error);

/* What a status other than 2xx means; fills both. */
void mw_model_status_fault(const struct mw_model *self, const struct mw_http_response *response,
                           struct mw_model_fault *fault, struct mw_error *error);

/* address.c: whether keys and what is asked may be sent there; the URL without slashes at its end. */
char *mw_model_base_url(TALLOC_CTX *memory, const char *url, struct mw_error *error);

struct mw_model_turn *mw_model_turn_create(TALLOC_CTX *memory, json_t *answer);

#endif
