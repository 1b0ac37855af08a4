/* SPDX-License-Identifier: BSD-3-Clause */
/* Which system calls a helper process may make: seccomp, with a filter of our own
 * (docs/decisions/0021-system-calls.md). */
#ifndef C2_HELPER_SYSCALLS_H
#define C2_HELPER_SYSCALLS_H

#include <stdbool.h>

/** From here on this process, its threads and what they load may read files, use memory and talk over the
 * descriptors that are open. No sockets, programs, processes, signals to others, ptrace, no writing to files
 * by name. Any other call fails with EPERM, and standard error is told its name, once for each.
 * writes_guarded: Landlock refuses writing, too; without it openat2(), whose flags no filter can see, fails
 * with ENOSYS. false: *why (static) says why there is no filter. Before there are threads. */
bool c2_syscalls_restrict(bool writes_guarded, const char **why);

#endif
