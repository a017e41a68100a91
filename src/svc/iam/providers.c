/* Identity providers: OpenID Connect by URL, SAML by name. */
#include "aws/errors.h"
#include "svc/iam/iam.h"
#include "svc/sts/sts.h"

#define CLIENTS_MAX 100
#define THUMBPRINTS_MAX 5

static struct str
provider_arn(struct call *c, const char *what, struct str name)
{
	return arena_printf(
		c->arena, "arn:aws:iam::%.*s:%s/%.*s", STR_FMT(c->account), what, STR_FMT(name));
}

static int
provider_open(struct call *c, enum iam_kind kind, struct str text, struct iam_entity_row *ret)
{
	const char *what = kind == IAM_OIDC ? "oidc-provider/" : "saml-provider/";
	struct arn arn;
	if (!arn_parse(text, &arn) || !str_is(arn.service, "iam") ||
		!str_starts(arn.resource, str_c(what)))
		return call_fail(c, &IAM_InvalidInput, "Invalid ARN: %.*s", STR_FMT(text));
	struct str name = str_slice(arn.resource, strlen(what), arn.resource.len);
	if (str_eq(arn.account, c->account) &&
		iam_get(c->tx, c->arena, kind, c->account, name, ret))
		return CALL_OK;
	if (kind == IAM_OIDC)
		return call_fail(c, &IAM_NoSuchEntity,
			"OpenIDConnect Provider not found for arn %.*s", STR_FMT(text));
	return call_fail(c, &IAM_NoSuchEntity, "Manifest not found for arn %.*s", STR_FMT(text));
}

/* ---- OpenID Connect ---- */

/* The whole host, not just how it begins. */
static bool
local_http(struct str url)
{
	if (!str_starts(url, STR("http://")))
		return false;
	struct str rest = str_slice(url, 7, url.len), host = str_cut(&rest, '/');
	host = str_cut(&host, ':');
	return str_is(host, "127.0.0.1") || str_is(host, "localhost");
}

static int
url_check(struct call *c, struct str url, struct str *ret_name)
{
	bool secure = str_starts(url, STR("https://"));
	/* Issuers on this machine, as tests and clusters have them, speak plain HTTP. */
	bool local = local_http(url);
	struct str rest = str_slice(url, secure ? 8 : 7, url.len);
	if ((!secure && !local) || !rest.len || str_find(rest, '?') >= 0 ||
		str_find(rest, '#') >= 0 || str_find(rest, '@') >= 0 || rest.p[0] == '/')
		return call_fail(
			c, &ERR_ValidationException, "Invalid Open ID Connect Provider URL");
	for (size_t i = 0; i < rest.len; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f)
			return call_fail(c, &ERR_ValidationException,
				"Invalid Open ID Connect Provider URL");
	*ret_name = rest.p[rest.len - 1] == '/' ? str_slice(rest, 0, rest.len - 1) : rest;
	return CALL_OK;
}

int
iam_create_open_id_connect_provider(struct call *c,
	const struct iam_create_open_id_connect_provider_in *in,
	struct iam_create_open_id_connect_provider_out *out)
{
	struct iam_entity_row e;
	struct str name;
	if (url_check(c, in->Url, &name))
		return CALL_FAILED;
	if (in->ThumbprintList.n > THUMBPRINTS_MAX)
		return call_fail(
			c, &IAM_InvalidInput, "Thumbprint list must contain fewer than 5 entries.");
	if (in->ClientIDList.n > CLIENTS_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100");
	if (iam_make(c, IAM_OIDC, name, STR("/"), &in->Tags, &e))
		return CALL_FAILED;
	e.Metadata = in->Url;
	e.Clients = in->ClientIDList;
	e.Thumbprints = in->ThumbprintList;
	iam_save(c, IAM_OIDC, &e);
	out->OpenIDConnectProviderArn = provider_arn(c, "oidc-provider", name);
	out->Tags = e.Tags;
	return CALL_OK;
}

int
iam_get_open_id_connect_provider(struct call *c,
	const struct iam_get_open_id_connect_provider_in *in,
	struct iam_get_open_id_connect_provider_out *out)
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_OIDC, in->OpenIDConnectProviderArn, &e))
		return CALL_FAILED;
	out->Url = e.Name;
	out->ClientIDList = e.Clients;
	out->ClientIDList.set = true;
	out->ThumbprintList = e.Thumbprints;
	out->ThumbprintList.set = true;
	out->CreateDate = e.Created;
	out->Tags = e.Tags;
	out->Tags.set = true;
	return CALL_OK;
}

static void
all_of(struct call *c, enum iam_kind kind, struct iam_entity_row **ret, uint32_t *ret_n)
{
	struct iam_page p;
	uint32_t max = iam_count(c, (char)kind);
	*ret = arena_array(c->arena, struct iam_entity_row, max + 1);
	*ret_n = 0;
	iam_page_open(c, (char)kind, STR_NULL, OPT_I64(max), STR_NULL, &p);
	while (iam_page_next(&p, &(*ret)[*ret_n]))
		++*ret_n;
	scan_done(&p.scan);
}

int
iam_list_open_id_connect_providers(struct call *c,
	const struct iam_list_open_id_connect_providers_in *in __attribute__((unused)),
	struct iam_list_open_id_connect_providers_out *out)
{
	struct iam_entity_row *v;
	uint32_t n;
	all_of(c, IAM_OIDC, &v, &n);
	IAM_LIST_NEW(c, out->OpenIDConnectProviderList, n);
	for (uint32_t i = 0; i < n; i++)
		out->OpenIDConnectProviderList.v[out->OpenIDConnectProviderList.n++].Arn =
			provider_arn(c, "oidc-provider", v[i].Name);
	return CALL_OK;
}

int
iam_update_open_id_connect_provider_thumbprint(struct call *c,
	const struct iam_update_open_id_connect_provider_thumbprint_in *in,
	struct iam_update_open_id_connect_provider_thumbprint_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_OIDC, in->OpenIDConnectProviderArn, &e))
		return CALL_FAILED;
	if (in->ThumbprintList.n > THUMBPRINTS_MAX)
		return call_fail(
			c, &IAM_InvalidInput, "Thumbprint list must contain fewer than 5 entries.");
	e.Thumbprints = in->ThumbprintList;
	iam_save(c, IAM_OIDC, &e);
	return CALL_OK;
}

int
iam_add_client_id_to_open_id_connect_provider(struct call *c,
	const struct iam_add_client_id_to_open_id_connect_provider_in *in,
	struct iam_add_client_id_to_open_id_connect_provider_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_OIDC, in->OpenIDConnectProviderArn, &e))
		return CALL_FAILED;
	if (iam_list_has(&e.Clients, in->ClientID))
		return CALL_OK;
	if (e.Clients.n >= CLIENTS_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100");
	iam_list_add(c->arena, &e.Clients, in->ClientID);
	iam_save(c, IAM_OIDC, &e);
	return CALL_OK;
}

int
iam_remove_client_id_from_open_id_connect_provider(struct call *c,
	const struct iam_remove_client_id_from_open_id_connect_provider_in *in,
	struct iam_remove_client_id_from_open_id_connect_provider_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_OIDC, in->OpenIDConnectProviderArn, &e))
		return CALL_FAILED;
	iam_list_drop(&e.Clients, in->ClientID);
	iam_save(c, IAM_OIDC, &e);
	return CALL_OK;
}

int
iam_delete_open_id_connect_provider(struct call *c,
	const struct iam_delete_open_id_connect_provider_in *in,
	struct iam_delete_open_id_connect_provider_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_OIDC, in->OpenIDConnectProviderArn, &e))
		return CALL_FAILED;
	iam_erase(c, IAM_OIDC, e.Name);
	return CALL_OK;
}

/* ---- SAML ---- */

/* What STS could not verify an assertion with is not taken. */
static int
metadata_check(struct call *c, struct str document)
{
	if (!sts_saml_metadata_usable(c->arena, document))
		return call_fail(c, &IAM_InvalidInput, "Could not parse metadata");
	return CALL_OK;
}

/* STS opens no encrypted assertion, so keys and modes for them would be promises. */
static int
encryption_refused(struct call *c, struct str mode, struct str key, struct str removed)
{
	if (mode.p || key.p || removed.p)
		return call_fail(c, &IAM_InvalidInput,
			"Encrypted SAML assertions are not supported: AssertionEncryptionMode, AddPrivateKey and "
			"RemovePrivateKey cannot be used.");
	return CALL_OK;
}

int
iam_create_saml_provider(struct call *c, const struct iam_create_saml_provider_in *in,
	struct iam_create_saml_provider_out *out)
{
	struct iam_entity_row e;
	if (encryption_refused(c, in->AssertionEncryptionMode, in->AddPrivateKey, STR_NULL) ||
		metadata_check(c, in->SAMLMetadataDocument) ||
		iam_make(c, IAM_SAML, in->Name, STR("/"), &in->Tags, &e))
		return CALL_FAILED;
	e.Metadata = in->SAMLMetadataDocument;
	e.Expires = OPT_TIME(e.Created.ms + INT64_C(365) * 86400000 * 100);
	e.Id = iam_id_new(c, "ASAM", c->account, 24);
	iam_save(c, IAM_SAML, &e);
	out->SAMLProviderArn = provider_arn(c, "saml-provider", e.Name);
	out->Tags = e.Tags;
	return CALL_OK;
}

int
iam_get_saml_provider(struct call *c, const struct iam_get_saml_provider_in *in,
	struct iam_get_saml_provider_out *out)
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_SAML, in->SAMLProviderArn, &e))
		return CALL_FAILED;
	out->SAMLProviderUUID = e.Id;
	out->SAMLMetadataDocument = e.Metadata;
	out->CreateDate = e.Created;
	out->ValidUntil = e.Expires;
	out->Tags = e.Tags;
	return CALL_OK;
}

int
iam_list_saml_providers(struct call *c,
	const struct iam_list_saml_providers_in *in __attribute__((unused)),
	struct iam_list_saml_providers_out *out)
{
	struct iam_entity_row *v;
	uint32_t n;
	all_of(c, IAM_SAML, &v, &n);
	IAM_LIST_NEW(c, out->SAMLProviderList, n);
	for (uint32_t i = 0; i < n; i++)
		out->SAMLProviderList.v[out->SAMLProviderList.n++] =
			(struct iam_saml_provider_list_entry){ provider_arn(c, "saml-provider",
								       v[i].Name),
				v[i].Expires, v[i].Created };
	return CALL_OK;
}

int
iam_update_saml_provider(struct call *c, const struct iam_update_saml_provider_in *in,
	struct iam_update_saml_provider_out *out)
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_SAML, in->SAMLProviderArn, &e) ||
		encryption_refused(
			c, in->AssertionEncryptionMode, in->AddPrivateKey, in->RemovePrivateKey))
		return CALL_FAILED;
	if (in->SAMLMetadataDocument.p) {
		if (metadata_check(c, in->SAMLMetadataDocument))
			return CALL_FAILED;
		e.Metadata = in->SAMLMetadataDocument;
	}
	iam_save(c, IAM_SAML, &e);
	out->SAMLProviderArn = in->SAMLProviderArn;
	return CALL_OK;
}

int
iam_delete_saml_provider(struct call *c, const struct iam_delete_saml_provider_in *in,
	struct iam_delete_saml_provider_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (provider_open(c, IAM_SAML, in->SAMLProviderArn, &e))
		return CALL_FAILED;
	iam_erase(c, IAM_SAML, e.Name);
	return CALL_OK;
}

/* ---- tags of both ---- */

#define PROVIDER_TAGS(noun, kind, member)                                                          \
	int iam_tag_##noun(struct call *c, const struct iam_tag_##noun##_in *in,                   \
		struct iam_tag_##noun##_out *out __attribute__((unused)))                          \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		if (provider_open(c, kind, in->member, &e) || iam_tags_add(c, &e, &in->Tags))      \
			return CALL_FAILED;                                                        \
		iam_save(c, kind, &e);                                                             \
		return CALL_OK;                                                                    \
	}                                                                                          \
	int iam_untag_##noun(struct call *c, const struct iam_untag_##noun##_in *in,               \
		struct iam_untag_##noun##_out *out __attribute__((unused)))                        \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		if (provider_open(c, kind, in->member, &e))                                        \
			return CALL_FAILED;                                                        \
		iam_tags_remove(c, &e, &in->TagKeys);                                              \
		iam_save(c, kind, &e);                                                             \
		return CALL_OK;                                                                    \
	}                                                                                          \
	int iam_list_##noun##_tags(struct call *c, const struct iam_list_##noun##_tags_in *in,     \
		struct iam_list_##noun##_tags_out *out)                                            \
	{                                                                                          \
		struct iam_entity_row e;                                                           \
		uint32_t from, to;                                                                 \
		if (provider_open(c, kind, in->member, &e) ||                                      \
			iam_slice(c, e.Tags.n, in->Marker, in->MaxItems, &from, &to,               \
				&out->IsTruncated, &out->Marker))                                  \
			return CALL_FAILED;                                                        \
		out->Tags.set = true;                                                              \
		out->Tags.v = e.Tags.v + from;                                                     \
		out->Tags.n = to - from;                                                           \
		return CALL_OK;                                                                    \
	}

PROVIDER_TAGS(open_id_connect_provider, IAM_OIDC, OpenIDConnectProviderArn)
PROVIDER_TAGS(saml_provider, IAM_SAML, SAMLProviderArn)
