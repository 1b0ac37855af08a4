/* SPDX-License-Identifier: BSD-3-Clause */
/* A line for each request that has ended, at level info, on stderr, of all servers of the process.
 *
 *   common  CLIENT - USER [TIME] "METHOD TARGET VERSION" STATUS BYTES SECONDS ID
 *   json    {"time":...,"service":...,"client":...,"user":...,"method":...,"target":...,"status":...,
 *            "bytes":...,"seconds":...,"id":...}
 *
 * BYTES are those of the body that were sent; when the client has left, those that it has taken. Values of
 * query parameters that are secrets are left out. What a client may have made up cannot end a line or a
 * field. Loop thread only. */
#ifndef C2_NET_ACCESS_LOG_H
#define C2_NET_ACCESS_LOG_H

#include "net/server.h"

enum c2_access_format { C2_ACCESS_OFF, C2_ACCESS_COMMON, C2_ACCESS_JSON };
/** Lines are gathered while the loop is at work, and written in one go before it waits. @errors CAT2_ENOMEM.
 */
bool c2_access_log_start(struct c2_loop *loop, enum c2_access_format format, struct cat2_error *err);
/** Write what is gathered; before the loop is freed. */
void c2_access_log_stop(void);
/** A request has ended. */
void c2_access_log(struct c2_request *req, int64_t us);
/** The line, with its end; for c2_access_log() and tests. */
struct c2_access_entry {
    const char *client, *user, *method, *target, *version, *id, *service, *root; /* NULL: not known */
    int status;
    uint64_t nbytes;
    int64_t us, wall_ms;
};
bool c2_access_line(const struct c2_access_entry *entry, enum c2_access_format format, struct c2_buf *out,
                    struct cat2_error *err);

#endif
