/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the subscriber share.
 *
 * A dataset object is one generation of one dataset: its metadata, its etag, its cache file. When the etag
 * changes, a new object takes its place in the root's list; requests under way finish on the old one (refs).
 */
#ifndef C2_SUBSCRIBER_SUB_IMPL_H
#define C2_SUBSCRIBER_SUB_IMPL_H

#include "data/cachefile.h"
#include "data/select.h"
#include "net/checked.h"
#include "state/state.h"
#include "subscriber/answer/hot.h"
#include "subscriber/subscriber.h"

struct c2_root_state;
struct c2_ensure;
struct c2_plugins;
struct c2_views;
struct c2_events;
struct c2_scrubber;

struct c2_ds {
    int refs;
    uint64_t serial; /* of all dataset objects of this process, never used twice */
    struct c2_subscriber *sub;
    char root[256];
    char *path;   /* within the root */
    char *etag;   /* as the publisher gave it; "" unknown. With -N when it gave it N times for other bytes */
    char *key;    /* of the generation in our cache: etag and, from ours, the strong validator */
    int repeats;  /* N */
    char *quoted; /* "\"etag\"" for the ETag header */
    char *match;  /* for If-Match: the strong validator of ours, else the etag */
    char *line;   /* the JSON it was made from, for the state */
    char *error;  /* why it cannot be served, NULL when it can */
    bool refused; /* its metadata is known all the same */
    bool busy;    /* it is being written: an error of the moment */
    char *remark; /* of a file: why what is in it is not listed; or NULL */
    struct c2_meta meta;
    struct c2_buf info; /* JSON answer of /api/info */
    bool modern;        /* the publisher is ours */
    bool has_frame;
    struct c2_frame_layout layout;
    struct c2_cachefile *cf;     /* NULL: not open, which says nothing of what is on disk */
    struct c2_ds *newer, *older; /* by use, among those with an open file */
    int nensures;                /* under way: they count on cf */
    bool preparing;
    bool unwritable;             /* pieces could not be stored: the next cache file is in memory */
    bool leaving;                /* cf is to be replaced by one in memory, when that is there */
    struct cat2_error unwritten; /* and why */
    struct c2_ensure *waiting;   /* for the cache file, or for chunks that others are fetching */
    uint8_t *flying;             /* a bit a chunk: being fetched; made with the first flight */
    int64_t used_ms;             /* when last, by the loop's clock; 0: not in this process */
    int64_t left_nbytes;         /* on disk from an earlier run; -1: not looked at yet */
    char digest[64];             /* of the whole file that is downloaded, as Repr-Digest; "" not computed */
};

struct c2_sub_waiter;
struct c2_root_state {
    struct c2_root_state *next;
    struct c2_root root;
    struct c2_subscriber *sub;
    bool known; /* the broker knows it */
    bool subscribed;
    struct c2_ds **datasets; /* sorted by path */
    size_t n;
    struct c2_bus_sub *topic;
    struct c2_follow *follow;   /* listing under way */
    bool follow_again;          /* something changed meanwhile */
    bool listed;                /* at least once, now or before a restart */
    bool fresh;                 /* listed in this process, and nothing failed since */
    bool modern;                /* the publisher is ours, as the last listing showed */
    bool hashed;                /* and sends hashes: an answer without is damaged */
    struct c2_refresh *refresh; /* single datasets being asked for again */
    struct c2_timer *timer;     /* debounce or retry */
    int failures;
    int64_t listed_ms;             /* when last, by the loop's clock; 0: not in this process */
    char listing[120];             /* what the publisher says while it makes its first list; "" */
    int retry_s;                   /* the Retry-After of its last 503 */
    uint64_t changes;              /* of its list, in this process */
    int doubts;                    /* listings in a row that may not have told all */
    struct c2_sub_waiter *waiters; /* requests that wait for the first listing */
};

struct c2_open_files {
    struct c2_ds *newest, *oldest;
    int npreparing; /* files being opened */
    struct c2_open_wait {
        struct c2_open_wait *next;
        void (*fn)(void *ctx, const struct cat2_error *err);
        void *ctx;
        int64_t since_ms;
    } * first, *last;
    struct c2_timer *ticker; /* while somebody waits */
    int64_t nclosed, nwaited, nrefused;
    struct c2_timer *memory_timer; /* while some are in memory */
    int64_t nunwritable, said_ms;
};

struct c2_subscriber {
    struct c2_subscriber_config config;
    struct c2_state *state;
    int cachefd, statefd;
    struct c2_root_state *roots; /* in the broker's order */
    struct c2_bus_sub *news;
    struct c2_hot *hot;
    struct c2_views *views;
    struct c2_plugins *plugins;
    struct c2_events *events; /* NULL while restoring */
    struct c2_open_files open;
    uint64_t serials; /* given out so far */
    struct c2_timer *quota_timer;
    struct c2_scrubber *scrubber; /* NULL: none */
    bool stopping, evicting, restoring;
    struct c2_upcall *upcalls; /* requests for data under way */
    struct c2_timer *patience; /* stopping: how long they have */
    bool given_up;             /* no more of them */
    bool gone;                 /* freed, but for what datasets in use refer to */
    size_t ndatasets;          /* objects alive */
    int64_t pieces_fetched, bytes_fetched, flights;
    int64_t unswept; /* bytes fetched since the quota was looked at */
};

/* ---- pass_on.c ---- */
/** The dataset's cache file is in memory, because. */
void c2_pass_on(struct c2_ds *ds, const struct cat2_error *why);
void c2_pass_on_stop(struct c2_subscriber *sub);
bool c2_pass_on_metrics(const struct c2_subscriber *sub, struct c2_buf *out, struct cat2_error *err);

/* ---- catalog.c ---- */
struct c2_root_state *c2_sub_root(struct c2_subscriber *sub, struct c2_str name);
struct c2_root_state *c2_sub_root_add(struct c2_subscriber *sub, const struct c2_root *root,
                                      struct cat2_error *err);
/** Index of the first dataset whose path does not sort before `path`; root->n when there is none. */
size_t c2_sub_lower(const struct c2_root_state *root, struct c2_str path);
/** Its list as it is now, "EPOCH-CHANGES": differs from run to run and with every change. */
void c2_sub_root_etag(const struct c2_root_state *root, char out[48]);
struct c2_ds *c2_sub_find(struct c2_root_state *root, struct c2_str path); /* borrowed, NULL when none */
/** After c2_sub_find() found none: the file it would be in, when that cannot be read; *why says so. */
struct c2_ds *c2_sub_find_broken(struct c2_root_state *root, struct c2_str path, const char **why);
/** References to the datasets beneath a folder (its path with a '/' at the end, "" for all), in order; free
 * the list. @errors CAT2_ENOTFOUND. */
bool c2_sub_beneath(struct c2_root_state *root, struct c2_str dir, struct c2_ds ***list, size_t *n,
                    struct cat2_error *err);
/** A dataset from one line of a full listing: {"path","etag","metadata","frame"} or {"path","error"}. refs 1.
 */
bool c2_ds_from_line(struct c2_root_state *root, struct c2_str line, bool modern, struct c2_ds **out,
                     struct cat2_error *err);
struct c2_ds *c2_ds_ref(struct c2_ds *ds);
void c2_ds_unref(struct c2_ds *ds);
/** Put into the list, replacing an older generation; takes ds. Equal etags keep the object that is there. */
bool c2_sub_put(struct c2_root_state *root, struct c2_ds *ds, struct cat2_error *err);
/** Remember all of them for the next start. */
void c2_sub_save_all(struct c2_root_state *root);
void c2_sub_drop(struct c2_root_state *root, struct c2_str path);
bool c2_sub_restore(struct c2_subscriber *sub, struct cat2_error *err);
void c2_sub_save_root(struct c2_root_state *root);
void c2_sub_roots_free(struct c2_subscriber *sub);
/** Name of the cache file beneath cachefd: ROOT/PATH, with .b2 for plain files. */
bool c2_ds_cache_name(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);
bool c2_root_name_ok(struct c2_str name);
/** When the file was changed, by its etag; -1 unknown. */
int64_t c2_ds_mtime_ms(const struct c2_ds *ds);

/* ---- open_files.c ---- */
/** The dataset's file is open now; takes cf. */
void c2_ds_set_file(struct c2_ds *ds, struct c2_cachefile *cf);
/** Somebody wants it, now. */
void c2_ds_used(struct c2_ds *ds);
/** Close those in memory that nobody uses; how many are left. */
int c2_sub_close_idle_in_memory(struct c2_subscriber *sub);
void c2_ds_close_file(struct c2_ds *ds);
/** fn, at once or later, when another cache file may be opened, which is then counted as being prepared.
 * @errors CAT2_ENOMEM all are in use, for long. */
void c2_sub_when_room(struct c2_subscriber *sub, void (*fn)(void *ctx, const struct cat2_error *err),
                      void *ctx);
/** Stopping: those who wait are told. */
void c2_sub_room_stop(struct c2_subscriber *sub);
int c2_sub_files_max(const struct c2_subscriber *sub);

/* ---- follow.c ---- */
/** List the root now, or again after the listing under way. */
void c2_sub_follow(struct c2_root_state *root);
/* ---- waiters.c ---- */
/** Subscribe if need be; fn once the root has been listed, or cannot be. @errors status 503: it is being
 * listed, for long. */
void c2_sub_when_listed(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                        void *ctx);
/** The same for who wants something of it: at once when the root has been listed before, or there is none
 * (NULL); else within some seconds. */
void c2_sub_when_known(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                       void *ctx);
void c2_sub_when_known_within(struct c2_root_state *root, int64_t ms,
                              void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);
void c2_sub_tell_waiters(struct c2_root_state *root, const struct cat2_error *err);
/** Followed, not listed yet, and nothing has failed: what it holds is not known. */
bool c2_sub_is_being_listed(const struct c2_root_state *root);
/** Headers for the reply that follows, when the list may not be that of the publisher any more. */
void c2_sub_say_stale(struct c2_request *req, const struct c2_root_state *root);
bool c2_sub_watch_roots(struct c2_subscriber *sub, struct cat2_error *err);
/** End what is under way; who waits for it is told why. */
void c2_follow_cancel(struct c2_root_state *root, const char *why);
/** Make the line of a dataset from a Python publisher's answer to /api/info. */
bool c2_follow_line_of_info(const char *path, const char *http, struct c2_http_reply *reply,
                            struct c2_buf *line, struct cat2_error *err);

/* ---- refresh.c ---- */
#define C2_SETTLE_MS 150 /* events close together cost one look */
/** Ask for the dataset again, soon, that the event ({"path":...}) names. The root has been listed. false: the
 * root has to be listed again. */
bool c2_sub_refresh(struct c2_root_state *root, struct c2_str event);
void c2_refresh_cancel(struct c2_root_state *root);

/* ---- ensure.c ---- */
enum c2_need {
    C2_NEED_BOUND, /* the blocks of a selection */
    C2_NEED_ALL,   /* every chunk */
    C2_NEED_SPANS  /* what was found missing: the blocks under bytes of chunks; none: just the cache file */
};
typedef void c2_ensured(void *ctx, const struct cat2_error *err);
/* What was here may be gone when it is read, evicted or found damaged: so often is it ensured again. Each
 * damaged piece costs one. */
#define C2_ENSURE_ROUNDS 32
/** Have pieces of ds in its cache file; then fn(ctx, NULL), or fn(ctx, err). fn is never called inside this
 * call. */
void c2_ensure(struct c2_ds *ds, enum c2_need need, const struct c2_bound *bound, c2_ensured *fn, void *ctx);
/** C2_NEED_SPANS; copied. Another's fetch of such a chunk is waited for instead of a fetch of our own: look
 * again then. */
void c2_ensure_spans(struct c2_ds *ds, const struct c2_chunk_span *spans, size_t n, c2_ensured *fn,
                     void *ctx);

/* ---- upcall.c ---- */
/** c2_checked_start() for data of publishers; refused once a stop has waited long enough. */
bool c2_upcall_start(struct c2_subscriber *sub, const struct c2_http_call *call, enum c2_wire_kind kind,
                     enum c2_check check, struct cat2_error *err);
/** How answers of the root's publisher are checked; NULL: as of one not known. */
enum c2_check c2_sub_check(const struct c2_root_state *root);
/** What is under way has a moment left. */
void c2_upcalls_stop(struct c2_subscriber *sub);

/* ---- upstream.c ---- */
struct c2_want {
    int64_t nchunk;
    bool whole;
    int32_t nblocks;
    int32_t *blocks;
    int32_t off, n; /* n > 0: the blocks under these bytes of the chunk */
};
/** Fetch and store; takes wants (array and blocks). fn(ctx, NULL) when all are stored. */
void c2_upstream_fetch(struct c2_ds *ds, struct c2_want *wants, size_t n,
                       void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);
/** Open or create ds->cf. */
void c2_upstream_prepare(struct c2_ds *ds, void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);
bool c2_ds_url(const struct c2_ds *ds, const char *route, struct c2_buf *out, struct cat2_error *err);

/* ---- reason.c ---- */
/** An answer of the publisher at `http` that is none: its status and words. Always false. */
bool c2_reason_of_reply(const struct c2_http_reply *reply, const char *http, const char *what,
                        struct cat2_error *err);
/** Seconds until a publisher that answers 503 is to be asked again: 1 to 60. */
int c2_reason_retry_s(const struct c2_http_reply *reply);
/** As c2_reply_error(); a 503 of the root's publisher with its Retry-After. */
void c2_reply_reason(struct c2_request *req, const struct c2_root_state *root, const struct cat2_error *err);
/** The same of a dataset's publisher. */
bool c2_upstream_refused(const struct c2_ds *ds, const struct c2_http_reply *reply, struct cat2_error *err);
/** Readers of the web are not told where the publisher keeps its files. */
struct c2_str c2_reason_without_place(struct c2_str reason);
/** Answer that ds->error keeps it from being served. */
void c2_reply_unserved(struct c2_request *req, const struct c2_ds *ds);
/** Its status: 422, 501 for what we do not do, or 503 while it is being written. */
int c2_ds_unserved_status(const struct c2_ds *ds);
void c2_reply_no_root(struct c2_request *req, struct c2_str name);
/** 404 for {path*}, with what there is instead. */
void c2_reply_no_dataset(struct c2_request *req, struct c2_subscriber *sub, bool b2);

/* ---- routes.c, routes_fetch.c, routes_files.c ---- */
void c2_sub_add_routes(struct c2_subscriber *sub);
void c2_handle_fetch(struct c2_request *req, void *state);
void c2_handle_attrs(struct c2_request *req, void *state);
/** Attributes of a root or a folder, ROOT/PATH. fn is called once, at once or later: with a JSON object that
 * is borrowed, or with why there is none: CAT2_ENOTFOUND, it has none. */
typedef void c2_attrs_fn(void *ctx, struct c2_str json, const struct cat2_error *err);
void c2_sub_attrs(struct c2_subscriber *sub, struct c2_str whole, c2_attrs_fn *fn, void *ctx);
void c2_handle_zarr(struct c2_request *req, void *state);
void c2_handle_zarr_links(struct c2_request *req, void *state);
void c2_handle_download(struct c2_request *req, void *state);
/** The dataset's URL under /files/, as JSON. */
void c2_sub_reply_url(struct c2_request *req, struct c2_ds *ds);
void c2_handle_files(struct c2_request *req, void *state);
/* ---- early.c ---- */
/** fn(ctx, NULL) when the root is listed or, before, as soon as this dataset is known; a publisher that
 * cannot tell of one dataset is waited for as by c2_sub_when_known(). */
void c2_sub_when_found(struct c2_root_state *root, struct c2_str path,
                       void (*fn)(void *ctx, const struct cat2_error *err), void *ctx);

/** Resolve {path*} to a dataset, following its root first when it is known; then fn(req, ds, arg) or the
 * request is answered. b2: a plain file must be asked for as PATH.b2. */
typedef void c2_dataset_handler(struct c2_request *req, struct c2_ds *ds);
void c2_sub_with_dataset(struct c2_request *req, struct c2_subscriber *sub, bool b2, c2_dataset_handler *fn);
/** Answer that pieces of ds cannot be had; but when the dataset has just changed at its publisher, look at
 * the root again and begin anew with fn and the new generation. */
void c2_sub_answer_error(struct c2_request *req, struct c2_ds *ds, const struct cat2_error *err, bool b2,
                         c2_dataset_handler *fn);

/* ---- routes_plugins.c ---- */
void c2_sub_add_plugin_routes(struct c2_subscriber *sub);

/* ---- routes_grove.c ---- */
void c2_grove_add_routes(struct c2_subscriber *sub);

/* ---- leave.c ---- */
/** Follow the root no more, forget its datasets and what is cached of them. */
bool c2_sub_leave(struct c2_root_state *root, struct cat2_error *err);
/** Remove what was left aside, in the background. */
void c2_sub_clear_aside(struct c2_subscriber *sub);

/* ---- scrub.c ---- */
struct c2_scrub_counts {
    int64_t nbytes, nbad, nrepaired, npasses; /* bad: chunks, fetched again; repaired: headers, indexes */
};
/** Begin to look through the cache every config.scrub_s seconds. */
bool c2_scrub_start(struct c2_subscriber *sub, struct cat2_error *err);
void c2_scrub_stop(struct c2_subscriber *sub);
struct c2_scrub_counts c2_scrub_counts(const struct c2_subscriber *sub);

/* ---- subscriber.c ---- */
/** The last memory of a subscriber goes with its last dataset. */
void c2_sub_unref_dataset(struct c2_subscriber *sub);
void c2_sub_quota_start(struct c2_subscriber *sub);
/** So many bytes have come into the cache: time for the quota to be looked at? */
void c2_sub_fetched(struct c2_subscriber *sub, int64_t nbytes);

#endif
