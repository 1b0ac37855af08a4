/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber knows: roots and their datasets.
 *
 * A dataset object is one generation of one dataset: its metadata, its etag, its cache file. When the etag
 * changes, a new object takes its place in the root's list; requests under way finish on the old one (refs).
 */
#ifndef C2_SUBSCRIBER_MIRROR_MIRROR_H
#define C2_SUBSCRIBER_MIRROR_MIRROR_H

#include "base/log_share.h"
#include "cache/cachefile.h"
#include "net/checked.h"
#include "select/select.h"
#include "subscriber/mirror/config.h"

struct c2_root_state;
struct c2_described;
struct c2_sub_so_far;
struct c2_supplier;
struct c2_subscriber;
struct c2_read;
struct c2_plugins;
struct c2_views;
struct c2_events;
struct c2_scrubber;
struct c2_levels;
struct c2_group_search;

/* What a publisher gave instead of data. */
enum c2_upcall_kind {
    C2_UPCALL_UNREACHED, /* no answer */
    C2_UPCALL_GARBLED,   /* no sound answer */
    C2_UPCALL_TOO_LARGE,
    C2_UPCALL_CHANGED, /* 412: another generation is there */
    C2_UPCALL_REFUSED, /* other statuses 4xx */
    C2_UPCALL_FAILED,  /* 5xx */
    C2_UPCALL_OTHER,
    C2_UPCALL_KINDS
};

/* Where a dataset object is in its life; dataset.c has the moves. */
enum c2_ds_life { C2_DS_FOUND, C2_DS_LISTED, C2_DS_REPLACED, C2_DS_REMOVED };

struct c2_ds {
    int refs;
    uint64_t serial; /* of all dataset objects of this process, never used twice */
    struct c2_subscriber *sub;
    enum c2_ds_life life;
    char *root;   /* its name */
    char *path;   /* within the root */
    char *etag;   /* as the publisher gave it; "" unknown. With -N when it gave it N times for other bytes */
    char *key;    /* of the generation in our cache: etag and, from ours, the strong validator */
    int repeats;  /* N */
    char *quoted; /* "\"etag\"" for the ETag header */
    char *match;  /* for If-Match: the strong validator of ours, else the etag */
    char *line; /* the JSON it was made from, or its beginning: the rest is in described. c2_ds_put_line() */
    uint64_t line_hash;             /* of that whole line */
    char *error;                    /* why it cannot be served, NULL when it can */
    bool refused;                   /* there is an error, but the metadata is known; never with busy */
    bool busy;                      /* the error is one of the moment: it is being written */
    char *remark;                   /* of a file: why what is in it is not listed; or NULL */
    struct c2_described *described; /* counted; NULL: nothing is known */
    const struct c2_meta *meta;     /* of that; zeros when there is none. Not its urlpath: c2_ds_urlpath() */
    char *urlpath;                  /* that was cut out of described; NULL: none was */
    struct c2_buf info; /* JSON answer of /api/info; made when it is asked for first: c2_ds_info() */
    bool speaks_pieces; /* its publisher did when it was listed: parts of chunks, ranges, If-Match */
    bool within;      /* it is in an HDF5 file or a Blosc2 store: its folders are groups, whose attributes the
                         publisher has */
    bool in_folder;   /* that is a folder, as Zarr stores are: there is no file that is listed itself */
    bool table;       /* it is a table of a store: the rows, with the schema as an attribute */
    bool bare;        /* that, or imported from one: its name there is without our suffix, c2_ds_name() */
    bool group_attrs; /* what has the attributes of its folder: not listed */
    bool has_frame;   /* the publisher has a contiguous frame of it: layout is that one's */
    struct c2_frame_layout layout;
    struct c2_cachefile *cf;     /* NULL: not open, which says nothing of what is on disk */
    struct c2_ds *newer, *older; /* by use, among those with an open file */
    struct c2_direct {           /* fetch/direct.c: where a store has the frame */
        char *url;               /* NULL: not known */
        char etag[300];
        int64_t nbytes, off;      /* of the object; where in it the frame begins */
        int64_t until_ms;         /* by the loop's clock: the URL holds */
        int64_t not_before;       /* nothing is asked until then: it failed */
        int64_t small_nbytes;     /* about, of fetches too small to ask for; enough, once it was asked */
        bool asking;              /* for those */
    } * direct;                   /* NULL: never asked */
    int nreads;                   /* under way: they count on cf */
    bool preparing;               /* cf is being opened or made; open_files.c has the life of cache files */
    bool unwritable;              /* pieces could not be stored: the next cache file is in memory */
    bool leaving;                 /* cf is to be replaced by one in memory, when that is there */
    struct cat2_error *unwritten; /* why it is unwritable; NULL: it is not, or there was no memory */
    struct c2_read *waiting;      /* for the cache file, or for chunks that others are fetching */
    uint8_t *flying;              /* a bit a chunk: being fetched; made with the first flight */
    struct c2_arrival *arrived, *arrived_last; /* to be stored, when what is being stored is */
    bool is_storing;
    int64_t used_ms;     /* when last, by the loop's clock; 0: not in this process */
    int64_t left_nbytes; /* on disk from an earlier run; -1: not looked at yet */
    bool no_levels;      /* there is no folder of levels of its planes; fetch/open_levels.c */
    bool old_levels;     /* there may be levels of the generation before: save_later.c removes them */
    uint32_t nlevels;    /* times that one may have been made */
    char digest[64];     /* of the whole file that is downloaded, as Repr-Digest; "" not computed */
};

/* What is known of a root's list; root.c has the moves. */
enum c2_root_life {
    C2_ROOT_UNFOLLOWED,
    C2_ROOT_FIRST,
    C2_ROOT_UNREACHED,
    C2_ROOT_KEPT,
    C2_ROOT_CURRENT,
    C2_ROOT_AWAY
};

#define C2_VIA_MAX  16                /* tiers */
#define C2_VIA_SIZE (33 * C2_VIA_MAX) /* their names, 32 digits each */

#define C2_ROOT_SUPPLIERS_MAX 9 /* a publisher or upstream, and others: the nearest few are enough */

/* Whom a request asks, and whom it has asked: hashes of places, for the sources may change meanwhile. */
struct c2_turn {
    uint64_t at;
    uint64_t left[C2_ROOT_SUPPLIERS_MAX];
    int nleft;
};

/* What a subscriber that a list came from says of its own. */
struct c2_source_age {
    char stale[40]; /* why it may be old; "": it is not */
    int64_t ms;     /* how old, at most; -1: that is not told */
};

struct c2_sub_waiter;
struct c2_root_state {
    struct c2_root_state *next;
    struct c2_root root;
    struct c2_subscriber *sub;
    enum c2_root_life life;
    int nfollowed;           /* times it has been followed: what was asked before the last is not taken */
    struct c2_ds **datasets; /* sorted by path */
    size_t n, cap;
    size_t nattrs;                        /* of those, that have the attributes of a folder */
    struct c2_group_search *group_search; /* answer/group_texts.c; NULL: nobody has searched yet */
    int64_t attrs_nbytes;                 /* of attributes of folders in the state; 0: not counted yet */
    uint64_t changes;                     /* of the list, in this process */
    char via[C2_VIA_SIZE];                /* subscribers that its list came through, as via.h has them */
    bool cyclic;                          /* at root, the first source, this one is among them */
    bool unheard;                         /* the upstream that events come from does not have it */
    uint64_t told_n;                      /* the list of roots that had it last: sub->roots_n then */
    struct c2_supplier *suppliers[C2_ROOT_SUPPLIERS_MAX]; /* sources.h */
    int nsuppliers, used;                                 /* used: which gave data last */
    uint64_t lines;                                       /* hashes of the lines of its datasets, added up */
    int64_t listed_ms;                 /* when last, by the loop's clock; 0: not in this process */
    int64_t listing_ms;                /* how long that took */
    struct c2_source_age source;       /* as told by whom it was listed from */
    uint64_t listed_at;                /* where that is, as its turn had it */
    struct c2_bus_subscription *topic; /* its events are heard; NULL: not followed, or not asked for yet */
    struct c2_follow *follow;          /* listing under way; no timer then */
    struct c2_timer *timer;            /* the next listing is due: after events, a failure or "not yet" */
    struct c2_refresh *refresh;        /* single datasets being asked for again; no listing then */
    int nlooking;                      /* datasets asked for that are not in the list */
    uint64_t nlooks;                   /* times that it, or what events named, was to be asked for */
    int retries;         /* listings in a row that failed or may not have told all: for the next delay */
    bool follow_again;   /* something changed during the listing under way: list again after it */
    bool speaks_pieces;  /* the publisher is one of ours, as the last listing showed */
    bool hashed;         /* and sends hashes, also in earlier runs: an answer without is damaged */
    int64_t unhashed_ms; /* since when its lists come without all the same; 0: they have them */
    char listing[120];   /* what the publisher says while it makes its first list; "" */
    struct c2_sub_so_far *so_far;  /* names that it has found for that: names_so_far.h; NULL: none came */
    int retry_s;                   /* the Retry-After of its last 503 */
    struct c2_log_share blamed;    /* lines of the log that say that it sends no usable data */
    struct c2_sub_waiter *waiters; /* requests that wait for the first listing */
};

struct c2_cache_probe;
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
    struct c2_timer *probe_timer; /* while the cache could not be written */
    struct c2_cache_probe *probe; /* in a worker */
};

/* What is told of changes. Loop thread. */
struct c2_mirror_watcher {
    /* change: "new", "changed", "removed"; not of a root that is being listed for the first time. The list
     * is changing under this call: it is not to be looked at. */
    void (*dataset)(void *ctx, struct c2_root_state *root, const struct c2_ds *ds, const char *change);
    void (*root)(void *ctx, struct c2_root_state *root);
    /* More datasets than C2_TOLD_EACH_MAX have changed at once. NULL: root() comes after it, and says it. */
    void (*many)(void *ctx, struct c2_root_state *root);
    void *ctx; /* NULL: nobody watches */
};
#define C2_TOLD_EACH_MAX 4096 /* events that are kept of a root, by the broker and by us */
enum { C2_WATCH_BROWSERS, C2_WATCH_DOWNSTREAM, C2_WATCHERS };

/* Files of levels that are open, the last used first. */
#define C2_LEVELS_OPEN 8
struct c2_open_levels {
    struct c2_levels *levels;
    int64_t since_ms;
};

struct c2_subscriber {
    struct c2_subscriber_config config;
    struct c2_state *state;
    int cachefd, statefd;
    struct c2_root_state *roots; /* in the broker's order */
    struct c2_bus_subscription *news;
    struct c2_loop_call stopped_call;
    struct c2_views *views;
    struct c2_kept_blocks *kept;
    struct c2_plugins *plugins;
    struct c2_events *events;
    struct c2_mirror_watcher watchers[C2_WATCHERS]; /* nobody while restoring */
    char peer_id[33]; /* what names this subscriber to others, the same after a restart: c2_sub_restore() */
    int64_t epoch;    /* when this process began: what is counted in it is good for so long */
    void (*free_rest)(struct c2_subscriber *sub); /* with the last dataset */
    struct c2_open_files open;
    struct c2_open_levels levels[C2_LEVELS_OPEN];
    uint64_t serials;            /* given out so far */
    struct c2_described **alike; /* descriptions that datasets may share; NULL: none yet */
    struct {
        C2_VEC(struct c2_ds *);
    } unsaved; /* datasets that are to be written to the state, from unsaved_next on */
    size_t unsaved_next;
    struct c2_timer *unsaved_timer; /* while there are some */
    struct c2_timer *quota_timer;
    struct c2_timer *tender;             /* of the state */
    struct c2_timer *lease_timer;        /* whether events can come */
    bool deaf;                           /* they could not, when it was looked last */
    int64_t heard_ms;                    /* when they could, last; 0: never */
    struct c2_timer *roots_timer;        /* the broker is asked for its roots again */
    uint64_t roots_n;                    /* lists of roots that came */
    struct c2_bus_subscription *mirrors; /* who mirrors roots: it has changed */
    struct c2_supplier *suppliers;
    struct c2_supplier *upstreams[C2_BUS_PLACES_MAX]; /* held, where they are several, also without roots */
    struct c2_timer *suppliers_timer;                 /* they are measured */
    struct c2_mirrors_told *told; /* republish/republish_register.c; NULL: nothing is registered */
    struct c2_scrubber *scrubber; /* NULL: none */
    bool stopping, evicting;
    void (*unreached)(struct c2_subscriber *sub, const char *host); /* HOST:PORT has not answered */
    struct c2_upcall *upcalls;                                      /* requests for data under way */
    struct c2_timer *patience;                                      /* stopping: how long they have */
    bool given_up;                                                  /* no more of them */
    bool gone;        /* freed, but for what datasets in use refer to */
    size_t ndatasets; /* objects alive */
    int64_t pieces_fetched, bytes_fetched, flights;
    int64_t direct_nbytes;                  /* of those, from stores */
    int64_t upcall_errors[C2_UPCALL_KINDS]; /* upcall.h */
    struct {
        int64_t nbytes, nbytes_at; /* on disk when counted last; bytes_fetched then */
        int64_t evicted, nevictions;
        int64_t wanted, missed; /* decoded bytes of pieces: that were needed, that were not there */
        bool counted;
        struct c2_cache_count *counting; /* NULL: nobody counts */
        struct c2_timer *timer;
    } cache;
    bool roots_told;                        /* by the broker, once at least */
    uint64_t old_clients[64], nold_clients; /* seen of late: who sent what only clients of 2024 send */
    int64_t unswept;                        /* bytes fetched since the quota was looked at */
};

#endif
