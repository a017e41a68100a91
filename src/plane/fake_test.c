#include "os/loop.h"
#include "plane/fake.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct ask {
	struct plane_request r;
	int times, status, fd;
	char why[PLANE_WHY_MAX];
	unsigned images;
};
static void
note(struct plane_request *r, const struct plane_answer *a)
{
	struct ask *k = (struct ask *)r;
	k->times++;
	k->status = a->status;
	k->fd = a->fd;
	snprintf(k->why, sizeof(k->why), "%s", a->why);
}
static struct ask
ask(void)
{
	return (struct ask){ .r.done = note, .fd = -1 };
}

static struct plane_network
one_network(void)
{
	static const struct plane_cidr cidr = { 0x0a000000, 16 };
	static const struct plane_acl acl;
	static const struct plane_route_table table;
	static const struct plane_subnet subnet = { .id = { "subnet-1", 8 },
		.cidr = { 0x0a000000, 20 } };
	static const struct plane_ip_pair ip = { 0x0a000004, 0 };
	static const struct plane_interface eni = { .id = { "eni-1", 5 }, .ips = &ip, .ips_n = 1 };
	return (struct plane_network){ .id = STR("vpc-1"),
		.cidrs = &cidr,
		.cidrs_n = 1,
		.acls = &acl,
		.acls_n = 1,
		.tables = &table,
		.tables_n = 1,
		.subnets = &subnet,
		.subnets_n = 1,
		.interfaces = &eni,
		.interfaces_n = 1 };
}
static struct plane_machine
one_machine(const struct str *eni)
{
	return (struct plane_machine){ .id = STR("i-1"),
		.network = STR("vpc-1"),
		.interfaces = eni,
		.interfaces_n = 1,
		.image = STR("tiny"),
		.root_volume = STR("vol-root"),
		.root_bytes = 8ull << 30,
		.hostname = STR("ip-10-0-0-4"),
		.cpu_milli = 1000,
		.cpus = 1,
		.memory_bytes = 1 << 30 };
}

TEST(a_machine_needs_its_network_and_runs_at_once)
{
	struct plane *p = fake_open(NULL);
	struct str eni = STR("eni-1");
	struct plane_machine m = one_machine(&eni);
	struct plane_network n = one_network();
	struct ask early = ask(), net = ask(), late = ask(), again = ask();
	p->ops->machine_start(p, &early.r, &m);
	p->ops->network_apply(p, &net.r, &n);
	p->ops->machine_start(p, &late.r, &m);
	p->ops->machine_start(p, &again.r, &m);
	assert_int_equal(late.times, 0); /* never before the request returned */
	assert_int_equal(fake_run(p), 4);
	assert_int_equal(early.status, -ENOENT);
	assert_string_equal(early.why, "The network vpc-1 is not there.");
	assert_int_equal(late.status | net.status | again.status, 0);
	assert_int_equal(late.times, 1);
	const struct fake_machine *f = fake_machine(p, "i-1");
	assert_int_equal(f->report.state, PLANE_MACHINE_RUNNING);
	assert_int_equal(f->starts, 1);
	assert_str(buf_str(&f->interfaces), "eni-1");
	assert_true(fake_volume(p, "vol-root")->is_root);
	assert_int_equal(fake_network(p, "vpc-1")->interfaces[0].ips[0].private_ip, 0x0a000004);
	assert_str(fake_log(p),
		"machine_start i-1\nnetwork_apply vpc-1\nmachine_start i-1\nmachine_start i-1\n");
	fake_close(p);
}

TEST(failures_are_given_once_for_each_time_ordered)
{
	struct plane *p = fake_open(NULL);
	struct ask a = ask(), b = ask(), c = ask();
	fake_fail(p, "volume_create", "vol-1", -ENOSPC, "The disk is full.", 1);
	p->ops->volume_create(p, &a.r, STR("vol-1"), 1 << 20, STR(""));
	p->ops->volume_create(p, &b.r, STR("vol-2"), 1 << 20, STR(""));
	p->ops->volume_create(p, &c.r, STR("vol-1"), 1 << 20, STR(""));
	fake_run(p);
	assert_int_equal(a.status, -ENOSPC);
	assert_string_equal(a.why, "The disk is full.");
	assert_int_equal(b.status | c.status, 0);
	assert_int_equal(fake_volumes_n(p), 2);
	fake_close(p);
}

TEST(a_volume_is_in_one_machine_and_goes_only_when_it_is_in_none)
{
	struct plane *p = fake_open(NULL);
	struct plane_machine m = one_machine(NULL), m2 = one_machine(NULL);
	struct plane_disk d = { .volume = STR("vol-1"), .device = STR("/dev/sdf") };
	struct ask a[9];
	for (unsigned i = 0; i < 9; i++)
		a[i] = ask();
	m.network = m2.network = STR("");
	m.interfaces_n = m2.interfaces_n = 0;
	m2.id = STR("i-2");
	m2.root_volume = STR("vol-root2");
	p->ops->volume_create(p, &a[0].r, STR("vol-1"), 1 << 20, STR(""));
	p->ops->machine_start(p, &a[1].r, &m);
	p->ops->machine_start(p, &a[2].r, &m2);
	p->ops->volume_attach(p, &a[3].r, STR("i-1"), &d);
	p->ops->volume_attach(p, &a[4].r, STR("i-2"), &d);
	p->ops->volume_remove(p, &a[5].r, STR("vol-1"));
	fake_run(p);
	assert_int_equal(a[3].status, 0);
	assert_int_equal(a[4].status, -EBUSY);
	assert_int_equal(a[5].status, -EBUSY);
	assert_str(buf_str(&fake_machine(p, "i-1")->disks), "vol-1=/dev/sdf");
	p->ops->machine_stop(p, &a[6].r, STR("i-1"), PLANE_STOP_ORDERLY);
	p->ops->snapshot_create(p, &a[7].r, STR("snap-1"), STR("vol-1"));
	p->ops->volume_remove(p, &a[8].r, STR("vol-1"));
	fake_run(p);
	assert_int_equal(a[7].status | a[8].status, 0);
	assert_null(fake_volume(p, "vol-1"));
	assert_int_equal(fake_snapshot(p, "snap-1")->bytes, 1 << 20);
	fake_close(p);
}

struct ear {
	struct plane_listener l;
	int heard, state, exit_status;
};
static void
hear(struct plane_listener *l, const struct plane_machine_report *r)
{
	struct ear *e = (struct ear *)l;
	e->heard++;
	e->state = r->state;
	e->exit_status = r->exit_status;
}

TEST(a_machine_that_ends_is_told)
{
	struct plane *p = fake_open(NULL);
	struct plane_machine m = one_machine(NULL);
	struct ask a = ask(), b = ask();
	struct ear e = { .l.reported = hear };
	plane_listen(p, &e.l);
	m.network = STR("");
	m.interfaces_n = 0;
	p->ops->machine_start(p, &a.r, &m);
	fake_machine_end(p, "i-1", 256, "it ended");
	assert_int_equal(e.heard, 0);
	fake_run(p);
	assert_int_equal(e.heard, 1);
	assert_int_equal(e.state, PLANE_MACHINE_STOPPED);
	assert_int_equal(e.exit_status, 256);
	p->ops->machine_look(p, &b.r, STR("i-9"));
	fake_run(p);
	assert_int_equal(e.state, PLANE_MACHINE_ABSENT);
	fake_cut(p);
	p->ops->machine_look(p, &b.r, STR(""));
	fake_run(p);
	assert_int_equal(e.heard, 2);
	fake_close(p);
}

static struct loop *loop;
static void
note_and_stop(struct plane_request *r, const struct plane_answer *a)
{
	note(r, a);
	loop_stop(loop);
}

TEST(with_a_loop_answers_are_its_jobs)
{
	assert_int_equal(loop_new(&loop), 0);
	struct plane *p = fake_open(loop);
	struct plane_network n = one_network();
	struct ask a = ask(), b = ask();
	b.r.done = note_and_stop;
	p->ops->network_apply(p, &a.r, &n);
	p->ops->network_socket(p, &b.r, STR("vpc-1"), PLANE_IP_METADATA, 80, 1 /* SOCK_STREAM */);
	assert_int_equal(a.times, 0);
	loop_run(loop);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.status, 0);
	assert_true(fake_socket_port(p, "vpc-1", PLANE_IP_METADATA, 80) > 0);
	close(b.fd);
	fake_close(p);
	loop_free(loop);
}

static void
count_image(struct plane_request *r, const struct plane_image *i)
{
	((struct ask *)r)->images += i->user.len > 0;
}

TEST(images_come_before_done)
{
	struct plane *p = fake_open(NULL);
	struct ask a = ask(), b = ask(), c = ask();
	p->ops->image_pull(p, &a.r, STR("ubuntu"));
	p->ops->image_pull(p, &b.r, STR("plan9"));
	p->ops->image_list(p, &c.r, count_image);
	fake_run(p);
	assert_int_equal(a.status, 0);
	assert_int_equal(b.status, -ENOENT);
	assert_int_equal(c.images, 3);
	fake_close(p);
}
