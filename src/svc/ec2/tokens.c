/* Client tokens: what one made is kept for a day, and found again for the same parameters only. */
#include "aws/due.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/text.h"
#include "svc/ec2/resource.h"

#define KEPT_MS INT64_C(86400000)

static void
token_key(struct key *k, struct call *c, struct str token)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	key_add(k, c->region);
	key_add(k, c->account);
	key_add(k, str_c(c->op->name));
	key_add(k, token);
}

/* Of the parameters as they came, which is what a repeating client sends again. */
static struct str
parameters_hash(struct call *c)
{
	unsigned char sum[32];
	struct str all = arena_concat(c->arena, c->query, call_body(c));
	sha256(all, sum);
	return hex_text(c->arena, str_of(sum, 16));
}

int
ec2_token_find(struct call *c, struct str token, const void *in, struct str *ret_id)
{
	struct key k;
	struct str bytes;
	struct ec2_token_row row;
	(void)in;
	*ret_id = STR_NULL;
	if (!token.len)
		return CALL_OK;
	if (token.len > 128)
		return ec2_bad_value(c, "clientToken", token, "Maximum length is 128 characters");
	token_key(&k, c, token);
	if (!tx_get(c->tx, store_rows(c->store, "ec2"), key_str(&k), &bytes) ||
		!row_decode(&ec2_token_row_shape, bytes, c->arena, &row))
		return CALL_OK;
	if (!str_eq(row.Hash, parameters_hash(c)))
		return call_fail(c, &EC2_IdempotentParameterMismatch,
			"Arguments on this idempotent request are inconsistent with arguments used "
			"in previous request(s).");
	*ret_id = row.Id;
	return CALL_OK;
}

void
ec2_token_keep(struct call *c, struct str token, const void *in, struct str id)
{
	struct key k;
	struct buf b = { 0 };
	(void)in;
	if (!token.len)
		return;
	struct ec2_token_row row = { .Op = str_c(c->op->name),
		.Hash = parameters_hash(c),
		.Id = id,
		.Made = OPT_TIME(c->now_ms) };
	token_key(&k, c, token);
	row_encode(&ec2_token_row_shape, &row, &b);
	tx_put(c->tx, store_rows(c->store, "ec2"), key_str(&k), buf_str(&b));
	due_add(c->tx, STR("ec2.token"), key_str(&k), c->now_ms + KEPT_MS, STR(""));
	buf_done(&b);
}

static int
token_gone(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	(void)due_ms, (void)payload, (void)arg;
	tx_delete(t, store_rows(tx_store(t), "ec2"), id);
	return 0;
}

static void
tokens_start(struct store *s)
{
	(void)s;
	due_handle("ec2.token", token_gone, NULL);
}
EC2_START(tokens_start);
