/* SPDX-License-Identifier: BSD-3-Clause */
/* placeholder until the loop is written */
#include "tui/tui.h"
bool c2_tui_run(const struct c2_tui_settings *settings, struct cat2_error *err)
{
    (void)settings;
    return c2_fail(err, CAT2_EUNSUPPORTED, "only --snapshot yet");
}
