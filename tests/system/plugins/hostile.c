/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin that does what `?do=` says: all that a plugin can do wrong. Compiled with HOW for what it does
 * when it is loaded. */
#include <stdlib.h>

#include "attempts.h"

#include <caterva2/plugin.h>

static bool is(const struct cat2_plugin_dataset *ds, const char *what)
{
    return strcmp(ds->query, what) == 0;
}

static void hoard(void)
{
    for (;;) {
        char *p = malloc(16 << 20);
        if (!p) abort();
        memset(p, 1, 16 << 20);
    }
}

static bool show(const struct cat2_plugin_dataset *ds, const struct cat2_plugin_host *host)
{
    static unsigned char room[1 << 16];
    char text[600];

    if (is(ds, "do=crash")) raise(SIGSEGV);
    if (is(ds, "do=exit")) exit(0);
    if (is(ds, "do=loop"))
        for (volatile int i = 0;; i++)
            ;
    if (is(ds, "do=hoard")) hoard();
    if (is(ds, "do=garbage")) send(0, room, sizeof(room), 0);
    if (is(ds, "do=twice")) host->text(host->ctx, "one", 3);
    if (is(ds, "do=bad-slice")) return host->fetch(host->ctx, "5:x", room, 8);
    if (is(ds, "do=bad-size")) return host->fetch(host->ctx, ":", room, 3);
    if (is(ds, "do=too-large")) return host->fetch(host->ctx, ":", room, (size_t)1 << 40);
    if (is(ds, "do=too-many"))
        while (host->fetch(host->ctx, "0:1", room, (size_t)ds->itemsize))
            ;
    if (is(ds, "do=huge-picture")) return host->picture(host->ctx, room, 100000, 100000);
    if (is(ds, "do=html")) return host->text(host->ctx, "<script>alert(1)</script>", 25);
    if (is(ds, "do=many")) {
        long sum = 0;
        for (int i = 0; i < 20; i++) {
            snprintf(text, sizeof(text), "%d:%d", i, i + 1);
            if (!host->fetch(host->ctx, text, room, (size_t)ds->itemsize)) return false;
            long long v;
            memcpy(&v, room, 8);
            sum += v;
        }
        snprintf(text, sizeof(text), "%ld", sum);
        return host->text(host->ctx, text, strlen(text));
    }
    if (strncmp(ds->query, "do=escape&", 10) == 0) {
        try_all(ds->query + 10, text);
        return host->text(host->ctx, text, strlen(text));
    }
    if (is(ds, "do=nothing")) return true;
    snprintf(text, sizeof(text), "%s|%s|%d|%lld|%s|%lld|%s|%s", ds->root, ds->path, ds->ndim,
             (long long)ds->shape[0], ds->dtype, (long long)ds->itemsize, ds->attributes, ds->query);
    return host->text(host->ctx, text, strlen(text));
}

const struct cat2_plugin *cat2_plugin(void)
{
    static const struct cat2_plugin plugin = {.abi = CAT2_PLUGIN_ABI + (HOW == 1),
                                              .name = HOW == 2   ? "../x"
                                                      : HOW == 4 ? "tomography"
                                                                 : "hostile",
                                              .title = "Hostile",
                                              .contenttypes = "hostile",
                                              .suffixes = ".hostile,both.b2nd",
                                              .ndim_min = 0,
                                              .ndim_max = 16,
                                              .show = show};

    if (HOW == 3) raise(SIGSEGV);
    return &plugin;
}
