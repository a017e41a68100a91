/* Rows of resources, and the kinds that there are. */
#include "svc/ec2/resource.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "plane/plane.h"

#define ID_MAX 128

/* The linker's; weak, because a program without nouns has no such section. */
extern const struct ec2_kind *const __start_ec2_kinds[] __attribute__((weak)),
	*const __stop_ec2_kinds[] __attribute__((weak));

const struct ec2_kind *
ec2_kind_of(struct str id)
{
	for (const struct ec2_kind *const *k = __start_ec2_kinds; k < __stop_ec2_kinds; k++)
		if (str_starts(id, str_c((*k)->prefix)))
			return *k;
	return NULL;
}

void
ec2_inner_call(
	struct call *ret, struct tx *t, struct arena *a, struct str region, struct str account)
{
	*ret = (struct call){ .arena = a,
		.tx = t,
		.store = tx_store(t),
		.service = service_find(STR("ec2")),
		.region = region,
		.account = account,
		.now_ms = clock_now_ms(),
		.protocol = PROTO_EC2 };
	ret->who = (struct principal){ .account = account,
		.root = true,
		.arn = arena_printf(a, "arn:aws:iam::%.*s:root", STR_FMT(account)) };
}

static void
kind_key(struct key *k, struct call *c, const struct ec2_kind *kind)
{
	key_begin(k);
	key_add_raw(k, STR("R"));
	key_add(k, str_c(kind->type));
	key_add(k, c->region);
	key_add(k, c->account);
}

static void
row_key(struct key *k, struct call *c, const struct ec2_kind *kind, struct str id)
{
	kind_key(k, c, kind);
	key_add(k, id);
}

struct str
ec2_new_id(struct call *c, const struct ec2_kind *k)
{
	return call_id_hex(c, k->prefix, 17);
}

void
ec2_put(struct call *c, const struct ec2_kind *k, struct str id, const void *row)
{
	struct key key;
	struct buf b = { 0 };
	row_key(&key, c, k, id);
	row_encode(k->row, row, &b);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&key), buf_str(&b));
	buf_done(&b);
}

static void *
decode(struct call *c, const struct ec2_kind *k, struct str bytes)
{
	void *row = arena_alloc(c->arena, k->row->size);
	return row_decode(k->row, bytes, c->arena, row) && ec2_item(k, row) ? row : NULL;
}

void *
ec2_get(struct call *c, const struct ec2_kind *k, struct str id)
{
	struct key key;
	struct str bytes;
	if (!id.len || id.len > ID_MAX)
		return NULL;
	row_key(&key, c, k, id);
	return tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&key), &bytes)
		       ? decode(c, k, bytes)
		       : NULL;
}

void *
ec2_get_kept(struct call *c, const struct ec2_kind *k, struct str id)
{
	struct key key;
	struct str bytes;
	row_key(&key, c, k, id);
	return key_str(&key).p && tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&key), &bytes)
		       ? decode(c, k, arena_dup(c->arena, bytes))
		       : NULL;
}

static void
name_key(struct key *k, struct call *c, const struct ec2_kind *kind, struct str name)
{
	key_begin(k);
	key_add_raw(k, STR("N"));
	key_add(k, str_c(kind->type));
	key_add(k, c->region);
	key_add(k, c->account);
	key_add(k, name);
}

void
ec2_name_put(struct call *c, const struct ec2_kind *k, struct str name, struct str id)
{
	struct key key;
	name_key(&key, c, k, name);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&key), id);
}

void
ec2_name_delete(struct call *c, const struct ec2_kind *k, struct str name)
{
	struct key key;
	name_key(&key, c, k, name);
	tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&key));
}

struct str
ec2_name_get(struct call *c, const struct ec2_kind *k, struct str name)
{
	struct key key;
	struct str id;
	name_key(&key, c, k, name);
	if (!name.len || !key_str(&key).p)
		return STR_NULL;
	return tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&key), &id)
		       ? arena_dup(c->arena, id)
		       : STR_NULL;
}

static bool
id_well_formed(const struct ec2_kind *k, struct str id)
{
	struct str rest = str_slice(id, strlen(k->prefix), id.len);
	if (!str_starts(id, str_c(k->prefix)) || rest.len > 32 || !rest.len)
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (!((rest.p[i] >= '0' && rest.p[i] <= '9') ||
			    (rest.p[i] >= 'a' && rest.p[i] <= 'f')))
			return false;
	return true;
}

void *
ec2_need(struct call *c, const struct ec2_kind *k, struct str id)
{
	void *row;
	if (!id.len) {
		ec2_missing(c, arena_cstr(c->arena, arena_printf(c->arena, "%s ID", k->type)));
		return NULL;
	}
	if ((row = ec2_get(c, k, id)))
		return row;
	if (!id_well_formed(k, id) && k->malformed)
		call_fail(c, k->malformed, "Invalid id: \"%.*s\" (expecting \"%s...\")",
			STR_FMT(id), k->prefix);
	else
		call_fail(c, k->unknown, "%s", "");
	if (c->error == k->unknown) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		call_fail(c, k->unknown,
			k->unknown_text ? k->unknown_text : "The ID '%.*s' does not exist",
			STR_FMT(id));
#pragma GCC diagnostic pop
	}
	return NULL;
}

void
ec2_delete(struct call *c, const struct ec2_kind *k, struct str id)
{
	struct key key;
	row_key(&key, c, k, id);
	tx_delete(c->tx, store_rows(c->store, "ec2"), key_str(&key));
	ec2_tags_remove_all(c, id);
}

void *
ec2_item(const struct ec2_kind *k, const void *row)
{
	return *(void *const *)((const char *)row + k->row->fields[0].offset);
}

struct str
ec2_arn(struct call *c, const struct ec2_kind *k, struct str id)
{
	return arena_printf(c->arena, "arn:aws:ec2:%.*s:%.*s:%s/%.*s", STR_FMT(c->region),
		STR_FMT(c->account), k->type, STR_FMT(id));
}

void
ec2_walk_begin(struct ec2_walk *w, struct call *c, const struct ec2_kind *k)
{
	struct key lo, hi;
	*w = (struct ec2_walk){ .c = c, .kind = k };
	kind_key(&lo, c, k);
	w->skip = lo.len;
	scan_open(&w->scan, c->tx, store_rows(c->store, "ec2"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
}

void *
ec2_walk_next(struct ec2_walk *w)
{
	while (scan_next(&w->scan)) {
		struct str rest = str_slice(w->scan.key, w->skip, w->scan.key.len), id;
		char text[ID_MAX];
		void *row;
		if (!key_take(&rest, text, sizeof(text), &id) ||
			!(row = decode(w->c, w->kind, w->scan.value)))
			continue;
		w->id = arena_dup(w->c->arena, id);
		return row;
	}
	scan_done(&w->scan);
	return NULL;
}

void
ec2_walk_end(struct ec2_walk *w)
{
	scan_done(&w->scan);
}

void
ec2_each_place(struct tx *t, struct arena *a, const struct ec2_kind *k,
	void (*each)(void *arg, struct str region, struct str account), void *arg)
{
	struct key lo, hi;
	struct scan s;
	key_begin(&lo);
	key_add_raw(&lo, STR("R"));
	key_add(&lo, str_c(k->type));
	size_t skip = lo.len;
	scan_open(&s, t, store_rows(tx_store(t), "ec2"), key_str(&lo),
		key_after_prefix(&hi, key_str(&lo)), false);
	while (scan_next(&s)) {
		struct str rest = str_slice(s.key, skip, s.key.len), region, account;
		char text[2][ID_MAX];
		if (!key_take(&rest, text[0], ID_MAX, &region) ||
			!key_take(&rest, text[1], ID_MAX, &account))
			continue;
		region = arena_dup(a, region);
		account = arena_dup(a, account);
		each(arg, region, account);
		lo.len = (uint32_t)skip;
		key_add(&lo, region);
		key_add(&lo, account);
		struct str next = key_after_prefix(&hi, key_str(&lo));
		if (!next.p)
			break;
		scan_seek(&s, next);
	}
	scan_done(&s);
}

int
ec2_plane_need(struct call *c, char ability)
{
	struct plane_ability a = { 0 };
	struct plane *p = plane_current();
	if (p)
		p->ops->ability(p, &a);
	bool networks = a.networks && p->ops->network_apply;
	if (ability == 'v' ? a.volumes : a.machines && networks)
		return CALL_OK;
	return call_fail(c, &EC2_Unsupported, "%s cannot be made here: %s",
		ability == 'v' ? "Volumes" : "Instances",
		a.why_not && *a.why_not
			? a.why_not
			: "this process has no data plane. `haneul doctor` says what "
			  "it needs; as root it is on by itself.");
}

int
ec2_missing(struct call *c, const char *parameter)
{
	return call_fail(
		c, &EC2_MissingParameter, "The request must contain the parameter %s", parameter);
}

int
ec2_bad_value(struct call *c, const char *parameter, struct str value, const char *why)
{
	return call_fail(c, &EC2_InvalidParameterValue,
		"Value (%.*s) for parameter %s is invalid. %s", STR_FMT(value), parameter,
		why ? why : "");
}
