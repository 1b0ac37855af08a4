/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that talk to the subscriber, each with a client of its own, so that the screen never waits: one for
 * what the user looks at, one for sizes and downloads, one that hears events. Jobs go in, and come back out
 * when an eventfd says so; events come out as jobs that nobody posted. */
#ifndef C2_TUI_JOBS_H
#define C2_TUI_JOBS_H

#include "tui/data.h"

enum c2_tui_job_kind {
    C2_TUI_JOB_ROOTS,
    C2_TUI_JOB_LIST,
    C2_TUI_JOB_SUBSCRIBE,
    C2_TUI_JOB_UNSUBSCRIBE,
    C2_TUI_JOB_INFO, /* what is looked at */
    C2_TUI_JOB_FETCH,
    C2_TUI_JOB_WATCH, /* has what is looked at changed? */
    C2_TUI_JOB_SIZE,
    C2_TUI_JOB_DOWNLOAD,
    C2_TUI_JOB_FOLDER, /* what is in a root or folder */
    C2_TUI_JOB_TABLE,  /* rows of a table that a filter lets through */
    C2_TUI_JOB_EVENT   /* something happened; not ok: nothing is heard any more, and why */
};
struct c2_tui_job {
    enum c2_tui_job_kind kind;
    char path[1300];   /* a root or a dataset */
    char file[2048];   /* of a download */
    char target[6000]; /* what FOLDER and TABLE ask for */
    struct c2_tui_ask ask;
    /* answers */
    bool ok;
    struct cat2_error err;
    cat2_strings *strings;
    struct c2_tui_info *info;
    struct c2_tui_data *data;
    char *json;    /* of FOLDER and TABLE */
    char word[16]; /* of EVENT: hello, root, resync; new, changed, removed of a dataset */
    struct c2_tui_job *next;
};
struct c2_tui_progress {
    bool running;
    int64_t nbytes, total; /* total -1: unknown */
};

struct c2_tui_jobs;
bool c2_tui_jobs_new(const char *host, const struct cat2_client_options *access, struct c2_tui_jobs **out,
                     struct cat2_error *err);
/** Cancels what runs and joins; a thread that waits for an answer is left behind after half a second. */
void c2_tui_jobs_free(struct c2_tui_jobs *jobs);
/** NULL when out of memory. */
struct c2_tui_job *c2_tui_job_new(enum c2_tui_job_kind kind, const char *path);
void c2_tui_job_free(struct c2_tui_job *job);
/** Takes the job (NULL is fine). A job of the kinds INFO, FETCH, WATCH, ROOTS, FOLDER and TABLE replaces one
 * that still waits. */
void c2_tui_jobs_post(struct c2_tui_jobs *jobs, struct c2_tui_job *job);
/** Forget jobs of a kind that still wait. */
void c2_tui_jobs_drop(struct c2_tui_jobs *jobs, enum c2_tui_job_kind kind);
/** A finished job, yours; NULL when there is none. */
struct c2_tui_job *c2_tui_jobs_take(struct c2_tui_jobs *jobs);
/** Becomes readable when a job is done or a download has moved. take() until NULL afterwards. */
int c2_tui_jobs_fd(const struct c2_tui_jobs *jobs);
struct c2_tui_progress c2_tui_jobs_progress(struct c2_tui_jobs *jobs);
void c2_tui_jobs_cancel_download(struct c2_tui_jobs *jobs);

#endif
