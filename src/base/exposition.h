/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted, told to Prometheus: families of samples, each with its type and help. A family that
 * several callers add to appears once. Errors are kept until the end, so callers check nothing. One thread.
 */
#ifndef C2_BASE_EXPOSITION_H
#define C2_BASE_EXPOSITION_H

#include "base/buf.h"
#include "base/limits.h"

enum c2_metrics_format {
    C2_METRICS_TEXT, /* the text format, version 0.0.4 */
    C2_METRICS_OPEN  /* OpenMetrics 1.0.0 */
};
enum c2_metrics_type { C2_METRICS_GAUGE, C2_METRICS_COUNTER, C2_METRICS_HISTOGRAM };

struct c2_metrics;
struct c2_metrics *c2_metrics_new(void);    /* NULL: out of memory */
void c2_metrics_free(struct c2_metrics *m); /* NULL is fine */
/** May who reads it hear of this root? */
typedef bool c2_metrics_sees_fn(void *ctx, struct c2_str root);
/** Leave samples out whose label `root` names one that sees() hides. Until then, all are told. */
void c2_metrics_show(struct c2_metrics *m, c2_metrics_sees_fn *sees, void *ctx);
/** For other labels that tell of a root: is it shown? */
bool c2_metrics_shows(const struct c2_metrics *m, const char *root);
/** The family of the samples that follow, made when there is none of this name. A counter's name ends with
 * _total. name and help: one line, of static storage. */
void c2_metrics_family(struct c2_metrics *m, enum c2_metrics_type type, const char *name, const char *help);
/* Names and values of labels in turn. Values may hold anything; what is no UTF-8 becomes '?'. */
#define C2_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
/** A sample of the family. labels: NULL at the end; NULL: none. */
void c2_metrics_sample(struct c2_metrics *m, double value, const char *const *labels);
/** All lines of a histogram: counts[i] is of what was at most bounds[i] and more than the bound before,
 * counts[n] of the rest. */
void c2_metrics_histogram(struct c2_metrics *m, const double *bounds, const uint64_t *counts, size_t n,
                          double sum, const char *const *labels);
/** A family with one sample without labels. */
void c2_metrics_gauge(struct c2_metrics *m, const char *name, double value, const char *help);
void c2_metrics_counter(struct c2_metrics *m, const char *name, double value, const char *help);
/** All of it as text. @errors what went wrong first: CAT2_ELIMIT, CAT2_ENOMEM. */
bool c2_metrics_text(struct c2_metrics *m, enum c2_metrics_format format, struct c2_buf *out,
                     struct cat2_error *err);
/** The content type of a format. */
const char *c2_metrics_content_type(enum c2_metrics_format format);

/** What the kernel and malloc tell of this process: process_*, and caterva2_malloc_*. */
void c2_metrics_process(struct c2_metrics *m);
/** Size and room of the file system that a directory is on; the labels say of what. dirfd < 0: nothing. */
void c2_metrics_disk(struct c2_metrics *m, int dirfd, const char *const *labels);

#endif
