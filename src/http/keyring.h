/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that a program sends to services, each to its own ones and to nobody else. A file has lines
 *
 *     KEY              to the home: the service that the program was told to ask
 *     HOST:PORT KEY    to this service; HOST alone: at all its ports; * and ? in HOST match parts of a name
 *     # a comment
 *
 * The first line that fits is taken. Keys are never written to the log. */
#ifndef C2_HTTP_KEYRING_H
#define C2_HTTP_KEYRING_H

#include "base/buf.h"

struct c2_keyring;
/** @param home  "host:port", with or without a scheme, or several, one a line; or NULL: lines with a key
 * alone are errors. */
bool c2_keyring_new(const char *home, struct c2_keyring **out, struct cat2_error *err);
void c2_keyring_free(struct c2_keyring *ring); /* NULL is fine */
/** All lines of a file. *shared: others than its owner may read it. @errors CAT2_ENOTFOUND, CAT2_EIO;
 * CAT2_EINVAL names the line, and not what is in it. */
bool c2_keyring_read(struct c2_keyring *ring, const char *path, bool *shared, struct cat2_error *err);
/** One line. */
bool c2_keyring_add(struct c2_keyring *ring, struct c2_str line, struct cat2_error *err);
/** The key for what is at this URL (http, https, ws, wss); NULL: none. Lives as long as the ring. */
const char *c2_keyring_find(const struct c2_keyring *ring, const char *url);

#endif
