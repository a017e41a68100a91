/* The queue of the fake: requests in, answers out, failures ordered by a test. */
#include "plane/fake_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fake_answer *
fake_answer_new(struct plane_request *r)
{
	struct fake_answer *a = calloc(1, sizeof(*a));
	assert(a);
	a->r = r;
	a->fd = -1;
	arena_init(&a->arena);
	return a;
}

static void
answer_free(struct fake_answer *a)
{
	buf_done(&a->why);
	buf_done(&a->text);
	arena_done(&a->arena);
	free(a);
}

void
fake_id(char ret[PLANE_ID_MAX + 1], struct str id)
{
	assert(id.len > 0 && id.len <= PLANE_ID_MAX);
	for (size_t i = 0; i < id.len; i++)
		assert((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= '0' && id.p[i] <= '9') ||
			id.p[i] == '-');
	memcpy(ret, id.p, id.len);
	ret[id.len] = 0;
}

void
fake_refuse(struct fake_answer *a, int status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	a->status = status;
	buf_clear(&a->why);
	buf_vprintf(&a->why, fmt, ap);
	va_end(ap);
}

static bool
ordered_failure(struct fake *f, struct fake_answer *a, const char *op, struct str id)
{
	for (struct fake_failure **at = &f->failures, *x; (x = *at); at = &x->next) {
		if (strcmp(x->op, op) != 0 || (x->id[0] && !str_eq(str_c(x->id), id)))
			continue;
		fake_refuse(a, x->status, "%s", x->why);
		if (--x->times == 0) {
			*at = x->next;
			free(x);
		}
		return true;
	}
	return false;
}

struct fake_answer *
fake_begin(struct plane *p, struct plane_request *r, const char *op, struct str id)
{
	struct fake *f = fake_of(p);
	struct fake_answer *a = fake_answer_new(r);
	pthread_mutex_lock(&f->lock);
	buf_printf(&f->log, id.len ? "%s %.*s\n" : "%s%.*s\n", op, STR_FMT(id));
	if (!ordered_failure(f, a, op, id))
		return a;
	fake_end(f, a);
	return NULL;
}

static void
run_job(struct loop_job *job)
{
	struct fake *f = (struct fake *)((char *)job - offsetof(struct fake, job));
	pthread_mutex_lock(&f->lock);
	f->posted = false;
	pthread_mutex_unlock(&f->lock);
	fake_run(&f->plane);
}

static void
post(struct fake *f)
{
	if (!f->loop || f->posted || f->held || !f->first)
		return;
	f->posted = true;
	loop_post(f->loop, &f->job);
}

void
fake_end(struct fake *f, struct fake_answer *a)
{
	a->next = NULL;
	*f->last = a;
	f->last = &a->next;
	post(f);
	pthread_mutex_unlock(&f->lock);
}

static struct fake_answer *
take_answer(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	struct fake_answer *a = f->held ? NULL : f->first;
	if (a && !(f->first = a->next))
		f->last = &f->first;
	pthread_mutex_unlock(&f->lock);
	return a;
}

static void
give(struct fake *f, struct fake_answer *a)
{
	for (unsigned i = 0; i < a->reports_n; i++)
		for (struct plane_listener *l = f->plane.listeners, *next; l; l = next) {
			next = l->next;
			if (l->reported)
				l->reported(l, &a->reports[i]);
		}
	for (struct plane_listener *l = f->plane.listeners; l && a->progress_of.p; l = l->next)
		if (l->progress)
			l->progress(l, a->progress_of, STR("done"));
	for (unsigned i = 0; i < a->images_n; i++)
		a->each(a->r, &a->images[i]);
	struct plane_answer answer = { .status = a->status,
		.why = a->why.p ? a->why.p : "",
		.fd = a->fd,
		.bytes = a->bytes,
		.text = buf_str(&a->text) };
	if (a->r)
		a->r->done(a->r, &answer);
	answer_free(a);
}

unsigned
fake_run(struct plane *p)
{
	unsigned n = 0;
	for (struct fake_answer *a; (a = take_answer(fake_of(p))); n++)
		give(fake_of(p), a);
	return n;
}

void
fake_hold(struct plane *p, bool hold)
{
	struct fake *f = fake_of(p);
	pthread_mutex_lock(&f->lock);
	f->held = hold;
	post(f);
	pthread_mutex_unlock(&f->lock);
}

void
fake_cut(struct plane *p)
{
	struct fake *f = fake_of(p);
	f->held = false;
	for (struct fake_answer *a; (a = take_answer(f));) {
		if (a->fd >= 0)
			close(a->fd);
		answer_free(a);
	}
	p->listeners = NULL;
}

void
fake_fail(struct plane *p, const char *op, const char *id, int status, const char *why,
	unsigned times)
{
	struct fake *f = fake_of(p);
	struct fake_failure *x = calloc(1, sizeof(*x)), **at = &f->failures;
	assert(x && times > 0 && status < 0);
	x->status = status;
	x->times = times;
	snprintf(x->op, sizeof(x->op), "%s", op);
	snprintf(x->id, sizeof(x->id), "%s", id ? id : "");
	snprintf(x->why, sizeof(x->why), "%s", why);
	pthread_mutex_lock(&f->lock);
	while (*at)
		at = &(*at)->next;
	*at = x;
	pthread_mutex_unlock(&f->lock);
}

struct str
fake_log(struct plane *p)
{
	return buf_str(&fake_of(p)->log);
}

void
fake_forget_log(struct plane *p)
{
	buf_clear(&fake_of(p)->log);
}

void
fake_flow(struct plane *p, const struct plane_flow *flow)
{
	for (struct plane_listener *l = p->listeners; l; l = l->next)
		if (l->flow)
			l->flow(l, flow);
}

void
fake_forget(struct plane *p)
{
	for (struct plane_listener *l = p->listeners; l; l = l->next)
		if (l->forgot)
			l->forgot(l);
}

void
fake_ability(struct plane *p, const struct plane_ability *a)
{
	fake_of(p)->ability = *a;
}

static void
ability(struct plane *p, struct plane_ability *ret)
{
	*ret = fake_of(p)->ability;
}

bool
fake_forget_everything(struct fake *f)
{
	size_t at = 0;
	void *v;
	struct { struct map *m; void (*free)(void *); } all[] = {
		{ &f->machines, (void (*)(void *))fake_machine_free },
		{ &f->networks, (void (*)(void *))fake_network_free },
		{ &f->volumes, free },
		{ &f->snapshots, free },
		{ &f->images, (void (*)(void *))fake_image_free },
	};
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (at = 0; map_next(all[i].m, &at, NULL, &v);)
			all[i].free(v);
		map_done(all[i].m);
	}
	return true;
}

void
fake_close(struct plane *p)
{
	struct fake *f = fake_of(p);
	fake_cut(p);
	if (f->posted && loop_current() == f->loop)
		loop_unpost(f->loop, &f->job);
	fake_forget_everything(f);
	for (struct fake_failure *x; (x = f->failures); free(x))
		f->failures = x->next;
	for (struct fake_socket *s; (s = f->sockets); free(s))
		f->sockets = s->next;
	buf_done(&f->log);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void
fake_remove_all(FAKE_REQUEST)
{
	struct fake_answer *a = fake_begin(p, r, "remove_all", STR(""));
	if (a && fake_forget_everything(fake_of(p)))
		fake_end(fake_of(p), a);
}

const struct plane_ops fake_ops = {
	.close = fake_close,
	.ability = ability,
	.network_apply = fake_network_apply,
	.network_remove = fake_network_remove,
	.network_socket = fake_network_socket,
	.machine_start = fake_machine_start,
	.machine_stop = fake_machine_stop,
	.machine_reboot = fake_machine_reboot,
	.machine_limits = fake_machine_limits,
	.machine_plug = fake_machine_plug,
	.machine_unplug = fake_machine_unplug,
	.machine_console = fake_machine_ask_console,
	.machine_look = fake_machine_look,
	.volume_create = fake_volume_create,
	.volume_resize = fake_volume_resize,
	.volume_remove = fake_volume_remove,
	.volume_attach = fake_volume_attach,
	.volume_detach = fake_volume_detach,
	.snapshot_create = fake_snapshot_create,
	.snapshot_remove = fake_snapshot_remove,
	.image_list = fake_image_list,
	.image_pull = fake_image_pull,
	.image_import = fake_image_import,
	.image_export = fake_image_export,
	.image_from_root = fake_image_from_root,
	.image_remove = fake_image_remove,
	.remove_all = fake_remove_all,
};

struct plane *
fake_open(struct loop *l)
{
	struct fake *f = calloc(1, sizeof(*f));
	assert(f);
	f->plane.ops = &fake_ops;
	f->loop = l;
	f->job.run = run_job;
	f->last = &f->first;
	f->ability = (struct plane_ability){ .networks = true,
		.machines = true,
		.volumes = true,
		.why_not = "",
		.cpus = 64,
		.memory_bytes = 512ull << 30 };
	pthread_mutex_init(&f->lock, NULL);
	fake_image_put(f, &(struct plane_image){ .id = STR("tiny"),
				  .name = STR("Haneul tiny"),
				  .os = STR("busybox"),
				  .user = STR("ec2-user"),
				  .arch = STR("x86_64"),
				  .bytes = 3 << 20 });
	fake_image_put(f, &(struct plane_image){ .id = STR("debian"),
				  .name = STR("Debian 12"),
				  .os = STR("Debian 12 (bookworm)"),
				  .user = STR("admin"),
				  .arch = STR("x86_64"),
				  .bytes = 300 << 20,
				  .has_init = true });
	return &f->plane;
}
