/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to reports: a page that is written once and comes out as Markdown or as HTML. Whatever text is
 * handed in comes out clean, on one line and escaped, so that no caller has to think of it.
 */
#ifndef MIDWATCH_EVALUATE_SHEET_H
#define MIDWATCH_EVALUATE_SHEET_H

#include "base/buffer.h"

#define MW_SHEET_COLUMNS_MAX 8

struct mw_sheet {
    struct mw_buffer buffer;
    TALLOC_CTX *memory;
    bool html;
    size_t columns;
    size_t row_count, widths[MW_SHEET_COLUMNS_MAX];
    char **cells; /* of the table that is open, row by row, the heads first */
};

void mw_sheet_begin(struct mw_sheet *sheet, TALLOC_CTX *memory, bool html, const char *title);
void mw_sheet_heading(struct mw_sheet *sheet, const char *text);
void mw_sheet_text(struct mw_sheet *sheet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A table: its heads, then its rows, each a list that ends with NULL; "" for an empty cell. All but the
 * first column of a table stand to the left too, since most of them are words. */
void mw_sheet_row(struct mw_sheet *sheet, const char *const *cells);
void mw_sheet_table_end(struct mw_sheet *sheet);

/* The page, on `memory`; NULL: out of memory. */
char *mw_sheet_end(struct mw_sheet *sheet);

#endif
