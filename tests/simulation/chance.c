/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "simulation/sim.h"

bool sim_chance(int percent)
{
    return mw_random_below(100) < (uint64_t)percent;
}

int64_t sim_between(int64_t low, int64_t high)
{
    return low + (int64_t)mw_random_below((uint64_t)(high - low + 1));
}

size_t sim_weighted(const int *weights, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    int64_t at = sim_between(0, sum - 1);
    size_t i = 0;
    while (at >= weights[i])
        at -= weights[i++];
    return i;
}

bool sim_sabotaged(const char *what)
{
    return sim.sabotage != NULL && strcmp(sim.sabotage, what) == 0;
}
