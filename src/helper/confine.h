/* SPDX-License-Identifier: BSD-3-Clause */
/* Helper processes that handle what strangers made give up what they never need. */
#ifndef C2_HELPER_CONFINE_H
#define C2_HELPER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

/** From here on this process has `memory_max` bytes of memory (where no sanitizer wants more), writes no file
 * and no core, opens 64 files at most; and it and what it starts cannot write, make or remove files, start
 * programs, use TCP, or signal other processes. Descriptors that are open stay usable. The latter by
 * Landlock: as much of it as the kernel knows (files from 5.13, TCP from 6.7, signals from 6.12). false:
 * nothing of that. Before there are threads. */
bool c2_confine(uint64_t memory_max);

#endif
