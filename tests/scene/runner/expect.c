/* SPDX-License-Identifier: BSD-3-Clause */
/* What a scene expects: one clause at a time. */
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "scene.h"
#include "subscriber/mirror/roots.h"

struct verdict {
    char *what;
    size_t size;
    bool bad; /* the clause makes no sense */
};

static bool no(struct verdict *v, const char *fmt, ...) C2_PRINTF(2, 3);
static bool no(struct verdict *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(v->what, v->size, fmt, args);
    va_end(args);
    return false;
}

static bool nonsense(struct verdict *v, const char *text)
{
    v->bad = true;
    return no(v, "%s", text);
}

/* ---- people ---- */

static bool is_range(const struct person *person, const char *text, struct verdict *v)
{
    struct c2_str from_text, to_text;
    int64_t from, to;
    const char *dots = strstr(text, "..");

    if (!dots) return nonsense(v, "values FROM..TO");
    from_text = (struct c2_str){text, (size_t)(dots - text)};
    to_text = c2_str_of(dots + 2);
    if (!c2_str_to_i64(from_text, &from) || !c2_str_to_i64(to_text, &to) || to < from)
        return nonsense(v, "values FROM..TO");
    size_t n = (size_t)(to - from + 1), itemsize = person->body.n / n;
    if (itemsize * n != person->body.n || (itemsize != 8 && itemsize != 4))
        return no(v, "%zu bytes, not %zu items", person->body.n, n);
    for (size_t i = 0; i < n; i++) {
        int64_t value = 0;
        memcpy(&value, person->body.p + i * itemsize, itemsize);
        if (value != from + (int64_t)i)
            return no(v, "%lld where %lld belongs", (long long)value, (long long)(from + (int64_t)i));
    }
    return true;
}

static bool has_text(const struct person *person, const char *text)
{
    return memmem(person->body.p, person->body.n, text, strlen(text)) != NULL;
}

/* NAME STATUS {values A..B [or C..D] | says TEXT | omits TEXT} */
static bool answered(const struct person *person, const struct words *w, struct verdict *v)
{
    int64_t status;

    if (!c2_str_to_i64(c2_str_of(w->at[1]), &status)) return nonsense(v, "NAME waits | broken | STATUS ...");
    if (person->flight) return no(v, "no answer yet");
    if (person->broken) return no(v, "no answer: %s", person->why);
    if (person->status != status)
        return no(v, "%d %.*s", person->status, (int)c2_min_i64(200, (int64_t)person->body.n),
                  c2_buf_cstr(&person->body));
    for (int i = 2; i < w->n; i += 2) {
        if (i + 1 == w->n) return nonsense(v, "a word is missing at the end");
        if (scene_is(w, i, "values")) {
            if (!strstr(person->target, "format=raw") && !c2_str_starts(c2_str_of(person->target), "/zarr/"))
                return nonsense(v, "values are seen with format=raw and in chunks of Zarr only");
            bool ok = is_range(person, w->at[i + 1], v);
            while (!v->bad && i + 3 < w->n && scene_is(w, i + 2, "or")) {
                i += 2;
                ok = ok || is_range(person, w->at[i + 1], v);
            }
            if (!ok) return false;
        } else if (scene_is(w, i, "says") || scene_is(w, i, "omits")) {
            if (has_text(person, w->at[i + 1]) != scene_is(w, i, "says"))
                return no(v, "%.*s", (int)c2_min_i64(200, (int64_t)person->body.n),
                          c2_buf_cstr(&person->body));
        } else {
            return nonsense(v, "STATUS {values A..B | says TEXT | omits TEXT}");
        }
    }
    return true;
}

static bool of_person(const struct person *person, const struct words *w, struct verdict *v)
{
    if (!person->asked) return nonsense(v, "nothing was asked");
    if (w->n == 2 && scene_is(w, 1, "waits")) return person->flight || no(v, "answer %d", person->status);
    if (w->n == 2 && scene_is(w, 1, "broken"))
        return person->broken ||
               (person->flight ? no(v, "no answer yet") : no(v, "answer %d", person->status));
    return answered(person, w, v);
}

/* ---- caches ---- */

struct c2_ds *scene_dataset(struct program *sub, const char *name)
{
    struct c2_str root, path;

    if (!c2_str_cut(c2_str_of(name), '/', &root, &path)) return NULL;
    struct c2_root_state *state = c2_sub_root(sub->subscriber, root);
    return state ? c2_sub_find(state, path) : NULL;
}

/* A dataset of which anything is cached, when none is named. */
static struct c2_ds *any_dataset(struct program *sub)
{
    for (struct c2_root_state *root = sub->subscriber->roots; root; root = root->next)
        if (root->n) return root->datasets[0];
    return NULL;
}

static int64_t cache_nbytes(struct program *sub)
{
    int64_t n = 0;

    for (struct c2_root_state *root = sub->subscriber->roots; root; root = root->next)
        for (size_t i = 0; i < root->n; i++)
            if (root->datasets[i]->cf) n += c2_cachefile_disk_nbytes(root->datasets[i]->cf);
    return n;
}

static int ncached;

static int count_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    ncached += type == FTW_F;
    return 0;
}

/* cache is empty of ROOT [in SUB] */
static bool is_empty(const struct program *sub, const char *root, struct verdict *v)
{
    char folder[500];

    snprintf(folder, sizeof(folder), "%s/cache/%s", sub->statedir, root);
    ncached = 0;
    nftw(folder, count_file, 8, FTW_PHYS);
    return ncached == 0 || no(v, "%d files", ncached);
}

/* cache has|lacks chunk N [of ROOT/PATH] [in SUB]; cache under|over BYTES [in SUB] */
static bool of_cache(struct scene *s, const struct words *w, struct verdict *v)
{
    struct program *sub = s->programs;
    const char *name = NULL, *of = NULL;
    int64_t n = 0;
    bool emptiness = scene_is(w, 1, "is") && scene_is(w, 2, "empty") && scene_is(w, 3, "of");
    int n_at = emptiness ? 4 : scene_is(w, 2, "chunk") ? 3 : 2, i = n_at + 1;

    if (w->n <= n_at || (!emptiness && !c2_str_to_i64(c2_str_of(w->at[n_at]), &n)))
        return nonsense(v, "cache has|lacks chunk N");
    for (; i + 1 < w->n; i += 2) {
        if (scene_is(w, i, "of")) of = w->at[i + 1];
        if (scene_is(w, i, "in")) name = w->at[i + 1];
    }
    while (sub && (name ? strcmp(sub->name, name) != 0 : sub->kind != SUBSCRIBER))
        sub = sub->next;
    if (i != w->n || !sub || sub->kind != SUBSCRIBER || !sub->running) return nonsense(v, "no such cache");
    if (emptiness) return is_empty(sub, w->at[n_at], v);
    if (n_at == 2) {
        int64_t now = cache_nbytes(sub);
        bool holds = scene_is(w, 1, "under") ? now < n : now > n;
        return holds || no(v, "%lld bytes", (long long)now);
    }
    struct c2_ds *ds = of ? scene_dataset(sub, of) : any_dataset(sub);
    bool whole = false;
    bool has = ds && ds->cf && c2_cachefile_missing(ds->cf, n, NULL, 0, NULL, &whole) == 0;
    if (!scene_is(w, 1, "has") && !scene_is(w, 1, "lacks")) return nonsense(v, "cache has|lacks chunk N");
    return has == scene_is(w, 1, "has") ||
           no(v, "the cache %s chunk %lld", has ? "has" : "lacks", (long long)n);
}

/* ---- what was asked upstream ---- */

static bool is_publisher(struct scene *s, const struct c2_host *host)
{
    struct program *p = program_find(s, host->name);

    return p && p->kind == PUBLISHER;
}

/* Questions to publishers that scenes speak of. */
static const struct {
    const char *word, *route;
} topics[] = {{"upstream", " /api/download/"}, {"listing", " /api/list"}, {"refresh", " /api/info/"}};

static const char *topic_of(const struct words *w, int i)
{
    for (size_t t = 0; t < C2_ARRAY_LEN(topics); t++)
        if (scene_is(w, i, topics[t].word)) return topics[t].route;
    return NULL;
}

static bool of_upstream(struct scene *s, const char *route, bool none, const char *text, struct verdict *v)
{
    size_t n;
    struct c2_fake_asked *asked = c2_fake_log(&n), *other = NULL;

    for (size_t i = 0; i < n; i++) {
        if (asked[i].seen || !is_publisher(s, asked[i].to) || !program_find(s, asked[i].from->name) ||
            !strstr(asked[i].what, route))
            continue;
        if (none) return no(v, "%s", asked[i].what);
        other = &asked[i];
        if (strncmp(asked[i].what, text, strlen(text)) != 0) continue;
        asked[i].seen = true;
        return true;
    }
    return none || no(v, "%s", other ? other->what : "none");
}

static bool of_calls(const struct program *p, const struct words *w, struct verdict *v)
{
    int64_t limit = 0, widest = 0;
    int n = (int)c2_min_i64(p->host->ncalls, (int64_t)C2_ARRAY_LEN(p->host->calls));

    if (w->n != 6) return nonsense(v, "PROGRAM calls N times within|beyond MS");
    if (!c2_str_to_i64(c2_str_of(w->at[2]), &limit) || n < limit) return no(v, "%d calls", n);
    for (int i = 1; i < n; i++)
        widest = c2_max_i64(widest, p->host->calls[i] - p->host->calls[i - 1]);
    if (!c2_str_to_i64(c2_str_of(w->at[5]), &limit)) return nonsense(v, "within|beyond MS");
    bool holds = scene_is(w, 4, "within") ? widest <= limit : widest > limit;
    return holds || no(v, "%lld ms between two calls", (long long)widest);
}

/* NAME gives chunks: one question for them that no clause has named; NAME gives no chunks: there is none. */
static bool gives(const struct program *p, bool none, struct verdict *v)
{
    size_t n;
    struct c2_fake_asked *asked = c2_fake_log(&n);

    for (size_t i = 0; i < n; i++) {
        if (asked[i].seen || asked[i].to != p->host || !strstr(asked[i].what, topics[0].route + 1)) continue;
        if (none) return no(v, "%s", asked[i].what);
        asked[i].seen = true;
        return true;
    }
    return none || no(v, "none");
}

/* only NAME asks PROGRAM */
static bool is_alone(struct scene *s, const char *name, const struct program *p, struct verdict *v)
{
    size_t n;
    const struct c2_fake_asked *asked = c2_fake_log(&n);

    for (size_t i = 0; i < n; i++)
        if (asked[i].to == p->host && strcmp(asked[i].from->name, name) != 0 &&
            program_find(s, asked[i].from->name))
            return no(v, "%s asks %s", asked[i].from->name, asked[i].what);
    return true;
}

/* ---- crowds ---- */

static bool is_of(const struct program *p, const char *crowd)
{
    size_t n = strlen(crowd);

    return p->kind == SUBSCRIBER && strncmp(p->name, crowd, n) == 0 && p->name[n] >= '0' && p->name[n] <= '9';
}

/* all CROWD know ROOT/PATH shape=N */
static bool all_know(struct scene *s, const struct words *w, struct verdict *v)
{
    int64_t n, nknow = 0, nall = 0;

    if (w->n != 5 || !scene_is(w, 2, "know") || !c2_str_starts(c2_str_of(w->at[4]), "shape=") ||
        !c2_str_to_i64(c2_str_of(w->at[4] + 6), &n))
        return nonsense(v, "all CROWD know ROOT/PATH shape=N");
    for (struct program *p = s->programs; p; p = p->next) {
        if (!is_of(p, w->at[1])) continue;
        const struct c2_ds *ds = p->running ? scene_dataset(p, w->at[3]) : NULL;
        nall++;
        nknow += ds && ds->meta->grid.ndim == 1 && ds->meta->grid.shape[0] == n;
    }
    return (nall && nknow == nall) || no(v, "%lld of %lld", (long long)nknow, (long long)nall);
}

/* ---- programs ---- */

static bool knows(const struct program *p, const char *root)
{
    struct c2_hub *hub = p->broker ? c2_broker_hub(p->broker) : NULL;
    bool known = !hub && c2_nats_knows(p->streams, root);

    for (size_t i = 0; hub && i < c2_hub_nroots(hub); i++)
        known = known || strcmp(c2_hub_root_at(hub, i)->name, root) == 0;
    return known;
}

static bool of_program(struct program *p, const struct words *w, struct verdict *v)
{
    if (p->kind == BROKER && w->n == 3 && (scene_is(w, 1, "knows") || scene_is(w, 1, "lacks"))) {
        if (!p->running) return no(v, "it does not run");
        bool known = knows(p, w->at[2]);
        return known == scene_is(w, 1, "knows") || no(v, "the broker %s it", known ? "knows" : "lacks");
    }
    if (p->kind != BROKER && w->n == 2 && (scene_is(w, 1, "connected") || scene_is(w, 1, "disconnected"))) {
        bool up = program_connected(p);
        return up == scene_is(w, 1, "connected") || no(v, "%s", up ? "connected" : "disconnected");
    }
    if (scene_is(w, 1, "calls")) return of_calls(p, w, v);
    if (scene_is(w, 1, "hears") && w->n == 3 && p->nupstreams) {
        const char *of = program_hears(p);
        size_t n = strlen(w->at[2]);
        return (strncmp(of, w->at[2], n) == 0 && of[n] == ':') || no(v, "%s", of);
    }
    if (scene_is(w, 1, "gives") && scene_is(w, w->n - 1, "chunks")) return gives(p, scene_is(w, 2, "no"), v);
    return nonsense(
        v, "PROGRAM connected | disconnected | hears PROGRAM | knows ROOT | calls N times within MS");
}

bool scene_holds(struct scene *s, const struct words *w, char *what, size_t size, bool *bad)
{
    struct verdict v = {what, size, false};
    bool none = scene_is(w, 0, "no"), holds;
    int i = none;

    snprintf(what, size, "nothing of it");
    if (w->n == 0) {
        holds = nonsense(&v, "an empty clause");
    } else if (topic_of(w, i)) {
        char text[500] = "";
        if (w->n > i + 2) snprintf(text, sizeof(text), "%s %s", w->at[i + 1], w->at[i + 2]);
        bool fits = w->n == i + 1 || (w->n == i + 3 && !none);
        holds = fits ? of_upstream(s, topic_of(w, i), none, text, &v)
                     : nonsense(&v, "[no] upstream|listing|refresh [METHOD TARGET]");
    } else if (scene_is(w, 0, "all")) {
        holds = all_know(s, w, &v);
    } else if (scene_is(w, 0, "only") && w->n == 4 && program_find(s, w->at[3])) {
        holds = is_alone(s, w->at[1], program_find(s, w->at[3]), &v);
    } else if (scene_is(w, 0, "cache")) {
        holds = of_cache(s, w, &v);
    } else if (w->n < 2) {
        holds = nonsense(&v, "WHO WHAT");
    } else if (program_find(s, w->at[0])) {
        holds = of_program(program_find(s, w->at[0]), w, &v);
    } else {
        struct person *person = person_find(s, w->at[0], false);
        holds = person ? of_person(person, w, &v) : nonsense(&v, "nobody of that name");
    }
    *bad = v.bad;
    return holds;
}
