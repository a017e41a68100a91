/* The rows of annotations, and how they follow their object. */
#include "svc/s3/annotations.h"
#include "svc/s3/sse.h"

void
s3_key_annotation(struct key *k, struct str id, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("O"));
	key_add_raw(k, id);
	key_add_raw(k, name);
}

bool
s3_annotation_get(
	struct call *c, const struct s3_object_row *o, struct str name, struct s3_object_row *ret)
{
	struct key k;
	if (!o->Annotations.v)
		return false;
	s3_key_annotation(&k, o->AnnotationsId, name);
	return s3_row_get(c, &k, ret);
}

/* What a small text is sealed for: this name, and never an object's key. */
static struct str
sealed_for(struct call *c, struct str name)
{
	return arena_concat(c->arena, STR("annotation\n"), name);
}

static void
text_seal(struct call *c, const struct s3_bucket_row *b, struct str name, struct s3_object_row *a,
	struct str text, const unsigned char *own)
{
	struct str bound = sealed_for(c, name);
	a->Sse = own ? STR("aws:kms") : STR("AES256");
	a->Body = own ? s3_sse_seal_own(c, own, bound, text)
		      : s3_sse_seal(c, (uint64_t)b->Id.v, bound, text);
}

static void
id_need(struct call *c, struct s3_object_row *o)
{
	char *id = arena_alloc_raw(c->arena, 16);
	if (o->AnnotationsId.p)
		return;
	random_bytes(id, 16);
	o->AnnotationsId = str_of(id, 16);
}

int
s3_annotation_put(struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o,
	struct str name, struct s3_object_row *a, const struct body *in, const unsigned char *own)
{
	struct s3_object_row old = { 0 };
	struct key k;
	if (s3_annotation_get(c, o, name, &old))
		s3_body_release(c, b, name, &old);
	else if (o->Annotations.v >= S3_ANNOTATIONS_MAX)
		return call_fail(c, &S3_AnnotationLimitExceeded, NULL);
	else
		o->Annotations = OPT_I64(o->Annotations.v + 1);
	id_need(c, o);
	a->Size = OPT_I64((int64_t)in->size);
	a->Modified = OPT_TIME(c->now_ms);
	if (in->segments_n) {
		a->Sse = own ? STR("aws:kms") : STR("AES256");
		a->Segments = s3_segments_pack(c, in->segments, in->segments_n);
		s3_segments_retain(c, b->Region, a->Segments);
	} else {
		text_seal(c, b, name, a, in->inline_data, own);
	}
	s3_key_annotation(&k, o->AnnotationsId, name);
	s3_row_put(c, &k, a);
	return CALL_OK;
}

bool
s3_annotation_remove(
	struct call *c, const struct s3_bucket_row *b, struct s3_object_row *o, struct str name)
{
	struct s3_object_row old = { 0 };
	struct key k;
	if (!s3_annotation_get(c, o, name, &old))
		return false;
	s3_body_release(c, b, name, &old);
	s3_key_annotation(&k, o->AnnotationsId, name);
	tx_delete(c->tx, s3_rows(c), key_str(&k));
	o->Annotations = OPT_I64(o->Annotations.v - 1);
	return true;
}

static const unsigned char *
key_of(const struct s3_object_row *a, const unsigned char *own)
{
	return str_is(a->Sse, "aws:kms") ? own : NULL;
}

struct body *
s3_annotation_read(struct call *c, const struct s3_bucket_row *b, const struct s3_object_row *a,
	struct str name, const unsigned char *own)
{
	return s3_body_read(c, b, sealed_for(c, name), a, key_of(a, own), 0, (uint64_t)a->Size.v);
}

/* ---- copies ---- */

struct annotation_walk {
	struct scan scan;
	size_t head; /* of keys, before the name */
};

static void
walk_open(struct call *c, const struct s3_object_row *o, struct annotation_walk *w)
{
	struct key lo, hi;
	s3_key_annotation(&lo, o->AnnotationsId, STR(""));
	w->head = lo.len;
	scan_open(&w->scan, c->tx, s3_rows(c), key_str(&lo), key_after_prefix(&hi, key_str(&lo)),
		false);
}

static bool
walk_next(
	struct call *c, struct annotation_walk *w, struct str *ret_name, struct s3_object_row *ret)
{
	*ret = (struct s3_object_row){ 0 };
	if (!scan_next(&w->scan) || !row_decode(&s3_object_row_shape, w->scan.value, c->arena, ret))
		return false;
	*ret_name = arena_dup(c->arena, str_slice(w->scan.key, w->head, w->scan.key.len));
	return true;
}

/* Blobs are shared, never read: so they stay under the key under which they lie. */
static bool
goes_along(const struct s3_annotated *from, const struct s3_bucket_row *to,
	const struct s3_object_row *a, bool own)
{
	return !a->Segments.p ||
	       (!own && !str_is(a->Sse, "aws:kms") && str_eq(from->b->Region, to->Region));
}

int
s3_annotations_copy_check(struct call *c, const struct s3_annotated *from,
	const struct s3_bucket_row *to, struct str key, const struct s3_object_row *o)
{
	struct annotation_walk w;
	struct s3_object_row a;
	struct str name;
	bool all = true;
	if (s3_access(c, from->b, "s3:GetObjectAnnotation", from->key, from->o) ||
		s3_access(c, to, "s3:PutObjectAnnotation", key, NULL))
		return CALL_FAILED;
	if (o->SseCustomerAlgorithm.p)
		return call_fail(c, &S3_InvalidRequest,
			"Objects encrypted with SSE-C cannot have annotations. Copy with "
			"x-amz-object-annotation-directive: EXCLUDE.");
	walk_open(c, from->o, &w);
	while (all && walk_next(c, &w, &name, &a))
		all = goes_along(from, to, &a, str_is(o->Sse, "aws:kms"));
	scan_done(&w.scan);
	return all ? CALL_OK
		   : call_fail(c, &S3_NotImplemented,
			     "Annotations above 16 KiB can be copied here only within a region and "
			     "between objects under SSE-S3. Copy with "
			     "x-amz-object-annotation-directive: EXCLUDE.");
}

int
s3_annotations_copy(struct call *c, const struct s3_annotated *from, const struct s3_bucket_row *to,
	struct s3_object_row *o, const unsigned char *own)
{
	struct annotation_walk w;
	struct s3_object_row a;
	struct str name;
	bool whole = true;
	id_need(c, o);
	o->Annotations = OPT_I64(0);
	walk_open(c, from->o, &w);
	while (whole && walk_next(c, &w, &name, &a)) {
		struct key k;
		if (a.Segments.p) {
			s3_segments_retain(c, to->Region, a.Segments);
		} else {
			struct body *body = s3_annotation_read(c, from->b, &a, name, from->own);
			whole = body->inline_data.p;
			if (whole)
				text_seal(c, to, name, &a, body->inline_data, own);
		}
		s3_key_annotation(&k, o->AnnotationsId, name);
		s3_row_put(c, &k, &a);
		o->Annotations.v++;
	}
	scan_done(&w.scan);
	return whole ? CALL_OK : call_fail(c, &S3_InternalError, NULL); /* damaged */
}
