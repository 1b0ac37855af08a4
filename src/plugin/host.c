/* SPDX-License-Identifier: BSD-3-Clause */
/* Plugins seen from the subscriber. Each has at most one process that waits for work; a session takes it, or
 * starts another. */
#include "plugin/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_share.h"
#include "helper/pool.h"
#include "wire/json.h"

#define PATIENCE_MS 5000  /* for one answer of a plugin, its waiting for items left out */
#define DEATHS_MAX  3     /* in DEATHS_MS; then it is left alone for as long */
#define DEATHS_MS   30000 /* see DEATHS_MAX */

struct entry {
    struct c2_plugin plugin;
    struct c2_helpers *processes; /* NULL: built in */
};
struct c2_plugins {
    size_t n;
    struct entry entries[C2_PLUGINS_MAX];
};
struct c2_plug_session {
    const struct entry *entry;
    struct c2_helper *process; /* NULL: none any more */
    struct c2_str dataset;     /* what it is asked to show, borrowed until it is heard */
    bool heard, answered;
    int64_t left_ms; /* of its patience */
};

static const struct c2_plugin builtins[] = {
    {"tomography", "Tomography", "tomography", "", 3, 3, true},
    {"markdown", "Markdown", "markdown,text/markdown", ".md,.markdown", 1, 1, true},
    {"image", "Image", "image,image/png,image/jpeg,image/gif,image/webp", ".png,.jpg,.jpeg,.gif,.webp", 1, 3,
     true},
};

/* ---- messages ---- */

static bool receive(struct c2_talk *talk, struct c2_plug_saying *out)
{
    struct cat2_error ignored;
    struct c2_plug_head head;

    if (!c2_talk_receive(talk, &head, sizeof(head))) return false;
    size_t most = C2_PLUG_TEXT_MAX;
    bool sane = head.magic == C2_PLUG_MAGIC;
    if (head.kind == C2_PLUG_PICTURE) {
        most = (size_t)C2_PLUG_SIDE_MAX * C2_PLUG_SIDE_MAX * 4;
        sane = sane && head.a > 0 && head.b > 0 && head.a <= C2_PLUG_SIDE_MAX && head.b <= C2_PLUG_SIDE_MAX &&
               head.n == (uint64_t)head.a * (uint64_t)head.b * 4;
    }
    c2_buf_fini(&out->body);
    c2_buf_init(&out->body, most);
    if (!sane || head.n > most || !c2_buf_resize(&out->body, head.n, &ignored)) {
        talk->ended = true;
        return false;
    }
    out->kind = (enum c2_plug_kind)head.kind;
    out->a = head.a;
    out->b = head.b;
    return c2_talk_receive(talk, out->body.p, out->body.n);
}

static bool transmit(struct c2_talk *talk, enum c2_plug_kind kind, struct c2_bytes bytes)
{
    struct c2_plug_head head = {C2_PLUG_MAGIC, kind, 0, 0, bytes.n};

    return c2_talk_send(talk, &head, sizeof(head)) && c2_talk_send(talk, bytes.p, bytes.n);
}

/* ---- processes ---- */

/* A new process says who it is. */
static bool greet(const struct entry *entry, struct c2_helper *process, struct c2_plug_saying *hello,
                  struct cat2_error *err)
{
    struct c2_talk talk = c2_helper_talk(process, PATIENCE_MS);
    bool heard = receive(&talk, hello);
    char how[64];

    if (heard && hello->kind == C2_PLUG_HELLO) return true;
    c2_helpers_end(entry->processes, process, talk.late, how);
    if (heard && hello->kind == C2_PLUG_FAILED)
        return c2_fail(err, CAT2_EUPSTREAM, "%.200s", c2_buf_cstr(&hello->body));
    return c2_fail(err, CAT2_EUPSTREAM, "the plugin's process %s", how);
}

static bool text_field(struct c2_jval hello, const char *key, char *out, size_t room)
{
    struct c2_str text;

    if (!c2_jstr(c2_jget(hello, key), &text) || text.n >= room) return false;
    snprintf(out, room, "%.*s", C2_STR_ARG(text));
    return true;
}

static bool read_hello(struct c2_buf *body, struct c2_plugin *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    int64_t low = 0, high = 0;

    if (!c2_json_parse(c2_buf_str(body), &json, err)) return false;
    struct c2_jval hello = c2_json_root(json);
    c2_jint(c2_jget(hello, "ndim_min"), &low);
    c2_jint(c2_jget(hello, "ndim_max"), &high);
    out->ndim_min = (int)low;
    out->ndim_max = (int)high;
    return (text_field(hello, "name", out->name, sizeof(out->name)) &&
            text_field(hello, "title", out->title, sizeof(out->title)) &&
            text_field(hello, "contenttypes", out->contenttypes, sizeof(out->contenttypes)) &&
            text_field(hello, "suffixes", out->suffixes, sizeof(out->suffixes))) ||
           c2_fail(err, CAT2_EUPSTREAM, "its texts are too long");
}

/* The first process says what the plugin is, and waits for work from then on. */
static bool ask_who(struct entry *entry, struct cat2_error *err)
{
    struct c2_plug_saying hello = {0};
    struct c2_helper *process;
    bool ok =
        c2_helpers_take(entry->processes, NULL, false, &process, err) && greet(entry, process, &hello, err);

    if (ok) {
        ok = read_hello(&hello.body, &entry->plugin, err);
        c2_helpers_give(entry->processes, process);
    }
    c2_buf_fini(&hello.body);
    return ok;
}

static bool load(struct c2_plugins *all, const char *dir, const char *file, struct cat2_error *err)
{
    char filename[PATH_MAX];
    const struct c2_helpers_options options = {.name = "cat2plug",
                                               .variable = "CATERVA2_PLUGIN_WORKER",
                                               .argument = filename,
                                               .kept = 1,
                                               .deaths_max = DEATHS_MAX,
                                               .deaths_ms = DEATHS_MS};
    struct entry entry = {0};

    if (all->n == C2_PLUGINS_MAX) return c2_fail(err, CAT2_ELIMIT, "more than %d plugins", C2_PLUGINS_MAX);
    snprintf(filename, sizeof(filename), "%s/%s", dir, file);
    bool ok = c2_helpers_new(&options, &entry.processes, err) && ask_who(&entry, err);
    if (ok && c2_plugins_named(all, c2_str_of(entry.plugin.name)))
        ok = c2_fail(err, CAT2_EINVAL, "there is another plugin '%s'", entry.plugin.name);
    if (ok)
        all->entries[all->n++] = entry;
    else
        c2_helpers_free(entry.processes);
    return ok;
}

bool c2_plugins_load(const char *dir, struct c2_plugins **out, struct cat2_error *err)
{
    struct c2_plugins *all = calloc(1, sizeof(*all));
    struct dirent **names = NULL;

    if (!all) return c2_fail_nomem(err, "plugins");
    for (size_t i = 0; i < C2_ARRAY_LEN(builtins); i++)
        all->entries[all->n++].plugin = builtins[i];
    int n = dir ? scandir(dir, &names, NULL, alphasort) : 0;
    if (n < 0) c2_log_warn("plugins of %s are left out: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        struct cat2_error why;
        bool object = c2_str_ends(c2_str_of(names[i]->d_name), ".so");
        if (object && load(all, dir, names[i]->d_name, &why))
            c2_log_info("plugin name=%s file=%s", all->entries[all->n - 1].plugin.name, names[i]->d_name);
        else if (object)
            c2_log_warn("plugin %s is left out: %s", names[i]->d_name, why.message);
        free(names[i]);
    }
    free(names);
    *out = all;
    return true;
}

void c2_plugins_free(struct c2_plugins *all)
{
    if (!all) return;
    for (size_t i = 0; i < all->n; i++)
        c2_helpers_free(all->entries[i].processes);
    free(all);
}

/* ---- which ones ---- */

const struct c2_plugin *c2_plugins_at(const struct c2_plugins *all, size_t i)
{
    return i < all->n ? &all->entries[i].plugin : NULL;
}

const struct c2_plugin *c2_plugins_named(const struct c2_plugins *all, struct c2_str name)
{
    for (size_t i = 0; i < all->n; i++)
        if (c2_str_is(name, all->entries[i].plugin.name)) return &all->entries[i].plugin;
    return NULL;
}

static bool listed(const char *list, struct c2_str text, bool end)
{
    struct c2_str rest = c2_str_of(list), one;
    char word[512];

    for (bool more = rest.n > 0; more;) {
        more = c2_str_cut(rest, ',', &one, &rest);
        one = c2_str_trim(one);
        snprintf(word, sizeof(word), "%.*s", C2_STR_ARG(one));
        if (one.n && (end ? c2_str_ends(text, word) : c2_str_is(text, word))) return true;
    }
    return false;
}

enum c2_plugin_fit c2_plugin_fits(const struct c2_plugin *plugin, struct c2_str contenttype,
                                  struct c2_str path, int ndim)
{
    if (ndim < plugin->ndim_min || ndim > plugin->ndim_max) return C2_FITS_NOT;
    if (listed(plugin->contenttypes, contenttype, false)) return C2_FITS_TYPE;
    return listed(plugin->suffixes, path, true) ? C2_FITS_NAME : C2_FITS_NOT;
}

/* ---- sessions ---- */

static bool greet_new(struct c2_plug_session *s, struct cat2_error *err)
{
    struct c2_plug_saying hello = {0};
    bool ok = !c2_helper_is_new(s->process) || greet(s->entry, s->process, &hello, err);

    if (!ok) s->process = NULL;
    c2_buf_fini(&hello.body);
    return ok;
}

/* It did not do what it was to do. true: there is another, to be asked anew. */
static bool lose(struct c2_plug_session *s, const struct c2_talk *talk, struct cat2_error *err)
{
    char how[64];
    bool again = c2_helpers_again(s->entry->processes, s->process, talk, s->heard, how);

    c2_log_some(C2_WARN, "plugin name=%s %s", s->entry->plugin.name, how);
    if (again) return greet_new(s, err);
    s->process = NULL;
    return c2_fail(err, CAT2_EUPSTREAM, "plugin %s %s", s->entry->plugin.name, how);
}

/* A part of the conversation, on the account of its patience. */
static struct c2_talk begin(struct c2_plug_session *s)
{
    return c2_helper_talk(s->process, s->left_ms);
}

static void end(struct c2_plug_session *s, const struct c2_talk *talk)
{
    s->left_ms = c2_max_i64(1, talk->until_ms - c2_now_ms());
}

bool c2_plug_give(struct c2_plug_session *s, enum c2_plug_kind kind, struct c2_bytes bytes,
                  struct cat2_error *err)
{
    struct c2_talk talk = begin(s);

    while (!transmit(&talk, kind, bytes)) {
        if (!lose(s, &talk, err)) return false;
        talk = begin(s);
    }
    end(s, &talk);
    return true;
}

static bool show(struct c2_plug_session *s, struct cat2_error *err)
{
    return c2_plug_give(s, C2_PLUG_SHOW, c2_bytes_of(s->dataset), err);
}

bool c2_plug_open(struct c2_plugins *all, const struct c2_plugin *plugin, struct c2_str dataset,
                  struct c2_plug_session **out, struct cat2_error *err)
{
    struct c2_plug_session *s = calloc(1, sizeof(*s));

    if (!s) return c2_fail_nomem(err, "plugin");
    for (size_t i = 0; i < all->n; i++)
        if (&all->entries[i].plugin == plugin) s->entry = &all->entries[i];
    *out = s;
    if (!s->entry) return c2_fail(err, CAT2_ENOTFOUND, "the plugin is not here any more");
    s->dataset = dataset;
    s->left_ms = PATIENCE_MS;
    bool ok = c2_helpers_take(s->entry->processes, NULL, false, &s->process, err);
    if (!ok && err->code == CAT2_ELIMIT)
        c2_fail(err, CAT2_EUPSTREAM, "plugin %s failed %d times; it is asked again in some seconds",
                plugin->name, DEATHS_MAX);
    return ok && greet_new(s, err) && show(s, err);
}

bool c2_plug_next(struct c2_plug_session *s, struct c2_plug_saying *out, struct cat2_error *err)
{
    struct c2_talk talk = begin(s);

    while (!receive(&talk, out)) {
        if (!lose(s, &talk, err) || !show(s, err)) return false;
        talk = begin(s);
    }
    end(s, &talk);
    s->heard = true;
    if (out->kind != C2_PLUG_FETCH && out->kind != C2_PLUG_PICTURE && out->kind != C2_PLUG_TEXT &&
        out->kind != C2_PLUG_FAILED) {
        talk.late = true; /* it speaks nonsense */
        return lose(s, &talk, err);
    }
    s->answered = out->kind != C2_PLUG_FETCH;
    return true;
}

void c2_plug_close(struct c2_plug_session *s)
{
    char how[64];

    if (!s) return;
    if (s->process && s->answered)
        c2_helpers_give(s->entry->processes, s->process);
    else if (s->process)
        c2_helpers_end(s->entry->processes, s->process, true, how);
    free(s);
}
