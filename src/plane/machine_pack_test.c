#include "plane/machine_pack.h"
#include "unit.h"

#include <stdlib.h>

static const struct plane_machine *
sample(void)
{
	static const struct str eni[] = { { "eni-1", 5 }, { "eni-2", 5 } };
	static const struct plane_disk disk = { .volume = { "vol-1", 5 },
		.device = { "/dev/sdf", 8 },
		.iops = 3000,
		.bytes_a_second = 125 << 20 };
	static const char *const argv[] = { "/bin/postgres", "-D", "/data", NULL };
	static const struct plane_machine m = { .id = { "i-1", 3 },
		.network = { "vpc-1", 5 },
		.interfaces = eni,
		.interfaces_n = 2,
		.image = { "tiny", 4 },
		.root_volume = { "vol-9", 5 },
		.root_bytes = 8ull << 30,
		.hostname = { "ip-10-0-0-4", 11 },
		.resolver = { "nameserver 10.0.0.2\n", 20 },
		.cpu_milli = 500,
		.cpus = 2,
		.memory_bytes = 1 << 30,
		.disks = &disk,
		.disks_n = 1,
		.no_new_privs = true,
		.argv = argv };
	return &m;
}

TEST(a_machine_comes_out_as_it_went_in)
{
	struct pack p = { 0 };
	struct arena a;
	struct plane_machine m;
	arena_init(&a);
	pack_machine(&p, sample());
	struct unpack u = unpack_of(buf_str(&p.buf));
	unpack_machine(&u, &a, &m);
	assert_true(unpack_whole(&u));
	assert_str(m.interfaces[1], "eni-2");
	assert_str(m.disks[0].device, "/dev/sdf");
	assert_string_equal(m.argv[2], "/data");
	assert_null(m.argv[3]);
	assert_null(m.env);
	assert_int_equal(m.cpu_milli, 500);
	assert_true(m.no_new_privs);
	for (size_t n = 0; n < p.buf.len; n++) { /* cut anywhere */
		char *copy = malloc(n ? n : 1);
		memcpy(copy, p.buf.p, n);
		u = unpack_of(str_of(copy, n));
		unpack_machine(&u, &a, &m);
		assert_false(unpack_whole(&u));
		free(copy);
	}
	pack_done(&p);
	arena_done(&a);
}

static bool
passes(const struct plane_machine *m)
{
	struct pack p = { 0 };
	struct arena a;
	struct plane_machine ret;
	arena_init(&a);
	pack_machine(&p, m);
	struct unpack u = unpack_of(buf_str(&p.buf));
	unpack_machine(&u, &a, &ret);
	pack_done(&p);
	arena_done(&a);
	return unpack_whole(&u);
}

/* Ids become names of files, devices names in the machine's /dev. */
TEST(names_that_lead_elsewhere_are_bad)
{
	struct plane_machine m = *sample();
	struct plane_disk d = m.disks[0];
	static const char *const ids[] = { "", "..", "a/b", "a.b", "A",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	static const char *const devices[] = { "/dev/", "sdf", "/dev/../sda", "/dev/a/b",
		"/dev/SDF", "/etc/passwd" };
	assert_true(passes(&m));
	for (unsigned i = 0; i < 6; i++) {
		m.root_volume = str_c(ids[i]);
		assert_false(passes(&m));
		m.root_volume = sample()->root_volume;
		m.disks = &d;
		d.device = str_c(devices[i]);
		assert_false(passes(&m));
		m.disks = sample()->disks;
	}
	m.hostname = STR("a b");
	assert_false(passes(&m));
	m.hostname = STR("a");
	m.resolver = STR("nameserver 10.0.0.2");
	assert_false(passes(&m));
	m.resolver = STR("search a\x01\n");
	assert_false(passes(&m));
}

TEST(reports_and_images_come_out_as_they_went_in)
{
	struct pack p = { 0 };
	struct plane_machine_report r = { .id = STR("i-1"),
		.state = PLANE_MACHINE_STOPPED,
		.exit_status = -1,
		.why = STR("x"),
		.instance_ok = true,
		.disk_write_bytes = 7 },
				    r2;
	struct plane_image i = { .id = STR("tiny"),
		.name = STR("Tiny"),
		.user = STR("ec2-user"),
		.arch = STR("x86_64"),
		.bytes = 9,
		.has_init = true },
			   i2;
	pack_report(&p, &r);
	pack_image(&p, &i);
	struct unpack u = unpack_of(buf_str(&p.buf));
	unpack_report(&u, &r2);
	unpack_image(&u, &i2);
	assert_true(unpack_whole(&u));
	assert_int_equal(r2.exit_status, -1);
	assert_true(r2.instance_ok && !r2.system_ok);
	assert_int_equal(r2.disk_write_bytes, 7);
	assert_str(i2.user, "ec2-user");
	assert_true(i2.has_init && !i2.has_kernel);
	pack_done(&p);
	i.name = STR("two\nlines");
	pack_image(&p, &i);
	u = unpack_of(buf_str(&p.buf));
	unpack_image(&u, &i2);
	assert_true(u.bad);
	pack_done(&p);
}
