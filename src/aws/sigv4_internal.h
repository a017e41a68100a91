/*
 * sigv4_internal: what the files of sigv4 share. Nobody else includes this but their tests.
 */
#ifndef HANEUL_AWS_SIGV4_INTERNAL_H
#define HANEUL_AWS_SIGV4_INTERNAL_H

#include "aws/errors.h"
#include "aws/sigv4.h"

#include <openssl/sha.h>

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_SKEW_MS (15 * 60 * 1000)
#define SIGV4_EXPIRES_MAX_S 604800
#define SIGV4_SIGNED_HEADERS_MAX 256
#define SIGV4_STRING_MAX 512 /* of a string to sign; longer scopes are refused by the parser */
#define SIGV4_SCOPE_MAX 256

/* Collects small pieces for SHA-256, and keeps them too when `copy` is set. */
struct sigv4_sink {
	SHA256_CTX sha;
	struct buf *copy; /* NULL: hash only */
	size_t n;
	char chunk[512];
};

enum sigv4_path {
	SIGV4_PATH_S3,        /* encoded once, as it is */
	SIGV4_PATH_NORMALISE, /* dots and double slashes resolved, then encoded */
	SIGV4_PATH_KEEP,
};

struct sigv4_canonical {
	enum sigv4_path path;
	bool drop_signature; /* leave X-Amz-Signature out of the query */
	bool drop_token;     /* and X-Amz-Security-Token */
	struct str signed_headers, payload_hash;
};

void sigv4_canonical_hash(const struct sigv4_request *r, const struct sigv4_canonical *how,
	struct buf *copy, unsigned char ret_hash[32]);
/* "AWS4-HMAC-SHA256\n<date>\n<scope>\n<hash>"; returns its length. */
size_t sigv4_string_to_sign(struct str amz_date, struct str scope, const unsigned char hash[32],
	char ret[SIGV4_STRING_MAX]);
void sigv4_hex(const unsigned char *bytes, size_t n, char *ret);

/* From the cache of this thread, or derived and put there. */
void sigv4_key_cached(struct str secret, struct str date, struct str region, struct str service,
	struct sigv4_key *ret_key);

/* "20260102T030405Z" and nothing else. */
bool sigv4_time_parse(struct str s, int64_t *ret_ms);
bool sigv4_is_s3(const struct sigv4_auth *auth);

/* All return -EACCES. */
int sigv4_fail(struct sigv4_failure *f, const struct api_error *e, struct arena *a, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
int sigv4_fail_default(struct sigv4_failure *f, const struct api_error *e);
void sigv4_fail_field(struct sigv4_failure *f, const char *name, struct str value);

extern const struct api_error sigv4_header_malformed, sigv4_query_malformed, sigv4_invalid_request,
	sigv4_invalid_argument, sigv4_hash_mismatch, sigv4_headers_not_signed, sigv4_not_yet_valid;

#endif
