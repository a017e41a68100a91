/* /metrics in Prometheus's text form. Each loop counts alone; a scrape adds them up. */
#include "aws/care.h"
#include "aws/due.h"
#include "aws/front.h"
#include "aws/tasks.h"
#include "base/clock.h"
#include "store/blobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One writer, its loop; readers elsewhere want no torn value and no order. */
static void
count_add(uint64_t *at, uint64_t n)
{
	__atomic_store_n(at, *at + n, __ATOMIC_RELAXED);
}

static uint64_t
count_get(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static struct op_count *
count_slot(struct op_count *v, unsigned cap, const struct op *op)
{
	for (unsigned i = (unsigned)(((uintptr_t)op >> 4) * 0x9e3779b1u);; i++) {
		struct op_count *at = &v[i & (cap - 1)];
		const struct op *there = __atomic_load_n(&at->op, __ATOMIC_ACQUIRE);
		if (there == op || !there)
			return at;
	}
}

void
metrics_open(struct front_loop *home)
{
	unsigned ops = 0, cap = 64;
	for (unsigned i = 0; i < services_n; i++)
		ops += services[i]->ops_n;
	/* Twice as large as it can get full: it never grows, so a scrape on another loop may read
	 * it. */
	while (cap < ops * 2)
		cap *= 2;
	home->counts = calloc(cap, sizeof(*home->counts));
	if (!home->counts)
		abort();
	home->counts_cap = cap;
}

void
metrics_count(struct front_call *f, uint64_t duration_us)
{
	struct front_loop *home = f->home;
	const struct op *op = f->call.op;
	if (!op) {
		home->unrouted_n++;
		return;
	}
	struct op_count *at = count_slot(home->counts, home->counts_cap, op);
	if (!at->op) {
		at->service = f->call.service;
		__atomic_store_n(&at->op, op, __ATOMIC_RELEASE);
	}
	count_add(&at->calls_n, 1);
	count_add(&at->failed_n, f->result != CALL_OK);
	count_add(&at->duration_us, duration_us);
}

static void
sum_loops(struct cloud *cloud, const struct op *op, struct op_count *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < cloud->loops_n; i++) {
		struct front_loop *l = &cloud->loops[i];
		if (!l->counts_cap)
			continue;
		struct op_count *at = count_slot(l->counts, l->counts_cap, op);
		ret->calls_n += count_get(&at->calls_n);
		ret->failed_n += count_get(&at->failed_n);
		ret->duration_us += count_get(&at->duration_us);
	}
}

static void
write_ops(struct cloud *cloud, struct buf *out)
{
	buf_add_lit(out,
		"# TYPE haneul_calls_total counter\n# TYPE haneul_calls_failed_total counter\n"
		"# TYPE haneul_call_seconds_total counter\n");
	for (unsigned s = 0; s < services_n; s++)
		for (unsigned i = 0; i < services[s]->ops_n; i++) {
			struct op_count sum;
			const char *svc = services[s]->name, *op = services[s]->ops[i].name;
			sum_loops(cloud, &services[s]->ops[i], &sum);
			if (!sum.calls_n)
				continue;
			buf_printf(out,
				"haneul_calls_total{service=\"%s\",operation=\"%s\"} %llu\n", svc,
				op, (unsigned long long)sum.calls_n);
			buf_printf(out,
				"haneul_calls_failed_total{service=\"%s\",operation=\"%s\"} %llu\n",
				svc, op, (unsigned long long)sum.failed_n);
			buf_printf(out,
				"haneul_call_seconds_total{service=\"%s\",operation=\"%s\"} %.6f\n",
				svc, op, (double)sum.duration_us / 1e6);
		}
}

static uint64_t
resident_bytes(void)
{
	unsigned long pages = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu %lu", &pages, &rss) != 2)
		rss = 0;
	fclose(f);
	return (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
gauge(struct buf *out, const char *name, const char *type, uint64_t v)
{
	buf_printf(out, "# TYPE haneul_%s %s\nhaneul_%s %llu\n", name, type, name,
		(unsigned long long)v);
}

static void
write_http(struct cloud *cloud, struct buf *out)
{
	struct http_stats sum = { 0 };
	for (unsigned i = 0; i < cloud->loops_n; i++) {
		struct http_stats one;
		http_server_stats(cloud->loops[i].http, &one);
		sum.connections_open += one.connections_open;
		sum.connections_total += one.connections_total;
		sum.requests_total += one.requests_total;
		sum.bytes_in += one.bytes_in;
		sum.bytes_out += one.bytes_out;
		sum.refused_total += one.refused_total;
		sum.memory_bytes += one.memory_bytes;
	}
	gauge(out, "connections_open", "gauge", sum.connections_open);
	gauge(out, "connections_total", "counter", sum.connections_total);
	gauge(out, "http_requests_total", "counter", sum.requests_total);
	gauge(out, "http_received_bytes_total", "counter", sum.bytes_in);
	gauge(out, "http_sent_bytes_total", "counter", sum.bytes_out);
	gauge(out, "http_refused_total", "counter", sum.refused_total);
	gauge(out, "connection_memory_bytes", "gauge", sum.memory_bytes);
}

static void
write_care(struct cloud *cloud, struct buf *out)
{
	struct care_stats k;
	if (!cloud->care)
		return;
	care_stats_get(cloud->care, &k);
	gauge(out, "scrub_rounds_total", "counter", k.rounds_total);
	gauge(out, "scrub_orphans_total", "counter", k.orphans_total);
	gauge(out, "scrub_files_expected", "gauge", k.files_expected);
	gauge(out, "scrub_files_seen", "gauge", k.files_seen);
	gauge(out, "scrub_blobs", "gauge", k.blobs);
	gauge(out, "scrub_bytes", "gauge", k.bytes);
	buf_add_lit(out, "# TYPE haneul_zone_files gauge\n# TYPE haneul_zone_bytes gauge\n");
	for (unsigned i = 0; i < 3; i++)
		buf_printf(out,
			"haneul_zone_files{zone=\"%c\"} %llu\nhaneul_zone_bytes{zone=\"%c\"} %llu\n",
			"abc"[i], (unsigned long long)k.zone_files[i], "abc"[i],
			(unsigned long long)k.zone_bytes[i]);
}

/* The rows' two directories. */
static void
write_copies(const struct store_stats *st, struct buf *out)
{
	gauge(out, "store_damaged_total", "counter", st->damaged_total);
	gauge(out, "store_repaired_total", "counter", st->repaired_total);
	gauge(out, "store_lost_total", "counter", st->lost_total);
	gauge(out, "store_scrubs_total", "counter", st->scrubs_total);
	gauge(out, "store_rebuild_bytes", "gauge", st->rebuild_bytes);
	gauge(out, "store_rebuild_bytes_expected", "gauge", st->rebuild_bytes_expected);
	buf_add_lit(out, "# TYPE haneul_store_copy_whole gauge\n");
	for (unsigned i = 0; i < 2 && st->side[i].there; i++)
		buf_printf(
			out, "haneul_store_copy_whole{copy=\"%u\"} %d\n", i + 1, st->side[i].whole);
}

static void
write_later(struct cloud *cloud, struct buf *out)
{
	struct due_stats due;
	struct blobs_stats blobs;
	struct task_stats t;
	const char *kind;
	due_stats_get(cloud->due, &due);
	gauge(out, "due_run_total", "counter", due.run_total);
	gauge(out, "due_failed_total", "counter", due.failed_total);
	blobs_stats_get(cloud->blobs, &blobs);
	gauge(out, "blobs_damaged_total", "counter", blobs.damaged_total);
	gauge(out, "blobs_repaired_total", "counter", blobs.repaired_total);
	gauge(out, "blobs_lost_total", "counter", blobs.lost_total);
	gauge(out, "blobs_degraded_total", "counter", blobs.degraded_total);
	write_care(cloud, out);
	static const char *const names[] = { "done_total", "failed_total", "dead_total",
		"running" };
	for (unsigned n = 0; n < 4; n++) {
		buf_printf(
			out, "# TYPE haneul_tasks_%s %s\n", names[n], n == 3 ? "gauge" : "counter");
		for (unsigned i = 0; tasks_stats_get(cloud->tasks, i, &kind, &t); i++) {
			const uint64_t values[] = { t.done_total, t.failed_total, t.dead_total,
				t.running };
			buf_printf(out, "haneul_tasks_%s{kind=\"%s\"} %llu\n", names[n], kind,
				(unsigned long long)values[n]);
		}
	}
}

void
metrics_write(struct cloud *cloud, struct buf *out)
{
	struct store_stats st;
	store_stats_get(cloud->store, &st);
	gauge(out, "up_seconds", "gauge", (uint64_t)(clock_real_ms() - cloud->started_ms) / 1000);
	gauge(out, "resident_bytes", "gauge", resident_bytes());
	write_http(cloud, out);
	gauge(out, "store_units_total", "counter", st.units_total);
	gauge(out, "store_groups_total", "counter", st.groups_total);
	gauge(out, "store_units_undone_total", "counter", st.undone_total);
	gauge(out, "store_syncs_total", "counter", st.syncs_total);
	gauge(out, "store_merges_total", "counter", st.merges_total);
	gauge(out, "store_memtable_bytes", "gauge", st.memtable_bytes);
	gauge(out, "store_disk_bytes", "gauge", st.disk_bytes);
	gauge(out, "store_read_only", "gauge", st.read_only);
	gauge(out, "store_log_bytes_total", "counter", st.log_bytes);
	write_copies(&st, out);
	write_later(cloud, out);
	write_ops(cloud, out);
}
