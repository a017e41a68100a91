#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * virtual = anchor_virtual + (real - anchor_real) * speed, and as it starts the two are one. The
 * three move together: readers take them again when `turn` was odd or changed meanwhile.
 */
static atomic_uint turn;
static _Atomic int64_t anchor_real_ms, anchor_virtual_ms;
static _Atomic double speed = 1;
static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;

int64_t
clock_real_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t
clock_mono_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int64_t
virtual_at(int64_t real_ms, int64_t from_real, int64_t from_virtual, double factor)
{
	if (factor == 1)
		return from_virtual + (real_ms - from_real);
	return from_virtual + (int64_t)((double)(real_ms - from_real) * factor);
}

int64_t
clock_now_ms(void)
{
	for (;;) {
		unsigned before = atomic_load_explicit(&turn, memory_order_acquire);
		int64_t r = atomic_load_explicit(&anchor_real_ms, memory_order_acquire);
		int64_t v = atomic_load_explicit(&anchor_virtual_ms, memory_order_acquire);
		double f = atomic_load_explicit(&speed, memory_order_acquire);
		if (!(before & 1) && before == atomic_load_explicit(&turn, memory_order_acquire))
			return virtual_at(clock_real_ms(), r, v, f);
	}
}

/* Starts again from `virtual_ms` at `factor`; the caller holds `writer`. */
static void
anchor(int64_t virtual_ms, double factor)
{
	atomic_fetch_add(&turn, 1);
	atomic_store(&anchor_real_ms, clock_real_ms());
	atomic_store(&anchor_virtual_ms, virtual_ms);
	atomic_store(&speed, factor);
	atomic_fetch_add(&turn, 1);
}

void
clock_advance(int64_t delta_ms)
{
	if (delta_ms <= 0)
		return;
	pthread_mutex_lock(&writer);
	anchor(clock_now_ms() + delta_ms, atomic_load(&speed));
	pthread_mutex_unlock(&writer);
}

void
clock_set_speed(double factor)
{
	if (!(factor >= 0 && factor <= 1e9))
		return;
	pthread_mutex_lock(&writer);
	anchor(clock_now_ms(), factor);
	pthread_mutex_unlock(&writer);
}

double
clock_speed(void)
{
	return atomic_load(&speed);
}

void
clock_set(int64_t now_ms)
{
	pthread_mutex_lock(&writer);
	anchor(now_ms, atomic_load(&speed));
	pthread_mutex_unlock(&writer);
}
