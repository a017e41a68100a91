/* Machines of the fake: they run at once and end when a test says so. */
#include "plane/fake_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const *
dup_words(struct arena *a, const char *const *words)
{
	size_t n = 0;
	if (!words)
		return NULL;
	while (words[n])
		n++;
	const char **copy = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_cstr(a, str_c(words[i]));
	return copy;
}

static void
machine_dup(struct plane_machine *ret, struct arena *a, const struct plane_machine *m)
{
	struct str *interfaces = arena_array(a, struct str, m->interfaces_n);
	struct plane_disk *disks = arena_array(a, struct plane_disk, m->disks_n);
	for (uint32_t i = 0; i < m->interfaces_n; i++)
		interfaces[i] = arena_dup(a, m->interfaces[i]);
	for (uint32_t i = 0; i < m->disks_n; i++) {
		disks[i] = m->disks[i];
		disks[i].volume = arena_dup(a, disks[i].volume);
		disks[i].device = arena_dup(a, disks[i].device);
	}
	*ret = *m;
	ret->interfaces = interfaces;
	ret->disks = disks;
	ret->argv = dup_words(a, m->argv);
	ret->env = dup_words(a, m->env);
	struct str *text[] = { &ret->id, &ret->network, &ret->image, &ret->root_volume,
		&ret->hostname, &ret->resolver };
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		*text[i] = arena_dup(a, *text[i]);
}

void
fake_machine_free(struct fake_machine_row *m)
{
	if (!m)
		return;
	buf_done(&m->pub.interfaces);
	buf_done(&m->pub.disks);
	buf_done(&m->pub.console);
	arena_done(&m->arena);
	free(m);
}

static void
list_add(struct buf *b, struct str s)
{
	if (b->len)
		buf_add_c(b, ' ');
	buf_add_str(b, s);
}

static bool
list_has(const struct buf *b, struct str s)
{
	struct str rest = buf_str(b);
	while (rest.p)
		if (str_eq(str_cut(&rest, ' '), s))
			return true;
	return false;
}

static void
list_take(struct buf *b, struct str s)
{
	struct buf left = { 0 };
	struct str rest = buf_str(b);
	while (rest.p) {
		struct str one = str_cut(&rest, ' ');
		if (one.len && !str_eq(one, s))
			list_add(&left, one);
	}
	buf_done(b);
	*b = left;
}

/* What the real one would miss. */
static void
check(struct fake *f, struct fake_answer *a, const struct plane_machine *m)
{
	const struct fake_network_row *n = map_get(&f->networks, m->network);
	if (!map_get(&f->images, m->image))
		fake_refuse(a, -ENOENT, "The image %.*s is not there.", STR_FMT(m->image));
	else if (m->network.len && !n)
		fake_refuse(a, -ENOENT, "The network %.*s is not there.", STR_FMT(m->network));
	else if (m->kind == PLANE_VM && !f->ability.vms)
		fake_refuse(a, -EOPNOTSUPP, "Virtual machines are not available here.");
	for (uint32_t i = 0; n && i < m->interfaces_n && !a->status; i++)
		if (!fake_network_has_interface(&n->n, m->interfaces[i]))
			fake_refuse(a, -ENOENT, "The network %.*s has no interface %.*s.",
				STR_FMT(m->network), STR_FMT(m->interfaces[i]));
}

static struct fake_machine_row *
row_new(const struct plane_machine *m)
{
	struct fake_machine_row *row = calloc(1, sizeof(*row));
	assert(row && m->cpus > 0 && m->cpu_milli > 0 && m->memory_bytes > 0);
	arena_init(&row->arena);
	fake_id(row->id, m->id);
	machine_dup(&row->pub.m, &row->arena, m);
	row->pub.report = (struct plane_machine_report){ .id = str_c(row->id),
		.state = PLANE_MACHINE_RUNNING,
		.system_ok = true,
		.instance_ok = true };
	for (uint32_t i = 0; i < m->interfaces_n; i++)
		list_add(&row->pub.interfaces, m->interfaces[i]);
	buf_add_lit(&row->pub.console, "fake: booted\n");
	return row;
}

void
fake_machine_start(FAKE_REQUEST, const struct plane_machine *m)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_start", m->id);
	if (!a)
		return;
	struct fake_machine_row *old = map_get(&f->machines, m->id);
	if (old && old->pub.report.state == PLANE_MACHINE_RUNNING) {
		fake_end(f, a);
		return;
	}
	check(f, a, m);
	if (!a->status) {
		struct fake_machine_row *row = row_new(m);
		struct fake_volume *root =
			m->root_volume.len ? map_get(&f->volumes, m->root_volume) : NULL;
		for (uint32_t i = 0; i < m->disks_n && !a->status; i++)
			fake_attach(f, a, row, &m->disks[i]);
		if (m->root_volume.len && !root)
			fake_volume_put(&f->volumes, m->root_volume, m->root_bytes)->is_root = true;
		if (a->status) {
			fake_detach_all(f, row);
			fake_machine_free(row);
		} else {
			row->pub.starts = old ? old->pub.starts + 1 : 1;
			fake_machine_free(map_take(&f->machines, m->id));
			map_put(&f->machines, str_c(row->id), row);
		}
	}
	fake_end(f, a);
}

/* The machine, or an answer that says that it is not there (then the request has ended). */
static struct fake_machine_row *
running(struct fake *f, struct fake_answer *a, struct str id)
{
	struct fake_machine_row *m = map_get(&f->machines, id);
	if (m && m->pub.report.state == PLANE_MACHINE_RUNNING)
		return m;
	fake_refuse(a, -ENOENT, "The machine %.*s does not run.", STR_FMT(id));
	fake_end(f, a);
	return NULL;
}

void
fake_machine_stop(FAKE_REQUEST, struct str machine, enum plane_stop how)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(
		p, r, how & PLANE_STOP_NOW ? "machine_stop_now" : "machine_stop", machine);
	struct fake_machine_row *m;
	if (!a)
		return;
	if ((m = map_take(&f->machines, machine)))
		fake_detach_all(f, m);
	fake_machine_free(m);
	fake_end(f, a);
}

void
fake_machine_reboot(FAKE_REQUEST, struct str machine)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_reboot", machine);
	struct fake_machine_row *m = a ? running(f, a, machine) : NULL;
	if (!m)
		return;
	m->pub.reboots++;
	fake_end(f, a);
}

void
fake_machine_limits(FAKE_REQUEST, struct str machine, uint32_t cpu_milli, uint64_t memory_bytes)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_limits", machine);
	struct fake_machine_row *m = a ? running(f, a, machine) : NULL;
	if (!m)
		return;
	m->pub.m.cpu_milli = cpu_milli;
	m->pub.m.memory_bytes = memory_bytes;
	fake_end(f, a);
}

void
fake_machine_plug(FAKE_REQUEST, struct str machine, struct str interface, uint32_t device_index)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_plug", machine);
	struct fake_machine_row *m = a ? running(f, a, machine) : NULL;
	(void)device_index;
	if (!m)
		return;
	struct fake_network_row *n = map_get(&f->networks, m->pub.m.network);
	if (!n || !fake_network_has_interface(&n->n, interface))
		fake_refuse(a, -ENOENT, "There is no interface %.*s in the machine's network.",
			STR_FMT(interface));
	else if (!list_has(&m->pub.interfaces, interface))
		list_add(&m->pub.interfaces, interface);
	fake_end(f, a);
}

void
fake_machine_unplug(FAKE_REQUEST, struct str machine, struct str interface)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_unplug", machine);
	struct fake_machine_row *m = a ? running(f, a, machine) : NULL;
	if (!m)
		return;
	list_take(&m->pub.interfaces, interface);
	fake_end(f, a);
}

void
fake_machine_ask_console(FAKE_REQUEST, struct str machine)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_console", machine);
	struct fake_machine_row *m = a ? map_get(&f->machines, machine) : NULL;
	if (!a)
		return;
	if (m)
		buf_add_str(&a->text, buf_str(&m->pub.console));
	fake_end(f, a);
}

static void
report_add(struct fake_answer *a, const struct plane_machine_report *r)
{
	struct plane_machine_report *all =
		arena_array(&a->arena, struct plane_machine_report, a->reports_n + 1);
	for (unsigned i = 0; i < a->reports_n; i++)
		all[i] = a->reports[i];
	all[a->reports_n] = *r;
	all[a->reports_n].id = arena_dup(&a->arena, r->id);
	all[a->reports_n].why = arena_dup(&a->arena, r->why.p ? r->why : STR(""));
	a->reports = all;
	a->reports_n++;
}

void
fake_machine_look(FAKE_REQUEST, struct str machine)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_begin(p, r, "machine_look", machine);
	struct fake_machine_row *m;
	void *v;
	if (!a)
		return;
	if (!machine.len) {
		for (size_t at = 0; map_next(&f->machines, &at, NULL, &v);)
			report_add(a, &((struct fake_machine_row *)v)->pub.report);
	} else if ((m = map_get(&f->machines, machine))) {
		report_add(a, &m->pub.report);
	} else {
		report_add(a, &(struct plane_machine_report){
				      .id = machine, .state = PLANE_MACHINE_ABSENT });
	}
	fake_end(f, a);
}

const struct fake_machine *
fake_machine(struct plane *p, const char *id)
{
	struct fake_machine_row *m = map_get(&fake_of(p)->machines, str_c(id));
	return m ? &m->pub : NULL;
}

unsigned
fake_machines_n(struct plane *p)
{
	return (unsigned)fake_of(p)->machines.n;
}

void
fake_machine_end(struct plane *p, const char *id, int exit_status, const char *why)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_answer_new(NULL);
	pthread_mutex_lock(&f->lock);
	struct fake_machine_row *m = map_get(&f->machines, str_c(id));
	assert(m);
	m->pub.report = (struct plane_machine_report){ .id = str_c(m->id),
		.state = PLANE_MACHINE_STOPPED,
		.exit_status = exit_status,
		.why = arena_dup(&m->arena, str_c(why)) };
	fake_detach_all(f, m);
	report_add(a, &m->pub.report);
	fake_end(f, a);
}

void
fake_machine_report(struct plane *p, const char *id, const struct plane_machine_report *r)
{
	struct fake_machine_row *m = map_get(&fake_of(p)->machines, str_c(id));
	assert(m);
	uint8_t state = m->pub.report.state;
	m->pub.report = *r;
	m->pub.report.id = str_c(m->id);
	m->pub.report.state = state;
	m->pub.report.why = arena_dup(&m->arena, r->why.p ? r->why : STR(""));
}

void
fake_machine_console(struct plane *p, const char *id, const char *text)
{
	struct fake_machine_row *m = map_get(&fake_of(p)->machines, str_c(id));
	assert(m);
	buf_clear(&m->pub.console);
	buf_add_str(&m->pub.console, str_c(text));
}
