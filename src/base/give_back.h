/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that a process no longer needs. */
#ifndef C2_BASE_GIVE_BACK_H
#define C2_BASE_GIVE_BACK_H

/** Give the system what the C library has free, and take out of this process what only starting has needed of
 * the code and the constants of the program and its libraries. Those pages are of files: they are mapped
 * again when they are used, mostly from the page cache. Any thread; some milliseconds. */
void c2_give_back(void);
/** So much that is free at an end of the heap, of each thread, is not given back while there is work. Before
 * there are threads. */
void c2_give_back_less(int nbytes);
/** Give back what is free at the end of this thread's heap: c2_give_back() does not reach it, but that of the
 * first thread. Any thread; some microseconds. */
void c2_give_back_own(void);

#endif
