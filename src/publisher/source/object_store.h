/* SPDX-License-Identifier: BSD-3-Clause */
/* Where objects are: a bucket of an S3 store, or a site that lists its files. Requests to it, over few
 * connections that are kept, tried again when the store is busy or away. Any thread, several at once; calls
 * block. Errors begin with the object: "s3://bucket/key: 403 ...". */
#ifndef C2_PUBLISHER_SOURCE_OBJECT_STORE_H
#define C2_PUBLISHER_SOURCE_OBJECT_STORE_H

#include <stdatomic.h>

#include "base/limits.h"
#include "http/remote_file.h"

#define C2_OBJECT_KEY_MAX   1024       /* bytes of a key: S3 has no longer ones */
#define C2_OBJECT_NAME_MAX  1200       /* "s3://", a bucket and a prefix; or a URL */
#define C2_OBJECTS_MAX      200000     /* of one root: 100 MiB of names and states, 200 pages at each look */
#define C2_OBJECT_DIRS_MAX  20000      /* index pages of one look at a site */
#define C2_OBJECT_DEPTH_MAX 64         /* of directories of a site: links may lead in circles */
#define C2_OBJECT_PAGE_MAX  (64 << 20) /* bytes of one page: the index of half a million files */

/* What the operator said. All may be NULL. */
struct c2_object_store_settings {
    const char *endpoint, *region, *profile;
    const char *addressing;                   /* "path", "virtual", or "auto" */
    const struct c2_authorities *authorities; /* live as long as the source */
};

/* ---- object_place.c: pure ---- */

struct c2_object_store_place {
    bool s3;
    char base[512];                  /* "http[s]://HOST[:PORT]" */
    char target[C2_OBJECT_NAME_MAX]; /* in front of names, encoded: "/BUCKET/", "/", "/PATH/" */
    char bucket[128];
    char
        prefix[C2_OBJECT_KEY_MAX + 2]; /* S3: in front of names, not encoded; "" or with a slash at its end */
    char name[C2_OBJECT_NAME_MAX];     /* for people, in front of names */
    bool link_local;                   /* the operator gave such an address */
};
/** Does the text name such a place? */
bool c2_is_object_store(const char *root);
/** @param url  "s3://BUCKET[/PREFIX]" or "http[s]://HOST[:PORT]/PATH/". @param region  of S3.
 *  @param endpoint  of S3, or NULL: Amazon's of the region. @errors CAT2_EINVAL why it is none. */
bool c2_object_store_place_of(const char *url, const char *endpoint, const char *region,
                              const char *addressing, struct c2_object_store_place *out,
                              struct cat2_error *err);
/** What is asked for to read an object. */
bool c2_object_store_target(const struct c2_object_store_place *place, const char *path, struct c2_buf *out,
                            struct cat2_error *err);

/* ---- object_store.c ---- */

struct c2_object_store;
bool c2_object_store_new(const char *url, const struct c2_object_store_settings *settings,
                         struct c2_object_store **out, struct cat2_error *err);
const struct c2_object_store_place *c2_object_store_place(const struct c2_object_store *store);
/** Calls end soon with CAT2_ECANCELLED, now and later. */
void c2_object_store_cancel(struct c2_object_store *store);
void c2_object_store_free(struct c2_object_store *store); /* NULL is fine */
/** Look for the keys anew: those that hold for a while are replaced in time. @errors c2_s3_keys_find(). */
bool c2_object_store_renew_keys(struct c2_object_store *store, struct cat2_error *err);

/* Which state of an object something is of. */
struct c2_object_state {
    int64_t nbytes;
    char etag[C2_REMOTE_ETAG_MAX];
    char modified[C2_REMOTE_MODIFIED_MAX];
};
/** n bytes from off on, of this state. @errors CAT2_ECHANGED it is of another one by now; CAT2_ENOTFOUND;
 * CAT2_EUPSTREAM; CAT2_ECANCELLED; CAT2_EINVAL refused; CAT2_EUNSUPPORTED the server serves no ranges. */
bool c2_object_store_read(struct c2_object_store *store, const char *path,
                          const struct c2_object_state *state, int64_t off, size_t n, void *to,
                          struct cat2_error *err);
/** Its present state. *date: the server's time, seconds; 0: it does not say. @errors as above. */
bool c2_object_store_ask(struct c2_object_store *store, const char *path, struct c2_object_state *out,
                         int64_t *date, struct cat2_error *err);
/** Where anybody who has it may GET the object for so many seconds: signed with the keys, if there are some.
 * @errors CAT2_ELIMIT, CAT2_ENOMEM. */
bool c2_object_store_direct(struct c2_object_store *store, const char *path, int seconds, struct c2_buf *url,
                            struct cat2_error *err);
/** GET a page of a listing. @param path  for messages. @errors as above. */
bool c2_object_store_page(struct c2_object_store *store, const char *target, const char *path,
                          struct c2_buf *out, struct cat2_error *err);

/* ---- object_list.c ---- */

/** An object's path below the place, and what the listing says of it. state NULL: not enough, ask; then
 * `line` is a hash of what it did say. */
typedef bool c2_object_store_sink(void *ctx, struct c2_str path, const struct c2_object_state *state,
                                  int64_t mtime_ms, uint64_t line, struct cat2_error *err);
/** A directory of a site, "a/b/", may not be listed: nothing is known of what is beneath it. */
typedef bool c2_object_store_refused(void *ctx, const char *dir, const struct cat2_error *why,
                                     struct cat2_error *err);
/** All objects at present. What has no name as a path is passed over, and logged. @errors also CAT2_ELIMIT
 * there are too many; CAT2_EDATA it is no listing. */
bool c2_object_store_list(struct c2_object_store *store, c2_object_store_sink *sink,
                          c2_object_store_refused *refused, void *ctx, struct cat2_error *err);

#endif
