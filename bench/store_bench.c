/*
 * store_bench: what the store does in a second. `store_bench DIR [ROWS [SECONDS]]`; DIR must not
 * exist.
 *
 * Durable puts of 1.2 KiB under random keys by 64 callers, each waiting for its own, against the
 * same with one sync for each unit; then, with ROWS (1,000,000) rows present, gets, walks both
 * ways, seeks.
 */
#include "base/buf.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SUBMITTERS 64
#define VALUE_BYTES 1200

static char value[VALUE_BYTES];

static double
now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull;
}

static struct str
row_key(struct key *k, uint64_t n)
{
	char text[64];
	int len = snprintf(text, sizeof text, "object-%016llx", (unsigned long long)n);
	key_begin(k);
	key_add_lit(k, "000000000000");
	key_add_lit(k, "bucket");
	key_add_raw(k, str_of(text, (size_t)len));
	return key_str(k);
}

/* One of 64 callers: each waits for its own unit before it gives the next. They live on one thread,
 * as connections live on a loop: 64 threads would measure the waking of threads. */
struct caller {
	struct store_unit u;
	struct bench *b;
};

struct bench {
	struct store *s;
	struct rows *r;
	uint64_t random, puts;
	struct caller callers[SUBMITTERS];
	struct caller *finished[SUBMITTERS];
	int finished_count;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static int
caller_run(struct store_unit *u, struct tx *t)
{
	struct bench *b = ((struct caller *)u)->b;
	struct key k;
	tx_put(t, b->r, row_key(&k, rnd(&b->random)), str_of(value, sizeof value));
	return 0;
}

static void
caller_done(struct store_unit *u, int status)
{
	struct bench *b = ((struct caller *)u)->b;
	if (status)
		abort();
	pthread_mutex_lock(&b->lock);
	b->finished[b->finished_count++] = (struct caller *)u;
	bool wake = b->finished_count == 1;
	pthread_mutex_unlock(&b->lock);
	if (wake)
		pthread_cond_signal(&b->cond);
}

static void
callers_run(struct bench *b, double until)
{
	int running = SUBMITTERS;
	for (int i = 0; i < SUBMITTERS; i++)
		caller_done(&b->callers[i].u, 0);
	while (running > 0) {
		struct caller *now[SUBMITTERS];
		pthread_mutex_lock(&b->lock);
		while (b->finished_count == 0)
			pthread_cond_wait(&b->cond, &b->lock);
		int n = b->finished_count;
		memcpy(now, b->finished, sizeof now[0] * (size_t)n);
		b->finished_count = 0;
		pthread_mutex_unlock(&b->lock);
		bool end = now_s() >= until;
		for (int i = 0; i < n && !end; i++)
			store_submit(b->s, &now[i]->u);
		b->puts += (uint64_t)n;
		running -= end ? n : 0;
	}
}

static long
status_kib(const char *field)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtol(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static struct store *
bench_open(const char *dir, enum store_durability d)
{
	struct store_options o = { .dir = dir, .durability = d };
	struct store *s;
	double start = now_s();
	int rc = store_open(&s, &o, NULL);
	if (rc) {
		fprintf(stderr, "store_bench: %s: %s\n", dir, strerror(-rc));
		exit(1);
	}
	printf("open                     %8.2f ms, RssAnon %ld KiB, RssFile %ld KiB\n",
		(now_s() - start) * 1e3, status_kib("RssAnon:"), status_kib("RssFile:"));
	return s;
}

static double
bench_puts(const char *dir, enum store_durability d, const char *what, double seconds)
{
	static struct bench b;
	struct store *s = bench_open(dir, d);
	struct store_stats st;
	b = (struct bench){ .s = s,
		.r = store_rows(s, "bench"),
		.random = 88172645463325252ull + (uint64_t)d,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };
	for (int i = 0; i < SUBMITTERS; i++)
		b.callers[i] = (struct caller){ { NULL, caller_run, caller_done }, &b };
	double start = now_s();
	callers_run(&b, start + seconds);
	double rate = (double)(b.puts - SUBMITTERS) / (now_s() - start);
	store_stats_get(s, &st);
	printf("%-24s %8.0f /s  (%llu syncs, %llu merges, peak RSS %ld KiB)\n", what, rate,
		(unsigned long long)st.syncs_total, (unsigned long long)st.merges_total,
		status_kib("VmHWM:"));
	start = now_s();
	store_close(s);
	printf("close                    %8.2f ms\n", (now_s() - start) * 1e3);
	return rate;
}

struct fill {
	struct rows *r;
	uint64_t from, to;
};

/* Rows under well-mixed keys that can be named again. */
static uint64_t
mixed(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15ull;
	return n ^ (n >> 29);
}

static int
fill_run(struct tx *t, void *arg)
{
	struct fill *f = arg;
	struct key k;
	for (uint64_t n = f->from; n < f->to; n++)
		tx_put(t, f->r, row_key(&k, mixed(n)), str_of(value, 200));
	return 0;
}

static void
bench_gets(struct store *s, struct rows *r, uint64_t rows, double seconds, bool each)
{
	uint64_t gets = 0, state = 88172645463325252ull;
	double start = now_s();
	struct tx *t = tx_begin_read(s);
	while ((gets & 1023) || now_s() - start < seconds) {
		struct key k;
		struct str v;
		if (each) {
			tx_end(t);
			t = tx_begin_read(s);
		}
		if (!tx_get(t, r, row_key(&k, mixed(rnd(&state) % rows)), &v))
			abort();
		gets++;
	}
	tx_end(t);
	printf("%-24s %8.0f /s  (%.2f us)\n", each ? "begin, get, end" : "get",
		(double)gets / (now_s() - start), (now_s() - start) / (double)gets * 1e6);
}

static void
bench_scan(struct store *s, struct rows *r, bool reverse)
{
	uint64_t rows = 0;
	double start = now_s();
	struct scan c;
	struct tx *t = tx_begin_read(s);
	for (scan_open(&c, t, r, STR(""), STR_NULL, reverse); scan_next(&c);)
		rows++;
	tx_end(t);
	printf("%-24s %8.0f rows/s of %llu\n", reverse ? "scan downward" : "scan upward",
		(double)rows / (now_s() - start), (unsigned long long)rows);
}

static void
bench_seek(struct store *s, struct rows *r, double seconds)
{
	uint64_t seeks = 0, state = 7;
	double start = now_s();
	struct scan c;
	struct tx *t = tx_begin_read(s);
	scan_open(&c, t, r, STR(""), STR_NULL, false);
	while ((seeks & 1023) || now_s() - start < seconds) {
		struct key k;
		scan_seek(&c, row_key(&k, rnd(&state) >> 1));
		scan_next(&c);
		seeks++;
	}
	tx_end(t);
	printf("%-24s %8.0f /s\n", "seek and next", (double)seeks / (now_s() - start));
}

static void
bench_reads(const char *dir, uint64_t rows, double seconds)
{
	struct store *s = bench_open(dir, STORE_FULL);
	struct rows *r = store_rows(s, "bench");
	double start = now_s();
	for (uint64_t n = 0; n < rows; n += 500) {
		struct fill f = { r, n, n + 500 < rows ? n + 500 : rows };
		if (store_write(s, fill_run, &f))
			abort();
	}
	printf("fill                     %8.0f rows/s, peak RSS %ld KiB, RssAnon %ld KiB\n",
		(double)rows / (now_s() - start), status_kib("VmHWM:"), status_kib("RssAnon:"));
	for (int merged = 0; merged < 2; merged++) {
		printf("-- %s\n", merged ? "everything merged" : "the newest rows in memtables");
		bench_gets(s, r, rows, seconds, false);
		bench_gets(s, r, rows, seconds, true);
		bench_scan(s, r, false);
		bench_scan(s, r, true);
		bench_seek(s, r, seconds);
		store_close(s);
		s = bench_open(dir, STORE_FULL);
		r = store_rows(s, "bench");
	}
	printf("RSS at the end           %8ld KiB (RssAnon %ld)\n", status_kib("VmRSS:"),
		status_kib("RssAnon:"));
	store_close(s);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: store_bench DIR [ROWS [SECONDS]]\n");
		return 2;
	}
	uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 3;
	struct buf a = { 0 }, b = { 0 }, c = { 0 };
	setvbuf(stdout, NULL, _IOLBF, 0);
	memset(value, 'v', sizeof value);
	buf_printf(&a, "%s-each", argv[1]);
	buf_printf(&b, "%s-group", argv[1]);
	buf_printf(&c, "%s-reads", argv[1]);
	double each = bench_puts(a.p, STORE_SYNC_EACH, "puts, one sync each", seconds);
	double group = bench_puts(b.p, STORE_FULL, "puts, grouped", seconds);
	printf("ratio                    %8.1f\n", group / each);
	bench_reads(c.p, rows, seconds / 3);
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	return 0;
}
