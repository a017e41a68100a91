/*
 * care: looks after the blobs while the cloud runs, on a thread of its own: removes those that no
 * row names (a crash between the file and the commit leaves them), reads every shard, heals what is
 * missing or damaged, and fills a zone's directory again that somebody replaced or emptied.
 *
 * A round begins at the start and then every `period_ms`, and at once when a zone's directory is
 * seen missing; that one is not paced. Real time, not the cloud's: disks age with the real one.
 * What a round finds unnamed it removes `grace_ms` later, if it is still unnamed: a reply may still
 * be reading a blob whose object was just deleted.
 */
#ifndef HANEUL_AWS_CARE_H
#define HANEUL_AWS_CARE_H

#include "store/blobs.h"
#include "store/store.h"

struct care;

struct care_options {
	struct store *store;
	struct blobs *blobs;
	/* Does a row of any service name it? */
	bool (*named)(struct store *s, struct tx *t, struct str region, struct blob_id id);
	/* Every look_ms, and when a round begins: looks after what is not blobs. On the care's
	 * thread; may be NULL. */
	void (*look)(void *arg, bool round);
	void *look_arg;
	uint64_t bytes_a_second; /* 0: as fast as it goes */
	uint32_t period_ms, grace_ms, look_ms;
	uint32_t orphan_age_s; /* younger files may belong to writes under way */
};

struct care_stats {
	const char *state; /* "idle", "sweeping", "scrubbing", "rebuilding" */
	uint64_t rounds_total;
	uint64_t orphans_total; /* blobs that no row named, removed */
	/* Of the round under way, else of the last one. */
	uint64_t files_expected, files_seen;
	uint64_t blobs, bytes, damaged, repaired, lost;
	uint64_t zone_files[3], zone_bytes[3];
	int64_t began_ms, ended_ms; /* real; 0: not yet */
};

struct care *care_start(const struct care_options *o);
void care_stop(struct care *k); /* waits; NULL is fine. Before the store is closed */
/* Asks for a round now, not paced, and without grace: everything older than orphan_age_s and
 * unnamed goes at once. */
void care_now(struct care *k);
void care_stats_get(struct care *k, struct care_stats *ret_stats); /* any thread */

#endif
