/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include "libpq.h"
#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"

#define DEFAULT_PORT   "5432"
#define DEFAULT_FOLDER "/var/run/postgresql"
#define URL_MAX        2048

#define SHAPE                                                                   \
    "write postgresql://[user[:password]@]host[:port]/database, with %%XX for " \
    "characters such as @ : / in the password"

static bool complain(struct mw_error *error, const char *what)
{
    return mw_error_set(error, MW_ERROR_BAD_INPUT, "url: %s; " SHAPE, what);
}

/* What libpq does with these concerns nobody but itself. */
static const char *const extras[] = {
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "channel_binding",
    "passfile",
    "requirepeer",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
};

/* What must not stand in the URL, with what it would do or where it belongs. `only`: the one value that
 * changes nothing. */
static const struct {
    const char *name, *only, *why;
} refused[] = {
    {"service", NULL, "a service file may name anything; write what it holds into the url"},
    {"options", NULL, "midwatch sets its session's settings itself"},
    {"application_name", NULL, "midwatch's sessions are named midwatch, so that no tool ends them"},
    {"fallback_application_name", NULL, "midwatch's sessions are named midwatch"},
    {"client_encoding", "UTF8", "midwatch speaks UTF-8"},
    {"replication", NULL, "midwatch needs an ordinary session"},
    {"connect_timeout", NULL, "how long a probe may take is the resource's `timeout:`"},
    {"gssencmode", "disable", "encryption by Kerberos would block the loop; use sslmode"},
    {"target_session_attrs", "any", "a resource is one server, whatever its role"},
};

struct reader {
    struct mw_postgres_address *address;
    struct mw_error *error;
};

static bool is_list(const char *text)
{
    return strchr(text, ',') != NULL;
}

static bool take_host(struct reader *reader, const char *host)
{
    struct mw_postgres_address *address = reader->address;
    if (is_list(host)) {
        return complain(reader->error, "it names several hosts, and a resource is one server");
    }
    /* '@' is a socket without a file (unix(7), abstract). */
    if (*host == '/' || *host == '@') {
        address->path = talloc_strdup(address, host);
    } else if (*host != '\0') {
        address->host = talloc_strdup(address, host);
    }
    return true;
}

static bool take_port(struct reader *reader, const char *port)
{
    size_t length = strlen(port);
    long number = 0;
    if (length == 0) {
        return true;
    }
    if (length <= 5 && strspn(port, "0123456789") == length) {
        number = strtol(port, NULL, 10);
    }
    if (number < 1 || number > 65535) {
        return complain(reader->error, "the port is not a number from 1 to 65535");
    }
    reader->address->port = talloc_strdup(reader->address, port);
    return true;
}

static bool take_extra(struct reader *reader, const char *name, const char *value)
{
    struct mw_postgres_address *address = reader->address;
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        if (strcmp(extras[i], name) == 0 && address->extra_count < MW_POSTGRES_EXTRAS_MAX) {
            address->extra_names[address->extra_count] = extras[i];
            address->extra_values[address->extra_count++] = talloc_strdup(address, value);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(refused[i].name, name) != 0) {
            continue;
        }
        if (refused[i].only != NULL && strcasecmp(refused[i].only, value) == 0) {
            return true;
        }
        return mw_error_set(reader->error, MW_ERROR_BAD_INPUT, "url: leave %s out: %s", name,
                            refused[i].why);
    }
    return mw_error_set(reader->error, MW_ERROR_BAD_INPUT,
                        "url: the option %s is not for midwatch; leave it out", name);
}

static bool take(struct reader *reader, const char *name, const char *value)
{
    struct mw_postgres_address *address = reader->address;
    if (strcmp(name, "host") == 0) {
        return take_host(reader, value);
    }
    if (strcmp(name, "hostaddr") == 0) {
        address->hostaddr = talloc_strdup(address, value);
        return !is_list(value) ||
               complain(reader->error, "it names several addresses, and a resource is one server");
    }
    if (strcmp(name, "port") == 0) {
        return take_port(reader, value);
    }
    char **text = strcmp(name, "user") == 0       ? &address->user
                  : strcmp(name, "password") == 0 ? &address->password
                  : strcmp(name, "dbname") == 0   ? &address->database
                                                  : NULL;
    if (text == NULL) {
        return take_extra(reader, name, value);
    }
    if (*value != '\0') {
        *text = talloc_strdup(address, value);
    }
    return true;
}

/* Whom libpq would take is looked up here, once, since that may ask the network. */
static bool fill_in(struct mw_postgres_address *address, struct mw_error *error)
{
    if (address->user == NULL) {
        const struct passwd *self = getpwuid(geteuid());
        if (self == NULL) {
            return complain(error, "there is no user");
        }
        address->user = talloc_strdup(address, self->pw_name);
    }
    if (address->database == NULL) {
        address->database = talloc_strdup(address, address->user);
    }
    if (address->port == NULL) {
        address->port = talloc_strdup(address, DEFAULT_PORT);
    }
    if (address->host == NULL && address->hostaddr != NULL) {
        address->host = talloc_strdup(address, address->hostaddr);
    }
    if (address->host == NULL && address->path == NULL) {
        address->path = talloc_strdup(address, DEFAULT_FOLDER);
    }
    return true;
}

/* They stand in sentences for people. */
static bool check_names(const struct mw_postgres_address *address, struct mw_error *error)
{
    const char *const names[] = {address->host, address->hostaddr, address->path, address->user,
                                 address->database};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i] != NULL && !mw_text_is_clean(names[i])) {
            return complain(error,
                            "host, user or database has a control character, or is not UTF-8");
        }
    }
    return true;
}

static void describe(struct mw_postgres_address *address)
{
    const char *host = address->host;
    address->port_number = (int)strtol(address->port, NULL, 10);
    if (host == NULL) {
        address->label = talloc_asprintf(address, "%s:%s", address->path, address->port);
        address->local = true;
        return;
    }
    bool ipv6 = strchr(host, ':') != NULL;
    address->label = talloc_asprintf(address, "%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                                     address->port);
    const char *at = address->hostaddr != NULL ? address->hostaddr : host;
    address->local =
        strcasecmp(at, "localhost") == 0 || strncmp(at, "127.", 4) == 0 || strcmp(at, "::1") == 0;
}

static bool parse(struct mw_postgres_address *address, const char *url, struct mw_error *error)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    bool known = strncmp(url, schemes[0], strlen(schemes[0])) == 0 ||
                 strncmp(url, schemes[1], strlen(schemes[1])) == 0;
    if (!known) {
        return complain(error, "it does not begin with postgresql://");
    }
    if (strlen(url) > URL_MAX) {
        return complain(error, "it is too long");
    }
    if (!mw_libpq_load(error)) {
        return false;
    }
    /* What libpq complains of may be the password. */
    PQconninfoOption *options = mw_libpq.conninfoParse(url, NULL);
    struct reader reader = {.address = address, .error = error};
    bool done = options != NULL ? true : complain(error, "it cannot be read");
    for (const PQconninfoOption *option = options; done && option && option->keyword; option++) {
        done = option->val == NULL || take(&reader, option->keyword, option->val);
    }
    mw_libpq.conninfoFree(options);
    if (!done || !fill_in(address, error) || !check_names(address, error)) {
        return false;
    }
    describe(address);
    return true;
}

struct mw_postgres_address *mw_postgres_url_parse(TALLOC_CTX *memory, const char *url,
                                                  struct mw_error *error)
{
    struct mw_postgres_address *address = talloc_zero(memory, struct mw_postgres_address);
    if (address == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left");
        return NULL;
    }
    if (!parse(address, url, error)) {
        talloc_free(address);
        return NULL;
    }
    return address;
}
