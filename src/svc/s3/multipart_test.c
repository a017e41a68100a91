#include "svc/s3/multipart.h"
#include "svc/s3/s3_rig.h"

static struct str
letters(struct rig *r, size_t size, char seed)
{
	char *p = arena_alloc_raw(&r->arena, size);
	for (size_t i = 0; i < size; i++)
		p[i] = (char)(seed + (char)(i % 13));
	return str_of(p, size);
}

static struct str
upload_begin(struct rig *r, struct str key)
{
	struct s3_create_multipart_upload_out out;
	assert_int_equal(RIG(r, CreateMultipartUpload, create_multipart_upload, &out,
				 .Bucket = STR("bucket"), .Key = key, .ContentType = STR("text/x")),
		CALL_OK);
	assert_int_equal(out.UploadId.len, 32);
	return out.UploadId;
}

static struct s3_completed_part
part_put(struct rig *r, struct str key, struct str upload, int64_t number, struct str data)
{
	struct s3_upload_part_out out;
	assert_int_equal(RIG(r, UploadPart, upload_part, &out, .Bucket = STR("bucket"), .Key = key,
				 .UploadId = upload, .PartNumber = OPT_I64(number),
				 .Body = rig_body_limited(r, data, 0)),
		CALL_OK);
	return (struct s3_completed_part){ .ETag = out.ETag, .PartNumber = OPT_I64(number) };
}

static int
complete(struct rig *r, struct str key, struct str upload, struct s3_completed_part *parts,
	uint32_t n, struct s3_complete_multipart_upload_out *out)
{
	struct s3_completed_multipart_upload list = { .Parts = { parts, n, true } };
	return RIG(r, CompleteMultipartUpload, complete_multipart_upload, out,
		.Bucket = STR("bucket"), .Key = key, .UploadId = upload, .MultipartUpload = &list);
}

static struct str
range_read(struct rig *r, struct str key, uint64_t from, uint64_t len)
{
	struct s3_get_object_out got;
	struct str range = arena_printf(&r->arena, "bytes=%llu-%llu", (unsigned long long)from,
		(unsigned long long)(from + len - 1));
	assert_int_equal(RIG(r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = key,
				 .Range = range),
		CALL_OK);
	return rig_text(r, got.Body);
}

TEST(s3_multipart_from_create_to_read)
{
	struct rig r;
	struct s3_complete_multipart_upload_out done, again;
	struct s3_get_object_out got;
	struct s3_completed_part parts[3];
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	struct str a = letters(&r, S3_PART_MIN, 'a'), b = letters(&r, S3_PART_MIN + 1, 'b'),
		   e = letters(&r, 1, 'e');
	struct str id = upload_begin(&r, STR("k"));
	part_put(&r, STR("k"), id, 2, letters(&r, 9, 'x')); /* replaced */
	part_put(&r, STR("k"), id, 8, letters(&r, 9, 'y')); /* never listed */
	parts[0] = part_put(&r, STR("k"), id, 1, a);
	parts[1] = part_put(&r, STR("k"), id, 2, b);
	parts[2] = part_put(&r, STR("k"), id, 7, e);
	assert_int_equal(complete(&r, STR("k"), id, parts, 3, &done), CALL_OK);
	assert_true(str_ends(done.ETag, STR("-3\"")));
	assert_str(done.Location, "http://127.0.0.1:4566/bucket/k");
	assert_int_equal(complete(&r, STR("k"), id, parts, 3, &again), CALL_OK);
	assert_true(str_eq(done.ETag, again.ETag));

	struct str whole = arena_concat(&r.arena, arena_concat(&r.arena, a, b), e);
	struct digests d;
	struct digest_values v;
	digests_init(&d, DIGEST_CRC64NVME);
	digests_add(&d, whole);
	digests_final(&d, &v);
	assert_true(str_eq(done.ChecksumCRC64NVME, base64_text(&r.arena, str_of(v.crc64nvme, 8))));

	assert_int_equal(
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k")),
		CALL_OK);
	assert_true(str_eq(rig_text(&r, got.Body), whole));
	assert_str(got.ContentType, "text/x");
	for (uint64_t at = S3_PART_MIN - 2; at < S3_PART_MIN + 2; at++)
		assert_true(str_eq(range_read(&r, STR("k"), at, 7), str_slice(whole, at, at + 7)));
	assert_true(str_eq(range_read(&r, STR("k"), whole.len - 3, 3),
		str_slice(whole, whole.len - 3, whole.len)));
	assert_int_equal(RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"),
				 .Key = STR("k"), .PartNumber = OPT_I64(7)),
		CALL_OK);
	assert_int_equal(got.PartsCount.v, 3);
	assert_str(rig_text(&r, got.Body), "e");
	rig_close(&r);
}

TEST(s3_multipart_refuses)
{
	struct rig r;
	struct s3_complete_multipart_upload_out done;
	struct s3_upload_part_out part;
	struct s3_abort_multipart_upload_out aborted;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	struct str id = upload_begin(&r, STR("k"));
	struct s3_completed_part parts[2] = { part_put(&r, STR("k"), id, 1, STR("one")),
		part_put(&r, STR("k"), id, 2, STR("two")) };
	struct s3_completed_part back[2] = { parts[1], parts[0] }, unknown[1] = { parts[0] },
				 wrong[1] = { parts[0] };
	unknown[0].PartNumber = OPT_I64(3);
	wrong[0].ETag = STR("\"00000000000000000000000000000000\"");
	assert_failed(&r, complete(&r, STR("k"), id, parts, 2, &done), "EntityTooSmall");
	assert_failed(&r, complete(&r, STR("k"), id, back, 2, &done), "InvalidPartOrder");
	assert_failed(&r, complete(&r, STR("k"), id, unknown, 1, &done), "InvalidPart");
	assert_failed(&r, complete(&r, STR("k"), id, wrong, 1, &done), "InvalidPart");
	assert_failed(&r, complete(&r, STR("k"), id, parts, 0, &done), "MalformedXML");
	assert_failed(&r, complete(&r, STR("other"), id, parts, 1, &done), "NoSuchUpload");
	assert_failed(&r,
		RIG(&r, UploadPart, upload_part, &part, .Bucket = STR("bucket"), .Key = STR("k"),
			.UploadId = id, .PartNumber = OPT_I64(10001),
			.Body = rig_body(&r, STR("x"))),
		"InvalidArgument");
	assert_int_equal(RIG(&r, AbortMultipartUpload, abort_multipart_upload, &aborted,
				 .Bucket = STR("bucket"), .Key = STR("k"), .UploadId = id),
		CALL_OK);
	assert_failed(&r, complete(&r, STR("k"), id, parts, 1, &done), "NoSuchUpload");
	rig_close(&r);
}

TEST(s3_uploads_and_parts_are_listed_in_pages)
{
	struct rig r;
	struct s3_list_multipart_uploads_out uploads;
	struct s3_list_parts_out listed;
	struct str key = STR_NULL, id = STR_NULL;
	struct buf got = { 0 };
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	struct str first = upload_begin(&r, STR("a"));
	upload_begin(&r, STR("a"));
	upload_begin(&r, STR("b/1"));
	upload_begin(&r, STR("b/2"));
	upload_begin(&r, STR("c"));
	do {
		assert_int_equal(
			RIG(&r, ListMultipartUploads, list_multipart_uploads, &uploads,
				.Bucket = STR("bucket"), .MaxUploads = OPT_I64(1), .KeyMarker = key,
				.UploadIdMarker = id, .Delimiter = STR("/")),
			CALL_OK);
		buf_printf(&got, "%.*s ",
			STR_FMT(uploads.Uploads.n ? uploads.Uploads.v[0].Key
						  : uploads.CommonPrefixes.v[0].Prefix));
		key = arena_dup(&r.arena, uploads.NextKeyMarker);
		id = arena_dup(&r.arena, uploads.NextUploadIdMarker);
	} while (uploads.IsTruncated.v);
	assert_str(buf_str(&got), "a a b/ c ");
	for (int64_t i = 1; i <= 5; i++)
		part_put(&r, STR("a"), first, i * 10, STR("x"));
	assert_int_equal(
		RIG(&r, ListParts, list_parts, &listed, .Bucket = STR("bucket"), .Key = STR("a"),
			.UploadId = first, .MaxParts = OPT_I64(2), .PartNumberMarker = OPT_I64(15)),
		CALL_OK);
	assert_int_equal(listed.Parts.n, 2);
	assert_int_equal(listed.Parts.v[0].PartNumber.v, 20);
	assert_int_equal(listed.NextPartNumberMarker.v, 30);
	assert_true(listed.IsTruncated.v);
	buf_done(&got);
	rig_close(&r);
}

/* How many blobs the rows name. */
static unsigned
blobs_named(struct rig *r)
{
	struct tx *t = tx_begin_read(r->store);
	struct scan s;
	unsigned n = 0;
	scan_open(&s, t, store_rows(r->store, "s3"), STR("R"), STR("S"), false);
	while (scan_next(&s))
		n++;
	tx_end(t);
	return n;
}

TEST(s3_copies_share_blobs_and_deletes_drop_them)
{
	struct rig r;
	struct s3_copy_object_out copied;
	struct s3_delete_object_out deleted;
	struct s3_get_object_out got;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	struct str data = letters(&r, 100000, 'd');
	rig_put(&r, STR("bucket"), STR("src"), data);
	assert_int_equal(RIG(&r, CopyObject, copy_object, &copied, .Bucket = STR("bucket"),
				 .Key = STR("dst"), .CopySource = STR("bucket/src")),
		CALL_OK);
	assert_int_equal(blobs_named(&r), 1);
	assert_int_equal(RIG(&r, DeleteObject, delete_object, &deleted, .Bucket = STR("bucket"),
				 .Key = STR("src")),
		CALL_OK);
	assert_int_equal(blobs_named(&r), 1);
	assert_int_equal(
		RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("dst")),
		CALL_OK);
	assert_true(str_eq(rig_text(&r, got.Body), data));
	/* Another checksum: the bytes are read, the blob is shared all the same. */
	assert_int_equal(RIG(&r, CopyObject, copy_object, &copied, .Bucket = STR("bucket"),
				 .Key = STR("third"), .CopySource = STR("bucket/dst"),
				 .ChecksumAlgorithm = STR("SHA256")),
		CALL_OK);
	assert_non_null(copied.CopyObjectResult->ChecksumSHA256.p);
	assert_int_equal(blobs_named(&r), 1);
	rig_put(&r, STR("bucket"), STR("dst"), STR("small"));
	rig_put(&r, STR("bucket"), STR("third"), STR("small"));
	assert_int_equal(blobs_named(&r), 0);
	assert_failed(&r,
		RIG(&r, CopyObject, copy_object, &copied, .Bucket = STR("bucket"),
			.Key = STR("dst"), .CopySource = STR("bucket/dst")),
		"InvalidRequest");
	assert_failed(&r,
		RIG(&r, CopyObject, copy_object, &copied, .Bucket = STR("bucket"),
			.Key = STR("dst"), .CopySource = STR("nokey")),
		"InvalidArgument");
	assert_failed(&r,
		RIG(&r, CopyObject, copy_object, &copied, .Bucket = STR("bucket"),
			.Key = STR("dst"), .CopySource = STR("bucket/third"),
			.CopySourceIfNoneMatch = STR("*")),
		"PreconditionFailed");
	rig_close(&r);
}

#define TIB (1ull << 40)

struct holes {
	struct rig *r;
	struct str upload;
	uint64_t size;
};

static uint64_t
hole_size(const struct holes *h, unsigned number)
{
	uint64_t each = h->size / S3_PARTS_MAX;
	return number == S3_PARTS_MAX ? h->size - each * (S3_PARTS_MAX - 1) : each;
}

/* Parts as rows alone, all of one blob: what a part of half a gigabyte is to the rows. */
static int
holes_put(struct tx *t, void *arg)
{
	struct holes *h = arg;
	struct call c = {
		.arena = &h->r->arena, .tx = t, .store = h->r->store, .service = &s3_service
	};
	struct s3_bucket_row b = { 0 };
	struct s3_object_row u = { 0 };
	struct body_segment segment = { .id = { { 1 } } };
	assert_true(s3_bucket_find(&c, STR("bucket"), &b));
	assert_int_equal(upload_open(&c, &b, STR("k"), h->upload, &u), CALL_OK);
	for (unsigned n = 1; n <= S3_PARTS_MAX; n++) {
		struct buf value = { 0 };
		struct key k;
		segment.len = hole_size(h, n);
		struct s3_part_row part = { .Number = OPT_I64(n),
			.Size = OPT_I64((int64_t)segment.len),
			.ETag = STR("0123456789abcdef"),
			.Checksum = STR("01234567"),
			.Segments = s3_segments_pack(&c, &segment, 1) };
		s3_segments_retain(&c, b.Region, part.Segments);
		row_encode(&s3_part_row_shape, &part, &value);
		s3_key_part(&k, u.PartsId, n);
		tx_put(t, s3_rows(&c), key_str(&k), buf_str(&value));
		buf_done(&value);
	}
	return 0;
}

static int
holes_complete(struct rig *r, uint64_t size, struct s3_complete_multipart_upload_out *out)
{
	struct s3_create_multipart_upload_out made;
	assert_int_equal(RIG(r, CreateMultipartUpload, create_multipart_upload, &made,
				 .Bucket = STR("bucket"), .Key = STR("k")),
		CALL_OK);
	struct holes h = { r, arena_dup(&r->arena, made.UploadId), size };
	assert_int_equal(store_write(r->store, holes_put, &h), 0);
	struct s3_completed_multipart_upload list = { 0 };
	list.Parts.v = arena_array(&r->arena, struct s3_completed_part, S3_PARTS_MAX);
	for (unsigned n = 1; n <= S3_PARTS_MAX; n++)
		list.Parts.v[list.Parts.n++] = (struct s3_completed_part){ .PartNumber = OPT_I64(n),
			.ETag = STR("30313233343536373839616263646566") };
	list.Parts.set = true;
	return RIG(r, CompleteMultipartUpload, complete_multipart_upload, out,
		.Bucket = STR("bucket"), .Key = STR("k"), .UploadId = h.upload,
		.MultipartUpload = &list);
}

TEST(s3_the_largest_object_has_five_tebibytes)
{
	struct rig r;
	struct s3_complete_multipart_upload_out done;
	struct s3_head_object_out head;
	struct s3_get_object_out got;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	assert_failed(&r, holes_complete(&r, 5 * TIB + 1, &done), "EntityTooLarge");
	assert_int_equal(holes_complete(&r, 5 * TIB, &done), CALL_OK);
	assert_true(str_ends(done.ETag, STR("-10000\"")));
	assert_int_equal(RIG(&r, HeadObject, head_object, &head, .Bucket = STR("bucket"),
				 .Key = STR("k"), .PartNumber = OPT_I64(10000)),
		CALL_OK);
	assert_int_equal(head.PartsCount.v, 10000);
	assert_int_equal(RIG(&r, GetObject, get_object, &got, .Bucket = STR("bucket"),
				 .Key = STR("k"), .Range = STR("bytes=5497558138870-")),
		CALL_OK);
	assert_str(got.ContentRange, "bytes 5497558138870-5497558138879/5497558138880");
	assert_int_equal(got.Body->segments_n, 1);
	assert_int_equal(got.Body->segments[0].len, 10);
	rig_close(&r);
}
