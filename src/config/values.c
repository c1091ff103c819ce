/* SPDX-License-Identifier: Apache-2.0 */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"

typedef bool reader(const struct mw_option *option, const struct mw_yaml *node,
                    const struct mw_reading_place *place, void *slot);

char *mw_value_found(TALLOC_CTX *memory, const struct mw_option *option, const struct mw_yaml *node)
{
    if (node->type == MW_YAML_SEQUENCE) {
        return talloc_strdup(memory, ", not a list");
    }
    if (node->type == MW_YAML_MAPPING) {
        return talloc_strdup(memory, ", not a mapping");
    }
    bool secret = (option->flags & (MW_OPTION_SECRET | MW_OPTION_HAS_SECRET)) != 0;
    if (secret || node->expanded) {
        return talloc_strdup(memory, "");
    }
    return talloc_asprintf(memory, ", not `%.60s`", node->text);
}

/* Adds "must be WANTED, not `x`; for example `EXAMPLE`". */
static bool must_be(const struct mw_option *option, const struct mw_yaml *node,
                    const struct mw_reading_place *place, const char *wanted, const char *example)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *found = mw_value_found(memory, option, node);
    const char *shown = option->fallback != NULL ? option->fallback : example;
    mw_fault_add(place->faults, node->line, place->path, "must be %s%s; for example `%s`", wanted,
                 found != NULL ? found : "", shown);
    talloc_free(memory);
    return false;
}

static bool is_scalar(const struct mw_yaml *node)
{
    return node->type == MW_YAML_SCALAR;
}

bool mw_value_has_maximum(const struct mw_option *option)
{
    return option->maximum != 0 || option->minimum < 0;
}

static char *bound_text(TALLOC_CTX *memory, const struct mw_option *option, double bound)
{
    if (option->type == MW_OPTION_DURATION) {
        return mw_value_duration(memory, (int64_t)bound);
    }
    if (option->type == MW_OPTION_SIZE) {
        return mw_value_size(memory, (int64_t)bound);
    }
    return talloc_asprintf(memory, "%.15g", bound);
}

char *mw_value_bounds(TALLOC_CTX *memory, const struct mw_option *option)
{
    if (option->minimum == 0 && option->maximum == 0) {
        return NULL;
    }
    char *low = bound_text(NULL, option, option->minimum);
    char *high = bound_text(NULL, option, option->maximum);
    char *text = mw_value_has_maximum(option) ? talloc_asprintf(memory, "from %s to %s", low, high)
                                              : talloc_asprintf(memory, "at least %s", low);
    talloc_free(low);
    talloc_free(high);
    return text;
}

static bool within_bounds(const struct mw_option *option, const struct mw_yaml *node,
                          const struct mw_reading_place *place, double value)
{
    bool bounded = option->minimum != 0 || option->maximum != 0;
    if (!bounded ||
        (value >= option->minimum && (!mw_value_has_maximum(option) || value <= option->maximum))) {
        return true;
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    char *bounds = mw_value_bounds(memory, option), *found = mw_value_found(memory, option, node);
    mw_fault_add(place->faults, node->line, place->path, "must be %s%s",
                 bounds != NULL ? bounds : "within bounds", found != NULL ? found : "");
    talloc_free(memory);
    return false;
}

static bool read_bool(const struct mw_option *option, const struct mw_yaml *node,
                      const struct mw_reading_place *place, void *slot)
{
    bool yes = is_scalar(node) && strcmp(node->text, "true") == 0;
    if (!yes && (!is_scalar(node) || strcmp(node->text, "false") != 0)) {
        TALLOC_CTX *memory = talloc_new(NULL);
        mw_fault_add(place->faults, node->line, place->path, "must be `true` or `false`%s",
                     mw_value_found(memory, option, node));
        talloc_free(memory);
        return false;
    }
    *(bool *)slot = yes;
    return true;
}

static bool parse_integer(const char *text, int64_t *value)
{
    size_t sign = *text == '-' || *text == '+';
    if (!isdigit((unsigned char)text[sign]) || text[strspn(text + sign, "0123456789") + sign]) {
        return false;
    }
    errno = 0;
    long long parsed = strtoll(text, NULL, 10);
    *value = parsed;
    return errno == 0;
}

static bool read_integer(const struct mw_option *option, const struct mw_yaml *node,
                         const struct mw_reading_place *place, void *slot)
{
    int64_t value;
    if (!is_scalar(node) || !parse_integer(node->text, &value)) {
        return must_be(option, node, place, "a whole number", "10");
    }
    if (!within_bounds(option, node, place, (double)value)) {
        return false;
    }
    *(int64_t *)slot = value;
    return true;
}

bool mw_value_number(const char *text, double *number)
{
    /* strtod also takes "inf", "nan", hexadecimal and leading blanks. */
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return false;
    }
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value)) {
        return false;
    }
    *number = value;
    return true;
}

static bool read_number(const struct mw_option *option, const struct mw_yaml *node,
                        const struct mw_reading_place *place, void *slot)
{
    double value;
    if (!is_scalar(node) || !mw_value_number(node->text, &value)) {
        return must_be(option, node, place, "a number", "0.5");
    }
    if (!within_bounds(option, node, place, value)) {
        return false;
    }
    *(double *)slot = value;
    return true;
}

static bool read_duration(const struct mw_option *option, const struct mw_yaml *node,
                          const struct mw_reading_place *place, void *slot)
{
    int64_t value;
    if (!is_scalar(node) || !mw_duration_parse(node->text, &value)) {
        return must_be(option, node, place, "a duration with its unit (ms, s, m, h, d)", "10s");
    }
    if (!within_bounds(option, node, place, (double)value)) {
        return false;
    }
    *(int64_t *)slot = value;
    return true;
}

static bool read_size(const struct mw_option *option, const struct mw_yaml *node,
                      const struct mw_reading_place *place, void *slot)
{
    int64_t value;
    if (!is_scalar(node) || !mw_size_parse(node->text, &value)) {
        return must_be(option, node, place, "a size", "64MB");
    }
    if (!within_bounds(option, node, place, (double)value)) {
        return false;
    }
    *(int64_t *)slot = value;
    return true;
}

bool mw_value_url_password(const char *url, size_t *from, size_t *to)
{
    const char *authority = strstr(url, "://");
    if (authority == NULL) {
        return false;
    }
    authority += 3;
    const char *end = authority + strcspn(authority, "/?#");
    const char *sign = memrchr(authority, '@', (size_t)(end - authority));
    if (sign == NULL) {
        /* A raw "/" in a password: everything up to the last @ is taken for it. */
        sign = strrchr(authority, '@');
    }
    const char *colon = sign != NULL ? memchr(authority, ':', (size_t)(sign - authority)) : NULL;
    if (colon == NULL || colon + 1 == sign) {
        return false;
    }
    *from = (size_t)(colon + 1 - url);
    *to = (size_t)(sign - url);
    return true;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* In the URL it may be percent-encoded; what a server quotes in an error is not. */
static void remember_password(const char *url)
{
    size_t from, to;
    if (!mw_value_url_password(url, &from, &to)) {
        return;
    }
    char *password = talloc_strndup(NULL, url + from, to - from);
    if (password == NULL) {
        return;
    }
    mw_redact_secret(password);
    char *out = password;
    for (const char *at = password; *at != '\0'; at++) {
        int high = *at == '%' ? hex_digit(at[1]) : -1;
        int low = high >= 0 ? hex_digit(at[2]) : -1;
        bool encoded = low >= 0 && high + low > 0;
        *out++ = encoded ? (char)(high * 16 + low) : *at;
        at += encoded ? 2 : 0;
    }
    *out = '\0';
    mw_redact_secret(password);
    talloc_free(password);
}

static void remember_secret(const struct mw_option *option, const char *text)
{
    if ((option->flags & MW_OPTION_SECRET) != 0) {
        mw_redact_secret(text);
    }
    if ((option->flags & MW_OPTION_HAS_SECRET) != 0) {
        remember_password(text);
    }
}

static bool read_text(const struct mw_option *option, const struct mw_yaml *node,
                      const struct mw_reading_place *place, void *slot)
{
    if (!is_scalar(node)) {
        return must_be(option, node, place, "a text", "word");
    }
    remember_secret(option, node->text);
    if (*node->text == '\0' && (option->flags & MW_OPTION_REQUIRED) != 0) {
        mw_fault_add(place->faults, node->line, place->path, "must not be empty; write its text");
        return false;
    }
    *(const char **)slot = talloc_strdup(place->memory, node->text);
    return true;
}

static bool read_path(const struct mw_option *option, const struct mw_yaml *node,
                      const struct mw_reading_place *place, void *slot)
{
    if (!is_scalar(node) || *node->text == '\0') {
        return must_be(option, node, place, "the path of a file", "/etc/midwatch/file");
    }
    *(const char **)slot =
        *node->text == '/' || place->folder == NULL
            ? talloc_strdup(place->memory, node->text)
            : talloc_asprintf(place->memory, "%s/%s",
                              strcmp(place->folder, "/") == 0 ? "" : place->folder, node->text);
    return true;
}

static bool read_choice(const struct mw_option *option, const struct mw_yaml *node,
                        const struct mw_reading_place *place, void *slot)
{
    for (int i = 0; is_scalar(node) && option->choices[i] != NULL; i++) {
        if (strcmp(node->text, option->choices[i]) == 0) {
            *(int *)slot = i;
            return true;
        }
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    char *list = talloc_strdup(memory, "");
    for (size_t i = 0; list != NULL && option->choices[i] != NULL; i++) {
        const char *between = i == 0 ? "" : option->choices[i + 1] == NULL ? " or " : ", ";
        list = talloc_asprintf_append(list, "%s`%s`", between, option->choices[i]);
    }
    mw_fault_add(place->faults, node->line, place->path, "must be %s%s",
                 list != NULL ? list : "one of its choices", mw_value_found(memory, option, node));
    talloc_free(memory);
    return false;
}

static bool read_text_list(const struct mw_option *option, const struct mw_yaml *node,
                           const struct mw_reading_place *place, void *slot)
{
    bool is_list = node->type == MW_YAML_SEQUENCE;
    if (node->type == MW_YAML_MAPPING) {
        return must_be(option, node, place, "a list of texts", "[one, two]");
    }
    size_t count = is_list ? node->count : 1;
    const char **items = talloc_zero_array(place->memory, const char *, count + 1);
    for (size_t i = 0; items != NULL && i < count; i++) {
        const struct mw_yaml *item = is_list ? node->items[i] : node;
        if (item->broken) {
            return false;
        }
        if (!is_scalar(item) || mw_yaml_is_null(item)) {
            mw_fault_add(place->faults, item->line, place->path,
                         "item %zu must be a text; put it in quotes or leave it out", i + 1);
            return false;
        }
        remember_secret(option, item->text);
        items[i] = talloc_strdup(items, item->text);
    }
    *(struct mw_text_list *)slot = (struct mw_text_list){.count = count, .items = items};
    return true;
}

static bool read_thresholds(const struct mw_option *option, const struct mw_yaml *node,
                            const struct mw_reading_place *place, void *slot)
{
    (void)option;
    return mw_thresholds_read(node, place, slot);
}

bool mw_value_read(const struct mw_option *option, const struct mw_yaml *node,
                   const struct mw_reading_place *place, void *slot)
{
    static reader *const readers[] = {
        [MW_OPTION_BOOL] = read_bool,           [MW_OPTION_INTEGER] = read_integer,
        [MW_OPTION_NUMBER] = read_number,       [MW_OPTION_TEXT] = read_text,
        [MW_OPTION_CHOICE] = read_choice,       [MW_OPTION_DURATION] = read_duration,
        [MW_OPTION_SIZE] = read_size,           [MW_OPTION_PATH] = read_path,
        [MW_OPTION_TEXT_LIST] = read_text_list, [MW_OPTION_THRESHOLDS] = read_thresholds,
    };
    return readers[option->type](option, node, place, slot);
}
