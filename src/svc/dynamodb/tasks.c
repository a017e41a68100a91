#include "svc/dynamodb/tasks.h"
#include "aws/due.h"
#include "aws/tasks.h"

#include <errno.h>

#define PURGE_ROWS 1000
#define FILL_ROWS 500

static struct store *the_store; /* set once at start */

static struct rows *
rows_of_store(void)
{
	return store_rows(the_store, "dynamodb");
}

struct purge {
	uint64_t table;
	int64_t index;
};

void
ddb_purge_later(struct tx *tx, uint64_t table, int index, int64_t now_ms)
{
	struct purge p = { table, index };
	task_add(tx, "dynamodb.purge", str_of(&p, sizeof(p)), now_ms);
}

static int
purge_run(struct tx *tx, const struct task *task, void *arg)
{
	struct purge p;
	struct key lo, hi;
	struct scan s;
	unsigned n = 0;
	struct rows *r = rows_of_store();
	(void)arg;
	if (task->payload.len != sizeof(p))
		return 0;
	memcpy(&p, task->payload.p, sizeof(p));
	static const char *const kinds[] = { "D", "C", "W", "Z" };
	for (unsigned kind = 0; kind < 4; kind++) {
		key_begin(&lo);
		key_begin(&hi);
		key_add_raw(&lo, str_c(kinds[kind]));
		key_add_raw(&hi, str_c(kinds[kind]));
		key_add_u64(&lo, p.table << 16 | (uint64_t)(p.index < 0 ? 0 : p.index));
		key_add_u64(&hi, (p.table << 16 | (uint64_t)(p.index < 0 ? 0xffff : p.index)) + 1);
		scan_open(&s, tx, r, key_str(&lo), key_str(&hi), false);
		while (n < PURGE_ROWS && scan_next(&s)) {
			tx_delete(tx, r, s.key);
			n++;
		}
		scan_done(&s);
	}
	if (n == PURGE_ROWS)
		task_add(tx, "dynamodb.purge", task->payload, task->due_ms);
	return 0;
}

/* ---- filling an index: payload: account, region, table name, index id, the last key done */

void
ddb_backfill_later(struct call *c, const struct ddb_table *t, uint32_t index)
{
	struct key k;
	key_begin(&k);
	key_add(&k, c->account);
	key_add(&k, c->region);
	key_add(&k, t->row.Name);
	key_add_u64(&k, t->id);
	key_add_u64(&k, index);
	task_add(c->tx, "dynamodb.backfill", key_str(&k), c->now_ms);
}

struct fill {
	char text[3][300];
	struct str account, region, name, after;
	uint64_t table, index;
};

static bool
fill_read(struct str payload, struct fill *f)
{
	return key_take(&payload, f->text[0], 300, &f->account) &&
	       key_take(&payload, f->text[1], 300, &f->region) &&
	       key_take(&payload, f->text[2], 300, &f->name) && key_take_u64(&payload, &f->table) &&
	       key_take_u64(&payload, &f->index) && (f->after = payload, true);
}

static void
fill_finish(struct call *c, struct ddb_table *t, struct ddb_index *x)
{
	if (!x)
		return;
	x->row->Status = STR("ACTIVE");
	ddb_table_save(c, t);
}

/* One step: some rows of the table into the index. */
static void
fill_step(struct call *c, struct ddb_table *t, struct ddb_index *x, const struct fill *f,
	const struct task *task)
{
	struct key lo, hi, last;
	struct scan s;
	unsigned n = 0;
	struct ddb_val item;
	ddb_key_space(&lo, t->id, 0);
	ddb_key_space(&hi, t->id, 1);
	if (f->after.len) {
		key_begin(&lo);
		key_add_raw(&lo, f->after);
		key_add_raw(&lo, str_of("\0", 1));
	}
	key_begin(&last);
	scan_open(&s, c->tx, ddb_rows(c), key_str(&lo), key_str(&hi), false);
	while (n < FILL_ROWS && scan_next(&s)) {
		key_begin(&last);
		key_add_raw(&last, s.key);
		if (ddb_row_read(c->arena, s.value, &item) && x)
			ddb_index_put(c, t, x, &item);
		else if (!x)
			ddb_ttl_watch(c, t, NULL, &item, s.key);
		n++;
	}
	scan_done(&s);
	if (n < FILL_ROWS) {
		fill_finish(c, t, x);
		return;
	}
	struct buf b = { 0 };
	buf_add(&b, task->payload.p, task->payload.len - f->after.len);
	buf_add_str(&b, key_str(&last));
	task_add(c->tx, "dynamodb.backfill", buf_str(&b), task->due_ms);
	buf_done(&b);
}

static int
fill_run(struct tx *tx, const struct task *task, void *arg)
{
	struct fill f;
	struct arena a;
	struct ddb_table t;
	(void)arg;
	if (!fill_read(task->payload, &f))
		return 0;
	arena_init(&a);
	struct call c = { .arena = &a,
		.tx = tx,
		.store = the_store,
		.account = f.account,
		.region = f.region,
		.now_ms = task->due_ms };
	bool found = ddb_table_find(&c, f.name, &t) && t.id == f.table;
	if (found && !f.index)
		fill_step(&c, &t, NULL, &f, task);
	if (found)
		for (uint32_t i = 0; i < t.indexes_n; i++)
			if (t.indexes[i].id == f.index)
				fill_step(&c, &t, &t.indexes[i], &f, task);
	arena_done(&a);
	return 0;
}

static const struct task_kind task_kinds[] = {
	{ .name = "dynamodb.purge", .concurrency = 1, .run = purge_run },
	{ .name = "dynamodb.backfill", .concurrency = 1, .run = fill_run },
};

void
ddb_tasks_register(struct store *s)
{
	the_store = s;
	due_handle("dynamodb.token", ddb_token_due, s);
	due_handle("dynamodb.ttl", ddb_ttl_due, s);
	for (unsigned i = 0; i < sizeof(task_kinds) / sizeof(task_kinds[0]); i++)
		tasks_register(&task_kinds[i]);
}
