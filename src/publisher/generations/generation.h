/* SPDX-License-Identifier: BSD-3-Clause */
/* Which state of a dataset something is of. */
#ifndef C2_PUBLISHER_GENERATIONS_GENERATION_H
#define C2_PUBLISHER_GENERATIONS_GENERATION_H

#include "base/error.h"
#include "base/shared.h"

/* One of each dataset is kept: what is small comes last, together. */
struct c2_generation {
    char etag[64];      /* repr(mtime):size, as Python's */
    char validator[72]; /* equal only for equal bytes */
    int64_t mtime_ms;
    uint64_t key_digest; /* of what stat() says of it; 0: none. Another one: open it anew */
    const char
        *unusable; /* why it can be listed but not opened ("a FIFO"), or NULL; lives as long as the source */
    const char *remark;     /* of a file, by walk(): why what is in it cannot be listed; lives as long */
    const char *within;     /* the format of the file that it is in ("h5"): the suffix of its path is ours;
                               or NULL. Of static storage */
    struct c2_shared *meta; /* by walk(): its metadata, JSON as a list has it, where that is known already;
                         else NULL. Lives for the call */
    uint8_t
        cparams[4]; /* with meta, what that does not say of them: a struct c2_cparams_rest of blosc/meta.h */
    bool growing;   /* time and again it was only made longer */
    bool undecided; /* it may have changed: its contents are being looked at. This is what it was */
    bool folder;    /* by walk() of a directory: it is a folder that is a container. Nothing else is set */
    bool hidden;    /* not in the plain list, whose readers expect all of it to open */
};

/** "repr(mtime):size" as Python prints it. */
bool c2_etag_format(double mtime, int64_t size, char out[64]);
/** The data is being written, or looked at: it may be asked for again soon. */
bool c2_fail_busy(struct cat2_error *err, const char *path);
bool c2_is_busy(const struct cat2_error *err);

#endif
