/* SPDX-License-Identifier: BSD-3-Clause */
/* scene_runner [-v] [--nats] FILE...: play each scene; FILE:LINE: expected X, got Y where it goes otherwise.
 * -v tells all that is asked; --nats: over a server of NATS in the broker's place. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fds.h"
#include "base/fs.h"
#include "base/log.h"
#include "blosc/codec.h"
#include "fake.h"
#include "net/websocket.h"
#include "scene.h"

static bool verbose, nats;
static size_t told;

bool scene_fail(const struct scene *s, const char *fmt, ...)
{
    va_list args;

    printf("%s:%d: ", s->file, s->line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    return false;
}

bool scene_is(const struct words *w, int i, const char *word)
{
    return i < w->n && strcmp(w->at[i], word) == 0;
}

bool scene_number(const struct scene *s, const char *text, int64_t *out)
{
    struct c2_str number = c2_str_of(text);
    int64_t unit = c2_str_ends(number, "s") ? 1000 : 1;

    if (unit > 1) number.n--;
    if (!c2_str_to_i64(number, out) || *out > INT64_MAX / 1000000)
        return scene_fail(s, "'%s' is no number", text);
    *out *= unit;
    return true;
}

/* ---- lines ---- */

static bool split(const struct scene *s, char *line, struct words *w)
{
    w->n = 0;
    for (char *p = line; *p;) {
        while (*p == ' ' || *p == '\n')
            *p++ = '\0';
        if (!*p || *p == '#') break;
        if (w->n == WORDS_MAX) return scene_fail(s, "too many words");
        bool quoted = *p == '"';
        if (quoted) *p++ = '\0';
        w->at[w->n++] = p;
        while (*p && (quoted ? *p != '"' : *p != ' ' && *p != '\n'))
            p++;
        if (quoted && !*p) return scene_fail(s, "a quote is not closed");
        if (quoted) *p++ = '\0';
    }
    return true;
}

static void run_until(int64_t at)
{
    size_t n;

    while (c2_fake_step(at)) {}
    const struct c2_fake_asked *asked = c2_fake_log(&n);
    for (; verbose && told < n; told++)
        printf("  %8lld %s -> %s  %s\n", (long long)asked[told].at, asked[told].from->name,
               asked[told].to->name, asked[told].what);
}

/* One clause; with patience it may come true until then. */
static bool check(struct scene *s, char *clause, int64_t until)
{
    char text[500], what[500];
    struct words w;
    bool bad = false;

    snprintf(text, sizeof(text), "%s", clause + strspn(clause, " "));
    text[strcspn(text, "\n")] = '\0';
    if (!split(s, clause, &w)) return false;
    bool holds = scene_holds(s, &w, what, sizeof(what), &bad);
    while (!holds && !bad && c2_fake_step(until))
        holds = scene_holds(s, &w, what, sizeof(what), &bad);
    run_until(c2_fake_now());
    if (bad) return scene_fail(s, "'%s' cannot be expected: %s", text, what);
    return holds || scene_fail(s, "expected %s, got %s", text, what);
}

static bool expect(struct scene *s, char *clauses, int64_t until)
{
    for (char *next; clauses; clauses = next) {
        bool quoted = false;
        next = clauses;
        while (*next && (quoted || *next != ','))
            quoted ^= *next++ == '"';
        if (*next)
            *next++ = '\0';
        else
            next = NULL;
        if (!check(s, clauses, until)) return false;
    }
    return true;
}

/* The others start when the first step comes; time begins then. */
static bool begin(struct scene *s)
{
    if (!program_find(s, "broker")) program_add(s, BROKER, "broker");
    bool subscribed = false, ok = true;
    for (struct program *p = s->programs; p; p = p->next)
        subscribed = subscribed || p->kind == SUBSCRIBER;
    if (!subscribed) program_add(s, SUBSCRIBER, "sub");
    s->begun = true;
    for (int kind = BROKER; kind <= SUBSCRIBER; kind++)
        for (struct program *p = s->programs; p && ok; p = p->next)
            if ((int)p->kind == kind && !p->stopped) ok = program_start(p);
    return ok;
}

/* "at TIME STEP", "at TIME expect CLAUSE, ...", "by TIME expect CLAUSE, ..." */
static bool timed(struct scene *s, char *line, const struct words *w)
{
    bool by = scene_is(w, 0, "by"), expects = scene_is(w, 2, "expect");
    int64_t at;

    if ((!by && !scene_is(w, 0, "at")) || w->n < 4)
        return scene_fail(s, "at TIME STEP, or at|by TIME expect");
    if (by && !expects) return scene_fail(s, "only expectations can come true by a time");
    bool later = w->at[1][0] == '+';
    if (!scene_number(s, w->at[1] + later, &at)) return false;
    if (later) at += c2_fake_now();
    if (at < c2_fake_now()) return scene_fail(s, "it is %lld already", (long long)c2_fake_now());
    if (!s->begun && !begin(s)) return false;
    run_until(by ? c2_fake_now() : at);
    if (!expects) return scene_step(s, w, 2);
    return expect(s, strstr(line, "expect") + strlen("expect"), at);
}

static bool play_line(struct scene *s, char *line)
{
    char copy[1000];
    struct words w;

    snprintf(copy, sizeof(copy), "%s", line);
    if (strlen(line) >= sizeof(copy) || strchr(line, '\t'))
        return scene_fail(s, "a long line, or a tab in it");
    if (!split(s, copy, &w)) return false;
    if (w.n == 0) return true;
    if (scene_is(&w, 0, "scene")) return true; /* its name is for people */
    if (!s->begun && scene_is(&w, 1, "broker") && !program_find(s, "broker"))
        program_add(s, BROKER, "broker");
    if (!s->begun && !scene_is(&w, 0, "at") && !scene_is(&w, 0, "by")) return scene_declare(s, &w);
    return timed(s, line, &w);
}

/* ---- scenes ---- */

static void clean(struct scene *s)
{
    while (s->people) {
        struct person *person = s->people;
        s->people = person->next;
        person_free(person);
    }
    for (struct program *p = s->programs; p; p = p->next) /* they stop alone: nobody else helps */
        if (p->running) program_stop(p);
    while (s->programs) {
        struct program *p = s->programs;
        s->programs = p->next;
        program_free(p);
    }
    c2_fake_end();
    c2_fake_log_clear();
    c2_fake_queue_max = C2_WS_QUEUE_MAX;
    told = 0;
    c2_fs_remove_tree(s->folder);
}

static bool play(const char *file)
{
    struct scene s = {.file = file, .nats = nats};
    const char *tmp = getenv("TMPDIR");
    char line[1200], folder[200];
    FILE *in = fopen(file, "r");
    bool ok = true;

    if (!in) return scene_fail(&s, "cannot be read");
    snprintf(folder, sizeof(folder), "%.150s/scene-XXXXXX", tmp ? tmp : "/tmp");
    C2_ASSERT(mkdtemp(folder));
    char *real = realpath(folder, NULL); /* as publishers name what they watch */
    C2_ASSERT(real);
    snprintf(s.folder, sizeof(s.folder), "%s", real);
    free(real);
    while (ok && fgets(line, sizeof(line), in)) {
        s.line++;
        ok = play_line(&s, line);
    }
    if (ok && !s.begun) ok = scene_fail(&s, "a scene without a step");
    fclose(in);
    clean(&s);
    return ok;
}

int main(int argc, char **argv)
{
    int failed = 0, i = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; i + 1 < argc && argv[i + 1][0] == '-'; i++) {
        verbose = verbose || strcmp(argv[i + 1], "-v") == 0;
        nats = nats || strcmp(argv[i + 1], "--nats") == 0;
    }
    c2_log_set_level(verbose ? C2_INFO : C2_ERROR);
    c2_codec_setup();
    c2_fds_raise(); /* a thousand subscribers have some files each */
    for (i++; i < argc; i++)
        failed += !play(argv[i]);
    return failed ? 1 : argc < 2;
}
