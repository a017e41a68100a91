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
	struct pool_job *many, **many_last; /* the same, of jobs with run_many */
	int gathering, gathering_max;	    /* workers that run such */
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
	struct pool_job ***last = job->run_many ? &p->many_last : &p->last;
	job->next = NULL;
	**last = job;
	*last = &job->next;
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
job_done(struct pool_job *job)
{
	_Static_assert(offsetof(struct pool_job, reply) == 0, "job_reply casts");
	if (!job->done)
		return;
	if (!job->loop) {
		job->done(job);
		return;
	}
	job->reply.run = job_reply;
	loop_post(job->loop, &job->reply);
}

static struct pool_job *
queue_take(struct pool_job **first, struct pool_job ***last)
{
	struct pool_job *job = *first;
	*first = job->next;
	if (!*first)
		*last = first;
	return job;
}

/* With the lock, which is let go meanwhile. */
static void
many_run(struct pool *p)
{
	struct pool_job *jobs[POOL_MANY];
	uint64_t lanes[POOL_MANY];
	unsigned n = 0;
	for (; p->many && n < POOL_MANY; n++) {
		jobs[n] = queue_take(&p->many, &p->many_last);
		lanes[n] = jobs[n]->lane;
	}
	p->gathering++;
	pthread_mutex_unlock(&p->lock);
	jobs[0]->run_many(jobs, n);
	for (unsigned i = 0; i < n; i++)
		job_done(jobs[i]);
	pthread_mutex_lock(&p->lock);
	p->gathering--;
	for (unsigned i = 0; i < n; i++)
		if (lanes[i])
			lane_advance(p, lanes[i]);
}

static void
one_run(struct pool *p)
{
	struct pool_job *job = queue_take(&p->first, &p->last);
	uint64_t lane = job->lane; /* the job may be gone once it has run */
	pthread_mutex_unlock(&p->lock);
	job->run(job);
	job_done(job);
	pthread_mutex_lock(&p->lock);
	if (lane)
		lane_advance(p, lane);
}

static void *
worker(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		if (p->many && p->gathering < p->gathering_max) {
			many_run(p);
		} else if (p->first) {
			one_run(p);
		} else if (p->closing && (!p->many || p->gathering)) {
			/* Who gathers goes on until nothing is left. */
			break;
		} else {
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
		}
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
	p->many_last = &p->many;
	p->gathering_max = (threads + 3) / 4;
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
