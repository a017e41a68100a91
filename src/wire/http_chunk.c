#include "wire/http_chunk.h"

#include "wire/http_head.h"

#include <errno.h>

#define DIGITS_MAX 15
#define EXTENSION_MAX 65536
#define TRAILER_MAX 16384
#define TRAILER_FIELDS_MAX 64

enum {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	TRAILER_LINE,
	TRAILER_LF,
	LAST_LF
};

void
http_chunk_reset(struct http_chunk *d)
{
	struct buf keep = d->trailer;
	buf_clear(&keep);
	*d = (struct http_chunk){ .trailer = keep };
}

void
http_chunk_done(struct http_chunk *d)
{
	if (d)
		buf_done(&d->trailer);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
size_byte(struct http_chunk *d, char c)
{
	int digit = hex_digit(c);
	if (digit >= 0) {
		if (++d->digits > DIGITS_MAX)
			return -EBADMSG;
		d->left = d->left << 4 | (unsigned)digit;
		return 0;
	}
	if (!d->digits || (c != ';' && c != '\r'))
		return -EBADMSG;
	d->state = c == ';' ? EXTENSION : SIZE_LF;
	return 0;
}

static int
extension_byte(struct http_chunk *d, char c)
{
	if (c == '\r') {
		d->state = SIZE_LF;
		return 0;
	}
	if (((uint8_t)c < ' ' && c != '\t') || c == 0x7f || ++d->extension_bytes > EXTENSION_MAX)
		return -EBADMSG;
	return 0;
}

static int
expect(struct http_chunk *d, char c, char want, uint8_t next)
{
	d->state = next;
	return c == want ? 0 : -EBADMSG;
}

static int
trailer_byte(struct http_chunk *d, char c)
{
	if (d->trailer.len >= TRAILER_MAX)
		return -EBADMSG;
	if (d->state == TRAILER && c == '\r')
		return expect(d, c, '\r', LAST_LF);
	if (c == '\n' || c == 0)
		return -EBADMSG;
	buf_add_c(&d->trailer, c);
	d->state = c == '\r' ? TRAILER_LF : TRAILER_LINE;
	return 0;
}

static int
framing_byte(struct http_chunk *d, char c)
{
	switch (d->state) {
	case SIZE:
		return size_byte(d, c);
	case EXTENSION:
		return extension_byte(d, c);
	case SIZE_LF:
		d->digits = 0;
		return expect(d, c, '\n', d->left ? DATA : TRAILER);
	case DATA_CR:
		return expect(d, c, '\r', DATA_LF);
	case DATA_LF:
		return expect(d, c, '\n', SIZE);
	case TRAILER_LF:
		buf_add_c(&d->trailer, c);
		return expect(d, c, '\n', TRAILER);
	case LAST_LF:
		d->done = true;
		return c == '\n' ? 0 : -EBADMSG;
	}
	return trailer_byte(d, c);
}

ssize_t
http_chunk_decode(struct http_chunk *d, const char *p, size_t n, struct str *ret_data)
{
	size_t at = 0;
	*ret_data = str_of(p, 0);
	while (at < n && !d->done) {
		if (d->state == DATA) {
			size_t len = n - at < d->left ? n - at : (size_t)d->left;
			*ret_data = str_of(p + at, len);
			d->left -= len;
			if (!d->left)
				d->state = DATA_CR;
			return (ssize_t)(at + len);
		}
		if (framing_byte(d, p[at++]))
			return -EBADMSG;
	}
	return (ssize_t)at;
}

static bool
is_framing(struct str name)
{
	return str_eq_nocase(name, STR("Content-Length")) || str_eq_nocase(name, STR("Host")) ||
	       str_eq_nocase(name, STR("Transfer-Encoding"));
}

int
http_chunk_trailers(const struct http_chunk *d, struct arena *a, struct http_header **ret_fields,
	unsigned *ret_n)
{
	struct str rest = buf_str(&d->trailer);
	struct http_header *fields = NULL;
	unsigned n = 0;
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		if (!fields)
			fields = arena_array(a, struct http_header, TRAILER_FIELDS_MAX);
		if (n == TRAILER_FIELDS_MAX || !line.len ||
			http_field_parse(line.p, line.len - 1, &fields[n]) ||
			is_framing(fields[n].name))
			return -EBADMSG;
		n++;
	}
	*ret_fields = fields;
	*ret_n = n;
	return 0;
}
