/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "config/config.h"

#define TEXT_MAX       600
#define PATH_MAX_BYTES 200

struct mw_faults *mw_faults_create(TALLOC_CTX *memory)
{
    return talloc_zero(memory, struct mw_faults);
}

static char *harmless(TALLOC_CTX *memory, const char *text, size_t limit)
{
    return mw_redact_line(memory, text != NULL ? text : "", text != NULL ? strlen(text) : 0, limit);
}

static bool is_known(const struct mw_faults *faults, const struct mw_fault *fault)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct mw_fault *known = &faults->items[i];
        if (known->line == fault->line && known->path != NULL && fault->path != NULL &&
            known->text != NULL && fault->text != NULL && strcmp(known->path, fault->path) == 0 &&
            strcmp(known->text, fault->text) == 0) {
            return true;
        }
    }
    return false;
}

void mw_fault_add(struct mw_faults *faults, int line, const char *path, const char *format, ...)
{
    if (faults->count >= MW_FAULTS_MAX) {
        return;
    }
    struct mw_fault *items =
        talloc_realloc(faults, faults->items, struct mw_fault, faults->count + 1);
    if (items == NULL) {
        return;
    }
    faults->items = items;

    va_list arguments;
    va_start(arguments, format);
    char *text = talloc_vasprintf(NULL, format, arguments);
    va_end(arguments);
    struct mw_fault fault = {
        .line = line,
        .path = harmless(items, path, PATH_MAX_BYTES),
        .text = harmless(items, text, TEXT_MAX),
    };
    /* Two tables that read the same key find the same fault in it. */
    if (!is_known(faults, &fault)) {
        items[faults->count++] = fault;
    }
    talloc_free(text);
}

struct place {
    int line;
    size_t index;
};

static int by_line(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

void mw_faults_print(const struct mw_faults *faults, const char *file, FILE *to)
{
    struct place *order = talloc_array(NULL, struct place, faults->count);
    if (order == NULL) {
        return;
    }
    for (size_t i = 0; i < faults->count; i++) {
        order[i] = (struct place){.line = faults->items[i].line, .index = i};
    }
    qsort(order, faults->count, sizeof *order, by_line);
    for (size_t i = 0; i < faults->count; i++) {
        const struct mw_fault *fault = &faults->items[order[i].index];
        const char *path = fault->path != NULL ? fault->path : "";
        fprintf(to, "%s:%d: %s%s%s\n", file, fault->line > 0 ? fault->line : 1, path,
                *path != '\0' ? ": " : "", fault->text != NULL ? fault->text : "");
    }
    if (faults->count == MW_FAULTS_MAX) {
        fprintf(to, "%s:1: there may be more; mend these first\n", file);
    }
    talloc_free(order);
}
