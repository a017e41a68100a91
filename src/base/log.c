#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define LINE_TAIL 8 /* room for what closes a line that was cut */

static struct {
	int fd;
	enum log_form form;
	int colour; /* -1: not known yet */
} sink = { STDERR_FILENO, LOG_FORM_TEXT, -1 };
static atomic_int threshold = LOG_LEVEL_INFO;

static const char *const level_names[] = { "trace", "debug", "info", "warn", "error", "off" };
static const char *const level_labels[] = { "TRACE", "DEBUG", "INFO ", "WARN ", "ERROR" };
static const char *const level_colours[] = { "\033[2m", "\033[36m", "\033[32m", "\033[33m",
	"\033[31m" };

struct line {
	size_t len;
	char p[LINE_MAX_BYTES];
};

void
log_open(int fd, enum log_form form, enum log_level level)
{
	sink.fd = fd;
	sink.form = form;
	sink.colour = form == LOG_FORM_TEXT && isatty(fd);
	log_set_level(level);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool
log_level_parse(struct str s, enum log_level *ret_level)
{
	for (int i = LOG_LEVEL_TRACE; i <= LOG_LEVEL_OFF; i++) {
		if (str_eq_nocase(s, str_c(level_names[i]))) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	if (!str_eq_nocase(s, STR("warning")))
		return false;
	*ret_level = LOG_LEVEL_WARN;
	return true;
}

bool
log_on(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *
log_errno_text(int err)
{
	const char *text = strerrordesc_np(err < 0 ? -err : err);
	return text ? text : "unknown error";
}

/* All or nothing, so that no escape and no character is cut in two. */
static bool
line_add(struct line *l, const char *p, size_t n)
{
	if (n > LINE_MAX_BYTES - LINE_TAIL - l->len)
		return false;
	memcpy(l->p + l->len, p, n);
	l->len += n;
	return true;
}

static bool
line_add_c(struct line *l, const char *s)
{
	return line_add(l, s, strlen(s));
}

/* Length of the character at p[0]; 0: malformed, or a C1 control, which terminals obey. */
static size_t
character_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > left || (p[0] == 0xc2 && p[1] < 0xa0) || !str_utf8_valid(str_of(p, n)))
		return 0;
	return n;
}

static bool
add_character(struct line *l, const unsigned char *p, size_t n)
{
	char tmp[8];
	if (n == 0)
		return line_add(l, "?", 1);
	if (n > 1 || (p[0] >= 0x20 && p[0] < 0x7f && p[0] != '"' && p[0] != '\\'))
		return line_add(l, (const char *)p, n);
	if (p[0] == '"' || p[0] == '\\')
		snprintf(tmp, sizeof(tmp), "\\%c", p[0]);
	else if (p[0] == '\n')
		snprintf(tmp, sizeof(tmp), "\\n");
	else
		snprintf(tmp, sizeof(tmp), "\\u%04x", p[0]);
	return line_add_c(l, tmp);
}

static void
add_quoted(struct line *l, struct str s)
{
	if (!line_add(l, "\"", 1))
		return;
	for (size_t i = 0; i < s.len;) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		size_t n = character_len(p, s.len - i);
		if (!add_character(l, p, n))
			break;
		i += n ? n : 1;
	}
	l->p[l->len++] = '"'; /* the tail has room */
}

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\' ||
			s.p[i] == '=')
			return false;
	return s.len > 0;
}

static void
add_text_value(struct line *l, struct str s, bool json)
{
	if (json || !is_plain(s) || !line_add(l, s.p, s.len))
		add_quoted(l, s);
}

static void
add_value(struct line *l, const struct log_field *f, bool json)
{
	char tmp[TEXT_F64_MAX];
	switch (f->kind) {
	case LOG_FIELD_STR:
		add_text_value(l, f->s, json);
		return;
	case LOG_FIELD_INT:
		snprintf(tmp, sizeof(tmp), "%lld", (long long)f->i);
		break;
	case LOG_FIELD_UINT:
		snprintf(tmp, sizeof(tmp), "%llu", (unsigned long long)f->u);
		break;
	case LOG_FIELD_F64:
		text_f64(f->f, tmp);
		if (json && (tmp[0] == 'N' || strchr(tmp, 'I'))) {
			add_quoted(l, str_c(tmp));
			return;
		}
		break;
	case LOG_FIELD_BOOL:
		line_add_c(l, f->b ? "true" : "false");
		return;
	}
	line_add_c(l, tmp);
}

static void
add_field(struct line *l, const struct log_field *f, bool json)
{
	/* A field needs room for its key and some of its value, or none of it is written. */
	if ((f->kind == LOG_FIELD_STR && !f->s.p) ||
		l->len + strlen(f->key) + 48 > LINE_MAX_BYTES - LINE_TAIL)
		return;
	line_add_c(l, json ? ",\"" : " ");
	line_add_c(l, f->key);
	line_add_c(l, json ? "\":" : "=");
	add_value(l, f, json);
}

static void
line_open(struct line *l, enum log_level level, const char *event)
{
	char stamp[TIME_TEXT_MAX];
	time_format(clock_real_ms(), TIME_ISO8601_MS, stamp);
	if (sink.form == LOG_FORM_JSON) {
		line_add_c(l, "{\"time\":\"");
		line_add_c(l, stamp);
		line_add_c(l, "\",\"level\":\"");
		line_add_c(l, level_names[level]);
		line_add_c(l, "\",\"event\":");
		add_quoted(l, str_c(event));
		return;
	}
	line_add_c(l, stamp);
	line_add_c(l, " ");
	line_add_c(l, sink.colour > 0 ? level_colours[level] : "");
	line_add_c(l, level_labels[level]);
	line_add_c(l, sink.colour > 0 ? "\033[0m " : " ");
	line_add_c(l, event);
}

static void
line_close(struct line *l)
{
	if (sink.form == LOG_FORM_JSON)
		l->p[l->len++] = '}';
	l->p[l->len++] = '\n';
	for (size_t at = 0; at < l->len;) {
		ssize_t n = write(sink.fd, l->p + at, l->len - at);
		if (n < 0 && errno != EINTR)
			return; /* nobody could be told */
		at += n > 0 ? (size_t)n : 0;
	}
}

void
log_write(enum log_level level, const char *event, const struct log_field *f, unsigned n)
{
	int saved = errno;
	struct line l;
	if (level >= LOG_LEVEL_OFF || !log_on(level))
		return;
	if (sink.colour < 0)
		sink.colour = isatty(sink.fd);
	l.len = 0;
	line_open(&l, level, event);
	for (unsigned i = 0; i < n; i++)
		add_field(&l, &f[i], sink.form == LOG_FORM_JSON);
	line_close(&l);
	errno = saved;
}

void
log_text(enum log_level level, const char *event, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES / 4];
	va_list ap;
	if (!log_on(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_write(level, event, &log_c("message", text), 1);
}
