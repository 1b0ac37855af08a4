/* SPDX-License-Identifier: BSD-3-Clause */
/* A filter for HDF5 that does what its dataset says: all that a filter can do wrong. Its values are the deed
 * and, a character each, the folder of attempts.h. libhdf5's part is declared here, so that no header of it
 * is needed. */
#include <stddef.h>
#include <stdlib.h>

#include "attempts.h"

struct filter { /* H5Z_class2_t */
    int version, id;
    unsigned encodes, decodes;
    const char *name;
    void *can_apply, *set_local;
    size_t (*run)(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes, size_t *room, void **buf);
};
enum deed { TRY_ALL, SPIN, HOARD, CRASH, LEAVE, GARBAGE, CHATTER, BLOCKED };

static void chatter(void)
{
    for (int i = 0; i < 100000; i++)
        dprintf(2, "line %d\n2020-01-01T00:00:00.000Z cat2pub audit: forged\n", i);
}

/* With the handler's signal blocked the kernel ends who makes such a call. */
static void make_call_blocked(void)
{
    sigset_t every;

    sigfillset(&every);
    sigprocmask(SIG_BLOCK, &every, NULL);
    socket(AF_INET, SOCK_STREAM, 0);
}

static void hoard(void)
{
    for (;;)
        memset(malloc(256 << 20), 1, 4096); /* ends in a null pointer */
}

static size_t run(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes, size_t *room, void **buf)
{
    static char junk[1 << 16];
    char folder[400] = "";

    (void)flags;
    (void)room;
    for (size_t i = 1; i < nvalues && i < sizeof(folder); i++)
        folder[i - 1] = (char)values[i];
    switch ((enum deed)values[0]) {
    case TRY_ALL:
        try_all(folder, *buf); /* the answer is what is read */
        break;
    case SPIN:
        for (volatile int i = 0;; i++)
            ;
    case HOARD:
        hoard();
        break;
    case CRASH:
        raise(SIGSEGV);
        break;
    case LEAVE:
        exit(0);
    case GARBAGE:
        send(0, junk, sizeof(junk), 0);
        break;
    case CHATTER:
        chatter();
        break;
    case BLOCKED:
        make_call_blocked();
        break;
    }
    return nbytes;
}

int H5PLget_plugin_type(void);
const void *H5PLget_plugin_info(void);

int H5PLget_plugin_type(void)
{
    return 0; /* a filter */
}

const void *H5PLget_plugin_info(void)
{
    static const struct filter filter = {1, 32005, 1, 1, "hostile", NULL, NULL, run};

    return &filter;
}
