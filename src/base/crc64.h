/*
 * crc64: the two ways to compute CRC-64/NVME, private to digest.c and its tests, and arithmetic on
 * remainders for joining checksums. States are raw: not inverted at either end.
 */
#ifndef HANEUL_BASE_CRC64_H
#define HANEUL_BASE_CRC64_H

#include "base/str.h"

uint64_t crc64_by_table(uint64_t state, const unsigned char *p, size_t n);
/* Only where crc64_can_multiply(). */
uint64_t crc64_by_multiply(uint64_t state, const unsigned char *p, size_t n);
bool crc64_can_multiply(void);

/* a * x^(8 * bytes) modulo a reflected polynomial of `width` bits. */
uint64_t crc_shift(uint64_t a, uint64_t bytes, uint64_t polynomial, unsigned width);

#endif
