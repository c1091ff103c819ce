/* SPDX-License-Identifier: Apache-2.0 */
/* What the server's and libpq's complaints become. */
#include "helper.h"

#include "../../../adapters/target/postgres/error.h"
#include "base/redact.h"

static struct mw_postgres_address address = {
    .user = (char[]){"midwatch"}, .database = (char[]){"shop"}, .label = (char[]){"db:5432"}};

static void classes(void **state)
{
    static const struct {
        const char *sqlstate;
        enum mw_error_class class;
    } cases[] = {
        {"57014", MW_ERROR_TIMEOUT}, {"55P03", MW_ERROR_RETRY},     {"57P03", MW_ERROR_RETRY},
        {"57P01", MW_ERROR_RETRY},   {"57P04", MW_ERROR_PERMANENT}, {"53300", MW_ERROR_RETRY},
        {"08006", MW_ERROR_RETRY},   {"40P01", MW_ERROR_RETRY},     {"XX000", MW_ERROR_RETRY},
        {"26000", MW_ERROR_RETRY},   {"28P01", MW_ERROR_REFUSED},   {"28000", MW_ERROR_REFUSED},
        {"3D000", MW_ERROR_REFUSED}, {"42501", MW_ERROR_REFUSED},   {"25006", MW_ERROR_REFUSED},
        {"55000", MW_ERROR_REFUSED}, {"42703", MW_ERROR_PERMANENT}, {"0A000", MW_ERROR_PERMANENT},
        {"", MW_ERROR_PERMANENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mw_postgres_class(cases[i].sqlstate), cases[i].class);
    }
}

static void a_sqlstate_is_found_in_any_language(void **state)
{
    char sqlstate[6];
    const char *message = NULL;
    assert_true(mw_postgres_find_sqlstate(
        "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  53300: sorry\n"
        "LOCATION:  InitProcess, proc.c:354\n",
        sqlstate, &message));
    assert_string_equal(sqlstate, "53300");
    assert_true(strncmp(message, "sorry\n", 6) == 0);
    assert_true(
        mw_postgres_find_sqlstate("FEHLER:  42P01: Relation existiert nicht", sqlstate, &message));
    assert_string_equal(sqlstate, "42P01");
    static const char *const none[] = {
        "",
        "FATAL:  no state here",
        "FATAL:  5330: short",
        "FATAL:  53300",
        ":  53300:",
        "FATAL:  533OO ",
        "could not connect: Connection refused",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(mw_postgres_find_sqlstate(none[i], sqlstate, &message));
    }
}

static void connecting(void **state)
{
    static const struct {
        const char *text;
        enum mw_error_class class;
        enum mw_postgres_refusal refusal;
        const char *says;
    } cases[] = {
        {"FATAL:  53300: remaining connection slots are reserved\nLOCATION:  InitPostgres\n",
         MW_ERROR_RETRY, MW_POSTGRES_FULL, "all connection slots are taken (SQLSTATE 53300)"},
        {"FATAL:  53300: too many connections for role \"midwatch\"\n"
         "LOCATION:  InitializeSessionUserId, miscinit.c:752\n",
         MW_ERROR_REFUSED, MW_POSTGRES_OTHER, "CONNECTION LIMIT"},
        {"FATAL:  57P03: the database system is starting up\n", MW_ERROR_RETRY,
         MW_POSTGRES_STARTING, "db:5432: the database system is starting up"},
        {"FATAL:  28P01: password authentication failed for user \"midwatch\"\n", MW_ERROR_REFUSED,
         MW_POSTGRES_OTHER, "db:5432 does not take the password of role midwatch"},
        {"FATAL:  3D000: database \"shop\" does not exist\n", MW_ERROR_REFUSED, MW_POSTGRES_OTHER,
         "has no database shop"},
        {"FATAL:  42501: permission denied for database \"shop\"\n", MW_ERROR_REFUSED,
         MW_POSTGRES_OTHER, "GRANT CONNECT ON DATABASE"},
        {"connection to server at \"127.0.0.1\", port 5432 failed: Connection refused\n"
         "\tIs the server running on that host and accepting TCP/IP connections?\n",
         MW_ERROR_RETRY, MW_POSTGRES_NOBODY, "db:5432: Connection refused"},
        {"expected authentication request from server, but received H\n", MW_ERROR_RETRY,
         MW_POSTGRES_OTHER, "does not speak the PostgreSQL protocol"},
        {"server does not support SSL, but SSL was required\n", MW_ERROR_PERMANENT,
         MW_POSTGRES_OTHER, "SSL was required"},
        {"SSL error: certificate verify failed\n", MW_ERROR_PERMANENT, MW_POSTGRES_OTHER,
         "certificate verify failed"},
        {"", MW_ERROR_RETRY, MW_POSTGRES_OTHER, "the connection was lost"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_error error = {0};
        enum mw_postgres_refusal refusal = MW_POSTGRES_LET_IN;
        assert_false(mw_postgres_explain_connect(&address, cases[i].text, false, &refusal, &error));
        assert_says(error.text, cases[i].says);
        assert_int_equal(error.class, cases[i].class);
        assert_int_equal(refusal, cases[i].refusal);
    }
}

static void a_missing_password_is_asked_for(void **state)
{
    struct mw_error error = {0};
    enum mw_postgres_refusal refusal = MW_POSTGRES_LET_IN;
    assert_false(mw_postgres_explain_connect(&address, "fe_sendauth: no password supplied\n", true,
                                             &refusal, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_says(error.text, "asks role midwatch for a password");
}

static void what_it_says_is_masked_and_clean(void **state)
{
    struct mw_error error = {0};
    enum mw_postgres_refusal refusal = MW_POSTGRES_LET_IN;
    mw_redact_secret("tell-nobody");
    assert_false(mw_postgres_explain_connect(
        &address, "FATAL:  XX000: \x1b[31mit was tell-nobody\x07 of all\nsecond line", false,
        &refusal, &error));
    assert_null(strstr(error.text, "tell-nobody"));
    assert_null(strchr(error.text, '\x1b'));
    assert_null(strchr(error.text, '\x07'));
    assert_null(strstr(error.text, "second line"));
    char far[400] = "FATAL:  XX000: ";
    memset(far + 15, 'x', 155);
    memcpy(far + 170, "tell-nobody", sizeof "tell-nobody");
    assert_false(mw_postgres_explain_connect(&address, far, false, &refusal, &error));
    assert_null(strstr(error.text, "tell"));
    mw_redact_forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(a_sqlstate_is_found_in_any_language),
        cmocka_unit_test(connecting),
        cmocka_unit_test(a_missing_password_is_asked_for),
        cmocka_unit_test(what_it_says_is_masked_and_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
