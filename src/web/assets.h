/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the web client, embedded in the program with their gzip twins, under one content hash:
 * /assets/HASH/NAME. A new build has a new hash, so browsers keep what they have for ever.
 * Loop thread only. */
#ifndef C2_WEB_ASSETS_H
#define C2_WEB_ASSETS_H

#include "net/server.h"

/* What cmake/embed.py makes. */
struct c2_asset {
    const char *name, *type, *etag; /* etag is quoted */
    const unsigned char *bytes, *gzip;
    size_t nbytes, gzip_nbytes; /* gzip_nbytes 0: it would not be smaller */
};
extern const struct c2_asset c2_assets[];
extern const size_t c2_nassets;
extern const char c2_assets_hash[];

/** The URL prefix of the files, without a slash at its end: "/assets/0a1b2c3d". */
const char *c2_assets_prefix(const char *web_dir);
/** Serve {hash}/{name*} of the request. @param web_dir  development: files from this directory, unhashed and
 * not cached; NULL: the embedded ones. */
void c2_assets_reply(struct c2_request *req, const char *web_dir);
/** Headers of every page: Content-Security-Policy, nosniff, Referrer-Policy. */
void c2_web_headers(struct c2_request *req);
/** The same of what is rendered from a file of a root and shown as itself: in a sandbox. */
void c2_web_content_headers(struct c2_request *req);

/** Answer with {name*} of the H5Web bundle in a folder (tools/make_h5web); NULL: 404 that says how to get it.
 */
void c2_h5web_reply(struct c2_request *req, const char *h5web_dir);

#endif
