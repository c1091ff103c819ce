/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIDWATCH_BASE_MEDIAN_H
#define MIDWATCH_BASE_MEDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The middle value, of an even number the mean of the middle two; 0 of none. Puts what it is given into
 * another order. */
int64_t mw_median(int64_t *values, size_t count);

#endif
