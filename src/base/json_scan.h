/* json_scan: the inner loop that reader and writer share; private to json*.c. */
#ifndef HANEUL_BASE_JSON_SCAN_H
#define HANEUL_BASE_JSON_SCAN_H

#include "base/str.h"

/* How many bytes at the front stand for themselves in a JSON string: no '"', '\' or control. */
static inline size_t
json_plain_len(const char *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
	size_t i = 0;
	for (; n - i >= 8; i += 8) {
		uint64_t v;
		memcpy(&v, p + i, 8);
		uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
		/* The top bit of a byte is set where it is zero, or below 0x20. */
		uint64_t hit = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
			       ((v - ones * 0x20) & ~v);
		if (hit & tops)
			break;
	}
	while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

#endif
