#include "aws/clock_rows.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

#define WAIT_MAX_MS (3600 * 1000)

struct clock_row {
	uint64_t version;
	int64_t virtual_ms, real_ms;
	double speed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct clock_watch *watches;

static struct rows *
clock_env(struct store *s)
{
	return store_rows(s, "clock");
}

int
clock_rows_load(struct store *s)
{
	struct clock_row row;
	struct str value;
	struct tx *t = tx_begin_read(s);
	bool found = tx_get(t, clock_env(s), STR("clock"), &value);
	bool good = found && value.len == sizeof(row);
	if (good)
		memcpy(&row, value.p, sizeof(row));
	tx_end(t);
	if (!found)
		return 0;
	if (!good || row.version != 1 || !(row.speed >= 0))
		return -EBADMSG;
	int64_t passed = clock_real_ms() - row.real_ms;
	clock_set_speed(row.speed);
	clock_set(row.virtual_ms + (passed > 0 ? (int64_t)((double)passed * row.speed) : 0));
	return 0;
}

void
clock_rows_change(struct tx *t, struct store *s, int64_t advance_ms, double speed)
{
	if (advance_ms > 0)
		clock_advance(advance_ms);
	if (speed >= 0)
		clock_set_speed(speed);
	struct clock_row row = { 1, clock_now_ms(), clock_real_ms(), clock_speed() };
	tx_put(t, clock_env(s), STR("clock"), str_of(&row, sizeof(row)));
}

static void
watch_run(struct loop_job *job)
{
	struct clock_watch *w =
		(struct clock_watch *)((char *)job - offsetof(struct clock_watch, job));
	pthread_mutex_lock(&lock);
	w->posted = false;
	pthread_mutex_unlock(&lock);
	w->moved(w);
}

void
clock_watch_start(struct clock_watch *w, struct loop *l)
{
	pthread_mutex_lock(&lock);
	w->loop = l;
	w->job.run = watch_run;
	w->next = watches;
	watches = w;
	pthread_mutex_unlock(&lock);
}

void
clock_watch_stop(struct clock_watch *w)
{
	pthread_mutex_lock(&lock);
	for (struct clock_watch **at = &watches; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	if (w->posted)
		loop_unpost(w->loop, &w->job);
	w->posted = false;
	pthread_mutex_unlock(&lock);
}

void
clock_moved(void)
{
	pthread_mutex_lock(&lock);
	for (struct clock_watch *w = watches; w; w = w->next)
		if (!w->posted) {
			w->posted = true;
			loop_post(w->loop, &w->job);
		}
	pthread_mutex_unlock(&lock);
}

uint64_t
clock_wait_ms(int64_t due_ms)
{
	int64_t left = due_ms - clock_now_ms();
	double speed = clock_speed();
	if (left <= 0)
		return 0;
	if (speed <= 0)
		return UINT64_MAX;
	double wait = ceil((double)left / speed);
	return wait < 1 ? 1 : wait > WAIT_MAX_MS ? WAIT_MAX_MS : (uint64_t)wait;
}
