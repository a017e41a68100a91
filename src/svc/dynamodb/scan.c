/* Scan. */
#include "svc/dynamodb/page.h"

#define SLOTS 4096 /* a segment is a run of these parts of the hashes' space */

static int
check_segments(struct call *c, const struct dynamodb_scan_in *in)
{
	if (in->Segment.set && !in->TotalSegments.set)
		return ddb_fail(c, "The TotalSegments parameter is required but was not present in "
				   "the request when Segment "
				   "parameter is present");
	if (!in->TotalSegments.set)
		return 0;
	if (!in->Segment.set)
		return ddb_fail(c, "The Segment parameter is required but was not present in the "
				   "request when parameter "
				   "TotalSegments is present");
	if (in->Segment.v >= in->TotalSegments.v)
		return ddb_fail(c,
			"The Segment parameter is zero-based and must be less than parameter "
			"TotalSegments: "
			"Segment: %lld is not less than TotalSegments: %lld",
			(long long)in->Segment.v, (long long)in->TotalSegments.v);
	return 0;
}

static int
check_start_piece(struct call *c, struct ddb_read *r, struct str name, uint8_t type, bool hash)
{
	if (!ddb_get(&r->start, name))
		return ddb_fail(c, "The provided starting key is invalid");
	return ddb_key_piece_check(c, &r->start, name, type, hash);
}

static int
check_start(struct call *c, const struct dynamodb_scan_in *in, struct ddb_read *r)
{
	if (!r->has_start)
		return 0;
	if (r->start.n != ddb_read_start_n(r))
		return ddb_fail(c, "%s",
			in->IndexName.p ? "The provided starting key is invalid"
					: "The provided starting key is invalid: The provided key "
					  "element does not match the schema");
	if (!r->x)
		return 0;
	const struct ddb_key *k = &r->x->key;
	if (check_start_piece(c, r, k->hash, k->hash_type, true))
		return CALL_FAILED;
	return k->range.p ? check_start_piece(c, r, k->range, k->range_type, false) : 0;
}

static uint64_t
slot_of_segment(int64_t segment, int64_t total)
{
	return (uint64_t)((SLOTS * segment + total - 1) / total);
}

static void
slot_key(struct key *k, const struct ddb_read *r, uint64_t slot)
{
	uint32_t index = r->x ? r->x->id : 0;
	if (slot >= SLOTS) {
		ddb_key_space(k, r->t.id, index + 1);
		return;
	}
	ddb_key_space(k, r->t.id, index);
	key_add_u64(k, slot << 52);
}

static int
set_bounds(
	struct call *c, const struct dynamodb_scan_in *in, struct ddb_page *p, struct ddb_read *r)
{
	struct key start;
	int64_t total = in->TotalSegments.set ? in->TotalSegments.v : 1, segment = in->Segment.v;
	slot_key(&p->lo, r, slot_of_segment(segment, total));
	slot_key(&p->hi, r, slot_of_segment(segment + 1, total));
	if (!r->has_start)
		return 0;
	ddb_item_key(&start, &r->t, r->x, &r->start);
	if (total > 1 && (str_cmp(key_str(&start), key_str(&p->lo)) < 0 ||
				 str_cmp(key_str(&start), key_str(&p->hi)) >= 0))
		return ddb_fail(c,
			"The provided starting key is invalid: Invalid ExclusiveStartKey. Please "
			"use "
			"ExclusiveStartKey with correct Segment. TotalSegments: %lld Segment: %lld",
			(long long)total, (long long)segment);
	key_add_raw(&start, str_of("\0", 1));
	p->lo = start;
	return 0;
}

int
dynamodb_scan(struct call *c, const struct dynamodb_scan_in *in, struct dynamodb_scan_out *out)
{
	struct ddb_read r = { 0 };
	const struct ddb_read_in i = { .table = in->TableName,
		.index = in->IndexName,
		.select = in->Select,
		.projection = in->ProjectionExpression,
		.filter = in->FilterExpression,
		.conditional = in->ConditionalOperator,
		.attributes = &in->AttributesToGet,
		.names = &in->ExpressionAttributeNames,
		.values = in->ExpressionAttributeValues,
		.start = in->ExclusiveStartKey,
		.filters = &in->ScanFilter,
		.filters_name = "ScanFilter",
		.consistent = in->ConsistentRead.v };
	if (ddb_read_parse(c, &i, &r) || check_segments(c, in) ||
		ddb_read_scan_expressions(c, &i, &r) || ddb_read_open(c, &i, &r) ||
		check_start(c, in, &r) || ddb_read_select(c, &i, &r) ||
		(r.has_start && ddb_read_start_table(c, &r)))
		return CALL_FAILED;
	struct ddb_page *p = arena_new(c->arena, struct ddb_page);
	p->t = &r.t;
	p->x = r.x;
	p->consistent = in->ConsistentRead.v;
	p->count_only = str_is(in->Select, "COUNT");
	p->limit = in->Limit.v;
	p->fetch = r.fetch;
	p->paths = r.paths;
	p->filter = r.filters.n
			    ? ddb_tests_node(c, &r.filters, str_is(in->ConditionalOperator, "OR"))
			    : r.filter;
	if (set_bounds(c, in, p, &r) || ddb_paths_check(c, &r.t, &r.paths) ||
		ddb_paths_check(c, &r.t, &r.filter_paths) || ddb_page_run(c, p))
		return CALL_FAILED;
	out->Items = p->items;
	out->Count = OPT_I64(p->count);
	out->ScannedCount = OPT_I64(p->scanned);
	out->LastEvaluatedKey = p->last;
	out->ConsumedCapacity = ddb_consumed(c, in->ReturnConsumedCapacity, &r.t, &p->spent);
	return CALL_OK;
}
