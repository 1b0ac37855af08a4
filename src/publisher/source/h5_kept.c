/* SPDX-License-Identifier: BSD-3-Clause */
/* What was learned of an HDF5 file, kept in the state for the next start: a file with the state that it is
 * of, names, what datasets were looked at for, and their metadata; in the machine's byte order. It is written
 * beside and renamed, and has a hash of all of it: one that is damaged, of another state, or of another
 * version is as good as none. A file that brings in others is not kept: they have states of their own. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log_share.h"
#include "publisher/source/h5_file_impl.h"

#define KEPT_FORMAT      2
#define KEPT_ENTRIES_MIN 256                /* fewer are read from the file in some hundredths of a second */
#define KEPT_FILES       64                 /* of a root: files share places, and the last one keeps it */
#define KEPT_NBYTES_MAX  ((int64_t)1 << 30) /* of a file: ten times that of 10^5 datasets that all differ */
#define SAME_METAS       1024 /* texts that are compared with the next ones: most datasets of a file are alike */

static const char MAGIC[8] = "C2H5KEPT";

struct head {
    char magic[8], version[24]; /* of the program: what it makes of a file may change */
    uint64_t format, hash;      /* of all that follows the head */
    struct c2_h5_state state;
    uint64_t nentries, prefix; /* prefix: a hash of what the container is called */
    int64_t budget;
};
struct kept { /* then path, name, refusal and metadata */
    uint64_t fingerprint;
    int64_t nbytes;
    uint64_t same; /* metadata is that of entry same - 1; 0: it follows */
    uint32_t path_len, name_len, refusal_len, meta_len;
    uint8_t group, plain, tried, pad;
    struct c2_cparams_rest cparams;
};

static void head_of(const struct c2_h5_file *file, const struct c2_h5_state *state, struct head *out)
{
    *out = (struct head){.format = KEPT_FORMAT,
                         .state = *state,
                         .prefix = c2_hash64(file->base.prefix, strlen(file->base.prefix))};
    memcpy(out->magic, MAGIC, sizeof(MAGIC));
    snprintf(out->version, sizeof(out->version), "%s", C2_VERSION);
    out->state.others = 0;
}

static void name_of(const struct head *head, char out[16])
{
    snprintf(out, 16, "%02u.kept", (unsigned)(head->prefix % KEPT_FILES));
}

static int open_dir(const struct c2_h5_file *file, bool create)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error ignored;

    if (!c2_buf_printf(&path, &ignored, "%s/hdf5", file->base.site->statedir)) return -1;
    return c2_fs_open_dir(c2_buf_cstr(&path), create, &ignored);
}

/* ---- writing ---- */

struct out {
    FILE *file;
    struct c2_hasher hash;
    uint64_t metas[SAME_METAS]; /* by hash: an entry that has it, and 1 */
};

static bool put(struct out *out, const void *bytes, size_t n)
{
    c2_hasher_add(&out->hash, bytes, n);
    return n == 0 || fwrite(bytes, n, 1, out->file) == 1;
}

/* An earlier entry with this metadata, and 1. */
static uint64_t same_as(struct out *out, const struct c2_h5_snapshot *snap, size_t i)
{
    const struct c2_shared *meta = snap->entries.p[i].meta;
    uint64_t *at = meta ? &out->metas[c2_hash64(meta->text, meta->n) % SAME_METAS] : NULL;

    if (!meta) return 0;
    if (*at && c2_str_cmp(c2_shared_str(snap->entries.p[*at - 1].meta), c2_shared_str(meta)) == 0) return *at;
    *at = i + 1;
    return 0;
}

static bool put_entry(struct out *out, const struct c2_h5_snapshot *snap, size_t i)
{
    const struct c2_h5_entry_of *entry = &snap->entries.p[i];
    struct c2_str refusal = c2_str_of(entry->refusal), meta = c2_shared_str(entry->meta);
    size_t suffix = entry->group ? 0 : strlen(C2_ARRAY_SUFFIX);
    struct kept kept = {.fingerprint = entry->fingerprint,
                        .nbytes = entry->nbytes,
                        .same = same_as(out, snap, i),
                        .path_len = (uint32_t)(strlen(entry->path) - suffix),
                        .name_len = (uint32_t)strlen(entry->name),
                        .refusal_len = (uint32_t)refusal.n,
                        .group = entry->group,
                        .plain = entry->plain,
                        .tried = entry->tried,
                        .cparams = entry->cparams};

    if (meta.n > UINT32_MAX) return false;
    if (!kept.same) kept.meta_len = (uint32_t)meta.n;
    return put(out, &kept, sizeof(kept)) && put(out, entry->path, kept.path_len) &&
           put(out, entry->name, kept.name_len) && put(out, refusal.p, kept.refusal_len) &&
           put(out, meta.p, kept.meta_len);
}

/* The head is written last: until then there is none. */
static bool write_all(struct out *out, struct head *head, const struct c2_h5_snapshot *snap)
{
    const struct head none = {0};
    bool ok = fwrite(&none, sizeof(none), 1, out->file) == 1;

    c2_hasher_begin(&out->hash);
    for (size_t i = 0; ok && i < snap->entries.n; i++)
        ok = put_entry(out, snap, i) && ftell(out->file) < KEPT_NBYTES_MAX;
    head->nentries = snap->entries.n;
    head->budget = snap->budget;
    head->hash = c2_hasher_end(&out->hash);
    ok = ok && fseek(out->file, 0, SEEK_SET) == 0 && fwrite(head, sizeof(*head), 1, out->file) == 1;
    return fflush(out->file) == 0 && ok;
}

static bool write_file(int dir, const char *to, struct head *head, const struct c2_h5_snapshot *snap)
{
    struct out *out = calloc(1, sizeof(*out));
    int fd = out ? openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666) : -1;
    bool ok = fd >= 0 && (out->file = fdopen(fd, "wb")) != NULL;

    if (fd >= 0 && !ok) close(fd);
    if (ok) {
        ok = write_all(out, head, snap);
        ok = fclose(out->file) == 0 && ok && renameat(dir, "new", dir, to) == 0;
    }
    if (!ok && fd >= 0) unlinkat(dir, "new", 0);
    free(out);
    return ok;
}

void c2_h5_kept_save(const struct c2_h5_file *file, const struct c2_h5_snapshot *snap)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER; /* the name of what is being written is one */
    struct head head;
    char name[16];

    if (snap->entries.n < KEPT_ENTRIES_MIN || snap->others.n > 0) return;
    C2_AUTO(c2_fd) dir = {open_dir(file, true)};
    head_of(file, &snap->state, &head);
    name_of(&head, name);
    pthread_mutex_lock(&one);
    if (dir.fd < 0 || !write_file(dir.fd, name, &head, snap))
        c2_log_some(C2_WARN, "what was learned of file=%s is not kept for the next start",
                    file->base.filename);
    pthread_mutex_unlock(&one);
}

/* ---- reading ---- */

static bool is_whole(FILE *file, const struct head *head)
{
    uint8_t bytes[1 << 14];
    struct c2_hasher hash;
    size_t n;

    c2_hasher_begin(&hash);
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        c2_hasher_add(&hash, bytes, n);
    return !ferror(file) && c2_hasher_end(&hash) == head->hash;
}

static bool read_head(FILE *file, const struct head *want, struct head *out)
{
    if (fread(out, sizeof(*out), 1, file) != 1) return false;
    return memcmp(out->magic, want->magic, sizeof(out->magic)) == 0 &&
           memcmp(out->version, want->version, sizeof(out->version)) == 0 && out->format == want->format &&
           out->prefix == want->prefix && memcmp(&out->state, &want->state, sizeof(out->state)) == 0;
}

/* The next n bytes as a text; NULL: there are not so many, or no memory. */
static char *read_text(FILE *file, size_t n)
{
    char *text = n <= C2_H5_PROTO_BODY ? malloc(n + 1) : NULL;

    if (text && n && fread(text, n, 1, file) != 1) {
        free(text);
        return NULL;
    }
    if (text) text[n] = '\0';
    return text;
}

static bool read_meta(FILE *file, const struct kept *kept, struct c2_h5_snapshot *snap,
                      struct c2_h5_entry_of *entry)
{
    if (kept->same) {
        if (kept->same >= snap->entries.n || !snap->entries.p[kept->same - 1].meta) return false;
        entry->meta = c2_shared_ref(snap->entries.p[kept->same - 1].meta);
    } else if (kept->meta_len) {
        char *text = read_text(file, kept->meta_len);
        if (text) entry->meta = c2_shared_new((struct c2_str){text, kept->meta_len});
        free(text);
    }
    return entry->meta || (!kept->same && !kept->meta_len);
}

static bool read_entry(FILE *file, const struct c2_h5_file *owner, struct c2_h5_snapshot *snap)
{
    struct cat2_error ignored;
    struct kept kept;

    if (fread(&kept, sizeof(kept), 1, file) != 1) return false;
    char *path = read_text(file, kept.path_len), *name = read_text(file, kept.name_len);
    char *refusal = path && name ? read_text(file, kept.refusal_len) : NULL;
    bool fit = refusal && (!*path || c2_path_check(c2_str_of(path), &ignored));
    struct c2_h5_entry_of *entry = fit ? c2_h5_snapshot_add(snap, path, name, kept.group, &ignored) : NULL;
    bool ok = entry && read_meta(file, &kept, snap, entry);
    if (ok) {
        entry->plain = kept.plain;
        entry->tried = kept.tried;
        entry->cparams = kept.cparams;
        entry->fingerprint = kept.fingerprint;
        entry->nbytes = kept.nbytes;
        if (*refusal && !kept.tried) entry->refusal = c2_site_reason(owner->base.site, refusal);
    }
    free(path);
    free(name);
    free(refusal);
    return ok;
}

static bool read_file(FILE *file, const struct c2_h5_file *owner, const struct head *want,
                      struct c2_h5_snapshot *snap)
{
    struct head head;

    if (!read_head(file, want, &head) || !is_whole(file, &head)) return false;
    bool ok = fseek(file, sizeof(head), SEEK_SET) == 0;
    for (uint64_t i = 0; ok && i < head.nentries; i++)
        ok = read_entry(file, owner, snap);
    snap->budget = head.budget;
    return ok;
}

bool c2_h5_kept_load(const struct c2_h5_file *file, const struct c2_h5_state *now,
                     struct c2_h5_snapshot *snap)
{
    struct head want;
    char name[16];

    head_of(file, now, &want);
    name_of(&want, name);
    C2_AUTO(c2_fd) dir = {open_dir(file, false)};
    int fd = dir.fd >= 0 ? openat(dir.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    FILE *in = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (fd >= 0 && !in) close(fd);
    bool ok = in && read_file(in, file, &want, snap);
    if (in) fclose(in);
    if (!ok) c2_h5_snapshot_clear(snap);
    return ok;
}
