/*
 * row_test_shapes: hand-made shapes for the tests and the fuzzer of rows: one row as an older and
 * as a newer build describe it, and a struct that nests in itself. Include in one .c file of a
 * program.
 */
#ifndef HANEUL_AWS_ROW_TEST_SHAPES_H
#define HANEUL_AWS_ROW_TEST_SHAPES_H

#include "aws/call.h"
#include "base/json.h"

struct tag {
	struct str Key, Value, unknown;
};
struct old_tag {
	struct str Key, unknown;
};
struct tag_list {
	struct tag *v;
	uint32_t n;
	bool set;
};
struct old_tag_list {
	struct old_tag *v;
	uint32_t n;
	bool set;
};
struct row_new {
	struct str Name;
	struct opt_i64 Size;
	struct opt_bool On;
	struct opt_f64 Ratio;
	struct opt_time Created;
	struct tag *Owner;
	struct tag_list Tags;
	struct list_str Names;
	struct list_i64 Counts;
	struct map_str Meta;
	struct list_str Empty;
	struct str unknown;
};
struct row_old {
	struct str Name;
	struct opt_time Created;
	struct old_tag_list Tags;
	struct str unknown;
};
struct tree {
	struct tree *Next;
	struct json *Text;
	struct str unknown;
};

#define PLAIN .min = INT64_MIN, .max = INT64_MAX
#define ROW(type, member, number, of) \
	{ #member, #member, NULL, &of, 0, offsetof(struct type, member), number, LOC_BODY }
#define STRUCT_SHAPE(type)                                                                       \
	static const struct shape type##_shape = { .kind = SHAPE_STRUCT, PLAIN, .name = #type,   \
		.fields = type##_fields, .fields_n = sizeof(type##_fields) / sizeof(struct field), \
		.flags = SHAPE_KEEPS_UNKNOWN, .size = sizeof(struct type) }

static const struct shape str_shape = { .kind = SHAPE_STR, PLAIN };
static const struct shape long_shape = { .kind = SHAPE_LONG, PLAIN };
static const struct shape bool_shape = { .kind = SHAPE_BOOL, PLAIN };
static const struct shape double_shape = { .kind = SHAPE_DOUBLE, PLAIN };
static const struct shape time_shape = { .kind = SHAPE_TIME, PLAIN };
static const struct shape document_shape = { .kind = SHAPE_DOCUMENT, PLAIN };
static const struct field tag_fields[] = { ROW(tag, Key, 1, str_shape),
	ROW(tag, Value, 2, str_shape) };
STRUCT_SHAPE(tag);
static const struct field old_tag_fields[] = { ROW(old_tag, Key, 1, str_shape) };
STRUCT_SHAPE(old_tag);
static const struct shape tags_shape = { .kind = SHAPE_LIST, PLAIN, .value = &tag_shape,
	.size = sizeof(struct tag) };
static const struct shape old_tags_shape = { .kind = SHAPE_LIST, PLAIN, .value = &old_tag_shape,
	.size = sizeof(struct old_tag) };
static const struct shape names_shape = { .kind = SHAPE_LIST, PLAIN, .value = &str_shape,
	.size = sizeof(struct str) };
static const struct shape counts_shape = { .kind = SHAPE_LIST, PLAIN, .value = &long_shape,
	.size = sizeof(int64_t) };
static const struct shape meta_shape = { .kind = SHAPE_MAP, PLAIN, .key = &str_shape,
	.value = &str_shape, .size = sizeof(struct map_str_entry),
	.value_offset = offsetof(struct map_str_entry, value) };
static const struct field row_new_fields[] = {
	ROW(row_new, Name, 1, str_shape),
	ROW(row_new, Size, 2, long_shape),
	ROW(row_new, Ratio, 3, double_shape),
	ROW(row_new, On, 4, bool_shape),
	ROW(row_new, Created, 5, time_shape),
	ROW(row_new, Owner, 6, tag_shape),
	ROW(row_new, Tags, 7, tags_shape),
	ROW(row_new, Names, 8, names_shape),
	ROW(row_new, Counts, 9, counts_shape),
	ROW(row_new, Meta, 1000, meta_shape),
	ROW(row_new, Empty, 11, names_shape),
};
STRUCT_SHAPE(row_new);
static const struct field row_old_fields[] = {
	ROW(row_old, Name, 1, str_shape),
	ROW(row_old, Tags, 7, old_tags_shape),
	ROW(row_old, Created, 5, time_shape),
};
STRUCT_SHAPE(row_old);
static const struct shape tree_shape;
static const struct field tree_fields[] = {
	ROW(tree, Next, 1, tree_shape),
	ROW(tree, Text, 2, document_shape),
};
STRUCT_SHAPE(tree);

#endif
