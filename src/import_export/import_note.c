/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user of an import is told. */
#include "import_export/import_impl.h"

void c2_import_note(struct c2_importer *im, enum c2_note what, const char *path, const char *text)
{
    if (what == C2_NOTE_SKIPPED) im->counts->skipped++;
    if (what == C2_NOTE_LOST) im->counts->lost++;
    im->options->note(im->options->ctx, what, path, text);
}
