/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes in place of an access file: it is read, or refused with a reason that names it. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_holders holders = {0};
    struct cat2_error err = {0};
    char path[64], words[320];
    int fd = memfd_create("access", 0);

    C2_ASSERT(c2_secret_setup(&err));
    C2_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
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
    close(fd);
    return 0;
}
