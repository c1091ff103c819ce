/* SPDX-License-Identifier: Apache-2.0 */
/* Where a Redis is. */
#include "adapters/target/redis/url.h"

#include "fuzz.h"

static char *encode(TALLOC_CTX *memory, const char *text)
{
    char *encoded = talloc_strdup(memory, "");
    for (const char *at = text; *at != '\0'; at++) {
        encoded = talloc_asprintf_append_buffer(encoded, "%%%02x", (unsigned char)*at);
    }
    return encoded;
}

static char *print(TALLOC_CTX *memory, const struct mw_redis_address *address)
{
    const char *user = encode(memory, address->user != NULL ? address->user : "");
    char *login = address->password != NULL
                      ? talloc_asprintf(memory, "%s:%s@", user, encode(memory, address->password))
                      : talloc_strdup(memory, "");
    char *database = address->has_database
                         ? talloc_asprintf(memory, "?db=%lld", (long long)address->database)
                         : talloc_strdup(memory, "");
    return address->host != NULL
               ? talloc_asprintf(memory, "redis://%s%s:%d%s", login, encode(memory, address->host),
                                 address->port, database)
               : talloc_asprintf(memory, "unix://%s/%s%s", login, encode(memory, address->path),
                                 database);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    const char *url = fuzz_text(memory, bytes, length, NULL);
    const struct mw_redis_address *address = mw_redis_url_parse(memory, url, &error);
    if (address == NULL) {
        fuzz_is_sentence(&error);
        return;
    }
    FUZZ_HOLDS((address->host == NULL) != (address->path == NULL), url);
    FUZZ_HOLDS(address->host == NULL || (address->port >= 1 && address->port <= 65535), url);
    FUZZ_HOLDS(address->database >= 0, url);
    fuzz_is_clean(address->label, 2100);
    char *printed = print(memory, address);
    if (strlen(printed) > 2000) {
        return;
    }
    const struct mw_redis_address *again = mw_redis_url_parse(memory, printed, &error);
    FUZZ_HOLDS(again != NULL, error.text);
    FUZZ_HOLDS(same_text(again->host, address->host) && again->port == address->port, printed);
    FUZZ_HOLDS(same_text(again->user, address->user), printed);
    FUZZ_HOLDS(same_text(again->password, address->password), printed);
    FUZZ_HOLDS(again->database == address->database && again->local == address->local, printed);
}
