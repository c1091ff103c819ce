/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in the configuration, each looked up once. */
#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "cli/doctor.h"
#include "runtime/resolve.h"

#define LOOK_UP_MS 8000
#define SLOW_MS    1000

static void look_up(struct mw_doctor_part *part, const struct mw_check *check,
                    struct mw_deadline deadline)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    mw_mono_ns begun = mw_mono_now();
    const char *host = part->subject;
    const struct mw_addresses *addresses =
        mw_resolve(part, host, 443, mw_deadline_min(deadline, mw_deadline_in(LOOK_UP_MS)), &error);
    long long took = (mw_mono_now() - begun) / 1000000;
    if (addresses == NULL)
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    else if (took > SLOW_MS)
        mw_check_say(check, MW_CHECK_NOTE,
                     "%s was found, but that took %lld ms: look at /etc/resolv.conf", host, took);
    else
        mw_check_say(check, MW_CHECK_OK, "%s was found in %lld ms, %zu address%s", host, took,
                     addresses->count, addresses->count == 1 ? "" : "es");
}

/* ---- finding them ---- */

static bool is_number(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || strchr(host, ':') != NULL;
}

/* The host of scheme://[user@]host[:port]/…; NULL where it has none, or where it is a number or this
 * machine. */
static char *host_of(TALLOC_CTX *memory, const char *url)
{
    const char *start = strstr(url, "://");
    if (start == NULL)
        return NULL;
    start += 3;
    size_t length = strcspn(start, "/?#");
    const char *at = memrchr(start, '@', length);
    const char *host = at != NULL ? at + 1 : start;
    length -= (size_t)(host - start);
    if (*host == '[' || *host == '%')
        return NULL;
    const char *colon = memchr(host, ':', length);
    char *name = talloc_strndup(memory, host, colon != NULL ? (size_t)(colon - host) : length);
    return *name == '\0' || is_number(name) || strcasecmp(name, "localhost") == 0 ? NULL : name;
}

static void add_host(struct mw_doctor *doctor, const char *url)
{
    char *host = url != NULL ? host_of(doctor, url) : NULL;
    if (host == NULL)
        return;
    for (size_t i = 0; i < doctor->count; i++) {
        if (doctor->parts[i]->look == look_up && strcasecmp(doctor->parts[i]->subject, host) == 0)
            return;
    }
    mw_doctor_add(doctor, "name", "names", look_up, host);
}

/* Every text of a table that reads like a URL. */
static void add_hosts(struct mw_doctor *doctor, const struct mw_option *options, const void *values)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->type == MW_OPTION_TEXT && (options->flags & MW_OPTION_NEXT) == 0)
            add_host(doctor, *(const char *const *)((const char *)values + options->offset));
    }
}

void mw_doctor_prepare_names(struct mw_doctor *doctor)
{
    const struct mw_settings *settings = doctor->settings;
    if (settings->root.heartbeat != NULL)
        add_host(doctor, settings->root.heartbeat->url);
    for (size_t i = 0; i < settings->chat_count; i++)
        add_hosts(doctor, settings->chats[i].ops->options, settings->chats[i].config);
    add_hosts(doctor, settings->llm.ops->options, settings->llm.config);
    for (size_t i = 0; i < settings->resource_count; i++)
        add_hosts(doctor, settings->resources[i].ops->options, settings->resources[i].config);
}
