/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames from strangers are taken or refused; what is taken can be sent on and reads back the same. */
#include "base/limits.h"
#include "wire/pubsub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_on(const struct c2_ps_message *in)
{
    struct cat2_error err;
    struct c2_jval payload = in->kind == C2_PS_REQUEST ? in->arguments : in->result;
    C2_AUTO(c2_buf) compact = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_buf) frame = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_buf) method = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_ps_message) again = {0};

    C2_ASSERT(c2_json_print(payload, C2_JSON_COMPACT, &compact, &err));
    C2_ASSERT(c2_buf_append_str(&method, in->method, &err));
    if (in->kind == C2_PS_REQUEST)
        C2_ASSERT(c2_ps_request(&frame, c2_buf_cstr(&method), c2_buf_str(&compact), in->call_id, &err));
    else
        C2_ASSERT(c2_ps_response(&frame, c2_buf_str(&compact), "any", in->call_id, &err));
    C2_ASSERT(c2_ps_parse(c2_buf_str(&frame), &again, &err));
    C2_ASSERT(again.kind == in->kind && c2_str_eq(again.call_id, in->call_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    C2_AUTO(c2_ps_message) message = {0};

    if (!c2_ps_parse((struct c2_str){(const char *)data, size}, &message, &err)) return 0;
    if (message.kind != C2_PS_IGNORED) send_on(&message);
    return 0;
}
