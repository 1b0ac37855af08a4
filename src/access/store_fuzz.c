/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes in place of an access file: it is read, or refused with a reason that names it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void leave(void)
{
    unlink(path);
}

static void write_file(const uint8_t *data, size_t size)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    if (!path[0]) {
        snprintf(path, sizeof(path), "%s/c2-access-%d", folder, (int)getpid());
        C2_ASSERT(atexit(leave) == 0);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    C2_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_holders holders = {0};
    struct cat2_error err = {0};
    char words[320];

    C2_ASSERT(c2_secret_setup(&err));
    write_file(data, size);
    if (c2_store_read(path, &holders, &err)) {
        for (size_t i = 0; i < holders.n; i++) {
            const struct c2_holder *holder = holders.p[i];
            c2_holder_words(holder, words);
            C2_ASSERT(strlen(words) < sizeof(words) && strlen(holder->name) <= C2_USER_MAX);
            C2_ASSERT(c2_holders_find(&holders, holder->kind, c2_str_of(holder->name)));
            c2_grants_have(holder->roots, C2_STR("foo"));
        }
    } else {
        C2_ASSERT(err.code != CAT2_OK && err.message[0] && holders.n == 0);
    }
    c2_holders_fini(&holders);
    return 0;
}
