/* SSH public keys, signing certificates and credentials of single services, in the row of their
 * user. */
#include "base/buf.h"
#include "base/digest.h"
#include "base/ssh_wire.h"
#include "svc/iam/iam.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define SSH_KEYS_MAX 5
#define CERTIFICATES_MAX 2
#define RSA_BITS_MIN 2048

/* ---- lists of what a user holds ---- */

static struct iam_held *
held_find(const struct iam_held_list *l, struct str id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].Id, id))
			return (struct iam_held *)&l->v[i];
	return NULL;
}

static bool
held_body(const struct iam_held_list *l, struct str body)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].Body, body))
			return true;
	return false;
}

static struct iam_held *
held_add(struct call *c, struct iam_held_list *l, struct str id, struct str body)
{
	struct iam_held *v = arena_array(c->arena, struct iam_held, l->n + 1);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct iam_held){ .Id = id,
		.Body = body,
		.Uploaded = OPT_TIME(c->now_ms / 1000 * 1000) };
	l->v = v;
	l->set = true;
	return &v[l->n++];
}

static int
held_need(struct call *c, const struct iam_held_list *l, struct str id, const char *what,
	struct iam_held **ret)
{
	*ret = held_find(l, id);
	return *ret ? CALL_OK
		    : call_fail(c, &IAM_NoSuchEntity, "The %s with id %.*s cannot be found.", what,
			      STR_FMT(id));
}

static int
held_status(struct call *c, struct iam_held *h, struct str status)
{
	if (str_is(status, "Expired"))
		return call_fail(c, &IAM_InvalidInput,
			"Invalid status value, expected one of: [Active, Inactive]");
	h->Inactive = OPT_BOOL(str_is(status, "Inactive"));
	return CALL_OK;
}

static struct iam_held_list
held_without(struct call *c, const struct iam_held_list *l, const struct iam_held *gone)
{
	struct iam_held_list left = { .v = arena_array(c->arena, struct iam_held, l->n),
		.set = true };
	for (uint32_t i = 0; i < l->n; i++)
		if (&l->v[i] != gone)
			((struct iam_held *)left.v)[left.n++] = l->v[i];
	return left;
}

static struct str
status_text(const struct iam_held *h)
{
	return h->Inactive.v ? STR("Inactive") : STR("Active");
}

/* ---- SSH public keys: kept as "ssh-rsa BASE64", told in that form or as PEM ---- */

static EVP_PKEY *
rsa_of(struct str e, struct str n)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.len, NULL);
	BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.len, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	if (build && ctx && be && bn && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) &&
		(params = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(be);
	BN_free(bn);
	return key;
}

/* NULL: not such a key. */
static EVP_PKEY *
ssh_read(struct call *c, struct str text, struct str *ret_blob)
{
	struct str rest = str_trim(text), type, e, n;
	str_cut(&rest, ' ');
	struct str base64 = str_cut(&rest, ' ');
	struct str blob = *ret_blob = base64_bytes(c->arena, base64, BASE64_STRICT);
	if (!blob.p || !ssh_take(&blob, &type) || !str_is(type, "ssh-rsa") ||
		!ssh_take(&blob, &e) || !ssh_take(&blob, &n) || blob.len || n.len > 2049 ||
		e.len > 8)
		return NULL;
	return rsa_of(e, n);
}

static bool
number_add(struct buf *b, EVP_PKEY *key, const char *name)
{
	BIGNUM *n = NULL;
	unsigned char bytes[2048];
	bool fits = EVP_PKEY_get_bn_param(key, name, &n) && BN_num_bytes(n) <= (int)sizeof(bytes);
	if (fits)
		ssh_add_number(b, str_of((char *)bytes, (size_t)BN_bn2bin(n, bytes)));
	BN_free(n);
	return fits;
}

static EVP_PKEY *
pem_read(struct call *c, struct str text, struct str *ret_blob)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	struct buf b = { 0 };
	BIO_free(bio);
	if (!key || !EVP_PKEY_is_a(key, "RSA"))
		return key;
	ssh_add(&b, STR("ssh-rsa"));
	if (!number_add(&b, key, OSSL_PKEY_PARAM_RSA_E) ||
		!number_add(&b, key, OSSL_PKEY_PARAM_RSA_N)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	*ret_blob = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return key;
}

/* Its form in *ret_body, or one of AWS's errors. */
static int
ssh_check(struct call *c, struct str text, struct str *ret_body)
{
	bool ssh = str_starts(str_trim(text), STR("ssh-rsa "));
	bool pem = str_starts(str_trim(text), STR("-----BEGIN PUBLIC KEY-----"));
	struct str blob = STR("");
	if (!ssh && !pem)
		return call_fail(c, &IAM_UnrecognizedPublicKeyEncoding,
			"The key is neither in ssh-rsa nor in PEM format.");
	EVP_PKEY *key = ssh ? ssh_read(c, text, &blob) : pem_read(c, text, &blob);
	bool ok = key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
	EVP_PKEY_free(key);
	ERR_clear_error();
	if (!ok)
		return call_fail(c, &IAM_InvalidPublicKey,
			"The public key is malformed, or shorter than %d bits.", RSA_BITS_MIN);
	*ret_body = arena_printf(
		c->arena, "ssh-rsa %.*s", STR_FMT(base64_text(c->arena, blob)));
	return CALL_OK;
}

static struct str
ssh_pem(struct call *c, struct str body)
{
	struct str blob, text = STR("");
	char *p;
	EVP_PKEY *key = ssh_read(c, body, &blob);
	BIO *bio = BIO_new(BIO_s_mem());
	if (key && PEM_write_bio_PUBKEY(bio, key))
		text = arena_dup(c->arena, str_of(p, (size_t)BIO_get_mem_data(bio, &p)));
	BIO_free(bio);
	EVP_PKEY_free(key);
	return text;
}

/* MD5 of the key's bytes, as `ssh-keygen -l -E md5` tells it. */
static struct str
ssh_fingerprint(struct call *c, struct str body)
{
	unsigned char sum[16];
	char text[16 * 3 + 1];
	str_cut(&body, ' ');
	md5(base64_bytes(c->arena, body, BASE64_STRICT), sum);
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + i * 3, 4, "%02x:", sum[i]);
	return arena_dup(c->arena, str_of(text, 47));
}

static struct iam_ssh_public_key *
ssh_tell(struct call *c, const struct iam_entity_row *e, const struct iam_held *h, bool pem)
{
	struct iam_ssh_public_key *k = arena_new(c->arena, struct iam_ssh_public_key);
	*k = (struct iam_ssh_public_key){ .UserName = e->Name,
		.SSHPublicKeyId = h->Id,
		.Fingerprint = ssh_fingerprint(c, h->Body),
		.SSHPublicKeyBody = pem ? ssh_pem(c, h->Body) : h->Body,
		.Status = status_text(h),
		.UploadDate = h->Uploaded };
	return k;
}

int
iam_upload_ssh_public_key(struct call *c, const struct iam_upload_ssh_public_key_in *in,
	struct iam_upload_ssh_public_key_out *out)
{
	struct iam_entity_row e;
	struct str body;
	if (iam_open(c, IAM_USER, in->UserName, &e) || ssh_check(c, in->SSHPublicKeyBody, &body))
		return CALL_FAILED;
	if (held_body(&e.SshKeys, body))
		return call_fail(c, &IAM_DuplicateSSHPublicKey,
			"The SSH public key is already associated with the user.");
	if (e.SshKeys.n >= SSH_KEYS_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for SSHPublicKeysPerUser: %d", SSH_KEYS_MAX);
	const struct iam_held *h =
		held_add(c, &e.SshKeys, iam_id_new(c, "APKA", c->account, 17), body);
	iam_save(c, IAM_USER, &e);
	out->SSHPublicKey = ssh_tell(c, &e, h, false);
	return CALL_OK;
}

int
iam_get_ssh_public_key(struct call *c, const struct iam_get_ssh_public_key_in *in,
	struct iam_get_ssh_public_key_out *out)
{
	struct iam_entity_row e;
	struct iam_held *h;
	if (iam_open(c, IAM_USER, in->UserName, &e) ||
		held_need(c, &e.SshKeys, in->SSHPublicKeyId, "Public Key", &h))
		return CALL_FAILED;
	out->SSHPublicKey = ssh_tell(c, &e, h, str_is(in->Encoding, "PEM"));
	return CALL_OK;
}

int
iam_list_ssh_public_keys(struct call *c, const struct iam_list_ssh_public_keys_in *in,
	struct iam_list_ssh_public_keys_out *out)
{
	struct iam_entity_row e;
	uint32_t from, to;
	if (iam_user_or_self(c, in->UserName, &e) ||
		iam_slice(c, e.SshKeys.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->SSHPublicKeys, to - from);
	for (uint32_t i = from; i < to; i++)
		out->SSHPublicKeys.v[out->SSHPublicKeys.n++] =
			(struct iam_ssh_public_key_metadata){ .UserName = e.Name,
				.SSHPublicKeyId = e.SshKeys.v[i].Id,
				.Status = status_text(&e.SshKeys.v[i]),
				.UploadDate = e.SshKeys.v[i].Uploaded };
	return CALL_OK;
}

int
iam_update_ssh_public_key(struct call *c, const struct iam_update_ssh_public_key_in *in,
	struct iam_update_ssh_public_key_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_held *h;
	if (iam_open(c, IAM_USER, in->UserName, &e) ||
		held_need(c, &e.SshKeys, in->SSHPublicKeyId, "Public Key", &h) ||
		held_status(c, h, in->Status))
		return CALL_FAILED;
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_delete_ssh_public_key(struct call *c, const struct iam_delete_ssh_public_key_in *in,
	struct iam_delete_ssh_public_key_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_held *h;
	if (iam_open(c, IAM_USER, in->UserName, &e) ||
		held_need(c, &e.SshKeys, in->SSHPublicKeyId, "Public Key", &h))
		return CALL_FAILED;
	e.SshKeys = held_without(c, &e.SshKeys, h);
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

/* ---- signing certificates ---- */

static struct iam_signing_certificate
certificate_tell(const struct iam_entity_row *e, const struct iam_held *h)
{
	return (struct iam_signing_certificate){ .UserName = e->Name,
		.CertificateId = h->Id,
		.CertificateBody = h->Body,
		.Status = status_text(h),
		.UploadDate = h->Uploaded };
}

int
iam_upload_signing_certificate(struct call *c, const struct iam_upload_signing_certificate_in *in,
	struct iam_upload_signing_certificate_out *out)
{
	struct iam_entity_row e;
	if (iam_user_or_self(c, in->UserName, &e))
		return CALL_FAILED;
	BIO *bio = BIO_new_mem_buf(in->CertificateBody.p, (int)in->CertificateBody.len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool now = x && X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
	bool parsed = x != NULL;
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	if (!parsed)
		return call_fail(c, &IAM_MalformedCertificate,
			"Unable to parse certificate. Please ensure the certificate "
			"is in PEM format.");
	if (!now)
		return call_fail(c, &IAM_InvalidCertificate, "The certificate has expired.");
	if (held_body(&e.Signing, in->CertificateBody))
		return call_fail(c, &IAM_DuplicateCertificate,
			"The certificate is already associated with the user.");
	if (e.Signing.n >= CERTIFICATES_MAX)
		return call_fail(c, &IAM_LimitExceeded,
			"Cannot exceed quota for SigningCertificatesPerUser: %d", CERTIFICATES_MAX);
	const struct iam_held *h = held_add(
		c, &e.Signing, iam_id_new(c, "ASCA", c->account, 28), in->CertificateBody);
	iam_save(c, IAM_USER, &e);
	out->Certificate = arena_new(c->arena, struct iam_signing_certificate);
	*out->Certificate = certificate_tell(&e, h);
	return CALL_OK;
}

int
iam_list_signing_certificates(struct call *c, const struct iam_list_signing_certificates_in *in,
	struct iam_list_signing_certificates_out *out)
{
	struct iam_entity_row e;
	uint32_t from, to;
	if (iam_user_or_self(c, in->UserName, &e) ||
		iam_slice(c, e.Signing.n, in->Marker, in->MaxItems, &from, &to, &out->IsTruncated,
			&out->Marker))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->Certificates, to - from);
	for (uint32_t i = from; i < to; i++)
		out->Certificates.v[out->Certificates.n++] =
			certificate_tell(&e, &e.Signing.v[i]);
	return CALL_OK;
}

int
iam_update_signing_certificate(struct call *c, const struct iam_update_signing_certificate_in *in,
	struct iam_update_signing_certificate_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_held *h;
	if (iam_user_or_self(c, in->UserName, &e) ||
		held_need(c, &e.Signing, in->CertificateId, "Certificate", &h) ||
		held_status(c, h, in->Status))
		return CALL_FAILED;
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

int
iam_delete_signing_certificate(struct call *c, const struct iam_delete_signing_certificate_in *in,
	struct iam_delete_signing_certificate_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	struct iam_held *h;
	if (iam_user_or_self(c, in->UserName, &e) ||
		held_need(c, &e.Signing, in->CertificateId, "Certificate", &h))
		return CALL_FAILED;
	e.Signing = held_without(c, &e.Signing, h);
	iam_save(c, IAM_USER, &e);
	return CALL_OK;
}

/* ---- credentials of single services: none of this cloud takes any ---- */

int
iam_create_service_specific_credential(struct call *c,
	const struct iam_create_service_specific_credential_in *in,
	struct iam_create_service_specific_credential_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_USER, in->UserName, &e))
		return CALL_FAILED;
	return call_fail(c, &IAM_NotSupportedService,
		"No such service %.*s is supported for Service Specific Credentials: the services of "
		"this cloud take access keys.",
		STR_FMT(in->ServiceName));
}

int
iam_list_service_specific_credentials(struct call *c,
	const struct iam_list_service_specific_credentials_in *in,
	struct iam_list_service_specific_credentials_out *out)
{
	struct iam_entity_row e;
	if (!in->AllUsers.v && iam_user_or_self(c, in->UserName, &e))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->ServiceSpecificCredentials, 0);
	out->IsTruncated = OPT_BOOL(false);
	return CALL_OK;
}
