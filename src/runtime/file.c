/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/work.h"

struct tail_job {
    char *path;
    size_t limit;
    char *bytes;
    size_t length;
    bool cut;
    enum mw_error_class class; /* NONE: it worked */
    const char *complaint;
    int code; /* errno, or 0 */
};

static void complain(struct tail_job *job, enum mw_error_class class, const char *complaint,
                     int code)
{
    job->class = class;
    job->complaint = complaint;
    job->code = code;
}

static void read_tail(struct tail_job *job, int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        complain(job, MW_ERROR_RETRY, "cannot look at it", errno);
        return;
    }
    if (!S_ISREG(stat.st_mode)) {
        complain(job, MW_ERROR_PERMANENT, "it is no regular file", 0);
        return;
    }
    off_t size = stat.st_size;
    off_t start = (uintmax_t)size > job->limit ? size - (off_t)job->limit : 0;
    size_t want = (size_t)(size - start);
    job->cut = start > 0;
    job->bytes = talloc_size(job, want + 1);
    if (job->bytes == NULL) {
        complain(job, MW_ERROR_RETRY, "no memory for so much of it", 0);
        return;
    }
    while (job->length < want) {
        ssize_t got =
            pread(fd, job->bytes + job->length, want - job->length, start + (off_t)job->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            complain(job, MW_ERROR_RETRY, "cannot read it", errno);
            return;
        }
        if (got == 0)
            break;
        job->length += (size_t)got;
    }
    job->bytes[job->length] = '\0';
}

/* O_NONBLOCK, or opening a pipe without a writer would never return. */
static void run_tail(void *argument)
{
    struct tail_job *job = argument;
    int fd = open(job->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        complain(job, errno == EMFILE || errno == ENFILE ? MW_ERROR_RETRY : MW_ERROR_PERMANENT,
                 "cannot open it", errno);
        return;
    }
    read_tail(job, fd);
    close(fd);
}

char *mw_file_tail(TALLOC_CTX *memory, const char *path, size_t limit, size_t *length, bool *cut,
                   struct mw_deadline deadline, struct mw_error *error)
{
    struct tail_job *job = talloc_zero(NULL, struct tail_job);
    mw_require(job != NULL, "no memory for a job");
    job->path = talloc_strdup(job, path);
    mw_require(job->path != NULL, "no memory for a job");
    job->limit = limit;

    void *handed = job;
    if (!mw_work(run_tail, &handed, deadline, error)) {
        mw_error_wrap(error, "%s", path);
        return NULL;
    }
    if (job->class != MW_ERROR_NONE) {
        mw_error_set(error, job->class, "%s: %s%s%s", path, job->complaint,
                     job->code == 0 ? "" : ": ", job->code == 0 ? "" : strerror(job->code));
        talloc_free(job);
        return NULL;
    }
    char *bytes = talloc_steal(memory, job->bytes);
    *length = job->length;
    *cut = job->cut;
    talloc_free(job);
    return bytes;
}
