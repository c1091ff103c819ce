/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading lines. Descriptor 0 is opened anew where that works, for the reason that output.c gives, and
 * waited for by the loop. What epoll does not take (files, /dev/null) never keeps one waiting and is
 * simply read; the rest is asked now and then whether it has something.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/stream.h"
#include "terminal.h"

#define CHUNK         1024
#define PAUSE_MS      50
#define BACKGROUND_MS 1000

struct mw_terminal_input {
    int fd;                   /* the given one */
    struct mw_stream *stream; /* NULL: read directly */
    bool tty, ended;
    char chunk[CHUNK];
    size_t at, filled;
    char line[MW_TERMINAL_LINE_MAX];
};

struct mw_terminal_input *mw_terminal_input_open(TALLOC_CTX *memory, int fd)
{
    struct mw_terminal_input *input = talloc_zero(memory, struct mw_terminal_input);
    if (input == NULL) {
        return NULL;
    }
    struct stat stat;
    input->fd = fd;
    input->tty = isatty(fd) == 1;
    if (input->tty) {
        /* Put into the background of a shell, a read would stop the whole process. */
        signal(SIGTTIN, SIG_IGN);
    }
    if (input->tty || (fstat(fd, &stat) == 0 && S_ISFIFO(stat.st_mode))) {
        char *path = talloc_asprintf(input, "/proc/self/fd/%d", fd);
        int anew = path != NULL ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
        struct mw_error error;
        input->stream = anew >= 0 ? mw_stream_from_fd(input, anew, &error) : NULL;
        if (input->stream == NULL && anew >= 0) {
            close(anew);
        }
    }
    return input;
}

/* Bytes, 0 at the end, -1 when cancelled. */
static ssize_t read_directly(struct mw_terminal_input *input)
{
    struct mw_error error;
    for (;;) {
        struct pollfd ask = {.fd = input->fd, .events = POLLIN};
        if (poll(&ask, 1, 0) > 0) {
            ssize_t got = read(input->fd, input->chunk, CHUNK);
            if (got >= 0) {
                mw_fiber_yield();
                return mw_fiber_cancelled() ? -1 : got;
            }
            if (errno != EAGAIN && errno != EINTR) {
                return 0;
            }
        }
        if (!mw_sleep(PAUSE_MS, &error)) {
            return -1;
        }
    }
}

static ssize_t read_stream(struct mw_terminal_input *input)
{
    struct mw_error error;
    for (;;) {
        ssize_t got =
            mw_stream_read(input->stream, input->chunk, CHUNK, false, MW_NO_DEADLINE, &error);
        if (got >= 0) {
            return got;
        }
        if (error.class == MW_ERROR_CANCELLED) {
            return -1;
        }
        /* A terminal refuses who is in the background, until they are in the foreground again. */
        if (!input->tty || isatty(input->fd) != 1) {
            return 0;
        }
        if (!mw_sleep(BACKGROUND_MS, &error)) {
            return -1;
        }
    }
}

/* As the line's result: 1 when there is more to look at. */
static int refill(struct mw_terminal_input *input)
{
    if (input->ended) {
        return 0;
    }
    ssize_t got = input->stream != NULL ? read_stream(input) : read_directly(input);
    input->at = 0;
    input->filled = got > 0 ? (size_t)got : 0;
    input->ended = got == 0;
    return got > 0 ? 1 : (int)got;
}

int mw_terminal_input_line(struct mw_terminal_input *input, const char **line, size_t *length,
                           bool *cut)
{
    *length = 0;
    *cut = false;
    for (;;) {
        if (input->at == input->filled) {
            int more = refill(input);
            if (more < 0) {
                return -1;
            }
            if (more == 0) {
                /* The last line may lack its break. */
                *line = input->line;
                return *length > 0 ? 1 : 0;
            }
        }
        char byte = input->chunk[input->at++];
        if (byte == '\n') {
            *line = input->line;
            return 1;
        }
        if (*length < sizeof input->line) {
            input->line[(*length)++] = byte;
        } else {
            *cut = true;
        }
    }
}
