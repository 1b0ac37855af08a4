/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin's process: what the host asks becomes calls, what the plugin asks becomes messages. */
#include "plugin/serve.h"

#include <dlfcn.h>
#include <string.h>

#include "base/limits.h"
#include "caterva2/plugin.h"
#include "helper/child.h"
#include "plugin/plugin_proto.h"
#include "wire/json.h"

struct serving {
    struct c2_talk talk;
    const struct cat2_plugin *plugin;
    bool answered, broken; /* this request; the socket */
    char why[240];
};

static bool put(struct serving *s, const void *bytes, size_t n)
{
    s->broken = s->broken || !c2_talk_send(&s->talk, bytes, n);
    return !s->broken;
}

static bool get(struct serving *s, void *to, size_t n)
{
    s->broken = s->broken || !c2_talk_receive(&s->talk, to, n);
    return !s->broken;
}

static bool say(struct serving *s, enum c2_plug_kind kind, const int64_t ab[2], const void *bytes, size_t n)
{
    struct c2_plug_head head = {C2_PLUG_MAGIC, kind, ab ? ab[0] : 0, ab ? ab[1] : 0, n};

    return put(s, &head, sizeof(head)) && put(s, bytes, n);
}

/* ---- what the plugin asks ---- */

static void host_fail(void *ctx, const char *why)
{
    struct serving *s = ctx;
    size_t n = why ? strnlen(why, sizeof(s->why) - 1) : 0;

    memcpy(s->why, why ? why : "", n);
    s->why[n] = '\0';
}

static bool host_fetch(void *ctx, const char *slice, void *to, size_t nbytes)
{
    struct serving *s = ctx;
    struct c2_plug_head head;

    if (!slice || strlen(slice) > C2_PLUG_TEXT_MAX || nbytes > C2_PLUG_FETCH_MAX || s->answered) {
        host_fail(s, "fetch: too much, or too late");
        return false;
    }
    if (!say(s, C2_PLUG_FETCH, (int64_t[]){(int64_t)nbytes, 0}, slice, strlen(slice)) ||
        !get(s, &head, sizeof(head)))
        return false;
    if (head.kind == C2_PLUG_ITEMS && head.n == nbytes) return get(s, to, nbytes);
    C2_AUTO(c2_buf) why = C2_BUF_INIT(C2_PLUG_TEXT_MAX);
    struct cat2_error err;
    s->broken = head.kind != C2_PLUG_REFUSED || !c2_buf_resize(&why, head.n, &err);
    if (get(s, why.p, why.n)) host_fail(s, c2_buf_cstr(&why));
    return false;
}

static bool host_picture(void *ctx, const uint8_t *rgba, int width, int height)
{
    struct serving *s = ctx;

    if (!rgba || width < 1 || height < 1 || width > C2_PLUG_SIDE_MAX || height > C2_PLUG_SIDE_MAX ||
        s->answered) {
        host_fail(s, "picture: sides are 1 to 2048 pixels, and there is one answer");
        return false;
    }
    s->answered = true;
    return say(s, C2_PLUG_PICTURE, (int64_t[]){width, height}, rgba, (size_t)width * (size_t)height * 4);
}

static bool host_text(void *ctx, const char *text, size_t n)
{
    struct serving *s = ctx;

    if (!text || n > C2_PLUG_TEXT_MAX || s->answered) {
        host_fail(s, "text: at most 1 MiB, and there is one answer");
        return false;
    }
    s->answered = true;
    return say(s, C2_PLUG_TEXT, NULL, text, n);
}

/* ---- what the host asks ---- */

static const char *text_of(struct c2_jval object, const char *key)
{
    struct c2_str text;

    return c2_jstr(c2_jget(object, key), &text) ? text.p : ""; /* NUL-terminated by the parser */
}

static void show(struct serving *s, struct c2_jval request)
{
    struct cat2_plugin_host host = {s, host_fetch, host_picture, host_text, host_fail};
    int64_t shape[C2_DIM_MAX] = {0}, itemsize = 0;
    struct c2_jval dims = c2_jget(request, "shape");
    int ndim = (int)c2_jlen(dims);

    for (int i = 0; i < ndim && i < C2_DIM_MAX; i++)
        c2_jint(c2_jat(dims, (size_t)i), &shape[i]);
    c2_jint(c2_jget(request, "itemsize"), &itemsize);
    struct cat2_plugin_dataset dataset = {.root = text_of(request, "root"),
                                          .path = text_of(request, "path"),
                                          .ndim = ndim,
                                          .shape = shape,
                                          .dtype = text_of(request, "dtype"),
                                          .itemsize = itemsize,
                                          .attributes = text_of(request, "attributes"),
                                          .query = text_of(request, "query")};
    s->answered = false;
    host_fail(s, "the plugin shows nothing");
    s->plugin->show(&dataset, &host);
    if (!s->answered) say(s, C2_PLUG_FAILED, NULL, s->why, strlen(s->why));
}

static bool serve_one(struct serving *s)
{
    struct c2_plug_head head;
    C2_AUTO(c2_buf) text = C2_BUF_INIT((size_t)C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;

    if (!get(s, &head, sizeof(head)) || head.magic != C2_PLUG_MAGIC || head.kind != C2_PLUG_SHOW ||
        !c2_buf_resize(&text, head.n, &err) || !get(s, text.p, text.n) ||
        !c2_json_parse(c2_buf_str(&text), &json, &err))
        return false;
    show(s, c2_json_root(json));
    return !s->broken;
}

/* ---- the plugin ---- */

static bool name_is_fine(const char *name)
{
    size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") : 0;

    return n > 0 && n <= 32 && name[n] == '\0';
}

static bool load(struct serving *s, const char *filename, struct cat2_error *err)
{
    const struct cat2_plugin *(*entry)(void);
    void *object = dlopen(filename, RTLD_NOW | RTLD_LOCAL);
    void *symbol = object ? dlsym(object, "cat2_plugin") : NULL;

    if (!symbol) return c2_fail(err, CAT2_EIO, "%.200s", dlerror());
    memcpy(&entry, &symbol, sizeof(entry)); /* C has no conversion for this */
    s->plugin = entry();
    if (!s->plugin || s->plugin->abi != CAT2_PLUGIN_ABI)
        return c2_fail(err, CAT2_EIO, "made for version %d of the plugin interface, this is %d",
                       s->plugin ? s->plugin->abi : 0, CAT2_PLUGIN_ABI);
    if (!name_is_fine(s->plugin->name) || !s->plugin->title || !s->plugin->show)
        return c2_fail(err, CAT2_EIO, "it has no proper name, no title, or no show()");
    return true;
}

static bool hello(struct serving *s, struct cat2_error *err)
{
    const struct cat2_plugin *p = s->plugin;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_PLUG_TEXT_MAX);
    struct c2_jw w;

    c2_jw_init(&w, &text, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    const struct {
        const char *key, *value;
    } texts[] = {
        {"name", p->name}, {"title", p->title}, {"contenttypes", p->contenttypes}, {"suffixes", p->suffixes}};
    for (size_t i = 0; i < C2_ARRAY_LEN(texts); i++)
        c2_jw_put_cstr(&w, texts[i].key, texts[i].value ? texts[i].value : "");
    c2_jw_put_int(&w, "ndim_min", p->ndim_min);
    c2_jw_put_int(&w, "ndim_max", p->ndim_max);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w) &&
           (say(s, C2_PLUG_HELLO, NULL, text.p, text.n) || c2_fail(err, CAT2_EIO, "nobody listens"));
}

bool c2_plug_serve(int fd, const char *filename, struct cat2_error *err)
{
    struct serving s = {.talk = c2_talk_begin(fd, C2_TALK_PATIENT)};

    if (!load(&s, filename, err)) {
        say(&s, C2_PLUG_FAILED, NULL, err->message, strlen(err->message));
        return false;
    }
    if (!hello(&s, err)) return false;
    while (serve_one(&s))
        ;
    return true;
}
