#include "svc/ec2/key_pool.h"
#include "svc/ec2/resource.h"

#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>

#define READY 4
#define BITS 2048

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t worker;
	bool runs, started, ends;
	EVP_PKEY *ready[READY];
	unsigned n;
	struct store *store;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int
touch(struct store_unit *u, struct tx *t)
{
	(void)u;
	tx_touch(t, STR(KEY_POOL_TOUCHED));
	return 0;
}

static void
touched(struct store_unit *u, int status)
{
	(void)status;
	free(u);
}

static void
tell(struct store *s)
{
	struct store_unit *u = calloc(1, sizeof(*u));
	if (!u)
		abort();
	u->run = touch;
	u->done = touched;
	store_submit(s, u);
}

/* Ends when the pool is full; started again by the next take. */
static void *
work(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&pool.lock);
	while (pool.n < READY && !pool.ends) {
		pthread_mutex_unlock(&pool.lock);
		EVP_PKEY *key = EVP_RSA_gen(BITS);
		pthread_mutex_lock(&pool.lock);
		if (!key)
			break;
		pool.ready[pool.n++] = key;
		pthread_cond_broadcast(&pool.changed);
		tell(pool.store);
	}
	pool.runs = false;
	pthread_cond_broadcast(&pool.changed);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

static void
start_worker(struct store *s)
{
	pool.store = s;
	if (pool.runs || pool.n == READY)
		return;
	if (pool.started)
		pthread_join(pool.worker, NULL);
	pool.started = pool.runs = pthread_create(&pool.worker, NULL, work, NULL) == 0;
}

EVP_PKEY *
key_pool_take(struct store *s)
{
	pthread_mutex_lock(&pool.lock);
	EVP_PKEY *key = pool.n ? pool.ready[--pool.n] : NULL;
	start_worker(s);
	pthread_mutex_unlock(&pool.lock);
	return key;
}

void
key_pool_wait(struct store *s)
{
	pthread_mutex_lock(&pool.lock);
	start_worker(s);
	while (!pool.n && pool.runs)
		pthread_cond_wait(&pool.changed, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
}

static void
stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.ends = true;
	bool started = pool.started;
	pthread_mutex_unlock(&pool.lock);
	if (started)
		pthread_join(pool.worker, NULL);
	while (pool.n)
		EVP_PKEY_free(pool.ready[--pool.n]);
	pool.started = pool.ends = false;
}
EC2_STOP(stop);
