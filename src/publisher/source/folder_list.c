/* SPDX-License-Identifier: BSD-3-Clause */
/* Which containers there are. */
#include "publisher/source/folder_list.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bisect.h"
#include "base/fs.h"
#include "base/name.h"
#include "publisher/source/object_bytes.h"

/* The file rel as it is named on disk; -1. */
static int open_rel(struct c2_folder_list *list, const char *rel, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(rel) + 1);

    if (!c2_path_of_text(c2_str_of(rel), &name, err)) return -1;
    return c2_fs_open(list->root, c2_buf_cstr(&name), O_RDONLY | O_NONBLOCK, err);
}

bool c2_folder_is_object(struct c2_folder_list *list, const char *rel)
{
    return list->objects && c2_object_is_listed(list->objects, rel);
}

/* Of an object that there is. Nothing is read: an object that is none says so when it is listed. */
static const struct c2_format *object_format(struct c2_folder_list *list, const char *rel)
{
    for (const struct c2_format *const *at = c2_formats; *at; at++)
        if ((*at)->takes_object && (*at)->takes_object(rel))
            return c2_object_is_listed(list->objects, rel) ? *at : NULL;
    return NULL;
}

const struct c2_format *c2_folder_format(struct c2_folder_list *list, const char *rel,
                                         const struct c2_format *before, const char **reason,
                                         struct cat2_error *err)
{
    const struct c2_format *format = NULL;
    struct c2_candidate candidate = {.name = rel};
    struct stat st;

    *reason = NULL;
    if (list->objects) return object_format(list, rel);
    candidate.fd = open_rel(list, rel, err);
    if (candidate.fd >= 0 && fstat(candidate.fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        candidate.is_dir = S_ISDIR(st.st_mode);
        enum c2_claim claim = c2_formats_probe(&candidate, &format, reason);
        if (claim < C2_CLAIM_NAME) format = NULL;
        if (claim == C2_CLAIM_NONE) *reason = NULL;
        if (!format && before) before->probe(&candidate, reason);
    }
    if (candidate.fd >= 0) close(candidate.fd);
    return format;
}

static size_t place_of(const struct c2_folder_list *list, const char *rel, bool *found)
{
    size_t at;

    c2_bisect(at, list->n, strcmp(list->p[at].rel, rel) < 0);
    *found = at < list->n && strcmp(list->p[at].rel, rel) == 0;
    return at;
}

static void remove_at(struct c2_folder_list *list, size_t at)
{
    c2_container_unref(list->p[at].container);
    free(list->p[at].rel);
    list->n--;
    memmove(list->p + at, list->p + at + 1, (list->n - at) * sizeof(*list->p));
}

/* filename is where it is, for messages and for who opens it; prefix what its generations go by. */
static bool make_object(struct c2_folder_list *list, const struct c2_format *format, const char *rel,
                        struct c2_container **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) full = C2_BUF_INIT(2 * PATH_MAX);
    struct c2_object_bytes *object;

    if (!c2_buf_printf(&full, err, "%s%s", c2_object_store_place(list->objects->store)->name, rel) ||
        !c2_object_bytes_new(list->objects, rel, &object, err))
        return false;
    if (c2_container_new(format, c2_buf_cstr(&full), rel, list->site, object, out, err)) return true;
    c2_object_bytes_free(object);
    return false;
}

static bool make_file(struct c2_folder_list *list, const struct c2_format *format, const char *rel,
                      struct c2_container **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) full = C2_BUF_INIT(2 * PATH_MAX);
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(rel) + 1);

    return c2_path_of_text(c2_str_of(rel), &name, err) &&
           c2_buf_printf(&full, err, "%s/%s", list->site->dir, c2_buf_cstr(&name)) &&
           c2_container_new(format, c2_buf_cstr(&full), c2_buf_cstr(&name), list->site, NULL, out, err);
}

static bool insert(struct c2_folder_list *list, const struct c2_format *format, const char *rel, size_t at,
                   struct cat2_error *err)
{
    struct c2_folder fresh = {.rel = c2_str_dup(c2_str_of(rel))};

    bool ok = fresh.rel && c2_vec_room(list, C2_VEC_NO_MAX, "containers", err) &&
              (list->objects ? make_object(list, format, rel, &fresh.container, err)
                             : make_file(list, format, rel, &fresh.container, err));
    if (!ok) {
        free(fresh.rel);
        return c2_fail_nomem(err, format->name);
    }
    memmove(list->p + at + 1, list->p + at, (list->n - at) * sizeof(fresh));
    list->p[at] = fresh;
    list->n++;
    return true;
}

struct c2_container *c2_folder_known(struct c2_folder_list *list, const char *rel,
                                     const struct c2_format *format)
{
    struct c2_container *container = NULL;
    struct cat2_error err;
    bool found;

    pthread_mutex_lock(&list->lock);
    size_t at = place_of(list, rel, &found);
    if (found && format && list->p[at].container->format != format) {
        remove_at(list, at);
        found = false;
    }
    if (found || (format && insert(list, format, rel, at, &err))) {
        list->p[at].seen = list->p[at].seen || format;
        container = c2_container_ref(list->p[at].container);
    }
    pthread_mutex_unlock(&list->lock);
    return container;
}

struct c2_container *c2_folder_find(struct c2_folder_list *list, const char *rel)
{
    struct c2_container *container = c2_folder_known(list, rel, NULL);
    struct cat2_error ignored;
    const char *reason;

    if (container) return container;
    const struct c2_format *format = c2_folder_format(list, rel, NULL, &reason, &ignored);
    return format ? c2_folder_known(list, rel, format) : NULL;
}

void c2_folder_list_begin(struct c2_folder_list *list)
{
    pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < list->n; i++)
        list->p[i].seen = false;
    pthread_mutex_unlock(&list->lock);
}

void c2_folder_list_end(struct c2_folder_list *list)
{
    pthread_mutex_lock(&list->lock);
    for (size_t i = list->n; i-- > 0;)
        if (!list->p[i].seen) remove_at(list, i);
    pthread_mutex_unlock(&list->lock);
}

/* ---- life ---- */

bool c2_folder_list_init(struct c2_folder_list *list, const char *root, const char *statedir,
                         struct c2_gens *gens, struct cat2_error *err)
{
    pthread_mutex_init(&list->lock, NULL);
    list->root = c2_fs_open_dir(root, false, err);
    char *whole = list->root >= 0 ? c2_fs_absolute(root, err) : NULL;
    bool ok = whole && c2_site_new(whole, false, statedir, c2_formats, gens, &list->site, err);
    free(whole);
    return ok;
}

bool c2_folder_list_init_objects(struct c2_folder_list *list, struct c2_object_source *objects,
                                 struct cat2_error *err)
{
    pthread_mutex_init(&list->lock, NULL);
    list->root = -1;
    list->objects = c2_object_source_ref(objects);
    return c2_site_new(NULL, true, "", c2_formats, objects->gens, &list->site, err);
}

void c2_folder_list_fini(struct c2_folder_list *list)
{
    while (list->n)
        remove_at(list, list->n - 1);
    c2_vec_fini(list);
    c2_site_unref(list->site);
    if (list->root >= 0) close(list->root);
    if (list->objects) c2_object_source_unref(list->objects);
    pthread_mutex_destroy(&list->lock);
}
