/* SPDX-License-Identifier: BSD-3-Clause */
/* Display plugins: which there are, and what one shows of a dataset. The plugin asks for slices one by one;
 * each is a part of the view, so that pieces come from the publisher as for any other request. */

#include "picture/png.h"
#include "plugin/host.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view.h"
#include "subscriber/pages/pages.h"

#define FETCHES_MAX        1024 /* slices of one answer: a plugin that asks for more goes round in circles */
#define FETCHED_NBYTES_MAX ((int64_t)256 << 20) /* of all slices of one answer */

struct panel {
    const struct c2_plugin *plugin;
    struct c2_plug_session *session;
    struct c2_plug_saying saying;
    struct c2_bound bound; /* of the slice asked for */
    int64_t nbytes, total;
};

static void panel_fini(void *state)
{
    struct panel *p = state;

    c2_plug_close(p->session);
    c2_buf_fini(&p->saying.body);
}

static bool put_dataset(const struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    C2_AUTO(c2_buf) dtype = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    struct c2_str target = c2_request_target(view->req), path, query;
    struct c2_jw w;

    if (!c2_dtype_descr(&meta->dtype, &dtype, err)) return false;
    c2_str_cut(target, '?', &path, &query);
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "root", view->ds->root);
    c2_jw_put_cstr(&w, "path", view->ds->path);
    c2_jw_put_str(&w, "dtype", c2_buf_str(&dtype));
    c2_jw_put_int(&w, "itemsize", meta->dtype.itemsize);
    c2_jw_put_str(&w, "attributes", meta->vlmeta.n ? c2_buf_str(&meta->vlmeta) : C2_STR("{}"));
    c2_jw_put_str(&w, "query", query);
    c2_jw_put_ints(&w, "shape", meta->grid.shape, meta->grid.ndim);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

/* The slice the plugin asks for. */
static bool bind(const struct c2_view *view, struct panel *p, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    struct c2_slice slice;

    if (!c2_slice_parse(c2_buf_str(&p->saying.body), &slice, err) ||
        !c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, &p->bound, err))
        return false;
    if (!c2_mul_i64(p->bound.nitems, meta->dtype.itemsize, &p->nbytes) || p->nbytes != p->saying.a)
        return c2_fail(err, CAT2_EINVAL, "the slice has %lld items of %lld bytes, not %lld bytes",
                       (long long)p->bound.nitems, (long long)meta->dtype.itemsize, (long long)p->saying.a);
    if (p->nbytes > C2_PLUG_FETCH_MAX || p->total + p->nbytes > FETCHED_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a plugin is given up to 64 MiB a slice and 256 MiB in all");
    p->total += p->nbytes;
    return true;
}

/* Hear the plugin until it wants items (part i) or has answered. */
static bool listen(struct c2_view *view, struct panel *p, int64_t i, struct cat2_error *err)
{
    struct cat2_error why;

    for (int n = 0; n < FETCHES_MAX; n++) {
        if (!c2_plug_next(p->session, &p->saying, err)) return false;
        bool more = p->saying.kind == C2_PLUG_FETCH;
        if (!more || (i < FETCHES_MAX && bind(view, p, &why))) {
            view->nparts = more ? i + 1 : i;
            return true;
        }
        if (!c2_plug_give(p->session, C2_PLUG_REFUSED, c2_bytes_of(c2_str_of(why.message)), err))
            return false;
    }
    return c2_fail(err, CAT2_EUPSTREAM, "plugin %s asks too much", p->plugin->name);
}

/* Asking blocks a worker: one at a time. */
static bool panel_is_heavy(struct c2_view *view)
{
    (void)view;
    return true;
}

static bool panel_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct panel *p = view->state;
    C2_AUTO(c2_buf) dataset = C2_BUF_INIT((size_t)C2_JSON_NBYTES_MAX);

    (void)reading;
    return put_dataset(view, &dataset, err) &&
           c2_plug_open(view->ds->sub->plugins, p->plugin, c2_buf_str(&dataset), &p->session, err) &&
           listen(view, p, 0, err);
}

static bool panel_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct panel *p = view->state;

    (void)i;
    *out = p->bound;
    return p->nbytes > 0;
}

static bool panel_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct panel *p = view->state;
    C2_AUTO(c2_buf) items = C2_BUF_INIT((size_t)p->nbytes);

    (void)out;
    return c2_read_items(reading, &p->bound, &items, err) &&
           c2_plug_give(p->session, C2_PLUG_ITEMS, c2_buf_bytes(&items), err) && listen(view, p, i + 1, err);
}

static bool panel_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    struct panel *p = view->state;
    struct c2_picture picture = {(int)p->saying.a, (int)p->saying.b, p->saying.body.p};

    if (p->saying.kind == C2_PLUG_FAILED) {
        c2_fail(err, CAT2_EUNSUPPORTED, "%s: %.200s", p->plugin->title, c2_buf_cstr(&p->saying.body));
        err->http_status = 422;
        return false;
    }
    if (p->saying.kind == C2_PLUG_PICTURE) {
        view->content_type = "image/png";
        return c2_picture_png(&picture, out, err);
    }
    view->content_type = "text/plain; charset=utf-8";
    return c2_buf_append(out, p->saying.body.p, p->saying.body.n, err);
}

static bool panel_parse(struct c2_view *view, struct cat2_error *err)
{
    struct panel *p = view->state;
    struct c2_str name = c2_request_param(view->req, "name");

    p->plugin = c2_plugins_named(view->ds->sub->plugins, name);
    return (p->plugin && !p->plugin->builtin) ||
           c2_fail(err, CAT2_ENOTFOUND, "there is no plugin '%.*s' to ask",
                   (int)c2_min_i64(100, (int64_t)name.n), name.p);
}

static const struct c2_view_type panel_view = {.state_nbytes = sizeof(struct panel),
                                               .parse = panel_parse,
                                               .is_heavy = panel_is_heavy,
                                               .size = panel_size,
                                               .bound = panel_bound,
                                               .run = panel_run,
                                               .finish = panel_finish,
                                               .fini = panel_fini,
                                               .sums = true,
                                               .in_line = true,
                                               .weight = 1 << 20}; /* it waits for a process */

/* ---- which there are ---- */

/* Those for a dataset, by content type first; how many. */
static size_t plugins_for(const struct c2_ds *ds, const struct c2_plugin *out[C2_PLUGINS_MAX])
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    const struct c2_plugin *plugin;
    struct c2_str type = {"", 0};
    struct cat2_error err;
    size_t n = 0;

    if (c2_json_parse(c2_buf_str(&ds->meta->vlmeta), &json, &err))
        c2_jstr(c2_jget(c2_json_root(json), "contenttype"), &type);
    for (int fit = C2_FITS_TYPE; fit > C2_FITS_NOT; fit--)
        for (size_t i = 0; (plugin = c2_plugins_at(ds->sub->plugins, i)); i++)
            if ((int)c2_plugin_fits(plugin, type, c2_str_of(ds->path), ds->meta->grid.ndim) == fit)
                out[n++] = plugin;
    return n;
}

/* Where it shows the dataset. */
static bool put_url(const struct c2_plugin *plugin, const struct c2_ds *ds, struct c2_buf *out)
{
    bool tomography = plugin->builtin && c2_str_is(C2_STR("tomography"), plugin->name);
    bool markdown = plugin->builtin && c2_str_is(C2_STR("markdown"), plugin->name);
    bool array = ds->meta->kind == C2_KIND_ARRAY;
    struct cat2_error err;
    struct c2_html h;

    c2_html_init(&h, out, &err);
    if (tomography)
        c2_html(&h, "/plugins/tomography/display/~/~", ds->root, ds->path);
    else if (markdown)
        c2_html(&h, "/markdown/~/~", ds->root, ds->path);
    else if (plugin->builtin)
        c2_html(&h, array ? "/api/fetch/~/~?format=png" : "/api/fetch/~/~?format=raw", ds->root, ds->path);
    else
        c2_html(&h, "/plugins/~/show/~/~", plugin->name, ds->root, ds->path);
    return h.ok;
}

static void put_plugin(struct c2_jw *w, const struct c2_plugin *plugin, const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(16384);

    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "name", plugin->name);
    c2_jw_put_cstr(w, "title", plugin->title);
    c2_jw_put_bool(w, "builtin", plugin->builtin);
    c2_jw_put_cstr(w, "contenttypes", plugin->contenttypes);
    c2_jw_put_cstr(w, "suffixes", plugin->suffixes);
    if (ds && put_url(plugin, ds, &url)) c2_jw_put_str(w, "url", c2_buf_str(&url));
    c2_jw_end_object(w);
}

static void reply_list(struct c2_request *req, const struct c2_plugin *const *plugins, size_t n,
                       const struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < n; i++)
        put_plugin(&w, plugins[i], ds);
    c2_jw_end_array(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static void list_for(struct c2_request *req, struct c2_ds *ds)
{
    const struct c2_plugin *plugins[C2_PLUGINS_MAX];

    reply_list(req, plugins, plugins_for(ds, plugins), ds);
}

static void handle_list(struct c2_request *req, void *state)
{
    const struct c2_subscriber *sub = state;
    const struct c2_plugin *plugins[C2_PLUGINS_MAX];
    size_t n = 0;

    while (n < C2_PLUGINS_MAX && (plugins[n] = c2_plugins_at(sub->plugins, n)))
        n++;
    reply_list(req, plugins, n, NULL);
}

static void handle_list_for(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, list_for);
}

void c2_page_plugins(struct c2_page *page, const struct c2_ds *ds)
{
    const struct c2_plugin *plugins[C2_PLUGINS_MAX];
    size_t n = plugins_for(ds, plugins);

    for (size_t i = 0; i < n; i++) {
        const struct c2_plugin *p = plugins[i];
        if (p->builtin) continue;
        c2_html(&page->h,
                "<section class=\"plugin\"><h2>$</h2>\n<iframe title=\"$\" sandbox=\"\" loading=\"lazy\" "
                "src=\"/plugins/~/show/~/~\"></iframe></section>\n",
                p->title, p->title, p->name, ds->root, ds->path);
    }
}

static const struct c2_route routes[] = {
    {C2_GET, "/api/plugins", handle_list, "", NULL},
    {C2_GET, "/api/plugins/{path*}", handle_list_for, "", NULL},
    {C2_GET, "/plugins/{name}/show/{path*}", c2_handle_view, NULL, &panel_view},
};

void c2_plugins_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
