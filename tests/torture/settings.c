/* SPDX-License-Identifier: Apache-2.0 */
/* A whole configuration, with faults and without. */
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static const char good[] =
    "name: shop\nstore: shop.db\nlog: {level: info}\nchat: [{kind: terminal}]\n"
    "llm: {provider: gemini, model: m, api_key: \"${SECRET}\", fallback: runbook}\n"
    "people:\n  - {name: ann, terminal: true, roles: [approver]}\n"
    "policy:\n  default: approve\n  rules:\n    - {risk: read, then: auto}\n"
    "    - {tool: redis_flush, hours: \"Mon-Fri 09:00-18:00\", then: approve, approvers: 2}\n"
    "maintenance: [{resources: [db], cron: \"0 3 * * 0\", for: 1h}]\n"
    "resources:\n"
    "  - {name: cache, kind: redis, url: \"redis://:${SECRET}@127.0.0.1:6379\", depends_on: [db]}\n"
    "  - {name: db, kind: postgres, url: \"postgresql://midwatch@127.0.0.1/shop\",\n"
    "     thresholds: {connections_percent: {degraded: 70}}, logs: [{file: /var/log/db}]}\n";
static const char bad[] =
    "name: shop\nstor: x\nlog: {level: loud}\nchat: [{kind: slack}, {kind: trminal}]\n"
    "policy: {default: maybe, rules: [{risk: red, then: auto}, {hours: never}]}\n"
    "resources:\n  - {name: cache, kind: redis, url: \"http://x\", every: soon, dpends_on: [db]}\n"
    "  - {name: cache, kind: redis, url: \"${MISSING}\", thresholds: {memory: {degraded: 1}}}\n";

static char file[sizeof world->store];

static void write_file(const char *text)
{
    setenv("SECRET", "a-long-secret-word", 1);
    snprintf(world->store, sizeof world->store, "/tmp/midwatch-torture-XXXXXX");
    TORTURE_HOLDS(mkdtemp(world->store) != NULL);
    strcat(world->store, "/midwatch.yaml");
    snprintf(file, sizeof file, "%s", world->store);
    FILE *to = fopen(file, "w");
    TORTURE_HOLDS(to != NULL && fputs(text, to) >= 0 && fclose(to) == 0);
}

static void prepare_good(void)
{
    write_file(good);
}

static void prepare_bad(void)
{
    write_file(bad);
}

static void load_good(void)
{
    struct mw_settings *settings = mw_settings_load(file, stderr);
    TORTURE_HOLDS(settings != NULL && settings->resource_count == 2);
    talloc_free(settings);
}

static void load_bad(void)
{
    char *said = NULL;
    size_t size = 0, lines = 0;
    FILE *faults = open_memstream(&said, &size);
    TORTURE_HOLDS(mw_settings_load(file, faults) == NULL);
    fclose(faults);
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    TORTURE_HOLDS(lines >= 10);
    free(said);
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {
        {.name = "settings", .prepare = prepare_good, .scenario = load_good, .least = 300},
        {.name = "faults", .prepare = prepare_bad, .scenario = load_bad, .least = 200},
        {NULL}};
    return torture_main(count, words, scenarios);
}
