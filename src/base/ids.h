/*
 * ids: random bytes and the identifiers made of them. Bytes come from the kernel (getrandom)
 * through a buffer of each thread, wiped as it is used and thrown away after a fork, so they are
 * fit for secrets. Any thread. After ids_seed the stream is a function of the seed: tests only.
 * Characters written to `ret` are followed by NUL.
 */
#ifndef HANEUL_BASE_IDS_H
#define HANEUL_BASE_IDS_H

#include "base/arena.h"

/* seed != 0: every id is a function of the seed and of the calls since. 0: random again. */
void ids_seed(uint64_t seed);

void random_bytes(void *ret, size_t n);
uint64_t random_u64(void);
uint64_t random_below(uint64_t n); /* uniform in [0, n); n > 0 */
/* n characters drawn uniformly from the alphabet; ret takes n + 1. */
void random_chars(char *ret, size_t n, const char *alphabet);
#define IDS_BASE32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" /* access keys, IAM unique ids */
#define IDS_UPPER_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define IDS_LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define IDS_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

void ids_hex(char *ret, size_t digits); /* ret takes digits + 1 */
struct str ids_hex_text(struct arena *a, const char *prefix, size_t digits); /* "i-" + 17 digits */
struct str ids_chars_text(struct arena *a, const char *prefix, size_t n, const char *alphabet);
#define IDS_UUID_LEN 36
void ids_uuid(char ret[IDS_UUID_LEN + 1]); /* version 4, lower case */
struct str ids_uuid_text(struct arena *a);
/* x-amzn-RequestId is a uuid; S3's x-amz-request-id is 16 characters, x-amz-id-2 76 of base64. */
#define IDS_S3_REQUEST_LEN 16
void ids_s3_request(char ret[IDS_S3_REQUEST_LEN + 1]);
#define IDS_S3_EXTENDED_LEN 76
void ids_s3_extended(char ret[IDS_S3_EXTENDED_LEN + 1]);

#endif
