#include "svc/s3/s3.h"

#include "base/buf.h"
#include "svc/s3/sse.h"
#include "svc/s3/tasks.h"

static void
put_u64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint64_t
get_u64(const char *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

struct str
s3_segments_pack(struct call *c, const struct body_segment *s, uint32_t n)
{
	unsigned char *p = arena_alloc(c->arena, (size_t)n * S3_SEGMENT_BYTES);
	for (uint32_t i = 0; i < n; i++) {
		unsigned char *at = p + (size_t)i * S3_SEGMENT_BYTES;
		memcpy(at, s[i].id.b, 16);
		put_u64(at + 16, s[i].offset);
		put_u64(at + 24, s[i].len);
	}
	return str_of(p, (size_t)n * S3_SEGMENT_BYTES);
}

static struct body_segment
segment_at(struct str packed, uint32_t i)
{
	const char *at = packed.p + (size_t)i * S3_SEGMENT_BYTES;
	struct body_segment s;
	memcpy(s.id.b, at, 16);
	s.offset = get_u64(at + 16);
	s.len = get_u64(at + 24);
	return s;
}

uint32_t
s3_segments_unpack(struct call *c, struct str packed, struct body_segment **ret)
{
	uint32_t n = (uint32_t)(packed.len / S3_SEGMENT_BYTES);
	*ret = arena_array(c->arena, struct body_segment, n);
	for (uint32_t i = 0; i < n; i++)
		(*ret)[i] = segment_at(packed, i);
	return n;
}

static uint64_t
refs_get(struct call *c, const struct key *k)
{
	struct str value;
	uint64_t n = 0;
	if (tx_get(c->tx, s3_rows(c), key_str(k), &value))
		key_take_u64(&value, &n);
	return n;
}

static void
refs_put(struct call *c, const struct key *k, uint64_t n)
{
	struct key value;
	key_begin(&value);
	key_add_u64(&value, n);
	tx_put(c->tx, s3_rows(c), key_str(k), key_str(&value));
}

void
s3_segments_retain(struct call *c, struct str region, struct str segments)
{
	for (uint32_t i = 0; i < segments.len / S3_SEGMENT_BYTES; i++) {
		struct key k;
		s3_key_blob(&k, region, segment_at(segments, i).id);
		refs_put(c, &k, refs_get(c, &k) + 1);
	}
}

void
s3_segments_release(struct call *c, struct str region, struct str segments)
{
	struct buf dead = { 0 };
	for (uint32_t i = 0; i < segments.len / S3_SEGMENT_BYTES; i++) {
		struct body_segment s = segment_at(segments, i);
		struct key k;
		s3_key_blob(&k, region, s.id);
		uint64_t n = refs_get(c, &k);
		if (n > 1) {
			refs_put(c, &k, n - 1);
			continue;
		}
		tx_delete(c->tx, s3_rows(c), key_str(&k));
		buf_add(&dead, s.id.b, sizeof(s.id.b));
	}
	if (dead.len)
		s3_task_blobs(c, region, buf_str(&dead));
	buf_done(&dead);
}

static void
body_row_put(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, struct str data)
{
	struct key k;
	s3_key_body(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
	tx_put(c->tx, s3_rows(c), key_str(&k), data);
}

static void
inline_store(struct call *c, const struct s3_bucket_row *b, struct str key, struct s3_object_row *o,
	struct str data)
{
	if (data.len <= S3_BODY_IN_ROW) {
		o->Body = data;
		return;
	}
	o->BodyRow = OPT_BOOL(true);
	body_row_put(c, b, key, o, data);
}

void
s3_body_inside_put(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct s3_object_row *o, struct str sealed)
{
	if (o->BodyRow.v)
		body_row_put(c, b, key, o, sealed);
	else
		o->Body = sealed;
}

/* Many segments: as parts of a body that was no multipart upload (PartsCount stays unset). */
static void
segments_store(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o,
	const struct body_segment *s, uint32_t n)
{
	struct str packed = s3_segments_pack(c, s, n);
	s3_segments_retain(c, b->Region, packed);
	if (n <= S3_SEGMENTS_IN_ROW) {
		o->Segments = packed;
		return;
	}
	struct s3_part_row *parts = arena_array(c->arena, struct s3_part_row, n);
	for (uint32_t i = 0; i < n; i++) {
		parts[i].Number = OPT_I64(i + 1);
		parts[i].Size = OPT_I64((int64_t)s[i].len);
		parts[i].Segments = str_slice(
			packed, (size_t)i * S3_SEGMENT_BYTES, (size_t)(i + 1) * S3_SEGMENT_BYTES);
	}
	char *id = arena_alloc_raw(c->arena, 16);
	random_bytes(id, 16);
	o->PartsId = str_of(id, 16);
	s3_parts_write(c, o->PartsId, parts, n);
}

void
s3_body_store(struct call *c, const struct s3_bucket_row *b, struct str key,
	struct s3_object_row *o, const struct body *in)
{
	o->Seq = OPT_I64((int64_t)s3_seq_next(c, b, key));
	o->Size = OPT_I64((int64_t)in->size);
	struct str plain = in->inline_data.p ? in->inline_data : STR("");
	bool inside = in->inline_data.p || !in->segments_n, own = s3_sse_is_own(o);
	if (!own)
		o->Sse = inside || in->key ? STR("AES256") : STR_NULL;
	if (inside)
		inline_store(c, b, key, o,
			own ? s3_sse_seal_own(c, c->body_key, key, plain)
			    : s3_sse_seal(c, (uint64_t)b->Id.v, key, plain));
	else
		segments_store(c, b, o, in->segments, in->segments_n);
}

static struct str
inline_data(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct key k;
	struct str value;
	if (!o->BodyRow.v)
		return o->Body;
	s3_key_body(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
	return tx_get(c->tx, s3_rows(c), key_str(&k), &value) ? value : STR_NULL;
}

/* The part of a segment that lies in [from, to) of the body, where the segment begins at `at`. */
static bool
segment_cut(struct body_segment *s, uint64_t at, uint64_t from, uint64_t to)
{
	uint64_t lo = at > from ? at : from, hi = at + s->len < to ? at + s->len : to;
	if (lo >= hi)
		return false;
	s->offset += lo - at;
	s->len = hi - lo;
	return true;
}

struct segment_list {
	struct body_segment *v;
	uint32_t n, cap;
};

static void
segments_collect(struct call *c, struct segment_list *l, struct str packed, uint64_t at,
	uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < packed.len / S3_SEGMENT_BYTES; i++) {
		struct body_segment s = segment_at(packed, i);
		uint64_t len = s.len;
		if (segment_cut(&s, at, from, to)) {
			if (l->n == l->cap) {
				uint32_t cap = l->cap ? l->cap * 2 : 16;
				struct body_segment *v =
					arena_array(c->arena, struct body_segment, cap);
				if (l->n)
					memcpy(v, l->v, l->n * sizeof(*v));
				l->v = v;
				l->cap = cap;
			}
			l->v[l->n++] = s;
		}
		at += len;
	}
}

struct body *
s3_body_read(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o, const unsigned char *own, uint64_t from, uint64_t len)
{
	struct body *body = arena_new(c->arena, struct body);
	body->region = b->Region;
	body->size = (uint64_t)o->Size.v;
	body->from = from;
	body->len = len;
	if (!o->PartsId.p && !o->Segments.p) {
		body->inline_data = inline_data(c, b, key, o);
		/* What does not open is as if it were not there: the reply ends, wrong bytes never
		 * go out. */
		if (own)
			body->inline_data = s3_sse_unseal_own(c, own, key, body->inline_data);
		else if (o->Sse.p)
			body->inline_data =
				s3_sse_unseal(c, (uint64_t)b->Id.v, key, body->inline_data);
		return body;
	}
	/* Only what lies in the range is named; so the body that is handed out begins at `from`. */
	struct segment_list l = { 0 };
	if (o->Segments.p) {
		segments_collect(c, &l, o->Segments, 0, from, from + len);
	} else {
		struct s3_parts_walk w;
		const struct s3_part_row *part;
		s3_parts_open(c, o->PartsId, from, &w);
		while ((part = s3_parts_next(c, &w)) && w.offset < from + len)
			segments_collect(c, &l, part->Segments, w.offset, from, from + len);
		scan_done(&w.scan);
	}
	body->key = own ? own : o->Sse.p ? s3_sse_key() : NULL;
	body->segments = l.v;
	body->segments_n = l.n;
	body->size = len;
	body->from = 0;
	return body;
}

void
s3_body_release(struct call *c, const struct s3_bucket_row *b, struct str key,
	const struct s3_object_row *o)
{
	struct key k;
	if (o->BodyRow.v) {
		s3_key_body(&k, (uint64_t)b->Id.v, key, (uint64_t)o->Seq.v);
		tx_delete(c->tx, s3_rows(c), key_str(&k));
	}
	if (o->Segments.p)
		s3_segments_release(c, b->Region, o->Segments);
	if (o->PartsId.p)
		s3_task_parts(c, b->Region, o->PartsId);
	if (o->Annotations.v)
		s3_task_annotations(c, b->Region, o->AnnotationsId);
}

uint8_t
s3_placement(const struct s3_object_row *o)
{
	return str_is(o->StorageClass, "ONEZONE_IA") ? BLOB_ONE_ZONE : BLOB_STANDARD;
}
