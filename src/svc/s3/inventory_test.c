#include "svc/s3/inventory.h"

#include "svc/s3/s3_rig.h"

static struct str
line_of(struct rig *r, const struct s3_inventory_configuration *k, const struct s3_object_row *o,
	struct str key)
{
	struct s3_bucket_row b = { .Name = STR("bucket"), .Owner = STR(RIG_ACCOUNT) };
	struct s3_inventory_entry e = { &r->c, &b, key, o, true };
	struct buf out = { 0 };
	s3_inventory_line(k, &e, &out);
	struct str text = arena_dup(&r->arena, buf_str(&out));
	buf_done(&out);
	return text;
}

TEST(inventory_lines_have_their_schemas_fields)
{
	struct rig r;
	struct str fields[] = { STR("Size"), STR("StorageClass"), STR("EncryptionStatus"),
		STR("ObjectLockLegalHoldStatus") };
	struct s3_inventory_configuration k = { .IncludedObjectVersions = STR("Current"),
		.OptionalFields = { fields, 4, true } };
	struct s3_object_row o = { .Size = OPT_I64(5),
		.Sse = STR("AES256"),
		.ETag = STR("e"),
		.Owner = STR(RIG_ACCOUNT) };
	rig_open(&r);
	r.c.arena = &r.arena;
	assert_str(s3_inventory_schema(&r.c, &k),
		"Bucket, Key, Size, StorageClass, EncryptionStatus, ObjectLockLegalHoldStatus");
	/* No key can end a field or a line. */
	assert_str(line_of(&r, &k, &o, STR("a\"b,\n/c")),
		"\"bucket\",\"a%22b%2C%0A/c\",\"5\",\"STANDARD\",\"SSE-S3\",\"\"\n");
	k.IncludedObjectVersions = STR("All");
	k.OptionalFields.n = 1;
	o = (struct s3_object_row){ .Marker = OPT_BOOL(true), .VersionId = STR("null") };
	assert_str(s3_inventory_schema(&r.c, &k),
		"Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size");
	assert_str(line_of(&r, &k, &o, STR("k")),
		"\"bucket\",\"k\",\"null\",\"true\",\"true\",\"\"\n");
	rig_close(&r);
}
