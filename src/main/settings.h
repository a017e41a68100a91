/*
 * settings: every setting of the program, once: one table row gives its flag, its environment
 * names, its key in the configuration file, its kind, default and help. Later sources win:
 * defaults, then the file (--config FILE, $HANEUL_CONFIG, else <data>/haneul.conf), then the
 * environment, then flags.
 */
#ifndef HANEUL_MAIN_SETTINGS_H
#define HANEUL_MAIN_SETTINGS_H

#include "base/buf.h"
#include "base/str.h"

enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENV, SETTING_FLAG };

struct settings {
	const char *data; /* directory */
	const char *host;
	long port;
	const char *region;
	const char *durability; /* full, relaxed, ephemeral, sync-each */
	bool strict;
	const char *services;
	const char *public_host;
	const char *cors_origins;
	const char *init_dir; /* init hooks; "" looks in the usual places */
	const char *log_level;
	const char *log_format; /* text, json */
	bool api_log_all;
	long loops;
	long workers;
	long memory_mib;
	long memtable_mib;
	long connections;
	const char *zone_a, *zone_b, *zone_c;
	long scrub_mib, scrub_hours;
	long grace_ms;
	const char *smtp_relay;
	const char *sns_cert_url;
	bool ec2_overcommit;
	const char *machine; /* container, qemu */
	const char *publish;      /* plane/publish_list.h */
	const char *public_range; /* "100.64.0.0/20"; "": the plane chooses */
	const char *uplink;       /* auto, off, masquerade, routed */
	const char *config;
};

struct setting {
	const char
		*name; /* "log-level": flag --log-level, HANEUL_LOG_LEVEL, log_level in the file */
	const char *aliases; /* further environment names, comma-separated; NULL */
	enum { SETTING_TEXT, SETTING_NUMBER, SETTING_BOOL, SETTING_CHOICE } kind;
	size_t offset;
	const char *fallback; /* default, as text */
	long min, max;        /* numbers */
	const char *choices;  /* "full|relaxed" */
	const char *argument; /* what help calls the value */
	const char *help;
};
extern const struct setting settings_table[];
extern const unsigned settings_n;

/* Reads all sources. argv holds only flags (and their values). false: *why says what is wrong (one
 * line, for stderr; exit code 2). Texts live as long as the process. */
bool settings_load(struct settings *s, int argc, char **argv, struct buf *why);
/* Where a value came from, for `doctor` and `start --show-settings`. */
enum setting_source settings_source(const struct setting *row);
void settings_print(const struct settings *s, struct buf *out);
/* "~/.haneul", or "/var/lib/haneul" for root. */
const char *settings_default_data(void);

#endif
