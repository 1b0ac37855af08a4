/* SPDX-License-Identifier: BSD-3-Clause */
/* A listing under way: follow.c decides when, and takes it over; follow_list.c asks and reads. */
#ifndef C2_SUBSCRIBER_MIRROR_FOLLOW_IMPL_H
#define C2_SUBSCRIBER_MIRROR_FOLLOW_IMPL_H

#include "base/texts.h"
#include "subscriber/mirror/mirror.h"

#define C2_FOLLOW_TRIES 3 /* of the list, of one info, of the list of a group */

struct c2_follow;
struct c2_follow_info;
struct c2_follow_end {
    void (*complete)(struct c2_follow *f);
    void (*failed)(struct c2_follow *f, const struct cat2_error *err);
    /* The publisher cannot say yet (503). */
    void (*not_yet)(struct c2_follow *f, struct c2_http_reply *reply);
};
struct c2_follow {
    const struct c2_follow_end *end;
    struct c2_root_state *root;
    int64_t since_ms; /* by the loop's clock */
    struct c2_checked *list;
    struct c2_buf text; /* a Python list, or the line at hand */
    struct c2_turn turn;
    char etag[48]; /* of the lines that are known, as it was asked; "": it was not */
    bool same;     /* 304: what is known is what there is */
    bool streaming, known_type;
    bool named;           /* it began with names that were found so far */
    bool hashed;          /* lines have hashes */
    int tries;            /* of the whole list */
    int64_t nlines, nend; /* good lines; how many were sent, -1 not known yet */
    struct c2_source_age source;
    int64_t nlost; /* lines of which not even the path is known */
    uint64_t chain, chain_end;
    bool unsure;    /* Python: a 5xx may mean that the dataset is not announced yet */
    uint64_t names; /* hash of a list without hashes that told other names than are known; 0: none */
    struct {
        C2_VEC(struct c2_ds *);
    } found; /* in listing order */
    struct { /* one info a dataset: all of a Python list, damaged lines of ours */
        C2_VEC(struct c2_follow_info);
    } infos;
    struct c2_texts told; /* events that came meanwhile */
    size_t told_nbytes;
    size_t known_at; /* of the known list: that a line of the new one may be of */
    size_t next, under_way;
    struct c2_texts groups; /* files of datasets at a Python server, as they were found */
    size_t next_group;      /* to be listed */
    int group_tries;
    uint64_t group_told; /* hash of its list before this one, that was doubted; 0: none */
};
struct c2_follow_info {
    struct c2_follow *follow;
    struct c2_checked *flight;
    char *path;
    bool within; /* in a group */
    int tries;
    uint64_t told; /* hash of the answer before this one, that was doubted; 0: none */
};

/** Ask for the list. f->end is told how it ends, once; f is its own then. */
void c2_follow_list(struct c2_follow *f);
/** Forget what has come. */
void c2_follow_clear(struct c2_follow *f);
void c2_follow_clear_infos(struct c2_follow *f);
/** It is of the list; takes ds. */
bool c2_follow_keep(struct c2_follow *f, struct c2_ds *ds, struct cat2_error *err);
/** A dataset is to be asked for; while none is under way. */
bool c2_follow_add_info(struct c2_follow *f, struct c2_str path, bool within, struct cat2_error *err);
/** Ask for those that are to be; when there are none left, f ends. */
void c2_follow_more_infos(struct c2_follow *f);

/* ---- follow_told.c ---- */
/** An event that came meanwhile. */
void c2_follow_note_event(struct c2_follow *f, struct c2_str data);
/** The list has been taken over: do such events tell of what it does not have? */
bool c2_follow_has_missed(struct c2_root_state *root, const struct c2_follow *f);

/* ---- follow_python.c ---- */
/** Is it a group? Then it is to be listed. Where an error is told, what is known to be in it stays. */
bool c2_follow_note_group(struct c2_follow *f, const struct c2_follow_info *info,
                          const struct c2_http_reply *reply, struct cat2_error *err);
/** List the next group, and ask for what is in it. false: there is none. */
bool c2_follow_next_group(struct c2_follow *f);

#endif
