#include "plane/leftovers.h"
#include "plane/machine_rig.h"

static bool seen;
static void
look_for(void *ctx, const char *data_dir)
{
	seen |= strcmp(ctx, data_dir) == 0;
}

static bool
is_left(void)
{
	seen = false;
	leftovers_each(look_for, rig.data);
	return seen;
}

/* The server is gone for good, its machine is not. */
TEST(what_is_left_is_found_and_removed)
{
	char why[256] = "";
	RIG_OPEN();
	struct plane_machine m = rig_machine("left");
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	m.argv = argv;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	rig_detach();
	assert_true(is_left());
	assert_int_equal(leftovers_remove(rig.data, why, sizeof(why)), 0);
	assert_false(is_left());
	rig_attach();
	assert_int_equal(RIG_ASK(machine_look, STR("left")), 0);
	assert_int_equal(rig.report.state, PLANE_MACHINE_ABSENT);
	rig_close();
	assert_false(is_left());
}
