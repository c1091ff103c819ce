/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL says: why it lets nobody in, statements, names. */
#include "adapters/target/postgres/error.h"
#include "adapters/target/postgres/postgres.h"
#include "fuzz.h"

static void check_refusal(const char *text)
{
    char user[] = "ann", database[] = "shop", label[] = "10.0.0.7:5432";
    const struct mw_postgres_address address = {.user = user, .database = database, .label = label};
    struct mw_error error = {0};
    enum mw_postgres_refusal refusal = MW_POSTGRES_LET_IN;
    FUZZ_HOLDS(!mw_postgres_explain_connect(&address, text, false, &refusal, &error), text);
    FUZZ_HOLDS(refusal != MW_POSTGRES_LET_IN, text);
    fuzz_is_sentence(&error);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, NULL);
    check_refusal(text);
    const size_t limits[] = {60, 300};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char *shown = mw_postgres_query_text(memory, text, limits[i]);
        fuzz_is_clean(shown, limits[i]);
        fuzz_keeps_secret(shown);
    }
    char *name = mw_postgres_name_text(memory, text);
    fuzz_is_clean(name, 64);
    fuzz_keeps_secret(name);
}
