/* Public halves of keys: read from every form that EC2 takes. */
#include "base/buf.h"
#include "base/digest.h"
#include "base/ssh_wire.h"
#include "base/text.h"
#include "svc/ec2/key_material.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

static const char not_openssh[] = "Key is not in valid OpenSSH public key format";

static struct str
unsigned_of(struct str mpint)
{
	while (mpint.len && !mpint.p[0])
		mpint = str_slice(mpint, 1, mpint.len);
	return mpint;
}

static unsigned
bits_of(struct str n)
{
	unsigned bits = n.len > 2048 ? 0 : (unsigned)n.len * 8;
	for (unsigned char top = n.len ? (unsigned char)n.p[0] : 0; bits && !(top & 0x80);
		top <<= 1)
		bits--;
	return bits;
}

static struct str
blob_of(struct arena *a, const struct key_public *k)
{
	struct buf b = { 0 };
	ssh_add(&b, k->ed25519 ? STR("ssh-ed25519") : STR("ssh-rsa"));
	if (k->ed25519) {
		ssh_add(&b, k->raw);
	} else {
		ssh_add_number(&b, k->e);
		ssh_add_number(&b, k->n);
	}
	struct str blob = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return blob;
}

static const char *
accept(struct arena *a, struct key_public *k)
{
	unsigned bits = k->ed25519 ? 0 : bits_of(k->n);
	if (k->ed25519 ? k->raw.len != 32
		       : !k->e.len || k->e.len > 8 || !(k->e.p[k->e.len - 1] & 1))
		return not_openssh;
	if (!k->ed25519 && bits != 1024 && bits != 2048 && bits != 4096)
		return "Key length must be 1024, 2048 or 4096 bits";
	k->blob = blob_of(a, k);
	return NULL;
}

static const char *
read_blob(struct arena *a, struct str blob, struct key_public *ret)
{
	struct str type, one, two = STR("");
	if (!ssh_take(&blob, &type) || !ssh_take(&blob, &one))
		return not_openssh;
	if (str_is(type, "ssh-ed25519") && !blob.len) {
		ret->ed25519 = true;
		ret->raw = one;
	} else if (str_is(type, "ssh-rsa") && ssh_take(&blob, &two) && !blob.len) {
		ret->e = unsigned_of(one);
		ret->n = unsigned_of(two);
	} else {
		return not_openssh;
	}
	return accept(a, ret);
}

static struct str
number_of(struct arena *a, EVP_PKEY *key, const char *name)
{
	BIGNUM *n = NULL;
	struct str s = STR_NULL;
	if (!EVP_PKEY_get_bn_param(key, name, &n))
		return s;
	char *p = arena_alloc_raw(a, (size_t)BN_num_bytes(n) + 1);
	s = str_of(p, (size_t)BN_bn2bin(n, (unsigned char *)p));
	BN_free(n);
	return s;
}

static bool
numbers_of(struct arena *a, EVP_PKEY *key, struct key_public *ret)
{
	*ret = (struct key_public){ .ed25519 = EVP_PKEY_is_a(key, "ED25519") };
	if (ret->ed25519) {
		size_t n = 32;
		char *p = arena_alloc_raw(a, n);
		if (!EVP_PKEY_get_raw_public_key(key, (unsigned char *)p, &n))
			return false;
		ret->raw = str_of(p, n);
		return true;
	}
	if (!EVP_PKEY_is_a(key, "RSA"))
		return false;
	ret->e = number_of(a, key, OSSL_PKEY_PARAM_RSA_E);
	ret->n = number_of(a, key, OSSL_PKEY_PARAM_RSA_N);
	return ret->e.p && ret->n.p;
}

bool
key_public_of(struct arena *a, EVP_PKEY *key, struct key_public *ret)
{
	return numbers_of(a, key, ret) && !accept(a, ret);
}

static const char *
read_der(struct arena *a, struct str der, struct key_public *ret)
{
	const unsigned char *at = (const unsigned char *)der.p, *end = at + der.len;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
	const char *why = not_openssh;
	if (key && at == end && numbers_of(a, key, ret))
		why = accept(a, ret);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return why;
}

/* RFC 4716: headers of one line or, ended by a backslash, several; then base64. */
static const char *
read_rfc4716(struct arena *a, struct str rest, struct key_public *ret)
{
	struct buf b = { 0 };
	bool header = false, ended = false;
	str_cut(&rest, '\n');
	while (rest.p && !ended) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		bool goes_on = str_ends(line, STR("\\"));
		ended = str_starts(line, STR("---- END SSH2 PUBLIC KEY"));
		if (!ended && !header && str_find(line, ':') < 0)
			buf_add_str(&b, line);
		header = (header || str_find(line, ':') >= 0) && goes_on;
	}
	struct str blob = base64_bytes(a, buf_str(&b), BASE64_LENIENT);
	buf_done(&b);
	return ended && blob.p ? read_blob(a, blob, ret) : not_openssh;
}

static const char *
read_line(struct arena *a, struct str line, struct key_public *ret)
{
	struct str type = str_cut(&line, ' '), rest = line.p ? str_trim(line) : STR("");
	struct str blob = base64_bytes(a, str_cut(&rest, ' '), BASE64_LENIENT), named;
	struct str at = blob;
	if (!blob.p || !ssh_take(&at, &named) || !str_eq(named, type))
		return not_openssh;
	return read_blob(a, blob, ret);
}

const char *
key_public_read(struct arena *a, struct str material, struct key_public *ret)
{
	struct str text = str_trim(material), der;
	*ret = (struct key_public){ 0 };
	if (material.len > KEY_MATERIAL_MAX)
		return "Key material is too long";
	if (str_starts(text, STR("---- BEGIN SSH2 PUBLIC KEY")))
		return read_rfc4716(a, text, ret);
	if (str_starts(text, STR("ssh-")))
		return read_line(a, str_cut(&text, '\n'), ret);
	if (text.len && text.p[0] == '0' && material.p[0] == '0' && !read_der(a, material, ret))
		return NULL;
	der = base64_bytes(a, text, BASE64_LENIENT);
	return der.len ? read_der(a, der, ret) : not_openssh;
}

struct str
key_public_line(struct arena *a, const struct key_public *k, struct str comment)
{
	struct str base64 = base64_text(a, k->blob);
	return arena_printf(a, "%s %.*s%s%.*s", k->ed25519 ? "ssh-ed25519" : "ssh-rsa",
		STR_FMT(base64), comment.len ? " " : "", STR_FMT(comment));
}

/* A length and tag of DER. */
static void
der_add(struct buf *b, unsigned char tag, struct str content)
{
	buf_add_c(b, (char)tag);
	if (content.len >= 256) {
		buf_add_c(b, (char)0x82);
		buf_add_c(b, (char)(content.len >> 8));
	} else if (content.len >= 128) {
		buf_add_c(b, (char)0x81);
	}
	buf_add_c(b, (char)content.len);
	buf_add_str(b, content);
}

static void
der_add_number(struct buf *b, struct str n)
{
	char bytes[1 + 1024] = { 0 };
	bool high = n.len && (n.p[0] & 0x80);
	if (n.len > 1024)
		return;
	memcpy(bytes + high, n.p, n.len);
	der_add(b, 2, str_of(bytes, n.len + high));
}

struct str
key_colons(struct arena *a, const unsigned char *sum, size_t n)
{
	char *p = arena_alloc_raw(a, n * 3);
	for (size_t i = 0; i < n; i++) {
		hex_encode(str_of(sum + i, 1), p + i * 3);
		p[i * 3 + 2] = ':';
	}
	return str_of(p, n * 3 - 1);
}

struct str
key_public_fingerprint(struct arena *a, const struct key_public *k)
{
	static const char rsa[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
	struct buf numbers = { 0 }, bits = { 0 }, both = { 0 }, spki = { 0 };
	unsigned char sum[32];
	if (k->ed25519) {
		sha256(k->blob, sum);
		return base64_text(a, str_of(sum, 32));
	}
	der_add_number(&numbers, k->n);
	der_add_number(&numbers, k->e);
	buf_add_c(&bits, 0);
	der_add(&bits, 0x30, buf_str(&numbers));
	buf_add(&both, rsa, sizeof(rsa) - 1);
	der_add(&both, 3, buf_str(&bits));
	der_add(&spki, 0x30, buf_str(&both));
	md5(buf_str(&spki), sum);
	buf_done(&numbers);
	buf_done(&bits);
	buf_done(&both);
	buf_done(&spki);
	return key_colons(a, sum, 16);
}
