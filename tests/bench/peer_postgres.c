/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that can be done: a prepared statement over kept connections, one after the other, and its
 * numbers read.
 * peer_postgres CONNECTIONS ROUNDS CONNINFO STATEMENT  prints the milliseconds of processor time per 1,000.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double used_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000.0 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000.0;
}

/* The sum of its row, or the end. */
static double read_row(PGconn *connection, PGresult *result, ExecStatusType wanted)
{
    double sum = 0;
    if (PQresultStatus(result) != wanted) {
        fprintf(stderr, "peer_postgres: %s", PQerrorMessage(connection));
        exit(1);
    }
    for (int column = 0; wanted == PGRES_TUPLES_OK && column < PQnfields(result); column++)
        sum += strtod(PQgetvalue(result, 0, column), NULL);
    PQclear(result);
    return sum;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: peer_postgres CONNECTIONS ROUNDS CONNINFO STATEMENT\n");
        return 2;
    }
    int connections = atoi(argv[1]), rounds = atoi(argv[2]);
    PGconn **all = calloc((size_t)connections, sizeof *all);
    if (!all)
        return 1;
    for (int i = 0; i < connections; i++) {
        all[i] = PQconnectdb(argv[3]);
        read_row(all[i], PQprepare(all[i], "probe", argv[4], 0, NULL), PGRES_COMMAND_OK);
        read_row(all[i], PQexecPrepared(all[i], "probe", 0, NULL, NULL, NULL, 0), PGRES_TUPLES_OK);
    }

    double before = used_ms(), sum = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < connections; i++)
            sum += read_row(all[i], PQexecPrepared(all[i], "probe", 0, NULL, NULL, NULL, 0),
                            PGRES_TUPLES_OK);
    }
    double spent = used_ms() - before;
    printf("%.3f\n", spent * 1000.0 / ((double)connections * rounds));
    for (int i = 0; i < connections; i++)
        PQfinish(all[i]);
    free(all);
    return sum > 0 ? 0 : 1;
}
