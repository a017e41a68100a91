/* The store against a sorted array, step by step, with reopens and crashes. */
#include "store/io.h"
#include "store/store_private.h"
#include "store/store_test_util.h"

#include <sched.h>
#include <unistd.h>

#define MODEL_MAX 4000

struct model {
	struct {
		char *key;
		size_t len;
		uint32_t value;
	} row[MODEL_MAX];
	int count;
};

struct world {
	struct model now, saved;
	struct store *s;
	struct rows *r[2];
	uint64_t random;
	char dir[512];
	int generation;
	uint64_t memtable_bytes;
};

static uint32_t
rnd(struct world *w, uint32_t n)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((w->random >> 33) % n);
}

static int
model_find(const struct model *m, struct str key, bool *ret_found)
{
	int lo = 0, hi = m->count;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		if (str_cmp(str_of(m->row[mid].key, m->row[mid].len), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_found = lo < m->count && str_eq(str_of(m->row[lo].key, m->row[lo].len), key);
	return lo;
}

static void
model_put(struct model *m, struct str key, uint32_t value)
{
	bool found;
	int i = model_find(m, key, &found);
	if (!found) {
		assert_true(m->count < MODEL_MAX);
		memmove(&m->row[i + 1], &m->row[i], sizeof m->row[0] * (size_t)(m->count++ - i));
		m->row[i].key = malloc(key.len);
		memcpy(m->row[i].key, key.p, key.len);
		m->row[i].len = key.len;
	}
	m->row[i].value = value;
}

static void
model_del(struct model *m, struct str key)
{
	bool found;
	int i = model_find(m, key, &found);
	if (!found)
		return;
	free(m->row[i].key);
	memmove(&m->row[i], &m->row[i + 1], sizeof m->row[0] * (size_t)(--m->count - i));
}

static void
model_done(struct model *m)
{
	while (m->count > 0)
		free(m->row[--m->count].key);
}

static void
model_copy(struct model *to, const struct model *from)
{
	model_done(to);
	for (int i = 0; i < from->count; i++)
		model_put(to, str_of(from->row[i].key, from->row[i].len), from->row[i].value);
}

/* Keys that share long beginnings, of lengths around the boundaries of chunks, and short ones. */
static struct str
random_key(struct world *w, char *out)
{
	static const int lengths[] = { 1, 2, 3, 479, 480, 481, 482, 511, 512, 959, 960, 961, 1441,
		2000, 4096 };
	size_t len = (size_t)lengths[rnd(w, rnd(w, 3) ? 3 : 15)];
	memset(out, 'm', len);
	for (int i = 0; i < 2; i++)
		out[len - 1 - rnd(w, len < 3 ? (uint32_t)len : 3)] =
			(char)("\x00\x01lmn\xff"[rnd(w, 6)]);
	if (rnd(w, 8) == 0)
		out[rnd(w, (uint32_t)len)] = (char)rnd(w, 256);
	return str_of(out, len);
}

struct step {
	struct world *w;
	bool fail;
};

static void
check_scan(struct world *w, struct tx *t, bool reverse)
{
	char a[STORE_KEY_MAX], b[STORE_KEY_MAX], k[STORE_KEY_MAX];
	struct model *m = &w->now;
	struct str lo = rnd(w, 2) ? random_key(w, a) : STR(""),
		   hi = rnd(w, 2) ? random_key(w, b) : STR_NULL;
	bool found;
	int from = model_find(m, lo, &found), to = hi.p ? model_find(m, hi, &found) : m->count;
	int at = reverse ? to - 1 : from, left = 1 + (int)rnd(w, 60);
	struct scan c;
	scan_open(&c, t, w->r[0], lo, hi, reverse);
	while (left-- > 0) {
		if (rnd(w, 10) == 0) {
			struct str key = random_key(w, k);
			int place = model_find(m, key, &found);
			scan_seek(&c, key);
			at = reverse ? (place < to ? place : to) - 1 : place > from ? place : from;
		}
		bool more = reverse ? at >= from : at < to;
		assert_int_equal(scan_next(&c), more);
		if (!more)
			return;
		assert_true(str_eq(c.key, str_of(m->row[at].key, m->row[at].len)));
		assert_true(c.value.len >= 4 && memcmp(c.value.p, &m->row[at].value, 4) == 0);
		at += reverse ? -1 : 1;
	}
	scan_done(&c);
}

static int
step_run(struct tx *t, void *arg)
{
	struct step *st = arg;
	struct world *w = st->w;
	char k[STORE_KEY_MAX], v[600];
	memset(v, 'v', sizeof v);
	for (int i = 1 + (int)rnd(w, 5); i > 0; i--) {
		struct str key = random_key(w, k);
		uint32_t value = rnd(w, 1u << 30);
		if (rnd(w, 100) < (w->now.count > MODEL_MAX / 4 ? 60 : 35)) {
			tx_delete(t, w->r[0], key);
			model_del(&w->now, key);
			tx_delete(t, w->r[1], key);
		} else {
			memcpy(v, &value, 4);
			struct str bytes = str_of(v, rnd(w, 10) ? 4 + rnd(w, 20) : sizeof v);
			tx_put(t, w->r[0], key, bytes);
			model_put(&w->now, key, value);
			tx_put(t, w->r[1], key, bytes);
		}
	}
	if (rnd(w, 4) == 0)
		check_scan(w, t, rnd(w, 2));
	return st->fail;
}

static void
check_get(struct world *w, struct tx *t)
{
	char k[STORE_KEY_MAX];
	struct str key = random_key(w, k), v;
	bool found;
	int i = model_find(&w->now, key, &found);
	for (int e = 0; e < 2; e++) {
		assert_int_equal(tx_get(t, w->r[e], key, &v), found);
		if (found)
			assert_memory_equal(v.p, &w->now.row[i].value, 4);
	}
}

static void
check_all(struct world *w)
{
	struct tx *t = tx_begin_read(w->s);
	struct scan c;
	int i = 0;
	for (scan_open(&c, t, w->r[1], STR(""), STR_NULL, false); scan_next(&c); i++)
		assert_true(str_eq(c.key, str_of(w->now.row[i].key, w->now.row[i].len)));
	assert_int_equal(i, w->now.count);
	tx_end(t);
}

static void
world_open(struct world *w)
{
	w->s = open_at(w->dir, STORE_FULL, w->memtable_bytes);
	w->r[0] = store_rows(w->s, "s3");
	w->r[1] = store_rows(w->s, "iam");
}

/* As after kill -9: goes on from a copy of the files as they are now. */
static void
world_crash(struct world *w)
{
	char old[512];
	memcpy(old, w->dir, sizeof old);
	/* Not while a merge writes: a copy made of a file at several moments is no crash. */
	for (bool busy = true; busy; sched_yield()) {
		pthread_mutex_lock(&w->s->lock);
		busy = w->s->view->count > 1 || !w->s->merge_idle;
		pthread_mutex_unlock(&w->s->lock);
	}
	snprintf(w->dir, sizeof w->dir, "%.400s.%d", unit_tmpdir(), w->generation++);
	copy_dir(old, w->dir);
	store_close(w->s);
	world_open(w);
	check_all(w);
}

static int
no_sync(int fd)
{
	return fd < 0 ? -1 : 0;
}

static void
world_run(struct world *w, int steps)
{
	/* The crashes here are copies of the files: syncs would prove nothing and cost most of the
	 * time. */
	store_io.fdatasync = no_sync;
	snprintf(w->dir, sizeof w->dir, "%s/d", unit_tmpdir());
	world_open(w);
	for (int i = 0; i < steps; i++) {
		struct step st = { w, rnd(w, 6) == 0 };
		if (st.fail)
			model_copy(&w->saved, &w->now);
		assert_int_equal(store_write(w->s, step_run, &st), st.fail);
		if (st.fail)
			model_copy(&w->now, &w->saved);
		struct tx *t = tx_begin_read(w->s);
		check_get(w, t);
		if (rnd(w, 4) == 0)
			check_scan(w, t, rnd(w, 2));
		tx_end(t);
		uint32_t what = rnd(w, 1500);
		if (what == 0) {
			store_close(w->s);
			world_open(w);
			check_all(w);
		} else if (what == 1) {
			world_crash(w);
		}
	}
	check_all(w);
	store_close(w->s);
	store_io.fdatasync = fdatasync;
	model_done(&w->now);
	model_done(&w->saved);
}

TEST(small_memtables_agree_with_a_sorted_array)
{
	static struct world w = { .random = 1, .memtable_bytes = 32 << 10 };
	world_run(&w, 5000);
}

TEST(large_memtables_agree_with_a_sorted_array)
{
	static struct world w = { .random = 2, .memtable_bytes = 1 << 20 };
	world_run(&w, 5000);
}
