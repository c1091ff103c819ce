/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign statements, names and numbers made fit for people. */
#include "helper.h"

#include <math.h>
#include <stdlib.h>

#include "../../../adapters/target/postgres/postgres.h"
#include "base/redact.h"
#include "base/text.h"

static void check(const char *sql, const char *wanted)
{
    char *text = mw_postgres_query_text(NULL, sql, 200);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    talloc_free(text);
}

static void quoted_values_are_masked(void **state)
{
    check("SELECT 1", "SELECT 1");
    check("UPDATE item SET n = n + 1 WHERE id = 1", "UPDATE item SET n = n + 1 WHERE id = 1");
    check("SELECT 'secret'", "SELECT '…'");
    check("SELECT 'it''s', 'two'", "SELECT '…', '…'");
    check("SELECT E'it\\'s secret', 'b'", "SELECT E'…', '…'");
    check("SELECT 'back\\', secret", "SELECT '…', secret");
    check("SELECT $$a 'b' c$$, 1", "SELECT '…', 1");
    check("SELECT $x$a $$ b$x$, 1", "SELECT '…', 1");
    check("SELECT $1, $2", "SELECT $1, $2");
    check("SELECT a$b$c FROM t", "SELECT a$b$c FROM t");
    check("ALTER ROLE app PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD '•••'");
}

/* The server cuts statements, too. */
static void what_is_cut_is_masked_to_the_end(void **state)
{
    check("SELECT 'secre", "SELECT '…'");
    check("SELECT E'secre\\", "SELECT E'…'");
    check("SELECT $x$secre", "SELECT '…'");
    check("SELECT '", "SELECT '…'");
    check("SELECT $", "SELECT $");
    check("", "");
}

static void long_numbers_are_masked(void **state)
{
    check("SELECT 1234567", "SELECT 1234567");
    check("SELECT 4111111111111111", "SELECT '…'");
    check("SELECT t4111111111111111", "SELECT t4111111111111111");
}

static void foreign_bytes_are_harmless(void **state)
{
    static const char *const wild[] = {"SELECT \x1b[31mred", "a\nb\tc",        "\xff\xfe", "\xc3",
                                       "'\xff\xff",          "\xe2\x80\xaeLTR"};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        char *text = mw_postgres_query_text(NULL, wild[i], 50);
        assert_true(mw_text_is_utf8(text, strlen(text)));
        assert_null(strpbrk(text, "\x1b\n\t\r"));
        talloc_free(text);
    }
    char *huge = malloc(100001);
    memset(huge, 'x', 100000);
    huge[100000] = '\0';
    char *text = mw_postgres_query_text(NULL, huge, 160);
    assert_true(strlen(text) <= 160);
    talloc_free(text);
    free(huge);
}

static void an_escape_sequence_hides_no_secret(void **state)
{
    mw_redact_secret("tell-nobody");
    char *text = mw_postgres_query_text(NULL, "SELECT tell-\x1b[mnobody", 160);
    assert_string_equal(text, "SELECT •••");
    talloc_free(text);
    mw_redact_forget_all();
}

static void names(void **state)
{
    char *text = mw_postgres_name_text(NULL, NULL);
    assert_string_equal(text, "");
    talloc_free(text);
    text = mw_postgres_name_text(NULL, "evil\x1b[2J\nname");
    assert_string_equal(text, "evil name");
    talloc_free(text);
}

static void numbers_and_ages(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } numbers[] = {{0, "0"}, {999, "999"}, {14700, "14,700"}, {-1234567, "-1,234,567"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *text = mw_postgres_number_text(NULL, numbers[i].number);
        assert_string_equal(text, numbers[i].text);
        talloc_free(text);
    }
    static const struct {
        double seconds;
        const char *text;
    } ages[] = {{NAN, "some time"}, {1e300, "some time"}, {-3, "0 ms"}, {320, "5 min 20 s"}};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        char *text = mw_postgres_age_text(NULL, ages[i].seconds);
        assert_string_equal(text, ages[i].text);
        talloc_free(text);
    }
}

static void set_cell(PGresult *result, int row, const char *text)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text != NULL ? text : "");
    assert_int_equal(
        PQsetvalue(result, row, 0, text != NULL ? copy : NULL, text ? (int)strlen(text) : -1), 1);
}

static void cells_that_lie_are_no_numbers(void **state)
{
    static const struct {
        const char *cell;
        double number, count;
    } cases[] = {
        {"42", 42, 42},  {"-1.5", -1.5, 0}, {"1e300", 1e300, 9e15}, {"NaN", NAN, 0},
        {"inf", NAN, 0}, {"", NAN, 0},      {"12x", NAN, 0},        {"1e999", NAN, 0},
        {NULL, NAN, 0},  {"0x10", 16, 16},
    };
    PGresAttDesc column = {.name = (char[]){"n"}, .typid = 25, .typlen = -1, .atttypmod = -1};
    struct mw_error error = {0};
    assert_true(mw_libpq_load(&error));
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_int_equal(PQsetResultAttrs(result, 1, &column), 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_cell(result, (int)i, cases[i].cell);
        double number = mw_postgres_number(result, (int)i, 0);
        assert_true(isnan(cases[i].number) ? isnan(number) : number == cases[i].number);
        assert_true(mw_postgres_count(result, (int)i, 0) == cases[i].count);
        assert_false(mw_postgres_is_true(result, (int)i, 0));
    }
    PQclear(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_values_are_masked),
        cmocka_unit_test(what_is_cut_is_masked_to_the_end),
        cmocka_unit_test(long_numbers_are_masked),
        cmocka_unit_test(foreign_bytes_are_harmless),
        cmocka_unit_test(an_escape_sequence_hides_no_secret),
        cmocka_unit_test(names),
        cmocka_unit_test(numbers_and_ages),
        cmocka_unit_test(cells_that_lie_are_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
