#include "svc/dynamodb/copies.h"
#include "aws/tasks.h"
#include "svc/dynamodb/tasks.h"

#define PREFIX 9 /* of an item's row key: space and table */
enum { ABSENT, PRESENT };

static struct store *the_store; /* set once at start */

struct rows *
ddb_backup_rows(struct store *s)
{
	return store_rows(s, "dynamodb-backups");
}

static struct rows *
rows_of(const struct call *c)
{
	return ddb_backup_rows(c->store);
}

/* ---- keys and rows */

static void
copy_key(struct key *k, uint64_t id)
{
	key_begin(k);
	key_add_raw(k, STR("Y"));
	key_add_u64(k, id);
}

static void
mark_key(struct key *k, uint64_t table, uint64_t id)
{
	key_begin(k);
	key_add_raw(k, STR("P"));
	key_add_u64(k, table);
	key_add_u64(k, id);
}

void
ddb_copy_item_key(struct key *k, uint64_t copy, struct str item)
{
	key_begin(k);
	key_add_raw(k, STR("B"));
	key_add_u64(k, copy);
	key_add_raw(k, item);
}

bool
ddb_copy_item(struct str value, struct str *ret_row)
{
	if (!value.len || value.p[0] != PRESENT)
		return false;
	*ret_row = str_slice(value, 1, value.len);
	return true;
}

bool
ddb_copy_find(struct call *c, uint64_t id, struct dynamodb_copy_row *ret)
{
	struct key k;
	struct str value;
	copy_key(&k, id);
	memset(ret, 0, sizeof(*ret));
	return tx_get(c->tx, rows_of(c), key_str(&k), &value) &&
	       row_decode(&dynamodb_copy_row_shape, value, c->arena, ret);
}

void
ddb_copy_save(struct call *c, const struct dynamodb_copy_row *copy)
{
	struct key k;
	struct buf b = { 0 };
	copy_key(&k, (uint64_t)copy->Id.v);
	row_encode(&dynamodb_copy_row_shape, copy, &b);
	tx_put(c->tx, rows_of(c), key_str(&k), buf_str(&b));
	buf_done(&b);
}

bool
ddb_is_copied(struct tx *tx, struct store *s, uint64_t table)
{
	struct key lo, hi;
	struct scan scan;
	mark_key(&lo, table, 0);
	mark_key(&hi, table, UINT64_MAX);
	scan_open(&scan, tx, ddb_backup_rows(s), key_str(&lo), key_str(&hi), false);
	bool any = scan_next(&scan);
	scan_done(&scan);
	return any;
}

bool
ddb_copy_keep(struct call *c, uint64_t id, struct str item, struct str row)
{
	struct key k;
	struct str before;
	struct buf b = { 0 };
	ddb_copy_item_key(&k, id, item);
	if (tx_get(c->tx, rows_of(c), key_str(&k), &before))
		return false;
	buf_add_c(&b, row.p ? PRESENT : ABSENT);
	buf_add_str(&b, row);
	tx_put(c->tx, rows_of(c), key_str(&k), buf_str(&b));
	buf_done(&b);
	return true;
}

static void
keep(struct call *c, struct dynamodb_copy_row *copy, struct str item, struct str row)
{
	if (!ddb_copy_keep(c, (uint64_t)copy->Id.v, item, row) || !row.p)
		return;
	copy->Items = OPT_I64(copy->Items.v + 1);
	copy->Bytes = OPT_I64(copy->Bytes.v + ddb_row_size(row));
}

/* ---- begin and end */

static void
step_later(struct tx *tx, uint64_t id, int64_t due_ms)
{
	task_add(tx, "dynamodb.copy", str_of(&id, sizeof(id)), due_ms);
}

void
ddb_copy_hold(struct call *c, struct ddb_table *t, int64_t until_ms, struct dynamodb_copy_row *copy)
{
	struct key k;
	uint64_t id = ddb_next_id(c);
	copy->Id = OPT_I64((int64_t)id);
	copy->Account = c->account;
	copy->Region = c->region;
	copy->Name = t->row.Name;
	copy->TableId = OPT_I64((int64_t)t->id);
	copy->Walking = OPT_BOOL(until_ms == 0);
	if (until_ms)
		copy->Until = OPT_TIME(until_ms);
	ddb_copy_save(c, copy);
	mark_key(&k, t->id, id);
	tx_put(c->tx, rows_of(c), key_str(&k), STR(""));
	int64_t *ids = arena_array(c->arena, int64_t, t->row.Copies.n + 1);
	for (uint32_t i = 0; i < t->row.Copies.n; i++)
		ids[i] = t->row.Copies.v[i];
	ids[t->row.Copies.n++] = (int64_t)id;
	t->row.Copies.v = ids;
	t->row.Copies.set = true;
	ddb_table_save(c, t);
}

void
ddb_copy_begin(
	struct call *c, struct ddb_table *t, int64_t until_ms, struct dynamodb_copy_row *copy)
{
	ddb_copy_hold(c, t, until_ms, copy);
	step_later(c->tx, (uint64_t)copy->Id.v, c->now_ms);
}

void
ddb_copy_release(struct call *c, const struct dynamodb_copy_row *copy)
{
	struct ddb_table t;
	struct key k;
	uint32_t n = 0;
	mark_key(&k, (uint64_t)copy->TableId.v, (uint64_t)copy->Id.v);
	tx_delete(c->tx, rows_of(c), key_str(&k));
	bool there = ddb_table_find(c, copy->Name, &t) && t.id == (uint64_t)copy->TableId.v;
	if (!there) {
		if (!ddb_is_copied(c->tx, c->store, (uint64_t)copy->TableId.v))
			ddb_purge_later(c->tx, (uint64_t)copy->TableId.v, -1, c->now_ms);
		return;
	}
	for (uint32_t i = 0; i < t.row.Copies.n; i++)
		if (t.row.Copies.v[i] != copy->Id.v)
			t.row.Copies.v[n++] = t.row.Copies.v[i];
	t.row.Copies.n = n;
	ddb_table_save(c, &t);
}

static void
finish(struct call *c, struct dynamodb_copy_row *copy)
{
	copy->Done = OPT_BOOL(true);
	copy->Cursor = STR("");
	ddb_copy_save(c, copy);
	ddb_copy_release(c, copy);
	if (copy->Backup.len)
		ddb_backup_done(c, copy);
	else if (copy->Target.len)
		ddb_restore_begin(c, copy);
	else if (copy->Export.len)
		ddb_export_begin(c, copy);
	else
		ddb_copy_drop(c, copy);
}

void
ddb_copy_drop_items(struct call *c, uint64_t id)
{
	task_add(c->tx, "dynamodb.copy-drop", str_of(&id, sizeof(id)), c->now_ms);
}

void
ddb_copy_drop(struct call *c, struct dynamodb_copy_row *copy)
{
	struct key k;
	copy_key(&k, (uint64_t)copy->Id.v);
	tx_delete(c->tx, rows_of(c), key_str(&k));
	ddb_copy_drop_items(c, (uint64_t)copy->Id.v);
}

/* ---- steps */

/* What of the log is after the moment; true: its end was reached. */
static bool
log_step(struct call *c, struct dynamodb_copy_row *copy)
{
	struct key lo, hi;
	struct scan s;
	struct ddb_log_record record;
	uint64_t table = (uint64_t)copy->TableId.v;
	size_t bytes = 0;
	unsigned n = 0;
	bool end = true;
	ddb_log_key(&lo, table, copy->Until.ms + 1, 0);
	ddb_log_key(&hi, table, INT64_MAX, UINT64_MAX);
	if (copy->Cursor.len) {
		key_begin(&lo);
		key_add_raw(&lo, copy->Cursor);
		key_add_raw(&lo, str_of("\0", 1));
	}
	scan_open(&s, c->tx, rows_of(c), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (n++ == DDB_STEP_ROWS || bytes >= DDB_STEP_BYTES) {
			end = false;
			break;
		}
		bytes += s.value.len;
		copy->Cursor = arena_dup(c->arena, s.key);
		if (ddb_log_read(s.key, s.value, &record))
			keep(c, copy, record.item, record.row);
	}
	scan_done(&s);
	return end;
}

static bool
walk_step(struct call *c, struct dynamodb_copy_row *copy)
{
	struct key lo, hi;
	struct scan s;
	size_t bytes = 0;
	unsigned n = 0;
	bool end = true;
	ddb_key_space(&lo, (uint64_t)copy->TableId.v, 0);
	ddb_key_space(&hi, (uint64_t)copy->TableId.v, 1);
	if (copy->Cursor.len) {
		key_add_raw(&lo, copy->Cursor);
		key_add_raw(&lo, str_of("\0", 1));
	}
	scan_open(&s, c->tx, ddb_rows(c), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (n++ == DDB_STEP_ROWS || bytes >= DDB_STEP_BYTES) {
			end = false;
			break;
		}
		struct str item = str_slice(s.key, PREFIX, s.key.len);
		bytes += s.value.len;
		copy->Cursor = arena_dup(c->arena, item);
		keep(c, copy, item, s.value);
	}
	scan_done(&s);
	return end;
}

static int
copy_run(struct tx *tx, const struct task *task, void *arg)
{
	struct arena a;
	struct dynamodb_copy_row copy;
	uint64_t id;
	(void)arg;
	if (task->payload.len != sizeof(id))
		return 0;
	memcpy(&id, task->payload.p, sizeof(id));
	arena_init(&a);
	struct call c = { .arena = &a, .tx = tx, .store = the_store, .now_ms = task->due_ms };
	if (ddb_copy_find(&c, id, &copy) && !copy.Done.v) {
		c.account = copy.Account;
		c.region = copy.Region;
		bool walking = copy.Walking.v;
		if (!(walking ? walk_step(&c, &copy) : log_step(&c, &copy))) {
			ddb_copy_save(&c, &copy);
			step_later(tx, id, task->due_ms);
		} else if (walking) {
			finish(&c, &copy);
		} else {
			copy.Walking = OPT_BOOL(true);
			copy.Cursor = STR("");
			ddb_copy_save(&c, &copy);
			step_later(tx, id, task->due_ms);
		}
	}
	arena_done(&a);
	return 0;
}

static int
drop_run(struct tx *tx, const struct task *task, void *arg)
{
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	uint64_t id;
	(void)arg;
	if (task->payload.len != sizeof(id))
		return 0;
	memcpy(&id, task->payload.p, sizeof(id));
	ddb_copy_item_key(&lo, id, STR(""));
	ddb_copy_item_key(&hi, id + 1, STR(""));
	scan_open(&s, tx, ddb_backup_rows(the_store), key_str(&lo), key_str(&hi), false);
	while (n < DDB_STEP_ROWS && scan_next(&s)) {
		tx_delete(tx, s.rows, s.key);
		n++;
	}
	scan_done(&s);
	if (n == DDB_STEP_ROWS)
		task_add(tx, "dynamodb.copy-drop", task->payload, task->due_ms);
	return 0;
}

/* ---- changes while copies are made */

void
ddb_copies_note(
	struct call *c, const struct ddb_table *t, const struct ddb_val *old, struct str row_key)
{
	struct dynamodb_copy_row copy;
	struct buf b = { 0 };
	struct str item = str_slice(row_key, PREFIX, row_key.len), row = STR_NULL;
	if (!t->row.Pitr.v && !t->row.Copies.n)
		return;
	if (old) {
		ddb_row_write(&b, old, ddb_size(old), ddb_page_size(old, t->key.range));
		row = buf_str(&b);
	}
	/* Copies that still read the log need it even when recovery was turned off meanwhile. */
	ddb_log_note(c, t, item, row);
	for (uint32_t i = 0; i < t->row.Copies.n; i++)
		if (ddb_copy_find(c, (uint64_t)t->row.Copies.v[i], &copy) && copy.Walking.v &&
			str_cmp(item, copy.Cursor) > 0) {
			keep(c, &copy, item, row);
			ddb_copy_save(c, &copy);
		}
	buf_done(&b);
}

static const struct task_kind kinds[] = {
	{ .name = "dynamodb.copy", .concurrency = 1, .run = copy_run },
	{ .name = "dynamodb.copy-drop", .concurrency = 1, .run = drop_run },
};

void
ddb_copies_register(struct store *s, struct blobs *b)
{
	the_store = s;
	ddb_backup_rows(s);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		tasks_register(&kinds[i]);
	ddb_log_register(s);
	ddb_restore_register(s);
	ddb_backups_register(s);
	ddb_exports_register(s, b);
}
