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
void c2_refresh_cancel(struct c2_root_state *root);

#endif
