/* Public images: what the plane has, under its own and under the usual names. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "svc/ec2/image_orders.h"
#include "svc/ec2/images.h"
#include "svc/ec2/work.h"

#include <stdatomic.h>

#define AMAZON "137112412989"
#define CANONICAL "099720109477"
#define DEBIAN "136693071363"

static const struct alias {
	const char *title;     /* what users expect under that name */
	const char *name;      /* %s: the architecture in their way of writing it */
	const char *x86, *arm; /* that */
	const char *owner, *owner_alias;
	const char *root, *date;
	const char *serves[4]; /* ids of the plane begin so, the best first */
	bool token_only;
} aliases[] = {
	{ "Amazon Linux 2023", "al2023-ami-2023.6.20250115.0-kernel-6.1-%s", "x86_64", "arm64",
		AMAZON, "amazon", "/dev/xvda", "2025-01-15T00:00:00.000Z",
		{ "amazon", "al2023", "tiny" }, true },
	{ "Amazon Linux 2", "amzn2-ami-hvm-2.0.20250116.0-%s-gp2", "x86_64", "arm64", AMAZON,
		"amazon", "/dev/xvda", "2025-01-16T00:00:00.000Z", { "amazon", "al2", "tiny" },
		false },
	{ "Amazon Linux 2", "amzn2-ami-kernel-5.10-hvm-2.0.20250116.0-%s-gp2", "x86_64", "arm64",
		AMAZON, "amazon", "/dev/xvda", "2025-01-16T00:00:00.000Z",
		{ "amazon", "al2", "tiny" }, false },
	{ "Ubuntu 24.04", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-%s-server-20250115",
		"amd64", "arm64", CANONICAL, NULL, "/dev/sda1", "2025-01-15T00:00:00.000Z",
		{ "ubuntu", "debian", "tiny" }, false },
	{ "Ubuntu 22.04", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-%s-server-20250112", "amd64",
		"arm64", CANONICAL, NULL, "/dev/sda1", "2025-01-12T00:00:00.000Z",
		{ "ubuntu", "debian", "tiny" }, false },
	{ "Debian 12", "debian-12-%s-20250115-1991", "amd64", "arm64", DEBIAN, NULL, "/dev/xvda",
		"2025-01-15T00:00:00.000Z", { "debian", "ubuntu", "tiny" }, false },
};
#define ALIASES (sizeof(aliases) / sizeof(aliases[0]))

static void
plane_key(struct key *k, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("P"));
	if (id.p)
		key_add(k, id);
}

static bool
tiny_there(const struct ec2_plane_image_row *all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (str_is(all[i].Id, "tiny"))
			return true;
	return false;
}

/* The built-in image is made when a machine first wants it; it can be asked for before. */
static uint32_t
tiny_add(struct call *c, uint32_t n, struct ec2_plane_image_row **all)
{
	struct plane_ability can = { 0 };
	struct plane *p = plane_current();
	if (p)
		p->ops->ability(p, &can);
	if (!can.machines)
		return 0;
	struct ec2_plane_image_row *more = arena_array(c->arena, struct ec2_plane_image_row, n + 1);
	memcpy(more, n ? *all : more, n * sizeof(*more));
	more[n] = (struct ec2_plane_image_row){ .Id = STR("tiny"),
		.Name = STR("Haneul tiny"),
		.Os = STR("busybox and dropbear"),
		.User = STR("ec2-user"),
		.Arch = STR("x86_64"),
		.Since = OPT_TIME(0) };
	*all = more;
	return 1;
}

static uint32_t
plane_images(struct call *c, struct ec2_plane_image_row **ret)
{
	struct ec2_plane_image_row *all = NULL;
	uint32_t n = 0;
	struct key lo, hi;
	struct scan s;
	plane_key(&lo, STR_NULL);
	scan_open(&s, c->tx, store_rows(c->store, "ec2"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		struct ec2_plane_image_row *more =
			arena_array(c->arena, struct ec2_plane_image_row, n + 1);
		memcpy(more, n ? all : more, n * sizeof(*more));
		all = more;
		n += row_decode(&ec2_plane_image_row_shape, s.value, c->arena, &all[n]);
	}
	scan_done(&s);
	*ret = all;
	return tiny_there(all, n) ? n : n + tiny_add(c, n, ret);
}

bool
ec2_catalogue_has(struct call *c, struct str plane_image)
{
	struct key k;
	struct str v;
	plane_key(&k, plane_image);
	return str_is(plane_image, "tiny") ||
	       tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &v);
}

static struct str
stable_id(struct call *c, const char *prefix, struct str name)
{
	unsigned char sum[32];
	char hex[32];
	sha256(arena_printf(c->arena, "%.*s\n%.*s", STR_FMT(c->region), STR_FMT(name)), sum);
	hex_encode(str_of(sum, 16), hex);
	return arena_printf(c->arena, "%s%.17s", prefix, hex);
}

struct entry {
	struct str name, description, date;
	const struct alias *alias; /* NULL: under the plane's own name */
};

static struct ec2_block_device_mapping_list
root_mapping(struct call *c, const char *device, struct str name, int64_t gib)
{
	struct ec2_block_device_mapping *m = arena_new(c->arena, struct ec2_block_device_mapping);
	m->DeviceName = str_c(device);
	m->Ebs = arena_new(c->arena, struct ec2_ebs_block_device);
	m->Ebs->SnapshotId = stable_id(c, "snap-", name);
	m->Ebs->VolumeSize = OPT_I64(gib);
	m->Ebs->VolumeType = STR("gp3");
	m->Ebs->DeleteOnTermination = OPT_BOOL(true);
	m->Ebs->Encrypted = OPT_BOOL(false);
	return (struct ec2_block_device_mapping_list){ .v = m, .n = 1, .set = true };
}

static struct ec2_image_row *
image_of(struct call *c, const struct ec2_plane_image_row *p, const struct entry *e)
{
	struct ec2_image_row *row = arena_new(c->arena, struct ec2_image_row);
	struct ec2_image *i = row->Image = arena_new(c->arena, struct ec2_image);
	const char *root = e->alias ? e->alias->root : "/dev/xvda";
	const char *alias = e->alias ? e->alias->owner_alias : "amazon";
	*i = (struct ec2_image){ .ImageId = stable_id(c, "ami-", e->name),
		.Name = e->name,
		.Description = e->description,
		.ImageLocation = arena_printf(
			c->arena, "%s/%.*s", alias ? alias : e->alias->owner, STR_FMT(e->name)),
		.ImageOwnerAlias = str_c(alias),
		.OwnerId = str_c(e->alias ? e->alias->owner : AMAZON),
		.PlatformDetails = STR("Linux/UNIX"),
		.UsageOperation = STR("RunInstances"),
		.Architecture = p->Arch,
		.ImageType = STR("machine"),
		.State = STR("available"),
		.Public = OPT_BOOL(true),
		.EnaSupport = OPT_BOOL(true),
		.Hypervisor = STR("xen"),
		.VirtualizationType = STR("hvm"),
		.SriovNetSupport = STR("simple"),
		.BootMode = STR("uefi-preferred"),
		.RootDeviceName = str_c(root),
		.RootDeviceType = STR("ebs"),
		.CreationDate = e->date,
		.BlockDeviceMappings = root_mapping(c, root, e->name, 8) };
	if (e->alias && e->alias->token_only)
		i->ImdsSupport = STR("v2.0");
	i->Tags.set = true;
	row->PlaneImage = p->Id;
	row->User = p->User;
	return row;
}

static const struct ec2_plane_image_row *
server_of(const struct alias *a, const struct ec2_plane_image_row *all, uint32_t n,
	unsigned *ret_rank)
{
	for (unsigned k = 0; k < 4 && a->serves[k]; k++)
		for (uint32_t i = 0; i < n; i++)
			if (str_starts(all[i].Id, str_c(a->serves[k]))) {
				*ret_rank = k;
				return &all[i];
			}
	return NULL;
}

static struct str
alias_description(
	struct call *c, const struct alias *a, const struct ec2_plane_image_row *p, bool real)
{
	if (real)
		return arena_printf(c->arena, "%.*s (%.*s), user %.*s", STR_FMT(p->Name),
			STR_FMT(p->Os), STR_FMT(p->User));
	return arena_printf(c->arena, "%s is not at hand here: this is %.*s (%.*s), user %.*s",
		a->title, STR_FMT(p->Name), STR_FMT(p->Os), STR_FMT(p->User));
}

/* "Ubuntu 22.04" is only then itself when the image says so. */
static bool
is_itself(const struct alias *a, const struct ec2_plane_image_row *p, unsigned rank)
{
	return !str_starts(p->Id, STR("tiny")) && rank < 2 &&
	       str_find_str(p->Os, str_c(a->title)) >= 0;
}

void
ec2_catalogue_each(struct call *c,
	void (*each)(struct call *c, struct str id, struct ec2_image_row *row, void *arg),
	void *arg)
{
	struct ec2_plane_image_row *all;
	uint32_t n = plane_images(c, &all);
	for (uint32_t i = 0; i < n; i++) {
		/* Images of accounts are in the plane under their own id. */
		if (str_starts(all[i].Id, STR("ami-")))
			continue;
		struct entry e = { .name = arena_printf(
					   c->arena, "haneul/%.*s", STR_FMT(all[i].Id)),
			.description = arena_printf(c->arena, "%.*s (%.*s), user %.*s",
				STR_FMT(all[i].Name), STR_FMT(all[i].Os), STR_FMT(all[i].User)),
			.date = time_text(c->arena, all[i].Since.ms, TIME_ISO8601_MS) };
		struct ec2_image_row *row = image_of(c, &all[i], &e);
		each(c, row->Image->ImageId, row, arg);
	}
	for (size_t k = 0; k < ALIASES; k++) {
		unsigned rank;
		const struct alias *a = &aliases[k];
		const struct ec2_plane_image_row *p = server_of(a, all, n, &rank);
		if (!p)
			continue;
		const char *arch = str_is(p->Arch, "arm64") ? a->arm : a->x86,
			   *mark = strstr(a->name, "%s");
		struct entry e = { .alias = a,
			.name = arena_printf(c->arena, "%.*s%s%s", (int)(mark - a->name), a->name,
				arch, mark + 2),
			.date = str_c(a->date),
			.description = alias_description(c, a, p, is_itself(a, p, rank)) };
		struct ec2_image_row *row = image_of(c, p, &e);
		each(c, row->Image->ImageId, row, arg);
	}
}

struct search {
	struct str id;
	struct ec2_image_row *found;
};

static void
is_it(struct call *c, struct str id, struct ec2_image_row *row, void *arg)
{
	struct search *s = arg;
	(void)c;
	if (str_eq(id, s->id))
		s->found = row;
}

struct ec2_image_row *
ec2_catalogue_find(struct call *c, struct str id)
{
	struct search s = { .id = id };
	ec2_catalogue_each(c, is_it, &s);
	return s.found;
}

/* ---- the plane's list, as rows */

#define LISTED_KEY "ec2.plane-images"
#define WAIT_MS 20000

static atomic_bool is_listed; /* since this start */

struct listed {
	struct ec2_work w; /* first */
	struct ec2_plane_image_row *v;
	uint32_t n;
};

static void
one(struct plane_request *r, const struct plane_image *i)
{
	struct listed *l = (struct listed *)r;
	struct arena *a = l->w.task->arena;
	struct ec2_plane_image_row *more = arena_array(a, struct ec2_plane_image_row, l->n + 1);
	memcpy(more, l->n ? l->v : more, l->n * sizeof(*more));
	l->v = more;
	l->v[l->n++] = (struct ec2_plane_image_row){ .Id = arena_dup(a, i->id),
		.Name = arena_dup(a, i->name),
		.Os = arena_dup(a, i->os),
		.User = arena_dup(a, i->user),
		.Arch = arena_dup(a, i->arch),
		.Bytes = OPT_I64((int64_t)i->bytes),
		.Init = OPT_BOOL(i->has_init),
		.Kernel = OPT_BOOL(i->has_kernel) };
}

static const struct ec2_plane_image_row *
known(const struct ec2_plane_image_row *v, uint32_t n, struct str id)
{
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(v[i].Id, id))
			return &v[i];
	return NULL;
}

static int
effect_listed(struct call *c, struct ec2_work *w)
{
	struct listed *l = (struct listed *)w;
	struct ec2_plane_image_row *old;
	uint32_t n = plane_images(c, &old);
	struct rows *rows = store_rows(c->store, "ec2");
	struct key k;
	for (uint32_t i = 0; i < n; i++) {
		plane_key(&k, old[i].Id);
		if (!known(l->v, l->n, old[i].Id))
			tx_delete(c->tx, rows, key_str(&k));
	}
	for (uint32_t i = 0; i < l->n; i++) {
		const struct ec2_plane_image_row *was = known(old, n, l->v[i].Id);
		struct buf b = { 0 };
		l->v[i].Since = was ? was->Since : OPT_TIME(c->now_ms);
		plane_key(&k, l->v[i].Id);
		row_encode(&ec2_plane_image_row_shape, &l->v[i], &b);
		tx_put(c->tx, rows, key_str(&k), buf_str(&b));
		buf_done(&b);
	}
	atomic_store(&is_listed, true);
	tx_touch(c->tx, STR(LISTED_KEY));
	ec2_orders_listed(c);
	return CALL_OK;
}

/* ---- asked for when images are, not before: the plane sleeps until then */

static void
listed(struct ec2_work *w)
{
	if (w->status)
		ec2_work_fail(w);
	else
		ec2_work_end(w, effect_listed);
}

static void
list(struct ec2_work *w)
{
	if (w->status)
		log_warn("ec2.tiny", log_str("why", w->why));
	w->plane->ops->image_list(w->plane, ec2_work_ask(w, listed), one);
}

static void
step(struct task *task, void *arg)
{
	struct ec2_work *w = ec2_work_begin(task);
	(void)arg;
	if (!w)
		return;
	struct listed *l = arena_new(task->arena, struct listed);
	l->w = *w;
	/* The built-in one is made in a moment; without its parts what else is there is shown. */
	l->w.plane->ops->image_pull(l->w.plane, ec2_work_ask(&l->w, list), STR("tiny"));
}

static struct reconciler images = {
	.noun = "ec2.plane-images", .step = step, .backoff_max_ms = 60000
};

void
ec2_images_refresh(struct tx *t)
{
	reconcile_mark(t, STR("ec2.plane-images"), STR("-/-/all"));
}

bool
ec2_catalogue_listed(void)
{
	return atomic_load(&is_listed);
}

void
ec2_catalogue_forget(void)
{
	atomic_store(&is_listed, false);
}

int
ec2_catalogue_wait(struct call *c)
{
	if (!plane_current() || ec2_catalogue_listed() || call_timed_out(c))
		return CALL_OK;
	if (!call_parked_until(c))
		ec2_images_refresh(c->tx);
	c->park_keeps = true;
	return call_park(c, STR(LISTED_KEY), c->now_ms + WAIT_MS);
}

static void
start(struct store *s)
{
	(void)s;
	atomic_store(&is_listed, false);
	reconcile_register(&images);
}
EC2_START(start);
