/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of cat2plug: one plugin, asked over a socket. */
#ifndef C2_PLUGIN_SERVE_H
#define C2_PLUGIN_SERVE_H

#include "base/error.h"

/** Load the plugin and answer until the other side closes. @errors CAT2_EIO the plugin, or the socket. */
bool c2_plug_serve(int fd, const char *filename, struct cat2_error *err);

#endif
