/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: names, risks and schemas that outsiders rely on. */
#include "helper.h"

#include "../../../adapters/target/postgres/postgres.h"
#include "base/json.h"
#include "base/json_schema.h"

static const struct mw_tool *find(const char *name)
{
    for (const struct mw_tool *tool = mw_postgres_tools; tool->name != NULL; tool++) {
        if (strcmp(tool->name, name) == 0) {
            return tool;
        }
    }
    return NULL;
}

static void names_and_risks(void **state)
{
    static const struct {
        const char *name;
        enum mw_risk floor;
    } tools[] = {
        {"postgres_activity", MW_RISK_READ},
        {"postgres_locks", MW_RISK_READ},
        {"postgres_kill_long_queries", MW_RISK_DISRUPTIVE},
        {"postgres_terminate_idle", MW_RISK_DISRUPTIVE},
        {"postgres_vacuum", MW_RISK_REVERSIBLE},
        {"postgres_scale_connections", MW_RISK_DISRUPTIVE},
        {"postgres_restart", MW_RISK_DISRUPTIVE},
    };
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        const struct mw_tool *tool = find(tools[i].name);
        assert_non_null(tool);
        assert_int_equal(tool->floor, tools[i].floor);
        assert_non_null(tool->run);
        assert_true(tool->floor == MW_RISK_READ || tool->assess != NULL);
    }
    assert_string_equal(mw_target_postgres.kind, "postgres");
}

static void check(const char *name, const char *arguments, bool fits)
{
    struct mw_error error = {0};
    const char *text = find(name)->schema;
    json_auto_t *schema = mw_json_parse(text, strlen(text), 65536, &error);
    if (schema == NULL || !mw_json_schema_valid(schema, &error)) {
        fail_msg("%s: %s", name, error.text);
    }
    json_auto_t *value = json_loads(arguments, 0, NULL);
    assert_non_null(value);
    if (mw_json_check(schema, value, "arguments", &error) != fits) {
        fail_msg("%s %s: %s", name, arguments, error.text);
    }
}

static void arguments(void **state)
{
    for (const struct mw_tool *tool = mw_postgres_tools; tool->name != NULL; tool++) {
        check(tool->name, "{\"resource\": \"db\"}", true);
        check(tool->name, "{}", false);
        check(tool->name, "{\"resource\": \"db\", \"sql\": \"DROP TABLE item\"}", false);
    }
    static const char kill[] = "postgres_kill_long_queries";
    check(kill, "{\"resource\": \"db\", \"min_seconds\": 60, \"blockers_only\": true}", true);
    check(kill, "{\"resource\": \"db\", \"min_seconds\": -1}", false);
    check(kill, "{\"resource\": \"db\", \"min_seconds\": \"60\"}", false);
    check(kill, "{\"resource\": \"db\", \"sessions\": [{\"pid\": 1, \"backend_start\": \"x\"}]}",
          true);
    check(kill, "{\"resource\": \"db\", \"sessions\": [{\"pid\": 1}]}", false);
    check("postgres_terminate_idle",
          "{\"resource\": \"db\", \"min_seconds\": 60, \"in_transaction\": true}", true);
    check("postgres_vacuum", "{\"resource\": \"db\", \"table\": \"public.item\"}", true);
    check("postgres_scale_connections", "{\"resource\": \"db\", \"max_connections\": 200}", true);
    check("postgres_scale_connections", "{\"resource\": \"db\", \"max_connections\": 1000000}",
          false);
    check("postgres_activity", "{\"resource\": \"db\", \"limit\": 20, \"min_seconds\": 5}", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_risks),
        cmocka_unit_test(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
