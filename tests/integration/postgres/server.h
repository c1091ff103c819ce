/* SPDX-License-Identifier: Apache-2.0 */
/* A private PostgreSQL for the tests of one program, and what is said to it behind midwatch's back. */
#ifndef MIDWATCH_TEST_POSTGRES_SERVER_H
#define MIDWATCH_TEST_POSTGRES_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>
#include <talloc.h>

/* Roles: postgres (superuser), midwatch (pg_monitor, pg_signal_backend), plain (nothing), app (owner of
 * the database shop and its table item with the rows 1 to 100), locked (with a password, over TCP). */
struct server {
    char folder[64]; /* the socket's folder, too */
    int port;
};

extern struct server server;

/* Makes the cluster at the first call and starts it with these lines of configuration. It ends with the
 * test; what tests change with ALTER SYSTEM is forgotten. */
void server_start(const char *configuration);
void server_start_again(void);
/* "fast", "immediate"; waits until it is gone. */
void server_stop(const char *how);
/* To the postmaster. */
void server_signal(int number);
/* SIGKILL to the postmaster; waits until all its children have gone, too. */
void server_kill(void);
/* A shell command that restarts it. */
const char *server_restart_command(void);
/* Removes the cluster; at the end of the program. */
int server_remove(void **state);

/* A shell command that runs one of PostgreSQL's programs as the cluster's owner. */
const char *server_program(const char *command);
int server_free_port(void);
/* A shell command in the cluster's folder, which must end well. */
void server_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As the superuser, over a connection of its own. */
void server_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
double server_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- people ---- */

/* A session over the Unix socket; it ends with the test. */
PGconn *session_as(const char *role, const char *application);
/* NULL with the SQLSTATE where it is refused. */
PGconn *session_try(const char *role, char sqlstate[6]);
void session_say(PGconn *session, const char *sql);
/* Sends without waiting. */
void session_send(PGconn *session, const char *sql);
/* The last result's status after waiting for all that was sent; PGRES_FATAL_ERROR where it was cut off.
 */
ExecStatusType session_end_of(PGconn *session);
void session_leave(PGconn *session);
void sessions_leave(void);

/* Waits until the query (as the superuser) says at least `least`. */
void wait_for_number(double least, const char *sql);

extern TALLOC_CTX *test_memory;

#endif
