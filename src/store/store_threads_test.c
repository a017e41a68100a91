/* Readers beside the writer and the merge: every snapshot must be whole, however late it looks. */
#include "store/io.h"
#include "store/store_test_util.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define ACCOUNTS 64
#define TOTAL (ACCOUNTS * 1000)

struct bank {
	struct store *s;
	struct rows *r[2];
	atomic_bool stop;
	atomic_int reads;
	uint64_t random;
};

static struct str
account(struct key *k, unsigned n)
{
	/* Some accounts have names that LMDB takes in pieces. */
	static const char name[1000];
	key_begin(k);
	if (n % 4 == 0)
		key_add_raw(k, str_of(name, sizeof name - 200 * (n / 16)));
	key_add_u64(k, n);
	return key_str(k);
}

static struct rows *
branch(struct bank *b, unsigned n)
{
	return b->r[n % 2];
}

static int64_t
balance(struct str v)
{
	int64_t n = 0;
	assert_true(v.len >= sizeof n);
	memcpy(&n, v.p, sizeof n);
	return n;
}

static void
set(struct bank *b, struct tx *t, unsigned n, int64_t v)
{
	struct key k;
	char text[400] = "";
	/* An account without money has no row. */
	if (v == 0) {
		tx_delete(t, branch(b, n), account(&k, n));
		return;
	}
	memcpy(text, &v, sizeof v);
	tx_put(t, branch(b, n), account(&k, n), str_of(text, sizeof text));
}

static int64_t
look(struct bank *b, struct tx *t, unsigned n)
{
	struct key k;
	struct str v;
	return tx_get(t, branch(b, n), account(&k, n), &v) ? balance(v) : 0;
}

static unsigned
rnd(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33) % n;
}

static int
found_run(struct tx *t, void *arg)
{
	for (unsigned i = 0; i < ACCOUNTS; i++)
		set(arg, t, i, TOTAL / ACCOUNTS);
	return 0;
}

static int
transfer_run(struct tx *t, void *arg)
{
	struct bank *b = arg;
	unsigned from = rnd(&b->random, ACCOUNTS), to = rnd(&b->random, ACCOUNTS);
	int64_t all = look(b, t, from);
	int64_t some = rnd(&b->random, 3) ? all / 2 : all;
	set(b, t, from, all - some);
	/* A unit that gives up halfway must not let money vanish. */
	if (rnd(&b->random, 8) == 0)
		return 1;
	set(b, t, to, look(b, t, to) + some);
	return 0;
}

static int64_t
branch_sum(struct bank *b, struct tx *t, int e, bool reverse)
{
	struct scan c;
	int64_t sum = 0;
	for (scan_open(&c, t, b->r[e], STR(""), STR_NULL, reverse); scan_next(&c);)
		sum += balance(c.value);
	return sum;
}

static void *
auditor_main(void *arg)
{
	struct bank *b = arg;
	uint64_t random = (uint64_t)(uintptr_t)&random;
	while (!atomic_load(&b->stop)) {
		struct tx *t = tx_begin_read(b->s);
		int64_t sum = 0;
		/* Late looks: a merge may come between the begin and the first look at a branch. */
		for (unsigned i = rnd(&random, 3) * 20; i > 0; i--)
			sched_yield();
		if (rnd(&random, 2)) {
			sum = branch_sum(b, t, 0, false);
			for (unsigned i = rnd(&random, 3) * 20; i > 0; i--)
				sched_yield();
			sum += branch_sum(b, t, 1, true);
		} else {
			for (unsigned i = 0; i < ACCOUNTS; i++)
				sum += look(b, t, i);
		}
		if (sum != TOTAL)
			abort();
		tx_end(t);
		atomic_fetch_add(&b->reads, 1);
	}
	return NULL;
}

static int
no_sync(int fd)
{
	return fd < 0 ? -1 : 0;
}

TEST(every_snapshot_is_whole_beside_writes_and_merges)
{
	static struct bank b;
	pthread_t auditors[3];
	store_io.fdatasync = no_sync;
	b.random = 5;
	b.s = open_at(unit_tmpdir(), STORE_FULL, 48 << 10);
	b.r[0] = store_rows(b.s, "s3");
	b.r[1] = store_rows(b.s, "iam");
	assert_int_equal(store_write(b.s, found_run, &b), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&auditors[i], NULL, auditor_main, &b), 0);
	for (int i = 0; i < 3000 || (atomic_load(&b.reads) < 50 && i < 100000); i++)
		store_write(b.s, transfer_run, &b);
	atomic_store(&b.stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(auditors[i], NULL);
	struct store_stats st;
	store_stats_get(b.s, &st);
	assert_true(st.merges_total > 5);
	store_close(b.s);
	store_io.fdatasync = fdatasync;
}
