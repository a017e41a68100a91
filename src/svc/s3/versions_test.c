#include "svc/s3/s3_rig.h"

/* A random history of one key against a plain list of its versions. */

#define STEPS 400
#define KEPT_MAX 64

struct kept {
	char id[40]; /* "null" or 32 letters */
	char text[16];
	bool marker;
};

struct model {
	struct kept v[KEPT_MAX]; /* newest first */
	unsigned n;
	bool enabled;
};

static void
model_drop(struct model *m, unsigned i)
{
	memmove(&m->v[i], &m->v[i + 1], sizeof(m->v[0]) * (m->n - i - 1));
	m->n--;
}

static void
model_add(struct model *m, struct str id, const char *text, bool marker)
{
	if (!m->enabled)
		for (unsigned i = 0; i < m->n; i++)
			if (strcmp(m->v[i].id, "null") == 0)
				model_drop(m, i--);
	memmove(&m->v[1], &m->v[0], sizeof(m->v[0]) * m->n++);
	memset(&m->v[0], 0, sizeof(m->v[0]));
	memcpy(m->v[0].id, m->enabled ? id.p : "null", m->enabled ? id.len : 4);
	memcpy(m->v[0].text, text, strlen(text));
	m->v[0].marker = marker;
}

static void
listing_check(struct rig *r, const struct model *m)
{
	struct s3_list_object_versions_out out;
	unsigned versions = 0, markers = 0;
	assert_int_equal(
		RIG(r, ListObjectVersions, list_object_versions, &out, .Bucket = STR("bucket")),
		CALL_OK);
	for (unsigned i = 0; i < m->n; i++) {
		struct str id = m->v[i].marker ? out.DeleteMarkers.v[markers].VersionId
					       : out.Versions.v[versions].VersionId;
		bool latest = m->v[i].marker ? out.DeleteMarkers.v[markers].IsLatest.v
					     : out.Versions.v[versions].IsLatest.v;
		*(m->v[i].marker ? &markers : &versions) += 1;
		assert_str(id, m->v[i].id);
		assert_int_equal(latest, i == 0);
	}
	assert_int_equal(versions, out.Versions.n);
	assert_int_equal(markers, out.DeleteMarkers.n);
}

static void
reads_check(struct rig *r, const struct model *m)
{
	struct s3_get_object_out got;
	int result = RIG(r, GetObject, get_object, &got, .Bucket = STR("bucket"), .Key = STR("k"));
	if (!m->n || m->v[0].marker)
		assert_failed(r, result, "NoSuchKey");
	else
		assert_str(rig_text(r, got.Body), m->v[0].text);
	for (unsigned i = 0; i < m->n; i++) {
		result = RIG(r, GetObject, get_object, &got, .Bucket = STR("bucket"),
			.Key = STR("k"), .VersionId = str_c(m->v[i].id));
		if (m->v[i].marker)
			assert_failed(r, result, "MethodNotAllowed");
		else
			assert_str(rig_text(r, got.Body), m->v[i].text);
	}
}

static void
step(struct rig *r, struct model *m, unsigned i)
{
	struct s3_delete_object_out deleted;
	char text[16];
	switch (random_below(8)) {
	case 0:
		m->enabled = !m->enabled;
		rig_versioning(r, STR("bucket"), m->enabled ? STR("Enabled") : STR("Suspended"));
		break;
	case 1:
	case 2:
		assert_int_equal(RIG(r, DeleteObject, delete_object, &deleted,
					 .Bucket = STR("bucket"), .Key = STR("k")),
			CALL_OK);
		assert_true(deleted.DeleteMarker.v);
		model_add(m, deleted.VersionId, "", true);
		break;
	case 3:
	case 4:
		if (!m->n)
			break;
		unsigned at = (unsigned)random_below(m->n);
		assert_int_equal(
			RIG(r, DeleteObject, delete_object, &deleted, .Bucket = STR("bucket"),
				.Key = STR("k"), .VersionId = str_c(m->v[at].id)),
			CALL_OK);
		assert_int_equal(deleted.DeleteMarker.v, m->v[at].marker);
		model_drop(m, at);
		break;
	default:
		if (m->n + 1 >= KEPT_MAX)
			break;
		snprintf(text, sizeof(text), "text %u", i);
		struct str id =
			rig_put(r, STR("bucket"), STR("k"), arena_dup(&r->arena, str_c(text)));
		model_add(m, id, text, false);
	}
}

TEST(s3_versions_follow_a_random_history)
{
	static struct model m;
	struct rig r;
	memset(&m, 0, sizeof(m));
	ids_seed(7);
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	m.enabled = true;
	rig_versioning(&r, STR("bucket"), STR("Enabled"));
	for (unsigned i = 0; i < STEPS; i++) {
		if (i % 3 == 0)
			r.now_ms++;
		step(&r, &m, i);
		listing_check(&r, &m);
		if (i % 8 == 0)
			reads_check(&r, &m);
	}
	rig_close(&r);
	ids_seed(0);
}

TEST(s3_version_pages_go_on_inside_a_key)
{
	struct rig r;
	struct s3_list_object_versions_out page;
	struct buf got = { 0 };
	struct str key = STR_NULL, version = STR_NULL;
	unsigned n = 0;
	rig_open(&r);
	rig_bucket(&r, STR("bucket"));
	rig_put(&r, STR("bucket"), STR("a"), STR("null"));
	rig_versioning(&r, STR("bucket"), STR("Enabled"));
	for (unsigned i = 0; i < 3; i++) {
		rig_put(&r, STR("bucket"), STR("a"), STR("x"));
		rig_put(&r, STR("bucket"), STR("dir/b"), STR("x"));
		rig_put(&r, STR("bucket"), STR("z"), STR("x"));
	}
	do {
		assert_int_equal(
			RIG(&r, ListObjectVersions, list_object_versions, &page,
				.Bucket = STR("bucket"), .MaxKeys = OPT_I64(1), .KeyMarker = key,
				.VersionIdMarker = version, .Delimiter = STR("/")),
			CALL_OK);
		assert_int_equal(page.Versions.n + page.CommonPrefixes.n, 1);
		buf_printf(&got, "%.*s%s ",
			STR_FMT(page.Versions.n ? page.Versions.v[0].Key
						: page.CommonPrefixes.v[0].Prefix),
			page.Versions.n && page.Versions.v[0].IsLatest.v ? "*" : "");
		key = arena_dup(&r.arena, page.NextKeyMarker);
		version = arena_dup(&r.arena, page.NextVersionIdMarker);
	} while (page.IsTruncated.v && ++n < 20);
	assert_str(buf_str(&got), "a* a a a dir/ z* z z ");
	buf_done(&got);
	rig_close(&r);
}
