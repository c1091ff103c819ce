/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe of a PostgreSQL costs, on a server of its own with ninety sessions beside ours.
 * postgres [PROBES]  prints the figure beside its limit; exits 1 past it.
 */
#include "../integration/postgres/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../adapters/target/postgres/postgres.h"
#include "base/clock.h"
#include "runtime/runtime.h"

#define PROBES   5000
#define SESSIONS 90

/* Milliseconds of processor time for 1,000 probes. */
#define LIMIT_MS 200.0

TALLOC_CTX *test_memory;

static int probes = PROBES;

static double ms_of(const struct timeval *time)
{
    return (double)time->tv_sec * 1000 + (double)time->tv_usec / 1000;
}

static double used_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return ms_of(&usage.ru_utime) + ms_of(&usage.ru_stime);
}

/* Of the server's process for our connection. */
static double server_used_ms(int pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system_time = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *rest = strrchr(line, ')');
        if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                   &user, &system_time) != 2) {
            user = system_time = 0;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)(user + system_time) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static void probe(struct mw_target *target)
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    if (!mw_target_postgres.probe(target, mw_deadline_in(5000), &sample, &error)) {
        fprintf(stderr, "postgres: %s\n", error.text);
        exit(1);
    }
}

static int measure(void *argument)
{
    struct mw_error error = {0};
    struct mw_postgres_config config = {
        .url =
            talloc_asprintf(test_memory, "postgresql://midwatch@127.0.0.1:%d/shop", server.port)};
    struct mw_target target = {.ops = &mw_target_postgres, .memory = test_memory, .name = "db"};
    if (!mw_target_postgres.create(&target, &config, &error)) {
        fprintf(stderr, "postgres: %s\n", error.text);
        return 1;
    }
    for (int i = 0; i < 100; i++) {
        probe(&target);
    }
    struct mw_postgres *postgres = target.state;
    int backend = mw_postgres_connection_process(postgres->connection);
    double ours = used_ms(), theirs = server_used_ms(backend);
    mw_mono_ns begun = mw_mono_now();
    for (int i = 0; i < probes; i++) {
        probe(&target);
    }
    double wall = (double)(mw_mono_now() - begun) / 1e6;
    ours = (used_ms() - ours) * 1000 / probes;
    theirs = (server_used_ms(backend) - theirs) * 1000 / probes;
    mw_target_postgres.destroy(&target);
    printf("  %d probes, %.0f us each from asking to answer; the server spent %.0f ms of processor "
           "on 1,000\n",
           probes, wall * 1000 / probes, theirs);
    printf("1,000 PostgreSQL probes, processor: measured %.4g ms, limit %g ms, ratio %.2f%s\n",
           ours, LIMIT_MS, ours / LIMIT_MS, ours <= LIMIT_MS ? "" : " FAIL");
    return ours <= LIMIT_MS ? 0 : 1;
}

int main(int count, char **arguments)
{
    struct mw_error error = {0};
    if (count > 1 && atoi(arguments[1]) > 0) {
        probes = atoi(arguments[1]);
    }
    test_memory = talloc_new(NULL);
    server_start("max_connections = 100");
    for (int i = 0; i < SESSIONS; i++) {
        session_as("app", "web");
    }
    int status = 1;
    if (mw_runtime_init(&error)) {
        status = mw_runtime_run(measure, NULL);
        mw_runtime_finish();
    }
    sessions_leave();
    server_stop("fast");
    TALLOC_FREE(test_memory);
    server_remove(NULL);
    return status;
}
