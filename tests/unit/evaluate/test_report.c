/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a period, and pages that foreign text cannot break out of. */
#include "evaluate/report.h"
#include "past.h"

#define DAY (INT64_C(24) * 3600 * 1000)

static struct mw_report *report_of(struct fixture *fixture, struct mw_record *record)
{
    struct mw_report *report =
        mw_report_make(fixture->memory, record, "shop <prod>", 7 * DAY, 10, &fixture->error);
    assert_good(fixture, report != NULL);
    return report;
}

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void save_period(struct fixture *fixture, struct mw_record *record, mw_wall_ms now)
{
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 10 * DAY);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 3 * DAY);
    save_run(fixture, record, "cache", MW_OUTCOME_FAILED, now - 2 * DAY);
    struct mw_incident *incident =
        begin_past(fixture, record, "db", MW_OUTCOME_RECOVERED, now - DAY);
    add_run(incident, "first", true);
    add_run(incident, "fix", true)->usage =
        json_pack("{s:i, s:i, s:f}", "input_tokens", 10, "output_tokens", 2, "cost_usd", 0.5);
    save_past(fixture, record, incident);
    save_past(fixture, record,
              begin_past(fixture, record, "cache", MW_OUTCOME_SELF_RECOVERED, now - DAY / 2));
}

static void figures_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_period(fixture, record, mw_wall_now());
    const struct mw_report *report = report_of(fixture, record);
    const struct mw_report_figures *now = &report->now;
    assert_int_equal(now->incidents, 4);
    assert_int_equal(now->runs, 3);
    assert_int_equal(now->passed, 2);
    assert_int_equal(now->outcomes[MW_OUTCOME_RECOVERED], 2);
    assert_int_equal(now->outcomes[MW_OUTCOME_SELF_RECOVERED], 1);
    assert_int_equal(now->automatic, 2);
    assert_int_equal(now->approved, 2);
    assert_int_equal(now->detect, 1000);
    assert_int_equal(now->approve, 5000);
    assert_int_equal(now->recover, 3000);
    assert_int_equal(report->before.incidents, 1);
    assert_int_equal(report->before.recover, 1000);

    assert_int_equal(report->resource_count, 2);
    assert_string_equal(report->resources[0].name, "cache");
    assert_int_equal(report->resources[0].incidents, 3);
    assert_int_equal(report->resources[0].ill, 10000);
    assert_int_equal(report->resources[0].recover, 2000);
    assert_string_equal(report->tools[0].name, "fix");
    assert_int_equal(report->tools[0].tried, 3);
    assert_int_equal(report->tools[0].recovered, 2);
    assert_string_equal(report->tools[1].name, "first");
    assert_int_equal(report->tools[1].recovered, 0);
    assert_int_equal(report->run_count, 3);
    assert_int_equal(report->runs[0]->id, 4);
    assert_int_equal(report->runs[2]->id, 2);
    mw_record_close(record);
}

static void figures_are_those_of_the_period(void **state)
{
    in_fiber(*state, figures_body);
}

static void document_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    json_auto_t *empty = mw_report_to_json(report_of(fixture, record));
    const json_t *summary = json_object_get(empty, "summary");
    assert_true(json_is_null(json_object_get(summary, "success_rate")));
    assert_true(json_is_null(json_object_get(summary, "median_total_s")));
    assert_true(number_at(summary, "llm_cost_usd") == 0);

    save_period(fixture, record, mw_wall_now());
    json_auto_t *document = mw_report_to_json(report_of(fixture, record));
    summary = json_object_get(document, "summary");
    assert_true(number_at(summary, "runs") == 3);
    assert_true(fabs(number_at(summary, "success_rate") - 2.0 / 3) < 1e-9);
    assert_true(number_at(summary, "median_total_s") == 3.0);
    assert_true(number_at(summary, "llm_cost_usd") == 0.5);
    const json_t *run = json_array_get(json_object_get(document, "runs"), 0);
    assert_string_equal(json_string_value(json_object_get(run, "status")), "PASS");
    assert_string_equal(json_string_value(json_object_get(run, "incident")), "I4");
    assert_int_equal(json_array_size(json_object_get(run, "tools")), 2);
    assert_true(json_is_null(json_object_get(run, "scenario")));
    assert_true(number_at(run, "retries") == 1);
    assert_true(number_at(json_object_get(run, "llm"), "cost_usd") == 0.5);
    assert_true(number_at(document, "runs_left_out") == 0);
    mw_record_close(record);
}

static void the_document_has_its_shape(void **state)
{
    in_fiber(*state, document_body);
}

/* ---- pages ---- */

#define EVIL "<script>alert('x')</script> | & \"q\"\n# big\n\x1b[31mred `code` [a](b)"

static void hostile_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident =
        begin_past(fixture, record, EVIL, MW_OUTCOME_RECOVERED, mw_wall_now() - DAY);
    add_run(incident, "t<b>", false)->root_cause = talloc_strdup(incident, EVIL);
    incident->kind = talloc_strdup(incident, "<i>");
    save_past(fixture, record, incident);
    const struct mw_report *report = report_of(fixture, record);

    const char *html = mw_report_to_html(fixture->memory, report);
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; | &amp;"));
    assert_non_null(strstr(html, "<title>shop &lt;prod&gt;"));
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<b>"));
    assert_null(strstr(html, "<i>"));
    assert_null(strchr(html, '\x1b'));

    const char *markdown = mw_report_to_markdown(fixture->memory, report);
    assert_non_null(strstr(markdown, "\\<script>alert('x')\\</script> \\| &"));
    assert_non_null(strstr(markdown, "\\`code\\` \\[a\\](b)"));
    assert_null(strstr(markdown, "\n# big"));
    assert_null(strchr(markdown, '\x1b'));
    mw_record_close(record);
}

static void foreign_text_stays_text(void **state)
{
    in_fiber(*state, hostile_body);
}

static void empty_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    const struct mw_report *report = report_of(fixture, record);
    const char *page = mw_report_to_markdown(fixture->memory, report);
    assert_non_null(strstr(page, "No incident closed in this time."));
    assert_non_null(strstr(page, "last 7 days"));
    assert_non_null(mw_report_to_html(fixture->memory, report));
    mw_record_close(record);
}

static void nothing_is_said_plainly(void **state)
{
    in_fiber(*state, empty_body);
}

static void lengths_are_checked(void **state)
{
    int64_t length;
    struct mw_error error = {0};
    assert_true(mw_report_length("7d", &length, &error));
    assert_int_equal(length, 7 * DAY);
    static const char *const wrong[] = {"nonsense", "",       "0s",    "-7d",
                                        "7",        "99999d", "7d 3h", "1e9d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(mw_report_length(wrong[i], &length, &error));
        assert_non_null(strstr(error.text, "write 24h, 7d or 4w"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(figures_are_those_of_the_period), test_record(the_document_has_its_shape),
        test_record(foreign_text_stays_text),         test_record(nothing_is_said_plainly),
        cmocka_unit_test(lengths_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
