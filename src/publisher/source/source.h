/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher can publish from: a directory, a file that holds datasets. Routes and catalog know this
 * face only. All functions may be called from any worker, several at once, and may block, unless said
 * otherwise. */
#ifndef C2_PUBLISHER_SOURCE_SOURCE_H
#define C2_PUBLISHER_SOURCE_SOURCE_H

#include <stdatomic.h>

#include "blosc/codec.h"
#include "blosc/frame.h"
#include "net/loop.h"
#include "publisher/generations/generation.h"

/* A dataset opened at one generation. Immutable, counted; any thread. */
struct c2_item;
struct c2_item_direct {
    struct c2_buf url;
    const char *etag; /* of the object, strong: borrowed from the item */
    int64_t nbytes;   /* of the object */
    bool is_part;     /* the frame is not all of the object, but begins at off */
    int64_t off;
    int seconds; /* the URL holds for */
};
struct c2_item_ops {
    bool (*chunk)(struct c2_item *item, int64_t nchunk, struct c2_buf *out, struct cat2_error *err);
    bool (*check)(struct c2_item *item,
                  struct cat2_error *err); /* NULL: as its home does, after chunk() too */
    void (*free)(struct c2_item *item);
    bool (*direct)(struct c2_item *item, struct c2_item_direct *out, struct cat2_error *err); /* or NULL */
};
/* What an item belongs to that does not check itself. */
struct c2_item_home {
    bool (*check)(struct c2_item *item, struct cat2_error *err);
    void (*free)(struct c2_item_home *home);
};
struct c2_item {
    bool counted; /* among the open ones of the process */
    const struct c2_item_ops *ops;
    atomic_int refs;
    struct c2_item_home *home; /* owned, or NULL */
    struct c2_generation gen;
    const struct c2_meta *meta; /* borrowed from the item */
    const char *refusal;        /* why chunks cannot be served, or NULL; of static storage */
    struct c2_frame *frame;     /* a contiguous frame that holds exactly this dataset, or NULL. Borrowed */
    char digest[64];            /* of that file, as Repr-Digest has it; "" not computed. Loop thread */
};
/** Append a whole guarded chunk. @errors CAT2_EINVAL range, CAT2_ECHANGED the data is no longer that of
 * item->gen. */
bool c2_item_chunk(struct c2_item *item, int64_t nchunk, struct c2_buf *out, struct cat2_error *err);
/** Where others can read its frame themselves, beside this process. out->url: yours. Any thread, does not
 * block. @errors CAT2_ENOTFOUND there is no such place. */
bool c2_item_direct(struct c2_item *item, struct c2_item_direct *out, struct cat2_error *err);
/** Is the data behind still that of item->gen? @errors CAT2_ECHANGED. */
bool c2_item_check(struct c2_item *item, struct cat2_error *err);
struct c2_item *c2_item_ref(struct c2_item *item);
void c2_item_unref(struct c2_item *item);
/** It is one of the open ones now, until it is freed; how many there are in this process. Any thread. */
void c2_item_count(struct c2_item *item);
size_t c2_items_open(void);

/** What has changed: a path below the root, as its files are called; NULL: anything. */
typedef void c2_source_changed(void *ctx, const char *rel);
typedef bool c2_source_sink(void *ctx, const char *path, const struct c2_generation *gen,
                            struct cat2_error *err);

struct c2_gens;
struct c2_so_far;
struct c2_source;
/* Any of these may be NULL: then the source below does it; what none does is as source.c says. */
struct c2_source_ops {
    bool (*walk)(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err);
    bool (*stat)(struct c2_source *source, const char *path, struct c2_generation *out,
                 struct cat2_error *err);
    bool (*is_slow)(struct c2_source *source, const char *path);
    bool (*sketch)(struct c2_source *source, const char *path, struct c2_meta *out, struct cat2_error *err);
    bool (*open)(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                 struct cat2_error *err);
    bool (*attrs)(struct c2_source *source, const char *path, struct c2_buf *out, struct cat2_error *err);
    void (*forget)(struct c2_source *source, const char *path);
    bool (*watch)(struct c2_source *source, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                  struct cat2_error *err);
    void (*hear)(struct c2_source *source);
    void (*cancel)(struct c2_source *source); /* of every source below too */
    void (*free)(struct c2_source *source);   /* its own; `below` and `gens` are freed for it */
    int (*open_file)(struct c2_source *source, const char *path, struct cat2_error *err);
    void (*notice)(struct c2_source *source, struct c2_str event);
    bool (*hears_all)(struct c2_source *source, const char **why);
    void (*name_early)(struct c2_source *source, struct c2_so_far *so_far);
};
struct c2_source { /* first member of the implementations */
    const struct c2_source_ops *ops;
    struct c2_gens *gens;    /* counted */
    struct c2_source *below; /* which this one adds to, owned; or NULL */
};

/** Before it is looked at first: names that take their time until walk() gives them are to be told as soon as
 * they are found, too. By default walk() gives all as it finds them. */
void c2_source_name_early(struct c2_source *source, struct c2_so_far *so_far);
/** Every dataset, also the unusable ones. */
bool c2_source_walk(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err);
/** @errors CAT2_ENOTFOUND. */
bool c2_source_stat(struct c2_source *source, const char *path, struct c2_generation *out,
                    struct cat2_error *err);
/** Would open() take long, and is it not done before? By default no. */
bool c2_source_is_slow(struct c2_source *source, const char *path);
/** What is known without the long work of open(). */
bool c2_source_sketch(struct c2_source *source, const char *path, struct c2_meta *out,
                      struct cat2_error *err);
/** Open the present generation. @errors CAT2_ENOTFOUND, CAT2_EDATA why, CAT2_ECANCELLED. */
bool c2_source_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err);
/** Attributes of a directory ("" is the root) or dataset as a JSON object. @errors CAT2_ENOTFOUND; the
 * default. */
bool c2_source_attrs(struct c2_source *source, const char *path, struct c2_buf *out, struct cat2_error *err);
/** The dataset is gone: forget what was made of it. By default its generations. */
void c2_source_forget(struct c2_source *source, const char *path);
/** Loop thread. changed(ctx, rel) after something changed. By default never. */
bool c2_source_watch(struct c2_source *source, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                     struct cat2_error *err);
/** Loop thread: call changed() now for what has changed until now, as far as events tell. */
void c2_source_hear(struct c2_source *source);
/** Loop thread: a store of objects tells of changes: JSON as S3 has it; "": some may have been missed. By
 * default it is of no use. */
void c2_source_notice(struct c2_source *source, struct c2_str event);
/** Loop thread: stop watching; open() ends soon with CAT2_ECANCELLED. */
void c2_source_cancel(struct c2_source *source);
/** NULL is fine. */
void c2_source_free(struct c2_source *source);
/** A descriptor of the file whose generation is remembered as `path`, for hashing; -1 and *err, the default.
 */
int c2_source_open_file(struct c2_source *source, const char *path, struct cat2_error *err);
/** Loop thread. Do events tell of every change? Not of those that other hosts make, nor where there are more
 * directories than inotify watches; *why names it then, for logs. By default no. */
bool c2_source_hears_all(struct c2_source *source, const char **why);

/** A directory; what is made of plain files is kept in STATEDIR/cache. @param folders  folders that are
 * containers are told as such (`folder` of the generation), and not looked into. */
bool c2_source_dir_new(const char *root, const char *statedir, bool folders, struct c2_gens *gens,
                       struct c2_source **out, struct cat2_error *err);

/** A directory's source under the texts of its names (base/name.h). Takes dir on success. */
bool c2_source_names_new(struct c2_source *dir, struct c2_source **out, struct cat2_error *err);

/** A container (container.h) that is the root. */
struct c2_format;
bool c2_source_alone_new(const struct c2_format *format, const char *filename, const char *statedir,
                         struct c2_gens *gens, struct c2_source **out, struct cat2_error *err);
/** A directory's source, and beside each container in it a folder of its datasets. Takes dir on success. */
bool c2_source_folders_new(struct c2_source *dir, const char *root, const char *statedir,
                           struct c2_source **out, struct cat2_error *err);

/** The same of c2_source_objects_new(). Takes objects on success. */
bool c2_source_object_folders_new(struct c2_source *objects, struct c2_source **out, struct cat2_error *err);

/** The objects of a store or site (object_store.h). */
struct c2_object_store_settings;
bool c2_source_objects_new(const char *url, const struct c2_object_store_settings *settings,
                           struct c2_gens *gens, struct c2_source **out, struct cat2_error *err);

/** Whatever there is at root: a container, a store of objects, or a directory. @param statedir  see
 * c2_source_dir_new(). @param no_folders  containers in a directory are files only. @param store  NULL:
 * nothing was said. @errors CAT2_EDATA why nothing can be published of it. */
bool c2_source_new(const char *root, const char *statedir, bool no_folders,
                   const struct c2_object_store_settings *store, struct c2_gens *gens, struct c2_source **out,
                   struct cat2_error *err);

#endif
