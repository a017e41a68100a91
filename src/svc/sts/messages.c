#include "svc/sts/messages.h"

#include "aws/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "svc/sts/sts.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>

#define VERSION 1
#define TAG 16

/* ---- the key ---- */

static struct str
key_of(struct key *k)
{
	key_begin(k);
	key_add_raw(k, STR("K"));
	return key_str(k);
}

static bool
key_get(struct tx *t, struct store *s, unsigned char ret[MESSAGE_KEY])
{
	struct key k;
	struct str value;
	if (!tx_get(t, store_rows(s, "sts"), key_of(&k), &value) || value.len != MESSAGE_KEY)
		return false;
	memcpy(ret, value.p, MESSAGE_KEY);
	return true;
}

static int
key_make(struct tx *t, void *arg)
{
	unsigned char bytes[MESSAGE_KEY];
	struct key k;
	if (key_get(t, arg, bytes))
		return 0;
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	tx_put(t, store_rows(arg, "sts"), key_of(&k), str_of(bytes, sizeof(bytes)));
	return 0;
}

int
sts_messages_start(struct store *s)
{
	unsigned char bytes[MESSAGE_KEY];
	struct tx *t = tx_begin_read(s);
	bool there = key_get(t, s, bytes);
	tx_end(t);
	return there ? 0 : store_write(s, key_make, s);
}

void
sts_messages_keep(struct tx *t, struct store *s)
{
	unsigned char bytes[MESSAGE_KEY];
	struct key k;
	if (key_get(t, s, bytes))
		tx_put(t, store_rows(s, "sts"), key_of(&k), str_of(bytes, sizeof(bytes)));
}

/* ---- sealing: version, nonce, what is sealed, tag ---- */

struct str
sts_message_seal(struct arena *a, const unsigned char key[MESSAGE_KEY],
	const unsigned char nonce[MESSAGE_NONCE], struct str account, struct str plain)
{
	size_t n = 1 + MESSAGE_NONCE + plain.len + TAG;
	unsigned char *out = arena_alloc(a, n), *body = out + 1 + MESSAGE_NONCE;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	out[0] = VERSION;
	memcpy(out + 1, nonce, MESSAGE_NONCE);
	bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		  EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)account.p,
			  (int)account.len) == 1 &&
		  EVP_EncryptUpdate(
			  ctx, body, &len, (const unsigned char *)plain.p, (int)plain.len) == 1 &&
		  EVP_EncryptFinal_ex(ctx, body + len, &len) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + n - TAG) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? base64_url_text(a, str_of(out, n)) : STR_NULL;
}

struct str
sts_message_open(
	struct arena *a, const unsigned char key[MESSAGE_KEY], struct str account, struct str text)
{
	struct str in = base64_bytes(a, text, BASE64_URL);
	if (!in.p || in.len < 1 + MESSAGE_NONCE + TAG || in.p[0] != VERSION)
		return STR_NULL;
	const unsigned char *nonce = (const unsigned char *)in.p + 1, *body = nonce + MESSAGE_NONCE;
	size_t n = in.len - 1 - MESSAGE_NONCE - TAG;
	unsigned char *out = arena_alloc(a, n + 1), tag[TAG];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	memcpy(tag, body + n, TAG);
	bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		  EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)account.p,
			  (int)account.len) == 1 &&
		  EVP_DecryptUpdate(ctx, out, &len, body, (int)n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
		  EVP_DecryptFinal_ex(ctx, out + len, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? str_of(out, n) : STR_NULL;
}

/* ---- what it says ---- */

static void
items(struct json_writer *w, const char *name, struct str policy, struct str sid)
{
	json_write_key(w, str_c(name));
	json_write_object(w);
	json_write_key(w, STR("items"));
	json_write_array(w);
	if (policy.len) {
		json_write_object(w);
		json_write_member_str(w, "statementId", sid.p ? sid : STR(""));
		json_write_member_str(w, "effect", STR("DENY"));
		json_write_member_str(w, "policy", policy);
		json_write_object_end(w);
	}
	json_write_array_end(w);
	json_write_object_end(w);
}

static void
describe(struct call *c, const struct call_decision *d, struct buf *out)
{
	struct json_writer w = { out, false };
	bool denied = str_is(str_c(d->decision), "explicitDeny");
	json_write_object(&w);
	json_write_member_bool(&w, "allowed", false);
	json_write_member_bool(&w, "explicitDeny", denied);
	items(&w, "matchedStatements", denied ? d->policy : STR(""), d->sid);
	items(&w, "failures", STR(""), STR(""));
	json_write_key(&w, STR("context"));
	json_write_object(&w);
	json_write_key(&w, STR("principal"));
	json_write_object(&w);
	json_write_member_str(&w, "id", c->who.user_id);
	json_write_member_str(&w, "arn", c->who.arn);
	json_write_object_end(&w);
	json_write_member_str(&w, "action", str_c(d->action));
	json_write_member_str(&w, "resource", d->resource);
	items(&w, "conditions", STR(""), STR(""));
	json_write_object_end(&w);
	json_write_object_end(&w);
}

struct str
sts_message_encode(struct call *c, const struct call_decision *d)
{
	unsigned char key[MESSAGE_KEY], nonce[MESSAGE_NONCE];
	struct buf text = { 0 };
	struct str out = STR_NULL;
	describe(c, d, &text);
	/* Not the call's own chance: one that is run again would use a nonce twice. */
	if (text.len <= MESSAGE_PLAIN_MAX && key_get(c->tx, c->store, key) &&
		RAND_bytes(nonce, sizeof(nonce)) == 1)
		out = sts_message_seal(c->arena, key, nonce, c->who.account, buf_str(&text));
	buf_done(&text);
	return out;
}

int
sts_decode_authorization_message(struct call *c,
	const struct sts_decode_authorization_message_in *in,
	struct sts_decode_authorization_message_out *out)
{
	unsigned char key[MESSAGE_KEY];
	if (!key_get(c->tx, c->store, key))
		return call_fail(c, &ERR_InternalFailure, "The key of messages is gone.");
	out->DecodedMessage = sts_message_open(c->arena, key, c->who.account, in->EncodedMessage);
	if (!out->DecodedMessage.p)
		return call_fail(c, &STS_InvalidAuthorizationMessageException,
			"The message could not be decoded.");
	return CALL_OK;
}
