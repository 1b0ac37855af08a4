/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON-RPC-like frames on the broker's WebSocket: one text frame, one message.
 *
 *   {"request": {"method": M, "arguments": {...}, "call_id": C} | null,
 *    "response": {"result": R, "result_type": T, "call_id": C} | null}
 *
 * Both keys are always written; either may be missing on input and extra keys are ignored. call_id is any
 * string, echoed. Our own peers add to "notify"'s subscription: "epoch": str, "seq": int (docs/protocol.md
 * "events"). */
#ifndef C2_WIRE_PUBSUB_H
#define C2_WIRE_PUBSUB_H

#include "wire/json.h"

enum c2_ps_kind { C2_PS_REQUEST, C2_PS_RESPONSE, C2_PS_IGNORED };
struct c2_ps_message {
    enum c2_ps_kind kind;
    struct c2_json *json; /* owns all below */
    struct c2_str call_id;
    struct c2_str method; /* request */
    struct c2_jval arguments;
    struct c2_jval result; /* response */
};
/** Parse one frame. Not JSON -> error; valid JSON that fails the shape above -> kind IGNORED. */
bool c2_ps_parse(struct c2_str text, struct c2_ps_message *out, struct cat2_error *err);
void c2_ps_message_fini(struct c2_ps_message *m);
C2_DEFINE_AUTO(c2_ps_message);

/** Append frames. `arguments`/`data`/`result` are compact JSON texts. */
bool c2_ps_request(struct c2_buf *out, const char *method, struct c2_str arguments, struct c2_str call_id,
                   struct cat2_error *err);
/** The same in parts: begin, write the arguments, end. */
void c2_ps_request_begin(struct c2_jw *w, struct c2_buf *out, const char *method, struct cat2_error *err);
bool c2_ps_request_end(struct c2_jw *w, struct c2_str call_id);
bool c2_ps_response(struct c2_buf *out, struct c2_str result, const char *result_type, struct c2_str call_id,
                    struct cat2_error *err);

#endif
