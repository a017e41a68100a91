/*
 * credentials: from an access key id to its secret and to who holds it.
 *
 * Two built-in sources: the well-known keys ("test" and any key id of twelve digits: root of that
 * account, any secret, only where the caller says so: loopback listener and not strict), and one
 * root key that is made and kept in the data directory (mode 0600). Everything else comes from
 * providers: a service that keeps users (IAM) or sessions (STS) registers one at start.
 *
 * Ownership: texts of a found credential borrow from the arena, the transaction or static memory,
 * and live as long as the call. Threads: providers and the root key are set at start, before the
 * first look-up; look-ups run on any thread.
 */
#ifndef HANEUL_AWS_CREDENTIALS_H
#define HANEUL_AWS_CREDENTIALS_H

#include "aws/call.h"

struct policy;
struct credential_provider;

enum credential_kind {
	CREDENTIAL_ROOT,      /* long-lived key of an account's root */
	CREDENTIAL_USER,      /* long-lived key of an IAM user */
	CREDENTIAL_ROLE,      /* AssumeRole*: arn is the session's, session->role_arn the role's */
	CREDENTIAL_FEDERATED, /* GetFederationToken */
	CREDENTIAL_TEMPORARY, /* GetSessionToken: of the user or root that asked */
};

enum credential_status {
	CREDENTIAL_ACTIVE,
	CREDENTIAL_INACTIVE,
};

struct session_tag {
	struct str key, value;
	bool transitive;
};

/* What temporary credentials carry besides a secret. */
struct session {
	struct str token; /* x-amz-security-token must equal it */
	int64_t issued_ms, expires_ms;
	struct str role_arn; /* "" unless by a role */
	struct str role_id;  /* AROA… */
	struct str session_name;
	struct str source_identity;  /* "" none */
	struct str provider;         /* federated provider (SAML or OIDC ARN, or domain); "" none */
	struct str provider_subject; /* sub of the web identity */
	bool mfa;
	int64_t mfa_ms; /* when MFA was given */
	const struct session_tag *tags;
	unsigned tags_n;
	struct policy *const *policies; /* session policies, compiled; borrowed for the call. The
					   provider of identities may give them instead */
	unsigned policies_n;
	struct str user_arn; /* FEDERATED, TEMPORARY: whose keys asked; "" none */
	struct str user_name;
	struct str policy_text;  /* the session policy as given; "" none */
	struct list_str policy_arns;
	bool has_policies; /* true with policies_n == 0 never happens for FEDERATED's "no policy":
			      it denies */
};

struct credential {
	enum credential_kind kind;
	enum credential_status status;
	struct str access_key;
	struct str secret;             /* never logged, never sent */
	bool any_secret;               /* well-known key: the signature is not looked at */
	struct str account;            /* twelve digits */
	struct str arn;                /* of the principal */
	struct str user_id;            /* aws:userid */
	struct str name;               /* aws:username or session name; "" for root */
	const struct session *session; /* NULL for long-lived keys */
	const struct credential_provider *provider; /* set by credentials_find; NULL: built in */
};

/* 0 and *ret filled, or -ENOENT (ask the next). tx may be NULL: then the provider opens its own
 * read. */
struct credential_provider {
	int (*find)(void *arg, struct tx *tx, struct arena *a, struct str access_key,
		struct credential *ret);
	void *arg;
	/* A request signed with a key of this provider was accepted; c->service and c->region are
	 * set. On the call's loop, must not block. NULL: nobody wants to know. */
	void (*used)(void *arg, struct call *c);
};
/* Tells the provider that the key is its own. */
void credentials_used(const struct credential *found, struct call *c);
/* Copied; at most 8; asserts. Adding the same one again changes nothing. */
void credentials_provider_add(const struct credential_provider *p);

enum {
	CREDENTIALS_WELL_KNOWN = 1, /* loopback listener and not --strict */
};
/* 0, or -ENOENT. An inactive key is found (status says so); sigv4_verify refuses it. */
int credentials_find(struct str access_key, unsigned flags, struct tx *tx, struct arena *a,
	struct credential *ret_credential);

/* Loads the root key from dir/root-key (made with random bytes, mode 0600, synced, when absent) and
 * makes it known to credentials_find as root of `account`. 0 or -errno; -EBADMSG: the file is
 * damaged, -EPERM: others may read it. */
int credentials_root_load(const char *dir, struct str account);
/* The same with a key from the configuration instead. Copied. */
int credentials_root_set(struct str access_key, struct str secret, struct str account);
bool credentials_root_get(struct str *ret_access_key, struct str *ret_secret); /* false: none */
void credentials_reset(void); /* tests: forgets providers and the root key */

/* Fills call->who. */
void credentials_principal(const struct credential *c, struct arena *a, struct principal *ret_who);
void credentials_anonymous(struct principal *ret_who);

#endif
