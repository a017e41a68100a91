#include "svc/dynamodb/jobs.h"
#include "base/text.h"

void
ddb_job_id(struct key *k, struct str account, struct str region, struct str table, struct str id)
{
	key_begin(k);
	key_add(k, account);
	key_add(k, region);
	key_add(k, table);
	key_add_raw(k, id);
}

static void
row_key(struct key *k, const struct ddb_jobs *j, struct str id)
{
	key_begin(k);
	key_add_raw(k, str_c(j->space));
	key_add_raw(k, id);
}

bool
ddb_job_find(struct call *c, const struct ddb_jobs *j, struct str id, void *ret)
{
	struct key k;
	struct str value;
	row_key(&k, j, id);
	memset(ret, 0, j->size);
	return tx_get(c->tx, ddb_backup_rows(c->store), key_str(&k), &value) &&
	       row_decode(j->shape, value, c->arena, ret);
}

bool
ddb_job_find_arn(struct call *c, const struct ddb_jobs *j, struct str arn, void *ret)
{
	struct str table, id;
	struct key k;
	if (!ddb_arn_split(c, arn, str_c(j->middle), &table, &id))
		return false;
	ddb_job_id(&k, c->account, c->region, table, id);
	return ddb_job_find(c, j, key_str(&k), ret);
}

void
ddb_job_save(struct call *c, const struct ddb_jobs *j, struct str id, const void *row)
{
	struct key k;
	struct buf b = { 0 };
	row_key(&k, j, id);
	row_encode(j->shape, row, &b);
	tx_put(c->tx, ddb_backup_rows(c->store), key_str(&k), buf_str(&b));
	buf_done(&b);
}

int
ddb_job_list_open(struct ddb_job_list *l, struct call *c, const struct ddb_jobs *j,
	struct str table, struct str token)
{
	struct key after;
	struct str name, id;
	l->c = c;
	l->jobs = j;
	key_begin(&l->lo);
	key_add_raw(&l->lo, str_c(j->space));
	key_add(&l->lo, c->account);
	key_add(&l->lo, c->region);
	ddb_plain_name(c, &table);
	if (table.p)
		key_add(&l->lo, table);
	struct str end = key_after_prefix(&l->hi, key_str(&l->lo));
	if (token.p) {
		struct str arn = hex_bytes(c->arena, token);
		if (!arn.p || !ddb_arn_split(c, arn, str_c(j->middle), &name, &id))
			return ddb_fail(c, "Invalid NextToken");
		ddb_job_id(&after, c->account, c->region, name, id);
		row_key(&l->lo, j, key_str(&after));
		key_add_raw(&l->lo, str_of("\0", 1));
	}
	scan_open(&l->s, c->tx, ddb_backup_rows(c->store), key_str(&l->lo), end, false);
	return CALL_OK;
}

bool
ddb_job_list_next(struct ddb_job_list *l, void *ret)
{
	while (scan_next(&l->s)) {
		memset(ret, 0, l->jobs->size);
		if (row_decode(l->jobs->shape, l->s.value, l->c->arena, ret))
			return true;
	}
	return false;
}

struct str
ddb_job_token(struct call *c, struct str arn)
{
	return hex_text(c->arena, arn);
}
