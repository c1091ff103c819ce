/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/heartbeat.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"
#include "runtime/http_proxy.h"

#define ROOM            "heartbeat"
#define SETTING         "heartbeat"
#define FIRST_MS        2000 /* the first probes are spread over a second */
#define SEND_MS         10000
#define IDLE_MS         3600000
#define MS_NS           INT64_C(1000000)
#define ANSWER_MAX      (64 * 1024)
#define LAST_SUCCESSFUL 299
#define MISSED_PROBES   3
#define SECRET_LEAST    8 /* a shorter path is no secret, and would mask too much */

const struct mw_option mw_heartbeat_options[] = {
    {.name = "url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_SECRET | MW_OPTION_RELOADABLE,
     .help =
         "what is asked for (GET) as long as all is well: https://…, or http:// on this machine",
     .offset = offsetof(struct mw_heartbeat_config, url)},
    {.name = "every",
     .type = MW_OPTION_DURATION,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "1m",
     .help = "how often",
     .offset = offsetof(struct mw_heartbeat_config, every),
     .minimum = 1000,
     .maximum = 86400000},
    {.name = NULL},
};

/* ---- the URL ---- */

/* What stands after "://"; NULL where that is not there. */
static const char *authority_of(const char *url)
{
    bool plain = strncasecmp(url, "http://", 7) == 0;
    return plain ? url + 7 : strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

char *mw_heartbeat_host(TALLOC_CTX *memory, const char *url)
{
    const char *authority = authority_of(url);
    if (authority == NULL) {
        return talloc_strdup(memory, "");
    }
    size_t length = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', length);
    const char *host = at != NULL ? at + 1 : authority;
    return mw_text_clean(memory, host, length - (size_t)(host - authority), 255);
}

static bool is_here(const char *host_and_port)
{
    size_t length =
        *host_and_port == '[' ? strcspn(host_and_port, "]") : strcspn(host_and_port, ":");
    char *host = talloc_strndup(NULL, host_and_port + (*host_and_port == '['),
                                length - (*host_and_port == '['));
    bool here = host != NULL && mw_host_is_loopback(host);
    talloc_free(host);
    return here;
}

/* Many such services know who it is by the path alone. */
static void remember_secrets(const char *authority)
{
    const char *rest = authority + strcspn(authority, "/?#");
    if (strlen(rest) > SECRET_LEAST) {
        mw_redact_secret(rest);
        mw_redact_secret(rest + 1);
    }
}

bool mw_heartbeat_check_url(const char *url, struct mw_error *error)
{
    const char *authority = authority_of(url);
    char *host = mw_heartbeat_host(NULL, url);
    bool ok = authority != NULL && host != NULL && *host != '\0' && strpbrk(url, " \t\r\n") == NULL;
    if (!ok) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "write https://HOST/PATH, or http://127.0.0.1:PORT/PATH on this machine");
    } else if (strncasecmp(url, "http://", 7) == 0 && !is_here(host)) {
        ok =
            mw_error_set(error, MW_ERROR_BAD_INPUT,
                         "http:// is for this machine only (127.0.0.1, localhost); write https://");
    } else {
        remember_secrets(authority);
    }
    talloc_free(host);
    return ok;
}

bool mw_heartbeat_check(const struct mw_heartbeat_config *config, const struct mw_check *check,
                        struct mw_deadline deadline, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *authority = authority_of(config->url);
    char *root = talloc_asprintf(
        memory, "%.*s/", (int)(authority - config->url + (ptrdiff_t)strcspn(authority, "/?#")),
        config->url);
    const struct mw_http_request request = {.method = "HEAD", .url = root, .limit = ANSWER_MAX};
    struct mw_http_response response = {0};
    bool ok = mw_http(memory, &request, deadline, &response, error);
    if (ok) {
        mw_check_say(check, MW_CHECK_OK,
                     "%s can be reached; whether it knows the address, the first beat of `midwatch "
                     "run` will show",
                     mw_heartbeat_host(memory, config->url));
    }
    talloc_free(memory);
    return ok;
}

/* ---- whether all is well ---- */

static mw_mono_ns patience_ns(const struct mw_resource *resource)
{
    return MISSED_PROBES * (resource->config->every + resource->config->timeout) * MS_NS;
}

bool mw_watch_is_alive(const struct mw_watch *watch, mw_mono_ns begun)
{
    mw_mono_ns now = mw_mono_now();
    for (size_t i = 0; i < watch->count; i++) {
        const struct mw_resource *resource = watch->resources[i];
        /* One that came with a reload has had no time before its first probe is due. */
        mw_mono_ns last = resource->probed_at != 0 ? resource->ended_mono : resource->planned;
        last = last > begun ? last : begun;
        if (now - last <= patience_ns(resource)) {
            return true;
        }
    }
    return watch->count == 0;
}

/* A true write: a disk that is full, or a file that somebody holds, is no record. */
static bool write_record(struct mw_heartbeat *self, struct mw_error *error)
{
    struct mw_change *change = mw_change_begin(self->record);
    char *now = mw_time_rfc3339(NULL, mw_wall_now());
    mw_change_setting(change, SETTING, now);
    talloc_free(now);
    return mw_change_commit(change, false, error) || mw_error_wrap(error, "the record fails");
}

static bool is_well(struct mw_heartbeat *self, struct mw_error *error)
{
    if (!mw_watch_is_alive(self->watch, self->begun)) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "no probe comes to its end any more");
    }
    return write_record(self, error);
}

/* ---- the beat ---- */

static bool beat(struct mw_heartbeat *self, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_http_response response = {0};
    /* Another one may be followed meanwhile. */
    const struct mw_http_request request = {.url = talloc_strdup(memory, self->url),
                                            .limit = ANSWER_MAX};
    bool ok = self->send(memory, &request, mw_deadline_in(SEND_MS), &response, error);
    if (ok && (response.status < 200 || response.status > LAST_SUCCESSFUL)) {
        ok = mw_error_set(error, MW_ERROR_PERMANENT, "it answers with status %d%s", response.status,
                          response.status == 404 || response.status == 410 ||
                                  (response.status >= 300 && response.status < 400)
                              ? ": look at heartbeat.url"
                              : "");
    }
    talloc_free(memory);
    return ok;
}

static void become(struct mw_heartbeat *self, enum mw_heartbeat_state state,
                   const struct mw_error *error)
{
    enum mw_heartbeat_state before = self->state;
    if (state == before) {
        return;
    }
    self->state = state;
    TALLOC_CTX *memory = talloc_new(NULL);
    char *host = mw_heartbeat_host(memory, self->url), *text;
    if (state == MW_HEARTBEAT_HEARD) {
        text = talloc_asprintf(memory, "the heartbeat reaches %s%s", host,
                               before == MW_HEARTBEAT_NEW ? "" : " again");
        mw_log_info(ROOM, "%s", text);
    } else if (state == MW_HEARTBEAT_WITHHELD) {
        text = talloc_asprintf(memory, "the heartbeat to %s is withheld: %s", host, error->text);
        mw_log_error(ROOM, "%s", text);
    } else {
        text = talloc_asprintf(
            memory, "the heartbeat does not reach %s, which may soon say that midwatch is dead: %s",
            host, error->text);
        mw_log_warning(ROOM, "%s", text);
    }
    if (self->tell != NULL) {
        self->tell(self->context, state, text);
    }
    talloc_free(memory);
}

static void look_and_beat(struct mw_heartbeat *self)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    enum mw_heartbeat_state state = MW_HEARTBEAT_HEARD;
    unsigned follows = self->follows;
    if (!is_well(self, &error)) {
        state = MW_HEARTBEAT_WITHHELD;
    } else if (self->follows == follows && !beat(self, &error)) {
        state = MW_HEARTBEAT_UNHEARD;
    }
    if (self->follows != follows || error.class == MW_ERROR_CANCELLED || mw_fiber_cancelled()) {
        return;
    }
    become(self, state, &error);
    mw_mono_ns now = mw_mono_now();
    self->next += self->every * MS_NS;
    self->next = self->next > now ? self->next : now + self->every * MS_NS;
}

void mw_heartbeat_init(struct mw_heartbeat *heartbeat, TALLOC_CTX *memory, struct mw_watch *watch,
                       struct mw_record *record)
{
    *heartbeat = (struct mw_heartbeat){.watch = watch,
                                       .record = record,
                                       .send = mw_http,
                                       .memory = memory,
                                       .begun = mw_mono_now()};
    mw_condition_init(&heartbeat->changed);
}

void mw_heartbeat_follow(struct mw_heartbeat *self, const struct mw_heartbeat_config *config)
{
    bool same_url = config != NULL && self->url != NULL && strcmp(config->url, self->url) == 0;
    if (same_url && config->every == self->every) {
        return;
    }
    self->follows++;
    TALLOC_FREE(self->url);
    self->state = MW_HEARTBEAT_NEW;
    if (config != NULL) {
        self->url = talloc_strdup(self->memory, config->url);
        self->every = config->every;
        self->next = mw_mono_now() + (self->every < FIRST_MS ? self->every : FIRST_MS) * MS_NS;
    } else if (self->tell != NULL) {
        self->tell(self->context, MW_HEARTBEAT_NEW, NULL);
    }
    mw_condition_notify(&self->changed);
}

void mw_heartbeat_run(void *heartbeat)
{
    struct mw_heartbeat *self = heartbeat;
    struct mw_error error;
    while (!mw_fiber_cancelled()) {
        if (self->url != NULL && self->next <= mw_mono_now()) {
            look_and_beat(self);
            continue;
        }
        struct mw_deadline due = {self->next};
        mw_condition_wait(&self->changed, self->url != NULL ? due : mw_deadline_in(IDLE_MS),
                          &error);
    }
}
