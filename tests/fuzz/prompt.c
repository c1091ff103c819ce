/* SPDX-License-Identifier: Apache-2.0 */
/* What is put into a prompt: text from outside within its fence, and where the prompt is sent. */
#include "adapters/llm/model/prompt.h"

#include <stdio.h>
#include <strings.h>

#include "adapters/llm/model/internal.h"
#include "adapters/llm/model/template.h"
#include "base/json.h"
#include "fuzz.h"

#define LIMIT ((size_t)400)

/* The first and the last line carry a mark that no line between them has. */
static void check_fence(TALLOC_CTX *memory, const char *text)
{
    char *fenced = mw_fence(memory, text, LIMIT), *rest = fenced, mark[17] = "";
    FUZZ_HOLDS(strlen(fenced) <= LIMIT + 64, fenced);
    char *line = fuzz_line(&rest);
    FUZZ_HOLDS(sscanf(line, "<<<DATA %16[0-9a-f]", mark) == 1 && strlen(mark) == 16, line);
    char *last = talloc_asprintf(memory, "DATA %s>>>", mark);
    while ((line = fuzz_line(&rest)) != NULL && rest != NULL) {
        fuzz_is_clean(line, LIMIT);
        FUZZ_HOLDS(strstr(line, mark) == NULL, line);
    }
    FUZZ_HOLDS(line != NULL && strcmp(line, last) == 0, line);
}

/* A value is put in as it is, placeholders in it too. */
static void check_template(TALLOC_CTX *memory, const char *text)
{
    static const char *const names[] = {"complaint", NULL};
    const char *values[] = {text};
    char *filled = mw_prompt_fill(memory, "a {{complaint}} b {{unknown}}c", names, values);
    FUZZ_HOLDS(strcmp(filled, talloc_asprintf(memory, "a %s b c", text)) == 0, filled);
    mw_prompt_fill(memory, text, names, values);
}

static void check_address(TALLOC_CTX *memory, const char *url)
{
    struct mw_error error = {0};
    const char *base = mw_model_base_url(memory, url, &error);
    if (base == NULL) {
        fuzz_is_sentence(&error);
        return;
    }
    bool plain = strncasecmp(base, "http://", 7) == 0;
    FUZZ_HOLDS(plain || strncasecmp(base, "https://", 8) == 0, base);
    const char *host = base + (plain ? 7 : 8);
    FUZZ_HOLDS(*host != '\0' && memchr(host, '@', strcspn(host, "/")) == NULL, base);
    FUZZ_HOLDS(!plain || strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
                   strncasecmp(host, "localhost", 9) == 0,
               base);
    FUZZ_HOLDS(base[strlen(base) - 1] != '/', base);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, &length);
    check_fence(memory, text);
    check_template(memory, text);
    check_address(memory, text);
}
