/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose certificates are believed when others are asked by https. */
#ifndef C2_HTTP_AUTHORITIES_H
#define C2_HTTP_AUTHORITIES_H

#include "base/error.h"

#define C2_AUTHORITIES_FILE_MAX 4096 /* bytes of the name of a file: as PATH_MAX */

/* All zero: the authorities that this system trusts. */
struct c2_authorities {
    char ca[C2_AUTHORITIES_FILE_MAX]; /* only the authorities (PEM) in this file; "": not said */
    bool insecure;                    /* every certificate: for tests */
};
/** @param ca  NULL: not said. @errors CAT2_ENOTFOUND, CAT2_EIO the file cannot be read; CAT2_EINVAL both are
 * given, or there is no certificate in it. */
bool c2_authorities_init(struct c2_authorities *authorities, const char *ca, bool insecure,
                         struct cat2_error *err);
/** The file with the authorities: ca, $SSL_CERT_FILE, or where a distribution has its own. NULL: none is
 * there. authorities NULL: nothing was said. */
const char *c2_authorities_file(const struct c2_authorities *authorities);

#endif
