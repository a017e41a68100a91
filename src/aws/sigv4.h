/*
 * sigv4: AWS Signature Version 4, both sides.
 *
 * Verifying takes three steps, so that the caller looks the secret up in between:
 *   sigv4_parse   reads the Authorization header or the X-Amz-* query once; no crypto
 *   credentials_find(auth.access_key, …)
 *   sigv4_verify  canonical request from the RAW request, scope, clock, expiry, token, signature
 * then for streaming payload forms aws_chunked_init(…, &auth, …), and for a stated hash
 * sigv4_body_matches once the body's SHA-256 is known.
 *
 * S3 puts the path into the canonical request as it came; all others encode it a second time and
 * resolve "." and "..". The arena is touched only for percent-encoded pieces of a presigned query
 * and for the message of a failure. Texts in struct sigv4_auth borrow from the request or the
 * arena. Any thread: the only state is a bounded cache of signing keys for each thread.
 */
#ifndef HANEUL_AWS_SIGV4_H
#define HANEUL_AWS_SIGV4_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/str.h"
#include "wire/http_server.h"

struct buf;

enum sigv4_style { /* which codes, sentences and statuses a failure uses */
	SIGV4_STYLE_S3,
	SIGV4_STYLE_QUERY, /* InvalidClientTokenId, IncompleteSignature … */
	SIGV4_STYLE_EC2,   /* AuthFailure … */
	SIGV4_STYLE_JSON,  /* UnrecognizedClientException, InvalidSignatureException … (400) */
	SIGV4_STYLE_REST,  /* the same names with 403 */
};
enum sigv4_style sigv4_style_of(const struct service *s, enum protocol p);

enum sigv4_form {
	SIGV4_ANONYMOUS, /* no credentials at all */
	SIGV4_HEADER,
	SIGV4_QUERY, /* presigned */
};

enum sigv4_payload {
	SIGV4_PAYLOAD_BODY, /* not stated: sigv4_verify needs the body's SHA-256 (never for S3) */
	SIGV4_PAYLOAD_HASH, /* stated in hex: check with sigv4_body_matches when the body is there
			     */
	SIGV4_PAYLOAD_UNSIGNED,
	SIGV4_PAYLOAD_STREAMING,                  /* aws-chunked, each chunk signed */
	SIGV4_PAYLOAD_STREAMING_TRAILER,          /* … and a signed trailer */
	SIGV4_PAYLOAD_STREAMING_UNSIGNED_TRAILER, /* aws-chunked, no signatures, trailer */
};

struct sigv4_request {
	struct str method;
	struct str path;  /* raw, as on the request line */
	struct str query; /* raw, without '?' */
	const struct http_header *headers;
	unsigned headers_n;
};

struct sigv4_failure {
	const struct api_error
		*error;          /* hand to call_fail: common rows still pass error_variant there */
	struct str message;      /* arena; STR_NULL: the error's default sentence */
	struct str fields[8][2]; /* further members for S3 (StringToSign …): copy into
				    call->error_fields */
	unsigned fields_n;
};

/* SHA-256 states after the padded HMAC key: what signing one more string needs. */
struct sigv4_key {
	uint32_t inner[8], outer[8];
};

struct sigv4_auth {
	enum sigv4_form form;
	enum sigv4_payload payload;
	enum sigv4_style style;
	struct str access_key;
	struct str date, region, service; /* of the scope: "20260102", "us-east-1", "s3" */
	struct str
		scope; /* "20260102/us-east-1/s3/aws4_request" as sent (a presigned one: decoded) */
	struct str signed_headers; /* "host;x-amz-date" */
	struct str signature;      /* 64 hex digits, as sent (always 64) */
	struct str amz_date;       /* "20260102T030405Z" */
	int64_t time_ms;
	int64_t expires_s; /* presigned */
	struct str token;  /* x-amz-security-token; STR_NULL: none */
	struct str
		payload_hash; /* as it goes into the canonical request; STR_NULL for PAYLOAD_BODY */
	struct sigv4_key key; /* set by sigv4_verify */
	bool verified;        /* false for any_secret: chunk signatures cannot be checked either */
};

/* 0, or -EACCES with *f set. A request without credentials: 0 and SIGV4_ANONYMOUS. SigV2 in both
 * forms and SigV4A are refused here with AWS's sentence. S3's rules (path, mandatory
 * x-amz-content-sha256) follow the style. */
int sigv4_parse(const struct sigv4_request *r, enum sigv4_style style, struct arena *a,
	struct sigv4_auth *ret_auth, struct sigv4_failure *ret_failure);

/* What the caller expects; STR_NULL: any. */
struct sigv4_expect {
	struct str region, service;
	int64_t real_ms, virtual_ms; /* 0: taken from the clock. In time by either is in time. */
	const unsigned char *body_sha256; /* for SIGV4_PAYLOAD_BODY; NULL: of the empty body */
};
/* 0, or -EACCES with *f set. c == NULL: the key id is unknown (says so in the style's words).
 * Inactive keys, expired sessions and wrong tokens fail here too. For any_secret keys only the
 * form, scope and the expiry of presigned requests are looked at. */
int sigv4_verify(const struct sigv4_request *r, struct sigv4_auth *auth, const struct credential *c,
	const struct sigv4_expect *e, struct arena *a, struct sigv4_failure *ret_failure);
/* For SIGV4_PAYLOAD_HASH; true for other forms. Failure: XAmzContentSHA256Mismatch or the style's
 * mismatch. */
int sigv4_body_matches(const struct sigv4_auth *auth, const unsigned char body_sha256[32],
	struct arena *a, struct sigv4_failure *ret_failure);

/* Pieces, for the vectors' tests and aws_chunked. */
void sigv4_key_derive(struct str secret, struct str date, struct str region, struct str service,
	struct sigv4_key *ret_key);
void sigv4_key_sign(const struct sigv4_key *k, struct str text, char ret_hex[64]);
/* Canonical request of a request whose auth was parsed or is being made. */
void sigv4_canonical(const struct sigv4_request *r, const struct sigv4_auth *auth,
	const unsigned char *body_sha256, struct buf *out);

/*
 * Signing, for our own clients and tests.
 */
struct sigv4_signer {
	struct str access_key, secret, token; /* token STR_NULL: none */
	struct str region, service;
	int64_t now_ms;
	enum sigv4_payload payload; /* HASH states x-amz-content-sha256 when `s3`, UNSIGNED …; BODY:
				       hash not sent */
	const unsigned char *body_sha256; /* for HASH and BODY; NULL: of the empty body */
	bool s3;                          /* path rules */
	bool keep_path;                   /* not s3, but do not normalise (vectors) */
};
struct sigv4_signed {
	struct http_header headers[5]; /* to add: x-amz-date, x-amz-content-sha256,
					  x-amz-security-token, authorization */
	unsigned headers_n;
	struct str signature;
	struct str amz_date, scope; /* these and the key: for chunk signatures */
	struct sigv4_key key;
};
/* `r` holds the headers to be sent, Host included; all of them are signed but connection,
 * user-agent, expect, transfer-encoding and x-amzn-trace-id. Texts live in the arena. */
void sigv4_sign(const struct sigv4_request *r, const struct sigv4_signer *s, struct arena *a,
	struct sigv4_signed *ret_signed);
/* The whole query to use instead of r->query (which must not hold X-Amz-* of its own).
 * The payload is unsigned for S3. Signs `host` and every x-amz-* header
 * of r. */
struct str sigv4_presign(const struct sigv4_request *r, const struct sigv4_signer *s,
	int64_t expires_s, struct arena *a);

#endif
