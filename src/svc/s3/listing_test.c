#include "svc/s3/s3_rig.h"

/* Against a list kept beside it: any prefix, delimiter and page size tells the same. */

static const char *const keys[] = { "a", "a/", "a//d", "a/b", "a/b/c", "a/c", "b", "b!", "b/x/1",
	"b/x/2", "b/y", "c/1", "c/2", "c/3", "d", "zz/zz/zz", "\xc3\xa9/1", "\xed\x95\x9c" };
#define KEYS_N (sizeof(keys) / sizeof(*keys))

static struct str
common_of(struct str prefix, struct str delimiter, struct str key)
{
	long at = delimiter.len ? str_find_str(str_slice(key, prefix.len, key.len), delimiter) : -1;
	return at < 0 ? STR_NULL : str_slice(key, 0, prefix.len + (size_t)at + delimiter.len);
}

static void
expected_make(struct buf *out, struct str prefix, struct str delimiter)
{
	struct str last = STR_NULL;
	for (size_t i = 0; i < KEYS_N; i++) {
		struct str key = str_c(keys[i]);
		if (!str_starts(key, prefix))
			continue;
		struct str common = common_of(prefix, delimiter, key);
		if (common.p && last.p && str_eq(common, last))
			continue;
		if (common.p)
			last = common;
		buf_printf(
			out, "%s%.*s\n", common.p ? "P " : "K ", STR_FMT(common.p ? common : key));
	}
}

static void
page_add(struct buf *got, const struct s3_list_objects_v2_out *page)
{
	/* Both lists of a page are sorted; merged they are the order of the walk. */
	uint32_t i = 0, j = 0;
	while (i < page->Contents.n || j < page->CommonPrefixes.n) {
		bool key = j == page->CommonPrefixes.n ||
			   (i < page->Contents.n && str_cmp(page->Contents.v[i].Key,
							    page->CommonPrefixes.v[j].Prefix) < 0);
		struct str s = key ? page->Contents.v[i++].Key : page->CommonPrefixes.v[j++].Prefix;
		buf_printf(got, "%s%.*s\n", key ? "K " : "P ", STR_FMT(s));
	}
}

static void
pages_check(struct rig *r, struct str prefix, struct str delimiter, int64_t page_size)
{
	struct buf want = { 0 }, got = { 0 };
	struct str token = STR_NULL;
	struct s3_list_objects_v2_out page;
	expected_make(&want, prefix, delimiter);
	do {
		assert_int_equal(
			RIG(r, ListObjectsV2, list_objects_v2, &page, .Bucket = STR("bucket"),
				.Prefix = prefix, .Delimiter = delimiter,
				.MaxKeys = OPT_I64(page_size), .ContinuationToken = token),
			CALL_OK);
		assert_true(page.KeyCount.v <= page_size);
		page_add(&got, &page);
		token = arena_dup(&r->arena, page.NextContinuationToken);
	} while (page.IsTruncated.v);
	unit_assert_str(buf_str(&got), buf_str(&want), __FILE__, __LINE__);
	buf_done(&want);
	buf_done(&got);
}

static void
keys_put(struct rig *r)
{
	rig_bucket(r, STR("bucket"));
	for (size_t i = 0; i < KEYS_N; i++)
		rig_put(r, STR("bucket"), str_c(keys[i]), STR("x"));
}

TEST(s3_listings_of_every_form)
{
	static const char *const prefixes[] = { "", "a", "a/", "b/x/", "c/", "none", "zz/",
		"\xc3" };
	static const char *const delimiters[] = { "", "/", "//", "b", "x/" };
	struct rig r;
	rig_open(&r);
	keys_put(&r);
	for (size_t p = 0; p < sizeof(prefixes) / sizeof(*prefixes); p++)
		for (size_t d = 0; d < sizeof(delimiters) / sizeof(*delimiters); d++)
			for (int64_t size = 1; size <= 4; size++)
				pages_check(&r, str_c(prefixes[p]), str_c(delimiters[d]), size);
	pages_check(&r, STR(""), STR(""), 1000);
	rig_close(&r);
}

TEST(s3_listing_answers_echo_what_was_asked)
{
	struct rig r;
	struct s3_list_objects_v2_out v2;
	struct s3_list_objects_out v1;
	rig_open(&r);
	keys_put(&r);
	assert_int_equal(RIG(&r, ListObjectsV2, list_objects_v2, &v2, .Bucket = STR("bucket"),
				 .EncodingType = STR("url"), .StartAfter = STR("zz/zz"),
				 .Delimiter = STR("/"), .FetchOwner = OPT_BOOL(true)),
		CALL_OK);
	assert_str(v2.StartAfter, "zz/zz");
	assert_str(v2.Prefix, "");
	/* zz/ stands before the key that the page starts after: it was told. */
	assert_int_equal(v2.CommonPrefixes.n, 1);
	assert_str(v2.CommonPrefixes.v[0].Prefix, "%C3%A9/");
	assert_str(v2.Contents.v[0].Key, "%ED%95%9C");
	assert_int_equal(v2.Contents.v[0].Owner->ID.len, 64);
	assert_int_equal(
		RIG(&r, ListObjects, list_objects, &v1, .Bucket = STR("bucket"),
			.MaxKeys = OPT_I64(2), .Marker = STR("a/b"), .Delimiter = STR("/")),
		CALL_OK);
	assert_true(v1.IsTruncated.v);
	assert_str(v1.Contents.v[0].Key, "b");
	assert_str(v1.NextMarker, "b!");
	assert_failed(&r,
		RIG(&r, ListObjects, list_objects, &v1, .Bucket = STR("bucket"),
			.MaxKeys = OPT_I64(-1)),
		"InvalidArgument");
	assert_failed(&r,
		RIG(&r, ListObjects, list_objects, &v1, .Bucket = STR("bucket"),
			.EncodingType = STR("rot13")),
		"InvalidArgument");
	rig_close(&r);
}
