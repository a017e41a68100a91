/* Virtual machines of the agent: what is made before they start, and how QEMU is called. */
#include "plane/agent_impl.h"

#include "plane/vm_image.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct vm_work {
	struct job job;    /* first */
	struct machine *m; /* NULL: it has gone meanwhile */
	void (*then)(struct machine *m, int status, const char *why);
	const struct place *place;
	char root[PLANE_ID_MAX + 1], image[PLANE_ID_MAX + 1];
	uint64_t bytes;
};

static void
run(void *arg, struct job_result *r)
{
	const struct vm_work *k = arg;
	vm_prepare(k->place, str_c(k->root), str_c(k->image), k->bytes, r);
}

static void
done(struct job *j, const struct job_result *r)
{
	struct vm_work *k = (struct vm_work *)j;
	struct machine *m = k->m;
	if (m) {
		m->preparing = NULL;
		k->then(m, r->status, r->why);
	}
	free(k);
}

void
vms_prepare(struct machine *m, void (*then)(struct machine *m, int status, const char *why))
{
	struct vm_work *k = calloc(1, sizeof(*k));
	assert(k);
	*k = (struct vm_work){ .job.done = done,
		.m = m,
		.then = then,
		.place = &m->agent->place,
		.bytes = m->m.root_bytes };
	snprintf(k->root, sizeof(k->root), "%.*s", STR_FMT(m->m.root_volume));
	snprintf(k->image, sizeof(k->image), "%.*s", STR_FMT(m->m.image));
	m->phase = MACHINE_STARTING;
	m->preparing = k;
	int e = job_start(&k->job, m->agent->loop, run, k);
	if (!e)
		return;
	m->preparing = NULL;
	free(k);
	then(m, e, strerror(-e));
}

void
vms_forget(struct machine *m)
{
	if (m->preparing)
		m->preparing->m = NULL;
	m->preparing = NULL;
}

bool
vms_describe(struct agent *a, const struct plane_machine *m, bool own_init, struct arena *arena,
	struct plane_machine *ret)
{
	const char **argv = arena_array(arena, const char *, 8 + m->interfaces_n);
	unsigned n = 0;
	(void)a;
	*ret = *m;
	argv[n++] = "/sbin/haneul-guest";
	argv[n++] = "vm";
	argv[n++] = arena_cstr(arena,
		arena_printf(arena, "memory=%llu", (unsigned long long)(m->memory_bytes >> 20)));
	argv[n++] = arena_cstr(arena, arena_printf(arena, "cpus=%u", m->cpus ? m->cpus : 1));
	argv[n++] = own_init ? "init=own" : "init=ours";
	argv[n++] = arena_cstr(arena,
		arena_printf(arena, "name=%.*s", STR_FMT(m->hostname.len ? m->hostname : m->id)));
	for (uint32_t i = 0; i < m->interfaces_n; i++) {
		char text[80];
		if (!networks_describe(m->network, m->interfaces[i], text, sizeof(text)))
			return false;
		argv[n++] = arena_cstr(arena, arena_printf(arena, "if=%s", text));
	}
	argv[n] = NULL;
	ret->argv = argv;
	ret->no_new_privs = true;
	ret->memory_bytes += VM_MEMORY_MORE;
	return true;
}
