/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PostgreSQL is. */
#include "adapters/target/postgres/url.h"

#include "fuzz.h"

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    const char *url = fuzz_text(memory, bytes, length, NULL);
    const struct mw_postgres_address *address = mw_postgres_url_parse(memory, url, &error);
    if (address == NULL) {
        fuzz_is_sentence(&error);
        return;
    }
    FUZZ_HOLDS((address->host == NULL) != (address->path == NULL), url);
    FUZZ_HOLDS(address->port_number >= 1 && address->port_number <= 65535, url);
    FUZZ_HOLDS(address->user != NULL && address->database != NULL, url);
    FUZZ_HOLDS(address->extra_count <= MW_POSTGRES_EXTRAS_MAX, url);
    fuzz_is_clean(address->label, 2100);
}
