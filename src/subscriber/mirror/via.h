/* SPDX-License-Identifier: BSD-3-Clause */
/* Through which subscribers a root comes, so that a circle of them is noticed: each answers for a list, also
 * when there is none yet, with its own name and those that it was told, the nearest first. */
#ifndef C2_SUBSCRIBER_MIRROR_VIA_H
#define C2_SUBSCRIBER_MIRROR_VIA_H

#include "subscriber/mirror/mirror.h"

#define C2_VIA_HEADER "X-Caterva2-Via"

/** Who answers for the root names itself, and whom it was told. */
void c2_via_say(struct c2_request *req, struct c2_root_state *root);
/** Note what an answer for the list says, which this turn brought. false: we are among them, or there are too
 * many; nothing is asked of this source then, for it would ask us. */
bool c2_via_take(struct c2_root_state *root, const struct c2_turn *turn, const struct c2_http_reply *reply,
                 struct cat2_error *err);
/** May the first source be asked? @errors CAT2_EUPSTREAM when the root comes in a circle. */
bool c2_via_may_ask(const struct c2_root_state *root, struct cat2_error *err);

#endif
