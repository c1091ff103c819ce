/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIDWATCH_TEST_POSTGRES_HELPER_H
#define MIDWATCH_TEST_POSTGRES_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static inline void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text != NULL ? text : "nothing");
    }
}

#endif
