/* Rows of templates and experiments, and listings of them. */
#include "aws/arn.h"
#include "base/buf.h"
#include "base/text.h"
#include "svc/fis/fis.h"

#define LIST_DEFAULT 100

void
fis_key(struct key *k, struct call *c, char space, struct str id)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
	key_add(k, c->region);
	key_add(k, c->account);
	if (id.p)
		key_add(k, id);
}

bool
fis_get(struct call *c, char space, struct str id, const struct shape *s, void *ret_row)
{
	struct key k;
	struct str bytes;
	if (id.len > 1024)
		return false;
	fis_key(&k, c, space, id);
	return tx_get(c->tx, store_rows(c->store, "fis"), key_str(&k), &bytes) &&
	       row_decode(s, bytes, c->arena, ret_row);
}

void
fis_put(struct call *c, char space, struct str id, const struct shape *s, const void *row)
{
	struct key k;
	struct buf b = { 0 };
	fis_key(&k, c, space, id);
	row_encode(s, row, &b);
	tx_put(c->tx, store_rows(c->store, "fis"), key_str(&k), buf_str(&b));
	buf_done(&b);
}

void
fis_delete(struct call *c, char space, struct str id)
{
	struct key k;
	fis_key(&k, c, space, id);
	tx_delete(c->tx, store_rows(c->store, "fis"), key_str(&k));
}

struct str
fis_arn(struct call *c, const char *type, struct str id)
{
	struct str resource = arena_printf(c->arena, "%s/%.*s", type, STR_FMT(id));
	return arn_format(c->arena, "fis", c->region, c->account, resource);
}

int
fis_unknown(struct call *c, const char *what, struct str id)
{
	return call_fail(
		c, &FIS_ResourceNotFoundException, "%s not found: %.*s", what, STR_FMT(id));
}

void
fis_convert(
	struct call *c, const struct shape *from, const void *in, const struct shape *to, void *ret)
{
	struct buf b = { 0 };
	row_encode(from, in, &b);
	row_decode(to, arena_dup(c->arena, buf_str(&b)), c->arena, ret);
	buf_done(&b);
}

struct fis_template_row *
fis_template_need(struct call *c, struct str id)
{
	struct fis_template_row *row = arena_new(c->arena, struct fis_template_row);
	if (fis_get(c, 'T', id, &fis_template_row_shape, row) && row->Template)
		return row;
	fis_unknown(c, "Experiment template", id);
	return NULL;
}

struct fis_experiment_row *
fis_experiment_need(struct call *c, struct str id)
{
	struct fis_experiment_row *row = arena_new(c->arena, struct fis_experiment_row);
	if (fis_get(c, 'E', id, &fis_experiment_row_shape, row) && row->Experiment)
		return row;
	fis_unknown(c, "Experiment", id);
	return NULL;
}

int
fis_list(struct fis_list *l, const struct opt_i64 *max, struct str token, struct str *ret_token)
{
	struct call *c = l->c;
	struct key lo, hi;
	struct scan s;
	struct str last = STR_NULL;
	uint32_t n = 0;
	fis_key(&lo, c, l->space, STR_NULL);
	size_t skip = lo.len;
	struct str end = key_after_prefix(&hi, key_str(&lo));
	if (token.len) {
		struct str after = base64_bytes(c->arena, token, BASE64_STRICT);
		if (!after.len || after.len > 128)
			return call_fail(
				c, &FIS_ValidationException, "The nextToken is not valid.");
		key_add(&lo, after);
		key_add_raw(&lo, str_of("", 1));
	}
	l->limit = max && max->set ? (uint32_t)max->v : LIST_DEFAULT;
	scan_open(&s, c->tx, store_rows(c->store, "fis"), key_str(&lo), end, false);
	while (scan_next(&s)) {
		struct str rest = str_slice(s.key, skip, s.key.len), id;
		char text[128];
		void *row = arena_alloc(c->arena, l->row->size);
		if (!key_take(&rest, text, sizeof(text), &id) ||
			!row_decode(l->row, s.value, c->arena, row))
			continue;
		if (n == l->limit) {
			*ret_token = base64_text(c->arena, last);
			scan_done(&s);
			break;
		}
		if (!l->each(l, row))
			continue;
		last = arena_dup(c->arena, id);
		n++;
	}
	return CALL_OK;
}
