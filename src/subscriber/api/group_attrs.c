/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/attrs: attributes of a root or a folder of it. */
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/api/api.h"

void c2_handle_attrs(struct c2_request *req, void *state)
{
    c2_sub_reply_attrs(req, state, c2_request_param(req, "path"));
}
