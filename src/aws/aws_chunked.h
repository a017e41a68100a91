/*
 * aws_chunked: the body coding that SDKs use to stream with signatures or trailing checksums
 * (Content-Encoding: aws-chunked). Incremental: takes whatever bytes arrive, hands on decoded ones,
 * holds one header line at most. Each chunk's signature is checked when the chunk is complete; data
 * handed on before that is provisional until aws_chunked_end returned 0.
 *
 * In place; no heap. One decoder belongs to one request; any thread.
 */
#ifndef HANEUL_AWS_AWS_CHUNKED_H
#define HANEUL_AWS_AWS_CHUNKED_H

#include "aws/sigv4.h"

#define AWS_CHUNKED_LINE_MAX 1024
#define AWS_CHUNKED_TRAILERS_MAX 8
#define AWS_CHUNKED_TRAILER_BYTES 2048

struct aws_chunked {
	/* Decoded bytes; borrowed during the call. Non-zero stops: feed returns it. Set both after
	 * init, or leave NULL. */
	int (*data)(void *arg, struct str bytes);
	void *arg;
	const struct sigv4_auth *auth; /* borrowed until aws_chunked_end */
	bool check_signatures, want_trailer;
	uint8_t state;
	uint64_t decoded_bytes, expected_bytes;
	uint64_t chunk_left, chunk_bytes;
	bool short_chunk_seen;               /* only the last one with data may be under 8 KiB */
	_Alignas(16) unsigned char sha[128]; /* of the running chunk */
	char previous[64];                   /* hex signature that the next one builds on */
	char announced[64];                  /* signature in the running chunk's header */
	bool announced_set;
	char line[AWS_CHUNKED_LINE_MAX];
	uint16_t line_len;
	char trailer_text[AWS_CHUNKED_TRAILER_BYTES]; /* "name:value\n" as signed */
	uint16_t trailer_len;
	struct http_header
		trailers[AWS_CHUNKED_TRAILERS_MAX]; /* into trailer_text; names in lower case */
	uint8_t trailers_n;
	char announced_names[AWS_CHUNKED_LINE_MAX]; /* value of x-amz-trailer */
	uint16_t announced_names_len;
	bool trailer_signed; /* x-amz-trailer-signature came and matched */
	const struct api_error *error;
	const char *message; /* NULL: the error's default sentence */
};

/* auth: parsed and verified, with a STREAMING payload form. decoded_bytes:
 * x-amz-decoded-content-length, -1: not sent (the first feed then fails with MissingContentLength,
 * as S3 does). `announced`: value of x-amz-trailer (STR_NULL: none); trailers that were not
 * announced are refused. */
void aws_chunked_init(struct aws_chunked *d, const struct sigv4_auth *auth, int64_t decoded_bytes,
	struct str announced);
/* 0; -EBADMSG with d->error and d->message set; or what `data` returned. */
int aws_chunked_feed(struct aws_chunked *d, struct str bytes);
/* After the last byte: 0 when complete and everything matched; else -EBADMSG (IncompleteBody …). */
int aws_chunked_end(struct aws_chunked *d);
/* The checksum trailers that came ("x-amz-checksum-crc32" …); STR_NULL when absent. After
 * aws_chunked_end. */
struct str aws_chunked_trailer(const struct aws_chunked *d, struct str lower_name);

/* The encoder, for our own client and tests: appends one chunk (empty data: the last one, without
 * the line end after it). `previous` is 64 hex digits, s->signature at first, updated. s == NULL:
 * unsigned. */
struct buf;
void aws_chunked_write(
	struct buf *out, const struct sigv4_signed *s, char previous[64], struct str data);
/* Ends a body after its last, empty chunk: trailers (names in lower case), their signature when
 * signed and any are there, the final line end. */
void aws_chunked_write_end(struct buf *out, const struct sigv4_signed *s, const char previous[64],
	const struct http_header *trailers, unsigned n);

#endif
