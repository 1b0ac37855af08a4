/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a service keeps its state when --statedir does not say: a directory of its own for every name, so
 * that several services run in one folder. What an earlier version kept without the name is taken over. */
#ifndef C2_BIN_STATEDIR_H
#define C2_BIN_STATEDIR_H

#include "bin/options.h"
#include "state/state.h"

#define C2_STATEDIR_MAX 4200 /* the end of the text included */

/** --statedir, else _caterva2/pub.NAME; _caterva2/pub is moved there when the root `name` at path `root` was
 * published from it. kind: of a publisher's state. @errors CAT2_EINVAL too long; CAT2_EIO. */
bool c2_statedir_publisher(const struct c2_options *options, const struct c2_state_kind *kind,
                           const char *name, const char *root, char out[C2_STATEDIR_MAX],
                           struct cat2_error *err);
/** --statedir, else _caterva2/serve.NAME, NAME that of the first root; _caterva2/serve is moved there when
 * that root was served from it. */
bool c2_statedir_serve(const struct c2_options *options, const char *name, char out[C2_STATEDIR_MAX],
                       struct cat2_error *err);
/** --statedir, else _caterva2/sub, with --id _caterva2/sub.ID. */
bool c2_statedir_subscriber(const struct c2_options *options, char out[C2_STATEDIR_MAX],
                            struct cat2_error *err);

#endif
