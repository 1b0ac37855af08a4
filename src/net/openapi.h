/* SPDX-License-Identifier: BSD-3-Clause */
/* A server's routes, described: as an OpenAPI document, and as a page. Both are made of the tables that
 * requests are matched against, so no route and no parameter can be left out. */
#ifndef C2_NET_OPENAPI_H
#define C2_NET_OPENAPI_H

#include "net/server.h"

/** OpenAPI 3.0.3, JSON. */
bool c2_openapi(const struct c2_server *server, struct c2_buf *out, struct cat2_error *err);
/** HTML that needs nothing else. */
bool c2_openapi_page(const struct c2_server *server, struct c2_buf *out, struct cat2_error *err);

#endif
