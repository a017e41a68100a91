/* Opening the log: the records of both sides put together, and a side made whole. See wal.h. */
#include "store/wal_private.h"

#include <errno.h>
#include <stdlib.h>

struct recovery {
	struct wal *l;
	struct wal_reading reading[WAL_SIDES];
	bool relaxed;
	uint64_t synced; /* the number up to which a relaxed log was synced */
	uint64_t first, end; /* numbers: [first, end) is what counts */
	uint64_t first_seq, end_seq;
	const struct wal_record **records; /* end - first of them */
	size_t n;
};

static const struct wal_record *
record_find(const struct recovery *v, uint64_t number)
{
	const struct wal_record *r = wal_reading_find(&v->reading[0], number);
	return r ? r : wal_reading_find(&v->reading[1], number);
}

/* The side that got furthest says where the log begins and ends; the other may know of older
 * records that go on to it (somebody removed a file), or be left behind from long ago. */
static int
bounds_find(struct recovery *v)
{
	const struct wal_reading *lead = NULL;
	bool sound = false;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		const struct wal_reading *r = &v->reading[i];
		if (!r->found)
			continue;
		sound |= !r->unreadable;
		v->relaxed |= r->relaxed;
		if (r->base_number && (!lead || r->end_number > lead->end_number ||
					      (r->end_number == lead->end_number &&
						      r->base_number < lead->base_number)))
			lead = r;
	}
	/* A file of which nothing is known may have been the first or the last one. */
	if (!lead || !sound)
		return lead || v->reading[0].found || v->reading[1].found ? -EBADMSG : -ENOENT;
	v->first = lead->base_number;
	v->first_seq = lead->base_seq;
	v->synced = lead->last_base;
	v->end = lead->end_number;
	v->end_seq = lead->end_seq;
	for (const struct wal_record *r; (r = record_find(v, v->first - 1));) {
		v->first--;
		v->first_seq = r->first_seq;
	}
	return 0;
}

static int
records_join(struct recovery *v)
{
	uint64_t seq = v->first_seq;
	v->records = calloc(v->end - v->first + 1, sizeof(struct wal_record *));
	if (!v->records)
		abort();
	for (uint64_t number = v->first; number < v->end; number++) {
		const struct wal_record *r = record_find(v, number);
		if (!r && v->relaxed && number >= v->synced) {
			v->end = number;
			v->end_seq = seq;
			return 0;
		}
		if (!r || r->first_seq != seq)
			return -EBADMSG;
		seq += r->units;
		v->records[v->n++] = r;
	}
	return seq == v->end_seq ? 0 : -EBADMSG;
}

static int
records_replay(struct recovery *v, wal_replay_fn *replay, void *arg)
{
	int rc = 0;
	for (size_t i = 0; i < v->n && !rc; i++) {
		const struct wal_record *r = v->records[i];
		struct wal_group g = { r->first_seq, r->units, str_of(r + 1, r->payload_bytes) };
		rc = replay(arg, &g);
	}
	return rc;
}

static bool
side_is_whole(const struct recovery *v, const struct wal_reading *r)
{
	if (!r->found || r->damaged || r->end_number != v->end || r->base_number > v->end)
		return false;
	uint64_t from = r->base_number > v->first ? r->base_number : v->first;
	if (r->base_number > v->first && v->reading[0].found && v->reading[1].found &&
		record_find(v, r->base_number - 1))
		return false;
	for (uint64_t number = from; number < v->end; number++)
		if (!wal_reading_find(r, number))
			return false;
	return true;
}

/* A side that holds everything goes on in a new file behind its old ones. */
static void
side_go_on(struct recovery *v, struct wal_side *s, const struct wal_reading *r)
{
	for (size_t i = 0; i < r->generations_n; i++) {
		const struct wal_record *last = wal_reading_find(r, r->last_numbers[i]);
		side_file_add(s, r->generations[i], r->sizes[i],
			last ? last->first_seq + last->units - 1 : v->first_seq - 1);
	}
}

static int
side_mend(struct recovery *v, unsigned i)
{
	struct wal_side *s = v->l->side[i];
	struct wal_reading *r = &v->reading[i];
	if (side_is_whole(v, r)) {
		side_go_on(v, s, r);
		return 0;
	}
	int rc = side_fill(s, v->records, v->n, v->first, v->first_seq, v->end_seq - 1,
		r->generations, r->generations_n);
	if (!rc)
		v->l->healed |= 1u << i;
	return rc;
}

/* A side that cannot be read or written is left out as long as there is another. */
static int
sides_read(struct recovery *v)
{
	int rc = -ENOENT, failed = 0;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal *l = v->l;
		if (!l->dirs[i])
			continue;
		int e = side_open(&l->side[i], l->dirs[i], l->relaxed);
		if (!e)
			e = wal_reading_load(&v->reading[i], l->side[i]);
		if (e) {
			failed = e;
			side_free(l->side[i]);
			l->side[i] = NULL;
			wal_reading_done(&v->reading[i]);
		} else {
			rc = 0;
		}
	}
	return rc ? failed : 0;
}

static int
sides_mend(struct recovery *v)
{
	int failed = 0, good = 0;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		if (!v->l->side[i])
			continue;
		int rc = side_mend(v, i);
		good += !rc;
		if (!rc)
			continue;
		failed = rc;
		side_free(v->l->side[i]);
		v->l->side[i] = NULL;
	}
	return good ? 0 : failed;
}

static int
recover(struct recovery *v, bool fresh, wal_replay_fn *replay, void *arg)
{
	int rc = sides_read(v);
	if (!rc)
		rc = bounds_find(v);
	if (rc == -ENOENT && fresh) {
		v->first = v->end = v->first_seq = v->end_seq = 1;
		rc = sides_mend(v);
		v->l->healed = 0;
	} else if (rc == -ENOENT) {
		rc = -EBADMSG;
	} else if (!rc) {
		rc = records_join(v);
	}
	if (!rc && v->n > 0)
		rc = records_replay(v, replay, arg);
	if (!rc && v->records)
		rc = sides_mend(v);
	v->l->next_number = v->end;
	v->l->next_seq = v->end_seq;
	return rc;
}

static void
recovery_done(struct recovery *v)
{
	for (unsigned i = 0; i < WAL_SIDES; i++)
		wal_reading_done(&v->reading[i]);
	free(v->records);
}

static void
wal_free(struct wal *l)
{
	wal_syncer_stop(&l->syncer);
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		side_free(l->side[i]);
		free(l->dirs[i]);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int
wal_open(struct wal **ret_log, const struct wal_options *o, wal_replay_fn *replay, void *arg)
{
	struct wal *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->relaxed = o->relaxed;
	for (unsigned i = 0; i < WAL_SIDES; i++)
		if (o->dirs[i] && !(l->dirs[i] = strdup(o->dirs[i])))
			abort();
	struct recovery v = { .l = l };
	int rc = recover(&v, o->fresh, replay, arg);
	recovery_done(&v);
	if (rc)
		wal_free(l);
	else
		*ret_log = l;
	return rc;
}

int
wal_rejoin(struct wal *l, unsigned side)
{
	struct recovery v = { .l = l };
	struct wal_side *s = NULL, *other = l->side[!side];
	if (!other || !l->dirs[side] || wal_sides(l) >> side & 1)
		return -EINVAL;
	int rc = side_open(&s, l->dirs[side], l->relaxed);
	if (rc)
		return rc;
	rc = wal_reading_load(&v.reading[side], s);
	struct wal_reading old = v.reading[side];
	/* What lies there does not count: it is behind, or damaged. */
	v.reading[side] = (struct wal_reading){ 0 };
	v.reading[!side].peek = true;
	if (!rc)
		rc = wal_reading_load(&v.reading[!side], other);
	if (!rc)
		rc = bounds_find(&v);
	if (!rc)
		rc = records_join(&v);
	if (!rc && v.end != l->next_number)
		rc = -EBADMSG;
	if (!rc)
		rc = side_fill(s, v.records, v.n, v.first, v.first_seq, v.end_seq - 1,
			old.generations, old.generations_n);
	wal_reading_done(&old);
	recovery_done(&v);
	if (rc) {
		side_free(s);
		return rc;
	}
	pthread_mutex_lock(&l->lock);
	l->side[side] = s;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

int
wal_close(struct wal *l, bool clean)
{
	int rc = 0;
	for (unsigned i = 0; i < WAL_SIDES; i++) {
		struct wal_side *s = l->side[i];
		/* A log that is already nothing but a header need not be made anew. */
		if (!s || !clean || (s->files == s->newest && s->newest->size <= WAL_HEADER_BYTES))
			continue;
		int e = side_rotate_empty(s, l->next_number, l->next_seq);
		if (!e)
			side_release(s, UINT64_MAX);
		side_spares_unlink(s);
		rc = rc ? rc : e;
	}
	wal_free(l);
	return rc;
}
