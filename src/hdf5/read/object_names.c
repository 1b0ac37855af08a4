/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of objects by their place in the file. libhdf5 searches the whole file for every reference it is
 * to name; here one look through all links serves all of them. The name is the one libhdf5 would find: its
 * order of links is kept, and the first wins. */
#include <stdlib.h>

#include "hdf5/read/h5_impl.h"

#define NAMES_NBYTES_MAX (256 << 20) /* paths of all objects of a file: a million of 256 bytes */

struct named {
    haddr_t addr; /* 0: empty place; the superblock is there */
    size_t at;    /* in text */
};
struct c2_h5_names {
    struct named *table; /* a hash table */
    size_t n, cap;
    struct c2_buf text; /* paths, each with its NUL */
    unsigned long file; /* libhdf5's number of it */
    bool complete;
};

void c2_h5_names_free(struct c2_h5_names *names)
{
    if (!names) return;
    free(names->table);
    c2_buf_fini(&names->text);
    free(names);
}

static struct named *place(struct named *table, size_t cap, haddr_t addr)
{
    size_t at = (size_t)((uint64_t)addr * 0x9e3779b97f4a7c15u >> 20) & (cap - 1);

    while (table[at].addr && table[at].addr != addr)
        at = (at + 1) & (cap - 1);
    return &table[at];
}

static bool grow(struct c2_h5_names *names)
{
    size_t cap = names->cap ? 2 * names->cap : 256;
    struct named *table = calloc(cap, sizeof(*table));

    if (!table) return false;
    for (size_t i = 0; i < names->cap; i++)
        if (names->table[i].addr) *place(table, cap, names->table[i].addr) = names->table[i];
    free(names->table);
    names->table = table;
    names->cap = cap;
    return true;
}

static bool add(struct c2_h5_names *names, haddr_t addr, const char *path)
{
    struct cat2_error ignored;

    if (addr == 0 || addr == HADDR_UNDEF) return true;
    if (2 * (names->n + 1) > names->cap && !grow(names)) return false;
    struct named *named = place(names->table, names->cap, addr);
    if (named->addr) return true; /* an earlier name */
    if (names->n == C2_H5_ENTRIES_MAX) return false;
    *named = (struct named){addr, names->text.n};
    names->n++;
    return c2_buf_putc(&names->text, '/', &ignored) &&
           c2_buf_append(&names->text, path, strlen(path) + 1, &ignored);
}

static herr_t see(hid_t group, const char *path, const H5L_info_t *info, void *ctx)
{
    (void)group;
    return info->type != H5L_TYPE_HARD || add(ctx, info->u.address, path) ? 0 : -1;
}

static struct c2_h5_names *look(hid_t file)
{
    struct c2_h5_names *names = calloc(1, sizeof(*names));
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    H5O_info_t info;

    if (names) {
        c2_buf_init(&names->text, NAMES_NBYTES_MAX);
        info = (H5O_info_t){0};
        names->complete = root >= 0 && H5Oget_info2(root, &info, H5O_INFO_BASIC) >= 0 &&
                          add(names, info.addr, "") &&
                          H5Lvisit(root, H5_INDEX_NAME, H5_ITER_NATIVE, see, names) >= 0;
    }
    if (names) names->file = info.fileno;
    if (root >= 0) H5Gclose(root);
    H5Eclear2(H5E_DEFAULT);
    return names;
}

/* Of the object a region lies in. */
static haddr_t region_addr(hid_t file, const void *ref)
{
    H5O_info_t info = {.addr = HADDR_UNDEF};
    hid_t object = H5Rdereference2(file, H5P_DEFAULT, H5R_DATASET_REGION, ref);

    if (object >= 0 && H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) info.addr = HADDR_UNDEF;
    if (object >= 0) H5Oclose(object);
    return info.addr;
}

static const char *name_at(struct c2_h5 *h5, haddr_t addr)
{
    if (addr == 0 || addr == HADDR_UNDEF) return NULL;
    if (!h5->names) h5->names = look(h5->file);
    if (!h5->names || h5->names->cap == 0) return NULL;
    const struct named *named = place(h5->names->table, h5->names->cap, addr);
    return named->addr ? (const char *)h5->names->text.p + named->at : NULL;
}

const char *c2_h5_name_of(struct c2_h5 *h5, hid_t object)
{
    H5O_info_t info;

    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) {
        H5Eclear2(H5E_DEFAULT);
        return NULL;
    }
    const char *name = name_at(h5, info.addr);
    return name && h5->names->file == info.fileno ? name : NULL;
}

ssize_t c2_h5_reference_name(struct c2_h5 *h5, H5R_type_t kind, const void *ref, char *name, size_t size)
{
    haddr_t addr;

    if (kind == H5R_OBJECT)
        memcpy(&addr, ref, sizeof(addr));
    else
        addr = region_addr(h5->file, ref);
    const char *known = name_at(h5, addr);
    if (known) {
        size_t n = strlen(known);
        if (n < size) memcpy(name, known, n + 1);
        return (ssize_t)n;
    }
    ssize_t n = 0;
    if (!h5->names || !h5->names->complete) n = H5Rget_name(h5->file, kind, ref, name, size);
    H5Eclear2(H5E_DEFAULT);
    return n;
}

bool c2_h5_show_name(const char *name, struct c2_buf *out, struct cat2_error *err)
{
    if (c2_str_is_utf8(c2_str_of(name))) return c2_buf_puts(out, name, err);
    for (; *name; name++)
        if (!((uint8_t)*name >= 0x80 ? c2_buf_printf(out, err, "%%%02X", (uint8_t)*name)
                                     : c2_buf_putc(out, *name, err)))
            return false;
    return true;
}
