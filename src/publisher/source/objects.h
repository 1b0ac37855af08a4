/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a store's source share: the objects of the last look, and what one is at present. */
#ifndef C2_PUBLISHER_SOURCE_OBJECTS_H
#define C2_PUBLISHER_SOURCE_OBJECTS_H

#include <pthread.h>

#include "base/texts.h"
#include "publisher/generations/generations.h"
#include "publisher/source/object_store.h"
#include "publisher/source/source.h"

struct c2_stored_object {
    char *path; /* never changes */
    struct c2_object_state state;
    int64_t mtime_ms;
    uint64_t line;        /* hash of what the index says of it; 0: the list says all */
    bool asked;           /* state is known */
    bool doubted;         /* it is another one by now, or being written: ask before it is used */
    bool young;           /* ask at the next look */
    bool kept;            /* its directory was refused: it is as it was known, and not asked about */
    const char *unusable; /* why it can be listed, but not read; of static storage */
};
/* Those of one look, by path. Counted; what is in an object changes under the source's lock. */
struct c2_stored_objects {
    atomic_int refs;
    struct {
        C2_VEC(struct c2_stored_object);
    } list;
    struct c2_texts refused; /* directories that could not be listed, sorted */
};
struct c2_stored_objects *c2_stored_objects_ref(struct c2_stored_objects *objects); /* NULL is fine */
void c2_stored_objects_unref(struct c2_stored_objects *objects);                    /* so here */
C2_DEFINE_AUTO_PTR(c2_stored_objects, c2_stored_objects_unref);
/** NULL: it is not among them, or there are none (NULL). */
struct c2_stored_object *c2_stored_objects_find(const struct c2_stored_objects *objects, const char *path);
/** By path. A list may say the same twice when it changes while it is read: the first stands. */
void c2_stored_objects_sort(struct c2_stored_objects *objects);

/* Who is to be told that something is another by now. */
struct c2_object_listener {
    struct c2_loop *loop; /* NULL: nobody */
    c2_source_changed *changed;
    void *ctx;
    struct c2_loop_call call;
    bool called; /* the call is under way, with a reference to the source */
};
struct c2_object_blocks; /* object_blocks.h */
struct c2_object_source {
    struct c2_source base;
    atomic_int refs;      /* items that are open outlive it as a source */
    struct c2_gens *gens; /* counted, as long as there are items */
    struct c2_object_store *store;
    struct c2_object_blocks *blocks;   /* what was read of containers */
    pthread_mutex_t lock;              /* guards the rest; nothing is asked under it */
    struct c2_stored_objects *objects; /* NULL: not looked yet */
    int64_t looked_ms;                 /* when they were looked at */
    int64_t listed_ms;                 /* when all of them were listed */
    struct c2_texts named;             /* by notifications, since the last look */
    bool named_all;                    /* more than can be named: everything is to be listed */
    struct c2_object_listener listener;
};

struct c2_object_source *c2_object_source_ref(struct c2_object_source *source);
void c2_object_source_unref(struct c2_object_source *source);
/** Its state and generation at present; asks when there is doubt. @errors CAT2_ENOTFOUND; c2_is_busy(): there
 * was no look yet, or it is being written; those of c2_object_store_ask(). */
bool c2_object_find(struct c2_object_source *source, const char *path, struct c2_stored_object *out,
                    struct c2_generation *gen, struct cat2_error *err);
/** Was it there at the last look? */
bool c2_object_is_listed(struct c2_object_source *source, const char *path);
/** c2_object_store_read(). @errors CAT2_ECHANGED also when it is gone; the next c2_object_find() asks. */
bool c2_object_range(struct c2_object_source *source, const char *path, const struct c2_object_state *state,
                     int64_t off, size_t n, void *to, struct cat2_error *err);
/** Where others can read it in this state. All of it: *out has no offset. out->url: yours.
 * @errors CAT2_ENOTFOUND it has no strong ETag; those of c2_object_store_direct(). */
bool c2_object_direct(struct c2_object_source *source, const char *path, const struct c2_object_state *state,
                      struct c2_item_direct *out, struct cat2_error *err);
/** Is this still its generation, as far as is known? */
bool c2_object_is(struct c2_object_source *source, const char *path, const char *validator);

/* ---- object_ask.c ---- */

/** Ask for the states that are not known, and drop the objects that are gone. One that the store does not
 * tell of becomes unusable. @errors CAT2_EUPSTREAM the store is away; those of c2_object_store_ask(). */
bool c2_objects_ask(struct c2_object_source *source, struct c2_stored_objects *objects,
                    struct cat2_error *err);
/** Ask for one. @errors CAT2_ENOTFOUND; those of c2_object_store_ask(). */
bool c2_object_ask(struct c2_object_source *source, struct c2_stored_object *object, struct cat2_error *err);

/* ---- object_notice.c ---- */

/** What is in a container is another by now: everything is looked at soon. Any thread. */
void c2_object_tell(struct c2_object_source *source);
/** As of c2_source_ops. */
bool c2_object_watch(struct c2_source *source, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                     struct cat2_error *err);
void c2_object_notice(struct c2_source *source, struct c2_str event);
/** The paths that were named since the last look. true: everything is to be listed instead. */
bool c2_object_named_take(struct c2_object_source *source, struct c2_texts *out);
/** Some were not looked at. */
void c2_object_named_all(struct c2_object_source *source);

/* ---- object_item.c ---- */

/** As of c2_source_ops. */
bool c2_object_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err);

#endif
