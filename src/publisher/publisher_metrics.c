/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher tells whoever runs it. */
#include "publisher/publisher_impl.h"
#include "publisher/source/copy_sums.h"
#include "publisher/source/h5_worker.h"

struct told {
    struct c2_metrics *m;
    const char *root;
};

static void put(const struct told *to, enum c2_metrics_type type, const char *name, double value,
                const char *help)
{
    c2_metrics_family(to->m, type, name, help);
    c2_metrics_sample(to->m, value, C2_LABELS("root", to->root));
}

static void gauge(const struct told *to, const char *name, double value, const char *help)
{
    put(to, C2_METRICS_GAUGE, name, value, help);
}

static void counter(const struct told *to, const char *name, double value, const char *help)
{
    put(to, C2_METRICS_COUNTER, name, value, help);
}

static void put_datasets(const struct c2_publisher *pub, const struct told *to)
{
    size_t known = 0, waiting = 0, broken = 0, n = pub->catalog ? c2_catalog_count(pub->catalog) : 0;

    for (size_t i = 0; i < n; i++) {
        const struct c2_entry *entry = c2_catalog_at(pub->catalog, i);
        known += !entry->gone;
        broken += !entry->gone && entry->failed;
        waiting += entry->gone ? !c2_entry_is_over(entry) : strcmp(entry->announced, entry->gen.etag) != 0;
    }
    gauge(to, "caterva2_pub_datasets", (double)known, "Datasets of the root.");
    gauge(to, "caterva2_pub_datasets_broken", (double)broken, "Those of them that cannot be served.");
    gauge(to, "caterva2_pub_unannounced", (double)waiting,
          "Datasets whose last change the broker does not know yet.");
}

static void put_work(const struct c2_publisher *pub, const struct told *to)
{
    const struct c2_catalog *catalog = pub->catalog;
    size_t to_hash = c2_gens_count_to_hash(pub->gens, false) + c2_gens_count_to_hash(pub->gens, true);

    counter(to, "caterva2_pub_announced_total", (double)pub->nannounced,
            "Changes that the broker has taken.");
    gauge(to, "caterva2_pub_listed", catalog && c2_catalog_is_complete(catalog),
          "1 once everything in the root has been found.");
    gauge(to, "caterva2_pub_found", catalog ? (double)c2_catalog_nfound(catalog) : 0,
          "Files and datasets that have been found so far.");
    gauge(to, "caterva2_pub_datasets_open", (double)c2_items_open(), "Datasets that are open, of all roots.");
    counter(to, "caterva2_pub_polls_total", (double)pub->npolls, "How often everything was looked at.");
    gauge(to, "caterva2_pub_events_incomplete", pub->deaf != NULL,
          "1 when the system's events do not tell of every change beneath the root.");
    gauge(to, "caterva2_pub_to_hash", (double)to_hash, "Files whose contents are still to be hashed.");
    counter(to, "caterva2_pub_hashed_bytes_total", catalog ? (double)c2_catalog_hashed_nbytes(catalog) : 0,
            "Bytes of contents that were hashed.");
    counter(to, "caterva2_pub_copies_mended_total", (double)c2_copy_sums_mended(),
            "Compressed copies of files that were damaged and made again, of all roots.");
    counter(to, "caterva2_pub_hdf5_requests_total", (double)c2_h5_requests(),
            "Requests to processes that read HDF5 files, of all roots.");
}

void c2_publisher_metrics(struct c2_publisher *pub, struct c2_metrics *m)
{
    const struct told to = {m, pub->name};
    const struct c2_bus *bus = pub->parts.bus;

    put_datasets(pub, &to);
    put_work(pub, &to);
    c2_metrics_disk(m, pub->dirfd, C2_LABELS("root", pub->name, "of", "copies"));
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_broker_connected", "1 while the broker is connected.");
    c2_metrics_sample(m, bus->ops->connected(bus), C2_LABELS("service", "publisher", "root", pub->name));
}

void c2_publisher_ready(const struct c2_publisher *pub, struct c2_conditions *why)
{
    if (!pub->registered) c2_conditions_add(why, "broker", "the broker has not taken root %s yet", pub->name);
    if (!pub->catalog || !c2_catalog_is_complete(pub->catalog))
        c2_conditions_add(why, "listing", "root %s is being listed: %zu found so far", pub->name,
                          pub->catalog ? c2_catalog_nfound(pub->catalog) : 0);
}
