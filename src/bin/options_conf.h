/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file as a flat table of keys; wrong keys and types are errors with file and line. */
#ifndef C2_BIN_OPTIONS_CONF_H
#define C2_BIN_OPTIONS_CONF_H

#include "base/buf.h"

struct c2_conf;
/** A missing file is an empty table where it may be missing. @errors CAT2_EINVAL with file and line. */
bool c2_conf_read(const char *path, bool may_be_missing, struct c2_conf **out, struct cat2_error *err);
void c2_conf_free(struct c2_conf *conf);
/** Value of "publisher.foo.http" as text; NULL when absent. */
const char *c2_conf_get(const struct c2_conf *conf, const char *key);
/** Is there a section SECTION.ID? */
bool c2_conf_has(const struct c2_conf *conf, const char *section, const char *id);
int c2_conf_line(const struct c2_conf *conf, const char *key);

#endif
