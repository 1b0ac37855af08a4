/* SPDX-License-Identifier: BSD-3-Clause */
/* Events that come while a root is listed. A publisher announces each dataset of a new root while subscribers
 * list it: to list it again for what the list has told already would never end. */
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/refresh.h"
#include "subscriber/mirror/suppliers.h"

#define TOLD_NBYTES_MAX (4 << 20) /* of events during a listing; of more the root is listed again */

void c2_follow_note_event(struct c2_follow *f, struct c2_str data)
{
    struct cat2_error ignored;

    f->root->follow_again = f->root->follow_again || f->told_nbytes + data.n > TOLD_NBYTES_MAX ||
                            !c2_texts_add(&f->told, data, C2_VEC_NO_MAX, "events", &ignored);
    f->told_nbytes += data.n;
}

bool c2_follow_has_missed(struct c2_root_state *root, const struct c2_follow *f)
{
    /* The head of an answer that began with names could not tell whom a mirror has the list from. */
    bool headless = f->named && c2_turn_place(root, &f->turn).mirror;
    bool missed = root->follow_again || headless;

    for (size_t i = 0; i < f->told.n && !missed; i++)
        missed = !c2_refresh_is_known(root, c2_str_of(f->told.p[i]));
    return missed;
}
