/* The filter, instruction by instruction. */
#include "plane/seccomp_filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define X32_BIT 0xffffffffu
#else
#error "seccomp_filter: say which architecture this is"
#endif

/* EPERM, as for somebody without the capability. */
static const int denied[] = {
	SYS_acct,
	SYS_add_key,
	SYS_adjtimex,
	SYS_bpf,
	SYS_clock_adjtime,
	SYS_clock_settime,
	SYS_delete_module,
	SYS_finit_module,
	SYS_init_module,
	SYS_kexec_load,
	SYS_keyctl,
	SYS_lookup_dcookie,
	SYS_nfsservctl,
	SYS_open_by_handle_at,
	SYS_perf_event_open,
	SYS_quotactl,
	SYS_request_key,
	SYS_settimeofday,
	SYS_swapoff,
	SYS_swapon,
	SYS_syslog,
	SYS_userfaultfd,
	SYS_vhangup,
	SYS_kcmp,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_quotactl_fd
	SYS_quotactl_fd,
#endif
#ifdef SYS_fanotify_init
	SYS_fanotify_init,
#endif
#ifdef __x86_64__
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_create_module,
	SYS_get_kernel_syms,
	SYS_query_module,
	SYS_uselib,
	SYS_ustat,
	SYS_sysfs,
	SYS__sysctl,
#endif
};
/* ENOSYS, so that callers fall back: flags of clone3 cannot be looked at, mounts by fsopen not be
 * listened to, and io_uring would pass by the filter. */
static const int absent[] = { SYS_clone3, SYS_fsopen, SYS_fspick, SYS_io_uring_setup,
	SYS_io_uring_enter, SYS_io_uring_register };

struct maker {
	struct sock_filter *p;
	unsigned n;
};

static void
put(struct maker *m, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	assert(m->n < SECCOMP_FILTER_MAX);
	m->p[m->n++] = (struct sock_filter){ code, yes, no, k };
}

static void
load(struct maker *m, size_t offset)
{
	put(m, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
answer(struct maker *m, uint32_t what)
{
	put(m, BPF_RET | BPF_K, 0, 0, what);
}

#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))
#define LOW_ARG(i) (offsetof(struct seccomp_data, args[0]) + 8 * (i)) /* little-endian */

/* The accumulator holds the call's number before and after. */
static void
when_call(struct maker *m, int call, uint32_t what)
{
	put(m, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)call);
	answer(m, what);
}

/* Refused when a bit of the argument is set (test BPF_JSET), or when it is that value (BPF_JEQ). */
static void
when_argument(struct maker *m, int call, unsigned arg, uint16_t test, uint32_t value)
{
	put(m, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)call);
	load(m, LOW_ARG(arg));
	put(m, BPF_JMP | test | BPF_K, 0, 1, value);
	answer(m, ERRNO(EPERM));
	load(m, offsetof(struct seccomp_data, nr));
}

unsigned
seccomp_filter_make(struct sock_filter ret[SECCOMP_FILTER_MAX], bool listen_mount)
{
	struct maker m = { ret, 0 };
	load(&m, offsetof(struct seccomp_data, arch));
	put(&m, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	answer(&m, ERRNO(ENOSYS));
	load(&m, offsetof(struct seccomp_data, nr));
	put(&m, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	answer(&m, ERRNO(ENOSYS));
	for (unsigned i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		when_call(&m, denied[i], ERRNO(EPERM));
	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		when_call(&m, absent[i], ERRNO(ENOSYS));
	when_argument(&m, SYS_clone, 0, BPF_JSET, CLONE_NEWUSER);
	when_argument(&m, SYS_unshare, 0, BPF_JSET, CLONE_NEWUSER);
	when_argument(&m, SYS_ioctl, 1, BPF_JEQ, TIOCSTI);
	when_argument(&m, SYS_ioctl, 1, BPF_JEQ, 0x541c); /* TIOCLINUX */
	if (listen_mount)
		when_call(&m, SYS_mount, SECCOMP_RET_USER_NOTIF);
	answer(&m, SECCOMP_RET_ALLOW);
	return m.n;
}

int
seccomp_filter_install(bool listen_mount)
{
	struct sock_filter filter[SECCOMP_FILTER_MAX];
	struct sock_fprog prog = { (unsigned short)seccomp_filter_make(filter, listen_mount),
		filter };
	unsigned flags = listen_mount ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	return r < 0 ? -errno : (int)r;
}
