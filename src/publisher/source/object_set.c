/* SPDX-License-Identifier: BSD-3-Clause */
/* The objects of one look, and how long their source lives. */
#include <stdlib.h>
#include <string.h>

#include "publisher/source/object_blocks.h"
#include "publisher/source/objects.h"

struct c2_stored_objects *c2_stored_objects_ref(struct c2_stored_objects *objects)
{
    if (objects) atomic_fetch_add(&objects->refs, 1);
    return objects;
}

void c2_stored_objects_unref(struct c2_stored_objects *objects)
{
    if (!objects || atomic_fetch_sub(&objects->refs, 1) != 1) return;
    for (size_t i = 0; i < objects->list.n; i++)
        free(objects->list.p[i].path);
    c2_vec_fini(&objects->list);
    c2_texts_fini(&objects->refused);
    free(objects);
}
static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct c2_stored_object *)a)->path, ((const struct c2_stored_object *)b)->path);
}

struct c2_stored_object *c2_stored_objects_find(const struct c2_stored_objects *objects, const char *path)
{
    const struct c2_stored_object key = {.path = (char *)(uintptr_t)path};

    if (!objects || !objects->list.n) return NULL;
    return bsearch(&key, objects->list.p, objects->list.n, sizeof(key), by_path);
}

void c2_stored_objects_sort(struct c2_stored_objects *objects)
{
    size_t kept = 0;

    if (objects->list.n) qsort(objects->list.p, objects->list.n, sizeof(struct c2_stored_object), by_path);
    for (size_t i = 0; i < objects->list.n; i++) {
        struct c2_stored_object *object = &objects->list.p[i];
        if (kept && strcmp(objects->list.p[kept - 1].path, object->path) == 0)
            free(object->path);
        else
            objects->list.p[kept++] = *object;
    }
    objects->list.n = kept;
}

/* ---- the source that they are of ---- */

struct c2_object_source *c2_object_source_ref(struct c2_object_source *source)
{
    atomic_fetch_add(&source->refs, 1);
    return source;
}

void c2_object_source_unref(struct c2_object_source *source)
{
    if (atomic_fetch_sub(&source->refs, 1) != 1) return;
    c2_gens_unref(source->gens);
    c2_stored_objects_unref(source->objects);
    c2_texts_fini(&source->named);
    c2_object_blocks_free(source->blocks);
    c2_object_store_free(source->store);
    pthread_mutex_destroy(&source->lock);
    free(source);
}
