/* SPDX-License-Identifier: BSD-3-Clause */
/* Pyramids of OME. */
#include "meaning/ome.h"

#define TEXT_NBYTES_MAX (1 << 20) /* of JSON in an attribute */

/* What it is, or what its text says. */
static struct c2_jval tree_of(struct c2_jval v, struct c2_json **text)
{
    struct c2_str json;
    struct cat2_error err;

    v = c2_jval_kind(v) == C2_JARRAY && c2_jlen(v) == 1 && c2_jval_kind(c2_jat(v, 0)) == C2_JSTR
            ? c2_jat(v, 0)
            : v;
    if (!c2_jstr(v, &json)) return v;
    if (json.n > TEXT_NBYTES_MAX || !c2_json_parse(json, text, &err)) return (struct c2_jval){0};
    return c2_json_root(*text);
}

void c2_ome_of(struct c2_jval attrs, struct c2_ome *out)
{
    *out = (struct c2_ome){0};
    struct c2_jval ome = tree_of(c2_jget(attrs, "ome"), &out->texts[0]);
    bool inside = c2_jval_kind(c2_jget(ome, "multiscales")) == C2_JARRAY;
    struct c2_jval all =
        inside ? c2_jget(ome, "multiscales") : tree_of(c2_jget(attrs, "multiscales"), &out->texts[1]);

    if (c2_jval_kind(all) != C2_JARRAY || c2_jval_kind(c2_jget(c2_jat(all, 0), "datasets")) != C2_JARRAY)
        return;
    out->multiscales = all;
    struct c2_jval omero = c2_jget(inside ? ome : attrs, "omero");
    if (c2_jval_kind(omero) == C2_JOBJECT) out->omero = omero;
}

void c2_ome_fini(struct c2_ome *ome)
{
    for (int i = 0; i < 2; i++)
        if (ome->texts[i]) c2_json_free(ome->texts[i]);
}

bool c2_is_ome(struct c2_str name)
{
    return c2_str_is(name, "ome") || c2_str_is(name, "multiscales") || c2_str_is(name, "omero");
}

static void put_pyramid(struct c2_jval pyramid, const char *version, struct c2_jw *w)
{
    static const char *const VERSION[] = {"version", NULL};

    c2_jw_begin_object(w);
    if (version) c2_jw_put_cstr(w, "version", version);
    c2_jw_members(w, pyramid, VERSION);
    c2_jw_end_object(w);
}

void c2_ome_put(const struct c2_ome *ome, const char *version, struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(ome->multiscales);
    struct c2_str key;
    struct c2_jval v;

    c2_jw_open_array(w, "multiscales");
    while (w->ok && c2_jnext(&it, &key, &v))
        put_pyramid(v, version, w);
    c2_jw_end_array(w);
    if (!ome->omero.v) return;
    c2_jw_key(w, "omero");
    c2_jw_value(w, ome->omero);
}
