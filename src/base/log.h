/*
 * log: one line for each event, written whole with one write, from any thread. An event has a name
 * ("area.what") and typed fields:
 *
 *	log_info("wire.listen", log_c("host", host), log_int("port", port));
 *	log_warn("blobs.scrub", log_str("path", path), log_errno("why", err));
 *	log_text(LOG_LEVEL_INFO, "main.ready", "opened %u services", n);
 *
 * Arguments of a level that is off are not evaluated. Secrets are never logged. Text form for
 * people (coloured on a terminal only), JSON lines for machines; control characters are escaped in
 * both, so a line cannot be forged. Stamps are real time, not the virtual clock's.
 */
#ifndef HANEUL_BASE_LOG_H
#define HANEUL_BASE_LOG_H

#include "base/str.h"

enum log_level {
	LOG_LEVEL_TRACE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_OFF,
};
enum log_form {
	LOG_FORM_TEXT,
	LOG_FORM_JSON,
};

/* Where lines go; to standard error as text at INFO until this is called. fd is borrowed. Call it
 * before threads start; log_set_level may be called at any time. */
void log_open(int fd, enum log_form form, enum log_level level);
void log_set_level(enum log_level level);
/* "debug", "INFO", "warning" …; false when unknown. */
bool log_level_parse(struct str s, enum log_level *ret_level);
bool log_on(enum log_level level);

struct log_field {
	const char *key;
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_UINT, LOG_FIELD_F64, LOG_FIELD_BOOL } kind;
	union {
		struct str s; /* STR_NULL: the field is left out */
		int64_t i;
		uint64_t u;
		double f;
		bool b;
	};
};
#define log_str(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_STR, .s = (v) })
#define log_c(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_STR, .s = str_c(v) })
#define log_int(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_INT, .i = (v) })
#define log_uint(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_UINT, .u = (v) })
#define log_f64(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_F64, .f = (v) })
#define log_bool(k, v) ((struct log_field){ .key = (k), .kind = LOG_FIELD_BOOL, .b = (v) })
/* err: errno or -errno; logged as its sentence. */
#define log_errno(k, err) log_c((k), log_errno_text(err))
const char *log_errno_text(int err);

/* The line is cut at 8 KiB. errno is kept. */
void log_write(enum log_level level, const char *event, const struct log_field *f, unsigned n);
void log_text(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_at(level, event, ...)                                                                  \
	do {                                                                                       \
		if (log_on(level)) {                                                               \
			const struct log_field log_fields_[] = { { 0 }, ##__VA_ARGS__ };           \
			log_write((level), (event), log_fields_ + 1,                               \
				sizeof(log_fields_) / sizeof(log_fields_[0]) - 1);                 \
		}                                                                                  \
	} while (0)
#define log_trace(event, ...) log_at(LOG_LEVEL_TRACE, event, ##__VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) log_at(LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) log_at(LOG_LEVEL_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event, ##__VA_ARGS__)

#endif
