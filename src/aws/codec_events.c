/* Event stream framing: prelude (total, headers length, CRC of both), headers, payload, CRC of all.
 */
#include "aws/codec.h"
#include "base/digest.h"

#include <assert.h>
#include <errno.h>

#define PRELUDE_BYTES 12
#define OVERHEAD_BYTES 16
#define MESSAGE_MAX (24u << 20) /* AWS: 16 MiB of payload, 128 KiB of headers */
#define HEADERS_MAX (128u << 10)

static const uint8_t fixed_bytes[] = {
	[0] = 0, [1] = 0, [2] = 1, [3] = 2, [4] = 4, [5] = 8, [8] = 8, [9] = 16
};

static void
add_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes--)
		buf_add_c(b, (char)(v >> (8 * bytes)));
}

static uint64_t
get_be(const char *p, unsigned bytes)
{
	uint64_t v = 0;
	while (bytes--)
		v = v << 8 | (unsigned char)*p++;
	return v;
}

static void
header_write(struct buf *b, const struct event_header *h)
{
	assert(h->name.len > 0 && h->name.len < 256 && h->type <= 9);
	buf_add_c(b, (char)h->name.len);
	buf_add_str(b, h->name);
	buf_add_c(b, (char)h->type);
	if (h->type == 6 || h->type == 7) {
		assert(h->text.len <= UINT16_MAX);
		add_be(b, h->text.len, 2);
		buf_add_str(b, h->text);
	} else if (h->type == 9) {
		assert(h->text.len == 16);
		buf_add_str(b, h->text);
	} else {
		add_be(b, (uint64_t)h->number, fixed_bytes[h->type]);
	}
}

void
event_message_write(struct buf *out, const struct event_header *h, unsigned n, struct str payload)
{
	size_t start = out->len;
	char prelude[PRELUDE_BYTES] = { 0 };
	buf_add(out, prelude, sizeof(prelude));
	for (unsigned i = 0; i < n; i++)
		header_write(out, &h[i]);
	size_t headers = out->len - start - PRELUDE_BYTES;
	buf_add_str(out, payload);
	size_t total = out->len - start + 4;
	assert(headers <= HEADERS_MAX && total <= MESSAGE_MAX);
	struct buf head = { 0 };
	add_be(&head, total, 4);
	add_be(&head, headers, 4);
	add_be(&head, crc32_ieee(0, buf_str(&head)), 4);
	memcpy(out->p + start, head.p, PRELUDE_BYTES);
	buf_done(&head);
	add_be(out, crc32_ieee(0, str_of(out->p + start, total - 4)), 4);
}

/* One header off *rest; false when it is malformed. */
static bool
header_read(struct str *rest, struct event_header *ret)
{
	struct event_header h = { 0 };
	size_t at = 1, len = rest->len ? (unsigned char)rest->p[0] : 0;
	if (len == 0 || rest->len < at + len + 1)
		return false;
	h.name = str_slice(*rest, at, at + len);
	at += len;
	h.type = (uint8_t)rest->p[at++];
	if (h.type > 9)
		return false;
	size_t need = h.type == 6 || h.type == 7 ? 2 : fixed_bytes[h.type];
	if (rest->len < at + need)
		return false;
	if (h.type == 6 || h.type == 7) {
		len = (size_t)get_be(rest->p + at, 2);
		at += 2;
		if (rest->len < at + len)
			return false;
		h.text = str_slice(*rest, at, at + len);
		need = len;
	} else if (h.type == 9) {
		h.text = str_slice(*rest, at, at + 16);
	} else if (need) {
		uint64_t v = get_be(rest->p + at, (unsigned)need);
		unsigned shift = 64 - 8 * (unsigned)need;
		/* The wire's integers are signed. */
		h.number = (int64_t)(v << shift) >> shift;
	}
	*rest = str_slice(*rest, at + need, rest->len);
	*ret = h;
	return true;
}

int
event_message_read(struct str *rest, struct event_header *h, unsigned cap, unsigned *ret_n,
	struct str *ret_payload)
{
	if (rest->len < PRELUDE_BYTES)
		return 0;
	uint64_t total = get_be(rest->p, 4), headers = get_be(rest->p + 4, 4);
	if (get_be(rest->p + 8, 4) != crc32_ieee(0, str_slice(*rest, 0, 8)) ||
		total < OVERHEAD_BYTES || total > MESSAGE_MAX || headers > HEADERS_MAX ||
		headers > total - OVERHEAD_BYTES)
		return -EBADMSG;
	if (rest->len < total)
		return 0;
	if (get_be(rest->p + total - 4, 4) != crc32_ieee(0, str_slice(*rest, 0, total - 4)))
		return -EBADMSG;
	struct str hs = str_slice(*rest, PRELUDE_BYTES, PRELUDE_BYTES + headers);
	unsigned n = 0;
	while (hs.len) {
		struct event_header one;
		if (!header_read(&hs, &one))
			return -EBADMSG;
		if (n < cap)
			h[n++] = one;
	}
	*ret_n = n;
	*ret_payload = str_slice(*rest, PRELUDE_BYTES + headers, total - 4);
	*rest = str_slice(*rest, total, rest->len);
	return 1;
}
