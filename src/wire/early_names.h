/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a root that is being listed for the first time. Who asks a publisher for a full list with the
 * header "X-Caterva2-So-Far: 1" is answered at once: with lines {"found":["NAME",...]} while the publisher
 * looks at the root for the first time, and then with the lines of the list. A name may come twice, and
 * datasets may turn out not to be there. With hashes these lines have theirs, but the end of the list does
 * not count them. */
#ifndef C2_WIRE_EARLY_NAMES_H
#define C2_WIRE_EARLY_NAMES_H

#define C2_SO_FAR_WANT "X-Caterva2-So-Far"
#define C2_SO_FAR_KEY  "found"

#endif
