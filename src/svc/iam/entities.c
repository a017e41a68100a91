#include "aws/errors.h"
#include "base/buf.h"
#include "base/ids.h"
#include "svc/iam/iam.h"

#define PAGE_DEFAULT 100

struct rows *
iam_rows(const struct call *c)
{
	return store_rows(c->store, "iam");
}

struct str
iam_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc_raw(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	return str_of(p, s.len);
}

void
iam_key(struct key *k, char space, struct str account)
{
	key_begin(k);
	key_add_raw(k, str_of(&space, 1));
	key_add(k, account);
}

void
iam_key_named(struct key *k, char space, struct str account, struct str name)
{
	char lower[2200];
	size_t n = name.len < sizeof(lower) ? name.len : sizeof(lower);
	for (size_t i = 0; i < n; i++)
		lower[i] =
			name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i];
	iam_key(k, space, account);
	key_add(k, str_of(lower, n));
}

bool
iam_get(struct tx *t, struct arena *a, enum iam_kind kind, struct str account, struct str name,
	struct iam_entity_row *ret)
{
	struct key k;
	struct str value;
	iam_key_named(&k, (char)kind, account, name);
	if (k.overflow || !tx_get(t, store_rows(tx_store(t), "iam"), key_str(&k), &value))
		return false;
	return row_decode(&iam_entity_row_shape, value, a, ret);
}

static int
no_such(struct call *c, enum iam_kind kind, struct str name)
{
	const char *what = kind == IAM_USER    ? "user"
			   : kind == IAM_ROLE  ? "role"
			   : kind == IAM_GROUP ? "group"
					       : NULL;
	if (what)
		return call_fail(c, &IAM_NoSuchEntity, "The %s with name %.*s cannot be found.",
			what, STR_FMT(name));
	if (kind == IAM_PROFILE)
		return call_fail(c, &IAM_NoSuchEntity, "Instance Profile %.*s cannot be found.",
			STR_FMT(name));
	if (kind == IAM_CERTIFICATE)
		return call_fail(c, &IAM_NoSuchEntity,
			"The Server Certificate with name %.*s cannot be found.", STR_FMT(name));
	return call_fail(c, &IAM_NoSuchEntity, "%.*s cannot be found.", STR_FMT(name));
}

int
iam_open(struct call *c, enum iam_kind kind, struct str name, struct iam_entity_row *ret)
{
	if (name.len && iam_get(c->tx, c->arena, kind, c->account, name, ret))
		return CALL_OK;
	return no_such(c, kind, name);
}

bool
iam_exists(struct call *c, enum iam_kind kind, struct str name)
{
	struct iam_entity_row e;
	return iam_get(c->tx, c->arena, kind, c->account, name, &e);
}

void
iam_save_quietly(
	struct tx *t, enum iam_kind kind, struct str account, const struct iam_entity_row *e)
{
	struct buf value = { 0 };
	struct key k;
	iam_key_named(&k, (char)kind, account, e->Name);
	row_encode(&iam_entity_row_shape, e, &value);
	tx_put(t, store_rows(tx_store(t), "iam"), key_str(&k), buf_str(&value));
	buf_done(&value);
}

void
iam_save(struct call *c, enum iam_kind kind, const struct iam_entity_row *e)
{
	iam_save_quietly(c->tx, kind, c->account, e);
	iam_changed(c);
}

void
iam_erase(struct call *c, enum iam_kind kind, struct str name)
{
	struct key k;
	iam_key_named(&k, (char)kind, c->account, name);
	tx_delete(c->tx, iam_rows(c), key_str(&k));
	iam_changed(c);
}

/* Random, never counted: a cache must not mistake one cloud's state for another's. */
void
iam_changed(struct call *c)
{
	struct key k, value;
	iam_key(&k, 'N', c->account);
	key_begin(&value);
	key_add_u64(&value, random_u64() | 1);
	tx_put(c->tx, iam_rows(c), key_str(&k), key_str(&value));
}

uint64_t
iam_generation(struct tx *t, struct str account)
{
	struct key k;
	struct str value;
	uint64_t v;
	iam_key(&k, 'N', account);
	if (!tx_get(t, store_rows(tx_store(t), "iam"), key_str(&k), &value) ||
		!key_take_u64(&value, &v))
		return 0;
	return v;
}

uint32_t
iam_count(struct call *c, char space)
{
	struct key k, after;
	struct scan s;
	uint32_t n = 0;
	iam_key(&k, space, c->account);
	scan_open(
		&s, c->tx, iam_rows(c), key_str(&k), key_after_prefix(&after, key_str(&k)), false);
	while (scan_next(&s))
		n++;
	return n;
}

/* ---- making ---- */

static const struct {
	enum iam_kind kind;
	const char *prefix, *resource, *quota;
	uint32_t max;
} kinds[] = {
	{ IAM_USER, "AIDA", "user", "UsersPerAccount", 5000 },
	{ IAM_ROLE, "AROA", "role", "RolesPerAccount", 1000 },
	{ IAM_GROUP, "AGPA", "group", "GroupsPerAccount", 300 },
	{ IAM_POLICY, "ANPA", "policy", "PoliciesPerAccount", 1500 },
	{ IAM_PROFILE, "AIPA", "instance-profile", "InstanceProfilesPerAccount", 1000 },
	{ IAM_CERTIFICATE, "ASCA", "server-certificate", "ServerCertificatesPerAccount", 20 },
	{ IAM_OIDC, "", "oidc-provider", "OpenIdConnectProvidersPerAccount", 100 },
	{ IAM_SAML, "", "saml-provider", "SAMLProvidersPerAccount", 100 },
	{ IAM_MFA, "", "mfa", "VirtualMFADevicesPerAccount", 5000 },
};

static unsigned
kind_index(enum iam_kind kind)
{
	unsigned i = 0;
	while (i + 1 < sizeof(kinds) / sizeof(*kinds) && kinds[i].kind != kind)
		i++;
	return i;
}

static int
taken(struct call *c, enum iam_kind kind, struct str name)
{
	switch (kind) {
	case IAM_POLICY:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"A policy called %.*s already exists. Duplicate names are not allowed.",
			STR_FMT(name));
	case IAM_PROFILE:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"Instance Profile %.*s already exists.", STR_FMT(name));
	case IAM_CERTIFICATE:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"The Server Certificate with name %.*s already exists.", STR_FMT(name));
	case IAM_OIDC:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"Provider with url https://%.*s already exists.", STR_FMT(name));
	case IAM_SAML:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"A SAML provider named %.*s already exists.", STR_FMT(name));
	case IAM_MFA:
		return call_fail(c, &IAM_EntityAlreadyExists,
			"MFADevice entity at the same path and name already exists.");
	default:
		return call_fail(c, &IAM_EntityAlreadyExists, "%s with name %.*s already exists.",
			kind == IAM_USER   ? "User"
			: kind == IAM_ROLE ? "Role"
					   : "Group",
			STR_FMT(name));
	}
}

int
iam_make(struct call *c, enum iam_kind kind, struct str name, struct str path,
	const struct iam_tag_list *tags, struct iam_entity_row *ret)
{
	unsigned i = kind_index(kind);
	if (iam_exists(c, kind, name))
		return taken(c, kind, name);
	if (iam_count(c, (char)kind) >= kinds[i].max)
		return call_fail(c, &IAM_LimitExceeded, "Cannot exceed quota for %s: %u",
			kinds[i].quota, kinds[i].max);
	*ret = (struct iam_entity_row){ .Name = name,
		.Path = path.len ? path : STR("/"),
		.Created = OPT_TIME(c->now_ms / 1000 * 1000) };
	if (*kinds[i].prefix)
		ret->Id = iam_id_new(c, kinds[i].prefix, c->account, 17);
	return tags ? iam_tags_add(c, ret, tags) : CALL_OK;
}

struct str
iam_arn(struct arena *a, enum iam_kind kind, struct str account, const struct iam_entity_row *e)
{
	struct str path = e->Path.len ? e->Path : STR("/");
	if (kind == IAM_USER && e->Name.len == 0)
		return arena_printf(a, "arn:aws:iam::%.*s:root", STR_FMT(account));
	return arena_printf(a, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_FMT(account),
		kinds[kind_index(kind)].resource, STR_FMT(path), STR_FMT(e->Name));
}

int
iam_user_or_self(struct call *c, struct str name, struct iam_entity_row *ret)
{
	if (name.len)
		return iam_open(c, IAM_USER, name, ret);
	if (c->who.root) {
		if (!iam_get(c->tx, c->arena, IAM_USER, c->account, STR(""), ret))
			*ret = (struct iam_entity_row){ .Name = STR(""),
				.Path = STR("/"),
				.Id = c->account,
				.Created = OPT_TIME(0) };
		return CALL_OK;
	}
	if (str_find_str(c->who.arn, STR(":user/")) < 0)
		return call_fail(c, &ERR_ValidationException,
			"Must specify userName when calling with non-User credentials");
	return iam_open(c, IAM_USER, c->who.name, ret);
}

/* ---- lists of texts ---- */

bool
iam_list_has(const struct list_str *l, struct str s)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s))
			return true;
	return false;
}

void
iam_list_add(struct arena *a, struct list_str *l, struct str s)
{
	struct str *v = arena_array(a, struct str, l->n + 1);
	if (l->n)
		memcpy(v, l->v, sizeof(*v) * l->n);
	v[l->n++] = s;
	l->v = v;
	l->set = true;
}

bool
iam_list_drop(struct list_str *l, struct str s)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s)) {
			memmove(l->v + i, l->v + i + 1, sizeof(*l->v) * (l->n - i - 1));
			l->n--;
			return true;
		}
	return false;
}

/* ---- pages ---- */

static int
bad_marker(struct call *c)
{
	return call_fail(c, &ERR_ValidationException, "Invalid Marker.");
}

int
iam_page_open(struct call *c, char space, struct str marker, struct opt_i64 max,
	struct str path_prefix, struct iam_page *ret)
{
	struct key prefix, after, from;
	*ret = (struct iam_page){
		.c = c, .max = max.set ? (uint32_t)max.v : PAGE_DEFAULT, .prefix = path_prefix
	};
	iam_key(&prefix, space, c->account);
	struct str lo = key_str(&prefix);
	if (marker.p) {
		struct str rest = base64_bytes(c->arena, marker, BASE64_URL);
		if (!rest.p || rest.len == 0 || rest.len > 3000)
			return bad_marker(c);
		/* The smallest key behind the last one shown. */
		iam_key(&from, space, c->account);
		key_add_raw(&from, rest);
		key_add_raw(&from, STR("\0"));
		lo = key_str(&from);
		if (!lo.p)
			return bad_marker(c);
	}
	scan_open(&ret->scan, c->tx, iam_rows(c), lo, key_after_prefix(&after, key_str(&prefix)),
		false);
	ret->last = str_of("", 0);
	return CALL_OK;
}

static void
page_taken(struct iam_page *p)
{
	p->n++;
	p->last = arena_dup(p->c->arena, p->scan.key);
}

bool
iam_page_step(struct iam_page *p)
{
	if (!scan_next(&p->scan))
		return false;
	if (p->n == p->max) {
		p->truncated = true;
		return false;
	}
	page_taken(p);
	return true;
}

bool
iam_page_next(struct iam_page *p, struct iam_entity_row *ret)
{
	while (scan_next(&p->scan)) {
		if (!row_decode(&iam_entity_row_shape, p->scan.value, p->c->arena, ret))
			continue;
		/* The account's root is kept like a user, but is none. */
		if (ret->Name.len == 0 || (p->prefix.len && !str_starts(ret->Path, p->prefix)))
			continue;
		if (p->keep && !p->keep(p, ret))
			continue;
		if (p->n == p->max) {
			p->truncated = true;
			return false;
		}
		page_taken(p);
		return true;
	}
	return false;
}

void
iam_page_marker(const struct iam_page *p, struct str *ret_marker)
{
	struct key prefix;
	iam_key(&prefix, p->last.p[0], p->c->account);
	*ret_marker =
		base64_url_text(p->c->arena, str_slice(p->last, key_str(&prefix).len, p->last.len));
}

void
iam_page_end(struct iam_page *p, struct opt_bool *ret_truncated, struct str *ret_marker)
{
	scan_done(&p->scan);
	*ret_truncated = OPT_BOOL(p->truncated);
	if (p->truncated)
		iam_page_marker(p, ret_marker);
}

int
iam_slice(struct call *c, uint32_t n, struct str marker, struct opt_i64 max, uint32_t *ret_from,
	uint32_t *ret_to, struct opt_bool *ret_truncated, struct str *ret_marker)
{
	uint64_t from = 0, most = max.set ? (uint64_t)max.v : PAGE_DEFAULT;
	if (marker.p) {
		struct str text = base64_bytes(c->arena, marker, BASE64_URL);
		if (!text.p || !str_to_u64(text, &from) || from > n)
			return bad_marker(c);
	}
	*ret_from = (uint32_t)from;
	*ret_to = (uint32_t)(n - from > most ? from + most : n);
	*ret_truncated = OPT_BOOL(*ret_to < n);
	if (*ret_to < n)
		*ret_marker = base64_url_text(c->arena, arena_printf(c->arena, "%u", *ret_to));
	return CALL_OK;
}
