/*
 * Replies that need slow work after the commit (call.complete). It has workers of its own: those of
 * the bodies must not wait for signatures, nor signatures for a disk.
 */
#include "aws/front.h"
#include "os/pool.h"

#define WORKERS 2

struct completing {
	struct pool_job pool;
	struct front_call *f;
};

void
front_complete_now(struct front_call *f)
{
	f->call.complete(&f->call, f->out);
	codec_encode(&f->call, f->call.op, f->out, &f->reply);
}

static void
complete_run(struct pool_job *job)
{
	front_complete_now(((struct completing *)job)->f);
}

static void
complete_done(struct pool_job *job)
{
	struct front_call *f = ((struct completing *)job)->f;
	f->away = false;
	front_send(f);
}

/* Any loop. NULL: no thread can be had. */
static struct pool *
completers(struct cloud *c)
{
	pthread_mutex_lock(&c->lock);
	if (!c->completers && pool_new(&c->completers, WORKERS))
		c->completers = NULL;
	struct pool *pool = c->completers;
	pthread_mutex_unlock(&c->lock);
	return pool;
}

void
front_complete(struct front_call *f)
{
	struct pool *pool = completers(f->home->cloud);
	if (!pool) {
		front_complete_now(f);
		front_send(f);
		return;
	}
	struct completing *k = arena_new(&f->arena, struct completing);
	k->f = f;
	k->pool.run = complete_run;
	k->pool.done = complete_done;
	k->pool.loop = f->home->loop;
	f->away = true;
	pool_submit(pool, &k->pool);
}
