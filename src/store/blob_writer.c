/*
 * The loop fills pieces of 256 KiB; each full piece goes to up to three lanes of the pool at once:
 * MD5 (the slowest digest, of several writers together: md5_lanes.h), the other digests, and the
 * files. So hashing and writing of one stream overlap, and each lane sees the pieces in order. A
 * blob of one piece is done in a single job.
 */
#include "store/blobs_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#define PIECE_BYTES (2 * BLOB_CHUNK)
#define SPARE_MAX 8

enum lane {
	LANE_FILE,
	LANE_MD5,
	LANE_DIGESTS,
	LANE_N,
};

struct piece {
	struct piece *next;
	struct pool_job job[LANE_N];
	struct blob_writer *w;
	uint8_t users; /* lanes that are not done with it; the loop's */
	size_t len;
	char data[PIECE_BYTES];
};

struct blob_writer {
	struct blobs *blobs;
	struct loop *loop;
	enum blob_placement placement;
	char region[BLOB_REGION_MAX + 1];
	struct piece *filling; /* the loop's */
	size_t waiting; /* bytes in pieces that lanes still have; the loop's */
	unsigned jobs;  /* out on the pool; the loop's */
	void (*drained)(void *arg);
	void *drained_arg;
	void (*done)(void *arg, const struct blob_result *r);
	void *done_arg;
	bool ending, aborted, sealed;
	size_t piece_bytes; /* two chunks' worth */
	unsigned char key[SEAL_KEY]; /* of this blob */
	uint64_t frame;              /* the next chunk; of the file lane, like box */
	char *box;

	struct digests md5, digests; /* of their lanes */
	struct pool_job end_job;     /* on the file lane */
	struct blob_set set;         /* of the file lane, until the end job is done */
	bool set_open;
	int status;
	struct blob_result result;
};

/* Pieces are pages of their own, and the spare ones are shared: a writer whose client stalls keeps
 * one piece, and what a burst took goes back to the system. */
static struct piece *
piece_new(struct blob_writer *w)
{
	struct blobs *b = w->blobs;
	pthread_mutex_lock(&b->spare_lock);
	struct piece *p = b->spare;
	if (p) {
		b->spare = p->next;
		b->spare_n--;
	}
	pthread_mutex_unlock(&b->spare_lock);
	if (!p) {
		p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
		if (p == MAP_FAILED)
			abort();
	}
	p->w = w;
	p->len = 0;
	return p;
}

static void
piece_free(struct blobs *b, struct piece *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&b->spare_lock);
	bool keep = b->spare_n < SPARE_MAX;
	if (keep) {
		p->next = b->spare;
		b->spare = p;
		b->spare_n++;
	}
	pthread_mutex_unlock(&b->spare_lock);
	if (!keep)
		munmap(p, sizeof(*p));
}

void
blob_writer_spares_free(struct blobs *b)
{
	for (struct piece *p = b->spare, *next; p; p = next) {
		next = p->next;
		munmap(p, sizeof(*p));
	}
}

int
blob_writer_open(struct blobs *b, struct loop *l, struct str region, enum blob_placement placement,
	unsigned which, int64_t size_hint, struct blob_writer **ret_writer)
{
	/* The layout follows from whether a second piece comes, so the hint decides nothing yet. */
	(void)size_hint;
	if (!zones_region_valid(region))
		return -EINVAL;
	struct blob_writer *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->blobs = b;
	w->loop = l;
	w->placement = placement;
	w->piece_bytes = PIECE_BYTES;
	memcpy(w->region, region.p, region.len);
	digests_init(&w->md5, which & DIGEST_MD5);
	digests_init(&w->digests, which & ~(unsigned)DIGEST_MD5);
	if (getrandom(&w->result.id, sizeof(w->result.id), 0) != sizeof(w->result.id))
		abort();
	*ret_writer = w;
	return 0;
}

static void
writer_free(struct blob_writer *w)
{
	piece_free(w->blobs, w->filling);
	free(w->box);
	explicit_bzero(w->key, sizeof(w->key));
	free(w);
}

static void
digests_join(struct blob_writer *w)
{
	struct digest_values first;
	digests_final(&w->md5, &first);
	digests_final(&w->digests, &w->result.digests);
	w->result.digests.which |= first.which;
	w->result.digests.bytes = w->result.size;
	memcpy(w->result.digests.md5, first.md5, sizeof(first.md5));
}

/* Frees the writer when no worker has it any more. */
static void
writer_settle(struct blob_writer *w)
{
	if (w->jobs || !w->ending)
		return;
	if (!w->aborted) {
		w->result.status = w->status;
		digests_join(w);
		w->done(w->done_arg, &w->result);
	}
	writer_free(w);
}

static void
lane_submit(struct blob_writer *w, struct pool_job *job, enum lane lane)
{
	job->loop = w->loop;
	/* Unique while the writer lives: its own addresses. */
	job->lane = (uint64_t)(uintptr_t)w + lane;
	w->jobs++;
	pool_submit(w->blobs->pool, job);
}

void
blob_writer_seal(struct blob_writer *w, const unsigned char *key)
{
	assert(!w->filling && !w->result.size);
	seal_derive(key, str_of(w->result.id.b, sizeof(w->result.id.b)), w->key);
	w->sealed = true;
	w->piece_bytes = PIECE_BYTES - 2 * BLOB_SEAL;
}

/* A piece of two frames becomes two whole chunks. The digests read the plain piece meanwhile, so
 * the result lies elsewhere. */
static struct str
piece_seal(struct blob_writer *w, struct str data)
{
	size_t len = 0;
	if (!w->box && !(w->box = malloc(PIECE_BYTES)))
		abort();
	while (data.len) {
		struct str frame = str_slice(data, 0, BLOB_CHUNK - BLOB_SEAL);
		unsigned char nonce[SEAL_NONCE];
		blob_nonce(w->frame++, nonce);
		seal(w->key, nonce, STR(""), frame, (unsigned char *)w->box + len);
		len += frame.len + BLOB_SEAL;
		data = str_slice(data, frame.len, data.len);
	}
	return str_of(w->box, len);
}

static void
file_add(struct blob_writer *w, struct str data)
{
	if (w->status)
		return;
	if (w->sealed)
		data = piece_seal(w, data);
	if (!w->status && !w->set_open) {
		w->status = blob_set_create(&w->set, w->blobs->zones, str_c(w->region),
			w->result.id, blob_layout_choose(w->placement, (int64_t)data.len));
		w->set_open = !w->status;
	}
	if (!w->status)
		w->status = blob_set_append(&w->set, data);
}

static void
piece_file_run(struct pool_job *job)
{
	struct piece *p = (struct piece *)((char *)job - offsetof(struct piece, job[LANE_FILE]));
	file_add(p->w, str_of(p->data, p->len));
}

/* Of several writers at once. */
static void
pieces_md5_run(struct pool_job **jobs, unsigned n)
{
	struct digests *d[POOL_MANY];
	struct str data[POOL_MANY];
	for (unsigned i = 0; i < n; i++) {
		struct piece *p =
			(struct piece *)((char *)jobs[i] - offsetof(struct piece, job[LANE_MD5]));
		d[i] = &p->w->md5;
		data[i] = str_of(p->data, p->len);
	}
	digests_add_md5(d, data, n);
}

static void
piece_digests_run(struct pool_job *job)
{
	struct piece *p = (struct piece *)((char *)job - offsetof(struct piece, job[LANE_DIGESTS]));
	digests_add(&p->w->digests, str_of(p->data, p->len));
}

static void
piece_put_back(struct piece *p)
{
	struct blob_writer *w = p->w;
	w->waiting -= p->len;
	piece_free(w->blobs, p);
	if (w->drained && w->waiting <= BLOB_WINDOW / 2) {
		void (*drained)(void *arg) = w->drained;
		w->drained = NULL;
		drained(w->drained_arg);
	}
}

static void
piece_lane_done(struct piece *p)
{
	struct blob_writer *w = p->w;
	/* The callback in put_back may end the writer: this job counts until it is over. */
	if (--p->users == 0)
		piece_put_back(p);
	w->jobs--;
	writer_settle(w);
}

static void
piece_file_done(struct pool_job *job)
{
	piece_lane_done((struct piece *)((char *)job - offsetof(struct piece, job[LANE_FILE])));
}

static void
piece_md5_done(struct pool_job *job)
{
	piece_lane_done((struct piece *)((char *)job - offsetof(struct piece, job[LANE_MD5])));
}

static void
piece_digests_done(struct pool_job *job)
{
	piece_lane_done((struct piece *)((char *)job - offsetof(struct piece, job[LANE_DIGESTS])));
}

static void
piece_submit(struct blob_writer *w)
{
	struct piece *p = w->filling;
	w->filling = NULL;
	w->waiting += p->len;
	p->users = (uint8_t)(1 + !!w->md5.which + !!w->digests.which);
	p->job[LANE_FILE] = (struct pool_job){ .run = piece_file_run, .done = piece_file_done };
	p->job[LANE_MD5] = (struct pool_job){ .run_many = pieces_md5_run, .done = piece_md5_done };
	p->job[LANE_DIGESTS] =
		(struct pool_job){ .run = piece_digests_run, .done = piece_digests_done };
	if (w->md5.which)
		lane_submit(w, &p->job[LANE_MD5], LANE_MD5);
	if (w->digests.which)
		lane_submit(w, &p->job[LANE_DIGESTS], LANE_DIGESTS);
	lane_submit(w, &p->job[LANE_FILE], LANE_FILE);
}

size_t
blob_writer_add(struct blob_writer *w, struct str data, void (*drained)(void *arg), void *arg)
{
	assert(!w->ending);
	w->result.size += data.len;
	while (data.len) {
		/* A full piece is kept until more comes, so that a blob of one piece stays one job.
		 */
		if (w->filling && w->filling->len == w->piece_bytes)
			piece_submit(w);
		if (!w->filling)
			w->filling = piece_new(w);
		struct piece *p = w->filling;
		size_t room = w->piece_bytes - p->len, n = room < data.len ? room : data.len;
		memcpy(p->data + p->len, data.p, n);
		p->len += n;
		data = str_slice(data, n, data.len);
	}
	if (w->waiting > BLOB_WINDOW) {
		w->drained = drained;
		w->drained_arg = arg;
	}
	return w->waiting;
}

static void
end_done(struct pool_job *job)
{
	struct blob_writer *w =
		(struct blob_writer *)((char *)job - offsetof(struct blob_writer, end_job));
	w->jobs--;
	writer_settle(w);
}

static void
finish_run(struct pool_job *job)
{
	struct blob_writer *w =
		(struct blob_writer *)((char *)job - offsetof(struct blob_writer, end_job));
	struct piece *only = w->filling;
	if (only) {
		digests_add(&w->md5, str_of(only->data, only->len));
		digests_add(&w->digests, str_of(only->data, only->len));
		file_add(w, str_of(only->data, only->len));
	} else if (!w->result.size) {
		file_add(w, STR(""));
	}
	if (!w->status)
		w->status = blob_set_finish(&w->set);
	if (w->status && w->set_open)
		blob_set_discard(&w->set);
	if (!w->status && w->set.failed) {
		w->blobs->degraded_total++;
		blob_repair_queue(w->blobs, str_c(w->region), w->result.id);
	}
}

static void
abort_run(struct pool_job *job)
{
	struct blob_writer *w =
		(struct blob_writer *)((char *)job - offsetof(struct blob_writer, end_job));
	if (w->set_open)
		blob_set_discard(&w->set);
}

static void
writer_end(struct blob_writer *w, void (*run)(struct pool_job *job))
{
	assert(!w->ending);
	w->ending = true;
	w->drained = NULL;
	w->end_job = (struct pool_job){ .run = run, .done = end_done };
	lane_submit(w, &w->end_job, LANE_FILE);
}

void
blob_writer_finish(
	struct blob_writer *w, void (*done)(void *arg, const struct blob_result *r), void *arg)
{
	w->done = done;
	w->done_arg = arg;
	if (w->filling && w->result.size > w->piece_bytes)
		piece_submit(w);
	writer_end(w, finish_run);
}

void
blob_writer_abort(struct blob_writer *w)
{
	w->aborted = true;
	writer_end(w, abort_run);
}
