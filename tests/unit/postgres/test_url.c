/* SPDX-License-Identifier: Apache-2.0 */
/* Which URLs say where a PostgreSQL is, and which say too much. */
#include "helper.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../adapters/target/postgres/url.h"

static struct mw_postgres_address *parse(const char *url)
{
    struct mw_error error = {0};
    struct mw_postgres_address *address = mw_postgres_url_parse(NULL, url, &error);
    if (address == NULL) {
        fail_msg("%s: %s", url, error.text);
    }
    return address;
}

static void same(const char *seen, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(seen);
    } else {
        assert_non_null(seen);
        assert_string_equal(seen, wanted);
    }
}

static void check(const char *url, const char *host, int port, const char *user,
                  const char *password, const char *database)
{
    struct mw_postgres_address *address = parse(url);
    same(address->host, host);
    assert_int_equal(address->port_number, port);
    assert_int_equal(atoi(address->port), port);
    same(address->user, user);
    same(address->password, password);
    same(address->database, database);
    if (password != NULL) {
        assert_null(strstr(address->label, password));
    }
    talloc_free(address);
}

static void hosts(void **state)
{
    check("postgresql://midwatch@127.0.0.1/shop", "127.0.0.1", 5432, "midwatch", NULL, "shop");
    check("postgres://m@db:6000/shop", "db", 6000, "m", NULL, "shop");
    check("postgresql://m:s3cret@db/shop", "db", 5432, "m", "s3cret", "shop");
    check("postgresql://m:p%40ss%2Fw%3A@db", "db", 5432, "m", "p@ss/w:", "m");
    check("postgresql://m:@db/shop", "db", 5432, "m", NULL, "shop");
    check("postgresql://m@[::1]:7000/shop", "::1", 7000, "m", NULL, "shop");
    check("postgresql://db/shop?user=m&password=s3cret", "db", 5432, "m", "s3cret", "shop");
    check("postgresql://m@/shop?hostaddr=10.0.0.7", "10.0.0.7", 5432, "m", NULL, "shop");
}

static void sockets(void **state)
{
    struct mw_postgres_address *address = parse("postgresql://m@/shop");
    assert_null(address->host);
    assert_string_equal(address->path, "/var/run/postgresql");
    assert_string_equal(address->label, "/var/run/postgresql:5432");
    assert_true(address->local);
    talloc_free(address);
    address = parse("postgresql://m@%2Ftmp%2Fpg:6000/shop");
    assert_string_equal(address->path, "/tmp/pg");
    assert_int_equal(address->port_number, 6000);
    talloc_free(address);
    address = parse("postgresql://m@/shop?host=/tmp/pg");
    assert_string_equal(address->path, "/tmp/pg");
    talloc_free(address);
}

static void what_is_left_out(void **state)
{
    struct mw_postgres_address *address = parse("postgresql://db");
    const struct passwd *self = getpwuid(geteuid());
    assert_string_equal(address->user, self->pw_name);
    assert_string_equal(address->database, self->pw_name);
    talloc_free(address);
}

static void what_is_local(void **state)
{
    static const struct {
        const char *url;
        bool local;
    } cases[] = {
        {"postgresql://m@localhost", true},    {"postgresql://m@127.1.2.3", true},
        {"postgresql://m@[::1]", true},        {"postgresql://m@10.0.0.1", false},
        {"postgresql://m@example.org", false}, {"postgresql://m@db?hostaddr=127.0.0.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_postgres_address *address = parse(cases[i].url);
        assert_int_equal(address->local, cases[i].local);
        talloc_free(address);
    }
}

static void options_for_libpq_alone_are_handed_on(void **state)
{
    struct mw_postgres_address *address =
        parse("postgresql://m@db/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem"
              "&passfile=/etc/midwatch/pgpass&tcp_user_timeout=3000&gssencmode=disable");
    assert_int_equal(address->extra_count, 4);
    size_t found = 0;
    for (size_t i = 0; i < address->extra_count; i++) {
        found += strcmp(address->extra_names[i], "sslmode") == 0 &&
                 strcmp(address->extra_values[i], "verify-full") == 0;
        assert_string_not_equal(address->extra_names[i], "gssencmode");
    }
    assert_int_equal(found, 1);
    talloc_free(address);
    address = parse("postgresql://m@db/shop?ssl=true");
    assert_string_equal(address->extra_names[0], "sslmode");
    assert_string_equal(address->extra_values[0], "require");
    talloc_free(address);
}

static void wrong_ones_are_refused_without_their_secret(void **state)
{
    static const struct {
        const char *url, *says;
    } wrong[] = {
        {"", "does not begin"},
        {"db:5432", "does not begin"},
        {"mysql://m:s3cret@db", "does not begin"},
        {"host=db password=s3cret", "does not begin"},
        {"postgresql://m:s3cret%@db", "cannot be read"},
        {"postgresql://m:s3cret%00@db", "cannot be read"},
        {"postgresql://m:s3cret@[::1", "cannot be read"},
        {"postgresql://m:s3cret@d%0ab", "control character"},
        {"postgresql://m%1b%5b2J:s3cret@db", "control character"},
        {"postgresql://m:s3cret@db/%c3", "not UTF-8"},
        {"postgresql://m:s3cret@db:0", "the port"},
        {"postgresql://m:s3cret@db:65536", "the port"},
        {"postgresql://m:s3cret@db:99999999999", "the port"},
        {"postgresql://m:s3cret@db:x", "the port"},
        {"postgresql://m:s3cret@one,two/shop", "several hosts"},
        {"postgresql://m:s3cret@db/shop?hostaddr=10.0.0.1,10.0.0.2", "several"},
        {"postgresql://m:s3cret@db/shop?service=shop", "leave service out"},
        {"postgresql://m:s3cret@db/shop?options=-csearch_path%3Devil", "leave options out"},
        {"postgresql://m:s3cret@db/shop?application_name=x", "leave application_name out"},
        {"postgresql://m:s3cret@db/shop?connect_timeout=3", "timeout:"},
        {"postgresql://m:s3cret@db/shop?gssencmode=prefer", "Kerberos"},
        {"postgresql://m:s3cret@db/shop?target_session_attrs=read-write", "one server"},
        {"postgresql://m:s3cret@db/shop?replication=true", "ordinary session"},
        {"postgresql://m:s3cret@db/shop?krbsrvname=x", "not for midwatch"},
        {"postgresql://m:s3cret@db/shop?nonsense=s3cret", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mw_error error = {0};
        if (mw_postgres_url_parse(NULL, wrong[i].url, &error) != NULL) {
            fail_msg("accepted: %s", wrong[i].url);
        }
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        assert_null(strstr(error.text, "s3cret"));
        assert_true(strncmp(error.text, "url: ", 5) == 0);
        assert_says(error.text, wrong[i].says);
    }
    char endless[4096] = "postgresql://m@";
    memset(endless + 15, 'x', sizeof endless - 16);
    struct mw_error error = {0};
    assert_null(mw_postgres_url_parse(NULL, endless, &error));
    assert_says(error.text, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(sockets),
        cmocka_unit_test(what_is_left_out),
        cmocka_unit_test(what_is_local),
        cmocka_unit_test(options_for_libpq_alone_are_handed_on),
        cmocka_unit_test(wrong_ones_are_refused_without_their_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
