/* What cannot be real here is refused, with the reason. */
#include "svc/s3/access.h"

/* The bucket's own errors come first. */
static int
refuse(struct call *c, struct str bucket, struct str owner, const struct api_error *e,
	const char *why)
{
	struct s3_bucket_row b = { 0 };
	if (s3_config_open(c, bucket, owner, c->op->action, &b))
		return CALL_FAILED;
	return call_fail(c, e, why ? "%s" : NULL, why);
}

#define REFUSED(fn, owner, error, why)                                                             \
	int s3_##fn(struct call *c, const struct s3_##fn##_in *in,                                 \
		struct s3_##fn##_out *out __attribute__((unused)))                                 \
	{                                                                                          \
		return refuse(c, in->Bucket, (owner), &(error), (why));                            \
	}

static const char directory_only[] = "The operation is for directory buckets (S3 Express One "
				     "Zone), which are not available here.";
REFUSED(create_session, STR_NULL, S3_MethodNotAllowed, directory_only)
REFUSED(rename_object, STR_NULL, S3_MethodNotAllowed, directory_only)

/* ---- metadata tables ---- */

static const char no_tables[] = "S3 Metadata writes to table buckets (S3 Tables, Apache Iceberg), "
				"which are not available here.";
REFUSED(create_bucket_metadata_configuration, in->ExpectedBucketOwner, S3_NotImplemented, no_tables)
REFUSED(create_bucket_metadata_table_configuration, in->ExpectedBucketOwner, S3_NotImplemented,
	no_tables)

/* So there is never one. */
#define NONE(fn) REFUSED(fn, in->ExpectedBucketOwner, S3_MetadataConfigurationNotFound, NULL)
NONE(get_bucket_metadata_configuration)
NONE(get_bucket_metadata_table_configuration)
NONE(delete_bucket_metadata_configuration)
NONE(delete_bucket_metadata_table_configuration)
NONE(update_bucket_metadata_annotation_table_configuration)
NONE(update_bucket_metadata_inventory_table_configuration)
NONE(update_bucket_metadata_journal_table_configuration)

/* ---- others ---- */

int
s3_select_object_content(struct call *c,
	const struct s3_select_object_content_in *in __attribute__((unused)),
	struct s3_select_object_content_out *out __attribute__((unused)))
{
	return call_fail(c, &S3_MethodNotAllowed,
		"S3 Select is not available: AWS closed it to new customers in July 2024. Read the "
		"object and query it with a client-side engine.");
}

int
s3_get_object_torrent(struct call *c,
	const struct s3_get_object_torrent_in *in __attribute__((unused)),
	struct s3_get_object_torrent_out *out __attribute__((unused)))
{
	return call_fail(c, &S3_MethodNotAllowed,
		"BitTorrent is not available: AWS removed it from Amazon S3 in 2022.");
}

/* Before the body is read, so the handler is never reached. */
int
s3_write_get_object_response_prepare(struct call *c,
	const struct s3_write_get_object_response_in *in __attribute__((unused)),
	struct s3_write_get_object_response_out *out __attribute__((unused)))
{
	return call_fail(c, &S3_MethodNotAllowed,
		"S3 Object Lambda is not available: AWS closed it to new customers in November "
		"2025. Transform the object where it is read.");
}

int
s3_write_get_object_response(struct call *c, const struct s3_write_get_object_response_in *in,
	struct s3_write_get_object_response_out *out)
{
	return s3_write_get_object_response_prepare(c, in, out);
}
