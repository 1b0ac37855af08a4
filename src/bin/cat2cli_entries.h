/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots, folders and datasets as the subscriber lists them (/api/tree), and those that a path or a pattern
 * names. */
#ifndef C2_BIN_CAT2CLI_ENTRIES_H
#define C2_BIN_CAT2CLI_ENTRIES_H

#include "base/vec.h"
#include "bin/cat2cli.h"

#define C2_ENTRIES_MAX 50000000 /* of one listing: far more than a subscriber holds */

enum c2_listed_kind { C2_ENTRY_ROOT, C2_ENTRY_FOLDER, C2_ENTRY_ARRAY, C2_ENTRY_FRAME, C2_ENTRY_FILE };
struct c2_listed {
    enum c2_listed_kind kind;
    char *path;                            /* ROOT/FOLDER/NAME; without a slash at its end */
    char *shape, *dtype;                   /* of datasets; "(10, 20)" */
    char *etag, *error;                    /* error: why it cannot be served, else NULL */
    int64_t nbytes, cbytes, cached, mtime; /* mtime ms, -1 unknown */
    int64_t datasets, errors;              /* of folders */
    int64_t nattrs;
    bool followed; /* of roots */
};
struct c2_entries {
    C2_VEC(struct c2_listed);
    int64_t unsearched; /* groups whose attributes a search has not looked through */
};
/** Its texts are the list's then, and the entry has none. @errors also CAT2_ELIMIT: too many; it keeps them.
 */
bool c2_entries_take(struct c2_entries *to, struct c2_listed *entry, struct cat2_error *err);
void c2_entries_fini(struct c2_entries *entries);
C2_DEFINE_AUTO(c2_entries);
/** The one of a path, in entries that are sorted by path; NULL: there is none. */
const struct c2_listed *c2_entries_find(const struct c2_entries *entries, struct c2_str path);

static inline bool c2_listed_is_dataset(const struct c2_listed *entry)
{
    return entry->kind >= C2_ENTRY_ARRAY;
}

/* What of a folder is listed. */
struct c2_entries_ask {
    bool deep;         /* all datasets beneath it, and no folders */
    bool broken;       /* of those, the ones that cannot be served */
    bool cached;       /* with what is cached of each */
    bool any;          /* one entry will do: is there such a folder? */
    bool groups;       /* a query looks through the attributes of groups too */
    const char *query; /* of those, the ones that have it in their path or attributes; NULL: all */
};

/** All roots, those that are not followed too. */
bool c2_entries_roots(const struct c2_cli *cli, struct c2_entries *out, struct cat2_error *err);
/** Append what is in a root or folder, sorted by path, of one state of the root.
 *  @errors CAT2_ENOTFOUND no such root or folder. */
bool c2_entries_beneath(const struct c2_cli *cli, const char *path, const struct c2_entries_ask *ask,
                        struct c2_entries *out, struct cat2_error *err);
/** A path that was typed, without slashes at its end.  @errors CAT2_EINVAL names it as it was typed. */
bool c2_cli_path(const char *text, struct c2_str *out, struct cat2_error *err);
/** Append what `text` names: a root, folder or dataset; else those that it matches as a pattern: "*", "?" and
 * "[...]" within a name, "**" for any folders. A pattern in place of the root matches those that are
 * followed.
 *  @errors CAT2_ENOTFOUND nothing. */
bool c2_entries_named(const struct c2_cli *cli, const char *text, struct c2_entries *out,
                      struct cat2_error *err);
/** Is this root, folder or dataset there? @errors CAT2_ENOTFOUND it is not. */
bool c2_entries_there(const struct c2_cli *cli, const char *path, struct cat2_error *err);
/** The path beneath `folder`, which it begins with; all of it if the folder is "". */
const char *c2_listed_beneath(const char *path, const char *folder);
/** Does the pattern match? "*" also matches "/". */
bool c2_glob_matches(const char *pattern, const char *path);
/** Are there characters of a pattern? */
bool c2_glob_is(const char *text);

#endif
