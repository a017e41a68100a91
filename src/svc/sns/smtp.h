/*
 * smtp: hands one mail to a relay in clear text (RFC 5321), blocking, with bounded waits: for a
 * worker thread, never a loop. No authentication and no TLS: a relay on the own machine or network.
 */
#ifndef HANEUL_SVC_SNS_SMTP_H
#define HANEUL_SVC_SNS_SMTP_H

#include "base/buf.h"

#define SMTP_WHY_MAX 200

struct smtp_mail {
	struct str from,
		to; /* addresses; refused when they hold blanks, controls or angle brackets */
	struct str subject, body; /* UTF-8 */
	struct str message_id;
	int64_t time_ms;
};
/* relay: "host:port" (port 25 when absent). 0, or -errno with a sentence in why. */
int smtp_send(struct str relay, const struct smtp_mail *m, char why[SMTP_WHY_MAX]);
/* The text after DATA, without the final dot; for tests. */
void smtp_write(const struct smtp_mail *m, struct buf *out);

#endif
