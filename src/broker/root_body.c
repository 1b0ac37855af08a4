/* SPDX-License-Identifier: BSD-3-Clause */
/* The body of POST /api/roots, and what is wrong with it: the answers of 422 name each fault, as FastAPI's
 * do. */
#include "broker/broker_impl.h"
#include "wire/json.h"

struct faults {
    struct c2_jw w;
    int n;
};

/* One {"type","loc","msg","input"}; field NULL: the body as a whole. An absent input is null. */
static void fault(struct faults *f, const char *type, const char *field, const char *msg,
                  struct c2_jval input)
{
    struct c2_jw *w = &f->w;

    f->n++;
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "type", type);
    c2_jw_open_array(w, "loc");
    c2_jw_cstr(w, "body");
    if (field) c2_jw_cstr(w, field);
    c2_jw_end_array(w);
    c2_jw_put_cstr(w, "msg", msg);
    c2_jw_key(w, "input");
    if (c2_jval_kind(input) == C2_JNONE)
        c2_jw_null(w);
    else
        c2_jw_value(w, input);
    c2_jw_end_object(w);
}

static void not_json(struct faults *f, int64_t at, const char *why)
{
    struct c2_jw *w = &f->w;

    f->n++;
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "type", "json_invalid");
    c2_jw_open_array(w, "loc");
    c2_jw_cstr(w, "body");
    c2_jw_int(w, at);
    c2_jw_end_array(w);
    c2_jw_put_cstr(w, "msg", "JSON decode error");
    c2_jw_open_object(w, "input");
    c2_jw_end_object(w);
    c2_jw_open_object(w, "ctx");
    c2_jw_put_cstr(w, "error", why);
    c2_jw_end_object(w);
    c2_jw_end_object(w);
}

/* Text that was sent as something else than JSON. */
static void not_object(struct faults *f, struct c2_jval input, struct c2_str text)
{
    static const char msg[] = "Input should be a valid dictionary or object to extract fields from";
    C2_AUTO(c2_buf) quoted = C2_BUF_INIT(8 * C2_ROOT_BODY_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error ignored;
    struct c2_jw w;

    c2_jw_init(&w, &quoted, C2_JSON_COMPACT, &ignored);
    c2_jw_str(&w, text);
    if (text.p && c2_jw_finish(&w) && c2_json_parse(c2_buf_str(&quoted), &json, &ignored))
        input = c2_json_root(json);
    fault(f, "model_attributes_type", NULL, msg, input);
}

static void take_text(struct faults *f, struct c2_jval root, const char *field, size_t max, char *out)
{
    struct c2_jval value = c2_jget(root, field);
    struct c2_str text;

    if (c2_jval_kind(value) == C2_JNONE)
        fault(f, "missing", field, "Field required", root);
    else if (!c2_jstr(value, &text))
        fault(f, "string_type", field, "Input should be a valid string", value);
    else if (text.n >= max || memchr(text.p, '\0', text.n))
        fault(f, "string_too_long", field, "String is too long, or holds NUL", value);
    else
        memcpy(out, text.p, text.n);
}

static void take_flag(struct faults *f, struct c2_jval value, enum c2_root_flag *out)
{
    static const char *const words[] = {"false", "true", "0", "1", "off", "on",
                                        "no",    "yes",  "n", "y", "f",   "t"};
    struct c2_str text;
    int64_t number;
    bool flag;

    *out = C2_ROOT_NULL;
    if (c2_jval_kind(value) == C2_JNONE || c2_jval_kind(value) == C2_JNULL) return;
    if (c2_jbool(value, &flag) ||
        (c2_jint(value, &number) && (flag = number == 1, number == 0 || number == 1))) {
        *out = flag ? C2_ROOT_TRUE : C2_ROOT_FALSE;
        return;
    }
    for (size_t i = 0; c2_jstr(value, &text) && i < C2_ARRAY_LEN(words); i++)
        if (c2_str_eq_nocase(text, c2_str_of(words[i]))) {
            *out = i % 2 ? C2_ROOT_TRUE : C2_ROOT_FALSE;
            return;
        }
    fault(f, "bool_parsing", "subscribed", "Input should be a valid boolean, unable to interpret input",
          value);
}

bool c2_broker_read_root(struct c2_request *req, struct c2_root *out, enum c2_root_flag *subscribed,
                         struct c2_buf *answer, struct cat2_error *err)
{
    struct c2_bytes bytes = c2_request_body(req);
    struct c2_str body = {(const char *)bytes.p, bytes.n}, type, none = {NULL, 0};
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct faults f = {.n = 0};
    struct c2_jval absent = {NULL};

    *out = (struct c2_root){0};
    c2_jw_init(&f.w, answer, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&f.w);
    c2_jw_open_array(&f.w, "detail");
    if (body.n == 0)
        fault(&f, "missing", NULL, "Field required", absent);
    else if (c2_request_header(req, "Content-Type", &type) && c2_str_starts(type, "text/"))
        not_object(&f, absent, body);
    else if (!c2_json_parse(body, &json, err))
        not_json(&f, (int64_t)body.n, err->message);
    else if (c2_jval_kind(c2_json_root(json)) != C2_JOBJECT)
        not_object(&f, c2_json_root(json), none);
    if (f.n == 0) {
        struct c2_jval root = c2_json_root(json);
        take_text(&f, root, "name", sizeof(out->name), out->name);
        take_text(&f, root, "http", sizeof(out->http), out->http);
        take_flag(&f, c2_jget(root, "subscribed"), subscribed);
        c2_jbool(c2_jget(root, "tls"), &out->tls);
    }
    c2_jw_end_array(&f.w);
    c2_jw_end_object(&f.w);
    bool ok = c2_jw_finish(&f.w);
    if (f.n == 0) c2_buf_clear(answer);
    return ok;
}
