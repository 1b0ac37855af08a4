/* SPDX-License-Identifier: BSD-3-Clause */
/* Families are kept apart while they are filled, and written one after another. */
#include "base/exposition.h"

#include <stdio.h>

#include "base/vec.h"

#define FAMILIES_MAX 1000 /* all names are in our source: a hundred */

struct family {
    enum c2_metrics_type type;
    const char *name, *help;
    struct c2_buf samples;
};
struct c2_metrics {
    struct {
        C2_VEC(struct family);
    } families;
    struct family *now;
    c2_metrics_sees_fn *sees; /* NULL: every root */
    void *ctx;
    bool failed;
    struct cat2_error err; /* why */
};

struct c2_metrics *c2_metrics_new(void)
{
    return calloc(1, sizeof(struct c2_metrics));
}

void c2_metrics_free(struct c2_metrics *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->families.n; i++)
        c2_buf_fini(&m->families.p[i].samples);
    c2_vec_fini(&m->families);
    free(m);
}

void c2_metrics_show(struct c2_metrics *m, c2_metrics_sees_fn *sees, void *ctx)
{
    m->sees = sees;
    m->ctx = ctx;
}

bool c2_metrics_shows(const struct c2_metrics *m, const char *root)
{
    return !m->sees || m->sees(m->ctx, c2_str_of(root));
}

static bool names_hidden(const struct c2_metrics *m, const char *const *labels)
{
    for (; labels && labels[0]; labels += 2)
        if (strcmp(labels[0], "root") == 0 && !c2_metrics_shows(m, labels[1])) return true;
    return false;
}

void c2_metrics_family(struct c2_metrics *m, enum c2_metrics_type type, const char *name, const char *help)
{
    struct family fresh = {type, name, help, C2_BUF_INIT(C2_METRICS_MAX)};

    m->now = NULL;
    for (size_t i = 0; !m->now && i < m->families.n; i++)
        if (strcmp(m->families.p[i].name, name) == 0) m->now = &m->families.p[i];
    if (m->now || m->failed) return;
    m->failed = !c2_vec_push(&m->families, FAMILIES_MAX, "metrics", &m->err, fresh);
    if (!m->failed) m->now = &m->families.p[m->families.n - 1];
}

/* Quotes, backslashes and line ends are escaped. */
static bool put_value(struct c2_buf *out, const char *text, struct cat2_error *err)
{
    struct c2_str s = c2_str_of(text);
    bool ok = true, sane = c2_str_is_utf8(s);

    for (size_t i = 0; ok && i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\n')
            ok = c2_buf_puts(out, "\\n", err);
        else if (c == '"' || c == '\\')
            ok = c2_buf_putc(out, '\\', err) && c2_buf_putc(out, (char)c, err);
        else
            ok = c2_buf_putc(out, c < 0x20 || c == 0x7f || (c >= 0x80 && !sane) ? '?' : (char)c, err);
    }
    return ok;
}

/* {a="b",le="1.0"}, nothing for no labels. */
static bool put_labels(struct c2_buf *out, const char *const *labels, const char *le, struct cat2_error *err)
{
    bool ok = true, any = false;

    for (; ok && labels && labels[0]; labels += 2) {
        ok = c2_buf_printf(out, err, "%s%s=\"", any ? "," : "{", labels[0]) &&
             put_value(out, labels[1], err) && c2_buf_putc(out, '"', err);
        any = true;
    }
    if (ok && le) ok = c2_buf_printf(out, err, "%sle=\"%s\"", any ? "," : "{", le);
    return ok && (!(any || le) || c2_buf_putc(out, '}', err));
}

static bool is_whole(double value)
{
    return value > -9e15 && value < 9e15 && (double)(int64_t)value == value;
}

static void put(struct c2_metrics *m, const char *suffix, double value, const char *le,
                const char *const *labels)
{
    if (m->failed || !m->now || names_hidden(m, labels)) return;
    struct c2_buf *out = &m->now->samples;
    m->failed = !(c2_buf_puts(out, m->now->name, &m->err) && c2_buf_puts(out, suffix, &m->err) &&
                  put_labels(out, labels, le, &m->err) &&
                  c2_buf_printf(out, &m->err, is_whole(value) ? " %.0f\n" : " %.12g\n", value));
}

void c2_metrics_sample(struct c2_metrics *m, double value, const char *const *labels)
{
    put(m, "", value, NULL, labels);
}

void c2_metrics_histogram(struct c2_metrics *m, const double *bounds, const uint64_t *counts, size_t n,
                          double sum, const char *const *labels)
{
    uint64_t all = 0;
    char le[40];

    for (size_t i = 0; i < n; i++) {
        snprintf(le, sizeof(le), is_whole(bounds[i]) ? "%.1f" : "%g", bounds[i]);
        all += counts[i];
        put(m, "_bucket", (double)all, le, labels);
    }
    all += counts[n];
    put(m, "_bucket", (double)all, "+Inf", labels);
    put(m, "_sum", sum, NULL, labels);
    put(m, "_count", (double)all, NULL, labels);
}

void c2_metrics_gauge(struct c2_metrics *m, const char *name, double value, const char *help)
{
    c2_metrics_family(m, C2_METRICS_GAUGE, name, help);
    c2_metrics_sample(m, value, NULL);
}

void c2_metrics_counter(struct c2_metrics *m, const char *name, double value, const char *help)
{
    c2_metrics_family(m, C2_METRICS_COUNTER, name, help);
    c2_metrics_sample(m, value, NULL);
}

bool c2_metrics_text(struct c2_metrics *m, enum c2_metrics_format format, struct c2_buf *out,
                     struct cat2_error *err)
{
    static const char *const types[] = {"gauge", "counter", "histogram"};

    for (size_t i = 0; !m->failed && i < m->families.n; i++) {
        const struct family *f = &m->families.p[i];
        struct c2_str name = c2_str_of(f->name);
        if (format == C2_METRICS_OPEN && f->type == C2_METRICS_COUNTER) name.n -= strlen("_total");
        m->failed = !(c2_buf_printf(out, &m->err, "# HELP %.*s %s\n# TYPE %.*s %s\n", C2_STR_ARG(name),
                                    f->help, C2_STR_ARG(name), types[f->type]) &&
                      c2_buf_append_str(out, c2_buf_str(&f->samples), &m->err));
    }
    if (!m->failed && format == C2_METRICS_OPEN) m->failed = !c2_buf_puts(out, "# EOF\n", &m->err);
    if (m->failed) *err = m->err;
    return !m->failed;
}

const char *c2_metrics_content_type(enum c2_metrics_format format)
{
    return format == C2_METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                     : "text/plain; version=0.0.4; charset=utf-8";
}
