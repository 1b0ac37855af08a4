/* SPDX-License-Identifier: BSD-3-Clause */
/* Talk to one subscriber: its roots, their datasets. Every call blocks until it is done or has failed.
 * `true` = done; `false` = *err says why (callers may pass NULL for err). */
#ifndef CATERVA2_CLIENT_H
#define CATERVA2_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <caterva2/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CAT2_API      __attribute__((visibility("default")))
#define CAT2_MUST_USE __attribute__((warn_unused_result))
#else
#define CAT2_API
#define CAT2_MUST_USE
#endif

#define CAT2_MAX_DIM 16

typedef struct cat2_client cat2_client;
typedef struct cat2_strings cat2_strings;

/* Begin with CAT2_CLIENT_OPTIONS_INIT. Later versions add fields at the end; `size` tells which a program
 * knows, so that programs built before go on as they are. */
struct cat2_client_options {
    size_t size;                /* sizeof(struct cat2_client_options) */
    int64_t connect_timeout_ms; /* to reach the subscriber */
    int64_t answer_timeout_ms;  /* without a byte moving: a large answer may take as long as it likes. As long
                                 * one that is told to come back (503 and Retry-After) is asked for again */
    int64_t reply_nbytes_max;   /* the largest fetch, decoded */
    /* The rest is copied, and since 0.4. */
    const char *ca;       /* https: believe the authorities in this file (PEM); NULL: those of the system */
    const char *key;      /* sent to the subscriber, and to nobody else; "": none */
    const char *key_file; /* the first line of this file is the key. Both NULL: CATERVA2_KEY of the
                           * environment, if there is one */
    bool insecure;        /* https: believe every certificate. For tests */
};
#define CAT2_CLIENT_OPTIONS_INIT                                                                             \
    {                                                                                                        \
        sizeof(struct cat2_client_options), 5000, 30000, (int64_t)4 << 30, NULL, NULL, NULL, false           \
    }

/** Connect lazily to one subscriber. Not thread-safe: one client per thread.
 *
 *  @param host      "host:port", e.g. "localhost:8002", or "http[s]://host[:port][/path]".
 *  @param options   NULL for the defaults of CAT2_CLIENT_OPTIONS_INIT (5 s to connect, 30 s to answer, 4 GiB
 * at most).
 *  @param client    Out: yours, release with cat2_client_free(). Untouched on failure.
 *  @errors CAT2_EINVAL malformed host, key or file of authorities, options of a later libcaterva2 or without
 * size; CAT2_ENOTFOUND, CAT2_EIO a file that options name; CAT2_ENOMEM. No network traffic happens here. */
CAT2_API CAT2_MUST_USE bool cat2_client_new(const char *host, const struct cat2_client_options *options,
                                            cat2_client **client, struct cat2_error *err);
/** Release; datasets opened from it keep it alive until they are freed. NULL is fine. */
CAT2_API void cat2_client_free(cat2_client *client);
/** While a call waits, ask the caller whether to go on.
 *
 *  @param go_on  Called on the calling thread, often while bytes arrive, at least once a second while none
 * do, and after every signal. false gives up: the call fails with CAT2_ECANCELLED, the client stays usable.
 * It must not call this client. NULL: never ask.
 *  @param ctx    Handed to go_on. */
CAT2_API void cat2_client_on_wait(cat2_client *client, bool (*go_on)(void *ctx), void *ctx);

/** Names of the roots the subscriber knows, in its order.
 *  @param roots  Out: yours, cat2_strings_free(). cat2_strings_flag() tells which are followed
 * ("subscribed").
 *  @errors CAT2_EUPSTREAM no answer; CAT2_EDATA unreadable answer.
 *  @source GET /api/roots */
CAT2_API CAT2_MUST_USE bool cat2_client_roots(cat2_client *client, cat2_strings **roots,
                                              struct cat2_error *err);
/** Ask the subscriber to follow a root. Repeating it is fine.
 *  @errors CAT2_ENOTFOUND no such root; CAT2_EUPSTREAM.   @source POST /api/subscribe/{root} */
CAT2_API CAT2_MUST_USE bool cat2_client_subscribe(cat2_client *client, const char *root,
                                                  struct cat2_error *err);
/** Ask the subscriber to follow a root no more, and to forget what it has cached of it.
 *  @errors CAT2_ENOTFOUND no such root, or a Python subscriber, which cannot; CAT2_EUPSTREAM.
 *  @source POST /api/unsubscribe/{root} */
CAT2_API CAT2_MUST_USE bool cat2_client_unsubscribe(cat2_client *client, const char *root,
                                                    struct cat2_error *err);
/** Dataset paths of a followed root, relative to it.
 *  @param paths  Out: yours, cat2_strings_free().
 *  @errors CAT2_ENOTFOUND no such root, or not subscribed to it; CAT2_EUPSTREAM; CAT2_EDATA.   @source GET
 * /api/list/{root} */
CAT2_API CAT2_MUST_USE bool cat2_client_list(cat2_client *client, const char *root, cat2_strings **paths,
                                             struct cat2_error *err);
/** Where the publisher serves a root ("foo": one URL) or a dataset ("foo/a.b2nd": info URL, download URL).
 *  @param urls  Out: yours, cat2_strings_free().   @source GET /api/url/{path} */
CAT2_API CAT2_MUST_USE bool cat2_client_url(cat2_client *client, const char *path, cat2_strings **urls,
                                            struct cat2_error *err);
/** The subscriber's JSON answer to a GET of `target` ("/api/roots"), for what has no call of its own.
 *  @param json  Out: NUL-terminated, yours, free(). */
CAT2_API CAT2_MUST_USE bool cat2_client_get_json(cat2_client *client, const char *target, char **json,
                                                 struct cat2_error *err);

/* One event of a subscriber; docs/protocol.md has the kinds. Borrowed for the call. */
struct cat2_event {
    const char *kind; /* "hello", "root", "dataset", "resync" */
    const char *id;   /* where the stream is now, for `last` */
    const char *json; /* what happened */
};
typedef bool cat2_event_fn(void *ctx, const struct cat2_event *event);
/** Wait for events, for as long as fn returns true and the connection lives. Since 0.4.
 *
 *  @param roots  Those of these roots only, with commas between; NULL: all that may be seen.
 *  @param last   The id of the last event that is known: those after it come first. NULL: from now on.
 *  @param fn     Called on the calling thread; it must not call this client. false: the call ends and is
 * true.
 *  @errors CAT2_EUPSTREAM no answer, or the connection ended: call again with `last`; CAT2_ECANCELLED.
 *  @source GET /api/events */
CAT2_API CAT2_MUST_USE bool cat2_client_events(cat2_client *client, const char *roots, const char *last,
                                               cat2_event_fn *fn, void *ctx, struct cat2_error *err);

/** How many; 0 for NULL. */
CAT2_API size_t cat2_strings_count(const cat2_strings *strings);
/** The i-th, NULL past the end. Borrowed: valid while `strings` lives. */
CAT2_API const char *cat2_strings_at(const cat2_strings *strings, size_t i);
/** The i-th one's mark (roots: is it subscribed?); false past the end. */
CAT2_API bool cat2_strings_flag(const cat2_strings *strings, size_t i);
CAT2_API void cat2_strings_free(cat2_strings *strings);

#ifdef __cplusplus
}
#endif
#endif
