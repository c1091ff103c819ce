/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resolve.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/resolver.h"

#define NAMES_MAX     1024
#define BUCKETS       256
#define ADDRESSES_MAX 16
#define HOST_MAX      253
/* Bounds of how long an answer is kept, whatever its record says. */
#define KEEP_MIN_S 2
#define KEEP_MAX_S 60

enum name_state { UNASKED, ASKING, KNOWN, FAILED };

struct name {
    struct name *next; /* in its bucket */
    char *host;        /* lower case */
    enum name_state state;
    struct mw_addresses *addresses; /* KNOWN: port 0 */
    struct mw_error failure;        /* FAILED */
    mw_mono_ns keep_until;
    struct mw_condition answered;
    size_t users; /* fibers that are about to look at it */
};

static TALLOC_CTX *table;
static struct name *buckets[BUCKETS];
static size_t names, asking;

static struct name **bucket_of(const char *host)
{
    uint32_t hash = 2166136261u;
    for (const char *at = host; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &buckets[hash % BUCKETS];
}

static struct name *find_name(const char *host)
{
    struct name *name = *bucket_of(host);
    while (name != NULL && strcmp(name->host, host) != 0)
        name = name->next;
    return name;
}

static struct name *add_name(const char *host)
{
    if (table == NULL)
        table = talloc_named_const(NULL, 0, "names");
    struct name *name = talloc_zero(table, struct name);
    mw_require(name != NULL, "no memory for a name");
    name->host = talloc_strdup(name, host);
    mw_require(name->host != NULL, "no memory for a name");
    mw_condition_init(&name->answered);
    struct name **bucket = bucket_of(host);
    name->next = *bucket;
    *bucket = name;
    names++;
    return name;
}

static void drop_name(struct name *name)
{
    struct name **link = bucket_of(name->host);
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    names--;
    talloc_free(name);
}

static bool is_idle(const struct name *name)
{
    return name->users == 0 && name->state != ASKING;
}

/* Lets the answer go that would go next. */
static void make_room(void)
{
    struct name *oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct name *name = buckets[i]; name != NULL; name = name->next)
            if (is_idle(name) && (oldest == NULL || name->keep_until < oldest->keep_until))
                oldest = name;
    if (oldest != NULL)
        drop_name(oldest);
}

/* Failures are not kept: who asks next may be luckier. */
static void forget(struct name *name)
{
    if (name->state == FAILED || names > NAMES_MAX)
        drop_name(name);
}

static struct mw_addresses *new_addresses(TALLOC_CTX *memory, size_t count)
{
    struct mw_addresses *addresses = talloc_zero(memory, struct mw_addresses);
    mw_require(addresses != NULL, "no memory for addresses");
    addresses->items = talloc_zero_array(addresses, struct sockaddr_storage, count);
    mw_require(addresses->items != NULL, "no memory for addresses");
    return addresses;
}

static void set_port(struct sockaddr_storage *address, int port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
}

static struct mw_addresses *copy_addresses(TALLOC_CTX *memory, const struct mw_addresses *from,
                                           int port)
{
    struct mw_addresses *copy = new_addresses(memory, from->count);
    for (size_t i = 0; i < from->count; i++) {
        copy->items[i] = from->items[i];
        set_port(&copy->items[i], port);
    }
    copy->count = from->count;
    return copy;
}

static void note_failure(struct name *name, int status)
{
    struct mw_error *error = &name->failure;
    const char *host = name->host;
    name->state = FAILED;
    switch (status) {
    case ARES_ENOTFOUND:
        mw_error_set(error, MW_ERROR_RETRY, "there is no host called %s", host);
        break;
    case ARES_ENODATA:
        mw_error_set(error, MW_ERROR_RETRY, "the host %s has no address", host);
        break;
    case ARES_EBADNAME:
        mw_error_set(error, MW_ERROR_BAD_INPUT, "%s is no valid host name", host);
        break;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
        mw_error_set(error, MW_ERROR_RETRY,
                     "cannot look up %s: no name server answers (see /etc/resolv.conf)", host);
        break;
    default:
        mw_error_set(error, MW_ERROR_RETRY, "cannot look up %s: %s", host, ares_strerror(status));
    }
}

static void note_addresses(struct name *name, const struct ares_addrinfo *found)
{
    int keep = KEEP_MAX_S;
    name->addresses = new_addresses(name, ADDRESSES_MAX);
    for (const struct ares_addrinfo_node *node = found->nodes; node != NULL; node = node->ai_next) {
        bool known = node->ai_family == AF_INET || node->ai_family == AF_INET6;
        if (!known || name->addresses->count == ADDRESSES_MAX ||
            node->ai_addrlen > sizeof *name->addresses->items)
            continue;
        memcpy(&name->addresses->items[name->addresses->count++], node->ai_addr, node->ai_addrlen);
        if (node->ai_ttl < keep)
            keep = node->ai_ttl;
    }
    if (name->addresses->count == 0) {
        note_failure(name, ARES_ENODATA);
        return;
    }
    name->state = KNOWN;
    name->keep_until = mw_deadline_in(1000 * (int64_t)(keep < KEEP_MIN_S ? KEEP_MIN_S : keep)).at;
}

static void on_answer(void *argument, int status, int timeouts, struct ares_addrinfo *found)
{
    struct name *name = argument;
    mw_loop.helpers--;
    asking--;
    if (status == ARES_SUCCESS && found != NULL)
        note_addresses(name, found);
    else
        note_failure(name, status);
    if (found != NULL)
        ares_freeaddrinfo(found);
    if (asking == 0)
        mw_resolver_rest();
    mw_condition_notify(&name->answered);
    if (name->users == 0)
        forget(name);
}

static bool ask(struct name *name, struct mw_error *error)
{
    TALLOC_FREE(name->addresses);
    name->state = ASKING;
    bool idle = asking == 0;
    asking++;
    mw_loop.helpers++;
    if (mw_resolver_ask(name->host, idle, on_answer, name, error))
        return true;
    asking--;
    mw_loop.helpers--;
    name->state = FAILED;
    return false;
}

static void leave(struct name *name)
{
    name->users--;
    if (is_idle(name))
        forget(name);
}

static bool is_due(const struct name *name)
{
    return name->state == UNASKED || (name->state == KNOWN && mw_mono_now() >= name->keep_until);
}

static bool await_answer(struct name *name, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_error cause;
    while (name->state == ASKING) {
        if (!mw_condition_wait(&name->answered, deadline, &cause))
            return mw_error_set(error, cause.class, "looking up %s %s", name->host,
                                cause.class == MW_ERROR_TIMEOUT ? "took too long"
                                                                : "was cancelled");
    }
    return true;
}

static struct mw_addresses *look_up(TALLOC_CTX *memory, const char *host, int port,
                                    struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_addresses *addresses = NULL;
    struct name *name = find_name(host);
    if (name == NULL) {
        if (names >= NAMES_MAX)
            make_room();
        name = add_name(host);
    }
    name->users++;
    if ((!is_due(name) || ask(name, error)) && await_answer(name, deadline, error)) {
        if (name->state == KNOWN)
            addresses = copy_addresses(memory, name->addresses, port);
        else
            *error = name->failure;
    }
    leave(name);
    return addresses;
}

/* "127.0.0.1", "::1", "[::1]", "fe80::1%eth0". */
static bool parse_numeric(const char *host, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    *address = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        address->ss_family = AF_INET;
        return true;
    }
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 4];
    size_t length = strlen(host);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    }
    if (length >= sizeof text)
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    char *zone = strchr(text, '%');
    if (zone != NULL)
        *zone++ = '\0';
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
        return false;
    address->ss_family = AF_INET6;
    six->sin6_scope_id = zone == NULL ? 0 : if_nametoindex(zone);
    return zone == NULL || six->sin6_scope_id != 0;
}

struct mw_addresses *mw_resolve(TALLOC_CTX *memory, const char *host, int port,
                                struct mw_deadline deadline, struct mw_error *error)
{
    size_t length = strlen(host);
    if (port < 1 || port > 65535) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "%d is no port: 1 to 65535", port);
        return NULL;
    }
    if (length == 0 || length > HOST_MAX) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "a host name has 1 to %d characters, not %zu",
                     HOST_MAX, length);
        return NULL;
    }
    struct sockaddr_storage address;
    if (parse_numeric(host, &address)) {
        struct mw_addresses *addresses = new_addresses(memory, 1);
        addresses->items[0] = address;
        set_port(&addresses->items[0], port);
        addresses->count = 1;
        return addresses;
    }
    char lower[HOST_MAX + 1] = "";
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)tolower((unsigned char)host[i]);
    return look_up(memory, lower, port, deadline, error);
}

void mw_resolve_finish(void)
{
    mw_resolver_finish();
    TALLOC_FREE(table);
    memset(buckets, 0, sizeof buckets);
    names = asking = 0;
}
