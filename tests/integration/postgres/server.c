/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS      20000
#define SESSIONS_MAX 200

struct server server;

static PGconn *sessions[SESSIONS_MAX];
static size_t session_count;

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

int server_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* ---- the server ---- */

/* Of the newest version that is installed; PostgreSQL does not run as root. */
const char *server_program(const char *command)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0) {
        fail_msg("there is no PostgreSQL: install the package postgresql");
    }
    const char *last = found.gl_pathv[found.gl_pathc - 1];
    const char *text =
        talloc_asprintf(test_memory, "%s%.*s%s", geteuid() == 0 ? "runuser -u postgres -- " : "",
                        (int)(strlen(last) - strlen("initdb")), last, command);
    globfree(&found);
    return text;
}

void server_shell(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *command = talloc_vasprintf(test_memory, format, list);
    va_end(list);
    const char *quiet = talloc_asprintf(test_memory, "cd %s && { %s; } >>%s/commands.log 2>&1",
                                        server.folder, command, server.folder);
    if (system(quiet) != 0) {
        fail_msg("%s", command);
    }
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data/%s", server.folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_cluster(void)
{
    strcpy(server.folder, "/tmp/midwatch-postgres-XXXXXX");
    assert_non_null(mkdtemp(server.folder));
    const struct passwd *owner = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (owner != NULL) {
        assert_int_equal(chown(server.folder, owner->pw_uid, owner->pw_gid), 0);
    }
    server_shell(
        "%s", server_program(talloc_asprintf(
                  test_memory, "initdb -D %s/data -U postgres -A trust --no-sync", server.folder)));
    server_shell("echo \"include 'midwatch.conf'\" >>data/postgresql.conf");
    write_file("pg_hba.conf", "local all,replication all trust\n"
                              "host all locked 127.0.0.1/32 scram-sha-256\n"
                              "host all nobody 127.0.0.1/32 reject\n"
                              "host all all 127.0.0.1/32 trust\n");
}

static void fill_cluster(void)
{
    PGconn *session = NULL;
    server_say("CREATE ROLE app LOGIN");
    server_say("CREATE ROLE plain LOGIN");
    server_say("CREATE ROLE nobody LOGIN");
    server_say("CREATE ROLE midwatch LOGIN IN ROLE pg_monitor, pg_signal_backend");
    server_say("CREATE ROLE locked LOGIN PASSWORD 's3cret-one'");
    server_say("CREATE DATABASE shop OWNER app");
    session = session_as("app", "");
    session_say(session, "CREATE TABLE item AS SELECT id, 0 AS n FROM generate_series(1, 100) id");
    sessions_leave();
}

void server_start_again(void)
{
    server_shell("%s", server_program(talloc_asprintf(test_memory,
                                                      "pg_ctl -D %s/data -l %s/log -w -t 20 start",
                                                      server.folder, server.folder)));
}

void server_start(const char *configuration)
{
    bool fresh = server.folder[0] == '\0';
    if (fresh) {
        make_cluster();
    }
    server.port = server_free_port();
    write_file("midwatch.conf",
               talloc_asprintf(test_memory,
                               "listen_addresses = '127.0.0.1'\nport = %d\n"
                               "unix_socket_directories = '%s'\nfsync = off\n"
                               "max_connections = 100\nshared_buffers = 16MB\n"
                               "autovacuum = off\nmax_prepared_transactions = 2\nlog_line_prefix = "
                               "'%%m [%%p] %%q%%u@%%d '\n%s\n",
                               server.port, server.folder, configuration));
    server_shell("rm -f data/postgresql.auto.conf");
    server_start_again();
    if (fresh) {
        fill_cluster();
    }
}

static pid_t postmaster(void)
{
    char path[128];
    int pid = 0;
    snprintf(path, sizeof path, "%s/data/postmaster.pid", server.folder);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%d", &pid) != 1) {
            pid = 0;
        }
        fclose(file);
    }
    return pid;
}

void server_signal(int number)
{
    pid_t pid = postmaster();
    assert_true(pid > 1);
    assert_int_equal(kill(pid, number), 0);
}

void server_stop(const char *how)
{
    pid_t pid = postmaster();
    if (pid <= 1 || kill(pid, SIGCONT) != 0) {
        return;
    }
    server_shell(
        "%s", server_program(talloc_asprintf(test_memory, "pg_ctl -D %s/data -m %s -w -t 20 stop",
                                             server.folder, how)));
}

/* Every process of the server works in its data folder; one that has ended has none any more. */
static bool is_gone(void)
{
    const char *data = talloc_asprintf(test_memory, "%s/data", server.folder);
    glob_t found;
    bool gone = true;
    assert_int_equal(glob("/proc/[0-9]*/cwd", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char target[128];
        ssize_t length = readlink(found.gl_pathv[i], target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        gone = gone && strcmp(target, data) != 0;
    }
    globfree(&found);
    return gone;
}

void server_kill(void)
{
    server_signal(SIGKILL);
    for (int waited = 0; !is_gone(); waited += 5) {
        if (waited > WAIT_MS) {
            fail_msg("the server's processes do not end");
        }
        nap();
    }
    /* Until somebody has reaped the postmaster, its process id would still look alive. */
    server_shell("rm -f data/postmaster.pid .s.PGSQL.*");
}

const char *server_restart_command(void)
{
    return server_program(talloc_asprintf(test_memory,
                                          "pg_ctl -D %s/data -l %s/log -m fast -w -t 20 restart",
                                          server.folder, server.folder));
}

int server_remove(void **state)
{
    if (server.folder[0] == '\0') {
        return 0;
    }
    /* A test that failed may have left a standby. */
    test_memory = talloc_new(NULL);
    server_shell("[ ! -d standby ] || %s",
                 server_program("pg_ctl -D standby -m immediate -w stop || true"));
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", server.folder);
    assert_int_equal(system(command), 0);
    TALLOC_FREE(test_memory);
    return 0;
}

/* ---- behind midwatch's back ---- */

static void ignore_notice(void *argument, const PGresult *result)
{
}

static PGconn *connect_as(const char *role, const char *database, const char *application)
{
    char port[12];
    snprintf(port, sizeof port, "%d", server.port);
    const char *names[] = {"host", "port", "user", "dbname", "application_name", NULL};
    const char *values[] = {server.folder, port, role, database, application, NULL};
    PGconn *session = PQconnectdbParams(names, values, 0);
    PQsetNoticeReceiver(session, ignore_notice, NULL);
    return session;
}

static PGresult *vask(const char *format, va_list list)
{
    char *sql = talloc_vasprintf(test_memory, format, list);
    PGconn *session = connect_as("postgres", "postgres", "behind the back");
    if (PQstatus(session) != CONNECTION_OK) {
        fail_msg("%s", PQerrorMessage(session));
    }
    PGresult *result = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(session));
    }
    PQfinish(session);
    return result;
}

void server_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PQclear(vask(format, list));
    va_end(list);
}

double server_number(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    PGresult *result = vask(format, list);
    va_end(list);
    assert_int_equal(PQntuples(result), 1);
    double number = strtod(PQgetvalue(result, 0, 0), NULL);
    PQclear(result);
    return number;
}

void wait_for_number(double least, const char *sql)
{
    for (int waited = 0; server_number("%s", sql) < least; waited += 5) {
        if (waited > WAIT_MS) {
            fail_msg("waited in vain for %g: %s", least, sql);
        }
        nap();
    }
}

/* ---- people ---- */

PGconn *session_as(const char *role, const char *application)
{
    PGconn *session = connect_as(role, "shop", application);
    if (PQstatus(session) != CONNECTION_OK) {
        fail_msg("%s", PQerrorMessage(session));
    }
    assert_true(session_count < SESSIONS_MAX);
    sessions[session_count++] = session;
    return session;
}

PGconn *session_try(const char *role, char sqlstate[6])
{
    char port[12];
    snprintf(port, sizeof port, "%d", server.port);
    const char *names[] = {"host", "port", "user", "dbname", NULL};
    const char *values[] = {server.folder, port, role, "shop", NULL};
    PGconn *session = PQconnectStartParams(names, values, 0);
    PQsetErrorVerbosity(session, PQERRORS_SQLSTATE);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        state = PQconnectPoll(session);
    }
    if (state == PGRES_POLLING_OK) {
        assert_true(session_count < SESSIONS_MAX);
        sessions[session_count++] = session;
        return session;
    }
    const char *text = PQerrorMessage(session), *end = text + strcspn(text, "\n");
    assert_true(end - text >= 5);
    memcpy(sqlstate, end - 5, 5);
    sqlstate[5] = '\0';
    PQfinish(session);
    return NULL;
}

void session_say(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(session));
    }
}

void session_send(PGconn *session, const char *sql)
{
    assert_int_equal(PQsendQuery(session, sql), 1);
}

ExecStatusType session_end_of(PGconn *session)
{
    ExecStatusType status = PGRES_EMPTY_QUERY;
    for (PGresult *result = PQgetResult(session); result != NULL; result = PQgetResult(session)) {
        status = PQresultStatus(result);
        PQclear(result);
    }
    return status;
}

void session_leave(PGconn *session)
{
    for (size_t i = 0; i < session_count; i++) {
        if (sessions[i] == session) {
            sessions[i] = sessions[--session_count];
            PQfinish(session);
            return;
        }
    }
}

void sessions_leave(void)
{
    while (session_count > 0) {
        PQfinish(sessions[--session_count]);
    }
}
