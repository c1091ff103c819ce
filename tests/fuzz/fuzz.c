/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"

/* The size of a fiber's stack under AddressSanitizer. */
#define STACK_MAX ((rlim_t)1024 * 1024)

/* 2026-11-22T03:08:12Z */
#define NOW INT64_C(1795316892000)

#define SECRET_PART 4

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct rlimit stack = {.rlim_cur = STACK_MAX, .rlim_max = RLIM_INFINITY};
    setrlimit(RLIMIT_STACK, &stack);
    setenv("TZ", "UTC", 1);
    tzset();
    json_object_seed(1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    mw_clock_virtual(NOW, 1);
    mw_redact_forget_all();
    mw_redact_secret(FUZZ_SECRET);
    fuzz_one(memory, (const char *)data, size);
    talloc_free(memory);
    return 0;
}

/* ---- inputs ---- */

char *fuzz_text(TALLOC_CTX *memory, const char *bytes, size_t size, size_t *length)
{
    static const char hidden[] = "~Kq7va\033[31mult9Xw2";
    char *text = talloc_size(memory, size * sizeof hidden + 1);
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        char next = i + 1 < size ? bytes[i + 1] : '\0';
        if (bytes[i] == '@' && (next == '@' || next == '!')) {
            const char *secret = next == '@' ? FUZZ_SECRET : hidden;
            memcpy(text + used, secret, strlen(secret));
            used += strlen(secret);
            i++;
        } else {
            text[used++] = bytes[i] == '\0' ? ' ' : bytes[i] == '~' ? '-' : bytes[i];
        }
    }
    text[used] = '\0';
    if (length != NULL) {
        *length = used;
    }
    /* No more room than the text, so that reading past it is seen. */
    return talloc_realloc(memory, text, char, used + 1);
}

char *fuzz_line(char **text)
{
    char *line = *text;
    if (line == NULL) {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *text = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

static char folder[PATH_MAX];

static void remove_folder(void)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) {
        fprintf(stderr, "%s is left\n", folder);
    }
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        const char *temporary = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/midwatch-fuzz.XXXXXX",
                 temporary != NULL ? temporary : "/tmp");
        FUZZ_HOLDS(mkdtemp(folder) != NULL, folder);
        atexit(remove_folder);
    }
    return folder;
}

const char *fuzz_file(const char *name, const char *bytes, size_t length)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_HOLDS(file >= 0 && write(file, bytes, length) == (ssize_t)length, path);
    close(file);
    return path;
}

/* ---- what must hold ---- */

void fuzz_fail(const char *file, int line, const char *what, const char *shown)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    for (const char *at = shown != NULL ? shown : "(nothing)"; *at != '\0'; at++) {
        fprintf(stderr, (unsigned char)*at < ' ' || *at == 0x7f ? "\\x%02x" : "%c",
                (unsigned char)*at);
    }
    fputc('\n', stderr);
    abort();
}

/* Strict (RFC 3629); its length, or 0 where it is broken. Written apart from what is tested. */
static size_t character(const unsigned char *at, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] < 0x80   ? 1
                  : at[0] < 0xC2 ? 0
                  : at[0] < 0xE0 ? 2
                  : at[0] < 0xF0 ? 3
                  : at[0] < 0xF5 ? 4
                                 : 0;
    *point = size < 2 ? at[0] : at[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
        *point = *point << 6 | (at[i] & 0x3F);
    }
    bool fits = size < 2 || (*point >= least[size] && *point <= 0x10FFFF &&
                             (*point < 0xD800 || *point > 0xDFFF));
    return fits ? size : 0;
}

static bool is_obeyed(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 || point == 0x2029 ||
           (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ||
           (point >= 0xE0000 && point <= 0xE007F);
}

void fuzz_is_utf8(const char *text)
{
    FUZZ_HOLDS(text != NULL, text);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        uint32_t point;
        size_t size = character(at, &point);
        FUZZ_HOLDS(size > 0, text);
        at += size;
    }
}

void fuzz_is_clean(const char *text, size_t limit)
{
    fuzz_is_utf8(text);
    FUZZ_HOLDS(strlen(text) <= limit, text);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        uint32_t point;
        at += character(at, &point);
        FUZZ_HOLDS(!is_obeyed(point), text);
    }
}

void fuzz_keeps_secret(const char *text)
{
    char part[SECRET_PART + 1] = {0};
    memcpy(part, FUZZ_SECRET, SECRET_PART);
    FUZZ_HOLDS(strstr(text, part) == NULL, text);
}

void fuzz_is_sentence(const struct mw_error *error)
{
    FUZZ_HOLDS(error->class != MW_ERROR_NONE && error->text[0] != '\0', error->text);
    fuzz_is_clean(error->text, sizeof error->text - 1);
    fuzz_keeps_secret(error->text);
}

static void each_string(const json_t *value, void (*check)(const char *text, size_t limit),
                        size_t limit)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_string(value)) {
        check(json_string_value(value), limit);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        check(key, limit);
        each_string(item, check, limit);
    }
    json_array_foreach(value, i, item)
    {
        each_string(item, check, limit);
    }
}

void fuzz_json_is_clean(const json_t *value, size_t limit)
{
    each_string(value, fuzz_is_clean, limit);
}

static void keeps_secret(const char *text, size_t limit)
{
    (void)limit;
    fuzz_keeps_secret(text);
}

void fuzz_json_keeps_secret(const json_t *value)
{
    each_string(value, keeps_secret, 0);
}
