/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in a ZIP file, as its central directory tells, of 4 GiB and more (ZIP64), too. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_ZIP_H
#define C2_PUBLISHER_SOURCE_ZIP_H

#include "base/buf.h"
#include "base/vec.h"
#include "publisher/source/object_bytes.h"

#define C2_ZIP_ENTRIES_MAX (1 << 20) /* as many as a root has datasets, and what describes them */

/* Where one is: a file, or an object in one state. Borrowed. */
struct c2_zip_file {
    int fd; /* where object is NULL */
    struct c2_object_bytes *object;
    const struct c2_object_pin *pin;
};
#define C2_ZIP_HERE(fd) (&(const struct c2_zip_file){fd, NULL, NULL})

struct c2_zip_entry {
    char *name;
    int64_t at;  /* of its local header */
    int64_t n;   /* bytes in the file */
    bool stored; /* as they are: neither compressed nor encrypted */
};
struct c2_zip {                  /* zeros are none */
    C2_VEC(struct c2_zip_entry); /* sorted by name */
};
/** @errors CAT2_EDATA why it is none, or damaged; CAT2_ELIMIT. */
bool c2_zip_read(const struct c2_zip_file *file, struct c2_zip *out, struct cat2_error *err);
void c2_zip_fini(struct c2_zip *zip);
C2_DEFINE_AUTO(c2_zip);
/** NULL: there is none of this name. */
const struct c2_zip_entry *c2_zip_find(const struct c2_zip *zip, const char *name);
/** Where its bytes begin. @errors CAT2_EDATA: they are not in the file. */
bool c2_zip_place(const struct c2_zip_file *file, const struct c2_zip_entry *entry, int64_t *at,
                  struct cat2_error *err);

#endif
