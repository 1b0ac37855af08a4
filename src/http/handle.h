/* SPDX-License-Identifier: BSD-3-Clause */
/* What all handles of curl have in common here, whoever runs them. */
#ifndef C2_HTTP_HANDLE_H
#define C2_HTTP_HANDLE_H

#include <curl/curl.h>

#include "http/authorities.h"

struct c2_handle_options {
    const char *url, *agent;
    const struct c2_authorities *authorities; /* NULL: nothing was said */
    struct curl_slist *headers;
    long buffer_nbytes, connect_ms;
    long slow_bytes, slow_s;          /* given up when less came in each of so many seconds */
    char *reason;                     /* why it failed: CURL_ERROR_SIZE bytes */
    curl_write_callback header, body; /* what comes */
    curl_xferinfo_callback progress;  /* at least once a second; may be NULL */
    void *ctx;                        /* of these three */
};
/** Set them, and what is the same for all. */
void c2_handle_set(CURL *curl, const struct c2_handle_options *options);
/** The headers of a request, to be freed; NULL: no memory. key, NULL or "": none is sent; json: that is its
 * body. */
struct curl_slist *c2_handle_headers(const char *key, bool json, const char *const *headers);
/** Those of a request without body that libcurl signs for S3: one that it takes out ("Expect:") would be
 * signed too, and its versions differ in whether they add the hash of the body. token, "": none. */
struct curl_slist *c2_handle_s3_headers(const char *token, const char *const *headers);
/** What a transfer failed with; `where` begins the message, `reason` is curl's or "". Always false.
 * @errors CAT2_EUPSTREAM. */
bool c2_handle_fail(CURLcode code, const char *where, const char *reason, struct cat2_error *err);

#endif
