/* SPDX-License-Identifier: Apache-2.0 */
/* How bad a line of PostgreSQL's log is, in each of its three formats. */
#include "helper.h"

#include <stdlib.h>

#include "../../../adapters/target/postgres/postgres.h"

#define DEBIAN "2026-11-22 03:08:05.123 UTC [4711] app@shop "

static const struct {
    const char *line;
    enum mw_log_severity severity;
} known[] = {
    {DEBIAN "FATAL:  remaining connection slots are reserved for non-replication superuser "
            "connections",
     MW_LOG_CRITICAL},
    {"FATAL:  remaining connection slots are reserved", MW_LOG_CRITICAL},
    {DEBIAN "FATAL:  sorry, too many clients already", MW_LOG_CRITICAL},
    {DEBIAN "PANIC:  could not write to file \"pg_wal/xlogtemp.1\": No space left on device",
     MW_LOG_CRITICAL},
    {DEBIAN "ERROR:  deadlock detected", MW_LOG_ERROR},
    {DEBIAN "ERROR:  relation \"LOG:  x\" does not exist", MW_LOG_ERROR},
    {DEBIAN "WARNING:  database \"shop\" must be vacuumed within 10000000 transactions",
     MW_LOG_WARNING},
    {DEBIAN "DETAIL:  Process 5 waits for ShareLock on transaction 7; blocked by process 6.",
     MW_LOG_NOTICE},
    {DEBIAN "STATEMENT:  SELECT 'ERROR:  no'", MW_LOG_NOTICE},
    {DEBIAN "FATAL:  password authentication failed for user \"app\"", MW_LOG_ERROR},
    {DEBIAN "FATAL:  terminating connection due to administrator command", MW_LOG_ERROR},
    {DEBIAN "FATAL:  the database system is starting up", MW_LOG_WARNING},
    {DEBIAN "ERROR:  canceling statement due to user request", MW_LOG_WARNING},
    {DEBIAN "LOG:  checkpoint complete: wrote 45 buffers (0.3%)", MW_LOG_NOTICE},
    {DEBIAN "LOG:  server process (PID 99) was terminated by signal 9: Killed", MW_LOG_CRITICAL},
    {DEBIAN "LOG:  server process (PID 99) exited with exit code 2", MW_LOG_WARNING},
    {DEBIAN
     "LOG:  background worker \"logical replication launcher\" (PID 9) exited with exit code 1",
     MW_LOG_NOTICE},
    {DEBIAN "LOG:  process 5 still waiting for ShareLock on transaction 7 after 1000.1 ms",
     MW_LOG_WARNING},
    {DEBIAN "LOG:  checkpoints are occurring too frequently (9 seconds apart)", MW_LOG_WARNING},
    {DEBIAN "LOG:  could not fork new process for connection: Cannot allocate memory",
     MW_LOG_ERROR},
    {DEBIAN "LOG:  archive command failed with exit code 1", MW_LOG_ERROR},
    {DEBIAN "DEBUG2:  find_in_dynamic_libpath", MW_LOG_NOTICE},
    {"2026-11-22 03:08:05.123 UTC,\"app\",\"shop\",4711,\"127.0.0.1:5555\",65d.1,1,\"startup\","
     "2026-11-22 03:08:05 UTC,3/4,0,FATAL,53300,\"remaining connection slots, \"\"FATAL\"\"\",,,",
     MW_LOG_CRITICAL},
    {"2026-11-22 03:08:05.123 UTC,\"a,b\",\"shop\",4711,\"127.0.0.1:5555\",65d.1,1,\"SELECT\","
     "2026-11-22 03:08:05 UTC,3/4,0,ERROR,42P01,\"no such table\",,,",
     MW_LOG_ERROR},
    {"2026-11-22 03:08:05.123 UTC,,,4711,,65d.1,1,,2026-11-22 03:08:05 UTC,,0,LOG,00000,"
     "\"checkpoint starting: time\",,,",
     MW_LOG_NOTICE},
    {"{\"timestamp\":\"2026-11-22 03:08:05.123 UTC\",\"pid\":4711,\"error_severity\":\"FATAL\","
     "\"state_code\":\"53300\",\"message\":\"sorry, too many clients already\"}",
     MW_LOG_CRITICAL},
    {"{\"timestamp\":\"2026-11-22 03:08:05.123 UTC\",\"error_severity\":\"LOG\","
     "\"message\":\"listening on IPv4 address\"}",
     MW_LOG_NOTICE},
};

static void levels(void **state)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        enum mw_log_severity severity = (enum mw_log_severity) - 1;
        if (!mw_postgres_log_severity(known[i].line, &severity) || severity != known[i].severity) {
            fail_msg("%d: %s", (int)severity, known[i].line);
        }
    }
}

static void other_lines_are_not_ours(void **state)
{
    static const char *const others[] = {
        "",
        "2026",
        "a line of something else",
        "ERROR: one space is not enough",
        "myERROR:  within a word",
        "ERRORS:  no such level",
        "{\"level\":\"error\"}",
        "{\"error_severity\":\"",
        "2026-11-22,,,,,,,,,,,",
        "2026-11-22,\"unclosed, , , , , , , , , , , ERROR,",
        "        CONTINUED:  a second line of a statement",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        enum mw_log_severity severity;
        if (mw_postgres_log_severity(others[i], &severity)) {
            fail_msg("taken: %s", others[i]);
        }
    }
}

/* Each cut of each line, on a heap block of just its size: nothing is read past the end. */
static void cut_lines_are_harmless(void **state)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        for (size_t length = 0; length <= strlen(known[i].line); length++) {
            enum mw_log_severity severity;
            char *line = strndup(known[i].line, length);
            mw_postgres_log_severity(line, &severity);
            free(line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(other_lines_are_not_ours),
        cmocka_unit_test(cut_lines_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
