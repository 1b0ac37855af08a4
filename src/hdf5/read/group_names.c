/* SPDX-License-Identifier: BSD-3-Clause */
/* The names in a group are collected before any is looked at: libhdf5 is not asked for more while it lists.
 */
#include "hdf5/read/group_names.h"

#include <stdlib.h>

void c2_h5_links_fini(struct c2_h5_links *links)
{
    for (size_t i = 0; i < links->n; i++)
        free(links->p[i].name);
    c2_vec_fini(links);
}

static herr_t collect(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    struct c2_h5_links *links = ctx;
    struct cat2_error ignored;

    (void)group;
    if (!c2_vec_room(links, C2_H5_LINKS_MAX, "links", &ignored)) return 1;
    struct c2_h5_link *link = &links->p[links->n];
    *link = (struct c2_h5_link){c2_str_dup(c2_str_of(name)), info->type, 0};
    if (info->type == H5L_TYPE_HARD) link->id = (uint64_t)info->u.address + 1;
    links->n += link->name != NULL;
    return link->name ? 0 : -1;
}

bool c2_h5_list_links(hid_t group, bool in_order, struct c2_h5_links *out)
{
    H5_index_t index = in_order ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    herr_t rc = H5Literate(group, index, H5_ITER_INC, NULL, collect, out);

    H5Eclear2(H5E_DEFAULT);
    return rc == 0;
}
