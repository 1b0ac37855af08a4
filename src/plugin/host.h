/* SPDX-License-Identifier: BSD-3-Clause */
/* The display plugins of a subscriber: which there are, which fits a dataset, and asking one. Loading is for
 * the start; asking blocks, so it is for workers, a session in one at a time. */
#ifndef C2_PLUGIN_HOST_H
#define C2_PLUGIN_HOST_H

#include "base/buf.h"
#include "base/limits.h"
#include "plugin/plugin_proto.h"

struct c2_plugin {
    char name[33], title[128];
    char contenttypes[512], suffixes[512];
    int ndim_min, ndim_max;
    bool builtin;
};
struct c2_plugins;
/** Those built in and the *.so of a directory, by name. One that cannot be loaded is told in the log and left
 *  out.
 *  @param dir  NULL: none; not there: none, and told. @errors CAT2_ENOMEM. */
bool c2_plugins_load(const char *dir, struct c2_plugins **out, struct cat2_error *err);
/** Ends their processes; those of sessions end with them. NULL is fine. */
void c2_plugins_free(struct c2_plugins *plugins);
/** The i-th, NULL after the last; the one of a name, NULL: not there. */
const struct c2_plugin *c2_plugins_at(const struct c2_plugins *plugins, size_t i);
const struct c2_plugin *c2_plugins_named(const struct c2_plugins *plugins, struct c2_str name);
/** Is it for a dataset: by its content type ("" none), else by the end of its path. */
enum c2_plugin_fit { C2_FITS_NOT, C2_FITS_NAME, C2_FITS_TYPE };
enum c2_plugin_fit c2_plugin_fits(const struct c2_plugin *plugin, struct c2_str contenttype,
                                  struct c2_str path, int ndim);

/* One answer in the making. */
struct c2_plug_session;
/* What the plugin says. */
struct c2_plug_saying {
    enum c2_plug_kind kind; /* FETCH, PICTURE, TEXT or FAILED */
    int64_t a, b;
    struct c2_buf body; /* the slice, the pixels, the text */
};
/** Ask for a dataset (JSON: root, path, shape, dtype, itemsize, attributes, query; borrowed until
 * c2_plug_next() has returned once). @errors CAT2_EUPSTREAM
 * names the plugin; it is left alone for a while after it ended several times. */
bool c2_plug_open(struct c2_plugins *plugins, const struct c2_plugin *plugin, struct c2_str dataset,
                  struct c2_plug_session **out, struct cat2_error *err);
/** What it says next. One that was kept from before and ends before it has said anything is replaced by a new
 * one. @errors CAT2_EUPSTREAM: it ended, or is late. */
bool c2_plug_next(struct c2_plug_session *session, struct c2_plug_saying *out, struct cat2_error *err);
/** Say something to it: answers to a FETCH are its bytes (ITEMS) or why not (REFUSED). @errors as
 * c2_plug_next. */
bool c2_plug_give(struct c2_plug_session *session, enum c2_plug_kind kind, struct c2_bytes bytes,
                  struct cat2_error *err);
/** A session that did not come to its answer ends its process. NULL is fine. Any thread. */
void c2_plug_close(struct c2_plug_session *session);

#endif
