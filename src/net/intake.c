/* SPDX-License-Identifier: BSD-3-Clause */
/* A request of the usual kind, whole and alone, is judged where libmicrohttpd wants it and not copied. */
#include "net/intake.h"

#include <string.h>

#define BLOCK     16384      /* read at a time when it has to be looked through */
#define READY_MAX (1u << 20) /* more than can be ready: what is read at once, and a head */
#define EMPTY_MAX 8          /* lines before a request: they are nobody's, and without an end */
#define DROP_MAX  16         /* blocks after a refusal: a client that goes on reads its answer late */
#define INSTEAD   "GET /refused HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n"
#define END       "0\r\n\r\n" /* of a chunked body */

void c2_intake_init(struct c2_intake *in)
{
    *in = (struct c2_intake){0};
    c2_buf_init(&in->part, C2_HEAD_MAX + BLOCK);
    c2_buf_init(&in->ready, READY_MAX);
}

void c2_intake_fini(struct c2_intake *in)
{
    c2_buf_fini(&in->part);
    c2_buf_fini(&in->ready);
}

bool c2_intake_has_part_of_head(const struct c2_intake *in)
{
    return in->state == C2_IN_HEAD && in->part.n > 0;
}

bool c2_intake_awaits_body(const struct c2_intake *in)
{
    return in->state >= C2_IN_BODY && in->state <= C2_IN_TRAILER;
}

int c2_intake_refused(const struct c2_intake *in, uint64_t nth, const char **why)
{
    if (in->state != C2_IN_REFUSED || nth != in->nheads) return 0;
    *why = in->why;
    return in->status;
}

/* ---- what follows a head ---- */

static void forget_part(struct c2_intake *in)
{
    c2_buf_fini(&in->part);
    in->scanned = 0;
}

static bool pass(struct c2_intake *in, const void *bytes, size_t n)
{
    struct cat2_error err;

    return c2_buf_append(&in->ready, bytes, n, &err);
}

static bool pass_text(struct c2_intake *in, const char *text)
{
    return pass(in, text, strlen(text));
}

/* The server answers what is passed on here, and closes the connection. */
static void refuse(struct c2_intake *in, int status, const char *why)
{
    enum c2_intake_state was = in->state;

    in->state = C2_IN_REFUSED;
    in->status = status;
    in->why = why;
    forget_part(in);
    if (was == C2_IN_HEAD) {
        in->nheads++;
        pass_text(in, INSTEAD);
    } else {
        if (was == C2_IN_CHUNK_END) pass_text(in, "\r\n");
        pass_text(in, END);
    }
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Blanks at the end of a value come to its beginning: libmicrohttpd takes them for a part of it there, and
 * would find another end of the request than we. */
static void trim_line(uint8_t *line, size_t n)
{
    uint8_t *colon = memchr(line, ':', n);
    size_t blanks = 0;

    while (colon && blanks < n && is_blank(line[n - 1 - blanks]))
        blanks++;
    if (!blanks) return;
    memmove(colon + 1 + blanks, colon + 1, (size_t)(line + n - blanks - colon) - 1);
    memset(colon + 1, ' ', blanks);
}

/* Every LF has its CR (c2_head_end). */
static void trim_values(uint8_t *text, size_t n)
{
    uint8_t *line = text, *lf;

    while ((lf = memchr(line, '\n', n - (size_t)(line - text)))) {
        if (lf - line > 2 && is_blank(lf[-2])) trim_line(line, (size_t)(lf - line) - 1);
        line = lf + 1;
    }
}

/* libmicrohttpd does not answer what expects 100 (Continue) when more has already come, and need not tell
 * whoever has no body to go on with it (RFC 9110, 10.1.1). */
static void drop_expectations(uint8_t *text, size_t n)
{
    static const char name[] = "\nExpect:";
    size_t length = sizeof(name) - 1;

    for (uint8_t *at = text; (at = memchr(at, '\n', n - (size_t)(at - text))); at++) {
        if (n - (size_t)(at - text) < length) return;
        if (!c2_str_eq_nocase((struct c2_str){(const char *)at, length}, C2_STR(name))) continue;
        for (uint8_t *value = at + length; *value != '\r'; value++)
            *value = ' ';
    }
}

/* `text` is a head that is passed on. */
static void expect_after(struct c2_intake *in, uint8_t *text, size_t n, const struct c2_head *head)
{
    if (head->query) text[head->query] = C2_INTAKE_QUERY;
    if (head->expects && head->framing == C2_FRAMING_NONE) drop_expectations(text, n);
    trim_values(text, n);
    in->nheads++;
    in->nempty = 0;
    in->left = head->length;
    in->state = head->upgrade                         ? C2_IN_RAW
                : head->framing == C2_FRAMING_LENGTH  ? C2_IN_BODY
                : head->framing == C2_FRAMING_CHUNKED ? C2_IN_CHUNK_LINE
                                                      : C2_IN_HEAD;
}

/* ---- bytes that have to be looked through ---- */

/* Add to the part what may belong to it; how many bytes those are. 0: no memory. */
static size_t gather(struct c2_intake *in, struct c2_bytes bytes, size_t most)
{
    struct cat2_error err;
    size_t n = bytes.n < most ? bytes.n : most;

    if (!c2_buf_append(&in->part, bytes.p, n, &err)) {
        refuse(in, 503, "out of memory");
        return 0;
    }
    return n;
}

/* What of `n` gathered bytes comes after the part's end, at `end`. */
static size_t used(const struct c2_intake *in, size_t n, int64_t end)
{
    return n - (in->part.n - (size_t)end);
}

static size_t take_head(struct c2_intake *in, struct c2_bytes bytes)
{
    const char *why = "", *why_not_begun = "";
    struct c2_head head;
    size_t n = gather(in, bytes, C2_HEAD_MAX + 1 - in->part.n);

    if (!n) return bytes.n;
    int64_t end = c2_head_end(c2_buf_bytes(&in->part), &in->scanned, &why);
    int status = c2_head_begins(c2_buf_bytes(&in->part), &why_not_begun);
    if (end <= 0) { /* in whatever pieces it comes, it is refused for the same reason */
        if (end < 0 && status != 414)
            refuse(in, 400, why);
        else if (status)
            refuse(in, status, why_not_begun);
        return n;
    }
    n = used(in, n, end);
    if (end == 2) { /* an empty line before a request, as of clients that end bodies with one */
        forget_part(in);
        if (++in->nempty > EMPTY_MAX) refuse(in, 400, "there are only empty lines where a request is due");
        return n;
    }
    struct c2_bytes text = {in->part.p, (size_t)end};
    size_t at = in->ready.n;
    status = c2_head_judge(text, &head, &why);
    if (!status && !pass(in, text.p, text.n)) status = 503;
    if (status) {
        refuse(in, status, why);
        return n;
    }
    forget_part(in);
    expect_after(in, in->ready.p + at, text.n, &head);
    return n;
}

/* A line that ends with CR LF; its length without them in *length. 0: `n` were taken, and it is not whole.
 */
static bool take_line(struct c2_intake *in, struct c2_bytes bytes, size_t most, size_t *n, size_t *length)
{
    const uint8_t *lf = memchr(bytes.p, '\n', bytes.n);

    *n = gather(in, bytes, lf ? (size_t)(lf + 1 - bytes.p) : bytes.n < most ? bytes.n : most + 1);
    if (!*n) {
        *n = bytes.n;
        return false;
    }
    if (in->part.n > most) {
        refuse(in, 400, "a line of the request's chunked body is too long");
        return false;
    }
    if (in->part.p[in->part.n - 1] != '\n') return false;
    if (in->part.n < 2 || in->part.p[in->part.n - 2] != '\r') {
        refuse(in, 400, "a line of the request's chunked body ends with LF alone, not with CR LF");
        return false;
    }
    *length = in->part.n - 2;
    return true;
}

/* Extensions are not passed on. */
static size_t take_chunk_line(struct c2_intake *in, struct c2_bytes bytes)
{
    struct cat2_error err;
    const char *why = "";
    uint64_t size = 0;
    size_t n, length;

    if (!take_line(in, bytes, C2_CHUNK_LINE_MAX, &n, &length)) return n;
    int status = c2_chunk_line((struct c2_bytes){in->part.p, length}, &size, &why);
    if (!status && size > 0 && !c2_buf_printf(&in->ready, &err, "%llx\r\n", (unsigned long long)size))
        status = 503;
    if (status) {
        refuse(in, status, why);
        return n;
    }
    forget_part(in);
    in->left = size;
    in->state = size ? C2_IN_CHUNK : C2_IN_TRAILER;
    return n;
}

static size_t take_chunk_end(struct c2_intake *in, struct c2_bytes bytes)
{
    size_t n = gather(in, bytes, 2 - in->part.n);

    if (!n) return bytes.n;
    if (in->part.p[0] != '\r' || (in->part.n > 1 && in->part.p[1] != '\n')) {
        refuse(in, 400, "a chunk of the request's body does not end where its size says");
    } else if (in->part.n == 2) {
        forget_part(in);
        pass_text(in, "\r\n");
        in->state = C2_IN_CHUNK_LINE;
    }
    return n;
}

/* Fields after the body are judged, and not passed on. */
static size_t take_trailer(struct c2_intake *in, struct c2_bytes bytes)
{
    const char *why = "";
    size_t n = gather(in, bytes, C2_TRAILER_MAX + 1 - in->part.n);

    if (!n) return bytes.n;
    int64_t end = c2_head_end(c2_buf_bytes(&in->part), &in->scanned, &why);
    if (end == 0 && in->part.n > C2_TRAILER_MAX) {
        why = "the fields after the request's chunked body are longer than 4096 bytes";
        end = -1;
    }
    if (end > 0) n = used(in, n, end);
    if (end > 0 && c2_trailer_judge((struct c2_bytes){in->part.p, (size_t)end}, &why)) end = -1;
    if (end < 0) {
        refuse(in, 400, why);
    } else if (end > 0) {
        forget_part(in);
        pass_text(in, END);
        in->state = C2_IN_HEAD;
    }
    return n;
}

static size_t take_body(struct c2_intake *in, struct c2_bytes bytes)
{
    size_t n = bytes.n < in->left ? bytes.n : (size_t)in->left;

    if (!pass(in, bytes.p, n)) {
        in->state = C2_IN_REFUSED; /* the body never ends: the connection's clock sees to that */
        return bytes.n;
    }
    in->nbody += n;
    in->left -= n;
    if (in->left == 0) in->state = in->state == C2_IN_BODY ? C2_IN_HEAD : C2_IN_CHUNK_END;
    return n;
}

static size_t take(struct c2_intake *in, struct c2_bytes bytes)
{
    switch (in->state) {
    case C2_IN_HEAD:
        return take_head(in, bytes);
    case C2_IN_BODY:
    case C2_IN_CHUNK:
        return take_body(in, bytes);
    case C2_IN_CHUNK_LINE:
        return take_chunk_line(in, bytes);
    case C2_IN_CHUNK_END:
        return take_chunk_end(in, bytes);
    case C2_IN_TRAILER:
        return take_trailer(in, bytes);
    case C2_IN_RAW:
        pass(in, bytes.p, bytes.n);
        return bytes.n;
    case C2_IN_REFUSED:
        return bytes.n;
    }
    return bytes.n;
}

static void feed(struct c2_intake *in, const uint8_t *bytes, size_t n)
{
    size_t at = 0;

    while (at < n)
        at += take(in, (struct c2_bytes){bytes + at, n - at});
}

/* ---- reading ---- */

/* What is ready, as far as there is room; how much that was. */
static size_t drain(struct c2_intake *in, uint8_t *to, size_t room)
{
    size_t n = in->ready.n - in->ready_at;

    if (n > room) n = room;
    if (!n) return 0;
    memcpy(to, in->ready.p + in->ready_at, n);
    in->ready_at += n;
    if (in->ready_at == in->ready.n) {
        c2_buf_fini(&in->ready);
        in->ready_at = 0;
    }
    return n;
}

/* Just read into place: one whole head and nothing else? */
static bool is_plain_request(struct c2_intake *in, uint8_t *bytes, size_t n)
{
    struct c2_head head;
    const char *why;
    size_t scanned = 0;

    if (c2_head_end((struct c2_bytes){bytes, n}, &scanned, &why) != (int64_t)n || n == 2) return false;
    if (c2_head_judge((struct c2_bytes){bytes, n}, &head, &why)) return false;
    expect_after(in, bytes, n, &head);
    return true;
}

/* What one reading of the source came to. */
struct reading {
    int64_t n;
    bool full;   /* there may be more */
    bool passed; /* it stays where it was read to */
};

/* Bytes that need no copying are read to their place. */
static struct reading read_in_place(struct c2_intake *in, c2_intake_source *source, void *ctx, uint8_t *to,
                                    size_t room)
{
    bool counted = in->state == C2_IN_BODY || in->state == C2_IN_CHUNK;
    size_t most = counted && in->left < room ? (size_t)in->left : room;
    struct reading r = {.n = source(ctx, to, most)};

    if (r.n <= 0) return r;
    r.full = (size_t)r.n == most;
    if (in->state == C2_IN_RAW) {
        r.passed = true;
    } else if (in->state == C2_IN_HEAD) {
        r.passed = is_plain_request(in, to, (size_t)r.n);
    } else if (in->state == C2_IN_BODY && (uint64_t)r.n < in->left) {
        in->nbody += (uint64_t)r.n;
        in->left -= (uint64_t)r.n;
        r.passed = true;
    }
    if (!r.passed) feed(in, to, (size_t)r.n);
    return r;
}

static struct reading read_aside(struct c2_intake *in, c2_intake_source *source, void *ctx)
{
    uint8_t block[BLOCK];
    int64_t n = source(ctx, block, sizeof(block));

    if (n > 0) feed(in, block, (size_t)n);
    return (struct reading){.n = n, .full = n == BLOCK};
}

int64_t c2_intake_read(struct c2_intake *in, c2_intake_source *source, void *ctx, uint8_t *to, size_t room)
{
    size_t got = drain(in, to, room);
    int ndropped = 0;

    while (got < room) {
        bool in_place = got == 0 && !in->part.n && in->state != C2_IN_REFUSED;
        struct reading r = in_place ? read_in_place(in, source, ctx, to, room) : read_aside(in, source, ctx);
        if (r.passed) return r.n;
        if (r.n <= 0 && in->state == C2_IN_REFUSED) r.n = C2_INTAKE_AGAIN; /* it is being answered */
        if (r.n <= 0) return got ? (int64_t)got : r.n;
        got += drain(in, to + got, room - got);
        if (got > 0 && !r.full) break;
        if (in->state == C2_IN_REFUSED && !got && ++ndropped > DROP_MAX) return C2_INTAKE_AGAIN;
    }
    return (int64_t)got;
}
