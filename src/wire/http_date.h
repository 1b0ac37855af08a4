/* SPDX-License-Identifier: BSD-3-Clause */
/* Dates of headers: "Fri, 27 Nov 2026 15:46:31 GMT" (RFC 9110, 5.6.7). Any thread. */
#ifndef C2_WIRE_HTTP_DATE_H
#define C2_WIRE_HTTP_DATE_H

#include <stdint.h>

#include "base/limits.h"

/** Of seconds since 1970; a time that no calendar has gives "". */
void c2_http_date_text(int64_t seconds, char out[C2_REMOTE_MODIFIED_MAX]);

#endif
