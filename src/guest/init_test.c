#include "guest/guest.h"
#include "unit.h"

#include <linux/reboot.h>
#include <signal.h>

TEST(signals_of_busybox_and_systemd_end_it)
{
	assert_int_equal(init_end_of(SIGUSR2), (int)LINUX_REBOOT_CMD_POWER_OFF);
	assert_int_equal(init_end_of(SIGRTMIN + 4), (int)LINUX_REBOOT_CMD_POWER_OFF);
	assert_int_equal(init_end_of(SIGTERM), (int)LINUX_REBOOT_CMD_RESTART);
	assert_int_equal(init_end_of(SIGRTMIN + 5), (int)LINUX_REBOOT_CMD_RESTART);
	assert_int_equal(init_end_of(SIGCHLD), 0);
}
