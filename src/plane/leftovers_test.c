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

/* Its data directory was removed, as tests that are killed leave it: the next start sweeps. */
TEST(what_a_removed_directory_left_goes_with_the_next_start)
{
	char away[320];
	RIG_OPEN();
	struct plane_machine m = rig_machine("gone");
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	m.argv = argv;
	assert_int_equal(RIG_ASK(machine_start, &m), 0);
	rig_detach();
	assert_true(is_left());
	leftovers_remove_gone();
	assert_true(is_left());
	snprintf(away, sizeof(away), "%s-away", rig.data);
	assert_int_equal(rename(rig.data, away), 0);
	leftovers_remove_gone();
	assert_false(is_left());
	assert_int_equal(rename(away, rig.data), 0);
	rig_attach();
	rig_close();
}
