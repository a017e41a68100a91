#include "svc/s3/annotations.h"
#include "svc/s3/s3_rig.h"

#define LARGE 20000

static int
annotate(struct rig *r, const char *name, struct str text)
{
	struct s3_put_object_annotation_out out;
	return RIG(r, PutObjectAnnotation, put_object_annotation, &out, .Bucket = STR("bucket"),
		.Key = STR("key"), .AnnotationName = str_c(name),
		.AnnotationPayload = rig_body(r, text));
}

static unsigned
rows_of(struct rig *r, char space)
{
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	struct tx *t = tx_begin_read(r->store);
	key_begin(&lo);
	key_add_raw(&lo, str_of(&space, 1));
	scan_open(&s, t, store_rows(r->store, "s3"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s))
		n++;
	scan_done(&s);
	tx_end(t);
	return n;
}

static struct str
text_of(struct rig *r, const char *key, const char *name)
{
	struct s3_get_object_annotation_out out;
	assert_int_equal(
		RIG(r, GetObjectAnnotation, get_object_annotation, &out, .Bucket = STR("bucket"),
			.Key = str_c(key), .AnnotationName = str_c(name)),
		CALL_OK);
	return rig_text(r, out.AnnotationPayload);
}

static void
begin(struct rig *r)
{
	struct s3_create_bucket_out out;
	rig_open(r);
	assert_int_equal(
		RIG(r, CreateBucket, create_bucket, &out, .Bucket = STR("bucket")), CALL_OK);
	rig_put(r, STR("bucket"), STR("key"), STR("body"));
}

TEST(s3_annotations_name_what_they_hold)
{
	struct rig r;
	begin(&r);
	struct str large = str_of(arena_alloc(&r.arena, LARGE), LARGE);
	assert_int_equal(annotate(&r, "small", STR("text")), CALL_OK);
	assert_int_equal(annotate(&r, "large", large), CALL_OK);
	assert_int_equal(rows_of(&r, 'O'), 2);
	assert_int_equal(rows_of(&r, 'R'), 1);
	assert_int_equal(annotate(&r, "large", STR("no longer")), CALL_OK);
	assert_int_equal(rows_of(&r, 'O'), 2);
	assert_int_equal(rows_of(&r, 'R'), 0);
	assert_true(str_is(text_of(&r, "key", "large"), "no longer"));
	struct s3_delete_object_annotation_out gone;
	assert_int_equal(
		RIG(&r, DeleteObjectAnnotation, delete_object_annotation, &gone,
			.Bucket = STR("bucket"), .Key = STR("key"), .AnnotationName = STR("small")),
		CALL_OK);
	assert_int_equal(rows_of(&r, 'O'), 1);
	rig_close(&r);
}

TEST(s3_annotations_are_sealed)
{
	struct rig r;
	struct s3_object_row row = { 0 };
	begin(&r);
	assert_int_equal(annotate(&r, "n", STR("needle")), CALL_OK);
	struct key lo;
	struct scan s;
	r.c.tx = tx_begin_read(r.store);
	key_begin(&lo);
	key_add_raw(&lo, STR("O"));
	scan_open(&s, r.c.tx, s3_rows(&r.c), key_str(&lo), STR("P"), false);
	assert_true(scan_next(&s));
	assert_true(row_decode(&s3_object_row_shape, s.value, &r.arena, &row));
	assert_true(str_find_str(s.value, STR("needle")) < 0);
	assert_true(str_is(row.Sse, "AES256"));
	scan_done(&s);
	tx_end(r.c.tx);
	rig_close(&r);
}

TEST(s3_annotations_go_along_with_copies)
{
	struct rig r;
	struct s3_copy_object_out out;
	begin(&r);
	struct str large = str_of(arena_alloc(&r.arena, LARGE), LARGE);
	assert_int_equal(annotate(&r, "small", STR("text")), CALL_OK);
	assert_int_equal(annotate(&r, "large", large), CALL_OK);
	assert_int_equal(RIG(&r, CopyObject, copy_object, &out, .Bucket = STR("bucket"),
				 .Key = STR("copy"), .CopySource = STR("bucket/key")),
		CALL_OK);
	assert_int_equal(rows_of(&r, 'O'), 4);
	assert_int_equal(rows_of(&r, 'R'), 1);
	assert_true(str_is(text_of(&r, "copy", "small"), "text"));
	assert_true(str_eq(text_of(&r, "copy", "large"), large));
	assert_int_equal(
		RIG(&r, CopyObject, copy_object, &out, .Bucket = STR("bucket"), .Key = STR("bare"),
			.CopySource = STR("bucket/key"), .AnnotationDirective = STR("EXCLUDE")),
		CALL_OK);
	assert_int_equal(rows_of(&r, 'O'), 4);
	rig_close(&r);
}
