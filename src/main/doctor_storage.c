#include "main/doctor_storage.h"

#include "aws/places.h"
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"
#include "store/blobs.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ROWS_TRIES 6000 /* of 50 ms: five minutes */

static long long
number(const struct json *j, const char *name)
{
	int64_t n = 0;
	json_i64(json_get(j, str_c(name)), &n);
	return (long long)n;
}

static void
zones_print(const struct json *zones)
{
	for (unsigned i = 0; i < 3; i++) {
		char name[2] = { "abc"[i], 0 };
		const struct json *z = json_get(zones, str_c(name));
		bool missing = false;
		json_bool(json_get_lit(z, "missing"), &missing);
		printf("  zone-%s  %10lld files %15lld bytes%s\n", name, number(z, "files"),
			number(z, "bytes"), missing ? "  MISSING" : "");
	}
}

static bool
is(const struct json *j, const char *name)
{
	bool b = false;
	json_bool(json_get(j, str_c(name)), &b);
	return b;
}

static void
rows_print(const struct json *rows)
{
	const struct json *copies = json_get_lit(rows, "copies");
	long long done = number(rows, "rebuild_bytes"),
		  expected = number(rows, "rebuild_bytes_expected");
	printf("Rows     damaged %lld, repaired %lld, unreadable %lld, checked %lld times%s\n",
		number(rows, "damaged"), number(rows, "repaired"), number(rows, "lost"),
		number(rows, "scrubs"), is(rows, "read_only") ? "; READ ONLY: the log failed" : "");
	for (uint32_t i = 0; json_at(copies, i); i++) {
		const struct json *c = json_at(copies, i);
		printf("  %s  %s, %lld of %lld environments", i ? "in zone-c" : "in data  ",
			is(c, "whole") ? "whole"
			: is(c, "log") ? "BEING FILLED"
				       : "MISSING",
			number(c, "environments") - number(c, "environments_down"),
			number(c, "environments"));
		if (!is(c, "whole") && expected > done)
			printf(", %.0f%% of the one under way",
				100.0 * (double)done / (double)expected);
		printf("\n");
	}
}

static int
running_storage(const struct running *r)
{
	struct buf text = { 0 };
	struct arena a;
	struct json_error why;
	int status = running_request(r, "GET", "/_haneul/storage", NULL, &text);
	if (status != 200) {
		buf_done(&text);
		return failed("doctor", "%s does not answer: %d", r->endpoint, status);
	}
	arena_init(&a);
	const struct json *j = json_parse(&a, buf_str(&text), 0, &why),
			  *total = json_get_lit(j, "total");
	double progress = 0;
	json_f64(json_get_lit(j, "progress"), &progress);
	printf("Storage  %.*s, %.0f%% of this round; %lld blobs, %lld bytes checked\n",
		STR_FMT(json_get_text(j, STR("state"))), progress * 100, number(j, "blobs"),
		number(j, "bytes"));
	printf("  damaged %lld, repaired %lld, lost %lld, degraded writes %lld, orphans removed %lld\n",
		number(total, "damaged"), number(total, "repaired"), number(total, "lost"),
		number(total, "degraded"), number(j, "orphans"));
	zones_print(json_get_lit(j, "zones"));
	const struct json *rows = json_get_lit(j, "rows");
	rows_print(rows);
	bool bad = number(total, "lost") > 0 || number(rows, "lost") > 0;
	arena_done(&a);
	buf_done(&text);
	return bad ? EXIT_FAILED : EXIT_DONE;
}

static bool
progress_print(struct blobs_scrub *s)
{
	uint64_t *expected = s->arg;
	if (isatty(STDERR_FILENO) && s->blobs % 64 == 0)
		fprintf(stderr, "\r%llu of %llu files, %llu repaired ",
			(unsigned long long)(s->zone_files[0] + s->zone_files[1] +
					     s->zone_files[2]),
			(unsigned long long)*expected, (unsigned long long)s->repaired);
	if (s->last_status == -EIO)
		printf("lost in part: a body of region %.*s\n", STR_FMT(s->last_region));
	return true;
}

static bool
storage_whole(struct store *s, struct store_stats *ret)
{
	store_look(s);
	store_stats_get(s, ret);
	return ret->scrubs_total > 0 && ret->side[0].whole && ret->side[1].whole;
}

/* Opening heals what it can; what is left, the scrub and the fills that it asks for. */
static void
stopped_rows(struct store *s)
{
	struct store_stats st;
	store_scrub(s);
	for (unsigned i = 0; !storage_whole(s, &st) && i < ROWS_TRIES; i++) {
		if (isatty(STDERR_FILENO) && st.rebuild_bytes_expected)
			fprintf(stderr, "\rrows: %llu of %llu bytes ",
				(unsigned long long)st.rebuild_bytes,
				(unsigned long long)st.rebuild_bytes_expected);
		usleep(50000);
	}
	printf("Rows     damaged %llu, repaired %llu, unreadable %llu\n  in data    %s\n  in zone-c  %s\n",
		(unsigned long long)st.damaged_total, (unsigned long long)st.repaired_total,
		(unsigned long long)st.lost_total, st.side[0].whole ? "whole" : "NOT WHOLE",
		st.side[1].whole ? "whole" : "NOT WHOLE");
}

/* The rows are open meanwhile: no cloud can start and change what is read here. */
static int
rows_open(const struct settings *s, struct store **ret_store)
{
	char rows[1200], second[PLACE_MAX];
	int holder;
	snprintf(rows, sizeof(rows), "%s/rows", s->data);
	place_of_rows(second, s->data, (const char *const[3]){ s->zone_a, s->zone_b, s->zone_c });
	if (access(rows, F_OK) && access(second, F_OK))
		return -errno;
	struct store_options o = { .dir = rows, .second_dir = second };
	return store_open(ret_store, &o, &holder);
}

static int
stopped_storage(const struct settings *s)
{
	char dir[1100];
	struct blobs *b;
	struct store *store;
	int err = rows_open(s, &store);
	if (err)
		return failed("doctor", "%s: %s", s->data, strerror(-err));
	snprintf(dir, sizeof(dir), "%s/blobs", s->data);
	struct blobs_options o = { .dir = dir, .zone_dirs = { s->zone_a, s->zone_b, s->zone_c } };
	err = blobs_open(&b, &o);
	if (err) {
		store_close(store);
		return failed("doctor", "%s: %s", dir, strerror(-err));
	}
	uint64_t files[3], expected;
	bool missing[3];
	blobs_count(b, files);
	expected = files[0] + files[1] + files[2];
	for (unsigned i = 0; i < 3; i++)
		missing[i] = blobs_zone_missing(b, i);
	struct blobs_scrub k = { .progress = progress_print, .arg = &expected };
	err = blobs_scrub(b, &k);
	printf("Storage  stopped; %llu blobs, %llu bytes checked\n  damaged %llu, repaired %llu, lost %llu\n",
		(unsigned long long)k.blobs, (unsigned long long)k.bytes,
		(unsigned long long)k.damaged, (unsigned long long)k.repaired,
		(unsigned long long)k.lost);
	for (unsigned i = 0; i < 3; i++)
		printf("  zone-%c  %10llu files %15llu bytes%s\n", "abc"[i],
			(unsigned long long)k.zone_files[i], (unsigned long long)k.zone_bytes[i],
			missing[i] ? "  was MISSING" : "");
	blobs_close(b);
	stopped_rows(store);
	store_close(store);
	return err || k.lost ? EXIT_FAILED : EXIT_DONE;
}

int
doctor_storage(int argc, char **argv)
{
	struct settings s;
	struct running r;
	struct buf why = { 0 };
	if (!settings_load(&s, argc, argv, &why)) {
		int rc = usage_error("doctor", "%.*s", STR_FMT(buf_str(&why)));
		buf_done(&why);
		return rc;
	}
	return running_find(s.data, &r) ? running_storage(&r) : stopped_storage(&s);
}
