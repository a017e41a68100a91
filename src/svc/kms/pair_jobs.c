/*
 * An RSA pair takes up to seconds, too long for the writer: the call leaves a row and a task and is
 * parked; a worker makes the pair, seals it into the row and wakes the call, which takes it away.
 */
#include "svc/kms/kms.h"

#include "aws/due.h"
#include "aws/master_key.h"
#include "aws/tasks.h"
#include "os/loop.h"
#include "os/pool.h"

#include <errno.h>

#define WAIT_MS 120000

static struct pool *pool; /* the tasks' loop only; made at first use */

static void
pair_key(struct key *k, struct str request)
{
	key_begin(k);
	key_add_raw(k, STR("J"));
	key_add(k, request);
}

static struct str
wake_key(struct arena *a, struct str request)
{
	return arena_concat(a, STR("kms pair "), request);
}

static void
pair_put(struct tx *t, struct str request, const struct kms_pair_row *p)
{
	struct key k;
	struct buf b = { 0 };
	pair_key(&k, request);
	row_encode(&kms_pair_row_shape, p, &b);
	tx_put(t, kms_rows(tx_store(t)), key_str(&k), buf_str(&b));
	buf_done(&b);
}

static bool
pair_get(struct tx *t, struct arena *a, struct str request, struct kms_pair_row *ret)
{
	struct key k;
	struct str value;
	memset(ret, 0, sizeof(*ret));
	pair_key(&k, request);
	return tx_get(t, kms_rows(tx_store(t)), key_str(&k), &value) &&
	       row_decode(&kms_pair_row_shape, value, a, ret);
}

static void
pair_delete(struct tx *t, struct str request)
{
	struct key k;
	pair_key(&k, request);
	tx_delete(t, kms_rows(tx_store(t)), key_str(&k));
}

/* ---- on a worker ---- */

struct job {
	struct pool_job pool;
	struct task *task;
	struct str request, sealed, public_key;
	const struct kms_spec *spec;
};

static void
job_run(struct pool_job *p)
{
	struct job *j = (struct job *)p;
	struct arena *a = j->task->arena;
	KMS_SECRET s;
	unsigned char master[SEAL_KEY];
	if (!j->spec || !kms_pair_make(j->spec, &s, &j->public_key, a))
		return;
	char *box = arena_alloc_raw(a, SEAL_NONCE + s.len + SEAL_TAG);
	random_bytes(box, SEAL_NONCE);
	master_key_derive(STR("kms pair"), master);
	seal(master, (unsigned char *)box, j->request, str_of(s.b, s.len),
		(unsigned char *)box + SEAL_NONCE);
	explicit_bzero(master, sizeof(master));
	j->sealed = str_of(box, SEAL_NONCE + s.len + SEAL_TAG);
}

static int
job_effect(struct tx *t, const struct task *task, void *arg)
{
	struct job *j = arg;
	struct kms_pair_row p;
	/* The client has gone, or the row was tidied away. */
	if (!pair_get(t, task->arena, j->request, &p))
		return 0;
	p.Sealed = j->sealed;
	p.PublicKey = j->public_key;
	pair_put(t, j->request, &p);
	tx_touch(t, wake_key(task->arena, j->request));
	return 0;
}

static void
job_done(struct pool_job *p)
{
	struct job *j = (struct job *)p;
	if (j->sealed.p)
		task_done(j->task, 0, STR(""), job_effect, j);
	else
		task_done(j->task, -EIO, STR("no key pair could be made"), NULL, NULL);
}

static void
job_start(struct task *task, void *arg)
{
	struct job *j = arena_new(task->arena, struct job);
	struct str rest = task->payload;
	(void)arg;
	if (!pool && pool_new(&pool, 1))
		pool = NULL;
	if (!pool) {
		task_done(task, -EAGAIN, STR("no worker thread"), NULL, NULL);
		return;
	}
	j->task = task;
	j->spec = kms_spec(arena_dup(task->arena, str_cut(&rest, ' ')));
	j->request = arena_dup(task->arena, rest);
	j->pool = (struct pool_job){ .run = job_run, .done = job_done, .loop = loop_current() };
	pool_submit(pool, &j->pool);
}

/* Whose client went away meanwhile. */
static int
job_forget(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	(void)due_ms, (void)payload, (void)arg;
	pair_delete(t, id);
	return 0;
}

static const struct task_kind kind = {
	.name = "kms.pair", .concurrency = 1, .max_attempts = 3, .start = job_start
};

void
kms_pairs_start(void)
{
	tasks_register(&kind);
	due_handle("kms.pair", job_forget, NULL);
}

void
kms_pairs_stop(void)
{
	if (pool)
		pool_free(pool);
	pool = NULL;
}

/* ---- in the handler ---- */

static int
pair_ask(struct call *c, const struct kms_spec *s)
{
	struct kms_pair_row p = { .Spec = str_c(s->name) };
	pair_put(c->tx, c->request_id, &p);
	task_add(c->tx, "kms.pair",
		arena_printf(c->arena, "%s %.*s", s->name, STR_FMT(c->request_id)), c->now_ms);
	due_add(c->tx, STR("kms.pair"), c->request_id, c->now_ms + 10 * WAIT_MS, STR(""));
	c->park_keeps = true;
	return call_park(c, wake_key(c->arena, c->request_id), c->now_ms + WAIT_MS);
}

static int
pair_take(struct call *c, const struct kms_pair_row *p, struct kms_secret *ret,
	struct str *ret_public)
{
	unsigned char master[SEAL_KEY];
	struct str box = str_slice(p->Sealed, SEAL_NONCE, p->Sealed.len);
	master_key_derive(STR("kms pair"), master);
	bool ok = box.len >= SEAL_TAG && box.len - SEAL_TAG <= sizeof(ret->b) &&
		  unseal(master, (const unsigned char *)p->Sealed.p, c->request_id, box, ret->b);
	explicit_bzero(master, sizeof(master));
	if (!ok)
		return call_fail(c, &KMS_KMSInternalException, "The key pair does not open.");
	ret->len = box.len - SEAL_TAG;
	*ret_public = p->PublicKey;
	pair_delete(c->tx, c->request_id);
	due_cancel(c->tx, STR("kms.pair"), c->request_id);
	return CALL_OK;
}

int
kms_pair_wait(
	struct call *c, const struct kms_spec *s, struct kms_secret *ret, struct str *ret_public)
{
	struct kms_pair_row p;
	if (s->kind != KMS_RSA)
		return kms_pair_make(s, ret, ret_public, c->arena)
			       ? CALL_OK
			       : call_fail(c, &KMS_KMSInternalException,
					 "No key pair could be made.");
	if (!pair_get(c->tx, c->arena, c->request_id, &p))
		return pair_ask(c, s);
	if (p.Sealed.p)
		return pair_take(c, &p, ret, ret_public);
	if (call_timed_out(c))
		return call_fail(
			c, &KMS_DependencyTimeoutException, "The key pair was not made in time.");
	c->park_keeps = true;
	return call_park(c, wake_key(c->arena, c->request_id), call_parked_until(c));
}
