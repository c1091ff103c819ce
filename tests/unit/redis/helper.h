/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIDWATCH_TEST_REDIS_HELPER_H
#define MIDWATCH_TEST_REDIS_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#endif
