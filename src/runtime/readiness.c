/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/readiness.h"

#include "runtime/internal.h"

struct mw_readiness {
    struct mw_poll *poll;
};

static int stop(struct mw_readiness *readiness)
{
    mw_poll_close(readiness->poll);
    return 0;
}

struct mw_readiness *mw_readiness_create(TALLOC_CTX *memory, int fd, struct mw_error *error)
{
    struct mw_readiness *readiness = talloc_zero(memory, struct mw_readiness);
    mw_require(readiness != NULL, "no memory to wait for a descriptor");
    if (!mw_poll_open(&readiness->poll, fd, error)) {
        talloc_free(readiness);
        return NULL;
    }
    talloc_set_destructor(readiness, stop);
    return readiness;
}

bool mw_readiness_wait(struct mw_readiness *readiness, enum mw_ready ready,
                       struct mw_deadline deadline, const char *what, struct mw_error *error)
{
    int event = ready == MW_READY_TO_READ ? UV_READABLE : UV_WRITABLE;
    return mw_poll_wait(readiness->poll, event, deadline, what, error);
}
