/* Random operations with a plane that fails and a server that is killed: rows and world agree
 * again. */
#include "svc/ec2/plane_rig.h"

#include <errno.h>

#define HOUR INT64_C(3600000)
#define IDS 64

struct ids {
	const char *v[IDS];
	unsigned n;
};
struct world {
	struct plane_rig p;
	struct ids instances, volumes, snapshots, images;
	const char *image;
	uint64_t seed;
	unsigned made;
};

static unsigned
dice(struct world *w, unsigned n)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(w->seed >> 33) % n;
}

static const char *
some(struct world *w, const struct ids *l)
{
	return l->n ? l->v[dice(w, l->n)] : "i-0123456789abcdef0";
}

/* The world's ids outlive the arena of a rig that is closed. */
static void
keep(struct world *w, struct ids *l, const char *name)
{
	if (w->p.r.status != 200)
		return;
	char *copy = strdup(rig_text(&w->p.r, name));
	assert_non_null(copy);
	unsigned at = l->n < IDS ? l->n++ : dice(w, IDS);
	if (l->n == IDS && l->v[at])
		free((void *)l->v[at]);
	l->v[at] = copy;
}

static void
break_something(struct world *w)
{
	static const char *const ops[] = { "machine_start", "machine_stop", "machine_reboot",
		"volume_create", "volume_attach", "volume_detach", "volume_remove", "volume_resize",
		"snapshot_create", "snapshot_remove", "image_from_root", "image_remove",
		"machine_console", "machine_look" };
	fake_fail(w->p.plane, ops[dice(w, sizeof(ops) / sizeof(ops[0]))], NULL, -EIO,
		"It was ordered to fail.", 1 + dice(w, 3));
}

static void
one_more(struct world *w)
{
	struct rig *r = &w->p.r;
	switch (dice(w, 16)) {
	case 0:
	case 1:
		rig_call(r, "RunInstances",
			"ImageId=%s&InstanceType=t3.nano&MinCount=1&MaxCount=1"
			"&Placement.AvailabilityZone=us-east-1a&BlockDeviceMapping.1.DeviceName=/"
			"dev/sdb"
			"&BlockDeviceMapping.1.Ebs.VolumeSize=%u",
			w->image, 1 + dice(w, 3));
		keep(w, &w->instances, "instanceId");
		break;
	case 2:
		rig_call(r, "StopInstances", "InstanceId.1=%s", some(w, &w->instances));
		break;
	case 3:
	case 4:
		rig_call(r, "StartInstances", "InstanceId.1=%s", some(w, &w->instances));
		break;
	case 5:
		rig_call(r, "TerminateInstances", "InstanceId.1=%s", some(w, &w->instances));
		break;
	case 6:
		rig_call(r, "RebootInstances", "InstanceId.1=%s", some(w, &w->instances));
		break;
	case 7:
		rig_call(r, "CreateVolume", "AvailabilityZone=us-east-1a&Size=%u", 1 + dice(w, 9));
		keep(w, &w->volumes, "volumeId");
		break;
	case 8:
		rig_call(r, "AttachVolume", "VolumeId=%s&InstanceId=%s&Device=/dev/sd%c",
			some(w, &w->volumes), some(w, &w->instances), 'f' + (int)dice(w, 8));
		break;
	case 9:
		rig_call(r, "DetachVolume", "VolumeId=%s", some(w, &w->volumes));
		break;
	case 10:
		rig_call(r, "DeleteVolume", "VolumeId=%s", some(w, &w->volumes));
		break;
	case 11:
		rig_call(r, "CreateSnapshot", "VolumeId=%s", some(w, &w->volumes));
		keep(w, &w->snapshots, "snapshotId");
		break;
	case 12:
		rig_call(r, "DeleteSnapshot", "SnapshotId=%s", some(w, &w->snapshots));
		break;
	case 13:
		rig_call(r, "CreateImage", "InstanceId=%s&Name=image-%u", some(w, &w->instances),
			w->made++);
		keep(w, &w->images, "imageId");
		break;
	case 14:
		rig_call(r, "DeregisterImage", "ImageId=%s&DeleteAssociatedSnapshots=true",
			some(w, &w->images));
		break;
	default:
		rig_call(r, "ModifyVolume", "VolumeId=%s&Size=%u", some(w, &w->volumes),
			5 + dice(w, 20));
	}
	assert_true(r->status < 500);
}

/* Every element <name> of all pages, then `op` on each; what is refused is tried again later. */
static unsigned
each_of(struct world *w, const char *describe, const char *more, const char *name, const char *op,
	const char *parameter)
{
	struct ids all = { 0 };
	rig_do(&w->p.r, describe, "%s", more);
	unsigned n = rig_count(&w->p.r, name);
	struct str body = w->p.r.body;
	for (unsigned i = 0; i < n; i++) {
		w->p.r.body = body;
		const char *id = rig_nth(&w->p.r, name, i);
		rig_call(&w->p.r, op, "%s=%s", parameter, id);
	}
	(void)all;
	return n;
}

static void
give_all_back(struct world *w)
{
	/* What failed is tried again within the longest pause. */
	for (int round = 0; round < 6; round++) {
		each_of(w, "DescribeInstances", "", "instanceId", "TerminateInstances",
			"InstanceId.1");
		plane_rig_advance(&w->p, 61000);
		each_of(w, "DescribeImages", "Owner.1=self", "imageId", "DeregisterImage",
			"ImageId");
		plane_rig_advance(&w->p, 61000);
		each_of(w, "DescribeSnapshots", "Owner.1=self", "snapshotId", "DeleteSnapshot",
			"SnapshotId");
		each_of(w, "DescribeVolumes", "", "volumeId", "DeleteVolume", "VolumeId");
		plane_rig_advance(&w->p, 61000);
	}
	plane_rig_advance(&w->p, 2 * HOUR);
	for (int round = 0; round < 4; round++)
		plane_rig_advance(&w->p, 61000);
}

static void
nothing_is_left(struct world *w)
{
	static const struct {
		const char *op, *more, *element;
	} lists[] = {
		{ "DescribeInstances", "", "instanceId" },
		{ "DescribeVolumes", "", "volumeId" },
		{ "DescribeSnapshots", "Owner.1=self", "snapshotId" },
		{ "DescribeImages", "Owner.1=self", "imageId" },
		{ "DescribeNetworkInterfaces", "", "networkInterfaceId" },
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		rig_do(&w->p.r, lists[i].op, "%s", lists[i].more);
		if (rig_count(&w->p.r, lists[i].element))
			print_error("%.*s\n", STR_FMT(w->p.r.body));
		assert_int_equal(rig_count(&w->p.r, lists[i].element), 0);
	}
	assert_int_equal(fake_machines_n(w->p.plane), 0);
	assert_int_equal(fake_volumes_n(w->p.plane), 0);
	assert_int_equal(fake_snapshots_n(w->p.plane), 0);
	rig_do(&w->p.r, "DescribeSubnets", "");
	for (unsigned i = 0; i < rig_count(&w->p.r, "availableIpAddressCount"); i++)
		assert_string_equal(rig_nth(&w->p.r, "availableIpAddressCount", i), "4091");
}

static void
forget(struct ids *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free((void *)l->v[i]);
	l->n = 0;
}

static void
world_close(struct world *w)
{
	forget(&w->instances);
	forget(&w->volumes);
	forget(&w->snapshots);
	forget(&w->images);
	plane_rig_close(&w->p);
}

TEST(ec2_a_day_of_random_operations_leaves_nothing)
{
	struct world w = { .seed = 7 };
	plane_rig_open(&w.p);
	w.image = plane_rig_image(&w.p);
	for (int i = 0; i < 24 * 6; i++) {
		if (dice(&w, 4) == 0)
			break_something(&w);
		one_more(&w);
		if (dice(&w, 3))
			plane_rig_settle(&w.p);
		plane_rig_advance(&w.p, HOUR / 6);
	}
	give_all_back(&w);
	nothing_is_left(&w);
	world_close(&w);
}

/* The rows and the plane say the same of every instance. */
static void
agree(struct world *w)
{
	rig_do(&w->p.r, "DescribeInstances",
		"Filter.1.Name=instance-state-name&Filter.1.Value.1=running");
	unsigned n = rig_count(&w->p.r, "amiLaunchIndex");
	assert_int_equal(fake_machines_n(w->p.plane), n);
	rig_do(&w->p.r, "DescribeInstances",
		"Filter.1.Name=instance-state-name&Filter.1.Value.1=pending&Filter.1.Value.2="
		"stopping"
		"&Filter.1.Value.3=shutting-down");
	assert_int_equal(rig_count(&w->p.r, "amiLaunchIndex"), 0);
}

TEST(ec2_kills_at_any_moment_leave_rows_and_world_agreeing)
{
	struct world w = { .seed = 11 };
	plane_rig_open_kept(&w.p);
	w.image = strdup(plane_rig_image(&w.p));
	for (int i = 0; i < 30; i++) {
		for (unsigned k = dice(&w, 6); k; k--)
			one_more(&w);
		plane_rig_ticks(&w.p, dice(&w, 6));
		plane_rig_kill(&w.p);
		if (dice(&w, 3) == 0) {
			plane_rig_settle(&w.p);
			for (int k = 0; k < 3; k++)
				plane_rig_advance(&w.p, 61000);
			agree(&w);
		}
	}
	give_all_back(&w);
	nothing_is_left(&w);
	free((void *)w.image);
	world_close(&w);
}
