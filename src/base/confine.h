/* SPDX-License-Identifier: BSD-3-Clause */
/* Helper processes that handle what strangers made give up what they never need. */
#ifndef C2_BASE_CONFINE_H
#define C2_BASE_CONFINE_H

#include <stdbool.h>

/** From here on this process, and what it starts, cannot write, make or remove files, start programs, use
 * TCP, or signal other processes; descriptors that are open stay usable. By Landlock: as much of it as the
 * kernel knows (files from 5.13, TCP from 6.7, signals from 6.12). false: nothing. Before there are threads.
 */
bool c2_confine(void);

#endif
