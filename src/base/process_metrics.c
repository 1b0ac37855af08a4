/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics of a process, under the names that all exporters of Prometheus use. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/exposition.h"

/* Field `n` of /proc/self/stat, the first being 1; those after the name, which may hold blanks. 0: not known.
 */
static double stat_field(const char *text, int n)
{
    const char *at = strrchr(text, ')');

    for (int i = 2; at && i < n; i++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at + 1, NULL) : 0;
}

static bool read_text(const char *path, char *out, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(out, 1, room - 1, file) : 0;

    out[n] = '\0';
    if (file) fclose(file);
    return n > 0;
}

/* When the machine was started, in seconds of the epoch. */
static double boot_time(void)
{
    struct timespec wall, boot;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
}

void c2_metrics_process(struct c2_metrics *m)
{
    char text[2048];
    struct mallinfo2 heap = mallinfo2();
    double hz = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);

    if (read_text("/proc/self/stat", text, sizeof(text))) {
        double started = boot_time() + stat_field(text, 22) / hz;
        c2_metrics_counter(m, "process_cpu_seconds_total", (stat_field(text, 14) + stat_field(text, 15)) / hz,
                           "Seconds of processor time used, by the user and the system.");
        c2_metrics_gauge(m, "process_start_time_seconds", started,
                         "When the process was started, in seconds since 1970.");
        c2_metrics_gauge(m, "process_threads", stat_field(text, 20), "Threads of the process.");
        c2_metrics_gauge(m, "process_virtual_memory_bytes", stat_field(text, 23), "Bytes of address space.");
        c2_metrics_gauge(m, "process_resident_memory_bytes", stat_field(text, 24) * page,
                         "Bytes of memory that are resident.");
    }
    c2_metrics_gauge(m, "caterva2_malloc_used_bytes", (double)(heap.uordblks + heap.hblkhd),
                     "Bytes that the program holds of malloc.");
    c2_metrics_gauge(m, "caterva2_malloc_held_bytes", (double)(heap.arena + heap.hblkhd),
                     "Bytes that malloc holds of the system, used or not.");
}

void c2_metrics_disk(struct c2_metrics *m, int dirfd, const char *const *labels)
{
    struct statvfs fs;

    if (dirfd < 0 || fstatvfs(dirfd, &fs) != 0) return;
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_disk_free_bytes",
                      "Bytes that may still be written to the file system of the state or cache.");
    c2_metrics_sample(m, (double)fs.f_bavail * (double)fs.f_frsize, labels);
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_disk_size_bytes",
                      "Bytes of the file system of the state or cache.");
    c2_metrics_sample(m, (double)fs.f_blocks * (double)fs.f_frsize, labels);
}
