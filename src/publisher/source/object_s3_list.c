/* SPDX-License-Identifier: BSD-3-Clause */
/* ListObjectsV2, a page. */
#include <stdio.h>
#include <time.h>

#include "publisher/source/object_listing.h"
#include "wire/http_date.h"
#include "wire/xml.h"

#define IN_LIST   "ListBucketResult/"
#define IN_OBJECT IN_LIST "Contents/"

/* What is known of the object so far. */
struct page {
    struct c2_xml xml;
    struct c2_buf key, text;
    struct c2_object_state state;
    int64_t mtime_ms;
    bool truncated;
    struct c2_buf *next;
    c2_s3_object *sink;
    void *ctx;
};

static bool two(const char *at, int *out)
{
    if (!c2_is_digit(at[0]) || !c2_is_digit(at[1])) return false;
    *out = 10 * (at[0] - '0') + at[1] - '0';
    return true;
}

int64_t c2_iso_ms(struct c2_str text)
{
    static const char FORM[] = "0000-00-00T00:00:00";
    struct tm tm = {0};
    int century, year;

    if (text.n < sizeof(FORM) || text.p[text.n - 1] != 'Z') return -1;
    for (size_t i = 0; i < sizeof(FORM) - 1; i++)
        if (FORM[i] != '0' && text.p[i] != FORM[i]) return -1;
    if (!two(text.p, &century) || !two(text.p + 2, &year) || !two(text.p + 5, &tm.tm_mon) ||
        !two(text.p + 8, &tm.tm_mday) || !two(text.p + 11, &tm.tm_hour) || !two(text.p + 14, &tm.tm_min) ||
        !two(text.p + 17, &tm.tm_sec))
        return -1;
    tm.tm_year = 100 * century + year - 1900;
    tm.tm_mon--;
    return 1000 * (int64_t)timegm(&tm);
}

/* Quoted, as in headers; some stores leave the quotes out. */
static bool take_etag(struct page *p, struct cat2_error *err)
{
    struct c2_str text = c2_buf_str(&p->text);
    size_t size = sizeof(p->state.etag);

    if (text.n + 3 > size || !c2_str_is_visible(text)) return true; /* as good as none */
    bool quoted = c2_str_starts(text, "\"") || c2_str_starts(text, "W/");
    snprintf(p->state.etag, size, quoted ? "%.*s" : "\"%.*s\"", C2_STR_ARG(text));
    (void)err;
    return true;
}

static bool take_text(struct page *p, struct c2_str text, struct cat2_error *err)
{
    c2_buf_clear(&p->text);
    if (!c2_xml_decode(text, &p->text, err)) return false;
    struct c2_str plain = c2_buf_str(&p->text);
    if (c2_xml_is_at(&p->xml, IN_OBJECT "Key")) return c2_buf_append_str(&p->key, plain, err);
    if (c2_xml_is_at(&p->xml, IN_OBJECT "ETag")) return take_etag(p, err);
    if (c2_xml_is_at(&p->xml, IN_OBJECT "Size"))
        return (c2_str_to_i64(plain, &p->state.nbytes) && p->state.nbytes >= 0) ||
               c2_fail(err, CAT2_EDATA, "the list has a size that is none");
    if (c2_xml_is_at(&p->xml, IN_OBJECT "LastModified")) {
        p->mtime_ms = c2_iso_ms(plain);
        return p->mtime_ms >= 0 || c2_fail(err, CAT2_EDATA, "the list has a time that is none");
    }
    if (c2_xml_is_at(&p->xml, IN_LIST "IsTruncated")) p->truncated = c2_str_is(plain, "true");
    if (c2_xml_is_at(&p->xml, IN_LIST "NextContinuationToken")) return c2_buf_append_str(p->next, plain, err);
    return true;
}

/* Without an etag the time tells: as the header would say it. */
static void say_time(struct page *p)
{
    if (!p->state.etag[0]) c2_http_date_text(p->mtime_ms / 1000, p->state.modified);
}

static bool end_object(struct page *p, struct cat2_error *err)
{
    struct c2_str key = c2_buf_str(&p->key);

    if (key.n == 0 || p->state.nbytes < 0 || p->mtime_ms < 0)
        return c2_fail(err, CAT2_EDATA, "the list has an object without key, size or time");
    say_time(p);
    return c2_str_ends(key, "/") || p->sink(p->ctx, key, &p->state, p->mtime_ms, err);
}

static bool read_page(struct page *p, struct cat2_error *err)
{
    struct c2_xml_event event;
    bool ok = true, list = false;

    while (ok && c2_xml_next(&p->xml, &event, err) && event.kind != C2_XML_END) {
        bool object = c2_xml_is_at(&p->xml, IN_LIST "Contents");
        list = list || c2_xml_is_at(&p->xml, "ListBucketResult");
        if (event.kind == C2_XML_OPEN && object) {
            c2_buf_clear(&p->key);
            p->state = (struct c2_object_state){.nbytes = -1};
            p->mtime_ms = -1;
        }
        if (event.kind == C2_XML_TEXT) ok = take_text(p, event.text, err);
        if (event.kind == C2_XML_CLOSE && c2_str_is(event.text, "Contents") &&
            c2_xml_is_at(&p->xml, "ListBucketResult"))
            ok = end_object(p, err);
    }
    if (!ok || event.kind != C2_XML_END) return false;
    return list || c2_fail(err, CAT2_EDATA, "the answer is no list of objects");
}

bool c2_s3_page(struct c2_str xml, struct c2_buf *next, c2_s3_object *sink, void *ctx, struct cat2_error *err)
{
    struct page p = {.xml = c2_xml_of(xml), .next = next, .sink = sink, .ctx = ctx};

    c2_buf_init(&p.key, 4 * C2_OBJECT_KEY_MAX);
    c2_buf_init(&p.text, 4 * C2_OBJECT_KEY_MAX);
    bool ok = read_page(&p, err);
    c2_buf_fini(&p.key);
    c2_buf_fini(&p.text);
    if (ok && p.truncated && next->n == 0)
        return c2_fail(err, CAT2_EDATA, "the list goes on, but does not say where");
    if (!p.truncated) c2_buf_clear(next);
    return ok;
}
