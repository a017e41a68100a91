/*
 * What changed within a window, from the log: first the window itself (how items were before, and
 * when they changed last), then what came after it (how they were at its end); what did not change
 * since is as it is now. Each step first reads the log to its end, so nothing can change between.
 */
#include "aws/tasks.h"
#include "svc/dynamodb/export.h"

static struct store *the_store; /* set once at start */

struct gather {
	struct call *c;
	struct dynamodb_export_row *row;
	uint64_t old, new, when;
	size_t bytes;
	unsigned n;
};

static bool
is_full(const struct gather *g)
{
	return g->n >= DDB_STEP_ROWS || g->bytes >= DDB_STEP_BYTES;
}

static bool
has(struct gather *g, uint64_t id, struct str item)
{
	struct key k;
	struct str value;
	ddb_copy_item_key(&k, id, item);
	return tx_get(g->c->tx, ddb_backup_rows(the_store), key_str(&k), &value);
}

static void
take(struct gather *g, const struct ddb_log_record *r, int64_t to_ms)
{
	struct key k;
	if (r->at_ms < to_ms) {
		ddb_copy_keep(g->c, g->old, r->item, r->row);
		ddb_copy_item_key(&k, g->when, r->item);
		tx_put(g->c->tx, ddb_backup_rows(the_store), key_str(&k),
			str_of(&r->at_ms, sizeof(r->at_ms)));
	} else if (has(g, g->old, r->item)) {
		ddb_copy_keep(g->c, g->new, r->item, r->row);
	}
}

/* true: the log's end was reached. */
static bool
log_step(struct gather *g)
{
	struct key lo, hi;
	struct scan s;
	struct ddb_log_record record;
	uint64_t table = (uint64_t)g->row->TableId.v;
	bool end = true;
	ddb_log_key(&lo, table, g->row->From.ms, 0);
	ddb_log_key(&hi, table, INT64_MAX, UINT64_MAX);
	if (g->row->LogCursor.len) {
		key_begin(&lo);
		key_add_raw(&lo, g->row->LogCursor);
		key_add_raw(&lo, str_of("\0", 1));
	}
	scan_open(&s, g->c->tx, ddb_backup_rows(the_store), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (is_full(g)) {
			end = false;
			break;
		}
		g->n++;
		g->bytes += s.value.len;
		g->row->LogCursor = arena_dup(g->c->arena, s.key);
		if (ddb_log_read(s.key, s.value, &record))
			take(g, &record, g->row->Description->ExportTime.ms);
	}
	scan_done(&s);
	return end;
}

/* true: every item has both images. */
static bool
now_step(struct gather *g)
{
	struct key lo, hi, k;
	struct scan s;
	struct str row;
	bool end = true;
	ddb_copy_item_key(&lo, g->old, g->row->ItemCursor);
	ddb_copy_item_key(&hi, g->old + 1, STR(""));
	size_t prefix = lo.len - g->row->ItemCursor.len;
	if (g->row->ItemCursor.len)
		key_add_raw(&lo, str_of("\0", 1));
	scan_open(&s, g->c->tx, ddb_backup_rows(the_store), key_str(&lo), key_str(&hi), false);
	while (scan_next(&s)) {
		if (is_full(g)) {
			end = false;
			break;
		}
		struct str item = arena_dup(g->c->arena, str_slice(s.key, prefix, s.key.len));
		g->n++;
		g->row->ItemCursor = item;
		ddb_key_space(&k, (uint64_t)g->row->TableId.v, 0);
		key_add_raw(&k, item);
		bool there = tx_get(g->c->tx, ddb_rows(g->c), key_str(&k), &row);
		g->bytes += there ? row.len : 0;
		ddb_copy_keep(g->c, g->new, item, there ? row : STR_NULL);
	}
	scan_done(&s);
	return end;
}

static void
step(struct call *c, struct str id, struct dynamodb_export_row *row)
{
	struct dynamodb_copy_row copy;
	struct gather g = { .c = c,
		.row = row,
		.old = (uint64_t)row->Copy.v,
		.new = (uint64_t)row->New.v,
		.when = (uint64_t)row->When.v };
	bool done = log_step(&g) && now_step(&g);
	if (done)
		row->LogCursor = row->ItemCursor = STR("");
	ddb_export_save(c, id, row);
	if (!done) {
		ddb_export_gather_later(c, id);
		return;
	}
	if (ddb_copy_find(c, g.old, &copy))
		ddb_copy_release(c, &copy);
	ddb_export_write_later(c, id);
}

static int
gather_run(struct tx *tx, const struct task *task, void *arg)
{
	char text[2][300];
	struct str rest = task->payload, account, region;
	struct arena a;
	struct dynamodb_export_row row;
	(void)arg;
	if (!key_take(&rest, text[0], 300, &account) || !key_take(&rest, text[1], 300, &region))
		return 0;
	arena_init(&a);
	struct call c = { .arena = &a,
		.tx = tx,
		.store = the_store,
		.account = account,
		.region = region,
		.now_ms = task->due_ms };
	if (ddb_export_find(&c, task->payload, &row))
		step(&c, task->payload, &row);
	arena_done(&a);
	return 0;
}

void
ddb_export_gather_later(struct call *c, struct str id)
{
	task_add(c->tx, "dynamodb.export-gather", id, c->now_ms);
}

void
ddb_export_gather_register(struct store *s)
{
	static const struct task_kind kind = {
		.name = "dynamodb.export-gather", .concurrency = 1, .run = gather_run
	};
	the_store = s;
	tasks_register(&kind);
}
