/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define LINE_MAX_BYTES 2000
#define LINES_MAX      1000

static const char *const files[] = {"logs.txt", "keys.txt",  "queries.txt", "errors.txt",
                                    "chat.txt", "tools.txt", NULL};
static const char *const intents[] = {"flush",   "elsewhere", "unknown", "arguments", "write",
                                      "approve", "leak",      "stop",    "say",       NULL};

static char *put_utf8(char *to, unsigned long point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xE0 | point >> 12);
        } else {
            *to++ = (char)(0xF0 | point >> 18);
            *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

/* The number of exactly so many hexadecimal digits. */
static unsigned long take_hex(const char **at, int digits)
{
    char text[9] = "", *end;
    snprintf(text, sizeof text, "%.*s", digits, *at);
    unsigned long value = strtoul(text, &end, 16);
    assert_ptr_equal(end, text + digits);
    *at += digits;
    return value;
}

static char *take_escape(char *to, const char **at)
{
    char kind = *(*at)++;
    switch (kind) {
    case 'x':
        *to++ = (char)take_hex(at, 2);
        return to;
    case 'u':
        return put_utf8(to, take_hex(at, 4));
    case 'U':
        return put_utf8(to, take_hex(at, 8));
    default:
        break;
    }
    const char *known = strchr("nrt0\\", kind);
    assert_non_null(known);
    *to++ = "\n\r\t\0\\"[known - "nrt0\\"];
    return to;
}

static bool is_intent(const char *word)
{
    size_t i = 0;
    while (intents[i] != NULL && strcmp(intents[i], word) != 0)
        i++;
    return intents[i] != NULL;
}

static void read_line(TALLOC_CTX *memory, struct injection *line, char *written)
{
    char *bar = strstr(written, " | ");
    if (bar == NULL)
        fail_msg("%s:%d: write INTENT | TEXT", line->file, line->number);
    *bar = '\0';
    line->intent = talloc_strdup(memory, written);
    if (!is_intent(line->intent))
        fail_msg("%s:%d: there is no intent %s", line->file, line->number, line->intent);
    const char *at = bar + 3;
    line->text = talloc_zero_size(memory, strlen(at) + 1);
    char *to = line->text;
    while (*at != '\0' && *at != '\n') {
        if (*at == '\\') {
            at++;
            to = take_escape(to, &at);
        } else {
            *to++ = *at++;
        }
    }
    line->length = (size_t)(to - line->text);
}

static void read_file(struct injection *lines, const char *name, size_t *count)
{
    char written[LINE_MAX_BYTES], path[500];
    snprintf(path, sizeof path, "%s/%s", MW_INJECTION_FOLDER, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (int number = 1; fgets(written, sizeof written, file) != NULL; number++) {
        assert_true(*count < LINES_MAX);
        struct injection *line = &lines[(*count)++];
        *line = (struct injection){.file = talloc_strdup(lines, name), .number = number};
        read_line(lines, line, written);
    }
    fclose(file);
}

size_t corpus_share(void)
{
    return RUNNING_ON_VALGRIND ? 5 : 1;
}

struct injection *corpus_read(TALLOC_CTX *memory, const char *file, size_t *count)
{
    struct injection *lines = talloc_zero_array(memory, struct injection, LINES_MAX);
    *count = 0;
    for (size_t i = 0; files[i] != NULL; i++) {
        if (file == NULL || strcmp(file, files[i]) == 0)
            read_file(lines, files[i], count);
    }
    size_t share = corpus_share(), kept = 0;
    for (size_t i = 0; i < *count; i += share)
        lines[kept++] = lines[i];
    *count = kept;
    assert_true(kept > 0);
    return lines;
}

json_t *corpus_json(const struct injection *line)
{
    json_t *value = json_stringn(line->text, line->length);
    if (value != NULL)
        return value;
    char *clean = mw_text_clean(NULL, line->text, line->length, LINE_MAX_BYTES);
    value = json_string(clean);
    talloc_free(clean);
    return value;
}

const char *corpus_find_leak(const char *text)
{
    return strcasestr(text, "leakcanary");
}

bool corpus_leaks(const char *text)
{
    return corpus_find_leak(text) != NULL;
}

void corpus_check_shown(const struct injection *line, const char *text)
{
    if (!mw_text_is_utf8(text, strlen(text)) || !mw_text_is_clean(text))
        corpus_fail(line, "it is not clean:", text);
    if (corpus_leaks(text))
        corpus_fail(line, "a secret stands in:", text);
}

static void check_lines(const struct injection *line, const char *text)
{
    char *copy = talloc_strdup(NULL, text), *rest = copy;
    for (char *one; (one = strsep(&rest, "\n")) != NULL;)
        corpus_check_shown(line, one);
    talloc_free(copy);
}

void corpus_check_json(const struct injection *line, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    void *object = (void *)(uintptr_t)value;
    if (json_is_string(value))
        check_lines(line, json_string_value(value));
    json_array_foreach(value, i, item)
    {
        corpus_check_json(line, item);
    }
    json_object_foreach(object, key, item)
    {
        corpus_check_shown(line, key);
        corpus_check_json(line, item);
    }
}
