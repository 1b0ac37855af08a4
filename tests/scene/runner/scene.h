/* SPDX-License-Identifier: BSD-3-Clause */
/* One scene: its programs, its people, and where in its file we are. */
#ifndef C2_SCENE_H
#define C2_SCENE_H

#include "broker/broker.h"
#include "bus/remote.h"
#include "nats.h"
#include "publisher/publisher.h"
#include "subscriber/subscriber.h"
#include "world.h"

#define WORDS_MAX 24
#define CROWD_MAX 2000 /* subscribers of one declaration */

/* A line, cut at blanks; "..." is one word. */
struct words {
    int n;
    char *at[WORDS_MAX];
};

enum kind { BROKER, PUBLISHER, SUBSCRIBER };
struct program {
    struct program *next;
    struct scene *scene;
    enum kind kind;
    char name[64];
    char statedir[300], data[300]; /* data: the root of a publisher */
    int64_t quota, scrub_ms;
    char url[100];      /* of a subscriber */
    char upstream[200]; /* names of the subscribers that it follows, with + between; "": it follows the broker
                         */
    bool follows, republishes;
    struct c2_root upstreams[C2_BUS_PLACES_MAX], place;
    int nupstreams;
    struct c2_broker *downstream;
    struct c2_bus *told;
    c2_loop_fn *then; /* when the subscriber has stopped */
    struct c2_host *host;
    bool running, stopped; /* stopped: its orderly end is over, it can be freed */
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_http *http;
    struct c2_server *server;
    struct c2_state *state;
    struct c2_bus *bus;
    struct c2_broker *broker;
    struct c2_nats_store *streams; /* in the broker's place */
    struct c2_publisher *publisher;
    struct c2_subscriber *subscriber;
};
struct person {
    struct person *next;
    char name[64];
    struct c2_loop *loop;
    struct c2_http *http;
    struct c2_http_flight *flight; /* NULL: has the answer, or never asked */
    char target[500];
    bool asked, broken;
    int status;
    int64_t answered_at;
    struct c2_buf body, headers;
    char why[300]; /* it is broken */
};
struct scene {
    const char *file;
    int line;
    bool nats; /* a server of NATS is in the broker's place */
    bool begun;
    char folder[200];
    struct program *programs;
    struct person *people;
    int nwritten; /* datasets, so that each has a time of its own */
};

/** Say where and what is wrong; false. */
bool scene_fail(const struct scene *s, const char *fmt, ...) C2_PRINTF(2, 3);
bool scene_is(const struct words *w, int i, const char *word);
/** A number; "20s" is 20000. */
bool scene_number(const struct scene *s, const char *text, int64_t *out);

/* ---- programs.c ---- */
struct program *program_find(struct scene *s, const char *name);
struct program *program_add(struct scene *s, enum kind kind, const char *name);
bool program_start(struct program *p);
/** It ends at once, as by kill -9: nobody hears of it. */
void program_kill(struct program *p);
/** It ends in order, as by SIGTERM; over when stopped. */
void program_stop(struct program *p);
/** It starts on another machine next; it does not run. True. */
bool program_move(struct program *p);
void program_free(struct program *p);
bool program_connected(const struct program *p);
/** Where its events come from: one of its upstreams. */
const char *program_hears(const struct program *p);

/* ---- people.c ---- */
struct person *person_find(struct scene *s, const char *name, bool make);
void person_ask(struct scene *s, struct person *person, const char *method, const char *address,
                const char *target);
void person_free(struct person *person);

/* ---- dataset.c ---- */
/** Write PATH beneath the publisher's root: key=value words from w->at[i] on. Items are from, from+1, ... */
bool dataset_write(struct scene *s, struct program *p, const char *path, const struct words *w, int i);
bool dataset_delete(struct scene *s, struct program *p, const char *path);

/* ---- steps.c, expect.c ---- */
bool scene_step(struct scene *s, const struct words *w, int i);
bool scene_declare(struct scene *s, const struct words *w);
/** ROOT/PATH as a running subscriber has it; NULL: it does not. */
struct c2_ds *scene_dataset(struct program *sub, const char *name);
/** Does it hold? what: why not. A clause that makes no sense: *bad. */
bool scene_holds(struct scene *s, const struct words *w, char *what, size_t size, bool *bad);

#endif
