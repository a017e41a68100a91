#include "svc/kms/kms.h"

struct rows *
kms_rows(struct store *s)
{
	return store_rows(s, "kms");
}

void
kms_key_space(struct key *k, char space, struct str account, struct str region)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
	key_add(k, account);
	key_add(k, region);
}

struct str
kms_arn(struct arena *a, const struct kms_key_row *k)
{
	return arn_format(a, "kms", k->Region, k->Account, arena_concat(a, STR("key/"), k->Id));
}

struct str
kms_alias_arn(struct arena *a, struct str account, struct str region, struct str name)
{
	return arn_format(a, "kms", region, account, name);
}

bool
kms_key_load(
	struct call *c, struct str account, struct str region, struct str id, struct kms_key *ret)
{
	struct key k;
	struct str value;
	memset(ret, 0, sizeof(*ret));
	kms_key_space(&k, 'K', account, region);
	key_add(&k, id);
	if (!key_str(&k).p || !tx_get(c->tx, kms_rows(c->store), key_str(&k), &value) ||
		!row_decode(&kms_key_row_shape, value, c->arena, &ret->row))
		return false;
	ret->arn = kms_arn(c->arena, &ret->row);
	return true;
}

void
kms_key_save(struct call *c, const struct kms_key_row *row)
{
	struct key k;
	struct buf b = { 0 };
	kms_key_space(&k, 'K', row->Account, row->Region);
	key_add(&k, row->Id);
	row_encode(&kms_key_row_shape, row, &b);
	tx_put(c->tx, kms_rows(c->store), key_str(&k), buf_str(&b));
	buf_done(&b);
}

bool
kms_alias_load(struct call *c, struct str account, struct str region, struct str name,
	struct kms_alias_row *ret)
{
	struct key k;
	struct str value;
	memset(ret, 0, sizeof(*ret));
	kms_key_space(&k, 'A', account, region);
	key_add(&k, name);
	return key_str(&k).p && tx_get(c->tx, kms_rows(c->store), key_str(&k), &value) &&
	       row_decode(&kms_alias_row_shape, value, c->arena, ret);
}

void
kms_alias_save(struct call *c, struct str account, struct str region, const struct kms_alias_row *a)
{
	struct key k;
	struct buf b = { 0 };
	kms_key_space(&k, 'A', account, region);
	key_add(&k, a->Name);
	row_encode(&kms_alias_row_shape, a, &b);
	tx_put(c->tx, kms_rows(c->store), key_str(&k), buf_str(&b));
	buf_done(&b);
}

/* ---- pages ---- */

int
kms_page_open(struct call *c, struct str prefix, struct str marker, struct opt_i64 limit,
	uint32_t standard, struct kms_page *ret)
{
	*ret = (struct kms_page){ .c = c, .max = limit.set ? (uint32_t)limit.v : standard };
	struct str start = prefix;
	if (marker.p) {
		struct str last = base64_bytes(c->arena, marker, BASE64_URL);
		if (!last.len || !str_starts(last, prefix))
			return call_fail(
				c, &KMS_InvalidMarkerException, "Could not deserialize marker");
		key_begin(&ret->from);
		key_add_raw(&ret->from, last);
		key_add_raw(&ret->from, str_of("", 1));
		start = key_str(&ret->from);
	}
	scan_open(&ret->scan, c->tx, kms_rows(c->store), start, key_after_prefix(&ret->hi, prefix),
		false);
	return CALL_OK;
}

bool
kms_page_next(struct kms_page *p)
{
	if (!scan_next(&p->scan))
		return false;
	if (p->n == p->max) {
		p->truncated = true;
		scan_done(&p->scan);
		return false;
	}
	p->last = arena_dup(p->c->arena, p->scan.key);
	p->n++;
	return true;
}

void
kms_page_skip(struct kms_page *p)
{
	p->n--;
}

struct str
kms_page_marker(const struct kms_page *p)
{
	return p->truncated ? base64_url_text(p->c->arena, p->last) : STR_NULL;
}
