#include "base/buf.h"
#include "svc/s3/s3.h"

void
s3_parts_write(struct call *c, struct str parts_id, const struct s3_part_row *parts, uint32_t n)
{
	uint64_t offset = 0;
	for (uint32_t at = 0; at < n;) {
		uint32_t count = n - at < S3_PARTS_IN_CHUNK ? n - at : S3_PARTS_IN_CHUNK;
		struct s3_parts_row chunk = { 0 };
		struct buf out = { 0 };
		struct key k;
		chunk.Parts.v = (void *)&parts[at];
		chunk.Parts.n = count;
		chunk.Parts.set = true;
		row_encode(&s3_parts_row_shape, &chunk, &out);
		s3_key_parts(&k, parts_id, offset);
		tx_put(c->tx, s3_rows(c), key_str(&k), buf_str(&out));
		buf_done(&out);
		for (uint32_t i = 0; i < count; i++)
			offset += (uint64_t)parts[at + i].Size.v;
		at += count;
	}
}

/* Chunks are keyed by the offset of their first byte: the one that holds `from` is found backwards.
 * Empty parts can only be last, so no two chunks begin at one offset. */
void
s3_parts_open(struct call *c, struct str parts_id, uint64_t from, struct s3_parts_walk *w)
{
	struct key lo, hi, at;
	struct scan back;
	memset(w, 0, sizeof(*w));
	s3_key_parts(&lo, parts_id, 0);
	s3_key_parts(&hi, parts_id, UINT64_MAX);
	s3_key_parts(&at, parts_id, from + 1);
	scan_open(&back, c->tx, s3_rows(c), key_str(&lo), key_str(&at), true);
	if (scan_next(&back)) {
		struct str rest = str_slice(back.key, back.key.len - 8, back.key.len);
		key_take_u64(&rest, &w->offset);
	}
	scan_done(&back);
	s3_key_parts(&lo, parts_id, w->offset);
	scan_open(&w->scan, c->tx, s3_rows(c), key_str(&lo), key_str(&hi), false);
}

const struct s3_part_row *
s3_parts_next(struct call *c, struct s3_parts_walk *w)
{
	if (w->at)
		w->offset += (uint64_t)w->chunk.Parts.v[w->at - 1].Size.v;
	if (w->at == w->chunk.Parts.n) {
		struct s3_parts_row next = { 0 };
		if (!scan_next(&w->scan) ||
			!row_decode(&s3_parts_row_shape, w->scan.value, c->arena, &next) ||
			!next.Parts.n)
			return NULL;
		w->chunk = next;
		w->at = 0;
	}
	return &w->chunk.Parts.v[w->at++];
}
