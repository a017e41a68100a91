#include "aws/metering.h"

#include <pthread.h>
#include <stdlib.h>

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
#define SLOTS 1024 /* distinct counters in a minute; more are written at once */
#define NAME_MAX_BYTES 256

/*
 * Keys: "R" hour account service resource kind         n
 *       "B" account service resource kind              bytes things since byte-seconds of this hour
 *       "H" account service resource kind hour         hours, byte-seconds of each
 */

struct slot {
	struct store *store; /* NULL: free */
	uint64_t n;
	uint32_t key_len;
	char key[NAME_MAX_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];
static int64_t written_ms; /* when counts were last written */

static struct rows *
rows_of(struct store *s)
{
	return store_rows(s, "metering");
}

static void
key_add_names(struct key *k, const struct metering_key *m)
{
	key_add(k, m->account);
	key_add(k, m->service);
	key_add(k, m->resource);
	key_add(k, m->kind);
}

struct names {
	char text[4][NAME_MAX_BYTES];
};

static bool
key_take_names(struct str *rest, struct names *n, struct metering_key *ret)
{
	return key_take(rest, n->text[0], NAME_MAX_BYTES, &ret->account) &&
	       key_take(rest, n->text[1], NAME_MAX_BYTES, &ret->service) &&
	       key_take(rest, n->text[2], NAME_MAX_BYTES, &ret->resource) &&
	       key_take(rest, n->text[3], NAME_MAX_BYTES, &ret->kind);
}

/* ---- counts ---- */

static void
count_add(struct tx *t, struct store *s, struct str key, uint64_t n)
{
	struct str old;
	uint64_t before = 0;
	struct key value;
	if (tx_get(t, rows_of(s), key, &old))
		key_take_u64(&old, &before);
	key_begin(&value);
	key_add_u64(&value, before + n);
	tx_put(t, rows_of(s), key, key_str(&value));
}

void
metering_flush_in(struct tx *t, struct store *s)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];
		if (slot->store != s)
			continue;
		count_add(t, s, str_of(slot->key, slot->key_len), slot->n);
		slot->store = NULL;
	}
	pthread_mutex_unlock(&lock);
}

static int
flush_run(struct tx *t, void *arg)
{
	metering_flush_in(t, arg);
	return 0;
}

void
metering_flush(struct store *s)
{
	store_write(s, flush_run, s);
}

struct flush {
	struct store_unit unit; /* first */
	struct store *store;
};

static int
flush_unit_run(struct store_unit *u, struct tx *t)
{
	metering_flush_in(t, ((struct flush *)u)->store);
	return 0;
}

static void
flush_unit_done(struct store_unit *u, int status __attribute__((unused)))
{
	free(u);
}

static void
flush_later(struct store *s)
{
	struct flush *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->unit.run = flush_unit_run;
	f->unit.done = flush_unit_done;
	f->store = s;
	store_submit(s, &f->unit);
}

/* false: no room. The lock is held. */
static bool
slot_add(struct store *s, struct str key, uint64_t n)
{
	unsigned at = (unsigned)(str_hash(key) % SLOTS);
	struct slot *empty = NULL;
	for (unsigned i = 0; i < 16; i++) {
		struct slot *slot = &slots[(at + i) % SLOTS];
		if (!slot->store) {
			empty = empty ? empty : slot;
		} else if (slot->store == s && str_eq(str_of(slot->key, slot->key_len), key)) {
			slot->n += n;
			return true;
		}
	}
	if (!empty)
		return false;
	empty->store = s;
	empty->n = n;
	empty->key_len = (uint32_t)key.len;
	memcpy(empty->key, key.p, key.len);
	return true;
}

void
metering_count(struct store *s, const struct metering_key *m, uint64_t n, int64_t now_ms)
{
	struct key k;
	key_begin(&k);
	key_add_raw(&k, STR("R"));
	key_add_u64(&k, (uint64_t)(now_ms / HOUR_MS));
	key_add_names(&k, m);
	struct str key = key_str(&k);
	if (!key.p || key.len > NAME_MAX_BYTES)
		return;
	pthread_mutex_lock(&lock);
	bool full = !slot_add(s, key, n);
	bool due = full || now_ms - written_ms >= MINUTE_MS || now_ms < written_ms;
	if (due)
		written_ms = now_ms;
	pthread_mutex_unlock(&lock);
	if (due)
		flush_later(s);
}

/* ---- amounts ---- */

struct gauge {
	uint64_t bytes, things, since_ms, byte_seconds;
};

static void
gauge_read(struct str value, struct gauge *g)
{
	if (!key_take_u64(&value, &g->bytes) || !key_take_u64(&value, &g->things) ||
		!key_take_u64(&value, &g->since_ms) || !key_take_u64(&value, &g->byte_seconds))
		memset(g, 0, sizeof(*g));
}

static void
hours_put(struct tx *t, struct store *s, const struct metering_key *m, uint64_t hour,
	uint64_t hours, uint64_t byte_seconds)
{
	struct key k, value;
	if (!hours || !byte_seconds)
		return;
	key_begin(&k);
	key_add_raw(&k, STR("H"));
	key_add_names(&k, m);
	key_add_u64(&k, hour);
	key_begin(&value);
	key_add_u64(&value, hours);
	key_add_u64(&value, byte_seconds);
	tx_put(t, rows_of(s), key_str(&k), key_str(&value));
}

static uint64_t
product_seconds(uint64_t bytes, uint64_t ms)
{
	return (uint64_t)((unsigned __int128)bytes * ms / 1000);
}

/* Brings the gauge to now: what is behind becomes hours; hours in which nothing changed are one
 * row. */
static void
gauge_advance(struct tx *t, struct store *s, const struct metering_key *m, struct gauge *g,
	uint64_t now_ms)
{
	if (now_ms <= g->since_ms)
		return;
	uint64_t first = g->since_ms / HOUR_MS, last = now_ms / HOUR_MS;
	if (first != last) {
		uint64_t rest = (first + 1) * HOUR_MS - g->since_ms;
		hours_put(t, s, m, first, 1, g->byte_seconds + product_seconds(g->bytes, rest));
		hours_put(t, s, m, first + 1, last - first - 1, product_seconds(g->bytes, HOUR_MS));
		g->byte_seconds = 0;
		g->since_ms = last * HOUR_MS;
	}
	g->byte_seconds += product_seconds(g->bytes, now_ms - g->since_ms);
	g->since_ms = now_ms;
}

void
metering_gauge(struct tx *t, struct store *s, const struct metering_key *m, int64_t bytes,
	int64_t things, int64_t now_ms)
{
	struct gauge g = { .since_ms = (uint64_t)now_ms };
	struct key k, value;
	struct str old;
	key_begin(&k);
	key_add_raw(&k, STR("B"));
	key_add_names(&k, m);
	if (tx_get(t, rows_of(s), key_str(&k), &old))
		gauge_read(old, &g);
	gauge_advance(t, s, m, &g, (uint64_t)now_ms);
	g.bytes = bytes < 0 && g.bytes < (uint64_t)-bytes ? 0 : g.bytes + (uint64_t)bytes;
	g.things = things < 0 && g.things < (uint64_t)-things ? 0 : g.things + (uint64_t)things;
	key_begin(&value);
	key_add_u64(&value, g.bytes);
	key_add_u64(&value, g.things);
	key_add_u64(&value, g.since_ms);
	key_add_u64(&value, g.byte_seconds);
	tx_put(t, rows_of(s), key_str(&k), key_str(&value));
}

/* ---- reading ---- */

static double
hours_sum(struct tx *t, struct store *s, const struct metering_key *m)
{
	struct key lo, hi;
	struct scan at;
	double sum = 0;
	key_begin(&lo);
	key_add_raw(&lo, STR("H"));
	key_add_names(&lo, m);
	scan_open(&at, t, rows_of(s), key_str(&lo), key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&at)) {
		uint64_t hours, byte_seconds;
		struct str value = at.value;
		if (key_take_u64(&value, &hours) && key_take_u64(&value, &byte_seconds))
			sum += (double)hours * (double)byte_seconds / 3600;
	}
	scan_done(&at);
	return sum;
}

void
metering_amounts(struct tx *t, struct store *s, int64_t now_ms,
	bool (*each)(void *arg, const struct metering_amount *a), void *arg)
{
	struct scan at;
	scan_open(&at, t, rows_of(s), STR("B"), STR("C"), false);
	while (scan_next(&at)) {
		struct names names;
		struct metering_amount a = { 0 };
		struct gauge g;
		struct str rest = str_slice(at.key, 1, at.key.len);
		if (!key_take_names(&rest, &names, &a.key))
			continue;
		gauge_read(at.value, &g);
		uint64_t more = (uint64_t)now_ms > g.since_ms ? (uint64_t)now_ms - g.since_ms : 0;
		a.bytes = g.bytes;
		a.things = g.things;
		a.byte_hours = hours_sum(t, s, &a.key) + (double)g.byte_seconds / 3600 +
			       (double)g.bytes * (double)more / HOUR_MS;
		if (!each(arg, &a))
			break;
	}
	scan_done(&at);
}

void
metering_counts(struct tx *t, struct store *s,
	bool (*each)(void *arg, const struct metering_requests *r), void *arg)
{
	struct scan at;
	scan_open(&at, t, rows_of(s), STR("R"), STR("S"), false);
	while (scan_next(&at)) {
		struct names names;
		struct metering_requests r = { 0 };
		struct str rest = str_slice(at.key, 1, at.key.len), value = at.value;
		uint64_t hour;
		if (!key_take_u64(&rest, &hour) || !key_take_names(&rest, &names, &r.key) ||
			!key_take_u64(&value, &r.n))
			continue;
		r.hour_ms = (int64_t)hour * HOUR_MS;
		if (!each(arg, &r))
			break;
	}
	scan_done(&at);
}
