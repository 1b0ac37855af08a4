/* SPDX-License-Identifier: BSD-3-Clause */
/* What others are told of the sources: subscribers that measure this one, and metrics. */
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/suppliers.h"

#define VIA_IDS_MAX 64   /* of all sources together */
#define CURRENT_MAX 2000 /* roots whose names are told each time */

struct ids {
    struct c2_str p[VIA_IDS_MAX];
    int n;
};

/* Those of them that are not there yet. */
static void add_ids(struct ids *ids, const char *text)
{
    struct c2_str rest = c2_str_of(text), id;

    while (rest.n && ids->n < VIA_IDS_MAX) {
        bool told = false;
        c2_str_cut(rest, ' ', &id, &rest);
        for (int i = 0; i < ids->n && !told; i++)
            told = c2_str_eq(ids->p[i], id);
        if (!told) ids->p[ids->n++] = id;
    }
}

void c2_suppliers_via_jw(struct c2_jw *w, struct c2_subscriber *sub)
{
    struct ids ids = {.n = 0};

    add_ids(&ids, sub->peer_id);
    for (const struct c2_supplier *supplier = sub->suppliers; supplier; supplier = supplier->next)
        add_ids(&ids, supplier->via);
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        add_ids(&ids, root->via);
    for (int i = 0; i < ids.n; i++)
        c2_jw_str(w, ids.p[i]);
}

void c2_suppliers_current_jw(struct c2_jw *w, struct c2_request *req, struct c2_subscriber *sub)
{
    int n = 0;

    for (struct c2_root_state *root = c2_sub_seen(req, sub->roots); root; root = c2_sub_seen(req, root->next))
        n += c2_root_is_listed(root);
    if (n > CURRENT_MAX) return;
    c2_jw_open_array(w, "current");
    for (struct c2_root_state *root = c2_sub_seen(req, sub->roots); root; root = c2_sub_seen(req, root->next))
        if (c2_root_is_listed(root) && !c2_root_is_stale(root)) c2_jw_cstr(w, root->root.name);
    c2_jw_end_array(w);
}

/* Sources tell of roots: those of roots that are not shown are not shown. */
static bool is_shown(const struct c2_supplier *supplier, const struct c2_metrics *m)
{
    const struct c2_subscriber *sub = supplier->sub;

    for (int i = 0; i < sub->config.nupstreams; i++)
        if (sub->upstreams[i] == supplier) return true; /* they are settings, whatever roots they have */
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        for (int i = 0; i < root->nsuppliers; i++)
            if (root->suppliers[i] == supplier && c2_metrics_shows(m, root->root.name)) return true;
    return false;
}

static void put_source(struct c2_metrics *m, enum c2_metrics_type type, const char *name, const char *help,
                       double value, const char *url)
{
    c2_metrics_family(m, type, name, help);
    if (url && value >= 0) c2_metrics_sample(m, value, C2_LABELS("source", url));
}

/* supplier NULL: the families alone. */
static void put_supplier(struct c2_metrics *m, const struct c2_supplier *supplier)
{
    struct c2_supplier none = {.sub = NULL};
    char text[400];
    const char *url = supplier ? text : NULL;

    if (supplier) c2_supplier_url(&supplier->place, text);
    if (!supplier) supplier = &none;
    put_source(m, C2_METRICS_GAUGE, "caterva2_source_up",
               "For each of several sources of a root: 1 while it answers and no circle leads there.",
               !supplier->nfailed && !supplier->circle, url);
    put_source(m, C2_METRICS_GAUGE, "caterva2_source_round_trip_seconds",
               "How far it is, as measured and smoothed.", supplier->round_trip_ms / 1000, url);
    put_source(m, C2_METRICS_COUNTER, "caterva2_source_shared_bytes_total",
               "Bytes of reads that were spread over several sources.", (double)supplier->nbytes, url);
    put_source(m, C2_METRICS_COUNTER, "caterva2_source_failures_total",
               "Requests and measurements that it did not answer.", (double)supplier->nfailures, url);
}

void c2_suppliers_metrics(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    char url[400];
    int n = 0;

    put_supplier(m, NULL);
    for (const struct c2_supplier *supplier = sub->suppliers; supplier; supplier = supplier->next)
        if (is_shown(supplier, m)) put_supplier(m, supplier);
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_root_source",
                      "1: data of the root that is not cached is asked there now.");
    for (const struct c2_root_state *root = sub->roots; root && n < C2_HUB_ROOTS_MAX; root = root->next) {
        if (root->nsuppliers == 0 || !c2_metrics_shows(m, root->root.name)) continue;
        c2_supplier_url(&root->suppliers[c2_supplier_used(root)]->place, url);
        c2_metrics_sample(m, 1, C2_LABELS("root", root->root.name, "source", url));
        n++;
    }
}
