#include "plane/seccomp_filter.h"
#include "unit.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child that nothing brings back: what it could not do is its exit status. */
static int
inside(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || seccomp_filter_install(false))
		return 1;
	if (syscall(SYS_init_module, 0, 0, 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone3, 0, 0) != -1 || errno != ENOSYS)
		return 3;
	if (syscall(SYS_unshare, CLONE_NEWUSER) != -1 || errno != EPERM)
		return 4;
	if (syscall(SYS_perf_event_open, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 5;
	if (syscall(SYS_ioctl, 0, 0x5412, "x") != -1 ||
		errno != EPERM) /* types into the terminal */
		return 6;
	if (syscall(SYS_getpid) <= 0 || syscall(SYS_unshare, 0) != 0)
		return 7;
	return 0;
}

TEST(what_no_namespace_contains_is_refused)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(inside());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(jumps_stay_inside)
{
	struct sock_filter f[SECCOMP_FILTER_MAX];
	unsigned n = seccomp_filter_make(f, true);
	assert_int_equal(f[n - 1].k, SECCOMP_RET_ALLOW);
	for (unsigned i = 0; i < n; i++)
		if (BPF_CLASS(f[i].code) == BPF_JMP)
			assert_true(i + 1 + f[i].jt < n && i + 1 + f[i].jf < n);
}
