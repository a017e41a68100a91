/* Server certificates: PEM, checked to be a certificate and to fit its key. */
#include "aws/errors.h"
#include "svc/iam/iam.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

static X509 *
certificate_read(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return x;
}

static int
no_passphrase(char *p __attribute__((unused)), int n __attribute__((unused)),
	int w __attribute__((unused)), void *arg __attribute__((unused)))
{
	return -1;
}

static bool
key_fits(X509 *x, struct str pem, bool *ret_readable)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	*ret_readable = key != NULL;
	bool fits = key && X509_check_private_key(x, key) == 1;
	EVP_PKEY_free(key);
	return fits;
}

static int64_t
expiry_ms(X509 *x)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

static void
metadata_tell(
	struct call *c, const struct iam_entity_row *e, struct iam_server_certificate_metadata *to)
{
	*to = (struct iam_server_certificate_metadata){ .Path = e->Path,
		.ServerCertificateName = e->Name,
		.ServerCertificateId = e->Id,
		.Arn = iam_arn(c->arena, IAM_CERTIFICATE, c->account, e),
		.UploadDate = e->Created,
		.Expiration = e->Expires };
}

static int
certificate_check(
	struct call *c, const struct iam_upload_server_certificate_in *in, int64_t *ret_expires)
{
	X509 *x = certificate_read(in->CertificateBody), *chain = NULL;
	bool readable = false, fits = x && key_fits(x, in->PrivateKey, &readable);
	bool chain_ok = !in->CertificateChain.p || (chain = certificate_read(in->CertificateChain));
	*ret_expires = x ? expiry_ms(x) : 0;
	bool parsed = x != NULL;
	X509_free(x);
	X509_free(chain);
	if (!parsed || !chain_ok)
		return call_fail(c, &IAM_MalformedCertificate,
			"Unable to parse certificate. Please ensure the certificate "
			"is in PEM format.");
	if (!readable)
		return call_fail(c, &IAM_MalformedCertificate,
			"Unable to parse key. Please ensure the key is in PEM format "
			"and is not encrypted.");
	if (!fits)
		return call_fail(
			c, &IAM_KeyPairMismatch, "Certificate and private key do not match.");
	return CALL_OK;
}

int
iam_upload_server_certificate(struct call *c, const struct iam_upload_server_certificate_in *in,
	struct iam_upload_server_certificate_out *out)
{
	struct iam_entity_row e;
	int64_t expires;
	if (certificate_check(c, in, &expires) ||
		iam_make(c, IAM_CERTIFICATE, in->ServerCertificateName, in->Path, &in->Tags, &e))
		return CALL_FAILED;
	e.Certificate = in->CertificateBody;
	e.Chain = in->CertificateChain;
	e.PrivateKey = in->PrivateKey;
	e.Expires = OPT_TIME(expires);
	iam_save(c, IAM_CERTIFICATE, &e);
	out->ServerCertificateMetadata =
		arena_new(c->arena, struct iam_server_certificate_metadata);
	metadata_tell(c, &e, out->ServerCertificateMetadata);
	out->Tags = e.Tags;
	return CALL_OK;
}

int
iam_get_server_certificate(struct call *c, const struct iam_get_server_certificate_in *in,
	struct iam_get_server_certificate_out *out)
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_CERTIFICATE, in->ServerCertificateName, &e))
		return CALL_FAILED;
	struct iam_server_certificate *s = out->ServerCertificate =
		arena_new(c->arena, struct iam_server_certificate);
	s->ServerCertificateMetadata = arena_new(c->arena, struct iam_server_certificate_metadata);
	metadata_tell(c, &e, s->ServerCertificateMetadata);
	s->CertificateBody = e.Certificate;
	s->CertificateChain = e.Chain;
	s->Tags = e.Tags;
	return CALL_OK;
}

int
iam_list_server_certificates(struct call *c, const struct iam_list_server_certificates_in *in,
	struct iam_list_server_certificates_out *out)
{
	struct iam_page p;
	struct iam_entity_row e;
	if (iam_page_open(c, IAM_CERTIFICATE, in->Marker, in->MaxItems, in->PathPrefix, &p))
		return CALL_FAILED;
	IAM_LIST_NEW(c, out->ServerCertificateMetadataList, p.max);
	while (iam_page_next(&p, &e))
		metadata_tell(c, &e,
			&out->ServerCertificateMetadataList
				 .v[out->ServerCertificateMetadataList.n++]);
	iam_page_end(&p, &out->IsTruncated, &out->Marker);
	return CALL_OK;
}

int
iam_update_server_certificate(struct call *c, const struct iam_update_server_certificate_in *in,
	struct iam_update_server_certificate_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_CERTIFICATE, in->ServerCertificateName, &e))
		return CALL_FAILED;
	if (in->NewPath.p)
		e.Path = in->NewPath;
	if (in->NewServerCertificateName.p && !str_eq(in->NewServerCertificateName, e.Name)) {
		if (!str_eq_nocase(in->NewServerCertificateName, e.Name) &&
			iam_exists(c, IAM_CERTIFICATE, in->NewServerCertificateName))
			return call_fail(c, &IAM_EntityAlreadyExists,
				"The Server Certificate with name %.*s already exists.",
				STR_FMT(in->NewServerCertificateName));
		iam_erase(c, IAM_CERTIFICATE, e.Name);
		e.Name = in->NewServerCertificateName;
	}
	iam_save(c, IAM_CERTIFICATE, &e);
	return CALL_OK;
}

int
iam_delete_server_certificate(struct call *c, const struct iam_delete_server_certificate_in *in,
	struct iam_delete_server_certificate_out *out __attribute__((unused)))
{
	struct iam_entity_row e;
	if (iam_open(c, IAM_CERTIFICATE, in->ServerCertificateName, &e))
		return CALL_FAILED;
	iam_erase(c, IAM_CERTIFICATE, e.Name);
	return CALL_OK;
}
