/* SPDX-License-Identifier: Apache-2.0 */
/* What a model answered, and the parts of foreign JSON that every vendor reads. */
#include <stdarg.h>

#include "adapters/llm/model/internal.h"
#include "base/redact.h"

#define TOKENS_MAX 1000000000

static int release(struct mw_model_turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++)
        json_decref(turn->calls[i].arguments);
    json_decref(turn->message);
    json_decref(turn->answer);
    return 0;
}

struct mw_model_turn *mw_model_turn_create(TALLOC_CTX *memory, json_t *answer)
{
    struct mw_model_turn *turn = talloc_zero(memory, struct mw_model_turn);
    turn->answer = answer;
    talloc_set_destructor(turn, release);
    return turn;
}

bool mw_model_turn_end(struct mw_model_turn *turn, enum mw_model_end end, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    turn->end = end;
    turn->reason = talloc_vasprintf(turn, format, arguments);
    va_end(arguments);
    return true;
}

char *mw_model_words(TALLOC_CTX *memory, const json_t *text, size_t limit)
{
    if (!json_is_string(text))
        return talloc_strdup(memory, "");
    return mw_redact_line(memory, json_string_value(text), json_string_length(text), limit);
}

int64_t mw_model_tokens(const json_t *count)
{
    double value = json_number_value(count);
    if (!(value > 0))
        return 0;
    return value > TOKENS_MAX ? TOKENS_MAX : (int64_t)value;
}
