/* SPDX-License-Identifier: BSD-3-Clause */
/* Single datasets that are asked for again. */
#ifndef C2_SUBSCRIBER_MIRROR_REFRESH_H
#define C2_SUBSCRIBER_MIRROR_REFRESH_H

#include "subscriber/mirror/mirror.h"

#define C2_SETTLE_MS 150 /* events close together cost one look */
/** Ask for the dataset again, soon, that the event ({"path":...}) names. The root has been listed. false: the
 * root has to be listed again. */
bool c2_sub_refresh(struct c2_root_state *root, struct c2_str event);
void c2_refresh_cancel(struct c2_root_state *root);

#endif
