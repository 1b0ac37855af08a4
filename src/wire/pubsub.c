/* SPDX-License-Identifier: BSD-3-Clause */
/* Pub/sub frames, read and written. */
#include "wire/pubsub.h"

void c2_ps_message_fini(struct c2_ps_message *m)
{
    c2_json_free(m->json);
    *m = (struct c2_ps_message){.kind = C2_PS_IGNORED};
}

static bool read_request(struct c2_jval request, struct c2_ps_message *out)
{
    out->arguments = c2_jget(request, "arguments");
    if (!c2_jstr(c2_jget(request, "method"), &out->method)) return false;
    enum c2_jkind kind = c2_jval_kind(out->arguments);
    if (kind != C2_JOBJECT && kind != C2_JNONE && kind != C2_JNULL) return false;
    c2_jstr(c2_jget(request, "call_id"), &out->call_id);
    out->kind = C2_PS_REQUEST;
    return true;
}

static void read_response(struct c2_jval response, struct c2_ps_message *out)
{
    out->result = c2_jget(response, "result");
    if (c2_jstr(c2_jget(response, "call_id"), &out->call_id)) out->kind = C2_PS_RESPONSE;
}

bool c2_ps_parse(struct c2_str text, struct c2_ps_message *out, struct cat2_error *err)
{
    *out = (struct c2_ps_message){.kind = C2_PS_IGNORED};
    if (!c2_json_parse(text, &out->json, err)) return false;
    struct c2_jval root = c2_json_root(out->json);
    struct c2_jval request = c2_jget(root, "request"), response = c2_jget(root, "response");
    if (c2_jval_kind(request) == C2_JOBJECT)
        read_request(request, out);
    else if (c2_jval_kind(response) == C2_JOBJECT)
        read_response(response, out);
    return true;
}

void c2_ps_request_begin(struct c2_jw *w, struct c2_buf *out, const char *method, struct cat2_error *err)
{
    c2_jw_init(w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(w);
    c2_jw_open_object(w, "request");
    c2_jw_put_cstr(w, "method", method);
    c2_jw_key(w, "arguments");
}

bool c2_ps_request_end(struct c2_jw *w, struct c2_str call_id)
{
    c2_jw_put_str(w, "call_id", call_id);
    c2_jw_end_object(w);
    c2_jw_put_null(w, "response");
    c2_jw_end_object(w);
    return c2_jw_finish(w);
}

bool c2_ps_request(struct c2_buf *out, const char *method, struct c2_str arguments, struct c2_str call_id,
                   struct cat2_error *err)
{
    struct c2_jw w;

    c2_ps_request_begin(&w, out, method, err);
    c2_jw_raw(&w, arguments);
    return c2_ps_request_end(&w, call_id);
}

bool c2_ps_response(struct c2_buf *out, struct c2_str result, const char *result_type, struct c2_str call_id,
                    struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_null(&w, "request");
    c2_jw_open_object(&w, "response");
    c2_jw_put_raw(&w, "result", result);
    c2_jw_put_cstr(&w, "result_type", result_type);
    c2_jw_put_str(&w, "call_id", call_id);
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}
