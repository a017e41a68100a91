#include "svc/sns/deliver.h"
#include "svc/sns/mail.h"
#include "svc/sns/signer.h"
#include "svc/sns/status.h"

static int
start(struct store *s, struct blobs *b)
{
	(void)b;
	store_rows(s, "sns");
	sns_deliver_register(s);
	return 0;
}

static bool
certificate(struct call *c, struct buf *body, const char **ret_type)
{
	struct str text = sns_signer_certificate(
		c->tx, c->store, c->arena, str_slice(c->path, 1, c->path.len));
	if (!text.p)
		return false;
	buf_add_str(body, text);
	*ret_type = "application/x-pem-file";
	return true;
}

/* Workers may be signing with the key: it stays what it is. */
static void
keep(struct tx *t, struct store *s)
{
	struct str value;
	if (!tx_get(t, sns_rows(s), STR("Z"), &value))
		return;
	char copy[16384];
	size_t n = value.len < sizeof(copy) ? value.len : 0;
	memcpy(copy, value.p, n);
	if (n)
		tx_put(t, sns_rows(s), STR("Z"), str_of(copy, n));
}

static const struct service_page pages[] = {
	{ .path = "/SimpleNotificationService-*", .admin = false, .serve = certificate },
	{ .path = "/_haneul/mail", .admin = true, .serve = sns_mail_page },
	{ .path = "/_haneul/mail.json", .admin = true, .serve = sns_mail_json },
	{ .path = "/_haneul/sns-status.json", .admin = true, .serve = sns_status_json },
	{ .path = NULL },
};

const struct service_hooks sns_hooks = {
	.start = start,
	.stop = sns_deliver_stop,
	.keep = keep,
	.pages = pages,
};
