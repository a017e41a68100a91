/*
 * http_head: the strict parser of request heads and of trailer fields. Pure functions over a
 * buffer that the caller keeps in place: what they hand out points into it.
 *
 * What they return is 0 or the HTTP status with which the request must be refused. Every form that
 * two parsers could read differently is refused: bare CR or LF, NUL, folded lines, blanks around
 * names, repeated or conflicting framing fields.
 */
#ifndef HANEUL_WIRE_HTTP_HEAD_H
#define HANEUL_WIRE_HTTP_HEAD_H

#include "wire/http_server.h"

/* Where a search for the end of a head goes on when more bytes have come. Zeroed to start. */
struct http_scan {
	uint32_t at;    /* start of the line that is not complete yet */
	uint32_t lines; /* complete lines, the request line included */
};

struct http_head {
	struct http_request request; /* tls and peer are not set here */
	bool keep_alive;
};

/* Looks at p[0, n). *ret_len: length of the head with its blank line; 0 while it is incomplete. */
int http_head_scan(struct http_scan *scan, const char *p, size_t n,
	const struct http_limits *limits, size_t *ret_len);
/* Parses a head that http_head_scan found; headers has room for scan.lines of them. */
int http_head_parse(const char *p, size_t len, const struct http_limits *limits,
	struct http_header *headers, struct http_head *ret_head);
/* Parses one field line without its CR LF. */
int http_field_parse(const char *line, size_t len, struct http_header *ret_header);

#endif
