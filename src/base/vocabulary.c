/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "midwatch/health.h"
#include "midwatch/message.h"
#include "midwatch/person.h"
#include "midwatch/tool.h"

/* Tools say one sentence; what they quote from a server may be longer. */
#define SUMMARY_MAX 2000

const char *mw_health_name(enum mw_health health)
{
    switch (health) {
    case MW_HEALTH_UNKNOWN:
        return "UNKNOWN";
    case MW_HEALTH_HEALTHY:
        return "HEALTHY";
    case MW_HEALTH_DEGRADED:
        return "DEGRADED";
    case MW_HEALTH_FAILED:
        return "FAILED";
    }
    return "UNKNOWN";
}

void mw_sample_add(struct mw_sample *sample, const char *name, double value, bool counts)
{
    if (isfinite(value) && sample->count < MW_METRICS_MAX) {
        sample->metrics[sample->count++] =
            (struct mw_metric){.name = name, .value = value, .counts = counts};
    }
}

const struct mw_metric *mw_sample_find(const struct mw_sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->count; i++) {
        if (strcmp(sample->metrics[i].name, name) == 0) {
            return &sample->metrics[i];
        }
    }
    return NULL;
}

const char *mw_risk_name(enum mw_risk risk)
{
    switch (risk) {
    case MW_RISK_READ:
        return "read";
    case MW_RISK_REVERSIBLE:
        return "reversible";
    case MW_RISK_DISRUPTIVE:
        return "disruptive";
    case MW_RISK_DESTRUCTIVE:
        return "destructive";
    }
    return "destructive";
}

bool mw_risk_parse(const char *text, enum mw_risk *risk)
{
    for (int i = MW_RISK_READ; i <= MW_RISK_DESTRUCTIVE; i++) {
        if (text != NULL && strcmp(text, mw_risk_name((enum mw_risk)i)) == 0) {
            *risk = (enum mw_risk)i;
            return true;
        }
    }
    return false;
}

static json_t *sentence(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

static json_t *sentence(const char *format, va_list arguments)
{
    char *raw = NULL;
    int length = vasprintf(&raw, format, arguments);
    if (length < 0) {
        return NULL;
    }
    char *clean = mw_redact_line(NULL, raw, (size_t)length, SUMMARY_MAX);
    json_t *text = clean != NULL ? json_string(clean) : NULL;
    talloc_free(clean);
    free(raw);
    return text;
}

json_t *mw_tool_result(bool ok, json_t *data, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json_t *summary = sentence(format, arguments);
    va_end(arguments);
    return json_pack("{s:b, s:o, s:o}", "ok", ok, "summary", summary, "data",
                     data != NULL ? data : json_object());
}

const char *mw_role_name(enum mw_role role)
{
    switch (role) {
    case MW_ROLE_VIEWER:
        return "viewer";
    case MW_ROLE_OPERATOR:
        return "operator";
    case MW_ROLE_APPROVER:
        return "approver";
    case MW_ROLE_ADMIN:
        return "admin";
    }
    return "viewer";
}

const char *mw_message_mark(const char *state)
{
    static const struct {
        const char *state, *mark;
    } marks[] = {
        {MW_STATE_FIRING, "🔴"},
        {MW_STATE_RUNNING, "🟠"},
        {MW_STATE_RECOVERED, "🟢"},
        {MW_STATE_CLOSED, "⚪"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (state != NULL && strcmp(state, marks[i].state) == 0) {
            return marks[i].mark;
        }
    }
    return "";
}
