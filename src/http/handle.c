/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of curl: certificates, patience, callbacks, headers. */
#include "http/handle.h"

#include <stdio.h>
#include <string.h>

#include "http/s3_keys.h"

#define NO_BODY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* SHA-256 of nothing */

static void believe(CURL *curl, const struct c2_authorities *authorities)
{
    const char *file = c2_authorities_file(authorities);
    bool check = !authorities || !authorities->insecure;

    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, check ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, check ? 2L : 0L);
    if (check && file) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
    if (check && authorities && authorities->ca[0]) curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

void c2_handle_set(CURL *curl, const struct c2_handle_options *options)
{
    curl_easy_setopt(curl, CURLOPT_URL, options->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    believe(curl, options->authorities);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, options->buffer_nbytes);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, options->connect_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, options->slow_bytes);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, options->slow_s);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, options->agent);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, options->headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, options->reason);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, options->header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, options->ctx);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, options->body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, options->ctx);
    if (options->progress) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, options->progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, options->ctx);
    }
}

static struct curl_slist *append_all(struct curl_slist *list, bool ok, const char *const *headers)
{
    for (const char *const *header = headers; ok && header && *header; header++)
        ok = curl_slist_append(list, *header) != NULL;
    if (ok) return list;
    curl_slist_free_all(list);
    return NULL;
}

struct curl_slist *c2_handle_s3_headers(const char *token, const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "x-amz-content-sha256: " NO_BODY);
    char line[C2_S3_TOKEN_MAX + 32] = "";
    bool ok = list != NULL;

    if (ok && *token) {
        snprintf(line, sizeof(line), "x-amz-security-token: %s", token);
        ok = curl_slist_append(list, line) != NULL;
        explicit_bzero(line, sizeof(line));
    }
    return append_all(list, ok, headers);
}

struct curl_slist *c2_handle_headers(const char *key, bool json, const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    char bearer[600] = "";
    bool ok = list != NULL;

    if (key && *key) snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", key);
    if (ok && *bearer) ok = curl_slist_append(list, bearer) != NULL;
    explicit_bzero(bearer, sizeof(bearer));
    if (ok && json) ok = curl_slist_append(list, "Content-Type: application/json") != NULL;
    return append_all(list, ok, headers);
}

bool c2_handle_fail(CURLcode code, const char *where, const char *reason, struct cat2_error *err)
{
    const char *why = reason[0] ? reason : curl_easy_strerror(code), *advice = "";

    if (code == CURLE_PEER_FAILED_VERIFICATION)
        advice = " (--ca FILE names authorities to believe)";
    else if (code == CURLE_SSL_CACERT_BADFILE)
        advice = " (--ca FILE names authorities; Debian's are in ca-certificates)";
    else if (code == CURLE_SSL_CONNECT_ERROR &&
             (strstr(why, "wrong version number") || strstr(why, "SYSCALL")))
        advice = " (perhaps no TLS is spoken there: http://, not https://)";
    return c2_fail(err, CAT2_EUPSTREAM, "%.60s: %.120s%s", where, why, advice);
}
