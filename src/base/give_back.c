/* SPDX-License-Identifier: BSD-3-Clause */
/* What was never written of a file that is mapped is the file's: it can be unmapped at any time. That holds
 * for the segments that are not writable. What the loader relocates lies in those that are. */
#include "base/give_back.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static int unmap_constants(struct dl_phdr_info *object, size_t size, void *ctx)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size, (void)ctx;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t from = object->dlpi_addr + segment->p_vaddr;
        uintptr_t to = (from + segment->p_filesz + page - 1) & ~(page - 1);
        from &= ~(page - 1);
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        if (getauxval(AT_SYSINFO_EHDR) == from) continue; /* the kernel's own, of no file */
        (void)!madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 0;
}

static int kept_nbytes = 128 << 10; /* M_TRIM_THRESHOLD, as it is from the start */

void c2_give_back_less(int nbytes)
{
    kept_nbytes = nbytes;
    mallopt(M_TRIM_THRESHOLD, nbytes);
}

/* The end of a heap is cut when something of more than 64 KiB is freed there, if what is unused is more than
 * the threshold. FREED is more, and less than what is mapped for itself. */
#define FREED   (96 << 10)
#define PADDING (128 << 10) /* M_TOP_PAD, as it is from the start */

void c2_give_back_own(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the settings are everybody's */

    pthread_mutex_lock(&lock);
    mallopt(M_TRIM_THRESHOLD, 0);
    mallopt(M_TOP_PAD, 0);
    void *volatile freed = malloc(FREED); /* volatile: the compiler would leave both calls out */
    free(freed);
    mallopt(M_TOP_PAD, PADDING);
    mallopt(M_TRIM_THRESHOLD, kept_nbytes);
    pthread_mutex_unlock(&lock);
}

void c2_give_back(void)
{
    malloc_trim(0);
    dl_iterate_phdr(unmap_constants, NULL);
}
