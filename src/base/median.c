/* SPDX-License-Identifier: Apache-2.0 */
#include "base/median.h"

static void swap(int64_t *a, int64_t *b)
{
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts the value that sorting would put at `place` there, and none that is greater before it: Hoare's
 * selection, since what is sorted in full may be a hundred thousand numbers. */
static int64_t select_place(int64_t *values, size_t count, size_t place)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        int64_t pivot = values[low + (high - low) / 2];
        size_t left = low, right = high;
        for (;;) {
            while (values[left] < pivot) {
                left++;
            }
            while (values[right] > pivot) {
                right--;
            }
            if (left >= right) {
                break;
            }
            swap(&values[left++], &values[right--]);
        }
        /* All up to `right` are at most the pivot, all behind it at least. */
        if (place <= right) {
            high = right;
        } else {
            low = right + 1;
        }
    }
    return values[place];
}

int64_t mw_median(int64_t *values, size_t count)
{
    if (count == 0) {
        return 0;
    }
    int64_t low = select_place(values, count, (count - 1) / 2);
    int64_t high = select_place(values, count, count / 2);
    return low + (high - low) / 2;
}
