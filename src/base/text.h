/*
 * text: bytes written as text and read back: hexadecimal, base64, numbers. Encoders never fail;
 * decoders answer STR_NULL (or false) for anything malformed, and an empty str for empty input.
 * Results live in the arena given, or are appended to the buf. No state, any thread.
 */
#ifndef HANEUL_BASE_TEXT_H
#define HANEUL_BASE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* Lower case. ret takes 2 * bytes.len characters, no NUL. */
void hex_encode(struct str bytes, char *ret);
struct str hex_text(struct arena *a, struct str bytes);
void hex_add(struct buf *b, struct str bytes);
/* Both cases accepted; true only when text is exactly 2 * n hexadecimal digits. */
bool hex_decode(struct str text, void *ret, size_t n);
struct str hex_bytes(struct arena *a, struct str text);

enum base64_form {
	BASE64_STRICT,  /* standard alphabet, padded, unused bits zero, nothing else */
	BASE64_LENIENT, /* both alphabets, padding optional, blanks and line ends skipped, unused
			   bits ignored */
	BASE64_URL,     /* '-' and '_', padding optional */
};
#define BASE64_LEN(n) (((size_t)(n) + 2) / 3 * 4)
/* Standard alphabet with padding. ret takes BASE64_LEN(bytes.len) characters, no NUL. */
void base64_encode(struct str bytes, char *ret);
struct str base64_text(struct arena *a, struct str bytes);
void base64_add(struct buf *b, struct str bytes);
struct str base64_url_text(struct arena *a, struct str bytes); /* no padding */
struct str base64_bytes(struct arena *a, struct str text, enum base64_form form);
/* True only when text is strict base64 of exactly n bytes (Content-MD5, x-amz-checksum-*). */
bool base64_decode(struct str text, void *ret, size_t n);

#define TEXT_F64_MAX 32
/* The shortest decimal text that reads back as v ("5.0", "0.1", "1e+300"; NaN, Infinity,
 * -Infinity). NUL-terminated in ret. */
struct str text_f64(double v, char ret[TEXT_F64_MAX]);

#endif
