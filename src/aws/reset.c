/* Emptying the cloud while it runs: POST /_haneul/reset. */
#include "aws/front.h"
#include "aws/touch.h"
#include "base/log.h"

#include <signal.h>

static int
keep_rows(struct tx *t, void *arg)
{
	struct store *s = arg;
	/* Time never runs backwards, also not for who empties the cloud. */
	clock_rows_change(t, s, 0, -1);
	for (unsigned i = 0; i < services_n; i++)
		if (services[i]->hooks && services[i]->hooks->keep)
			services[i]->hooks->keep(t, s);
	return 0;
}

int
cloud_reset(struct cloud *c)
{
	/* What is written from here to the reset itself leaves blobs without a row: the sweep's
	 * work. */
	struct tx *before = tx_begin_read(c->store);
	int r = store_reset(c->store, keep_rows, c->store);
	for (unsigned i = 0; i < services_n && !r; i++)
		if (services[i]->hooks && services[i]->hooks->discard)
			services[i]->hooks->discard(c->store, c->blobs, before);
	tx_end(before);
	touch_all();
	if (r)
		log_error("cloud.reset", log_errno("why", r));
	else
		log_info("cloud.reset", log_c("state", "empty"));
	return r;
}

static void *
reset_main(void *arg)
{
	struct front_call *f = arg;
	struct cloud *c = f->home->cloud;
	f->commit_status = cloud_reset(c);
	loop_post(f->home->loop, &f->job);
	pthread_mutex_lock(&c->lock);
	c->resets_n--;
	pthread_cond_broadcast(&c->resets_cond);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

void
front_reset(struct front_call *f)
{
	struct cloud *c = f->home->cloud;
	sigset_t all, old;
	pthread_t thread;
	pthread_mutex_lock(&c->lock);
	c->resets_n++;
	pthread_mutex_unlock(&c->lock);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&thread, NULL, reset_main, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!r) {
		pthread_detach(thread);
		return;
	}
	pthread_mutex_lock(&c->lock);
	c->resets_n--;
	pthread_mutex_unlock(&c->lock);
	f->commit_status = -r;
	loop_post(f->home->loop, &f->job);
}

void
cloud_resets_wait(struct cloud *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->resets_n)
		pthread_cond_wait(&c->resets_cond, &c->lock);
	pthread_mutex_unlock(&c->lock);
}
