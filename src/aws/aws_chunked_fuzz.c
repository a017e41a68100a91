#include "aws/aws_chunked.h"

#include <assert.h>
#include <stdlib.h>

struct count {
	uint64_t bytes;
};

static int
data(void *arg, struct str bytes)
{
	struct count *c = arg;
	assert(bytes.len > 0);
	c->bytes += bytes.len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* First byte: payload form and whether signatures are checked; second: size of the pieces; third:
 * the announced length. However a body is cut into pieces, the answer is the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const char seed[] =
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
	struct sigv4_auth auth = { .scope = STR("20130524/us-east-1/s3/aws4_request"),
		.amz_date = STR("20130524T000000Z"),
		.signature = str_of(seed, 64) };
	uint64_t first = 0;
	int first_end = 0;

	if (size < 3)
		return 0;
	struct aws_chunked *d = malloc(sizeof(*d));
	struct str body = str_of(input + 3, size - 3);
	auth.payload = SIGV4_PAYLOAD_STREAMING + input[0] % 3;
	auth.verified = input[0] & 4;
	for (int whole = 1; whole >= 0; whole--) {
		struct count c = { 0 };
		size_t step = whole ? body.len + 1 : 1 + input[1] % 16;
		int r = 0;
		aws_chunked_init(
			d, &auth, input[2], STR("x-amz-checksum-crc32, x-amz-checksum-sha256"));
		d->data = data;
		d->arg = &c;
		for (size_t at = 0; at < body.len && !r; at += step)
			r = aws_chunked_feed(d, str_slice(body, at, at + step));
		r = r ? r : aws_chunked_end(d);
		assert(c.bytes == d->decoded_bytes && (r || c.bytes == input[2]));
		assert(!r == !d->error);
		if (whole) {
			first = c.bytes;
			first_end = r;
		} else {
			assert(r == first_end && (r || c.bytes == first));
		}
	}
	free(d);
	return 0;
}
