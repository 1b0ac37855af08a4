/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/attrs: attributes of the root, of its directories and datasets, where the source has some. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"
#include "publisher/publisher_impl.h"

struct attrs_job {
    struct c2_request *req;
    struct c2_catalog *cat; /* outlives its jobs */
    char *path;
    bool ran, ok;
    struct c2_buf json;
    struct cat2_error err;
};

static void attrs_work(void *ctx, void *local)
{
    struct attrs_job *job = ctx;
    struct c2_source *source = job->cat->source;

    (void)local;
    job->ran = true;
    job->ok = c2_source_attrs(source, job->path, &job->json, &job->err);
    if (!job->ok && job->err.code == CAT2_ENOTFOUND)
        c2_fail(&job->err, CAT2_ENOTFOUND, "%.150s has no attributes: no group or dataset of an HDF5 file",
                *job->path ? job->path : "the root");
}

static void attrs_done(void *ctx)
{
    struct attrs_job *job = ctx;
    bool alive = c2_catalog_job_done(job->cat);

    if (!job->ran || !alive) job->ok = c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
    if (job->ok)
        c2_reply_json(job->req, 200, &job->json);
    else
        c2_publisher_refuse(job->req, &job->err);
    c2_buf_fini(&job->json);
    free(job->path);
    free(job);
}

static void start(struct c2_request *req, struct c2_publisher *pub, const char *path)
{
    struct attrs_job *job;

    if (pub->stopped) {
        c2_reply_detail(req, 503, "shutting down");
        return;
    }
    job = calloc(1, sizeof(*job));
    if (job) job->path = c2_str_dup(c2_str_of(path));
    if (!job || !job->path) {
        free(job);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    job->req = req;
    job->cat = pub->catalog;
    c2_buf_init(&job->json, C2_JSON_NBYTES_MAX);
    job->cat->njobs++;
    c2_pool_run(job->cat->pool, attrs_work, attrs_done, job);
}

void c2_publisher_attrs(struct c2_request *req, void *state)
{
    const char *path = c2_publisher_path(req);

    if (path) start(req, state, path);
}

void c2_publisher_root_attrs(struct c2_request *req, void *state)
{
    start(req, state, "");
}
