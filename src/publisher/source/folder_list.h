/* SPDX-License-Identifier: BSD-3-Clause */
/* The containers of a directory, or among the objects of a store, by the texts of their paths. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_FOLDER_LIST_H
#define C2_PUBLISHER_SOURCE_FOLDER_LIST_H

#include <pthread.h>

#include "base/vec.h"
#include "publisher/source/container.h"
#include "publisher/source/objects.h"

struct c2_folder {
    char *rel; /* of the container, beneath the root */
    struct c2_container *container;
    bool seen; /* by the walk under way */
};
struct c2_folder_list {
    struct c2_site *site;
    int root;                         /* the directory; -1: objects */
    struct c2_object_source *objects; /* counted; NULL: a directory */
    pthread_mutex_t lock;             /* guards the rest */
    C2_VEC(struct c2_folder);         /* sorted by rel */
};
bool c2_folder_list_init(struct c2_folder_list *list, const char *root, const char *statedir,
                         struct c2_gens *gens, struct cat2_error *err);
bool c2_folder_list_init_objects(struct c2_folder_list *list, struct c2_object_source *objects,
                                 struct cat2_error *err);
void c2_folder_list_fini(struct c2_folder_list *list); /* also when init failed */

/** Whose is it? NULL: nobody's; or, with CAT2_ENOMEM, that cannot be told now. *reason: why it is not, if its
 * name promises that, or it was of the format `before`. Of an object the name decides. */
const struct c2_format *c2_folder_format(struct c2_folder_list *list, const char *rel,
                                         const struct c2_format *before, const char **reason,
                                         struct cat2_error *err);
/** The container rel, yours to unref. With a format it is made, or made anew, where it is not known as one of
 * this, and seen. NULL: not known and no format given, or no memory. */
struct c2_container *c2_folder_known(struct c2_folder_list *list, const char *rel,
                                     const struct c2_format *format);
/** The container rel, yours to unref; NULL: it is none, and never was. */
struct c2_container *c2_folder_find(struct c2_folder_list *list, const char *rel);
/** Is there an object of just this name? A store may have "a.h5" and "a.h5/b": then the object it is. */
bool c2_folder_is_object(struct c2_folder_list *list, const char *rel);
/** A walk begins: none is seen; it ended: forget those that are not. */
void c2_folder_list_begin(struct c2_folder_list *list);
void c2_folder_list_end(struct c2_folder_list *list);

#endif
