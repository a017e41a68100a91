#include "aws/authorize.h"
#include "aws/credentials.h"
#include "svc/iam/iam.h"

static int
start(struct store *s, struct blobs *b __attribute__((unused)))
{
	static const struct credential_provider keys = { .find = iam_credential_find,
		.used = iam_key_used };
	store_rows(s, "iam");
	credentials_provider_add(&keys);
	authorize_provider_set(&iam_authorize_provider);
	return 0;
}

const struct service_hooks iam_hooks = { .start = start, .permission = iam_permission };
