/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"

#include <string.h>

#include "base/redact.h"

static const struct mw_option options[] = {
    {.name = "url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_HAS_SECRET | MW_OPTION_RELOADABLE,
     .help =
         "where it is: postgresql://[user[:password]@]host[:port]/database[?sslmode=…]; without a "
         "host, or with a percent-encoded folder in its place, over the Unix socket",
     .offset = offsetof(struct mw_postgres_config, url)},
    {.name = "via",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "resource through whose SSH it is reached"},
    {.name = NULL},
};

static void register_secrets(const struct mw_postgres_address *address)
{
    if (address->password != NULL) {
        mw_redact_secret(address->password);
    }
    for (size_t i = 0; i < address->extra_count; i++) {
        if (strcmp(address->extra_names[i], "sslpassword") == 0) {
            mw_redact_secret(address->extra_values[i]);
        }
    }
}

static bool create(struct mw_target *target, const void *config, struct mw_error *error)
{
    const struct mw_postgres_config *own = config;
    if (own->url == NULL) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "url: it is missing");
    }
    struct mw_postgres *postgres = talloc_zero(target->memory, struct mw_postgres);
    if (postgres == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for another PostgreSQL");
    }
    postgres->address = mw_postgres_url_parse(postgres, own->url, error);
    if (postgres->address == NULL) {
        talloc_free(postgres);
        return false;
    }
    register_secrets(postgres->address);
    postgres->connection = mw_postgres_connection_create(postgres, postgres->address);
    if (postgres->connection == NULL) {
        talloc_free(postgres);
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for another PostgreSQL");
    }
    target->state = postgres;
    return true;
}

static void destroy(struct mw_target *target)
{
    struct mw_postgres *postgres = target->state;
    mw_postgres_connection_close(postgres->connection);
}

const struct mw_target_ops mw_target_postgres = {
    .kind = "postgres",
    .environment = "local",
    .options = options,
    .config_size = sizeof(struct mw_postgres_config),
    .metrics = mw_postgres_metrics,
    .tools = mw_postgres_tools,
    .create = create,
    .destroy = destroy,
    .probe = mw_postgres_probe,
    .facts = mw_postgres_facts,
    .check = mw_postgres_check,
    .log_severity = mw_postgres_log_severity,
};
