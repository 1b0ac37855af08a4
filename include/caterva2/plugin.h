/* SPDX-License-Identifier: BSD-3-Clause */
/* Display plugins: shared objects that show datasets in a way of their own in the pages of a subscriber.
 *
 * A plugin is one file, NAME.so, in the directory that `plugin-dir` names; it exports cat2_plugin(). It runs
 * in a process of its own (cat2plug), with 1 GiB of memory and 5 seconds for each answer: a plugin that
 * crashes or hangs costs the panel it was to fill. It is called by one thread, for one dataset at a time, and
 * is not handed data but asks for them: only the slices it asks for are fetched and decoded.
 *
 * Build: cc -shared -fPIC -o spectrum.so spectrum.c $(pkg-config --cflags caterva2). No library is needed. */
#ifndef CATERVA2_PLUGIN_H
#define CATERVA2_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAT2_PLUGIN_ABI 1 /* raised when anything below changes */

/** What is to be shown. All of it is the host's, and gone when show() returns. */
struct cat2_plugin_dataset {
    const char *root, *path; /* path within the root */
    int ndim;                /* 0 to 16; files are 1-d arrays of "|u1" */
    const int64_t *shape;    /* ndim items along each axis */
    const char *dtype;       /* NumPy's typestr ("<f4") or the list of a structured dtype */
    int64_t itemsize;        /* bytes of an item */
    const char *attributes;  /* a JSON object */
    const char *query;       /* what follows `?` in the address, decoded by nobody: "i=3&axis=0" */
};

/** What a plugin may ask for. Each returns false when it could not be done; show() may go on or give up. */
struct cat2_plugin_host {
    void *ctx;
    /** The items of a slice ("5,:,0:10", NumPy's basic indexing), C order, in the dataset's byte order.
     *  @param nbytes  what `to` has room for; exactly the items' bytes, at most 64 MiB. */
    bool (*fetch)(void *ctx, const char *slice, void *to, size_t nbytes);
    /** Answer with a picture: width * height pixels of 4 bytes (red, green, blue, opacity), rows from the
     *  top; sides of 1 to 2048 pixels. Copied. */
    bool (*picture)(void *ctx, const uint8_t *rgba, int width, int height);
    /** Answer with text, UTF-8, at most 1 MiB; shown as it is, never as HTML. Copied. */
    bool (*text)(void *ctx, const char *text, size_t n);
    /** Say why there is no answer: one line for the user. Copied. */
    void (*fail)(void *ctx, const char *why);
};

/** A plugin. Static: the host reads it for as long as the process runs. */
struct cat2_plugin {
    int abi;          /* CAT2_PLUGIN_ABI */
    const char *name; /* in addresses: a-z, 0-9, -, _; 1 to 32 characters */
    const char *title;
    /** Which datasets it is for: the value of their attribute `contenttype`, or what their names end with;
     *  each a list with commas, or NULL. A dataset that fits neither is not offered. */
    const char *contenttypes, *suffixes;
    int ndim_min, ndim_max; /* and how many axes they have */
    /** Answer once, by picture(), text() or fail(). false: nothing can be shown (say why with fail()). */
    bool (*show)(const struct cat2_plugin_dataset *dataset, const struct cat2_plugin_host *host);
};

/** Exported by the plugin. */
__attribute__((visibility("default"))) const struct cat2_plugin *cat2_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
