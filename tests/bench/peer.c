/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that can be done: INFO over kept connections, one after the other, and its numbers read.
 * peer CONNECTIONS ROUNDS PORT...  prints the milliseconds of processor time per 1,000 probes.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double used_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000.0 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000.0;
}

static double probe(redisContext *context)
{
    redisReply *reply = redisCommand(context, "INFO");
    if (!reply || !reply->str) {
        fprintf(stderr, "peer: INFO failed: %s\n", context->errstr);
        exit(1);
    }
    const char *used = strstr(reply->str, "\nused_memory:");
    double value = used ? strtod(used + strlen("\nused_memory:"), NULL) : 0;
    freeReplyObject(reply);
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: peer CONNECTIONS ROUNDS PORT...\n");
        return 2;
    }
    int connections = atoi(argv[1]), rounds = atoi(argv[2]), ports = argc - 3;
    redisContext **contexts = calloc((size_t)connections, sizeof *contexts);
    if (!contexts)
        return 1;
    for (int i = 0; i < connections; i++) {
        contexts[i] = redisConnect("127.0.0.1", atoi(argv[3 + i % ports]));
        if (!contexts[i] || contexts[i]->err) {
            fprintf(stderr, "peer: no connection: %s\n",
                    contexts[i] ? contexts[i]->errstr : "memory");
            return 1;
        }
        probe(contexts[i]);
    }

    double before = used_ms(), sum = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < connections; i++)
            sum += probe(contexts[i]);
    }
    double spent = used_ms() - before;
    printf("%.3f\n", spent * 1000.0 / ((double)connections * rounds));
    for (int i = 0; i < connections; i++)
        redisFree(contexts[i]);
    free(contexts);
    return sum > 0 ? 0 : 1;
}
