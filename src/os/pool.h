/*
 * pool: worker threads for what may block (file reads, writes, syncs, hashing of large bodies).
 * A job runs on a worker, then its `done` is posted to the loop that it names. Jobs with the same
 * non-zero `lane` run one after the other in order of submission; others run side by side. Jobs
 * that do better together have `run_many`: such jobs wait until a worker takes all of them that are
 * there, up to POOL_MANY; with up to four workers only one does so at a time, so that they gather.
 */
#ifndef HANEUL_OS_POOL_H
#define HANEUL_OS_POOL_H

#include "os/loop.h"

struct pool;

#define POOL_MANY 8

struct pool_job {
	struct loop_job reply; /* used to post `done`; leave zero */
	struct pool_job *next;
	void (*run)(struct pool_job *job);  /* on a worker */
	void (*run_many)(
		struct pool_job **jobs, unsigned n); /* instead of run; the same in all such jobs */
	void (*done)(struct pool_job *job); /* on `loop`; may be NULL */
	struct loop *loop;                  /* where done runs; NULL: on the worker */
	uint64_t lane;
};

int pool_new(struct pool **ret_pool, int threads);
void pool_free(struct pool *p); /* runs what was submitted, then joins */
void pool_submit(struct pool *p, struct pool_job *job);

#endif
