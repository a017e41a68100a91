/* Machines, images and reports as bytes and back. */
#include "plane/machine_pack.h"

#include "plane/network_pack.h"

#define WORDS_MAX 256
#define INTERFACES_MAX 64
#define DISKS_MAX 64

static struct str
unpack_id(struct unpack *u, bool may_be_empty)
{
	struct str id = unpack_str(u);
	if (!plane_id_ok(id) && !(may_be_empty && id.len == 0))
		u->bad = true;
	return id;
}

/* Inside: /dev/ and a name of one part. */
static bool
device_valid(struct str d)
{
	if (!str_starts(d, STR("/dev/")) || d.len == 5 || d.len > 5 + 32)
		return false;
	for (size_t i = 5; i < d.len; i++)
		if (!((d.p[i] >= 'a' && d.p[i] <= 'z') || (d.p[i] >= '0' && d.p[i] <= '9')))
			return false;
	return true;
}

void
pack_disk(struct pack *p, const struct plane_disk *d)
{
	pack_str(p, d->volume);
	pack_str(p, d->device);
	pack_u32(p, d->iops);
	pack_u64(p, d->bytes_a_second);
}

void
unpack_disk(struct unpack *u, struct plane_disk *ret)
{
	ret->volume = unpack_id(u, false);
	ret->device = unpack_str(u);
	ret->iops = unpack_u32(u);
	ret->bytes_a_second = unpack_u64(u);
	if (!device_valid(ret->device))
		u->bad = true;
}

static void
pack_words(struct pack *p, const char *const *words)
{
	uint32_t n = 0;
	pack_u8(p, words != NULL);
	while (words && words[n])
		n++;
	pack_u32(p, n);
	for (uint32_t i = 0; i < n; i++)
		pack_str(p, str_c(words[i]));
}

static const char *const *
unpack_words(struct unpack *u, struct arena *a)
{
	bool there = unpack_u8(u);
	uint32_t n = unpack_count(u, 4);
	if (n > WORDS_MAX)
		u->bad = true;
	const char **words = arena_array(a, const char *, u->bad ? 1 : n + 1);
	for (uint32_t i = 0; i < n && !u->bad; i++)
		words[i] = arena_cstr(a, unpack_str(u));
	return there ? words : NULL;
}

void
pack_machine(struct pack *p, const struct plane_machine *m)
{
	pack_str(p, m->id);
	pack_str(p, m->network);
	pack_u32(p, m->interfaces_n);
	for (uint32_t i = 0; i < m->interfaces_n; i++)
		pack_str(p, m->interfaces[i]);
	pack_str(p, m->image);
	pack_str(p, m->root_volume);
	pack_u64(p, m->root_bytes);
	pack_str(p, m->hostname);
	pack_str(p, m->resolver);
	pack_u32(p, m->cpu_milli);
	pack_u32(p, m->cpus);
	pack_u64(p, m->memory_bytes);
	pack_u32(p, m->disks_n);
	for (uint32_t i = 0; i < m->disks_n; i++)
		pack_disk(p, &m->disks[i]);
	pack_u8(p, m->kind);
	pack_u8(p, m->no_new_privs);
	pack_words(p, m->argv);
	pack_words(p, m->env);
}

static bool
hostname_valid(struct str h)
{
	for (size_t i = 0; i < h.len; i++)
		if (!((h.p[i] >= 'a' && h.p[i] <= 'z') || (h.p[i] >= 'A' && h.p[i] <= 'Z') ||
			    (h.p[i] >= '0' && h.p[i] <= '9') || h.p[i] == '-' || h.p[i] == '.'))
			return false;
	return h.len <= 63; /* what the kernel takes, and no more than a label */
}

/* Whole lines of printable text. */
static bool
lines_valid(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] != '\n' && (text.p[i] < ' ' || text.p[i] > '~'))
			return false;
	return !text.len || (text.len <= 1024 && text.p[text.len - 1] == '\n');
}

void
unpack_machine(struct unpack *u, struct arena *a, struct plane_machine *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->id = unpack_id(u, false);
	ret->network = unpack_id(u, true);
	ret->interfaces_n = unpack_count(u, 4);
	if (ret->interfaces_n > INTERFACES_MAX)
		u->bad = true;
	struct str *interfaces = arena_array(a, struct str, u->bad ? 0 : ret->interfaces_n);
	for (uint32_t i = 0; i < ret->interfaces_n && !u->bad; i++)
		interfaces[i] = unpack_id(u, false);
	ret->interfaces = interfaces;
	ret->image = unpack_id(u, false);
	ret->root_volume = unpack_id(u, false);
	ret->root_bytes = unpack_u64(u);
	ret->hostname = unpack_str(u);
	ret->resolver = unpack_str(u);
	ret->cpu_milli = unpack_u32(u);
	ret->cpus = unpack_u32(u);
	ret->memory_bytes = unpack_u64(u);
	ret->disks_n = unpack_count(u, 20);
	if (ret->disks_n > DISKS_MAX)
		u->bad = true;
	struct plane_disk *disks = arena_array(a, struct plane_disk, u->bad ? 0 : ret->disks_n);
	for (uint32_t i = 0; i < ret->disks_n && !u->bad; i++)
		unpack_disk(u, &disks[i]);
	ret->disks = disks;
	ret->kind = unpack_u8(u);
	ret->no_new_privs = unpack_u8(u);
	ret->argv = unpack_words(u, a);
	ret->env = unpack_words(u, a);
	if (!hostname_valid(ret->hostname) || !lines_valid(ret->resolver) || ret->kind > PLANE_VM ||
		(ret->argv && !ret->argv[0]) || !ret->cpus || !ret->cpu_milli || !ret->memory_bytes)
		u->bad = true;
}

void
pack_image(struct pack *p, const struct plane_image *i)
{
	pack_str(p, i->id);
	pack_str(p, i->name);
	pack_str(p, i->os);
	pack_str(p, i->user);
	pack_str(p, i->arch);
	pack_u64(p, i->bytes);
	pack_u8(p, i->has_init);
	pack_u8(p, i->has_kernel);
}

void
unpack_image(struct unpack *u, struct plane_image *ret)
{
	ret->id = unpack_id(u, false);
	ret->name = unpack_str(u);
	ret->os = unpack_str(u);
	ret->user = unpack_str(u);
	ret->arch = unpack_str(u);
	ret->bytes = unpack_u64(u);
	ret->has_init = unpack_u8(u);
	ret->has_kernel = unpack_u8(u);
	/* They become lines of a file. */
	if (!str_is_line(ret->name) || !str_is_line(ret->os) || !str_is_line(ret->user) ||
		!str_is_line(ret->arch))
		u->bad = true;
}

void
pack_report(struct pack *p, const struct plane_machine_report *r)
{
	pack_str(p, r->id);
	pack_u8(p, r->state);
	pack_u32(p, (uint32_t)r->exit_status);
	pack_str(p, r->why);
	pack_u8(p, (uint8_t)(r->system_ok | r->instance_ok << 1));
	const uint64_t numbers[] = { r->cpu_us, r->memory_bytes, r->net_in_bytes, r->net_out_bytes,
		r->disk_read_bytes, r->disk_write_bytes };
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		pack_u64(p, numbers[i]);
}

void
unpack_report(struct unpack *u, struct plane_machine_report *ret)
{
	ret->id = unpack_id(u, false);
	ret->state = unpack_u8(u);
	ret->exit_status = (int)unpack_u32(u);
	ret->why = unpack_str(u);
	uint8_t ok = unpack_u8(u);
	ret->system_ok = ok & 1;
	ret->instance_ok = ok & 2;
	uint64_t *numbers[] = { &ret->cpu_us, &ret->memory_bytes, &ret->net_in_bytes,
		&ret->net_out_bytes, &ret->disk_read_bytes, &ret->disk_write_bytes };
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = unpack_u64(u);
	if (ret->state > PLANE_MACHINE_STOPPED)
		u->bad = true;
}
