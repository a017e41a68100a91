#include "aws/authorize.h"
#include "aws/errors.h"
#include "svc/iam/iam.h"
#include "svc/sts/messages.h"
#include "svc/sts/sts.h"

static int
start(struct store *s, struct blobs *b __attribute__((unused)))
{
	static const struct credential_provider sessions = { .find = sts_credential_find };
	store_rows(s, "sts");
	credentials_provider_add(&sessions);
	authorize_sealer_set(sts_message_encode);
	sts_sessions_register();
	sts_issuers_register();
	return sts_messages_start(s);
}

const struct service_hooks sts_hooks = {
	.start = start, .stop = sts_issuers_stop, .keep = sts_messages_keep
};

int
sts_get_caller_identity(struct call *c,
	const struct sts_get_caller_identity_in *in __attribute__((unused)),
	struct sts_get_caller_identity_out *out)
{
	out->UserId = c->who.user_id;
	out->Account = c->who.account;
	out->Arn = c->who.arn;
	return CALL_OK;
}

int
sts_get_access_key_info(struct call *c, const struct sts_get_access_key_info_in *in,
	struct sts_get_access_key_info_out *out)
{
	char account[13];
	/* Well-known keys are their account. */
	if (account_id_valid(in->AccessKeyId)) {
		out->Account = in->AccessKeyId;
		return CALL_OK;
	}
	if (!iam_id_account(in->AccessKeyId, account))
		return call_fail(c, &ERR_ValidationException,
			"The access key id %.*s is not valid.", STR_FMT(in->AccessKeyId));
	out->Account = arena_dup(c->arena, str_of(account, 12));
	return CALL_OK;
}
