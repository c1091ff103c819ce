/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files that come with midwatch stand, seen from its program. */
#ifndef MIDWATCH_CLI_PLACES_H
#define MIDWATCH_CLI_PLACES_H

#include <talloc.h>

/* The folder prompts/runbooks: share/midwatch/ beside bin/ where it is installed, else that of the
 * source tree in whose build folder the program lies. NULL: neither is there. */
char *mw_place_of_runbooks(TALLOC_CTX *memory);

#endif
