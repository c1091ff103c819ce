/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing without ever blocking the loop. A terminal or pipe is opened anew by its name under /proc:
 * setting O_NONBLOCK on descriptor 1 itself would set it for everybody who shares it, the parent shell
 * included, and a helper thread that hangs in a write cannot be ended. Where it cannot be opened anew
 * (after su, or a socket), it is asked first whether it takes something, and given as little as it
 * surely takes then. Waiting is done by sleeping, since how much was written must be known exactly when
 * a wait ends early.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "terminal.h"

#define PIECE_MAX     4096 /* PIPE_BUF: what a pipe that is ready takes at once */
#define PIECE_MAX_TTY 256
#define PAUSE_MS      5
#define PAUSE_MS_MAX  100
#define COLUMNS_MIN   40
#define COLUMNS_MAX   120

struct mw_terminal_output {
    int fd;
    bool opened_anew; /* non-blocking, and ours to close */
    bool tty;
    struct mw_lock lock;
    char *pending; /* begun and not all written; NULL: nothing */
    size_t written;
};

static int close_output(struct mw_terminal_output *output)
{
    if (output->opened_anew) {
        close(output->fd);
    }
    return 0;
}

struct mw_terminal_output *mw_terminal_output_open(TALLOC_CTX *memory, int fd)
{
    struct mw_terminal_output *output = talloc_zero(memory, struct mw_terminal_output);
    if (output == NULL) {
        return NULL;
    }
    struct stat stat;
    output->fd = fd;
    output->tty = isatty(fd) == 1;
    mw_lock_init(&output->lock);
    if (output->tty || (fstat(fd, &stat) == 0 && S_ISFIFO(stat.st_mode))) {
        char *path = talloc_asprintf(output, "/proc/self/fd/%d", fd);
        int anew = path != NULL ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
        if (anew >= 0) {
            output->fd = anew;
            output->opened_anew = true;
        }
    }
    talloc_set_destructor(output, close_output);
    return output;
}

bool mw_terminal_output_is_tty(const struct mw_terminal_output *output)
{
    return output->tty;
}

void mw_terminal_output_size(const struct mw_terminal_output *output, size_t *columns, size_t *rows)
{
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (output->tty && ioctl(output->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        *columns = size.ws_col < COLUMNS_MIN   ? COLUMNS_MIN
                   : size.ws_col > COLUMNS_MAX ? COLUMNS_MAX
                                               : size.ws_col;
        *rows = size.ws_row;
    }
}

/* Writes a piece; 0 when nothing is taken now. */
static ssize_t write_piece(const struct mw_terminal_output *output, const char *bytes,
                           size_t length)
{
    if (!output->opened_anew) {
        struct pollfd ask = {.fd = output->fd, .events = POLLOUT};
        if (poll(&ask, 1, 0) == 0) {
            return 0;
        }
        size_t most = output->tty ? PIECE_MAX_TTY : PIECE_MAX;
        length = length < most ? length : most;
    }
    ssize_t sent = write(output->fd, bytes, length);
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

static bool flush(struct mw_terminal_output *output, struct mw_deadline deadline,
                  struct mw_error *error)
{
    int64_t pause = PAUSE_MS;
    while (output->pending != NULL && output->pending[output->written] != '\0') {
        const char *rest = output->pending + output->written;
        ssize_t sent = write_piece(output, rest, strlen(rest));
        if (sent < 0) {
            return mw_error_set(error, MW_ERROR_PERMANENT, "cannot write to the terminal: %s",
                                strerror(errno));
        }
        if (sent > 0) {
            output->written += (size_t)sent;
            pause = PAUSE_MS;
            continue;
        }
        if (mw_deadline_passed(deadline)) {
            return mw_error_set(error, MW_ERROR_TIMEOUT, "nobody reads what the terminal shows");
        }
        if (!mw_sleep(pause, error)) {
            return false;
        }
        pause = pause * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause * 2;
    }
    return true;
}

static bool write_all(struct mw_terminal_output *output, const char *text,
                      struct mw_deadline deadline, struct mw_error *error)
{
    if (output->pending != NULL) {
        bool same = strcmp(output->pending, text) == 0;
        if (!flush(output, deadline, error)) {
            return false;
        }
        TALLOC_FREE(output->pending);
        if (same) {
            return true;
        }
    }
    output->pending = talloc_strdup(output, text);
    output->written = 0;
    if (output->pending == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    if (!flush(output, deadline, error)) {
        return false;
    }
    TALLOC_FREE(output->pending);
    return true;
}

bool mw_terminal_output_write(struct mw_terminal_output *output, const char *text,
                              struct mw_deadline deadline, struct mw_error *error)
{
    if (!mw_lock_acquire(&output->lock, deadline, error)) {
        return false;
    }
    bool done = write_all(output, text, deadline, error);
    mw_lock_release(&output->lock);
    return done;
}
