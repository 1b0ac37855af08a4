/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that were found so far, one after the other. */
#include "subscriber/mirror/names_so_far.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/mirror/root.h"
#include "wire/early_names.h"

void c2_sub_so_far_clear(struct c2_root_state *root)
{
    *root->listing = '\0';
    if (!root->so_far) return;
    c2_buf_fini(&root->so_far->names);
    free(root->so_far);
    root->so_far = NULL;
}

static struct c2_sub_so_far *so_far_of(struct c2_root_state *root)
{
    if (root->so_far) return root->so_far;
    root->so_far = calloc(1, sizeof(*root->so_far));
    if (!root->so_far) return NULL;
    c2_buf_init(&root->so_far->names, C2_SO_FAR_MAX);
    root->so_far->serial = ++root->sub->serials;
    return root->so_far;
}

static void add(struct c2_sub_so_far *so_far, struct c2_str name)
{
    struct cat2_error ignored;
    size_t before = so_far->names.n;

    if (!c2_path_check(name, &ignored)) return;
    so_far->n++;
    if (so_far->nkept == C2_SO_FAR_NAMES_MAX) return;
    if (c2_buf_append_str(&so_far->names, name, &ignored) && c2_buf_putc(&so_far->names, '\0', &ignored))
        so_far->nkept++;
    else
        so_far->names.n = before;
}

bool c2_sub_so_far_take(struct c2_root_state *root, struct c2_str line)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error ignored;
    struct c2_jval value;
    struct c2_str name, key;

    if (!c2_str_starts(line, "{\"" C2_SO_FAR_KEY "\":")) return false;
    struct c2_sub_so_far *so_far = c2_root_is_listed(root) ? NULL : so_far_of(root);
    if (!so_far || !c2_json_parse(line, &json, &ignored)) return true;
    struct c2_jval list = c2_jget(c2_json_root(json), C2_SO_FAR_KEY);
    if (c2_jval_kind(list) != C2_JARRAY) return true;
    struct c2_jiter it = c2_jiter_of(list);
    while (c2_jnext(&it, &key, &value))
        if (c2_jstr(value, &name)) add(so_far, name);
    snprintf(root->listing, sizeof(root->listing), "%zu found so far", so_far->n);
    return true;
}

bool c2_sub_so_far_is_all(const struct c2_root_state *root)
{
    return root->life == C2_ROOT_FIRST;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool c2_sub_so_far_beneath(struct c2_str names, struct c2_str dir, const char ***list, size_t *n,
                           struct cat2_error *err)
{
    struct c2_str name, rest;
    size_t found = 0, max = 0;

    *n = 0;
    for (rest = names; c2_str_cut(rest, '\0', &name, &rest);)
        max++;
    *list = malloc((max + 1) * sizeof(**list));
    if (!*list) return c2_fail_nomem(err, "names found so far");
    for (rest = names; c2_str_cut(rest, '\0', &name, &rest);)
        if (name.n > dir.n && (!dir.n || memcmp(name.p, dir.p, dir.n) == 0)) (*list)[found++] = name.p;
    if (found) qsort(*list, found, sizeof(**list), by_text);
    for (size_t i = 0; i < found; i++)
        if (*n == 0 || strcmp((*list)[*n - 1], (*list)[i]) != 0) (*list)[(*n)++] = (*list)[i];
    return true;
}

size_t c2_sub_so_far_last(const struct c2_root_state *root, size_t max, const char **out)
{
    const struct c2_buf *names = root->so_far ? &root->so_far->names : NULL;
    size_t n = 0, at = names ? names->n : 0;

    while (at > 0 && n < max) {
        for (at--; at > 0 && names->p[at - 1] != '\0';)
            at--;
        out[n++] = (const char *)names->p + at;
    }
    return n;
}
