/*
 * What the calls of one turn of a loop do together: the sums of small bodies, because eight MD5
 * take hardly longer than one, and the way to the writer, which then finds them as one group and is
 * woken once. Nothing waits for more to come: the turn's events are what there is.
 */
#include "aws/front.h"

#define SUMS_N 16

static struct front_loop *
home_of(struct loop_job *job, size_t offset)
{
	return (struct front_loop *)((char *)job - offset);
}

static void
units_submit(struct loop_job *job)
{
	struct front_loop *home = home_of(job, offsetof(struct front_loop, units_job));
	struct store_unit *first = home->units;
	home->units = NULL;
	store_submit_list(home->cloud->store, first);
}

void
front_submit(struct front_call *f)
{
	struct front_loop *home = f->home;
	f->unit.next = NULL;
	if (!home->units) {
		home->units_last = &home->units;
		home->units_job.run = units_submit;
		loop_post(home->loop, &home->units_job);
	}
	*home->units_last = &f->unit;
	home->units_last = &f->unit.next;
}

/* A few calls from *at on; *at is then the next one. */
static void
sums_take(struct front_call **at)
{
	struct front_call *calls[SUMS_N];
	struct digests *sums[SUMS_N] = { 0 };
	struct str pieces[SUMS_N] = { 0 };
	unsigned n = 0;
	for (; *at && n < SUMS_N; *at = (*at)->next, n++) {
		calls[n] = *at;
		sums[n] = &(*at)->sums;
		pieces[n] = buf_str(&(*at)->ingest.held);
		digests_init(sums[n], (*at)->ingest.which);
	}
	digests_add_each(sums, pieces, n);
	for (unsigned i = 0; i < n; i++) {
		digests_final(sums[i], &calls[i]->ingest.body.digests);
		calls[i]->away = false;
		front_summed(calls[i]);
	}
}

static void
sums_run(struct loop_job *job)
{
	struct front_loop *home = home_of(job, offsetof(struct front_loop, sums_job));
	struct front_call *f = home->sums;
	home->sums = NULL;
	while (f)
		sums_take(&f);
}

void
front_sum(struct front_call *f)
{
	struct front_loop *home = f->home;
	f->away = true;
	f->next = NULL;
	if (!home->sums) {
		home->sums_last = &home->sums;
		home->sums_job.run = sums_run;
		loop_post(home->loop, &home->sums_job);
	}
	*home->sums_last = f;
	home->sums_last = &f->next;
}
