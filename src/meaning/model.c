/* SPDX-License-Identifier: BSD-3-Clause */
/* From a dataset or group to what is plotted. */
#include "meaning/model_impl.h"

static void plot_dataset(struct c2_mean *m, const struct c2_object *o)
{
    struct c2_object group;

    if (c2_mean_find(m, c2_path_parent(o->path), &group) && c2_mean_nexus_of(m, &group, o)) return;
    if (!m->ask) c2_mean_take_signal(m, o);
}

static void plot_group(struct c2_mean *m, struct c2_object group, bool look);

static bool is_of(const struct c2_object *group, const char *class)
{
    struct c2_str text;

    return group->group && c2_attr_text(group->attrs, "NX_class", &text) && c2_str_is(text, class);
}

/* Files of before 2014 name no default: the first NXdata that has a signal, else that of the first NXentry.
 */
static void plot_first(struct c2_mean *m, const struct c2_object *group)
{
    struct c2_object sub, entry = {0};
    struct c2_str path;

    for (size_t i = 0; i < C2_MEANING_GROUPS_MAX; i++) {
        if (!m->objects->subgroup(m->objects->ctx, group->path, i, &path)) break;
        bool found = c2_mean_find(m, path, &sub);
        if (m->ask || (found && is_of(&sub, "NXdata") && c2_mean_nexus(m, &sub))) return;
        if (found && !entry.group && is_of(&sub, "NXentry")) entry = sub;
    }
    if (entry.group) plot_group(m, entry, !is_of(group, "NXentry"));
}

/* look: into its groups, where it names none. */
static void plot_group(struct c2_mean *m, struct c2_object group, bool look)
{
    struct c2_object next;
    struct c2_str name;

    for (int steps = 0; !m->ask && steps < C2_MEANING_GROUPS_MAX; steps++) {
        if (c2_mean_nexus(m, &group) || m->ask) return;
        if (!c2_attr_text(group.attrs, "default", &name) || !c2_mean_find_in(m, group.path, name, &next))
            break;
        if (!next.group) {
            plot_dataset(m, &next);
            return;
        }
        group = next;
    }
    m->group = group;
    if (look && !m->ask) plot_first(m, &group);
}

enum c2_meaning c2_meaning_put(const struct c2_objects *objects, struct c2_str path, struct c2_buf *out,
                               char ask[C2_PATH_MAX + 1], struct cat2_error *err)
{
    struct c2_mean m = {.objects = objects, .asked = ask};
    struct c2_object o;
    size_t before = out->n;

    bool found = c2_mean_find(&m, path, &o);
    if (!found && !m.ask) {
        c2_fail(err, CAT2_ENOTFOUND, "there is nothing called '%.*s'", (int)(path.n < 200 ? path.n : 200),
                path.p);
        return C2_MEANING_FAILED;
    }
    if (found && o.group)
        plot_group(&m, o, true);
    else if (found)
        plot_dataset(&m, &o);
    bool ok = m.ask || c2_mean_print(&m, &o, out, err); /* which may ask, too */
    if (!ok || m.ask) out->n = before;
    c2_ome_fini(&m.ome);
    return m.ask ? C2_MEANING_ASK : ok ? C2_MEANING_TOLD : C2_MEANING_FAILED;
}
