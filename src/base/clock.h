/*
 * clock: the one virtual clock. What AWS users see as time (stamps, expiry, TTL, alarms, bills) is
 * clock_now_ms; it is real time plus an offset that `haneul clock advance` moves and a speed. The
 * offset and speed are kept by the store's owner across restarts. Reading is lock-free, any thread.
 */
#ifndef HANEUL_BASE_CLOCK_H
#define HANEUL_BASE_CLOCK_H

#include "base/arena.h"

#include <stdint.h>

int64_t clock_now_ms(void);   /* virtual Unix time in milliseconds */
int64_t clock_real_ms(void);  /* the machine's */
uint64_t clock_mono_us(void); /* monotonic, for durations */
/* Moves the virtual clock forward; delta_ms >= 0. */
void clock_advance(int64_t delta_ms);
void clock_set_speed(double factor); /* 1 = real; 3600 = an hour a second; 0 = stopped */
double clock_speed(void);
void clock_set(int64_t now_ms); /* tests and restart */

enum time_format {
	TIME_ISO8601,    /* 2026-01-02T03:04:05Z */
	TIME_ISO8601_MS, /* 2026-01-02T03:04:05.678Z */
	TIME_HTTP,       /* Fri, 02 Jan 2026 03:04:05 GMT */
	TIME_BASIC,      /* 20260102T030405Z */
};
#define TIME_TEXT_MAX 40
/* Writes NUL-terminated text into ret and returns it as str. Years 0..9999. */
struct str time_format(int64_t ms, enum time_format f, char ret[TIME_TEXT_MAX]);
struct str time_text(struct arena *a, int64_t ms, enum time_format f);
/* Accepts what AWS clients send: ISO 8601 (with fraction, 'Z' or offset, basic form too), HTTP
 * dates (IMF-fixdate, RFC 850, asctime). false when malformed. */
bool time_parse(struct str s, int64_t *ret_ms);
bool time_parse_epoch(struct str s, int64_t *ret_ms); /* "1515531081.123", also 1.5e9 */

#endif
