/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber tells whoever runs it. */
#include "subscriber/subscriber.h"

#include "subscriber/answer/view.h"
#include "subscriber/events/events.h"
#include "subscriber/fetch/pass_on.h"
#include "subscriber/fetch/quota.h"
#include "subscriber/fetch/scrub.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upcall.h"

static void gauge(struct c2_metrics *m, const char *name, double value, const char *help)
{
    c2_metrics_gauge(m, name, value, help);
}
static void counter(struct c2_metrics *m, const char *name, double value, const char *help)
{
    c2_metrics_counter(m, name, value, help);
}

static void put_scrub(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    struct c2_scrub_counts counts = c2_scrub_counts(sub);

    counter(m, "caterva2_scrub_bytes_total", (double)counts.nbytes,
            "Bytes of the cache that the scrub checked.");
    counter(m, "caterva2_scrub_mismatches_total", (double)counts.nbad,
            "Damaged pieces that the scrub found.");
    counter(m, "caterva2_scrub_repairs_total", (double)counts.nrepaired,
            "Pieces that were fetched again for it.");
    counter(m, "caterva2_scrub_passes_total", (double)counts.npasses,
            "Times that all of the cache was checked.");
}

static void put_files(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    struct c2_cachefile_stats files = c2_cachefile_stats();

    counter(m, "caterva2_cache_mismatches_total", (double)files.ndropped,
            "Pieces of the cache that were damaged when they were read.");
    gauge(m, "caterva2_cache_files_open", (double)files.nopen, "Cache files that are open.");
    gauge(m, "caterva2_cache_files_open_max", c2_sub_files_max(sub),
          "Cache files that may be open at a time.");
    counter(m, "caterva2_cache_files_closed_total", (double)sub->open.nclosed,
            "Cache files that were closed to make room for others.");
    counter(m, "caterva2_cache_files_waited_total", (double)sub->open.nwaited,
            "Requests that had to wait for a cache file to be closed.");
    counter(m, "caterva2_cache_files_refused_total", (double)sub->open.nrefused,
            "Requests that waited for a cache file in vain.");
    gauge(m, "caterva2_cache_mapped_bytes", (double)files.mapped_nbytes, "Bytes of cache indexes in memory.");
}

static void put_cache(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    gauge(m, "caterva2_cache_bytes", (double)c2_sub_cache_nbytes(sub),
          "Bytes of the cache on disk, as they were counted last.");
    gauge(m, "caterva2_cache_quota_bytes", (double)sub->config.quota,
          "Bytes that the cache may take on disk; 0: no limit.");
    counter(m, "caterva2_cache_evictions_total", (double)sub->cache.nevictions,
            "How often something was evicted for the quota.");
    counter(m, "caterva2_cache_evicted_bytes_total", (double)sub->cache.evicted, "Bytes that were evicted.");
    counter(m, "caterva2_cache_wanted_bytes_total", (double)sub->cache.wanted,
            "Decoded bytes of the pieces that requests needed.");
    counter(m, "caterva2_cache_missed_bytes_total", (double)sub->cache.missed,
            "Those of them that were not in the cache and had to be fetched.");
    c2_metrics_disk(m, sub->cachefd, C2_LABELS("of", "cache"));
    put_files(sub, m);
    c2_pass_on_metrics(sub, m);
}

static void put_roots(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    size_t roots = 0, datasets = 0, listing = 0, away = 0, n = 0;

    for (const struct c2_root_state *root = sub->roots; root; root = root->next, roots++) {
        datasets += c2_root_ndatasets(root);
        listing += root->life == C2_ROOT_FIRST;
        away += c2_root_is_unreached(root);
    }
    gauge(m, "caterva2_roots", (double)roots, "Roots that the broker has told of.");
    gauge(m, "caterva2_datasets", (double)datasets, "Datasets of the roots that are followed.");
    gauge(m, "caterva2_roots_listing", (double)listing, "Roots that are being listed for the first time.");
    gauge(m, "caterva2_roots_away", (double)away,
          "Roots that are followed and whose publisher is not reached.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_root_reachable",
                      "For each root that is followed: 1 while its publisher is reached.");
    for (const struct c2_root_state *root = sub->roots; root && n < C2_HUB_ROOTS_MAX; root = root->next)
        if (c2_root_is_followed(root) && c2_metrics_shows(m, root->root.name)) {
            c2_metrics_sample(m, !c2_root_is_unreached(root), C2_LABELS("root", root->root.name));
            n++;
        }
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_root_current",
                      "For each root that is followed: 1 while its list is the publisher's.");
    n = 0;
    for (const struct c2_root_state *root = sub->roots; root && n < C2_HUB_ROOTS_MAX; root = root->next)
        if (c2_root_is_followed(root) && c2_metrics_shows(m, root->root.name)) {
            c2_metrics_sample(m, root->life == C2_ROOT_CURRENT, C2_LABELS("root", root->root.name));
            n++;
        }
}

/* There is no broker to be connected to. */
static bool is_below_python(const struct c2_subscriber *sub)
{
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        if (root->root.python) return true;
    return false;
}

static void put_upstream(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    const struct c2_bus *bus = sub->config.bus;

    counter(m, "caterva2_direct_bytes_total", (double)sub->direct_nbytes,
            "Bytes of data that stores of objects sent in place of their publisher.");
    counter(m, "caterva2_pieces_fetched_total", (double)sub->pieces_fetched,
            "Chunks and blocks that publishers sent.");
    counter(m, "caterva2_fetched_bytes_total", (double)sub->bytes_fetched,
            "Bytes of data that publishers sent.");
    counter(m, "caterva2_upstream_requests_total", (double)sub->flights,
            "Requests for pieces to publishers.");
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_upstream_errors_total",
                      "Requests for data to publishers that gave none, by what came instead.");
    for (int i = 0; i < C2_UPCALL_KINDS; i++)
        c2_metrics_sample(m, (double)sub->upcall_errors[i],
                          C2_LABELS("kind", c2_upcall_kind_name((enum c2_upcall_kind)i)));
    if (is_below_python(sub)) return;
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_broker_connected", "1 while the broker is connected.");
    c2_metrics_sample(m, bus->ops->connected(bus), C2_LABELS("service", "subscriber"));
}

void c2_subscriber_metrics(struct c2_subscriber *sub, struct c2_metrics *m)
{
    put_roots(sub, m);
    put_upstream(sub, m);
    c2_suppliers_metrics(sub, m);
    put_cache(sub, m);
    put_scrub(sub, m);
    c2_events_metrics(sub->events, m);
    c2_views_metrics(sub->views, m);
}

void c2_subscriber_ready(const struct c2_subscriber *sub, struct c2_conditions *why)
{
    const struct c2_bus *bus = sub->config.bus;

    if (!sub->roots && !sub->roots_told && !bus->ops->connected(bus))
        c2_conditions_add(why, "broker", "the broker has not been reached yet");
    else if (!sub->roots_told && !sub->roots)
        c2_conditions_add(why, "broker", "the broker has not told its roots yet");
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        if (c2_root_is_followed(root) && !c2_root_is_listed(root))
            c2_conditions_add(why, "root", "%.100s: %s", root->root.name,
                              c2_root_is_unreached(root)
                                  ? "its publisher is not reached, and what it holds is not known"
                                  : "it is being listed for the first time");
}
