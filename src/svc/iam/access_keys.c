#include "aws/credentials.h"
#include "aws/errors.h"
#include "base/buf.h"
#include "svc/iam/iam.h"

#include <errno.h>

static void
key_of(struct key *k, struct str id)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	key_add_raw(k, id);
}

bool
iam_access_key_get(struct tx *t, struct arena *a, struct str id, struct iam_access_key_row *ret)
{
	struct key k;
	struct str value;
	if (id.len > 128)
		return false;
	key_of(&k, id);
	return tx_get(t, store_rows(tx_store(t), "iam"), key_str(&k), &value) &&
	       row_decode(&iam_access_key_row_shape, value, a, ret);
}

void
iam_access_key_save(struct tx *t, struct str id, const struct iam_access_key_row *row)
{
	struct buf value = { 0 };
	struct key k;
	key_of(&k, id);
	row_encode(&iam_access_key_row_shape, row, &value);
	tx_put(t, store_rows(tx_store(t), "iam"), key_str(&k), buf_str(&value));
	buf_done(&value);
}

/* What sigv4 asks for every signed request: two reads, the key and its user. */
int
iam_credential_find(void *arg __attribute__((unused)), struct tx *tx, struct arena *a,
	struct str access_key, struct credential *ret)
{
	struct iam_access_key_row row;
	struct iam_entity_row user;
	if (!str_starts(access_key, STR("AKIA")) || !tx ||
		!iam_access_key_get(tx, a, access_key, &row))
		return -ENOENT;
	ret->access_key = access_key;
	ret->secret = row.Secret;
	ret->status = row.Active.v ? CREDENTIAL_ACTIVE : CREDENTIAL_INACTIVE;
	ret->account = row.Account;
	ret->name = row.User;
	if (row.User.len == 0) {
		ret->kind = CREDENTIAL_ROOT;
		ret->user_id = row.Account;
		ret->arn = arena_printf(a, "arn:aws:iam::%.*s:root", STR_FMT(row.Account));
		return 0;
	}
	if (!iam_get(tx, a, IAM_USER, row.Account, row.User, &user))
		return -ENOENT;
	ret->kind = CREDENTIAL_USER;
	ret->user_id = user.Id;
	ret->arn = iam_arn(a, IAM_USER, row.Account, &user);
	return 0;
}

int
iam_create_access_key(struct call *c, const struct iam_create_access_key_in *in,
	struct iam_create_access_key_out *out)
{
	struct iam_entity_row e;
	if (iam_user_or_self(c, in->UserName, &e))
		return CALL_FAILED;
	if (e.Keys.n >= IAM_KEYS_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for AccessKeysPerUser: %d", IAM_KEYS_MAX);
	struct str id = iam_id_new(c, "AKIA", c->account, 16);
	struct iam_access_key_row row = { .Account = c->account,
		.User = e.Name,
		.UserId = e.Id,
		.Secret = iam_secret_new(c),
		.Active = OPT_BOOL(true),
		.Created = OPT_TIME(c->now_ms / 1000 * 1000) };
	iam_access_key_save(c->tx, id, &row);
	iam_list_add(c->arena, &e.Keys, id);
	iam_save(c, IAM_USER, &e);
	out->AccessKey = arena_new(c->arena, struct iam_access_key);
	*out->AccessKey = (struct iam_access_key){ .UserName = e.Name,
		.AccessKeyId = id,
		.Status = STR("Active"),
		.SecretAccessKey = row.Secret,
		.CreateDate = row.Created };
	return CALL_OK;
}

/* The key must be of that user. */
static int
key_open(struct call *c, struct str user, struct str id, struct iam_entity_row *e,
	struct iam_access_key_row *row)
{
	if (iam_user_or_self(c, user, e))
		return CALL_FAILED;
	if (iam_list_has(&e->Keys, id) && iam_access_key_get(c->tx, c->arena, id, row))
		return CALL_OK;
	return call_fail(
		c, &IAM_NoSuchEntity, "The Access Key with id %.*s cannot be found.", STR_FMT(id));
}

int
iam_delete_access_key(struct call *c, const struct iam_delete_access_key_in *in,
	struct iam_delete_access_key_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_access_key_row row;
	struct key k;
	if (key_open(c, in->UserName, in->AccessKeyId, &e, &row))
		return CALL_FAILED;
	key_of(&k, in->AccessKeyId);
	tx_delete(c->tx, iam_rows(c), key_str(&k));
	iam_list_drop(&e.Keys, in->AccessKeyId);
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_update_access_key(struct call *c, const struct iam_update_access_key_in *in,
	struct iam_update_access_key_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_access_key_row row;
	if (key_open(c, in->UserName, in->AccessKeyId, &e, &row))
		return CALL_FAILED;
	if (str_is(in->Status, "Expired"))
		return call_fail(c, &IAM_InvalidInput,
			"Invalid status value, expected one of: [Active, Inactive]");
	row.Active = OPT_BOOL(str_is(in->Status, "Active"));
	row.Changed = OPT_TIME(c->now_ms);
	iam_access_key_save(c->tx, in->AccessKeyId, &row);
	return CALL_OK;
}

int
iam_list_access_keys(struct call *c, const struct iam_list_access_keys_in *in,
	struct iam_list_access_keys_out *out)
{
	struct iam_entity_row e;
	struct iam_access_key_row row;
	uint32_t from, to;
	if (iam_user_or_self(c, in->UserName, &e) ||
		iam_slice(c, e.Keys.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->AccessKeyMetadata, to - from);
	for (uint32_t i = from; i < to; i++) {
		if (!iam_access_key_get(c->tx, c->arena, e.Keys.v[i], &row))
			continue;
		struct iam_access_key_metadata *m =
			&out->AccessKeyMetadata.v[out->AccessKeyMetadata.n++];
		m->UserName = e.Name;
		m->AccessKeyId = e.Keys.v[i];
		m->Status = row.Active.v ? STR("Active") : STR("Inactive");
		m->CreateDate = row.Created;
	}
	return CALL_OK;
}

int
iam_get_access_key_last_used(struct call *c, const struct iam_get_access_key_last_used_in *in,
	struct iam_get_access_key_last_used_out *out)
{
	struct iam_access_key_row row;
	/* As AWS: a key of another account is not told from one that is not there. */
	if (!iam_access_key_get(c->tx, c->arena, in->AccessKeyId, &row) ||
		!str_eq(row.Account, c->account))
		return call_fail(c, &ERR_AccessDenied, NULL);
	out->UserName = row.User;
	out->AccessKeyLastUsed = arena_new(c->arena, struct iam_access_key_last_used);
	*out->AccessKeyLastUsed = (struct iam_access_key_last_used){ .LastUsedDate = row.LastUsed,
		.ServiceName = row.LastUsed.set ? row.LastUsedService : STR("N/A"),
		.Region = row.LastUsed.set ? row.LastUsedRegion : STR("N/A") };
	return CALL_OK;
}
