/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages for fresh memory that is about to be filled (docs/decisions/0012-python-extension.md). To have them
 * made some at a time is cheaper than a fault each, and they are still in the processor's cache when they are
 * filled. Huge pages are the cheapest while the kernel has some; where it must first make room for one, the
 * rest is done without. */
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "client/internal.h"

#define POPULATE_WRITE 23 /* MADV_POPULATE_WRITE of Linux 5.14; an older kernel waits for the faults */
#define NBYTES_MIN     (1u << 20)   /* less comes out of memory that has pages already */
#define PAGE_NBYTES    4096u        /* more where pages are larger: then two madvise()s less do something */
#define SOME_NBYTES    (512u << 10) /* at a time where pages are small */
#define HUGE_NBYTES    (2u << 20)   /* a huge page of x86-64 and of most others */
#define HUGE_SLOW_US   500          /* what 2 MiB of small pages take */

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uintptr_t up(uintptr_t address, uintptr_t unit)
{
    return (address + unit - 1) & ~(unit - 1);
}

void c2_pages_make(struct c2_pages *pages, size_t upto)
{
    uintptr_t base = (uintptr_t)pages->memory, stop = base + pages->n;

    while (pages->n >= NBYTES_MIN && pages->ready < upto) {
        uintptr_t at = base + pages->ready;
        uintptr_t end = up(at + 1, pages->small_pages ? SOME_NBYTES : HUGE_NBYTES),
                  start = up(at, PAGE_NBYTES);
        if (end > stop) end = stop;
        bool huge = end - start == HUGE_NBYTES;
        int64_t began = huge ? now_us() : 0;
        if (huge) madvise((void *)start, HUGE_NBYTES, MADV_HUGEPAGE);
        if (end > start) madvise((void *)start, end - start, POPULATE_WRITE);
        if (huge && now_us() - began > HUGE_SLOW_US) pages->small_pages = true;
        pages->ready = end - base;
    }
}
