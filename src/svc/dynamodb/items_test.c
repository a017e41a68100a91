#include "svc/dynamodb/dynamodb_rig.h"

static void
put_many(struct rig *r, int n)
{
	rig_do(r, "CreateTable", RIG_TABLE);
	for (int i = 0; i < n; i++)
		rig_do(r, "PutItem",
			"{'TableName':'tab','Item':{'h':{'S':'%s'},'r':{'N':'%d'},'g':{'S':'g%d'},'"
			"v':{'S':'x'}}}",
			i % 2 ? "odd" : "even", i - 5, i % 3);
}

static const char *
ranges(struct rig *r)
{
	struct str all = STR("");
	struct json *items = json_get_lit(r->out, "Items");
	for (uint32_t i = 0; items && i < items->n; i++) {
		struct str n = json_get_text(json_get_lit(json_at(items, i), "r"), STR("N"));
		all = arena_printf(&r->arena, "%.*s%s%.*s", STR_FMT(all), i ? "," : "", STR_FMT(n));
	}
	return arena_cstr(&r->arena, all);
}

static const struct {
	const char *range, *more, *want;
} queries[] = {
	{ "", "", "-5,-3,-1,1,3,5,7,9,11,13" },
	{ "", ",'ScanIndexForward':false,'Limit':3", "13,11,9" },
	{ " and r = :a", "", "3" },
	{ " and r < :a", "", "-5,-3,-1,1" },
	{ " and r <= :a", "", "-5,-3,-1,1,3" },
	{ " and r > :a", "", "5,7,9,11,13" },
	{ " and r >= :a", "", "3,5,7,9,11,13" },
	{ " and :a < r", "", "5,7,9,11,13" },
	{ " and r between :a and :b", "", "3,5,7" },
	{ "", ",'ExclusiveStartKey':{'h':{'S':'even'},'r':{'N':'7'}}", "9,11,13" },
	{ "", ",'ScanIndexForward':false,'ExclusiveStartKey':{'h':{'S':'even'},'r':{'N':'-1'}}",
		"-3,-5" },
};

TEST(dynamodb_query_walks_a_range)
{
	struct rig r;
	rig_open(&r);
	put_many(&r, 20);
	for (unsigned i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		const char *a = strstr(queries[i].range, ":a") ? ",':a':{'N':'3'}" : "";
		const char *b = strstr(queries[i].range, ":b") ? ",':b':{'N':'7'}" : "";
		rig_do(&r, "Query",
			"{'TableName':'tab','KeyConditionExpression':'h = "
			":h%s','ExpressionAttributeValues':{':h':{'S':'even'}%s%s}%s}",
			queries[i].range, a, b, queries[i].more);
		assert_str(str_c(ranges(&r)), queries[i].want);
	}
	rig_close(&r);
}

TEST(dynamodb_scan_segments_cover_a_table_once)
{
	struct rig r;
	int64_t all = 0, count;
	rig_open(&r);
	put_many(&r, 20);
	for (int i = 0; i < 7; i++) {
		rig_do(&r, "Scan",
			"{'TableName':'tab','Segment':%d,'TotalSegments':7,'Select':'COUNT'}", i);
		assert_true(json_i64(json_get_lit(r.out, "Count"), &count));
		all += count;
	}
	assert_int_equal(all, 20);
	rig_close(&r);
}

TEST(dynamodb_pages_lead_through_a_table)
{
	struct rig r;
	int pages = 0;
	int64_t all = 0, count;
	struct str start = STR("");
	rig_open(&r);
	put_many(&r, 20);
	do {
		rig_do(&r, "Scan", "{'TableName':'tab','IndexName':'gix','Limit':3%.*s}",
			STR_FMT(start));
		assert_true(json_i64(json_get_lit(r.out, "Count"), &count));
		all += count;
		pages++;
		struct json *last = json_get_lit(r.out, "LastEvaluatedKey");
		if (!last)
			break;
		start = arena_printf(&r.arena, ",'ExclusiveStartKey':%.*s",
			STR_FMT(json_to_text(&r.arena, last)));
	} while (pages < 20);
	assert_int_equal(all, 20);
	assert_int_equal(pages, 7);
	rig_close(&r);
}

TEST(dynamodb_indexes_follow_their_table)
{
	struct rig r;
	rig_open(&r);
	put_many(&r, 6);
	rig_do(&r, "UpdateItem",
		"{'TableName':'tab','Key':{'h':{'S':'even'},'r':{'N':'-5'}},'UpdateExpression':'"
		"set g = :g',"
		"'ExpressionAttributeValues':{':g':{'S':'other'}}}");
	rig_do(&r, "Query",
		"{'TableName':'tab','IndexName':'gix','KeyConditionExpression':'g = "
		":g','ExpressionAttributeValues':{':g':{'S':'g0'}}}");
	assert_string_equal(ranges(&r), "-2");
	rig_do(&r, "Query",
		"{'TableName':'tab','IndexName':'gix','KeyConditionExpression':'g = "
		":g','ExpressionAttributeValues':{':g':{'S':'other'}}}");
	assert_string_equal(ranges(&r), "-5");
	assert_null(strstr(rig_body(&r), "'v'"));
	rig_do(&r, "UpdateItem",
		"{'TableName':'tab','Key':{'h':{'S':'even'},'r':{'N':'-5'}},'UpdateExpression':'"
		"remove g'}");
	rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'odd'},'r':{'N':'-2'}}}");
	rig_do(&r, "DescribeTable", "{'TableName':'tab'}");
	assert_non_null(strstr(rig_body(&r), "'ItemCount':5"));
	assert_non_null(strstr(rig_body(&r), "'IndexSizeBytes':"));
	rig_do(&r, "Scan", "{'TableName':'tab','IndexName':'gix','Select':'COUNT'}");
	assert_non_null(strstr(rig_body(&r), "'Count':4"));
	rig_close(&r);
}

TEST(dynamodb_transactions_are_all_or_nothing)
{
	struct rig r;
	rig_open(&r);
	put_many(&r, 2);
	rig_call(&r, "TransactWriteItems",
		"{'TransactItems':[{'Put':{'TableName':'tab','Item':{'h':{'S':'new'},'r':{'N':'1'}}"
		"}},"
		"{'Delete':{'TableName':'tab','Key':{'h':{'S':'even'},'r':{'N':'-5'}},'"
		"ConditionExpression':'attribute_not_exists(h)',"
		"'ReturnValuesOnConditionCheckFailure':'ALL_OLD'}}]}");
	assert_string_equal(rig_message(&r),
		"Transaction cancelled, please refer cancellation reasons for specific reasons "
		"[None, ConditionalCheckFailed]");
	assert_non_null(strstr(rig_body(&r), "{'Code':'None'}"));
	assert_non_null(strstr(rig_body(&r), "'Item':{'h':{'S':'even'}"));
	rig_do(&r, "GetItem", "{'TableName':'tab','Key':{'h':{'S':'new'},'r':{'N':'1'}}}");
	assert_string_equal(rig_body(&r), "{}");
	static const char add[] =
		"{'ClientRequestToken':'%s','TransactItems':[{'Update':{'TableName':'tab','Key':{'"
		"h':{'S':'c'},'r':{'N':'1'}},"
		"'UpdateExpression':'add n :n','ExpressionAttributeValues':{':n':{'N':'%d'}}}}]}";
	rig_do(&r, "TransactWriteItems", add, "tok", 1);
	rig_do(&r, "TransactWriteItems", add, "tok", 1);
	rig_do(&r, "TransactGetItems",
		"{'TransactItems':[{'Get':{'TableName':'tab','Key':{'h':{'S':'c'},'r':{'N':'1'}},'"
		"ProjectionExpression':'n'}}]}");
	assert_string_equal(rig_body(&r), "{'Responses':[{'Item':{'n':{'N':'1'}}}]}");
	rig_call(&r, "TransactWriteItems", add, "tok", 2);
	assert_non_null(strstr(rig_body(&r), "IdempotentParameterMismatchException"));
	clock_advance(10 * 60 * 1000 + 1);
	rig_do(&r, "TransactWriteItems", add, "tok", 2);
	rig_close(&r);
}

TEST(dynamodb_provisioned_tables_throttle_beyond_their_burst)
{
	struct rig r;
	int done = 0;
	rig_open(&r);
	rig_do(&r, "CreateTable",
		"{'TableName':'slow','KeySchema':[{'AttributeName':'h','KeyType':'HASH'}],'"
		"AttributeDefinitions':"
		"[{'AttributeName':'h','AttributeType':'S'}],'ProvisionedThroughput':{'"
		"ReadCapacityUnits':1,'WriteCapacityUnits':1}}");
	while (done < 400 &&
		rig_call(&r, "PutItem", "{'TableName':'slow','Item':{'h':{'S':'k%d'}}}", done) &&
		r.status == 200)
		done++;
	assert_int_equal(done, 300);
	assert_non_null(strstr(rig_body(&r), "ProvisionedThroughputExceededException"));
	rig_do(&r, "GetItem", "{'TableName':'slow','Key':{'h':{'S':'k1'}}}");
	clock_advance(2000);
	rig_do(&r, "PutItem", "{'TableName':'slow','Item':{'h':{'S':'a'}}}");
	rig_do(&r, "PutItem", "{'TableName':'slow','Item':{'h':{'S':'b'}}}");
	rig_call(&r, "PutItem", "{'TableName':'slow','Item':{'h':{'S':'c'}}}");
	assert_int_equal(r.status, 400);
	rig_do(&r, "UpdateTable", "{'TableName':'slow','BillingMode':'PAY_PER_REQUEST'}");
	rig_do(&r, "PutItem", "{'TableName':'slow','Item':{'h':{'S':'c'}}}");
	rig_close(&r);
}

TEST(dynamodb_items_have_limits)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateTable", RIG_TABLE);
	char *big = arena_alloc(&r.arena, 410000);
	memset(big, 'x', 409600 - 1 - 2 - 1 - 1 - 1);
	rig_do(&r, "PutItem",
		"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'1'},'v':{'S':'%.*s'}}}",
		409600 - 6, big);
	rig_call(&r, "PutItem",
		"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'1'},'v':{'S':'x%.*s'}}}",
		409600 - 6, big);
	assert_string_equal(rig_message(&r), "Item size has exceeded the maximum allowed size");
	struct str open = STR(""), close = STR("");
	for (int i = 0; i < 33; i++) {
		open = arena_concat(&r.arena, open, STR("{'L':["));
		close = arena_concat(&r.arena, close, STR("]}"));
		rig_call(&r, "PutItem",
			"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'2'},'v':%.*s%.*s}}",
			STR_FMT(open), STR_FMT(close));
		if (i < 32)
			rig_ok(&r);
	}
	assert_string_equal(rig_message(&r), "Nesting Levels have exceeded supported limits");
	rig_close(&r);
}

/* A key that no row can have must not become a range without a beginning. */
TEST(dynamodb_query_with_an_oversized_sort_key)
{
	struct rig r;
	char big[3001];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	rig_open(&r);
	rig_do(&r, "CreateTable",
		"{'TableName':'tab','KeySchema':[{'AttributeName':'h','KeyType':'HASH'},{"
		"'AttributeName':'r','KeyType':'RANGE'}],'AttributeDefinitions':[{'AttributeName':"
		"'h','AttributeType':'S'},{'AttributeName':'r','AttributeType':'S'}],'BillingMode':"
		"'PAY_PER_REQUEST'}");
	rig_call(&r, "Query",
		"{'TableName':'tab','KeyConditionExpression':'h = :h AND r > :r',"
		"'ExpressionAttributeValues':{':h':{'S':'k'},':r':{'S':'%s%s'}}}",
		big, big);
	assert_string_equal(rig_message(&r),
		"One or more parameter values were invalid: Aggregated size of all range keys has "
		"exceeded the size limit of 1024 bytes");
	rig_close(&r);
}
