/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a directory's source share. */
#ifndef C2_PUBLISHER_SOURCE_DIRECTORY_IMPL_H
#define C2_PUBLISHER_SOURCE_DIRECTORY_IMPL_H

#include "net/watch.h"
#include "publisher/source/copies.h"
#include "publisher/source/source.h"

struct c2_dir_source {
    struct c2_source base;
    int root;
    struct c2_copies copies;
    bool folders; /* those that are containers are told as such, not what is in them */
    dev_t dev;
    atomic_bool mounts; /* other file systems are mounted beneath */
    char *root_path;    /* where the root is; links in it are followed anew */
    atomic_bool moved;  /* another directory is there: watch that one */
    struct c2_loop *loop;
    struct c2_watch *watch;
    c2_source_changed *changed;
    void *changed_ctx;
    atomic_bool cancelled;
};

/* What a dataset is on the disk. */
enum c2_dir_form {
    C2_DIR_FILE,
    C2_DIR_SPARSE, /* a directory of chunks */
    C2_DIR_CODED   /* a plain file NAME that is there as NAME.b2 alone, a frame of its bytes */
};
#define C2_DIR_CODED_SUFFIX ".b2"
/** Is there no such file, but the frame of it beside its name? */
bool c2_dir_is_coded(const struct c2_dir_source *dir, struct c2_str path);
/** A descriptor of the bytes of a file that is no directory. */
int c2_dir_open_file(const struct c2_dir_source *dir, const char *path, enum c2_dir_form form,
                     struct cat2_error *err);
/** Does the name say that a directory may be a sparse frame? */
bool c2_dir_may_be_sparse(struct c2_str path);
/** What has no contents to tell it by, and why; of static storage. */
void c2_dir_unusable(const struct stat *st, const char *why, struct c2_generation *out);
bool c2_dir_generation(struct c2_dir_source *dir, const char *path, const struct stat *st,
                       const struct c2_file_key *key, struct c2_generation *out, struct cat2_error *err);
/** stat without opening anything for reading; a directory is looked at through its chunks.b2frame. */
bool c2_dir_find(struct c2_dir_source *dir, const char *path, struct stat *st, enum c2_dir_form *form,
                 struct cat2_error *err);
/** As of c2_source_ops. */
bool c2_dir_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                 struct cat2_error *err);

#endif
