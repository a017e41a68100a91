/*
 * Two buffers: while the owner sends one chunk, a worker reads and verifies the next one. Answers
 * are always given from a job of the loop, never from inside blob_reader_next.
 */
#include "store/blobs_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Read by the worker after one that the page cache did not hold. */
#define COLD_CHUNKS 16

struct chunk {
	char *data;
	size_t len; /* of what was asked for, which begins at `skip` */
	size_t skip;
	int status;
};

struct blob_reader {
	struct pool_job job;
	struct loop_job answer;
	struct blobs *blobs;
	struct loop *loop;
	struct blob_id id;
	char region[BLOB_REGION_MAX + 1];
	uint64_t at, end; /* of the blob: what follows the chunks that were read */
	void (*piece)(void *arg, int status, struct str data);
	void *arg;
	struct chunk chunk[2];
	uint8_t turn;        /* which chunk is filled next, or now */
	uint32_t ahead;      /* how many chunks the worker reads ahead yet */
	bool reading, ready; /* the worker has it; it is there and not handed over */
	bool wanted, answering, closed, sealed;
	unsigned char key[SEAL_KEY];

	struct blob_set set; /* the worker's while reading */
	bool set_open;
};

int
blob_reader_open(struct blobs *b, struct loop *l, struct str region, struct blob_id id,
	uint64_t offset, uint64_t len, void (*piece)(void *arg, int status, struct str data),
	void *arg, struct blob_reader **ret_reader)
{
	if (!zones_region_valid(region))
		return -EINVAL;
	struct blob_reader *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	r->blobs = b;
	r->loop = l;
	r->id = id;
	memcpy(r->region, region.p, region.len);
	r->at = offset;
	r->end = len > UINT64_MAX - offset ? UINT64_MAX : offset + len;
	r->piece = piece;
	r->arg = arg;
	r->ahead = UINT32_MAX;
	*ret_reader = r;
	return 0;
}

void
blob_reader_unseal(struct blob_reader *r, const unsigned char *key)
{
	seal_derive(key, str_of(r->id.b, sizeof(r->id.b)), r->key);
	r->sealed = true;
}

static uint64_t
plain_size(const struct blob_reader *r)
{
	uint64_t size = r->set.head.size, chunk = r->set.head.chunk_bytes;
	return r->sealed ? size - (size + chunk - 1) / chunk * BLOB_SEAL : size;
}

static int
set_ready(struct blob_reader *r)
{
	if (r->set_open)
		return 0;
	int err = blob_set_open(&r->set, r->blobs->zones, str_c(r->region), r->id);
	r->set_open = !err;
	if (!err && r->end > plain_size(r))
		r->end = plain_size(r);
	/* So that blob_reader_now finds it open; who needs it and cannot have it says so. */
	if (!err && r->end - r->at > r->set.head.chunk_bytes)
		for (unsigned i = 0; i < r->set.head.data_n; i++)
			blob_set_shard_open(&r->set, i);
	return err;
}

static int
frame_unseal(struct blob_reader *r, char *data, size_t *len, uint64_t at)
{
	unsigned char nonce[SEAL_NONCE];
	blob_nonce(at, nonce);
	if (!unseal(r->key, nonce, STR(""), str_of(data, *len), (unsigned char *)data))
		return -EIO;
	*len -= BLOB_SEAL;
	return 0;
}

/* Plain bytes of a chunk. */
static uint32_t
frame_bytes(const struct blob_reader *r)
{
	return r->set.head.chunk_bytes - (r->sealed ? BLOB_SEAL : 0);
}

static void
chunk_room(struct blob_reader *r, struct chunk *c)
{
	if (!c->data && !(c->data = aligned_alloc(64, r->set.head.chunk_bytes)))
		abort();
}

/* What was read of the frame is the reader's next piece. */
static void
chunk_take(struct blob_reader *r, struct chunk *c, size_t got, uint32_t frame)
{
	c->skip = r->at % frame;
	c->len = got - c->skip;
	if (c->len > r->end - r->at)
		c->len = r->end - r->at;
	r->at += c->len;
}

static int
chunk_fill(struct blob_reader *r, struct chunk *c)
{
	int err = set_ready(r);
	if (err || r->at >= r->end)
		return err;
	size_t got = 0;
	uint32_t frame = frame_bytes(r);
	chunk_room(r, c);
	err = blob_set_read(&r->set, r->at / frame, c->data, &got);
	if (!err && r->sealed)
		err = frame_unseal(r, c->data, &got, r->at / frame);
	if (!err)
		chunk_take(r, c, got, frame);
	return err;
}

static void
read_run(struct pool_job *job)
{
	struct blob_reader *r = (struct blob_reader *)job;
	struct chunk *c = &r->chunk[r->turn];
	c->len = 0;
	c->status = chunk_fill(r, c);
}

static void
reader_free(struct blob_reader *r)
{
	if (r->set_open && r->set.healed)
		blob_repair_queue(r->blobs, str_c(r->region), r->id);
	if (r->set_open)
		blob_set_close(&r->set);
	free(r->chunk[0].data);
	free(r->chunk[1].data);
	explicit_bzero(r->key, sizeof(r->key));
	free(r);
}

static void read_done(struct pool_job *job);

static void
read_start(struct blob_reader *r)
{
	r->reading = true;
	r->job = (struct pool_job){ .run = read_run, .done = read_done, .loop = r->loop };
	pool_submit(r->blobs->pool, &r->job);
}

/* Hands the chunk over, and sends the worker for the next one first. */
static void
answer_give(struct blob_reader *r)
{
	struct chunk *c = &r->chunk[r->turn];
	r->ready = r->wanted = false;
	if (r->ahead && c->status == 0 && c->len && r->at < r->end) {
		r->ahead -= r->ahead < UINT32_MAX;
		r->turn ^= 1;
		read_start(r);
	}
	r->piece(r->arg, c->status,
		c->status ? STR_NULL : str_of(c->data ? c->data + c->skip : "", c->len));
}

static void
read_done(struct pool_job *job)
{
	struct blob_reader *r = (struct blob_reader *)job;
	r->reading = false;
	r->ready = true;
	if (r->closed)
		reader_free(r);
	else if (r->wanted)
		answer_give(r);
}

static void
answer_run(struct loop_job *job)
{
	struct blob_reader *r =
		(struct blob_reader *)((char *)job - offsetof(struct blob_reader, answer));
	r->answering = false;
	if (!r->closed)
		answer_give(r);
	else if (!r->reading)
		reader_free(r);
}

void
blob_reader_next(struct blob_reader *r)
{
	assert(!r->wanted);
	r->wanted = true;
	if (r->ready) {
		r->answering = true;
		r->answer.run = answer_run;
		loop_post(r->loop, &r->answer);
	} else if (!r->reading) {
		read_start(r);
	}
}

/* The tag of a sealed chunk says more than its sum: no byte is looked at twice. */
static bool
fill_now(struct blob_reader *r, struct chunk *c)
{
	size_t got = 0;
	uint32_t frame = frame_bytes(r);
	chunk_room(r, c);
	if (!blob_set_read_now(&r->set, r->at / frame, !r->sealed, c->data, &got) ||
		(r->sealed && frame_unseal(r, c->data, &got, r->at / frame)))
		return false;
	chunk_take(r, c, got, frame);
	return true;
}

bool
blob_reader_now(struct blob_reader *r, struct str *ret_piece)
{
	if (r->reading || r->ready || r->answering || (r->set_open && r->at >= r->end))
		return false;
	struct chunk *c = &r->chunk[r->turn];
	bool there = r->set_open && fill_now(r, c);
	if (there)
		*ret_piece = str_of(c->data + c->skip, c->len);
	else
		r->ahead = r->set_open ? COLD_CHUNKS : 0;
	return there;
}

void
blob_reader_close(struct blob_reader *r)
{
	if (!r)
		return;
	r->closed = true;
	if (!r->reading && !r->answering)
		reader_free(r);
}
