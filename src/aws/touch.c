#include "aws/touch.h"

#include <pthread.h>
#include <stddef.h>

#define BUCKETS 4096

enum {
	TOUCH_OFF,
	TOUCH_WAITING, /* in its bucket */
	TOUCH_POSTED,  /* taken out, its job is on the way to the loop */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct touch_wait *buckets[BUCKETS];

static void
unlink_wait(struct touch_wait *w)
{
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->next = NULL;
}

static void
touch_job(struct loop_job *job)
{
	struct touch_wait *w =
		(struct touch_wait *)((char *)job - offsetof(struct touch_wait, job));
	pthread_mutex_lock(&lock);
	w->state = TOUCH_OFF;
	pthread_mutex_unlock(&lock);
	w->woken(w);
}

void
touch_wait_start(struct touch_wait *w, struct loop *l, struct str key)
{
	w->loop = l;
	w->hash = str_hash(key);
	w->job.run = touch_job;
	struct touch_wait **bucket = &buckets[w->hash % BUCKETS];
	pthread_mutex_lock(&lock);
	w->state = TOUCH_WAITING;
	w->next = *bucket;
	w->at = bucket;
	if (w->next)
		w->next->at = &w->next;
	*bucket = w;
	pthread_mutex_unlock(&lock);
}

bool
touch_wait_stop(struct touch_wait *w)
{
	pthread_mutex_lock(&lock);
	if (w->state == TOUCH_WAITING) {
		unlink_wait(w);
		w->state = TOUCH_OFF;
	}
	bool off = w->state == TOUCH_OFF;
	pthread_mutex_unlock(&lock);
	return off;
}

bool
touch_wait_move(struct touch_wait *from, struct touch_wait *to)
{
	pthread_mutex_lock(&lock);
	bool waits = from->state == TOUCH_WAITING;
	if (waits) {
		void (*woken)(struct touch_wait *w) = to->woken;
		*to = *from;
		to->woken = woken;
		*to->at = to;
		if (to->next)
			to->next->at = &to->next;
		from->state = TOUCH_OFF;
	}
	pthread_mutex_unlock(&lock);
	return waits;
}

static void
wake(struct touch_wait *w)
{
	unlink_wait(w);
	w->state = TOUCH_POSTED;
	loop_post(w->loop, &w->job);
}

void
touch_deliver(void *arg, struct str key)
{
	(void)arg;
	uint64_t hash = str_hash(key);
	pthread_mutex_lock(&lock);
	struct touch_wait *oldest = NULL; /* new waits are put in front */
	for (struct touch_wait *w = buckets[hash % BUCKETS], *next; w; w = next) {
		next = w->next;
		if (w->hash != hash)
			continue;
		if (w->one)
			oldest = w;
		else
			wake(w);
	}
	if (oldest)
		wake(oldest);
	pthread_mutex_unlock(&lock);
}

void
touch_all(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < BUCKETS; i++)
		while (buckets[i])
			wake(buckets[i]);
	pthread_mutex_unlock(&lock);
}
