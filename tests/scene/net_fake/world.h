/* SPDX-License-Identifier: BSD-3-Clause */
/* The world a scene plays in: hosts, a virtual clock, and everything that will happen, in order. One thread.
 * Time moves only when nothing is left to do at the present moment. */
#ifndef C2_SCENE_WORLD_H
#define C2_SCENE_WORLD_H

#include "base/buf.h"
#include "net/loop.h"

struct c2_fake_event;
/* A program on a machine of its own, or a person. */
struct c2_host {
    struct c2_host *next;
    char name[64];
    char address[80]; /* NAME:PORT */
    bool alive;       /* its program runs */
    bool buried; /* its program was killed: nothing happens there any more, not even the freeing of memory */
    bool hung;   /* its program stands still; its kernel still accepts connections */
    bool unreachable; /* nothing goes in or out; what is sent arrives when it is reachable again */
    int64_t job_ms;   /* what a job takes in the worker pool */
    int64_t cut_after,
        wrong_at; /* faults of the next answers with chunk data, in bytes of their bodies; -1: none */
    int nfaults;  /* of how many answers */
    struct MHD_Daemon *daemon;   /* who answers at its address */
    struct c2_nats_server *nats; /* or speaks NATS there */
    struct c2_fake_event *held;  /* events of a hung or unreachable host, in order */
    int64_t calls[64];           /* when it tried to open a WebSocket: the first of them */
    int ncalls;
};

/** The host of that name, made when new (alive). */
struct c2_host *c2_fake_host(const char *name);
struct c2_host *c2_fake_host_at(const char *address);
/** Loops made from now on are this host's. */
void c2_fake_enter(struct c2_host *host);
struct c2_host *c2_fake_host_of(struct c2_loop *loop);
void c2_fake_set_latency(const struct c2_host *a, const struct c2_host *b, int64_t ms);
int64_t c2_fake_latency(const struct c2_host *a, const struct c2_host *b);
/** Whoever starts at its name and address next is another one, which is returned. */
struct c2_host *c2_fake_bury(struct c2_host *host);
/** Its events wait, or go on. */
void c2_fake_hang(struct c2_host *host, bool hung);
void c2_fake_reach(struct c2_host *host, bool reachable);

int64_t c2_fake_now(void);
/** Something that will happen at `at` on a host (NULL: nowhere, cannot be held up). `from`: it is brought by
 * the network from there. */
struct c2_fake_event *c2_fake_at(struct c2_host *host, struct c2_host *from, int64_t at, c2_loop_fn *fn,
                                 void *ctx);
void c2_fake_soon(struct c2_host *host, c2_loop_fn *fn, void *ctx);
void c2_fake_cancel(struct c2_fake_event *event); /* NULL is fine */
/** Let the next thing happen if it is due until `until`; false when there is none: then it is `until`. */
bool c2_fake_step(int64_t until);
/** Run what is left without moving time, then forget everything. */
void c2_fake_end(void);

#endif
