/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/redact.h"
#include "postgres.h"

/* Of a statement, looked at; the server keeps 1 KiB unless told otherwise. */
#define QUERY_BYTES_MAX 8192

/* A number of so many digits may be a card, a phone or an account. */
#define DIGITS_MAX 8

/* No count of anything is larger, and none smaller loses its last digit in a double. */
#define COUNT_MAX 9e15

#define NAME_MAX 64
#define MASK     "'…'"

char *mw_postgres_number_text(TALLOC_CTX *memory, int64_t number)
{
    char digits[24], out[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t size = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0) {
            out[size++] = ',';
        }
        out[size++] = digits[i];
    }
    out[size] = '\0';
    return talloc_strdup(memory, out);
}

char *mw_postgres_age_text(TALLOC_CTX *memory, double seconds)
{
    if (isnan(seconds) || seconds > 1e12) {
        return talloc_strdup(memory, "some time");
    }
    return mw_duration_text(memory, seconds > 0 ? (int64_t)(seconds * 1000) : 0);
}

/* ---- statements ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0;
}

/* Past the end of a text that is quoted with apostrophes; a cut one ends with the statement. */
static const char *skip_quoted(const char *at, bool escapes)
{
    for (at++; *at != '\0'; at++) {
        if (escapes && *at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '\'' && at[1] == '\'') {
            at++;
        } else if (*at == '\'') {
            return at + 1;
        }
    }
    return at;
}

/* Past $tag$…$tag$; NULL where no such quote begins. */
static const char *skip_dollars(const char *at)
{
    const char *tag_end = at + 1;
    if (isdigit((unsigned char)*tag_end)) {
        return NULL;
    }
    while (is_word(*tag_end)) {
        tag_end++;
    }
    if (*tag_end != '$') {
        return NULL;
    }
    size_t tag = (size_t)(tag_end + 1 - at), rest = strlen(tag_end + 1);
    const char *close = memmem(tag_end + 1, rest, at, tag);
    return close != NULL ? close + tag : tag_end + 1 + rest;
}

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at)) {
        at++;
    }
    return at;
}

/* The end of what has to be masked here; NULL where nothing has. */
static const char *masked_until(const char *start, const char *at)
{
    char before = at > start ? at[-1] : ' ';
    bool word = is_word(before) || before == '$';
    if (*at == '\'') {
        bool escapes = before == 'E' || before == 'e';
        return skip_quoted(at, escapes);
    }
    if (*at == '$' && !word) {
        return skip_dollars(at);
    }
    if (isdigit((unsigned char)*at) && !word) {
        const char *end = skip_digits(at);
        return end - at >= DIGITS_MAX ? end : NULL;
    }
    return NULL;
}

char *mw_postgres_query_text(TALLOC_CTX *memory, const char *sql, size_t limit)
{
    struct mw_buffer buffer;
    char *own = talloc_strndup(memory, sql, QUERY_BYTES_MAX);
    mw_buffer_init(&buffer, own, 4 * QUERY_BYTES_MAX);
    for (const char *at = own; at != NULL && *at != '\0';) {
        const char *end = masked_until(own, at);
        if (end != NULL) {
            mw_buffer_append_text(&buffer, MASK);
            at = end;
        } else {
            mw_buffer_append(&buffer, at++, 1);
        }
    }
    char *text = mw_buffer_take(&buffer);
    char *line = text != NULL ? mw_redact_line(memory, text, strlen(text), limit) : NULL;
    talloc_free(own);
    return line;
}

char *mw_postgres_name_text(TALLOC_CTX *memory, const char *name)
{
    return name != NULL ? mw_redact_line(memory, name, strlen(name), NAME_MAX)
                        : talloc_strdup(memory, "");
}

/* ---- results ---- */

const char *mw_postgres_cell(const PGresult *result, int row, int column)
{
    return mw_libpq.getisnull(result, row, column) ? NULL : mw_libpq.getvalue(result, row, column);
}

double mw_postgres_number(const PGresult *result, int row, int column)
{
    const char *text = mw_postgres_cell(result, row, column);
    char *end = NULL;
    double number = text != NULL ? strtod(text, &end) : NAN;
    bool whole = text != NULL && end != text && *end == '\0' && isfinite(number);
    return whole ? number : NAN;
}

double mw_postgres_count(const PGresult *result, int row, int column)
{
    double number = mw_postgres_number(result, row, column);
    return !(number > 0) ? 0 : number < COUNT_MAX ? number : COUNT_MAX;
}

bool mw_postgres_is_true(const PGresult *result, int row, int column)
{
    const char *text = mw_postgres_cell(result, row, column);
    return text != NULL && *text == 't';
}
