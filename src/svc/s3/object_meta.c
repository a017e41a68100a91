#include "svc/s3/s3.h"

static const char *const storage_classes[] = { "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA",
	"ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE" };

int
s3_key_check(struct call *c, struct str key)
{
	if (!key.len)
		return call_fail(c, &S3_InvalidArgument, "Object key must not be empty");
	if (key.len > S3_KEY_MAX) {
		call_fail(c, &S3_KeyTooLongError, NULL);
		call_fail_field(c, "Size", arena_printf(c->arena, "%zu", key.len));
		return call_fail_field(c, "MaxSizeAllowed", STR("1024"));
	}
	if (!str_utf8_valid(key))
		return call_fail(c, &S3_InvalidURI, NULL);
	return CALL_OK;
}

static int
storage_class_check(struct call *c, struct str name)
{
	if (!name.p)
		return CALL_OK;
	for (size_t i = 0; i < sizeof(storage_classes) / sizeof(*storage_classes); i++)
		if (str_eq(name, str_c(storage_classes[i])))
			return CALL_OK;
	call_fail(c, &S3_InvalidStorageClass, NULL);
	return call_fail_field(c, "StorageClassRequested", name);
}

static int
metadata_check(struct call *c, const struct map_str *map)
{
	const struct map_str_entry *e = map->v;
	size_t bytes = 0;
	for (uint32_t i = 0; i < map->n; i++)
		bytes += e[i].key.len + e[i].value.len;
	if (bytes <= S3_METADATA_MAX)
		return CALL_OK;
	call_fail(c, &S3_MetadataTooLarge, NULL);
	call_fail_field(c, "Size", arena_printf(c->arena, "%zu", bytes));
	return call_fail_field(c, "MaxSizeAllowed", STR("2048"));
}

static int
redirect_check(struct call *c, struct str to)
{
	if (!to.p || str_starts(to, STR("/")) || str_starts(to, STR("http://")) ||
		str_starts(to, STR("https://")))
		return to.len > 2048 ? call_fail(c, &S3_InvalidRedirectLocation,
					       "The length of website redirect location cannot "
					       "exceed 2,048 characters.")
				     : CALL_OK;
	return call_fail(c, &S3_InvalidRedirectLocation,
		"The website redirect location must have a prefix of 'http://' or 'https://' or "
		"'/'.");
}

/* aws-chunked is how the body travelled, not what it is. */
static struct str
encoding_stored(struct call *c, struct str encoding)
{
	struct buf kept = { 0 };
	if (str_find_str(encoding, STR("aws-chunked")) < 0)
		return encoding;
	for (struct str rest = encoding; rest.p;) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (str_eq_nocase(one, STR("aws-chunked")) || !one.len)
			continue;
		if (kept.len)
			buf_add_lit(&kept, ",");
		buf_add_str(&kept, one);
	}
	struct str stored = kept.len ? arena_dup(c->arena, buf_str(&kept)) : STR_NULL;
	buf_done(&kept);
	return stored;
}

static struct map_str
metadata_stored(struct call *c, const struct map_str *map)
{
	struct map_str_entry *to = arena_array(c->arena, struct map_str_entry, map->n);
	const struct map_str_entry *from = map->v;
	for (uint32_t i = 0; i < map->n; i++) {
		char *key = arena_alloc_raw(c->arena, from[i].key.len);
		for (size_t j = 0; j < from[i].key.len; j++) {
			char ch = from[i].key.p[j];
			key[j] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
		}
		to[i].key = str_of(key, from[i].key.len);
		to[i].value = from[i].value;
	}
	return (struct map_str){ to, map->n, map->n > 0 };
}

int
s3_meta_apply(struct call *c, const struct s3_meta_input *m, struct s3_object_row *o)
{
	struct s3_object_row scratch = { 0 };
	if (!o)
		o = &scratch;
	if (storage_class_check(c, m->storage_class) ||
		metadata_check(c, &m->metadata) || redirect_check(c, m->redirect) ||
		(m->tagging.p && s3_tags_parse(c, m->tagging, o)))
		return CALL_FAILED;
	o->CacheControl = m->cache_control;
	o->ContentDisposition = m->content_disposition;
	o->ContentEncoding =
		m->content_encoding.p ? encoding_stored(c, m->content_encoding) : STR_NULL;
	o->ContentLanguage = m->content_language;
	o->ContentType = m->content_type.p && m->content_type.len ? m->content_type
								  : STR("binary/octet-stream");
	o->Expires = m->expires;
	o->RedirectLocation = m->redirect;
	if (m->storage_class.p && !str_is(m->storage_class, "STANDARD"))
		o->StorageClass = m->storage_class;
	if (m->metadata.n)
		o->Metadata = metadata_stored(c, &m->metadata);
	return CALL_OK;
}
