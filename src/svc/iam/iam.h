/*
 * iam: what the files of this folder share, and what other services may ask of IAM: entities and
 * their rows, the documents of a principal, AWS's managed policies, access keys.
 *
 * Keys of the environment "iam" begin with one letter, the space; names are in lower case, because
 * IAM tells names apart without case:
 *   U R G P I C O L V account name     an entity: user, role, group, customer managed policy,
 *                                      instance profile, server certificate, OIDC provider (by
 *                                      URL), SAML provider, virtual MFA device. The user of the
 *                                      empty name is the account's root.
 *   M account group user               a member of a group
 *   A account policy-arn kind name     the policy is attached to that user, role or group
 *   B account policy-arn kind name     ... is its permissions boundary
 *   J account role profile             the instance profiles of a role
 *   K access-key-id                    an access key
 *   N account                          generation: a random number that changes whenever something
 *                                      changes that authorisation reads, so that caches on other
 *                                      threads notice
 *   S account                          settings of an account: alias, password policy
 *   X alias                            whose account alias it is (unique over all accounts)
 *   W url                              keys of a web identity provider, fetched by a task
 *
 * Rows are of an account, never of a region. Threads: as call.h says of handlers; the cache of
 * compiled policies is each thread's own.
 */
#ifndef HANEUL_SVC_IAM_IAM_H
#define HANEUL_SVC_IAM_IAM_H

#include "aws/arn.h"
#include "aws/authorize.h"
#include "aws/call.h"
#include "aws/credentials.h"
#include "base/text.h"
#include "svc/iam/iam_api.h"

enum iam_kind {
	IAM_USER = 'U',
	IAM_ROLE = 'R',
	IAM_GROUP = 'G',
	IAM_POLICY = 'P',
	IAM_PROFILE = 'I',
	IAM_CERTIFICATE = 'C',
	IAM_OIDC = 'O',
	IAM_SAML = 'L',
	IAM_MFA = 'V',
};

#define IAM_ATTACHED_MAX 10
#define IAM_VERSIONS_MAX 5
#define IAM_KEYS_MAX 2
#define IAM_POLICY_SIZE 6144
#define IAM_TAGS_MAX 50

#define IAM_LIST_NEW(c, list, count)                                                               \
	((list).v = arena_alloc((c)->arena, sizeof(*(list).v) * ((size_t)(count) + 1)),            \
		(list).n = 0, (list).set = true)

/* ---- entities (entities.c) ---- */
struct rows *iam_rows(const struct call *c);
void iam_key(struct key *k, char space, struct str account);
void iam_key_named(struct key *k, char space, struct str account, struct str name);
/* Text of the row borrows from the transaction. false: there is none. */
bool iam_get(struct tx *t, struct arena *a, enum iam_kind kind, struct str account, struct str name,
	struct iam_entity_row *ret);
/* Of the call's account, or NoSuchEntity with AWS's sentence. */
int iam_open(struct call *c, enum iam_kind kind, struct str name, struct iam_entity_row *ret);
/* Writes it and changes the account's generation. */
void iam_save(struct call *c, enum iam_kind kind, const struct iam_entity_row *e);
/* Writes it without: for what authorisation does not read (last used). */
void iam_save_quietly(
	struct tx *t, enum iam_kind kind, struct str account, const struct iam_entity_row *e);
void iam_erase(struct call *c, enum iam_kind kind, struct str name);
/* A new entity: id, time, path "/" when none is given; EntityAlreadyExists when the name is taken;
 * tags and quota are checked. */
int iam_make(struct call *c, enum iam_kind kind, struct str name, struct str path,
	const struct iam_tag_list *tags, struct iam_entity_row *ret);
struct str iam_arn(
	struct arena *a, enum iam_kind kind, struct str account, const struct iam_entity_row *e);
struct str iam_lower(struct arena *a, struct str s);
void iam_changed(struct call *c); /* the account's generation */
uint64_t iam_generation(struct tx *t, struct str account);
uint32_t iam_count(struct call *c, char space);
bool iam_exists(struct call *c, enum iam_kind kind, struct str name);
/* The caller's own user when name is absent; *ret is the name ("" for the root). */
int iam_user_or_self(struct call *c, struct str name, struct iam_entity_row *ret);

/* A page of a listing. marker and max as in the input; next() is false at the end. */
struct iam_page {
	struct call *c;
	struct scan scan;
	uint32_t max, n;
	bool truncated;
	struct str last;   /* raw key of the last one taken */
	struct str prefix; /* of paths; STR_NULL: any */
	bool (*keep)(const struct iam_page *p, const struct iam_entity_row *e);
};
int iam_page_open(struct call *c, char space, struct str marker, struct opt_i64 max,
	struct str path_prefix, struct iam_page *ret);
bool iam_page_next(struct iam_page *p, struct iam_entity_row *ret);
/* Marker of the entry that was taken last. */
void iam_page_marker(const struct iam_page *p, struct str *ret_marker);
/* For spaces whose rows are no entities; key and value are in p->scan. */
bool iam_page_step(struct iam_page *p);
void iam_page_end(struct iam_page *p, struct opt_bool *ret_truncated, struct str *ret_marker);
/* The same over a list in memory: [*from, *to) of n entries. */
int iam_slice(struct call *c, uint32_t n, struct str marker, struct opt_i64 max, uint32_t *ret_from,
	uint32_t *ret_to, struct opt_bool *ret_truncated, struct str *ret_marker);

/* ---- ids (ids.c) ---- */
/* Prefix of four letters, account in it, 16 or 17 characters. */
struct str iam_id_new(struct call *c, const char *prefix, struct str account, unsigned chars);
/* false: not such an id. ret takes twelve digits. */
bool iam_id_account(struct str id, char ret[13]);
struct str iam_secret_new(struct call *c);

/* ---- tags (tags.c) ---- */
int iam_tags_check(struct call *c, const struct iam_tag_list *tags);
int iam_tags_add(struct call *c, struct iam_entity_row *e, const struct iam_tag_list *tags);
void iam_tags_remove(struct call *c, struct iam_entity_row *e, const struct list_str *keys);

/* ---- lists of texts in rows (entities.c) ---- */
bool iam_list_has(const struct list_str *l, struct str s);
void iam_list_add(struct arena *a, struct list_str *l, struct str s);
bool iam_list_drop(struct list_str *l, struct str s);

/* ---- policies (policies.c, managed.c) ---- */
struct policy;
struct iam_managed {
	const char *path, *name, *id, *description;
	const char *document;
};
extern const struct iam_managed iam_managed_table[]; /* of managed.json, sorted by name */
extern const uint32_t iam_managed_table_n;
/* AWS's own, by ARN ("arn:aws:iam::aws:policy/…"); NULL: none. */
const struct iam_managed *iam_managed_find(struct str arn);
const struct iam_managed *iam_managed_at(uint32_t i); /* sorted by name; NULL: beyond the end */
struct policy *iam_managed_compiled(const struct iam_managed *m); /* borrowed for ever */
struct str iam_managed_arn(struct arena *a, const struct iam_managed *m);
/* A policy by ARN, of the call's account or AWS's. false: none. */
bool iam_policy_get(struct tx *t, struct arena *a, struct str account, struct str arn,
	struct iam_entity_row *ret);
struct str iam_policy_arn(struct call *c, const struct iam_entity_row *p);
/* As documents are shown: percent-encoded. */
struct str iam_document_tell(struct call *c, struct str document);
struct str iam_policy_default(const struct iam_entity_row *p); /* document of the default version */
/* MalformedPolicyDocument with AWS's sentence; form as in aws/policy.h. */
int iam_document_check(struct call *c, struct str document, int form);
size_t iam_document_size(struct str document); /* without blanks, as AWS counts */
int iam_boundary_check(struct call *c, struct str arn);
void iam_attachment_put(
	struct call *c, char space, struct str arn, enum iam_kind kind, struct str name, bool add);
struct iam_holder {
	enum iam_kind kind;
	struct str name, id;
};
/* Who has the policy; usage, filter, path prefix as in ListEntitiesForPolicy, STR_NULL: any. */
uint32_t iam_holders(struct call *c, struct str arn, struct str usage, struct str filter,
	struct str path_prefix, struct iam_holder **ret);
void iam_attached_tell(
	struct call *c, const struct iam_entity_row *e, struct iam_attached_policy_list *to);
/* How many entities the policy is attached to (space 'A') or bounds ('B'). */
uint32_t iam_attachment_count(struct call *c, char space, struct str arn);
struct iam_attached_permissions_boundary *iam_boundary_tell(struct call *c, struct str arn);

/* ---- what handlers tell (tell.c) ---- */
struct iam_user *iam_user_tell(
	struct call *c, const struct iam_entity_row *e, bool whole, struct iam_user *to);
struct iam_role *iam_role_tell(
	struct call *c, const struct iam_entity_row *e, bool whole, struct iam_role *to);
struct iam_group *iam_group_tell(
	struct call *c, const struct iam_entity_row *e, struct iam_group *to);
struct iam_policy *iam_policy_tell(
	struct call *c, const struct iam_entity_row *e, bool whole, struct iam_policy *to);
struct iam_instance_profile *iam_profile_tell(
	struct call *c, const struct iam_entity_row *e, struct iam_instance_profile *to);

/* ---- the documents of a principal (documents.c) ---- */
struct iam_document {
	struct str text;
	struct str name;  /* "arn:…" or "user/alice:inline" */
	struct str id;    /* as simulations say it */
	const char *type; /* "user", "group", "role", "aws-managed", "user-managed" */
	const struct iam_managed *managed; /* AWS's own */
	bool managed_form;                 /* parse as POLICY_IDENTITY */
};
struct iam_documents {
	struct iam_document *v;
	uint32_t n, cap;
	struct str boundary_arn, boundary; /* "" none */
	bool broken;                       /* something attached is not there any more */
};
/* All that is attached to a user or role, groups included. false: no such entity. */
bool iam_documents_get(struct tx *t, struct arena *a, struct str account, enum iam_kind kind,
	struct str name, struct iam_documents *ret);

/* ---- access keys (access_keys.c) ---- */
bool iam_access_key_get(
	struct tx *t, struct arena *a, struct str id, struct iam_access_key_row *ret);
void iam_access_key_save(struct tx *t, struct str id, const struct iam_access_key_row *row);

/* ---- members of groups (groups.c) ---- */
void iam_member_put(struct call *c, struct str group, struct str user, bool add);
/* Names of all members, in lower case and in order. */
uint32_t iam_members(struct call *c, struct str group, struct str **ret);

/* ---- others ---- */
void iam_account_get(struct call *c, struct iam_account_row *ret);
/* The code is that of the caller's own device, and was not used before. */
bool iam_mfa_verify(struct call *c, struct str serial, struct str code);

/* ---- start (service.c, identity.c, keys.c) ---- */
extern const struct authorize_provider iam_authorize_provider;
int iam_credential_find(
	void *arg, struct tx *tx, struct arena *a, struct str access_key, struct credential *ret);
int iam_permission(struct call *c, const void *in, struct authorize_question *q);
uint32_t iam_profiles_of(struct call *c, struct str role, struct iam_instance_profile_list *to);
/* iam:PassRole for services that hand a role to something that runs; service: "ec2.amazonaws.com".
 */
int iam_pass_role(struct call *c, struct str role_arn, const char *service);
/* "AWSServiceRoleForAutoScaling" of "autoscaling.amazonaws.com". */
struct str iam_service_role_name(struct call *c, struct str service, struct str suffix);
/* A role of the call's account by name or ARN, for other services; false: none. */
bool iam_role_find(struct call *c, struct str name_or_arn, struct iam_entity_row *ret);
/* Notes when, where and for what a key was used, at most once in a quarter of an hour. */
void iam_key_used(void *arg, struct call *c);

#endif
