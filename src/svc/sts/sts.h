/*
 * sts: temporary credentials. A session is a row with an end, not a sealed token: keys are looked
 * up by their id before the token is seen, a row can be taken back at once, tokens stay short, and
 * what a session may do is never in the hands of its holder. The row stays a day longer than the
 * session, so that late callers hear ExpiredToken; then the due-time index removes it.
 *
 * Keys of the environment "sts": S access-key-id: a session; W issuer: a web identity provider's
 * keys; K: the key of authorization messages.
 */
#ifndef HANEUL_SVC_STS_STS_H
#define HANEUL_SVC_STS_STS_H

#include "aws/call.h"
#include "aws/credentials.h"
#include "svc/sts/sts_api.h"

#define STS_CHAIN_MAX_S 3600
#define STS_POLICY_MAX 2048

/* sessions.c */
int sts_credential_find(
	void *arg, struct tx *tx, struct arena *a, struct str access_key, struct credential *ret);
/* Makes keys, writes the row, fills what the reply says. s lacks only keys and times. */
struct sts_credentials *sts_session_start(
	struct call *c, struct sts_session_row *s, int64_t duration_s);
void sts_sessions_register(void);
/* For other services that hand out a role's keys to what runs for them (a machine, a function): the
 * session that `service` ("ec2.amazonaws.com") gets when it assumes the role of the call's account.
 * NULL with AccessDenied set when there is no such role or its trust policy does not name the
 * service. */
struct sts_credentials *sts_service_session(struct call *c, struct str role_arn, struct str service,
	struct str session_name, int64_t duration_s);
/* Checks of a session policy and policy ARNs that every operation shares; fills the row.
 * ret_packed: PackedPolicySize. */
int sts_policies_take(struct call *c, struct str policy,
	const struct sts_policy_descriptor_type_list *arns, struct sts_session_row *s,
	struct opt_i64 *ret_packed);
int sts_tags_take(struct call *c, const struct sts_tag_list *tags,
	const struct list_str *transitive, struct sts_session_row *s);
/* saml_role.c: metadata of a provider names an entity and an RSA key for signatures. */
bool sts_saml_metadata_usable(struct arena *a, struct str text);
/* Signed by nobody, or by whoever may not ask here. */
int sts_signed(struct call *c);

/* issuers.c: the keys of OIDC providers, fetched by a task. */
void sts_issuers_register(void);
void sts_issuers_stop(void);
/* Asks for them again unless that was just done. Any transaction. */
void sts_issuer_ask(struct call *c, struct str url);
bool sts_issuer_get(struct call *c, struct str url, struct sts_issuer_row *ret);
struct str sts_issuer_touch_key(struct arena *a, struct str url);

#endif
