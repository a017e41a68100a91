/* SELECT: permission, ranges of rows one after the other, pages and their tokens. */
#include "base/digest.h"
#include "base/text.h"
#include "svc/dynamodb/partiql.h"

#define DIGEST_BYTES 16

/* ---- columns */

struct str
ddb_sql_column(struct call *c, const struct ddb_path *p)
{
	uint32_t at = p->n;
	while (at > 0 && !p->v[at - 1].name.p)
		at--;
	struct str name = p->v[at - 1].name;
	for (; at < p->n; at++)
		name = arena_printf(c->arena, "%.*s[%u]", STR_FMT(name), p->v[at].index);
	return name;
}

struct ddb_val
ddb_sql_columns(struct call *c, const struct ddb_paths *paths, const struct ddb_val *item)
{
	struct ddb_val v = { .type = DDB_M,
		.attrs = arena_array(c->arena, struct ddb_attr, paths->n) };
	for (uint32_t i = 0; i < paths->n; i++) {
		const struct ddb_val *one = ddb_resolve_path(item, &paths->v[i]);
		if (one)
			v.attrs[v.n++] =
				(struct ddb_attr){ ddb_sql_column(c, &paths->v[i]), *one };
	}
	return v;
}

/* ---- permission */

static void
add_names(struct str *names, uint32_t *n, const struct ddb_paths *paths)
{
	for (uint32_t i = 0; i < paths->n; i++)
		names[(*n)++] = paths->v[i].v[0].name;
}

/* The partition keys that a statement touches, as items of one attribute. */
static void
touched(struct call *c, struct ddb_table *t, const struct ddb_sql *s,
	const struct ddb_sql_plan *plan, struct ddb_use *u)
{
	const struct ddb_index *x = s->index.p ? ddb_index_find(t, s->index) : NULL;
	struct ddb_val *items = arena_array(c->arena, struct ddb_val, plan->n + 1);
	if (s->kind == DDB_SQL_INSERT)
		items[u->items_n++] = s->item;
	for (uint32_t i = 0; i < plan->n; i++) {
		struct ddb_attr *a = arena_new(c->arena, struct ddb_attr);
		*a = (struct ddb_attr){ x ? x->key.hash : t->key.hash, *plan->v[i].hash };
		items[u->items_n++] = (struct ddb_val){ .type = DDB_M, .n = 1, .attrs = a };
	}
	u->items = items;
}

int
ddb_sql_open(struct call *c, const struct ddb_sql *s, const char *enclosing, struct ddb_table *t)
{
	static const char *const actions[] = { [DDB_SQL_SELECT] = "dynamodb:PartiQLSelect",
		[DDB_SQL_INSERT] = "dynamodb:PartiQLInsert",
		[DDB_SQL_UPDATE] = "dynamodb:PartiQLUpdate",
		[DDB_SQL_DELETE] = "dynamodb:PartiQLDelete",
		[DDB_SQL_EXISTS] = "dynamodb:PartiQLSelect" };
	bool reads = s->kind == DDB_SQL_SELECT || s->kind == DDB_SQL_EXISTS;
	struct ddb_use u = { .action = actions[s->kind], .index = s->index };
	struct ddb_sql_plan plan = { 0 };
	struct str *names = arena_array(c->arena, struct str,
		s->select.n + s->where_paths.n + s->update_paths.n + s->item.n);
	if (ddb_table_find(c, s->table, t)) {
		const struct ddb_index *x = s->index.p ? ddb_index_find(t, s->index) : NULL;
		/* What is wrong with the keys is told to those who may ask, below. */
		if (ddb_sql_plan(c, t, x, s, &plan))
			plan.n = 0;
		touched(c, t, s, &plan, &u);
	}
	add_names(names, &u.attributes_n, &s->select);
	add_names(names, &u.attributes_n, &s->where_paths);
	add_names(names, &u.attributes_n, &s->update_paths);
	for (uint32_t i = 0; i < s->item.n; i++)
		names[u.attributes_n++] = s->item.attrs[i].name;
	u.attributes = names;
	if (reads) {
		u.select = s->select.n ? STR("SPECIFIC_ATTRIBUTES") : STR("ALL_ATTRIBUTES");
		u.full_scan = plan.n ? STR("false") : STR("true");
	}
	if (enclosing)
		u.enclosing = str_c(enclosing);
	return ddb_use_table(c, s->table, &u, t);
}

/* ---- what an index holds */

static int
check_columns(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_sql *s, bool *ret_fetch)
{
	struct str missing = STR("");
	*ret_fetch = false;
	for (uint32_t i = 0; x && i < s->select.n; i++) {
		struct str name = s->select.v[i].v[0].name;
		if (!ddb_projects(t, x, name))
			missing = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(missing),
				missing.len ? ", " : "", STR_FMT(name));
	}
	if (missing.len && x->global)
		return ddb_fail(c,
			"One or more parameter values were invalid: Global secondary index %.*s does "
			"not project [%.*s]",
			STR_FMT(x->row->Name), STR_FMT(missing));
	*ret_fetch = missing.len > 0;
	return 0;
}

static uint32_t
java_hash(struct str s)
{
	uint32_t h = 0;
	for (size_t i = 0; i < s.len; i++)
		h = h * 31 + (unsigned char)s.p[i];
	return h ^ h >> 16;
}

/* AWS lists them as a hash set of its own language does. */
static struct str
listed(struct call *c, const struct str *names, uint32_t n)
{
	struct str s = STR("");
	uint32_t buckets = 16;
	while (n > buckets / 4 * 3)
		buckets *= 2;
	for (uint32_t b = 0; b < buckets; b++)
		for (uint32_t i = 0; i < n; i++)
			if ((java_hash(names[i]) & (buckets - 1)) == b)
				s = arena_printf(c->arena, "%.*s%s%.*s", STR_FMT(s),
					s.len ? ", " : "", STR_FMT(names[i]));
	return s;
}

static int
check_filter(struct call *c, const struct ddb_table *t, const struct ddb_index *x,
	const struct ddb_sql *s, const struct ddb_sql_plan *plan)
{
	struct str *names = arena_array(c->arena, struct str, s->where_paths.n);
	uint32_t n = 0;
	if (!x || !plan->n || plan->branches)
		return 0;
	for (uint32_t i = 0; i < s->where_paths.n; i++) {
		struct str name = s->where_paths.v[i].v[0].name;
		bool known = ddb_projects(t, x, name);
		for (uint32_t k = 0; k < n; k++)
			known = known || str_eq(names[k], name);
		if (!known)
			names[n++] = name;
	}
	if (!n)
		return 0;
	return ddb_fail(c,
		"One or more parameter values were invalid: Secondary index %.*s does not project one "
		"or more filter attributes: [%.*s]",
		STR_FMT(x->row->Name), STR_FMT(listed(c, names, n)));
}

/* ---- ORDER BY */

static int
check_order(struct call *c, const struct ddb_key *k, const struct ddb_sql *s,
	const struct ddb_sql_plan *plan, bool *ret_reverse)
{
	bool hash = false, several = false;
	*ret_reverse = false;
	if (!s->order_n)
		return 0;
	if (!plan->n)
		return ddb_fail(c,
			"Must have at least one non-optional hash key condition in WHERE "
			"clause when using ORDER BY clause.");
	for (unsigned i = 0; i < s->order_n; i++) {
		bool is_hash = str_eq(s->order[i].name, k->hash);
		if (!is_hash && !(k->range.p && str_eq(s->order[i].name, k->range)))
			return ddb_fail(c,
				"Variable reference %.*s in ORDER BY clause must be part of the primary "
				"key",
				STR_FMT(s->order[i].name));
		hash = hash || is_hash;
		if (!is_hash || !k->range.p)
			*ret_reverse = s->order[i].down;
	}
	for (uint32_t i = 1; i < plan->n; i++)
		several = several || !ddb_equal(plan->v[i].hash, plan->v[0].hash);
	if (several && !hash)
		return ddb_fail(c,
			"Must have hash key in ORDER BY clause when more than one hash key "
			"condition specified in WHERE clause.");
	return 0;
}

static void
sort_reads(
	const struct ddb_key *k, const struct ddb_sql *s, struct ddb_sql_plan *plan, bool reverse)
{
	bool hash_down = false;
	for (unsigned i = 0; i < s->order_n; i++)
		if (str_eq(s->order[i].name, k->hash))
			hash_down = s->order[i].down;
	for (uint32_t i = 1; s->order_n && i < plan->n; i++) {
		struct ddb_sql_read one = plan->v[i];
		uint32_t at = i;
		for (; at > 0; at--) {
			int by_hash = ddb_compare(one.hash, plan->v[at - 1].hash);
			int by_range = str_cmp(one.lo, plan->v[at - 1].lo);
			int r = by_hash ? (hash_down ? -by_hash : by_hash)
					: (reverse ? -by_range : by_range);
			if (r >= 0)
				break;
			plan->v[at] = plan->v[at - 1];
		}
		plan->v[at] = one;
	}
}

/* ---- tokens: a digest of the request, the read, and the key after which to go on (may be
 * empty) */

static void
request_digest(const struct ddb_sql *s, const struct ddb_sql_page *p, unsigned char ret[32])
{
	struct buf b = { 0 };
	buf_add_str(&b, p->text);
	buf_add_c(&b, '\0');
	for (uint32_t i = 0; i < s->params_n; i++)
		ddb_value_write(&b, &s->params[i]);
	sha256(buf_str(&b), ret);
	buf_done(&b);
}

static struct str
token_write(struct call *c, const unsigned char *digest, uint32_t read, const struct ddb_val *key)
{
	struct buf b = { 0 }, text = { 0 };
	buf_add(&b, digest, DIGEST_BYTES);
	buf_add(&b, &read, sizeof(read));
	if (key)
		ddb_row_write(&b, key, 0, 0);
	base64_add(&text, buf_str(&b));
	struct str s = arena_dup(c->arena, buf_str(&text));
	buf_done(&b);
	buf_done(&text);
	return s;
}

static int
token_read(struct call *c, const struct ddb_sql_page *p, const unsigned char *digest,
	uint32_t reads, uint32_t *ret_read, struct ddb_val *ret_key)
{
	const size_t head = DIGEST_BYTES + sizeof(*ret_read);
	*ret_key = (struct ddb_val){ .type = DDB_M };
	*ret_read = 0;
	if (!p->token.p)
		return 0;
	struct str bytes = base64_bytes(c->arena, p->token, BASE64_STRICT);
	if (!bytes.p || bytes.len < head)
		return ddb_fail(c, "Invalid NextToken");
	if (memcmp(bytes.p, digest, DIGEST_BYTES) != 0)
		return ddb_fail(c, "NextToken does not match request");
	memcpy(ret_read, bytes.p + DIGEST_BYTES, sizeof(*ret_read));
	struct str row = str_slice(bytes, head, bytes.len);
	if (*ret_read >= reads || (row.len && !ddb_row_read(c->arena, row, ret_key)))
		return ddb_fail(c, "Invalid NextToken");
	return 0;
}

static bool
has_piece(const struct ddb_val *key, struct str name, uint8_t type, size_t max)
{
	const struct ddb_val *v = name.p ? ddb_get(key, name) : NULL;
	return !name.p || (v && v->type == type && v->s.len && v->s.len <= max);
}

static bool
has_key(const struct ddb_val *key, const struct ddb_key *k)
{
	return has_piece(key, k->hash, k->hash_type, DDB_HASH_KEY_MAX) &&
	       has_piece(key, k->range, k->range_type, DDB_RANGE_KEY_MAX);
}

/* Goes on behind the token's key, which must be one of the table and lie within the read. */
static int
go_on(struct call *c, struct ddb_page *pg, const struct ddb_val *key)
{
	struct key at;
	if (!key->n)
		return 0;
	if (!has_key(key, &pg->t->key) || (pg->x && !has_key(key, &pg->x->key)))
		return ddb_fail(c, "Invalid NextToken");
	ddb_item_key(&at, pg->t, pg->x, key);
	if (at.overflow || str_cmp(key_str(&at), key_str(&pg->lo)) < 0 ||
		str_cmp(key_str(&at), key_str(&pg->hi)) >= 0)
		return ddb_fail(c, "Invalid NextToken");
	if (pg->reverse) {
		ddb_key_copy(&pg->hi, &at);
	} else {
		key_add_raw(&at, str_of("\0", 1));
		ddb_key_copy(&pg->lo, &at);
	}
	return 0;
}

/* ---- pages */

static void
append(struct call *c, struct list_document *to, const struct list_document *from)
{
	struct json **v = arena_array(c->arena, struct json *, to->n + from->n);
	if (to->n)
		memcpy(v, to->v, sizeof(struct json *) * to->n);
	if (from->n)
		memcpy(v + to->n, from->v, sizeof(struct json *) * from->n);
	to->v = v;
	to->n += from->n;
	to->set = true;
}

static void
set_bounds(struct ddb_page *pg, const struct ddb_sql_plan *plan, uint32_t i)
{
	if (!plan->n) {
		uint32_t index = pg->x ? pg->x->id : 0;
		ddb_key_space(&pg->lo, pg->t->id, index);
		ddb_key_space(&pg->hi, pg->t->id, index + 1);
		return;
	}
	key_begin(&pg->lo);
	key_add_raw(&pg->lo, plan->v[i].lo);
	key_begin(&pg->hi);
	key_add_raw(&pg->hi, plan->v[i].hi);
}

static void
spend(struct ddb_spent *to, const struct ddb_spent *one)
{
	to->table += one->table;
	for (unsigned i = 0; i < 32; i++)
		to->indexes[i] += one->indexes[i];
}

static int
run(struct call *c, struct ddb_sql_page *p, struct ddb_page *pg, const struct ddb_sql_plan *plan,
	const unsigned char *digest)
{
	struct ddb_val after, last;
	uint32_t reads = plan->n ? plan->n : 1, i;
	int64_t scanned = 0;
	uint64_t bytes = 0;
	if (token_read(c, p, digest, reads, &i, &after))
		return CALL_FAILED;
	p->items.set = true;
	for (; i < reads; i++) {
		if ((p->limit && scanned >= p->limit) || bytes >= DDB_PAGE_MAX) {
			p->next = token_write(c, digest, i, NULL);
			break;
		}
		set_bounds(pg, plan, i);
		if (go_on(c, pg, &after))
			return CALL_FAILED;
		after.n = 0;
		pg->limit = p->limit ? p->limit - scanned : 0;
		pg->scanned = pg->count = 0;
		pg->last = NULL;
		pg->spent = (struct ddb_spent){ 0 };
		if (ddb_page_run(c, pg))
			return CALL_FAILED;
		append(c, &p->items, &pg->items);
		spend(&p->spent, &pg->spent);
		scanned += pg->scanned;
		bytes += pg->bytes;
		if (!pg->last)
			continue;
		p->last = pg->last;
		struct json *j = json_parse(c->arena, pg->last->text, 0, NULL);
		if (j && !ddb_map_read(c, j, &last))
			p->next = token_write(c, digest, i, &last);
		break;
	}
	return CALL_OK;
}

int
ddb_sql_select(struct call *c, const struct ddb_sql *s, struct ddb_sql_page *p)
{
	struct ddb_sql_plan plan;
	struct ddb_index *x = NULL;
	unsigned char digest[32];
	bool fetch, reverse;
	if (ddb_sql_open(c, s, NULL, &p->t))
		return CALL_FAILED;
	if (s->index.p && !(x = ddb_index_find(&p->t, s->index)))
		return ddb_fail(c, "The table does not have the specified index");
	if (x && x->global && p->consistent)
		return ddb_fail(
			c, "Strongly consistent read is not supported on Global Secondary Indexes");
	if (x && str_is(x->row->Status, "CREATING"))
		return ddb_fail(c, "Cannot read from backfilling global secondary index: %.*s",
			STR_FMT(s->index));
	if (ddb_sql_plan(c, &p->t, x, s, &plan) || ddb_paths_check(c, &p->t, &s->select) ||
		ddb_paths_check(c, &p->t, &s->where_paths) ||
		check_columns(c, &p->t, x, s, &fetch) || check_filter(c, &p->t, x, s, &plan) ||
		check_order(c, x ? &x->key : &p->t.key, s, &plan, &reverse))
		return CALL_FAILED;
	sort_reads(x ? &x->key : &p->t.key, s, &plan, reverse);
	struct ddb_page *pg = arena_new(c->arena, struct ddb_page);
	pg->t = &p->t;
	pg->x = x;
	pg->reverse = reverse;
	pg->consistent = p->consistent;
	pg->fetch = fetch;
	pg->filter = s->where;
	pg->paths = s->select;
	pg->project = ddb_sql_columns;
	request_digest(s, p, digest);
	return run(c, p, pg, &plan, digest);
}

/* ---- one item */

int
ddb_sql_get(struct call *c, const struct ddb_sql *s, const char *what, bool consistent,
	struct ddb_table *t, struct ddb_spent *spent, struct json **ret_item)
{
	struct ddb_val key, item;
	struct ddb_node *rest;
	struct str twice;
	struct ddb_sql_plan plan;
	*ret_item = NULL;
	if (ddb_sql_key(c, t, s->where, true, &key, &rest, &twice) != DDB_KEY_WHOLE || rest ||
		s->index.p) {
		if (!s->index.p && ddb_sql_plan(c, t, NULL, s, &plan))
			return CALL_FAILED;
		return ddb_fail(c,
			"Select statements within %s must specify the primary key in the where "
			"clause.",
			what);
	}
	if (ddb_key_check(c, t, &key))
		return CALL_FAILED;
	bool found = ddb_item_load(c, t, &key, &item);
	spent->table += ddb_read_units(found ? ddb_size(&item) : 1, consistent);
	if (!found)
		return CALL_OK;
	if (s->select.n)
		item = ddb_sql_columns(c, &s->select, &item);
	*ret_item = ddb_json(c, &item);
	return CALL_OK;
}
