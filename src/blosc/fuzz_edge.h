/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that ends at a page nobody may touch: shows overruns of a library that was built without sanitizers.
 */
#ifndef C2_BLOSC_FUZZ_EDGE_H
#define C2_BLOSC_FUZZ_EDGE_H

#include <stdint.h>
#include <stdlib.h>

#include <sys/mman.h>

#define EDGE_PAGE 4096

/* Maps once: *base is kept by the caller. Returns n <= max bytes that end at the forbidden page. */
static inline uint8_t *edge(uint8_t **base, size_t max, size_t n)
{
    size_t room = (max + EDGE_PAGE - 1) / EDGE_PAGE * EDGE_PAGE;

    if (!*base) {
        void *p = mmap(NULL, room + EDGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect((uint8_t *)p + room, EDGE_PAGE, PROT_NONE) != 0) abort();
        *base = p;
    }
    return *base + room - n;
}

#endif
