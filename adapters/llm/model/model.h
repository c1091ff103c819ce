/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planners that ask a model share: the configuration they have in common, the conversation
 * (look, then propose), the prompt, the exchange with its tries, breaker and budget. A vendor's folder
 * knows how its protocol says these things, and nothing else.
 */
#ifndef MIDWATCH_LLM_MODEL_H
#define MIDWATCH_LLM_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/option.h"
#include "midwatch/planner.h"

/* The one function that every conversation ends with. */
#define MW_MODEL_PROPOSE "propose_plan"

/* ---- configuration ---- */

struct mw_model_price {
    double input_per_mtok, output_per_mtok; /* USD */
};

struct mw_model_config {
    const char *model, *api_key, *base_url, *prompts;
    int64_t max_turns;
    bool send_logs;
    struct mw_model_price *price; /* NULL: not known */
    double daily_budget_usd;      /* 0: none */
};

extern const struct mw_option mw_model_price_options[];

/* The rows that are the same for every vendor; model, api_key and base_url are the vendor's own. */
#define MW_MODEL_OPTIONS                                                                         \
    {.name = "prompts",                                                                          \
     .type = MW_OPTION_PATH,                                                                     \
     .flags = MW_OPTION_RELOADABLE,                                                              \
     .help = "folder of the prompt templates; those built in where it is not given",             \
     .offset = offsetof(struct mw_model_config, prompts)},                                       \
        {.name = "max_turns",                                                                    \
         .type = MW_OPTION_INTEGER,                                                              \
         .flags = MW_OPTION_RELOADABLE,                                                          \
         .fallback = "6",                                                                        \
         .help = "rounds of read-only tools before the model must propose",                      \
         .offset = offsetof(struct mw_model_config, max_turns),                                  \
         .minimum = 0,                                                                           \
         .maximum = 20},                                                                         \
        {.name = "send_logs",                                                                    \
         .type = MW_OPTION_BOOL,                                                                 \
         .flags = MW_OPTION_RELOADABLE,                                                          \
         .fallback = "true",                                                                     \
         .help = "whether log lines may be sent to the model",                                   \
         .offset = offsetof(struct mw_model_config, send_logs)},                                 \
        {.name = "price",                                                                        \
         .type = MW_OPTION_SECTION,                                                              \
         .flags = MW_OPTION_RELOADABLE,                                                          \
         .help = "what tokens cost by your contract; without it no cost is shown",               \
         .offset = offsetof(struct mw_model_config, price),                                      \
         .children = mw_model_price_options,                                                     \
         .size = sizeof(struct mw_model_price)},                                                 \
    {                                                                                            \
        .name = "daily_budget_usd", .type = MW_OPTION_NUMBER, .flags = MW_OPTION_RELOADABLE,     \
        .help = "what a day (UTC) may cost before the model is not asked any more; needs price", \
        .offset = offsetof(struct mw_model_config, daily_budget_usd), .minimum = 0.01,           \
        .maximum = 1e6                                                                           \
    }

/* ---- what a vendor is asked to say ---- */

struct mw_model_ask {
    const char *model;
    const char *system;
    const json_t *messages;  /* the conversation, in the vendor's form */
    const json_t *functions; /* [{"name", "description", "schema"}], names fit for the vendor */
    bool forced;             /* MW_MODEL_PROPOSE must be called */
    bool words;              /* no function may be called */
};

/* ---- what a model answered ---- */

struct mw_model_call {
    const char *id;    /* NULL: none was given */
    const char *name;  /* as the vendor knows it; never empty */
    json_t *arguments; /* the turn's own reference; NULL: unusable, see `fault` */
    const char *fault; /* why, for the model; NULL otherwise */
};

enum mw_model_end {
    MW_MODEL_USABLE,
    MW_MODEL_UNUSABLE, /* worth asking again, with `reason` as the complaint */
    MW_MODEL_REFUSED,  /* blocked or declined; `reason` says by whom */
};

/* A talloc object; all it names hangs on it. */
struct mw_model_turn {
    enum mw_model_end end;
    const char *reason; /* a sentence; NULL when usable */
    const char *text;   /* NULL: none */
    struct mw_model_call *calls;
    size_t call_count;
    json_t *message; /* to be sent back as it is; NULL: none */
    json_t *answer;  /* what the rest borrows from */
    int64_t input_tokens, output_tokens;
    const char *model; /* that answered; NULL: not said */
};

/* More calls in one answer make it unusable. */
#define MW_MODEL_CALLS_MAX 32

/* What an HTTP status other than 2xx means. */
struct mw_model_fault {
    enum mw_error_class class;
    bool again;                    /* worth another try */
    int64_t wait_ms;               /* before it; -1: not said */
    enum mw_impairment impairment; /* REFUSED, SPENT: the next question will fare no better */
    char text[300];                /* ends a sentence that begins with the status */
};

/* ---- the vendor ---- */

struct mw_model_vendor {
    const char *name; /* "gemini" */
    size_t name_limit;
    const char *name_marks; /* allowed in a function's name beside letters and digits */

    /* The URL that is posted to; `base` has no slash at its end. BAD_INPUT: the model's name. */
    char *(*url)(TALLOC_CTX *memory, const char *base, const char *model, struct mw_error *error);
    const char *key_header; /* "x-goog-api-key: " */

    /* New references. */
    json_t *(*body)(const struct mw_model_ask *ask);
    /* Adds what midwatch says to the conversation. */
    void (*say)(json_t *messages, const char *text);
    /* Adds the answers to all calls of a turn; responses[i] is {"result": …} or {"error": …}. */
    void (*respond)(json_t *messages, const struct mw_model_turn *turn, const json_t *responses);
    /* Fills the turn from `turn->answer`. False: it has not the form of an answer at all. */
    bool (*read)(struct mw_model_turn *turn, struct mw_error *error);
    /* Refines a fault that was made from the status; `body` may be NULL or anything. */
    void (*fault)(int status, const json_t *body, struct mw_model_fault *fault);
    /* What is asked for by GET to see whether the service knows us and the model, and what its answer says of
     * the model: `check` is told, or it fails with what is to be mended. */
    char *(*check_url)(TALLOC_CTX *memory, const char *base, const char *model);
    bool (*check)(const json_t *answer, const char *model, const struct mw_check *check,
                  struct mw_error *error);
    /* Calls that are forced are always made, so that nothing need be said. */
    bool forces_calls;
};

/* ops->create for a vendor: checks the configuration, reads prompts and runbooks. */
bool mw_model_create(struct mw_planner *planner, const struct mw_model_vendor *vendor,
                     const struct mw_model_config *config, const char *runbooks,
                     struct mw_error *error);

/* ops->propose, ops->ask and ops->spent. */
MW_SUSPENDS bool mw_model_propose(struct mw_planner *planner, const json_t *situation,
                                  const struct mw_planner_host *host, struct mw_deadline deadline,
                                  json_t **proposal, struct mw_error *error);
MW_SUSPENDS bool mw_model_answer(struct mw_planner *planner, const json_t *question,
                                 const struct mw_planner_host *host, struct mw_deadline deadline,
                                 json_t **answer, struct mw_error *error);
void mw_model_spent(struct mw_planner *planner, double usd);

/* ops->check. */
MW_SUSPENDS bool mw_model_check(struct mw_planner *planner, const struct mw_check *check,
                                struct mw_deadline deadline, struct mw_error *error);

/* ---- for reading what strangers sent ---- */

/* One clean, masked line of at most `limit` bytes; "" for what is no string. */
char *mw_model_words(TALLOC_CTX *memory, const json_t *text, size_t limit);
/* A count of tokens: 0 for what is none, never more than a thousand million. */
int64_t mw_model_tokens(const json_t *count);
/* Ends a turn that cannot be used, or was refused; returns true, for read(). */
bool mw_model_turn_end(struct mw_model_turn *turn, enum mw_model_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
