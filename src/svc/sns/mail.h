/*
 * mail: e-mail and SMS stay here: rows of an outbox that `haneul mail` and the page /_haneul/mail
 * show. With the setting smtp-relay each mail is also a task that hands it to that server.
 */
#ifndef HANEUL_SVC_SNS_MAIL_H
#define HANEUL_SVC_SNS_MAIL_H

#include "svc/sns/deliver.h"

struct task;

void sns_mail_confirmation(struct tx *t, struct store *s, struct arena *a,
	const struct sns_subscription_row *sub, int64_t now_ms);
void sns_mail_notification(struct tx *t, struct store *s, struct arena *a,
	const struct sns_fanout *f, const struct sns_parcel *p, int64_t now_ms);
void sns_mail_sms(struct call *c, struct str phone, struct str text, struct str message_id);

/* Tasks of kind "sns.mail": the payload is the key of a row. */
void sns_mail_start(struct task *task, void *store);
void sns_mail_dead(
	struct tx *t, const struct task *task, int status, struct str reason, void *store);

void sns_mail_stop(void);

/* Pages. */
bool sns_mail_page(struct call *c, struct buf *ret_body, const char **ret_type);
bool sns_mail_json(struct call *c, struct buf *ret_body, const char **ret_type);

#endif
