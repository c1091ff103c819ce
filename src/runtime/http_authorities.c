/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/http_authorities.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/work.h"

#define FILE_MAX  (1024 * 1024)
#define KNOWN_MAX 16
#define KEEP_MS   60000

/* Read on a helper thread, then kept. */
struct known {
    struct known *next;
    char *path; /* NULL: the system's alone */
    struct mw_authorities *authorities;
    mw_mono_ns keep_until;
};

struct job {
    char *path;
    struct mw_authorities *authorities;
    bool good;
    struct mw_error error;
};

static struct known *known;

static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

static int release_store(struct mw_authorities *authorities)
{
    X509_STORE_free(authorities->store);
    return 0;
}

static struct mw_authorities *new_authorities(TALLOC_CTX *memory, X509_STORE *store)
{
    struct mw_authorities *authorities = talloc_zero(memory, struct mw_authorities);
    mw_require(authorities != NULL && store != NULL, "no memory for authorities");
    authorities->store = store;
    talloc_set_destructor(authorities, release_store);
    return authorities;
}

/* "5f618aec.0": a certificate by the hash of its name, as `openssl rehash` links them. */
static bool is_hashed(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".0") == 0;
}

static bool folder_is_hashed(const char *path)
{
    DIR *folder = opendir(path);
    bool hashed = false;
    if (folder == NULL)
        return false;
    for (const struct dirent *entry; !hashed && (entry = readdir(folder)) != NULL;)
        hashed = is_hashed(entry->d_name);
    closedir(folder);
    return hashed;
}

static bool add_folder(X509_STORE *store, const char *path)
{
    return folder_is_hashed(path) && X509_STORE_load_path(store, path) == 1;
}

/* A folder costs nothing until an authority is wanted, and then only that one; it also knows those
 * that are added later. The bundle costs 20 ms and 3 MB. */
static bool add_system(X509_STORE *store)
{
    const char *folder = getenv("SSL_CERT_DIR");
    const char *file = getenv("SSL_CERT_FILE");
    if (folder != NULL || file != NULL) {
        bool found = folder != NULL && add_folder(store, folder);
        return (file != NULL && X509_STORE_load_file(store, file) == 1) || found;
    }
    const char *const folders[] = {X509_get_default_cert_dir(), "/etc/ssl/certs"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (add_folder(store, folders[i]))
            return true;
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
        if (X509_STORE_load_file(store, bundles[i]) == 1)
            return true;
    return X509_STORE_load_file(store, X509_get_default_cert_file()) == 1;
}

static bool cannot_read(const char *path, const char *why, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_PERMANENT, "cannot read the authorities in %s: %s", path,
                        why);
}

static bool read_all(struct job *job, int fd)
{
    struct mw_authorities *authorities = job->authorities;
    struct stat status;
    if (fstat(fd, &status) != 0)
        return cannot_read(job->path, strerror(errno), &job->error);
    if (!S_ISREG(status.st_mode))
        return cannot_read(job->path, "it is no file", &job->error);
    if (status.st_size > FILE_MAX)
        return cannot_read(job->path, "it is larger than 1 MiB", &job->error);
    size_t size = (size_t)status.st_size;
    authorities->text = talloc_size(authorities, size + 1);
    mw_require(authorities->text != NULL, "no memory for authorities");
    while (authorities->length < size) {
        ssize_t got = read(fd, authorities->text + authorities->length, size - authorities->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(job->path, strerror(errno), &job->error);
        if (got == 0)
            break;
        authorities->length += (size_t)got;
    }
    return true;
}

static bool read_file(struct job *job)
{
    int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot_read(job->path, strerror(errno), &job->error);
    bool good = read_all(job, fd);
    close(fd);
    return good;
}

static bool add_file(struct job *job)
{
    if (!read_file(job))
        return false;
    BIO *text = BIO_new_mem_buf(job->authorities->text, (int)job->authorities->length);
    mw_require(text != NULL, "no memory for authorities");
    size_t count = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(job->authorities->store, certificate) == 1;
        X509_free(certificate);
    }
    bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(text);
    if (count == 0 || !ended)
        return cannot_read(job->path,
                           count == 0 ? "there is no certificate in PEM form in it"
                                      : "one of its certificates is broken",
                           &job->error);
    /* So that a server's own certificate can stand there, too. */
    X509_STORE_set_flags(job->authorities->store, X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

static void load(void *argument)
{
    struct job *job = argument;
    job->authorities = new_authorities(job, X509_STORE_new());
    bool found = add_system(job->authorities->store);
    if (job->path != NULL)
        job->good = add_file(job);
    else
        job->good = found || mw_error_set(&job->error, MW_ERROR_PERMANENT,
                                          "this machine knows no certificate authorities: install "
                                          "ca-certificates, or let SSL_CERT_FILE name a PEM file");
    /* What OpenSSL keeps for this thread, which will hardly ever need it again. */
    OPENSSL_thread_stop();
}

static struct known **find_known(const char *path)
{
    struct known **link = &known;
    while (*link != NULL && ((path == NULL) != ((*link)->path == NULL) ||
                             (path != NULL && strcmp((*link)->path, path) != 0)))
        link = &(*link)->next;
    return link;
}

static void forget(struct known **link)
{
    struct known *entry = *link;
    *link = entry->next;
    talloc_free(entry);
}

/* The newest first; the last must go when there are too many. */
static const struct known *remember(const char *path, struct mw_authorities *authorities)
{
    struct known **link = find_known(path);
    if (*link != NULL)
        forget(link);
    struct known *entry = talloc_zero(NULL, struct known);
    mw_require(entry != NULL, "no memory for authorities");
    entry->path = path == NULL ? NULL : talloc_strdup(entry, path);
    entry->authorities = talloc_steal(entry, authorities);
    entry->keep_until = path == NULL ? INT64_MAX : mw_deadline_in(KEEP_MS).at;
    entry->next = known;
    known = entry;
    size_t count = 0;
    for (link = &known; *link != NULL && count < KNOWN_MAX; link = &(*link)->next)
        count++;
    if (*link != NULL)
        forget(link);
    return entry;
}

static const struct known *load_on_helper(const char *path, struct mw_deadline deadline,
                                          struct mw_error *error)
{
    const struct known *entry = NULL;
    struct job *job = talloc_zero(NULL, struct job);
    mw_require(job != NULL, "no memory for authorities");
    if (path != NULL) {
        job->path = talloc_strdup(job, path);
        mw_require(job->path != NULL, "no memory for authorities");
    }
    if (!mw_work(load, (void **)&job, deadline, error)) {
        mw_error_wrap(error, "reading certificate authorities");
        return NULL;
    }
    if (job->good)
        entry = remember(path, job->authorities);
    else
        *error = job->error;
    talloc_free(job);
    return entry;
}

struct mw_authorities *mw_authorities_find(TALLOC_CTX *memory, const char *path,
                                           struct mw_deadline deadline, struct mw_error *error)
{
    const struct known *entry = *find_known(path);
    if (entry == NULL || mw_mono_now() >= entry->keep_until)
        entry = load_on_helper(path, deadline, error);
    if (entry == NULL)
        return NULL;
    const struct mw_authorities *from = entry->authorities;
    X509_STORE_up_ref(from->store);
    struct mw_authorities *copy = new_authorities(memory, from->store);
    if (from->text != NULL) {
        copy->text = talloc_memdup(copy, from->text, from->length);
        copy->length = from->length;
        mw_require(copy->text != NULL, "no memory for authorities");
    }
    return copy;
}

void mw_authorities_finish(void)
{
    while (known != NULL)
        forget(&known);
}

bool mw_certificate_refused(long result, const char *peer, struct mw_error *error)
{
    switch (result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* as libcurl leaves it where the chain was good */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the certificate of %s is made out to another name: check the host in "
                            "the URL, or who answers there",
                            peer);
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the certificate of %s has expired: renew it there (or this machine's "
                            "clock is wrong)",
                            peer);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return mw_error_set(
            error, MW_ERROR_PERMANENT,
            "the certificate of %s is not valid yet: is this machine's clock right?", peer);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the certificate of %s is signed by no authority known here: if it is "
                            "your own, give its PEM file as a further authority",
                            peer);
    default:
        return mw_error_set(error, MW_ERROR_PERMANENT, "the certificate of %s is not accepted: %s",
                            peer, X509_verify_cert_error_string(result));
    }
}
