#include "aws/cloud.h"
#include "svc/dynamodb/dynamodb_rig.h"

#define TABLE                                                                                      \
	"{'TableName':'tab','KeySchema':[{'AttributeName':'h','KeyType':'HASH'},{'AttributeName':" \
	"'r','KeyType':'RANGE'}],'AttributeDefinitions':[{'AttributeName':'h','AttributeType':'S'" \
	"},{'AttributeName':'r','AttributeType':'N'},{'AttributeName':'l','AttributeType':'S'}],'" \
	"BillingMode':'PAY_PER_REQUEST','LocalSecondaryIndexes':[{'IndexName':'lix','KeySchema':[" \
	"{'AttributeName':'h','KeyType':'HASH'},{'AttributeName':'l','KeyType':'RANGE'}],'"        \
	"Projection':{'ProjectionType':'ALL'}}]}"

/* The only collection's size; set: made that. */
struct collection {
	struct store *store;
	int64_t bytes, set;
	unsigned n;
};

static int
look(struct tx *t, void *arg)
{
	struct collection *k = arg;
	struct scan s;
	k->n = 0;
	scan_open(&s, t, store_rows(k->store, "dynamodb"), STR("Z"), STR("["), false);
	while (scan_next(&s)) {
		k->n++;
		memcpy(&k->bytes, s.value.p, sizeof(k->bytes));
		if (k->set)
			tx_put(t, s.rows, s.key, str_of(&k->set, sizeof(k->set)));
	}
	scan_done(&s);
	return 0;
}

static int64_t
collection_bytes(struct rig *r, int64_t set)
{
	struct collection k = { .store = cloud_store(r->cloud), .set = set };
	assert_int_equal(store_write(k.store, look, &k), 0);
	assert_true(k.n <= 1);
	return k.n ? k.bytes : 0;
}

#define PUT(r, more)                                                                               \
	"{'TableName':'tab','ReturnItemCollectionMetrics':'SIZE','Item':{'h':{'S':'k'},'r':{'N':'" \
	"%d'}" more "}}",                                                                          \
		(r)

TEST(dynamodb_collections_have_a_size_and_a_limit)
{
	struct rig r;
	rig_open(&r);
	rig_do(&r, "CreateTable", TABLE);
	rig_do(&r, "PutItem", PUT(1, ""));
	assert_int_equal(collection_bytes(&r, 0), 5); /* "h" "k" "r" 1 */
	rig_do(&r, "PutItem", PUT(1, ",'l':{'S':'xyz'}"));
	assert_int_equal(collection_bytes(&r, 0), 18); /* twice: the index has all */
	assert_non_null(strstr(rig_body(&r), "'SizeEstimateRangeGB':[0.0,1.0]"));
	collection_bytes(&r, (INT64_C(7) << 29) + 18);
	rig_do(&r, "PutItem", PUT(2, ""));
	assert_non_null(strstr(rig_body(&r), "'SizeEstimateRangeGB':[3.0,4.0]"));
	collection_bytes(&r, (INT64_C(10) << 30) - 1);
	rig_call(&r, "PutItem", PUT(3, ""));
	assert_string_equal(rig_message(&r), "Collection size exceeded.");
	assert_non_null(strstr(rig_body(&r), "ItemCollectionSizeLimitExceededException"));
	rig_do(&r, "PutItem", PUT(1, "")); /* it shrinks */
	rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'2'}}}");
	rig_do(&r, "PutItem", PUT(3, ""));
	collection_bytes(&r, 10);
	for (int i = 1; i <= 3; i += 2)
		rig_do(&r, "DeleteItem", "{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'%d'}}}",
			i);
	assert_int_equal(collection_bytes(&r, 0), 0);
	rig_close(&r);
}

/* 400 KB are those of an item and of its entries in local indexes together. */
TEST(dynamodb_items_and_their_local_entries_share_a_limit)
{
	struct rig r;
	struct buf big = { 0 };
	rig_open(&r);
	rig_do(&r, "CreateTable", TABLE);
	while (big.len < 210 * 1024)
		buf_add_c(&big, 'x');
	rig_do(&r, "PutItem",
		"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'1'},'v':{'S':'%.*s'}}}",
		STR_FMT(buf_str(&big)));
	rig_call(&r, "UpdateItem",
		"{'TableName':'tab','Key':{'h':{'S':'k'},'r':{'N':'1'}},'UpdateExpression':'SET l = "
		":l','ExpressionAttributeValues':{':l':{'S':'x'}}}");
	assert_string_equal(
		rig_message(&r), "Item size to update has exceeded the maximum allowed size");
	rig_call(&r, "PutItem",
		"{'TableName':'tab','Item':{'h':{'S':'k'},'r':{'N':'2'},'l':{'S':'x'},'v':{'S':'%.*s'}}}",
		STR_FMT(buf_str(&big)));
	assert_string_equal(rig_message(&r), "Item size has exceeded the maximum allowed size");
	buf_done(&big);
	rig_close(&r);
}
