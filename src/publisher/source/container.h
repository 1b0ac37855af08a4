/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that hold datasets, as HDF5's do, and folders that are one such thing; or something elsewhere, by its
 * URL. A format is one file, which fills a struct c2_format, and a row in formats.c. A container is served
 * alone (alone.c) or as a folder of a directory (folders.c). All functions may be called from any worker,
 * several at once, and may block, unless said otherwise. */
#ifndef C2_PUBLISHER_SOURCE_CONTAINER_H
#define C2_PUBLISHER_SOURCE_CONTAINER_H

#include <stdatomic.h>

#include "publisher/generations/generations.h"
#include "publisher/source/so_far.h"
#include "publisher/source/source.h"

/* What a format is asked whether it is one of its containers. */
struct c2_candidate {
    const char *name; /* a path, or a URL */
    int fd;           /* open for reading: a regular file, or a directory; -1: a URL */
    bool is_dir;
};
/* How sure a format is; the surest takes it. */
enum c2_claim {
    C2_CLAIM_NONE,
    C2_CLAIM_PROMISED, /* by its name it should be one, but it is not: *why tells */
    C2_CLAIM_NAME,     /* by its name it is one, and what is in it does not contradict */
    C2_CLAIM_CONTENTS  /* it says itself that it is one */
};

struct c2_format;
struct c2_object_bytes;  /* object_bytes.h */
#define C2_FORMATS_MAX 8 /* rows of the table */
/* What the containers of one root share. */
struct c2_site {
    atomic_int refs;
    const struct c2_format *const *formats;
    struct c2_gens *gens;         /* counted */
    char *dir;                    /* the root's directory; NULL: the container is the root */
    bool has_objects;             /* they are objects of a store */
    char *statedir;               /* where formats may keep what they learned for the next start */
    struct c2_reasons *reasons;   /* see c2_site_reason() */
    struct c2_so_far *so_far;     /* where formats tell of names as they find them; counted, or NULL */
    void *shared[C2_FORMATS_MAX]; /* as the formats, by their place in the table */
};
struct c2_container { /* first member of the implementations */
    atomic_int refs;
    const struct c2_format *format;
    struct c2_site *site; /* counted */
    char *filename;       /* where it is: a path, or a URL */
    char *prefix; /* what its generation is remembered as; those of its datasets are PREFIX/PATH, or PATH
                     when it is "." */
    struct c2_object_bytes *object; /* owned: what it is, when it is no file; or NULL */
    void *shared;                   /* what start() made */
};

/** gen NULL: of the same generation as the container. */
typedef bool c2_container_sink(void *ctx, const char *path, const struct c2_generation *gen,
                               struct cat2_error *err);
struct c2_format {
    const char *name; /* in validators: letters and digits, at most 8 */
    size_t nbytes;    /* of its containers: struct c2_container and what it adds, zeros at first */
    bool has_folders; /* a directory may be one of its containers */
    /* Look at the candidate. *why, of static storage, is for PROMISED and NONE: why it is not one ("is
     * empty").
     */
    enum c2_claim (*probe)(const struct c2_candidate *candidate, const char **why);
    /* Every dataset of the present state, also those that are unusable. @errors CAT2_ENOTFOUND it is gone;
     * CAT2_EDATA why it cannot be read; c2_is_busy(). */
    bool (*list)(struct c2_container *c, c2_container_sink *sink, void *ctx, struct cat2_error *err);
    /* A dataset at its present generation. One that has none (gen is zeros) is given the container's, which
     * is then looked at before and after opening and every reading. */
    bool (*open)(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                 struct cat2_error *err);

    /* The rest may be NULL. */

    /* By its name, may this object be one of its containers? What is in it shows when it is listed. By
     * default it may not: objects are never read as one. */
    bool (*takes_object)(const char *name);

    /* Make of a container what it adds, and unmake it, also when init() failed. */
    bool (*init)(struct c2_container *c, struct cat2_error *err);
    void (*fini)(struct c2_container *c);
    /* What all containers of a site share; end its work soon, from the loop thread too; free it. */
    bool (*start)(const struct c2_site *site, void **shared, struct cat2_error *err);
    void (*cancel)(void *shared);
    void (*stop)(void *shared);
    /* The container's state. By default stat() of the file. */
    bool (*key)(struct c2_container *c, struct c2_file_key *out, struct cat2_error *err);
    /* The present generation of one dataset. By default the container's, if it is in the list. */
    bool (*stat)(struct c2_container *c, const char *path, struct c2_generation *out, struct cat2_error *err);
    /* Attributes of a group ("" is the root's) or dataset as JSON. By default there are none. */
    bool (*attrs)(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err);
    /* Is this another file that it brings in? rel is a name or the end of a path. By default not. */
    bool (*uses)(struct c2_container *c, const char *rel);
};

/* ---- formats.c ---- */

/* NULL ends them. Tests may add theirs. */
extern const struct c2_format *c2_formats[C2_FORMATS_MAX + 1];
/** Whose is it? *format is set but for C2_CLAIM_NONE; *why as probe(), of the one that promised it, else of
 * the first. */
enum c2_claim c2_formats_probe(const struct c2_candidate *candidate, const struct c2_format **format,
                               const char **why);
/** Can a directory be a container at all? */
bool c2_formats_have_folders(void);

/* ---- site.c ---- */

/** formats: c2_formats, which lasts as long. */
bool c2_site_new(const char *dir, bool has_objects, const char *statedir,
                 const struct c2_format *const *formats, struct c2_gens *gens, struct c2_site **out,
                 struct cat2_error *err);
struct c2_site *c2_site_ref(struct c2_site *site);
void c2_site_unref(struct c2_site *site);
/** Calls end soon with CAT2_ECANCELLED, now and later. */
void c2_site_cancel(struct c2_site *site);
/** The text, kept as long as the site: the catalog holds on to it. Beyond a number of them, a general one. */
const char *c2_site_reason(struct c2_site *site, const char *text);

/* ---- container.c ---- */

/** @param object  taken on success; or NULL: it is a file. */
bool c2_container_new(const struct c2_format *format, const char *filename, const char *prefix,
                      struct c2_site *site, struct c2_object_bytes *object, struct c2_container **out,
                      struct cat2_error *err);
struct c2_container *c2_container_ref(struct c2_container *c);
void c2_container_unref(struct c2_container *c); /* NULL is fine */
/** The operations, with their defaults. */
bool c2_container_list(struct c2_container *c, c2_source_sink *sink, void *ctx, struct cat2_error *err);
bool c2_container_stat(struct c2_container *c, const char *path, struct c2_generation *out,
                       struct cat2_error *err);
bool c2_container_open(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err);
bool c2_container_attrs(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err);
bool c2_container_uses(struct c2_container *c, const char *rel);
/** The last part of its name. */
const char *c2_container_title(const struct c2_container *c);
/** Why it cannot be read, of a message that may begin with its name; kept as long as the site. */
const char *c2_container_reason(struct c2_container *c, const char *message);
/** What is listed in its place when it cannot be read. */
bool c2_container_broken(struct c2_container *c, const char *path, const char *message,
                         struct c2_generation *out, struct cat2_error *err);

#endif
