/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of the programs that ask a subscriber: where it is, whom to believe, the key. */
#ifndef C2_BIN_CLIENT_OPTIONS_H
#define C2_BIN_CLIENT_OPTIONS_H

#include "bin/options.h"
#include "caterva2/client.h"

#define C2_CLIENT_OPTIONS                                                                                     \
    {"host",           'H',           C2_OPT_TEXT,                                                            \
     "localhost:8002", "HOST[:PORT]", "the subscriber to ask, also http[s]://HOST[:PORT][/PATH]",             \
     "subscriber.http"},                                                                                      \
        {"key-file", 0,      C2_OPT_TEXT,                                                                     \
         NULL,       "FILE", "the first line of FILE is the key to show; else that of CATERVA2_KEY",          \
         NULL},                                                                                               \
        {"ca", 0, C2_OPT_TEXT, NULL, "FILE", "https: believe these authorities (PEM; default: the system's)", \
         NULL},                                                                                               \
    {                                                                                                         \
        "insecure", 0, C2_OPT_FLAG, NULL, NULL, "for tests: believe every certificate", ""                    \
    }
/** The subscriber: --host; else, of the configuration's section [subscriber], its public-url if it has a
 * certificate and that, or http. Without a port at 8002. Lives until the next call. */
const char *c2_client_host(const struct c2_options *options);
/** For cat2_client_new(). What is said of --insecure, and of a key that anybody on the way can read, goes to
 * stderr. */
void c2_client_access(const struct c2_options *options, struct cat2_client_options *out);

#endif
