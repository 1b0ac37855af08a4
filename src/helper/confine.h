/* SPDX-License-Identifier: BSD-3-Clause */
/* Helper processes that handle what strangers made give up what they never need. */
#ifndef C2_HELPER_CONFINE_H
#define C2_HELPER_CONFINE_H

#include <stdint.h>

/** From here on this process has `memory_max` bytes of memory (where no sanitizer wants more), writes no file
 * and no core, opens 64 files at most. It cannot write, make or remove files, start programs, make sockets or
 * signal other processes: by a filter of system calls (syscalls.h), and by Landlock, which is asked to refuse
 * the same where a call does not tell, as much of it as the kernel knows (files from 5.13, TCP from 6.7,
 * signals from 6.12). Where there is Landlock and `readable` is not NULL, it reads only what is beneath that
 * folder, where libraries are, and what LD_LIBRARY_PATH, HDF5_PLUGIN_PATH and
 * CATERVA2_CODEC_PATH name. Descriptors that are open stay usable. What this kernel or a container does not
 * let it give up is said on standard error. Before there are threads. */
void c2_confine(uint64_t memory_max, const char *readable);

#endif
