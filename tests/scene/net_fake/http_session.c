/* SPDX-License-Identifier: BSD-3-Clause */
/* Publishers of scenes have directories. What those of object stores would ask is asked of nobody. */
#include "http/remote_file.h"

bool c2_session_init(struct c2_session *session, struct cat2_error *err)
{
    (void)session;
    return c2_fail(err, CAT2_EUNSUPPORTED, "scenes have no object stores");
}

void c2_session_fini(struct c2_session *session)
{
    (void)session;
}

bool c2_exchange_run(struct c2_session *session, struct c2_exchange *http, struct cat2_error *err)
{
    (void)http;
    return c2_session_init(session, err);
}

void c2_exchange_fini(struct c2_exchange *http)
{
    (void)http;
}

bool c2_range_read(struct c2_range_file *file, int64_t off, size_t n, struct c2_buf *out,
                   struct cat2_error *err)
{
    (void)off, (void)n, (void)out;
    return c2_session_init(file->session, err);
}

bool c2_range_ask(struct c2_range_file *file, int64_t *date, struct cat2_error *err)
{
    (void)date;
    return c2_session_init(file->session, err);
}

int64_t c2_http_date(struct c2_str text)
{
    (void)text;
    return -1;
}
