#include "os/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#define LANE_BUCKETS 256

/* A lane is known while one of its jobs is queued or running; the others of it wait here. */
struct lane {
	struct lane *next;
	uint64_t id;
	struct pool_job *first, **last;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct pool_job *first, **last; /* what may run now, oldest first */
	struct lane *lanes[LANE_BUCKETS];
	struct lane *spare;
	int idle;
	bool closing;
	int threads_n;
	pthread_t threads[];
};

static struct lane **
lane_find(struct pool *p, uint64_t id)
{
	struct lane **at = &p->lanes[(id * 0x9e3779b97f4a7c15u) >> 56];
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static struct lane *
lane_new(struct pool *p, uint64_t id)
{
	struct lane *lane = p->spare;
	if (lane)
		p->spare = lane->next;
	else if (!(lane = malloc(sizeof(*lane))))
		abort();
	lane->next = NULL;
	lane->id = id;
	lane->first = NULL;
	lane->last = &lane->first;
	return lane;
}

static void
queue_add(struct pool *p, struct pool_job *job)
{
	job->next = NULL;
	*p->last = job;
	p->last = &job->next;
	if (p->idle)
		pthread_cond_signal(&p->work);
}

static void
lane_advance(struct pool *p, uint64_t id)
{
	struct lane **at = lane_find(p, id), *lane = *at;
	struct pool_job *job = lane->first;
	if (job) {
		lane->first = job->next;
		if (!lane->first)
			lane->last = &lane->first;
		queue_add(p, job);
		return;
	}
	*at = lane->next;
	lane->next = p->spare;
	p->spare = lane;
}

static void
job_reply(struct loop_job *reply)
{
	struct pool_job *job = (struct pool_job *)reply;
	job->done(job);
}

static void
job_run(struct pool_job *job)
{
	_Static_assert(offsetof(struct pool_job, reply) == 0, "job_reply casts");
	job->run(job);
	if (!job->done)
		return;
	if (!job->loop) {
		job->done(job);
		return;
	}
	job->reply.run = job_reply;
	loop_post(job->loop, &job->reply);
}

static void *
worker(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct pool_job *job = p->first;
		if (!job) {
			if (p->closing)
				break;
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
			continue;
		}
		p->first = job->next;
		if (!p->first)
			p->last = &p->first;
		uint64_t lane = job->lane; /* the job may be gone once it has run */
		pthread_mutex_unlock(&p->lock);
		job_run(job);
		pthread_mutex_lock(&p->lock);
		if (lane)
			lane_advance(p, lane);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the main thread: workers start with all of them blocked. */
static int
threads_start(struct pool *p, int threads)
{
	sigset_t all, old;
	int r = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->threads_n < threads && r == 0) {
		r = pthread_create(&p->threads[p->threads_n], NULL, worker, p);
		p->threads_n += r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int
pool_new(struct pool **ret_pool, int threads)
{
	if (threads < 1)
		threads = 1;
	struct pool *p = calloc(1, sizeof(*p) + (size_t)threads * sizeof(pthread_t));
	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->last = &p->first;
	int r = threads_start(p, threads);
	if (r) {
		pool_free(p);
		return r;
	}
	*ret_pool = p;
	return 0;
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->threads_n; i++)
		pthread_join(p->threads[i], NULL);
	for (struct lane *lane = p->spare, *next; lane; lane = next) {
		next = lane->next;
		free(lane);
	}
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
pool_submit(struct pool *p, struct pool_job *job)
{
	pthread_mutex_lock(&p->lock);
	struct lane **at = job->lane ? lane_find(p, job->lane) : NULL;
	if (at && *at) {
		job->next = NULL;
		*(*at)->last = job;
		(*at)->last = &job->next;
	} else {
		if (at)
			*at = lane_new(p, job->lane);
		queue_add(p, job);
	}
	pthread_mutex_unlock(&p->lock);
}
