#include "svc/s3/acl.h"

#include "base/buf.h"

#define GROUP_ALL "http://acs.amazonaws.com/groups/global/AllUsers"
#define GROUP_AUTHENTICATED "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#define GROUP_LOG_DELIVERY "http://acs.amazonaws.com/groups/s3/LogDelivery"
/* The canonical ids that AWS documents: of unsigned requests, and of EC2's bundle reader. */
#define ID_ANONYMOUS "65a011a29cdf8ec533ec3d1ccaae921c"
#define ID_EC2 "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"

static const struct {
	const char *name;
	unsigned bits;
} permissions[] = {
	{ "FULL_CONTROL", S3_ACL_FULL_CONTROL },
	{ "READ", S3_ACL_READ },
	{ "WRITE", S3_ACL_WRITE },
	{ "READ_ACP", S3_ACL_READ_ACP },
	{ "WRITE_ACP", S3_ACL_WRITE_ACP },
};

static unsigned
permission_bits(struct str name)
{
	for (size_t i = 0; i < sizeof(permissions) / sizeof(*permissions); i++)
		if (str_eq(name, str_c(permissions[i].name)))
			return permissions[i].bits;
	return 0;
}

struct str
s3_acl_owner_id(struct call *c, struct str owner)
{
	return str_is(owner, S3_ANONYMOUS_OWNER) ? STR(ID_ANONYMOUS) : s3_canonical_id(c, owner);
}

struct s3_acl_claim
s3_acl_claim_headers(const struct call *c)
{
	return (struct s3_acl_claim){
		.canned = call_request_header(c, STR("x-amz-acl")),
		.full_control = call_request_header(c, STR("x-amz-grant-full-control")),
		.read = call_request_header(c, STR("x-amz-grant-read")),
		.read_acp = call_request_header(c, STR("x-amz-grant-read-acp")),
		.write = call_request_header(c, STR("x-amz-grant-write")),
		.write_acp = call_request_header(c, STR("x-amz-grant-write-acp")),
	};
}

static bool
grants_claimed(const struct s3_acl_claim *k)
{
	return k->full_control.p || k->read.p || k->read_acp.p || k->write.p || k->write_acp.p;
}

bool
s3_acl_claimed(const struct s3_acl_claim *k)
{
	return k->canned.p || k->xml || grants_claimed(k);
}

static int
argument_invalid(struct call *c, const char *sentence, const char *name, struct str value)
{
	call_fail(c, &S3_InvalidArgument, "%s", sentence);
	call_fail_field(c, "ArgumentName", str_c(name));
	return call_fail_field(c, "ArgumentValue", value);
}

/* ---- making lists ---- */

static struct s3_grant *
grant_add(struct call *c, struct s3_acl_row *acl, struct str permission)
{
	struct s3_grant *g = &acl->Grants.v[acl->Grants.n++];
	g->Permission = permission;
	g->Grantee = arena_alloc(c->arena, sizeof(*g->Grantee));
	return g;
}

static void
grant_id(struct call *c, struct s3_acl_row *acl, struct str id, const char *permission)
{
	struct s3_grant *g = grant_add(c, acl, str_c(permission));
	g->Grantee->Type = STR("CanonicalUser");
	g->Grantee->ID = id;
}

static void
grant_group(struct call *c, struct s3_acl_row *acl, const char *uri, const char *permission)
{
	struct s3_grant *g = grant_add(c, acl, str_c(permission));
	g->Grantee->Type = STR("Group");
	g->Grantee->URI = str_c(uri);
}

static void
list_begin(struct call *c, struct s3_acl_row *acl)
{
	*acl = (struct s3_acl_row){ 0 };
	acl->Grants.v = arena_array(c->arena, struct s3_grant, S3_GRANTS_MAX);
	acl->Grants.set = true;
}

static int
build_canned(struct call *c, const struct s3_acl_place *at, struct str name, struct s3_acl_row *acl)
{
	list_begin(c, acl);
	grant_id(c, acl, s3_acl_owner_id(c, at->owner), "FULL_CONTROL");
	if (str_is(name, "private"))
		return CALL_OK;
	if (str_is(name, "public-read") || str_is(name, "public-read-write")) {
		grant_group(c, acl, GROUP_ALL, "READ");
		if (str_is(name, "public-read-write"))
			grant_group(c, acl, GROUP_ALL, "WRITE");
		return CALL_OK;
	}
	if (str_is(name, "authenticated-read"))
		return grant_group(c, acl, GROUP_AUTHENTICATED, "READ"), CALL_OK;
	if (str_is(name, "aws-exec-read"))
		return grant_id(c, acl, STR(ID_EC2), "READ"), CALL_OK;
	if (!at->object && str_is(name, "log-delivery-write")) {
		grant_group(c, acl, GROUP_LOG_DELIVERY, "WRITE");
		grant_group(c, acl, GROUP_LOG_DELIVERY, "READ_ACP");
		return CALL_OK;
	}
	bool full = str_is(name, "bucket-owner-full-control");
	if (!full && !(at->object && str_is(name, "bucket-owner-read")))
		return argument_invalid(c, "", "x-amz-acl", name);
	if (!str_eq(at->owner, at->bucket_owner))
		grant_id(c, acl, s3_acl_owner_id(c, at->bucket_owner),
			full ? "FULL_CONTROL" : "READ");
	return CALL_OK;
}

static bool
group_known(struct str uri)
{
	return str_is(uri, GROUP_ALL) || str_is(uri, GROUP_AUTHENTICATED) ||
	       str_is(uri, GROUP_LOG_DELIVERY);
}

static bool
canonical_id_plausible(struct str id)
{
	unsigned char bytes[32];
	return hex_decode(id, bytes, 32) || str_is(id, ID_ANONYMOUS);
}

/* Checks one grantee, however it was said. */
static int
grantee_check(struct call *c, struct str type, struct str value)
{
	if (str_is(type, "Group"))
		return group_known(value) ? CALL_OK
					  : argument_invalid(c, "Invalid group uri", "uri", value);
	if (str_is(type, "CanonicalUser"))
		return canonical_id_plausible(value)
			       ? CALL_OK
			       : argument_invalid(c, "Invalid id", "id", value);
	return call_fail(c, &S3_UnresolvableGrantByEmailAddress, NULL);
}

/* One of: id="…", uri="…", emailAddress="…". */
static int
header_grantee(struct call *c, struct str one, struct str permission, struct s3_acl_row *acl)
{
	struct str value = one, name = str_trim(str_cut(&value, '='));
	value = str_trim(value);
	if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
		value = str_slice(value, 1, value.len - 1);
	struct str type = str_eq_nocase(name, STR("id"))    ? STR("CanonicalUser")
			  : str_eq_nocase(name, STR("uri")) ? STR("Group")
							    : STR("AmazonCustomerByEmail");
	if (!value.p || (str_is(type, "AmazonCustomerByEmail") &&
				!str_eq_nocase(name, STR("emailAddress"))))
		return argument_invalid(c, "Argument format not recognized", "x-amz-grant", one);
	if (grantee_check(c, type, value))
		return CALL_FAILED;
	if (acl->Grants.n == S3_GRANTS_MAX)
		return call_fail(
			c, &S3_InvalidRequest, "The ACL has more than the maximum of 100 grants.");
	struct s3_grant *g = grant_add(c, acl, permission);
	g->Grantee->Type = type;
	if (str_is(type, "Group"))
		g->Grantee->URI = value;
	else
		g->Grantee->ID = value;
	return CALL_OK;
}

static int
header_grants(struct call *c, struct str header, const char *permission, struct s3_acl_row *acl)
{
	while (header.p && str_trim(header).len)
		if (header_grantee(c, str_trim(str_cut(&header, ',')), str_c(permission), acl))
			return CALL_FAILED;
	return CALL_OK;
}

static int
build_headers(struct call *c, const struct s3_acl_claim *k, struct s3_acl_row *acl)
{
	list_begin(c, acl);
	if (header_grants(c, k->full_control, "FULL_CONTROL", acl) ||
		header_grants(c, k->read, "READ", acl) ||
		header_grants(c, k->read_acp, "READ_ACP", acl) ||
		header_grants(c, k->write, "WRITE", acl) ||
		header_grants(c, k->write_acp, "WRITE_ACP", acl))
		return CALL_FAILED;
	return CALL_OK;
}

static int
build_xml(struct call *c, const struct s3_acl_place *at, const struct s3_access_control_policy *xml,
	struct s3_acl_row *acl)
{
	list_begin(c, acl);
	if (!xml->Owner || !xml->Owner->ID.p || xml->Grants.n > S3_GRANTS_MAX)
		return call_fail(c, &S3_MalformedACLError, NULL);
	if (!str_eq(xml->Owner->ID, s3_acl_owner_id(c, at->owner)))
		return call_fail(c, &S3_AccessDenied, NULL);
	for (uint32_t i = 0; i < xml->Grants.n; i++) {
		const struct s3_grant *from = &xml->Grants.v[i];
		if (!from->Grantee || !permission_bits(from->Permission))
			return call_fail(c, &S3_MalformedACLError, NULL);
		bool group = str_is(from->Grantee->Type, "Group");
		struct str value = group ? from->Grantee->URI : from->Grantee->ID;
		if (!value.p && !str_is(from->Grantee->Type, "AmazonCustomerByEmail"))
			return call_fail(c, &S3_MalformedACLError, NULL);
		if (grantee_check(c, from->Grantee->Type, value))
			return CALL_FAILED;
		struct s3_grant *g = grant_add(c, acl, from->Permission);
		g->Grantee->Type = from->Grantee->Type;
		g->Grantee->URI = group ? value : STR_NULL;
		g->Grantee->ID = group ? STR_NULL : value;
	}
	return CALL_OK;
}

int
s3_acl_build(struct call *c, const struct s3_acl_place *at, const struct s3_acl_claim *k,
	struct s3_acl_row *ret)
{
	if (k->canned.p && grants_claimed(k))
		return call_fail(c, &S3_InvalidRequest,
			"Specifying both Canned ACLs and Header Grants is not allowed");
	if (k->xml && (k->canned.p || grants_claimed(k)))
		return call_fail(c, &S3_UnexpectedContent, NULL);
	if (k->xml)
		return build_xml(c, at, k->xml, ret);
	return grants_claimed(k) ? build_headers(c, k, ret) : build_canned(c, at, k->canned, ret);
}

/* ---- asking them ---- */

void
s3_acl_grants(struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl,
	struct s3_grant_list *ret)
{
	struct s3_acl_row plain;
	if (!acl) {
		build_canned(c, at, STR("private"), &plain);
		acl = &plain;
	}
	S3_LIST_SHARE(*ret, acl->Grants);
	ret->set = true;
}

static bool
is_group_of_strangers(const struct s3_grantee *g)
{
	return str_is(g->URI, GROUP_ALL) || str_is(g->URI, GROUP_AUTHENTICATED);
}

bool
s3_acl_is_public(const struct s3_acl_row *acl)
{
	for (uint32_t i = 0; i < acl->Grants.n; i++)
		if (is_group_of_strangers(acl->Grants.v[i].Grantee))
			return true;
	return false;
}

bool
s3_acl_is_plain(struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl)
{
	for (uint32_t i = 0; i < acl->Grants.n; i++) {
		const struct s3_grant *g = &acl->Grants.v[i];
		if (!str_is(g->Permission, "FULL_CONTROL") ||
			!(str_eq(g->Grantee->ID, s3_acl_owner_id(c, at->owner)) ||
				str_eq(g->Grantee->ID, s3_acl_owner_id(c, at->bucket_owner))))
			return false;
	}
	return true;
}

unsigned
s3_acl_bits(struct call *c, struct str owner, const struct s3_acl_row *acl, bool no_public)
{
	struct str id = STR_NULL;
	unsigned bits = 0;
	if (!acl)
		return !c->who.anonymous && str_eq(c->who.account, owner) ? S3_ACL_FULL_CONTROL : 0;
	for (uint32_t i = 0; i < acl->Grants.n; i++) {
		const struct s3_grantee *g = acl->Grants.v[i].Grantee;
		bool fits = false;
		if (str_is(g->URI, GROUP_ALL))
			fits = !no_public;
		else if (str_is(g->URI, GROUP_AUTHENTICATED))
			fits = !no_public && !c->who.anonymous;
		else if (g->ID.p && !c->who.anonymous) {
			if (!id.p)
				id = s3_canonical_id(c, c->who.account);
			fits = str_eq(g->ID, id);
		}
		if (fits)
			bits |= permission_bits(acl->Grants.v[i].Permission);
	}
	return bits;
}

/* ---- keeping them ---- */

struct str
s3_acl_encode(struct call *c, const struct s3_acl_place *at, const struct s3_acl_row *acl)
{
	struct buf out = { 0 };
	if (acl->Grants.n == 1 && str_eq(at->owner, at->bucket_owner) &&
		s3_acl_is_plain(c, at, acl))
		return STR_NULL;
	row_encode(&s3_acl_row_shape, acl, &out);
	struct str bytes = arena_dup(c->arena, buf_str(&out));
	buf_done(&out);
	return bytes;
}

bool
s3_acl_decode(struct str bytes, struct arena *a, struct s3_acl_row *ret)
{
	*ret = (struct s3_acl_row){ 0 };
	if (!row_decode(&s3_acl_row_shape, bytes, a, ret))
		return false;
	for (uint32_t i = 0; i < ret->Grants.n; i++)
		if (!ret->Grants.v[i].Grantee)
			return false;
	return true;
}
