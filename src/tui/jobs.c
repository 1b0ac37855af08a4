/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues under one mutex, never held while a thread talks to the subscriber. */
#include "tui/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/json.h"

#define LANES      3 /* what is looked at, what takes long, and events */
#define EVENTS     2
#define HEAR_AGAIN 1 /* s after events ended */

struct lane {
    struct c2_tui_jobs *jobs;
    pthread_t thread;
    bool started;
    struct c2_tui_job *first, **last; /* waiting; guarded by jobs->mutex */
    cat2_client *client;              /* of the thread */
    cat2_dataset *dataset;            /* the one last asked about; of the thread */
};
struct c2_tui_jobs {
    pthread_mutex_t mutex; /* guards all below and the lanes' queues */
    pthread_cond_t wake;
    bool stopping, cancelled;
    struct c2_tui_job *done, **done_last;
    struct c2_tui_progress progress;
    int64_t told_ms; /* when the screen last heard of progress */
    int fd;
    struct lane lanes[LANES];
};

struct c2_tui_job *c2_tui_job_new(enum c2_tui_job_kind kind, const char *path)
{
    struct c2_tui_job *job = calloc(1, sizeof(*job));

    if (!job) return NULL;
    job->kind = kind;
    snprintf(job->path, sizeof(job->path), "%s", path);
    return job;
}

void c2_tui_job_free(struct c2_tui_job *job)
{
    if (!job) return;
    cat2_strings_free(job->strings);
    c2_tui_info_free(job->info);
    c2_tui_data_free(job->data);
    free(job->json);
    free(job);
}

static void free_list(struct c2_tui_job *job)
{
    while (job) {
        struct c2_tui_job *next = job->next;
        c2_tui_job_free(job);
        job = next;
    }
}

static void tell(const struct c2_tui_jobs *jobs)
{
    uint64_t one = 1;
    ssize_t n = write(jobs->fd, &one, sizeof(one)); /* a full counter has been told already */
    (void)n;
}

static bool on_progress(void *ctx, int64_t nbytes, int64_t total)
{
    struct c2_tui_jobs *jobs = ctx;
    int64_t now = c2_now_ms();

    pthread_mutex_lock(&jobs->mutex);
    jobs->progress = (struct c2_tui_progress){true, nbytes, total};
    bool due = now - jobs->told_ms >= 100;
    if (due) jobs->told_ms = now;
    bool go_on = !jobs->cancelled && !jobs->stopping;
    pthread_mutex_unlock(&jobs->mutex);
    if (due) tell(jobs);
    return go_on;
}

/* The dataset, opened anew or as it was last asked about. */
static bool open_dataset(struct lane *lane, const char *path, bool anew, struct cat2_error *err)
{
    if (lane->dataset && !anew && strcmp(cat2_dataset_path(lane->dataset), path) == 0) return true;
    cat2_dataset_free(lane->dataset);
    lane->dataset = NULL;
    return cat2_dataset_open(lane->client, path, &lane->dataset, err);
}

static bool run_info(struct lane *lane, struct c2_tui_job *job)
{
    bool ok = open_dataset(lane, job->path, true, &job->err) &&
              c2_tui_info_of(lane->dataset, &job->info, &job->err);
    if (ok && job->kind != C2_TUI_JOB_SIZE) c2_tui_info_add_chunks(job->info, lane->client);
    return ok;
}

static bool run_fetch(struct lane *lane, struct c2_tui_job *job)
{
    return open_dataset(lane, job->path, false, &job->err) &&
           c2_tui_data_fetch(lane->dataset, &job->ask, &job->data, &job->err);
}

static bool run_download(struct lane *lane, struct c2_tui_job *job)
{
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;

    options.progress = on_progress;
    options.ctx = lane->jobs;
    return open_dataset(lane, job->path, true, &job->err) &&
           cat2_dataset_download(lane->dataset, job->file, &options, &job->err);
}

static bool run_job(struct lane *lane, struct c2_tui_job *job)
{
    switch (job->kind) {
    case C2_TUI_JOB_ROOTS:
        return cat2_client_roots(lane->client, &job->strings, &job->err);
    case C2_TUI_JOB_LIST:
        return cat2_client_list(lane->client, job->path, &job->strings, &job->err);
    case C2_TUI_JOB_SUBSCRIBE:
        return cat2_client_subscribe(lane->client, job->path, &job->err);
    case C2_TUI_JOB_UNSUBSCRIBE:
        return cat2_client_unsubscribe(lane->client, job->path, &job->err);
    case C2_TUI_JOB_FETCH:
        return run_fetch(lane, job);
    case C2_TUI_JOB_DOWNLOAD:
        return run_download(lane, job);
    case C2_TUI_JOB_FOLDER:
    case C2_TUI_JOB_TABLE:
        return cat2_client_get_json(lane->client, job->target, &job->json, &job->err);
    default:
        return run_info(lane, job);
    }
}

static struct c2_tui_job *next_job(struct lane *lane)
{
    struct c2_tui_jobs *jobs = lane->jobs;

    pthread_mutex_lock(&jobs->mutex);
    while (!lane->first && !jobs->stopping)
        pthread_cond_wait(&jobs->wake, &jobs->mutex);
    struct c2_tui_job *job = jobs->stopping ? NULL : lane->first;
    if (job) {
        lane->first = job->next;
        if (!lane->first) lane->last = &lane->first;
        job->next = NULL;
        if (job->kind == C2_TUI_JOB_DOWNLOAD) {
            jobs->cancelled = false;
            jobs->progress = (struct c2_tui_progress){true, 0, -1};
        }
    }
    pthread_mutex_unlock(&jobs->mutex);
    return job;
}

static void done(struct c2_tui_jobs *jobs, struct c2_tui_job *job)
{
    pthread_mutex_lock(&jobs->mutex);
    *jobs->done_last = job;
    jobs->done_last = &job->next;
    pthread_mutex_unlock(&jobs->mutex);
    tell(jobs);
}

static void *work(void *ctx)
{
    struct lane *lane = ctx;
    struct c2_tui_jobs *jobs = lane->jobs;
    struct c2_tui_job *job;

    while ((job = next_job(lane))) {
        job->ok = run_job(lane, job);
        pthread_mutex_lock(&jobs->mutex);
        if (job->kind == C2_TUI_JOB_DOWNLOAD) jobs->progress.running = false;
        pthread_mutex_unlock(&jobs->mutex);
        done(jobs, job);
    }
    cat2_dataset_free(lane->dataset);
    cat2_client_free(lane->client);
    return NULL;
}

/* ---- events ---- */

static bool goes_on(void *ctx)
{
    struct c2_tui_jobs *jobs = ctx;

    pthread_mutex_lock(&jobs->mutex);
    bool stopping = jobs->stopping;
    pthread_mutex_unlock(&jobs->mutex);
    return !stopping;
}

static bool on_event(void *ctx, const struct cat2_event *event)
{
    struct lane *lane = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str name = {"", 0}, change = c2_str_of(event->kind);
    struct cat2_error ignored;

    if (c2_json_parse(c2_str_of(event->json), &json, &ignored)) {
        c2_jstr(c2_jget(c2_json_root(json), "change"), &change);
        if (!c2_jstr(c2_jget(c2_json_root(json), "path"), &name))
            c2_jstr(c2_jget(c2_json_root(json), "name"), &name);
    }
    struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_EVENT, "");
    if (!job) return false; /* the stream is begun anew, and all asked again */
    job->ok = true;
    snprintf(job->word, sizeof(job->word), "%.*s", (int)c2_min_i64((int64_t)change.n, 15), change.p);
    snprintf(job->path, sizeof(job->path), "%.*s", (int)c2_min_i64((int64_t)name.n, 1299), name.p);
    done(lane->jobs, job);
    return goes_on(lane->jobs);
}

static void wait_a_moment(struct c2_tui_jobs *jobs)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HEAR_AGAIN;
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->stopping && pthread_cond_timedwait(&jobs->wake, &jobs->mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&jobs->mutex);
}

/* A subscriber that has no events (404) is left alone: the screen asks now and then instead. */
static void *hear(void *ctx)
{
    struct lane *lane = ctx;
    bool has_events = true;

    cat2_client_on_wait(lane->client, goes_on, lane->jobs);
    while (has_events && goes_on(lane->jobs)) {
        struct c2_tui_job *job = c2_tui_job_new(C2_TUI_JOB_EVENT, "");
        struct cat2_error err = {0};
        if (!job) break;
        job->ok = cat2_client_events(lane->client, NULL, NULL, on_event, lane, &err);
        job->err = err;
        has_events = err.http_status != 404;
        done(lane->jobs, job);
        if (has_events) wait_a_moment(lane->jobs);
    }
    cat2_client_free(lane->client);
    return NULL;
}

/* Signals are for the screen's thread. */
static bool start_lane(struct lane *lane, void *(*run)(void *), const char *host,
                       const struct cat2_client_options *access, struct cat2_error *err)
{
    sigset_t all, before;

    if (!cat2_client_new(host, access, &lane->client, err)) return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&lane->thread, NULL, run, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        cat2_client_free(lane->client);
        return c2_fail_errno(err, failed, "thread");
    }
    lane->started = true;
    return true;
}

bool c2_tui_jobs_new(const char *host, const struct cat2_client_options *access, struct c2_tui_jobs **out,
                     struct cat2_error *err)
{
    struct c2_tui_jobs *jobs = calloc(1, sizeof(*jobs));

    if (!jobs) return c2_fail_nomem(err, "jobs");
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    jobs->done_last = &jobs->done;
    jobs->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = jobs->fd >= 0 || c2_fail(err, CAT2_EIO, "no eventfd");
    for (int i = 0; i < LANES; i++) {
        jobs->lanes[i].jobs = jobs;
        jobs->lanes[i].last = &jobs->lanes[i].first;
    }
    for (int i = 0; ok && i < LANES; i++)
        ok = start_lane(&jobs->lanes[i], i == EVENTS ? hear : work, host, access, err);
    if (!ok) {
        c2_tui_jobs_free(jobs);
        return false;
    }
    *out = jobs;
    return true;
}

/* false: the thread waits for an answer. It is not joined and ends with the process. */
static bool join_lane(struct lane *lane)
{
    struct timespec until;

    if (!lane->started) return true;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 500000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    if (pthread_timedjoin_np(lane->thread, NULL, &until) == 0) return true;
    pthread_detach(lane->thread);
    return false;
}

void c2_tui_jobs_free(struct c2_tui_jobs *jobs)
{
    bool joined = true;

    if (!jobs) return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    for (int i = 0; i < LANES; i++)
        joined = join_lane(&jobs->lanes[i]) && joined;
    if (!joined) return;
    for (int i = 0; i < LANES; i++)
        free_list(jobs->lanes[i].first);
    free_list(jobs->done);
    if (jobs->fd >= 0) close(jobs->fd);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
}

static void drop_locked(struct c2_tui_jobs *jobs, enum c2_tui_job_kind kind)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &jobs->lanes[i];
        struct c2_tui_job **at = &lane->first;
        while (*at) {
            struct c2_tui_job *job = *at;
            if (job->kind != kind) {
                at = &job->next;
                continue;
            }
            *at = job->next;
            c2_tui_job_free(job);
        }
        lane->last = at;
    }
}

void c2_tui_jobs_drop(struct c2_tui_jobs *jobs, enum c2_tui_job_kind kind)
{
    pthread_mutex_lock(&jobs->mutex);
    drop_locked(jobs, kind);
    pthread_mutex_unlock(&jobs->mutex);
}

void c2_tui_jobs_post(struct c2_tui_jobs *jobs, struct c2_tui_job *job)
{
    if (!job) return;
    bool side = job->kind == C2_TUI_JOB_SIZE || job->kind == C2_TUI_JOB_DOWNLOAD;
    struct lane *lane = &jobs->lanes[side];

    pthread_mutex_lock(&jobs->mutex);
    if (job->kind == C2_TUI_JOB_INFO || job->kind == C2_TUI_JOB_FETCH || job->kind == C2_TUI_JOB_WATCH ||
        job->kind == C2_TUI_JOB_ROOTS || job->kind == C2_TUI_JOB_FOLDER || job->kind == C2_TUI_JOB_TABLE)
        drop_locked(jobs, job->kind);
    *lane->last = job;
    lane->last = &job->next;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
}

struct c2_tui_job *c2_tui_jobs_take(struct c2_tui_jobs *jobs)
{
    uint64_t count;

    if (read(jobs->fd, &count, sizeof(count)) < 0) count = 0; /* nobody told; look all the same */
    pthread_mutex_lock(&jobs->mutex);
    struct c2_tui_job *job = jobs->done;
    if (job) {
        jobs->done = job->next;
        if (!jobs->done) jobs->done_last = &jobs->done;
        job->next = NULL;
    }
    pthread_mutex_unlock(&jobs->mutex);
    return job;
}

int c2_tui_jobs_fd(const struct c2_tui_jobs *jobs)
{
    return jobs->fd;
}

struct c2_tui_progress c2_tui_jobs_progress(struct c2_tui_jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    struct c2_tui_progress progress = jobs->progress;
    pthread_mutex_unlock(&jobs->mutex);
    return progress;
}

void c2_tui_jobs_cancel_download(struct c2_tui_jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    jobs->cancelled = true;
    pthread_mutex_unlock(&jobs->mutex);
}
