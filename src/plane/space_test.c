#include "plane/space.h"
#include "plane/fabric_rig.h"
#include "plane/rt.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t
here(void)
{
	struct stat st;
	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

TEST(a_namespace_outlives_its_maker)
{
	if (!rig_possible())
		test_skip("network namespaces need root");
	char pin[400];
	struct space s, again;
	struct stat st;
	ino_t was = here();
	snprintf(pin, sizeof(pin), "%s/pin", unit_tmpdir());
	assert_int_equal(space_open(&s, pin), -ENOENT);
	assert_int_equal(space_make(&s, pin, SPACE_ROUTER), 0);
	assert_int_equal(here(), was);
	fstat(s.ns, &st);
	ino_t inside = st.st_ino;
	space_close(&s);
	assert_int_equal(space_open(&again, pin), 0);
	int back = space_enter(&again);
	assert_true(back >= 0);
	assert_int_equal(here(), inside);
	space_leave(back);
	assert_int_equal(here(), was);
	space_remove(&again, pin);
	assert_int_equal(access(pin, F_OK), -1);
	/* A file that nothing is mounted on, as after a reboot, is no namespace. */
	int fd = open(pin, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(space_open(&s, pin), -ENOENT);
	space_remove(NULL, pin);
	assert_int_equal(access(pin, F_OK), -1);
}
