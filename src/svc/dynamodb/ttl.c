/*
 * Time to live: its settings, and the deletions. Each item that has a time is a row of the due-time
 * index; when it comes the item is looked at again, so that a stale row does no harm.
 */
#include "aws/due.h"
#include "base/digest.h"
#include "svc/dynamodb/replicas.h"
#include "svc/dynamodb/stream_log.h"
#include "svc/dynamodb/tasks.h"

#define TOO_OLD_MS (INT64_C(5) * 365 * 86400 * 1000) /* AWS leaves such items alone */

static bool
expiry_of(const struct ddb_table *t, const struct ddb_val *item, int64_t *ret_ms)
{
	int64_t seconds;
	const struct ddb_val *v =
		item && t->row.TtlAttribute.len ? ddb_get(item, t->row.TtlAttribute) : NULL;
	if (!v || v->type != DDB_N || !ddb_number_i64(v->s, &seconds) || seconds < 0 ||
		seconds > INT64_MAX / 1000)
		return false;
	*ret_ms = seconds * 1000;
	return true;
}

void
ddb_ttl_watch(struct call *c, const struct ddb_table *t, const struct ddb_val *old,
	const struct ddb_val *item, struct str row_key)
{
	int64_t due_ms, was_ms;
	unsigned char id[32];
	struct key k;
	bool has = expiry_of(t, item, &due_ms) && due_ms > c->now_ms - TOO_OLD_MS;
	if (!has && !expiry_of(t, old, &was_ms))
		return;
	sha256(row_key, id);
	if (!has) {
		due_cancel(c->tx, STR("dynamodb.ttl"), str_of(id, sizeof(id)));
		return;
	}
	key_begin(&k);
	key_add(&k, c->account);
	key_add(&k, c->region);
	key_add(&k, t->row.Name);
	key_add_u64(&k, t->id);
	key_add_raw(&k, row_key);
	/* The deletion of what has expired already is of now: streams keep records by their time.
	 */
	due_add(c->tx, STR("dynamodb.ttl"), str_of(id, sizeof(id)),
		due_ms > c->now_ms ? due_ms : c->now_ms, key_str(&k));
}

int
ddb_ttl_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	char text[3][300];
	struct str account, region, name, row;
	uint64_t table;
	int64_t at_ms;
	struct arena a;
	struct ddb_table t;
	struct ddb_val item;
	(void)id;
	if (!key_take(&payload, text[0], 300, &account) ||
		!key_take(&payload, text[1], 300, &region) ||
		!key_take(&payload, text[2], 300, &name) || !key_take_u64(&payload, &table))
		return 0;
	arena_init(&a);
	struct call c = { .arena = &a,
		.tx = tx,
		.store = arg,
		.who = { .user_id = STR(DDB_SERVICE_PRINCIPAL) },
		.account = account,
		.region = region,
		.now_ms = due_ms };
	if (ddb_table_find(&c, name, &t) && t.id == table &&
		tx_get(tx, ddb_rows(&c), payload, &row) && ddb_row_read(&a, row, &item) &&
		expiry_of(&t, &item, &at_ms) && at_ms <= due_ms)
		ddb_item_store(&c, &t, &item, NULL, NULL);
	arena_done(&a);
	return 0;
}

int
dynamodb_describe_time_to_live(struct call *c, const struct dynamodb_describe_time_to_live_in *in,
	struct dynamodb_describe_time_to_live_out *out)
{
	struct ddb_table t;
	if (ddb_table_open(c, in->TableName, true, &t))
		return CALL_FAILED;
	out->TimeToLiveDescription = arena_new(c->arena, struct dynamodb_time_to_live_description);
	out->TimeToLiveDescription->TimeToLiveStatus =
		t.row.TtlAttribute.len ? STR("ENABLED") : STR("DISABLED");
	if (t.row.TtlAttribute.len)
		out->TimeToLiveDescription->AttributeName = t.row.TtlAttribute;
	return CALL_OK;
}

int
dynamodb_update_time_to_live(struct call *c, const struct dynamodb_update_time_to_live_in *in,
	struct dynamodb_update_time_to_live_out *out)
{
	struct ddb_table t;
	const struct dynamodb_time_to_live_specification *s = in->TimeToLiveSpecification;
	if (ddb_table_change(c, in->TableName, &t))
		return CALL_FAILED;
	bool on = t.row.TtlAttribute.len > 0;
	if (on && !str_eq(t.row.TtlAttribute, s->AttributeName))
		return ddb_fail(c,
			"TimeToLive is active on a different AttributeName: current AttributeName "
			"is %.*s",
			STR_FMT(t.row.TtlAttribute));
	if (on == s->Enabled.v)
		return ddb_fail(c, "TimeToLive is already %s", on ? "enabled" : "disabled");
	t.row.TtlAttribute = s->Enabled.v ? s->AttributeName : STR("");
	t.row.TtlSince = OPT_TIME(c->now_ms);
	ddb_table_save(c, &t);
	if (s->Enabled.v)
		ddb_backfill_later(c, &t, 0);
	ddb_replicas_follow_ttl(c, &t);
	out->TimeToLiveSpecification = in->TimeToLiveSpecification;
	return CALL_OK;
}
