/* Point-in-time recovery: its settings, and the log of what was there before each change. */
#include "aws/due.h"
#include "svc/dynamodb/copies.h"
#include "svc/dynamodb/trim.h"


/* ---- keys and records */

void
ddb_log_key(struct key *k, uint64_t table, int64_t at_ms, uint64_t sequence)
{
	key_begin(k);
	key_add_raw(k, STR("L"));
	key_add_u64(k, table);
	key_add_u64(k, (uint64_t)at_ms);
	key_add_u64(k, sequence);
}

static void
tail_key(struct key *k, uint64_t table)
{
	key_begin(k);
	key_add_raw(k, STR("Q"));
	key_add_u64(k, table);
}

static struct ddb_log_tail
tail_get(struct tx *tx, struct rows *r, uint64_t table)
{
	struct key k;
	struct str v;
	struct ddb_log_tail tail = { 0 };
	tail_key(&k, table);
	if (tx_get(tx, r, key_str(&k), &v) && v.len == sizeof(tail))
		memcpy(&tail, v.p, sizeof(tail));
	return tail;
}

static void
tail_put(struct tx *tx, struct rows *r, uint64_t table, const struct ddb_log_tail *tail)
{
	struct key k;
	tail_key(&k, table);
	tx_put(tx, r, key_str(&k), str_of(tail, sizeof(*tail)));
}

bool
ddb_log_read(struct str key, struct str value, struct ddb_log_record *ret)
{
	uint64_t table, at_ms;
	uint32_t len;
	key = str_slice(key, 1, key.len);
	if (!key_take_u64(&key, &table) || !key_take_u64(&key, &at_ms) ||
		!key_take_u64(&key, &ret->sequence) || value.len < sizeof(len))
		return false;
	ret->at_ms = (int64_t)at_ms;
	memcpy(&len, value.p, sizeof(len));
	value = str_slice(value, sizeof(len), value.len);
	if (len > value.len)
		return false;
	ret->item = str_slice(value, 0, len);
	ret->row = value.len > len ? str_slice(value, len, value.len) : STR_NULL;
	return true;
}

static void
trim_later(struct tx *tx, uint64_t table, int64_t due_ms)
{
	due_add(tx, STR("dynamodb.log-trim"), str_of(&table, sizeof(table)), due_ms, STR(""));
}

void
ddb_log_note(struct call *c, const struct ddb_table *t, struct str item, struct str old_row)
{
	struct rows *r = ddb_backup_rows(c->store);
	struct ddb_log_tail tail = tail_get(c->tx, r, t->id);
	struct key k;
	struct buf b = { 0 };
	uint32_t len = (uint32_t)item.len;
	if (!tail.days)
		return;
	tail.last++;
	tail.last_ms = c->now_ms > tail.last_ms ? c->now_ms : tail.last_ms;
	ddb_log_key(&k, t->id, tail.last_ms, tail.last);
	buf_add(&b, &len, sizeof(len));
	buf_add_str(&b, item);
	buf_add_str(&b, old_row);
	tx_put(c->tx, r, key_str(&k), buf_str(&b));
	buf_done(&b);
	if (!tail.armed)
		trim_later(c->tx, t->id, tail.last_ms + tail.days * DDB_DAY_MS);
	tail.armed = 1;
	tail_put(c->tx, r, t->id, &tail);
}

/* ---- trimming: each step is one bounded transaction */

static bool
time_of(struct str key, struct str value, int64_t *ret_ms)
{
	struct ddb_log_record record;
	if (!ddb_log_read(key, value, &record))
		return false;
	*ret_ms = record.at_ms;
	return true;
}

static bool
trim(struct tx *tx, struct rows *r, uint64_t table, int64_t until_ms, int64_t *ret_next_ms)
{
	struct key lo, hi;
	ddb_log_key(&lo, table, 0, 0);
	ddb_log_key(&hi, table, INT64_MAX, UINT64_MAX);
	return ddb_trim(tx, r, &lo, &hi, until_ms, time_of, ret_next_ms);
}

static int
trim_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct rows *r = ddb_backup_rows(arg);
	uint64_t table;
	int64_t next_ms, least_ms = due_ms + DDB_TRIM_PAUSE_MS;
	struct key k;
	(void)payload;
	if (id.len != sizeof(table))
		return 0;
	memcpy(&table, id.p, sizeof(table));
	struct ddb_log_tail tail = tail_get(tx, r, table);
	/* A copy of a moment reads it from there on. */
	if (ddb_is_copied(tx, arg, table)) {
		trim_later(tx, table, due_ms + 1000);
		return 0;
	}
	if (!trim(tx, r, table, tail.days ? due_ms - tail.days * DDB_DAY_MS : INT64_MAX,
		    &next_ms)) {
		trim_later(tx, table, due_ms);
	} else if (!tail.days) {
		tail_key(&k, table);
		tx_delete(tx, r, key_str(&k));
	} else if (next_ms >= 0) {
		next_ms += tail.days * DDB_DAY_MS;
		trim_later(tx, table, next_ms > least_ms ? next_ms : least_ms);
	} else {
		tail.armed = 0;
		tail_put(tx, r, table, &tail);
	}
	return 0;
}

/* Recovery was turned off, or the table is gone; copies that read the log come first. */
static int
close_due(struct tx *tx, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct rows *r = ddb_backup_rows(arg);
	uint64_t table;
	(void)payload;
	if (id.len != sizeof(table))
		return 0;
	memcpy(&table, id.p, sizeof(table));
	if (ddb_is_copied(tx, arg, table)) {
		due_add(tx, STR("dynamodb.log-close"), id, due_ms + 1000, STR(""));
		return 0;
	}
	struct ddb_log_tail tail = tail_get(tx, r, table);
	tail.days = 0;
	tail_put(tx, r, table, &tail);
	trim_later(tx, table, due_ms);
	return 0;
}

void
ddb_log_close(struct call *c, uint64_t table)
{
	due_add(c->tx, STR("dynamodb.log-close"), str_of(&table, sizeof(table)), c->now_ms,
		STR(""));
}

void
ddb_log_register(struct store *s)
{
	due_handle("dynamodb.log-trim", trim_due, s);
	due_handle("dynamodb.log-close", close_due, s);
}

/* ---- settings */

static int64_t
days_of(const struct ddb_table *t)
{
	return t->row.PitrDays.set ? t->row.PitrDays.v : DDB_RECOVERY_DAYS;
}

int64_t
ddb_log_earliest_ms(struct call *c, const struct ddb_table *t)
{
	int64_t kept_ms = c->now_ms - days_of(t) * DDB_DAY_MS;
	return t->row.PitrSince.ms > kept_ms ? t->row.PitrSince.ms : kept_ms;
}

int64_t
ddb_log_latest_ms(struct call *c, const struct ddb_table *t)
{
	(void)t;
	return c->now_ms;
}

static struct dynamodb_continuous_backups_description *
describe(struct call *c, const struct ddb_table *t)
{
	struct dynamodb_continuous_backups_description *d =
		arena_new(c->arena, struct dynamodb_continuous_backups_description);
	struct dynamodb_point_in_time_recovery_description *p =
		arena_new(c->arena, struct dynamodb_point_in_time_recovery_description);
	d->ContinuousBackupsStatus = STR("ENABLED");
	d->PointInTimeRecoveryDescription = p;
	p->PointInTimeRecoveryStatus = t->row.Pitr.v ? STR("ENABLED") : STR("DISABLED");
	if (!t->row.Pitr.v)
		return d;
	p->RecoveryPeriodInDays = OPT_I64(days_of(t));
	p->EarliestRestorableDateTime = OPT_TIME(ddb_log_earliest_ms(c, t));
	p->LatestRestorableDateTime = OPT_TIME(ddb_log_latest_ms(c, t));
	return d;
}

static int
open_table(struct call *c, struct str name, struct ddb_table *t)
{
	if (ddb_table_find(c, name, t))
		return 0;
	return call_fail(
		c, &DYNAMODB_TableNotFoundException, "Table not found: %.*s", STR_FMT(name));
}

int
dynamodb_describe_continuous_backups(struct call *c,
	const struct dynamodb_describe_continuous_backups_in *in,
	struct dynamodb_describe_continuous_backups_out *out)
{
	struct ddb_table t;
	if (open_table(c, in->TableName, &t))
		return CALL_FAILED;
	out->ContinuousBackupsDescription = describe(c, &t);
	return CALL_OK;
}

static void
log_open(struct call *c, const struct ddb_table *t)
{
	struct rows *r = ddb_backup_rows(c->store);
	struct ddb_log_tail tail = tail_get(c->tx, r, t->id);
	tail.days = days_of(t);
	if (tail.armed)
		trim_later(c->tx, t->id, c->now_ms);
	tail_put(c->tx, r, t->id, &tail);
	due_cancel(c->tx, STR("dynamodb.log-close"), str_of(&t->id, sizeof(t->id)));
}

int
dynamodb_update_continuous_backups(struct call *c,
	const struct dynamodb_update_continuous_backups_in *in,
	struct dynamodb_update_continuous_backups_out *out)
{
	struct ddb_table t;
	const struct dynamodb_point_in_time_recovery_specification *s =
		in->PointInTimeRecoverySpecification;
	bool on = s->PointInTimeRecoveryEnabled.v;
	if (open_table(c, in->TableName, &t))
		return CALL_FAILED;
	if (t.row.Status.len)
		return call_fail(c, &DYNAMODB_ContinuousBackupsUnavailableException,
			"Backups are being enabled for the table: %.*s. Please retry later",
			STR_FMT(in->TableName));
	if (!on && s->RecoveryPeriodInDays.set)
		return ddb_fail(c, "RecoveryPeriodInDays can only be set when "
				   "PointInTimeRecoveryEnabled is true");
	if (on && !t.row.Pitr.v)
		t.row.PitrSince = OPT_TIME(c->now_ms);
	if (on)
		t.row.PitrDays = OPT_I64(s->RecoveryPeriodInDays.set ? s->RecoveryPeriodInDays.v
								     : DDB_RECOVERY_DAYS);
	if (!on && t.row.Pitr.v)
		ddb_log_close(c, t.id);
	t.row.Pitr = OPT_BOOL(on);
	ddb_table_save(c, &t);
	if (on)
		log_open(c, &t);
	out->ContinuousBackupsDescription = describe(c, &t);
	return CALL_OK;
}
