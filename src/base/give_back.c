/* SPDX-License-Identifier: BSD-3-Clause */
/* What was never written of a file that is mapped is the file's: it can be unmapped at any time. That holds
 * for the segments that are not writable. What the loader relocates lies in those that are. */
#include "base/give_back.h"

#include <link.h>
#include <malloc.h>
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

void c2_give_back(void)
{
    malloc_trim(0);
    dl_iterate_phdr(unmap_constants, NULL);
}
