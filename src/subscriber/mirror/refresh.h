/* SPDX-License-Identifier: BSD-3-Clause */
/* Single datasets that are asked for again. */
#ifndef C2_SUBSCRIBER_MIRROR_REFRESH_H
#define C2_SUBSCRIBER_MIRROR_REFRESH_H

#include "subscriber/mirror/mirror.h"

#define C2_SETTLE_MS 150 /* events close together cost one look */
/* The root has to be listed again: single datasets do not tell all. */
typedef void c2_refresh_end(struct c2_root_state *root);
/** Ask for the dataset again, soon, that the event ({"path":...}) names. The root has been listed. false: the
 * root has to be listed again; so says gave_up, called once, when that is seen later. */
bool c2_sub_refresh(struct c2_root_state *root, struct c2_str event, c2_refresh_end *gave_up);
/** Does the event say of which generation its dataset is ("etag", "validator"), and is that the one that is
 * known? Publishers announce all that a listing has brought, too. */
bool c2_refresh_is_known(struct c2_root_state *root, struct c2_str event);
/** Is a dataset at this path, above or beneath it to be asked for, and not for long? */
bool c2_refresh_has(const struct c2_root_state *root, struct c2_str path);
/** Ask now for what was to be asked for soon. */
void c2_refresh_hurry(struct c2_root_state *root);
void c2_refresh_cancel(struct c2_root_state *root);

#endif
