/* SPDX-License-Identifier: Apache-2.0 */
/* Where a record may lie: on a disk of this machine. The linker has every statfs() end up here. */
#include "helper.h"

#include <sys/statfs.h>

static unsigned played_type;

/* The name by which large files are asked for; the structure is the same. */
int __real_statfs64(const char *path, struct statfs *out);
int __wrap_statfs64(const char *path, struct statfs *out);

int __wrap_statfs64(const char *path, struct statfs *out)
{
    int rc = __real_statfs64(path, out);
    if (rc == 0 && played_type != 0) {
        out->f_type = (typeof(out->f_type))played_type;
    }
    return rc;
}

static void network_body(struct fixture *fixture)
{
    static const struct {
        unsigned type;
        const char *name;
    } systems[] = {{0x6969, "NFS"},      {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},
                   {0x00c36400, "Ceph"}, {0x01161970, "GFS2"}, {0x0bd00bd0, "Lustre"},
                   {0x5346414f, "AFS"},  {0x7461636f, "OCFS2"}};
    static const enum mw_store_mode modes[] = {MW_STORE_ACTIVE, MW_STORE_READER};
    mw_record_close(open_record(fixture, MW_STORE_ACTIVE));
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        for (size_t j = 0; j < 2; j++) {
            char says[80];
            played_type = systems[i].type;
            snprintf(says, sizeof says, "lies on a network file system (%s)", systems[i].name);
            assert_fails(fixture,
                         mw_record_open(fixture->memory, &mw_store_sqlite, fixture->path, modes[j],
                                        &fixture->error) != NULL,
                         MW_ERROR_PERMANENT, says);
        }
    }
    /* FUSE may be anything; what the list of mounts does not call a disk of this machine is refused. */
    played_type = 0x65735546;
    assert_fails(fixture,
                 mw_record_open(fixture->memory, &mw_store_sqlite, fixture->path, MW_STORE_ACTIVE,
                                &fixture->error) != NULL,
                 MW_ERROR_PERMANENT, "network file system");
    played_type = 0xEF53; /* ext4 */
    mw_record_close(open_record(fixture, MW_STORE_ACTIVE));
    played_type = 0;
}

static void network_file_systems_are_refused(void **state)
{
    in_fiber(*state, network_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(network_file_systems_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
