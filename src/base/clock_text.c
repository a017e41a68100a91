/* Times as text, both ways. The proleptic Gregorian calendar in UTC, computed, so no locale or
 * zone. */
#include "base/clock.h"

#include <math.h>

#define DAY_MS 86400000LL
#define YEAR_MAX_MS 253402300799999LL   /* 9999-12-31T23:59:59.999Z */
#define YEAR_MIN_MS (-62167219200000LL) /* 0000-01-01T00:00:00Z */

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct when {
	int year, month, day, hour, minute, second, ms; /* month, day from 1 */
};

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last. */
static int64_t
days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_of(int64_t days, struct when *ret)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t d = days - era * 146097;
	int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	d -= 365 * y + y / 4 - y / 100;
	int64_t m = (5 * d + 2) / 153;
	ret->day = (int)(d - (153 * m + 2) / 5 + 1);
	ret->month = (int)(m < 10 ? m + 3 : m - 9);
	ret->year = (int)(y + era * 400 + (ret->month <= 2));
}

static char *
put(char *o, int v, int digits)
{
	for (int i = digits - 1; i >= 0; i--, v /= 10)
		o[i] = (char)('0' + v % 10);
	return o + digits;
}

static char *
put_text(char *o, const char *p, size_t n)
{
	memcpy(o, p, n);
	return o + n;
}

static char *
put_clock(char *o, const struct when *w, const char *sep)
{
	o = put(o, w->hour, 2);
	o = put_text(o, sep, strlen(sep));
	o = put(o, w->minute, 2);
	o = put_text(o, sep, strlen(sep));
	return put(o, w->second, 2);
}

static char *
put_date(char *o, const struct when *w, const char *sep)
{
	o = put(o, w->year, 4);
	o = put_text(o, sep, strlen(sep));
	o = put(o, w->month, 2);
	o = put_text(o, sep, strlen(sep));
	return put(o, w->day, 2);
}

static char *
put_http(char *o, const struct when *w, int64_t days)
{
	int weekday = (int)(((days + 4) % 7 + 7) % 7);
	o = put_text(o, day_names + 3 * weekday, 3);
	o = put_text(o, ", ", 2);
	o = put(o, w->day, 2);
	*o++ = ' ';
	o = put_text(o, month_names + 3 * (w->month - 1), 3);
	*o++ = ' ';
	o = put(o, w->year, 4);
	*o++ = ' ';
	o = put_clock(o, w, ":");
	return put_text(o, " GMT", 4);
}

struct str
time_format(int64_t ms, enum time_format f, char ret[TIME_TEXT_MAX])
{
	ms = ms > YEAR_MAX_MS ? YEAR_MAX_MS : ms < YEAR_MIN_MS ? YEAR_MIN_MS : ms;
	int64_t days = ms / DAY_MS, left = ms % DAY_MS;
	if (left < 0) {
		left += DAY_MS;
		days--;
	}
	struct when w = { .hour = (int)(left / 3600000),
		.minute = (int)(left / 60000 % 60),
		.second = (int)(left / 1000 % 60),
		.ms = (int)(left % 1000) };
	date_of(days, &w);
	char *o = ret;
	if (f == TIME_HTTP) {
		o = put_http(o, &w, days);
	} else {
		bool basic = f == TIME_BASIC;
		o = put_date(o, &w, basic ? "" : "-");
		*o++ = 'T';
		o = put_clock(o, &w, basic ? "" : ":");
		if (f == TIME_ISO8601_MS) {
			*o++ = '.';
			o = put(o, w.ms, 3);
		}
		*o++ = 'Z';
	}
	*o = 0;
	return str_of(ret, (size_t)(o - ret));
}

struct str
time_text(struct arena *a, int64_t ms, enum time_format f)
{
	char tmp[TIME_TEXT_MAX];
	return arena_dup(a, time_format(ms, f, tmp));
}

/* The take_ functions cut what they name off *s; false when it is not there. */
static bool
take_number(struct str *s, unsigned digits, int *ret)
{
	int v = 0;
	if (s->len < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_slice(*s, digits, s->len);
	*ret = v;
	return true;
}

static bool
take_char(struct str *s, char c)
{
	if (!s->len || s->p[0] != c)
		return false;
	*s = str_slice(*s, 1, s->len);
	return true;
}

static bool
take_text(struct str *s, const char *lit)
{
	if (!str_starts(*s, str_c(lit)))
		return false;
	*s = str_slice(*s, strlen(lit), s->len);
	return true;
}

static bool
take_month(struct str *s, int *ret)
{
	for (int m = 0; m < 12; m++) {
		if (s->len >= 3 && str_eq_nocase(str_of(s->p, 3), str_of(month_names + 3 * m, 3))) {
			*ret = m + 1;
			*s = str_slice(*s, 3, s->len);
			return true;
		}
	}
	return false;
}

static bool
take_clock(struct str *s, struct when *w)
{
	return take_number(s, 2, &w->hour) && take_char(s, ':') && take_number(s, 2, &w->minute) &&
	       take_char(s, ':') && take_number(s, 2, &w->second);
}

static bool
when_ms(const struct when *w, int64_t *ret_ms)
{
	static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (w->year % 4 == 0 && w->year % 100 != 0) || w->year % 400 == 0;
	if (w->month < 1 || w->month > 12 || w->day < 1 || w->day > lengths[w->month - 1] ||
		(w->month == 2 && w->day == 29 && !leap) || w->hour > 23 || w->minute > 59 ||
		w->second > 60)
		return false;
	*ret_ms = days_of(w->year, w->month, w->day) * DAY_MS + w->hour * 3600000LL +
		  w->minute * 60000LL + w->second * 1000LL + w->ms;
	return true;
}

static bool
take_fraction(struct str *s, int *ret_ms)
{
	int scale = 100;
	if (!s->len || s->p[0] < '0' || s->p[0] > '9')
		return false;
	for (*ret_ms = 0; s->len && s->p[0] >= '0' && s->p[0] <= '9'; scale /= 10) {
		*ret_ms += (s->p[0] - '0') * scale;
		*s = str_slice(*s, 1, s->len);
	}
	return true;
}

/* "Z", "+01:00", "-0530", "+01" or nothing, which AWS reads as UTC. */
static bool
take_zone(struct str *s, int64_t *ret_ms)
{
	int hours, minutes = 0;
	*ret_ms = 0;
	if (!s->len || take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	int sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
	if (!sign || !take_number(s, 2, &hours))
		return false;
	if (s->len && ((void)take_char(s, ':'), !take_number(s, 2, &minutes)))
		return false;
	*ret_ms = sign * (hours * 3600000LL + minutes * 60000LL);
	return hours < 24 && minutes < 60;
}

static bool
parse_iso(struct str s, int64_t *ret_ms)
{
	struct when w = { 0 };
	int64_t zone = 0, ms;
	if (!take_number(&s, 4, &w.year))
		return false;
	bool dashes = take_char(&s, '-');
	if (!take_number(&s, 2, &w.month) || (dashes && !take_char(&s, '-')) ||
		!take_number(&s, 2, &w.day))
		return false;
	if (s.len) {
		if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
			return false;
		if (!take_number(&s, 2, &w.hour))
			return false;
		bool colons = take_char(&s, ':');
		if (!take_number(&s, 2, &w.minute))
			return false;
		if (colons ? take_char(&s, ':') : s.len && s.p[0] >= '0' && s.p[0] <= '9')
			if (!take_number(&s, 2, &w.second))
				return false;
		if ((take_char(&s, '.') || take_char(&s, ',')) && !take_fraction(&s, &w.ms))
			return false;
		if (!take_zone(&s, &zone))
			return false;
	}
	if (s.len || !when_ms(&w, &ms))
		return false;
	*ret_ms = ms - zone;
	return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" and, with a long day name, "06-Nov-94". */
static bool
parse_http(struct str s, struct when *w)
{
	char sep = s.len > 2 && s.p[2] == '-' ? '-' : ' ';
	if (!take_number(&s, 2, &w->day) || !take_char(&s, sep) || !take_month(&s, &w->month) ||
		!take_char(&s, sep))
		return false;
	if (sep == ' ') {
		if (!take_number(&s, 4, &w->year))
			return false;
	} else {
		if (!take_number(&s, 2, &w->year))
			return false;
		w->year += w->year < 70 ? 2000 : 1900;
	}
	if (!take_char(&s, ' ') || !take_clock(&s, w))
		return false;
	if (take_char(&s, '.') && !take_fraction(&s, &w->ms))
		return false;
	return take_char(&s, ' ') &&
	       (take_text(&s, "GMT") || take_text(&s, "UTC") || take_text(&s, "+0000") ||
		       take_text(&s, "-0000")) &&
	       !s.len;
}

/* "Sun Nov  6 08:49:37 1994" behind the day's name. */
static bool
parse_asctime(struct str s, struct when *w)
{
	if (!take_month(&s, &w->month) || !take_char(&s, ' '))
		return false;
	unsigned digits = take_char(&s, ' ') ? 1 : 2;
	return take_number(&s, digits, &w->day) && take_char(&s, ' ') && take_clock(&s, w) &&
	       take_char(&s, ' ') && take_number(&s, 4, &w->year) && !s.len;
}

bool
time_parse(struct str s, int64_t *ret_ms)
{
	struct when w = { 0 };
	if (s.len && s.p[0] >= '0' && s.p[0] <= '9')
		return parse_iso(s, ret_ms);
	size_t letters = 0;
	while (letters < s.len && (s.p[letters] | 32) >= 'a' && (s.p[letters] | 32) <= 'z')
		letters++;
	if (letters < 3 || letters > 9)
		return false;
	s = str_slice(s, letters, s.len);
	bool ok = take_char(&s, ',') ? take_char(&s, ' ') && parse_http(s, &w)
				     : take_char(&s, ' ') && parse_asctime(s, &w);
	return ok && when_ms(&w, ret_ms);
}

bool
time_parse_epoch(struct str s, int64_t *ret_ms)
{
	double v;
	if (!str_to_f64(s, &v) || !(v >= YEAR_MIN_MS / 1000.0 && v <= YEAR_MAX_MS / 1000.0))
		return false;
	*ret_ms = (int64_t)llround(v * 1000);
	return true;
}
