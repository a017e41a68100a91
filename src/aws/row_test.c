#include "aws/row_test_shapes.h"
#include "base/buf.h"
#include "unit.h"

static void
decode(const struct shape *s, const struct buf *b, struct arena *a, void *ret_row)
{
	assert_true(row_decode(s, buf_str(b), a, ret_row));
}

static struct row_new
sample(void)
{
	static struct tag tags[] = { { .Key = { "a", 1 }, .Value = { "1", 1 } },
		{ .Key = { "b", 1 } } };
	static struct str names[] = { { "x", 1 }, { NULL, 0 }, { "", 0 } };
	static int64_t counts[] = { 0, -1, INT64_MIN, INT64_MAX };
	static struct map_str_entry meta[] = { { { "k", 1 }, { "v", 1 } } };
	static struct tag owner = { .Key = { "owner", 5 } };
	return (struct row_new){
		.Name = STR("bucket"),
		.Size = OPT_I64(-5),
		.On = OPT_BOOL(false),
		.Ratio = OPT_F64(-0.25),
		.Created = OPT_TIME(1700000000123),
		.Owner = &owner,
		.Tags = { tags, 2, true },
		.Names = { names, 3, true },
		.Counts = { counts, 4, true },
		.Meta = { meta, 1, true },
		.Empty = { NULL, 0, true },
	};
}

TEST(row_round_trip)
{
	struct arena a;
	struct buf b = { 0 };
	struct row_new in = sample(), out;
	arena_init(&a);
	row_encode(&row_new_shape, &in, &b);
	decode(&row_new_shape, &b, &a, &out);
	assert_str(out.Name, "bucket");
	assert_true(out.Size.set && out.Size.v == -5);
	assert_true(out.On.set && !out.On.v);
	assert_true(out.Ratio.set && out.Ratio.v == -0.25);
	assert_true(out.Created.set && out.Created.ms == 1700000000123);
	assert_str(out.Owner->Key, "owner");
	assert_null(out.Owner->Value.p);
	assert_int_equal(out.Tags.n, 2);
	assert_str(out.Tags.v[0].Value, "1");
	assert_null(out.Tags.v[1].Value.p);
	assert_int_equal(out.Names.n, 3);
	assert_null(out.Names.v[1].p);
	assert_non_null(out.Names.v[2].p);
	assert_int_equal(out.Names.v[2].len, 0);
	assert_true(out.Counts.v[2] == INT64_MIN && out.Counts.v[3] == INT64_MAX);
	assert_str(out.Meta.v[0].key, "k");
	assert_str(out.Meta.v[0].value, "v");
	assert_true(out.Empty.set && out.Empty.n == 0);
	assert_null(out.unknown.p);
	/* Text is borrowed from the row. */
	assert_true(out.Name.p >= b.p && out.Name.p < b.p + b.len);
	buf_done(&b);
	arena_done(&a);
}

TEST(row_absent_members_take_no_byte)
{
	struct buf b = { 0 };
	struct arena a;
	struct row_new in = { 0 }, out;
	arena_init(&a);
	row_encode(&row_new_shape, &in, &b);
	assert_int_equal(b.len, 0);
	decode(&row_new_shape, &b, &a, &out);
	assert_memory_equal(&in, &out, sizeof(in));
	in.Name = STR("");
	row_encode(&row_new_shape, &in, &b);
	assert_int_equal(b.len, 2);
	decode(&row_new_shape, &b, &a, &out);
	assert_non_null(out.Name.p);
	buf_done(&b);
	arena_done(&a);
}

TEST(row_old_build_keeps_what_it_does_not_know)
{
	struct arena a;
	struct buf first = { 0 }, second = { 0 };
	struct row_new in = sample(), out;
	struct row_old old;
	arena_init(&a);
	row_encode(&row_new_shape, &in, &first);
	decode(&row_old_shape, &first, &a, &old);
	assert_str(old.Name, "bucket");
	assert_true(old.unknown.len > 0);
	old.Name = STR("renamed");
	row_encode(&row_old_shape, &old, &second);
	decode(&row_new_shape, &second, &a, &out);
	assert_str(out.Name, "renamed");
	assert_true(out.Size.v == -5 && out.Ratio.v == -0.25);
	assert_str(out.Tags.v[0].Key, "a");
	assert_str(out.Tags.v[0].Value, "1"); /* unknown inside a nested struct, too */
	buf_done(&first);
	buf_done(&second);
	arena_done(&a);
}

TEST(row_new_build_reads_old_rows)
{
	struct arena a;
	struct buf b = { 0 };
	struct row_old old = { .Name = STR("n"), .Created = OPT_TIME(7) };
	struct row_new out;
	arena_init(&a);
	row_encode(&row_old_shape, &old, &b);
	decode(&row_new_shape, &b, &a, &out);
	assert_str(out.Name, "n");
	assert_true(out.Created.set && out.Created.ms == 7);
	assert_false(out.Size.set);
	assert_null(out.Owner);
	buf_done(&b);
	arena_done(&a);
}

TEST(row_damage_is_refused)
{
	struct arena a;
	struct buf b = { 0 };
	struct row_new in = sample(), out;
	arena_init(&a);
	row_encode(&row_new_shape, &in, &b);
	for (size_t cut = 1; cut < b.len; cut++)
		(void)row_decode(&row_new_shape, str_of(b.p, cut), &a, &out);
	static const struct str bad[] = {
		{ "\x0a", 1 },                 /* a length is missing */
		{ "\x0a\x05" "ab", 4 },        /* shorter than it says */
		{ "\x08\x01", 2 },             /* a number where text belongs */
		{ "\x00\x01", 2 },             /* number 0 */
		{ "\x0f\x01", 2 },             /* no such form */
		{ "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11 }, /* more than 64 bits */
		{ "\x19\x01\x02", 3 },         /* half a double */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(row_decode(&row_new_shape, bad[i], &a, &out));
	buf_done(&b);
	arena_done(&a);
}

TEST(row_depth_is_bounded)
{
	struct arena a;
	struct buf b = { 0 };
	struct tree chain[100] = { 0 }, out;
	arena_init(&a);
	for (size_t i = 0; i + 1 < 100; i++)
		chain[i].Next = &chain[i + 1];
	row_encode(&tree_shape, &chain[60], &b);
	assert_true(row_decode(&tree_shape, buf_str(&b), &a, &out));
	buf_clear(&b);
	row_encode(&tree_shape, &chain[0], &b);
	assert_false(row_decode(&tree_shape, buf_str(&b), &a, &out));
	buf_done(&b);
	arena_done(&a);
}

TEST(row_documents_stay_trees)
{
	struct arena a;
	struct buf b = { 0 };
	struct tree in = { 0 }, out;
	arena_init(&a);
	in.Text = json_parse(&a, STR("{\"S\":[1,\"x\"]}"), 0, NULL);
	row_encode(&tree_shape, &in, &b);
	assert_true(row_decode(&tree_shape, buf_str(&b), &a, &out));
	assert_str(json_text(json_at(json_get_lit(out.Text, "S"), 1)), "x");
	buf_done(&b);
	arena_done(&a);
}
