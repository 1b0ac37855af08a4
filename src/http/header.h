/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of an answer, whoever fetched it. */
#ifndef C2_HTTP_HEADER_H
#define C2_HTTP_HEADER_H

#include "base/str.h"

/** The first of this name, any case, of raw "Name: value\r\n..." lines. */
bool c2_header_of(struct c2_str headers, const char *name, struct c2_str *out);

#endif
