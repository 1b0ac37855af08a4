/* SPDX-License-Identifier: BSD-3-Clause */
/* The filter is a program for the kernel's interpreter, made from a table of what is allowed. What is not in
 * it raises SIGSYS, whose handler reports the call and lets it fail: a library that only tries something goes
 * on without it. */
#include "helper/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH               AUDIT_ARCH_X86_64
#define RESULT_OF(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARCH               AUDIT_ARCH_AARCH64
#define RESULT_OF(context) (*(long long *)&(context)->uc_mcontext.regs[0])
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* they look for leaks from a process of their own */
#else
#define SANITIZED 0
#endif

#ifdef ARCH
#define CODE_MAX 512 /* instructions; the table needs about 400 */
#define NR_MAX   512 /* system calls that are told apart when they are reported */

struct filter {
    struct sock_filter code[CODE_MAX];
    size_t n;
};

/* ---- what is allowed ---- */

/* Memory, time, threads, and files and sockets that are open. Older calls are not on every processor. */
static const int allowed[] = {
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_mincore,
    SYS_mlock,
    SYS_munlock,
    SYS_msync,
    SYS_membarrier,
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_preadv,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_lseek,
    SYS_fadvise64,
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_recvfrom,
    SYS_sendto,
    SYS_ppoll,
    SYS_pselect6,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_fstatfs,
    SYS_statfs,
    SYS_getdents64,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_getcwd,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_times,
    SYS_setitimer,
    SYS_getitimer,
    SYS_getrandom,
    SYS_getrusage,
    SYS_uname,
    SYS_sysinfo,
    SYS_getcpu,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_set_tid_address,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_open /* what older calls there are, all of them are: x86_64 */
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_getdents,
    SYS_dup2,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_alarm,
    SYS_pause,
    SYS_time,
#endif
#if SANITIZED
    SYS_ptrace,
    SYS_wait4,
    SYS_clone,
    SYS_prctl,
    SYS_socketpair,
    SYS_mkdirat,
#ifdef SYS_open
    SYS_arch_prctl,
    SYS_mkdir,
#endif
#endif
};
/* Libraries have another way when the kernel is too old for these; nothing to report. */
static const int too_new[] = {SYS_clone3, SYS_set_mempolicy, SYS_get_mempolicy, SYS_sched_setaffinity,
#ifdef SYS_arch_prctl
                              SYS_arch_prctl
#endif
};

/* The C library blocks all signals around these, so a report would be the end: they fail without one. */
static const int silent[] = {SYS_clone,
#ifdef SYS_open
                             SYS_fork, SYS_vfork
#endif
};

enum how { EQUAL, ANY_OF, NONE_OF, NOT_EQUAL };
/* Allowed if an argument (its lower half: they are ints) is so. */
struct condition {
    int nr;
    unsigned arg;
    enum how how;
    uint32_t value;
};
#define WRITING ((uint32_t)(O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)))
static const struct condition conditions[] = {
#ifdef SYS_open
    {SYS_open, 1, NONE_OF, WRITING},
#endif
    {SYS_openat, 2, NONE_OF, WRITING},
    {SYS_clone, 0, ANY_OF, CLONE_THREAD}, /* threads, no processes */
    {SYS_fcntl, 1, EQUAL, F_DUPFD},
    {SYS_fcntl, 1, EQUAL, F_DUPFD_CLOEXEC},
    {SYS_fcntl, 1, EQUAL, F_GETFD},
    {SYS_fcntl, 1, EQUAL, F_SETFD},
    {SYS_fcntl, 1, EQUAL, F_GETFL}, /* no F_SETOWN: signals to any process of this user */
    {SYS_fcntl, 1, EQUAL, F_SETFL},
    {SYS_ioctl, 1, EQUAL, TCGETS}, /* isatty() */
    {SYS_prctl, 0, EQUAL, PR_SET_NAME},
    {SYS_prlimit64, 0, EQUAL, 0}, /* its own limits */
    {SYS_rt_sigaction, 0, NOT_EQUAL, SIGSYS},
};

/* Names for the report; of others it has the number. */
static const struct {
    int nr;
    const char *name;
} names[] = {
    {SYS_socket, "socket"},
    {SYS_socketpair, "socketpair"},
    {SYS_connect, "connect"},
    {SYS_bind, "bind"},
    {SYS_listen, "listen"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_execve, "execve"},
    {SYS_execveat, "execveat"},
    {SYS_openat, "openat (for writing)"},
    {SYS_kill, "kill"},
    {SYS_tkill, "tkill"},
    {SYS_tgkill, "tgkill"},
    {SYS_rt_sigqueueinfo, "rt_sigqueueinfo"},
    {SYS_rt_sigaction, "rt_sigaction (of SIGSYS)"},
    {SYS_pidfd_open, "pidfd_open"},
    {SYS_ptrace, "ptrace"},
    {SYS_process_vm_readv, "process_vm_readv"},
    {SYS_process_vm_writev, "process_vm_writev"},
    {SYS_mkdirat, "mkdirat"},
    {SYS_unlinkat, "unlinkat"},
    {SYS_renameat2, "renameat2"},
    {SYS_linkat, "linkat"},
    {SYS_symlinkat, "symlinkat"},
    {SYS_mknodat, "mknodat"},
    {SYS_truncate, "truncate"},
    {SYS_ftruncate, "ftruncate"},
    {SYS_fchmodat, "fchmodat"},
    {SYS_fchownat, "fchownat"},
    {SYS_flock, "flock"},
    {SYS_fcntl, "fcntl"},
    {SYS_ioctl, "ioctl"},
    {SYS_prctl, "prctl"},
    {SYS_prlimit64, "prlimit64"},
    {SYS_setpgid, "setpgid"},
    {SYS_setsid, "setsid"},
    {SYS_setpriority, "setpriority"},
    {SYS_memfd_create, "memfd_create"},
    {SYS_mount, "mount"},
    {SYS_unshare, "unshare"},
    {SYS_bpf, "bpf"},
    {SYS_perf_event_open, "perf_event_open"},
    {SYS_userfaultfd, "userfaultfd"},
    {SYS_io_uring_setup, "io_uring_setup"},
    {SYS_inotify_init1, "inotify_init1"},
    {SYS_shmget, "shmget"},
#ifdef SYS_open
    {SYS_open, "open (for writing)"},
    {SYS_mkdir, "mkdir"},
    {SYS_unlink, "unlink"},
    {SYS_rename, "rename"},
    {SYS_creat, "creat"},
#endif
};

/* ---- the filter ---- */

static void add(struct filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    if (f->n < CODE_MAX) f->code[f->n] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
    f->n++;
}

static void load(struct filter *f, size_t offset)
{
    add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(struct filter *f, uint32_t action)
{
    add(f, BPF_RET | BPF_K, action, 0, 0);
}

/* The number of the call is loaded. */
static void on_call(struct filter *f, int nr, uint32_t action)
{
    add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1);
    give(f, action);
}

static void on_condition(struct filter *f, struct condition it)
{
    bool bits = it.how == ANY_OF || it.how == NONE_OF, if_not = it.how == NONE_OF || it.how == NOT_EQUAL;

    load(f, offsetof(struct seccomp_data, nr));
    add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)it.nr, 0, 3);
    load(f, offsetof(struct seccomp_data, args) + it.arg * sizeof(uint64_t)); /* little-endian processors */
    add(f, BPF_JMP | (bits ? BPF_JSET : BPF_JEQ) | BPF_K, it.value, if_not, !if_not);
    give(f, SECCOMP_RET_ALLOW);
}

static void build(struct filter *f, bool writes_guarded)
{
    const uint32_t absent = SECCOMP_RET_ERRNO | ENOSYS, self = (uint32_t)getpid();

    load(f, offsetof(struct seccomp_data, arch)); /* another one has other numbers */
    add(f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    give(f, SECCOMP_RET_TRAP);
    load(f, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
        on_call(f, allowed[i], SECCOMP_RET_ALLOW);
    on_call(f, SYS_openat2, writes_guarded ? SECCOMP_RET_ALLOW : absent);
    for (size_t i = 0; i < sizeof(too_new) / sizeof(*too_new); i++)
        on_call(f, too_new[i], absent);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
        on_condition(f, conditions[i]);
    load(f, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
        on_call(f, silent[i], SECCOMP_RET_ERRNO | EPERM);
    on_condition(f, (struct condition){SYS_tgkill, 0, EQUAL, self}); /* abort() */
    on_condition(f, (struct condition){SYS_kill, 0, EQUAL, self});
    give(f, SECCOMP_RET_TRAP);
}

/* ---- what is refused ---- */

static size_t put(char *line, size_t at, const char *text)
{
    size_t n = strlen(text);

    memcpy(line + at, text, n);
    return at + n;
}

static size_t put_name(char *line, size_t at, int nr)
{
    char digits[12];
    size_t n = sizeof(digits);

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].nr == nr) return put(line, at, names[i].name);
    digits[--n] = '\0';
    for (unsigned left = (unsigned)nr; n > 0 && (left || !digits[n]); left /= 10)
        digits[--n] = (char)('0' + left % 10);
    return put(line, put(line, at, "number "), digits + n);
}

static void on_refused(int signal, siginfo_t *info, void *context)
{
    static _Atomic bool told[NR_MAX + 1]; /* the last is for all beyond */
    int nr = info->si_syscall, slot = nr >= 0 && nr < NR_MAX ? nr : NR_MAX;
    ucontext_t *at = context;
    char line[128];

    (void)signal;
    RESULT_OF(at) = -EPERM;
    if (told[slot]) return;
    told[slot] = true;
    size_t n = put_name(line, put(line, 0, "refused system call: "), nr);
    n = put(line, n, "\n");
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* nowhere to complain */
}

bool c2_syscalls_restrict(bool writes_guarded, const char **why)
{
    static struct filter f; /* too large for some stacks; used once */
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};

    build(&f, writes_guarded);
    *why = "the table is too long";
    if (f.n > CODE_MAX) return false;
    const struct sock_fprog program = {(unsigned short)f.n, f.code};
    sigaction(SIGSYS, &action, NULL);
    bool done =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        /* SPEC_ALLOW (4.17): without it older kernels make all that follows slower */
        (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0 ||
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
    if (!done) *why = strerror(errno);
    return done;
}

#else
bool c2_syscalls_restrict(bool writes_guarded, const char **why)
{
    (void)writes_guarded;
    *why = "there is no table for this processor";
    return false;
}
#endif
