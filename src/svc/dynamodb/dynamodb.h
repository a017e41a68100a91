/*
 * dynamodb: what the files of this service share. Values, items as rows, keys, tables, expressions.
 *
 * Rows, in the environment "dynamodb":
 *   T account region name            a table (row `table` of rows.api)
 *   C table-id index-id              two u64: items, bytes
 *   D table-id index-id hash …       an item, or its projection into an index; index 0: the table
 *   K account region token           a transaction's client token
 *   Z table-id hash …                i64 bytes of an item collection, with local indexes
 *   N                                the next table id
 * Within a table rows lie in order of an 8-byte hash of the partition key (the order of Scan), then
 * by the partition key itself, then by the sort key in its own order.
 *
 * A decoded value borrows its text from where it was decoded (the request, the row); arrays are in
 * the call's arena. Numbers are kept as the bytes of number.h. No state but the token buckets.
 */
#ifndef HANEUL_SVC_DYNAMODB_DYNAMODB_H
#define HANEUL_SVC_DYNAMODB_DYNAMODB_H

#include "aws/errors.h"
#include "base/buf.h"
#include "base/json.h"
#include "svc/dynamodb/dynamodb_api.h"
#include "svc/dynamodb/number.h"

#define DDB_ITEM_MAX (400 * 1024)
#define DDB_PAGE_MAX (1024 * 1024)
#define DDB_HASH_KEY_MAX 2048
#define DDB_RANGE_KEY_MAX 1024
#define DDB_NESTING_MAX 32

enum ddb_type {
	DDB_S,
	DDB_N,
	DDB_B,
	DDB_BOOL,
	DDB_NULL,
	DDB_SS,
	DDB_NS,
	DDB_BS,
	DDB_L,
	DDB_M,
	DDB_TYPES
};
extern const char *const ddb_type_names[DDB_TYPES];
int ddb_type_of(struct str name); /* -1: no such type */

struct ddb_attr;
struct ddb_val {
	uint8_t type;
	bool b;
	uint32_t n; /* of sets, lists, maps */
	union {
		struct str s; /* S: UTF-8; B: bytes; N: number.h */
		struct str *set;
		struct ddb_val *items;
		struct ddb_attr *attrs;
	};
};
struct ddb_attr {
	struct str name;
	struct ddb_val v;
};

/* ---- values (value.c) */
const struct ddb_val *ddb_get(const struct ddb_val *map, struct str name); /* NULL: absent */
bool ddb_equal(const struct ddb_val *x, const struct ddb_val *y);
/* Order of two values of one scalar type. */
int ddb_compare(const struct ddb_val *x, const struct ddb_val *y);
bool ddb_is_scalar(const struct ddb_val *v); /* S, N, B */
/* Replaces or adds; arrays are remade in the arena. */
void ddb_put(struct arena *a, struct ddb_val *map, struct str name, const struct ddb_val *v);
void ddb_drop(struct ddb_val *map, struct str name);
/* Own arrays, down to the leaves; texts stay borrowed. */
struct ddb_val ddb_copy(struct arena *a, const struct ddb_val *v);
/* AWS's formula for the 400 KB limit and for capacity. */
uint32_t ddb_size(const struct ddb_val *item);
/* What an item counts of a page of 1 MB; range: the table's sort key (STR_NULL: none). */
void ddb_sort_set(struct ddb_val *set);
uint32_t ddb_page_size(const struct ddb_val *item, struct str range);

/* ---- values and JSON (value_json.c) */
/* The text of AWS's ValidationException for whatever is wrong. */
int ddb_fail(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts words around the message of the failure just set. Always CALL_FAILED. */
int ddb_fail_wrap(struct call *c, const char *before, const char *after);
int ddb_document_check(struct call *c, const struct shape *s, const struct json *j, bool element);
int ddb_value_read(struct call *c, const struct json *j, struct ddb_val *ret);
int ddb_map_read(struct call *c, const struct json *j, struct ddb_val *ret);
void ddb_scalar_write(
	struct buf *b, int type, struct str s); /* one S, N or B, or element of a set */
void ddb_value_write(struct buf *b, const struct ddb_val *v);
void ddb_map_write(struct buf *b, const struct ddb_val *map); /* an item */
/* A document for an output member. */
struct json *ddb_json(struct call *c, const struct ddb_val *map);
struct json *ddb_json_value(struct call *c, const struct ddb_val *v);
struct json *ddb_json_raw(struct call *c, struct str text);

/* ---- items as rows (item_row.c) */
void ddb_row_write(struct buf *b, const struct ddb_val *item, uint32_t size, uint32_t page);
bool ddb_row_read(struct arena *a, struct str row, struct ddb_val *ret_item);
uint32_t ddb_row_size(struct str row);
uint32_t ddb_row_page(struct str row);
/* The whole item as JSON, without decoding it. */
void ddb_row_json(struct buf *b, struct str row);

/* ---- tables (table_rows.c) */
struct ddb_key {
	struct str hash, range; /* names; range.p NULL: none */
	uint8_t hash_type, range_type;
};
struct ddb_index {
	struct dynamodb_index_row *row;
	struct ddb_key key;
	uint32_t id;
	bool global, all;
};
struct ddb_table {
	struct dynamodb_table_row row;
	struct ddb_key key;
	uint64_t id;
	struct ddb_index *indexes;
	uint32_t indexes_n;
};
struct rows *ddb_rows(const struct call *c);
bool ddb_table_find(struct call *c, struct str name, struct ddb_table *ret);
/* Fails with ResourceNotFoundException; named: its sentence names the table (control plane). */
int ddb_table_open(struct call *c, struct str name, bool named, struct ddb_table *ret);
/* The same, for a change: fails with ResourceInUseException while the table is being filled. */
int ddb_table_change(struct call *c, struct str name, struct ddb_table *ret);
void ddb_table_resolve(struct call *c, struct ddb_table *t); /* after row was filled or changed */
void ddb_table_save(struct call *c, struct ddb_table *t);
void ddb_table_remove(struct call *c, const struct ddb_table *t); /* its row */
struct ddb_index *ddb_index_find(struct ddb_table *t, struct str name);
struct str ddb_table_arn(struct call *c, struct str name);
/* "…:table/NAME/backup/ID" of the own account and region; middle: "/backup/". */
bool ddb_arn_split(struct call *c, struct str arn, struct str middle, struct str *ret_table,
	struct str *ret_id);
struct dynamodb_table_description *ddb_table_describe(struct call *c, struct ddb_table *t);
struct ddb_count {
	uint64_t items, bytes;
};
struct ddb_count ddb_count_get(struct tx *tx, struct rows *r, uint64_t table, uint32_t index);
/* Metered as well. */
void ddb_count_add(
	struct call *c, const struct ddb_table *t, uint32_t index, int64_t items, int64_t bytes);
void ddb_table_key(struct key *k, struct str account, struct str region, struct str name);

/* A table of the caller's own account may be named by its ARN. */
void ddb_plain_name(struct call *c, struct str *name);

/* ---- keys (keys.c) */
/* The row of an item with these key values; index NULL: of the table. The item must have them. */
void ddb_item_key(struct key *k, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item);
void ddb_key_space(struct key *k, uint64_t table, uint32_t index);
void ddb_key_hash(struct key *k, const struct ddb_val *hash);   /* after ddb_key_space */
void ddb_key_range(struct key *k, const struct ddb_val *range); /* after ddb_key_hash */
uint64_t ddb_hash(const struct ddb_val *hash, const struct ddb_val *range);
/* Checks a request's key: exactly the table's attributes, of their types and sizes. */
int ddb_key_check(struct call *c, const struct ddb_table *t, const struct ddb_val *key);
int ddb_key_piece_check(
	struct call *c, const struct ddb_val *key, struct str name, uint8_t type, bool hash);
int ddb_key_size_check(struct call *c, const struct ddb_val *v, bool hash);
/* Checks key attributes of a whole item, those of indexes included. */
int ddb_item_check(struct call *c, const struct ddb_table *t, const struct ddb_val *item);
struct ddb_val ddb_key_of(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item);

/* ---- the one way to change an item (item_write.c): row, indexes, counts. NULL: absent. */
struct ddb_spent;
/* spent: write units are added to it; may be NULL. */
void ddb_item_store(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item, struct ddb_spent *spent);
bool ddb_item_load(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct ddb_val *ret);
bool ddb_item_row(
	struct call *c, const struct ddb_table *t, const struct ddb_val *key, struct str *ret_row);
/* After a change: what came to the collection of the item, or went. Nothing without local indexes.
 */
void ddb_collection_add(
	struct call *c, const struct ddb_table *t, const struct ddb_val *item, int64_t bytes);
void ddb_collection_key(struct key *k, uint64_t table, const struct ddb_val *hash);
/* What of `item` is in the index; false: nothing (sparse). */
bool ddb_project(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item, struct ddb_val *ret);
/* Puts one item's row into one index (back-fill). The bytes that came. */
int64_t ddb_index_put(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_val *item);

/* The service dynamodbstreams reads through this header only. */
#include "svc/dynamodb/stream_log.h"

#endif
