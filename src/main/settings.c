#include "main/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW(field, n, a, k, ...)                                                                   \
	{                                                                                          \
		.offset = offsetof(struct settings, field), .name = (n), .aliases = (a),           \
		.kind = (k), __VA_ARGS__                                                           \
	}

const struct setting settings_table[] = {
	ROW(data, "data", "DATA_DIR", SETTING_TEXT, .fallback = "", .argument = "DIR",
		.help = "where everything is kept"),
	ROW(host, "host", NULL, SETTING_TEXT, .fallback = "127.0.0.1", .argument = "ADDRESS",
		.help = "address to listen on; one that is not loopback needs --strict"),
	ROW(port, "port", "EDGE_PORT", SETTING_NUMBER, .fallback = "4566", .min = 0, .max = 65535,
		.argument = "N", .help = "port to listen on, HTTP and TLS; 0 takes a free one"),
	ROW(region, "region", "DEFAULT_REGION", SETTING_TEXT, .fallback = "us-east-1",
		.argument = "NAME", .help = "region of requests that name none"),
	ROW(durability, "durability", NULL, SETTING_CHOICE, .fallback = "full",
		.choices = "full|relaxed|ephemeral|sync-each", .argument = "MODE",
		.help = "full: a reply waits for the disk; relaxed: synced every 50 ms; ephemeral: "
			"nothing is kept"),
	ROW(strict, "strict", NULL, SETTING_BOOL, .fallback = "0",
		.help = "no well-known keys: a root key is made and kept in the data directory"),
	ROW(services, "services", "SERVICES", SETTING_TEXT, .fallback = "", .argument = "LIST",
		.help = "only these services answer, comma-separated"),
	ROW(public_host, "public-host", "LOCALSTACK_HOST", SETTING_TEXT, .fallback = "",
		.argument = "HOST[:PORT]",
		.help = "host in returned URLs, where the request names none"),
	ROW(cors_origins, "cors-origins", "EXTRA_CORS_ALLOWED_ORIGINS", SETTING_TEXT,
		.fallback = "", .argument = "LIST",
		.help = "browser origins that may call; \"*\" for any; default: pages of this "
			"machine"),
	ROW(init_dir, "init-dir", NULL, SETTING_TEXT, .fallback = "", .argument = "DIR",
		.help = "scripts to run: DIR/boot.d, start.d, ready.d, shutdown.d"),
	ROW(log_level, "log-level", "LS_LOG", SETTING_CHOICE, .fallback = "info",
		.choices = "trace|debug|info|warn|warning|error|off", .argument = "LEVEL",
		.help = "how much is logged"),
	ROW(log_format, "log-format", NULL, SETTING_CHOICE, .fallback = "text",
		.choices = "text|json", .argument = "FORM",
		.help = "text for people, json for machines"),
	ROW(api_log_all, "api-log-all", NULL, SETTING_BOOL, .fallback = "0",
		.help = "the API event log also takes reads and object-level calls"),
	ROW(loops, "loops", NULL, SETTING_NUMBER, .fallback = "0", .min = 0, .max = 64,
		.argument = "N", .help = "event loops; 0: one for each processor, 4 at most"),
	ROW(workers, "workers", NULL, SETTING_NUMBER, .fallback = "4", .min = 1, .max = 64,
		.argument = "N", .help = "threads for disk and hashing"),
	ROW(memory_mib, "memory", NULL, SETTING_NUMBER, .fallback = "256", .min = 16,
		.max = 1 << 20, .argument = "MIB",
		.help = "cap of connection buffers; beyond it new requests get 503"),
	ROW(memtable_mib, "memtable", NULL, SETTING_NUMBER, .fallback = "0", .min = 0, .max = 65536,
		.argument = "MIB", .help = "rows held in memory before they are merged; 0: 16"),
	ROW(connections, "connections", NULL, SETTING_NUMBER, .fallback = "20000", .min = 16,
		.max = 1000000, .argument = "N",
		.help = "connections at once; beyond it new ones get 503"),
	ROW(zone_a, "zone-a", NULL, SETTING_TEXT, .fallback = "", .argument = "DIR",
		.help = "where zone a keeps its part of the bodies, a disk of its own; default: in "
			"the data directory"),
	ROW(zone_b, "zone-b", NULL, SETTING_TEXT, .fallback = "", .argument = "DIR",
		.help = "the same for zone b"),
	ROW(zone_c, "zone-c", NULL, SETTING_TEXT, .fallback = "", .argument = "DIR",
		.help = "the same for zone c"),
	ROW(scrub_mib, "scrub-rate", NULL, SETTING_NUMBER, .fallback = "16", .min = 0,
		.max = 100000, .argument = "MIB",
		.help = "how much is checked for damage in a second; 0: as fast as it goes"),
	ROW(scrub_hours, "scrub-hours", NULL, SETTING_NUMBER, .fallback = "24", .min = 0,
		.max = 1000, .argument = "N",
		.help = "hours between two checks of all bodies for damage; 0: never, also not at "
			"the start"),
	ROW(grace_ms, "grace", NULL, SETTING_NUMBER, .fallback = "5000", .min = 0, .max = 600000,
		.argument = "MS", .help = "how long running calls may finish when stopping"),
	ROW(smtp_relay, "smtp-relay", "SMTP_HOST", SETTING_TEXT, .fallback = "",
		.argument = "HOST:PORT",
		.help = "mail server for e-mail of SNS, in clear text; else it stays in the outbox"),
	ROW(sns_cert_url, "sns-cert-url", NULL, SETTING_TEXT, .fallback = "", .argument = "URL",
		.help = "base of SNS's SigningCertURL, such as https://sns.{region}.amazonaws.com"),
	ROW(ec2_overcommit, "ec2-overcommit", NULL, SETTING_BOOL, .fallback = "0",
		.help = "start instances of types that are larger than this host with what there is"),
	ROW(machine, "machine", NULL, SETTING_CHOICE, .fallback = "container",
		.choices = "container|qemu", .argument = "KIND",
		.help = "what instances are that do not say it by their tag haneul:machine"),
	ROW(publish, "publish", NULL, SETTING_TEXT, .fallback = "", .argument = "LIST",
		.help = "ports of this host that lead to instances: 8080=web:80 (by id, tag Name or "
			"public address), 9000-9999 (by their tag haneul:publish)"),
	ROW(public_range, "public-range", NULL, SETTING_TEXT, .fallback = "", .argument = "CIDR",
		.help = "addresses of this host that become public ones of instances; default: a "
			"free /20 of 100.64.0.0/10"),
	ROW(uplink, "uplink", NULL, SETTING_CHOICE, .fallback = "auto",
		.choices = "auto|off|masquerade|routed", .argument = "MODE",
		.help = "how instances get beyond this host; auto: masquerade where it forwards "
			"already"),
	ROW(config, "config", NULL, SETTING_TEXT, .fallback = "", .argument = "FILE",
		.help = "configuration file: lines `name = value`"),
};
const unsigned settings_n = sizeof(settings_table) / sizeof(settings_table[0]);
static enum setting_source sources[sizeof(settings_table) / sizeof(settings_table[0])];

const char *
settings_default_data(void)
{
	static char path[PATH_MAX];
	const char *home = getenv("HOME");
	if (geteuid() == 0 || !home || !*home)
		return "/var/lib/haneul";
	snprintf(path, sizeof(path), "%s/.haneul", home);
	return path;
}

static bool
parse_bool(struct str v, bool *ret)
{
	if (str_is(v, "1") || str_eq_nocase(v, STR("true")) || str_eq_nocase(v, STR("yes")) ||
		str_eq_nocase(v, STR("on")))
		return *ret = true, true;
	if (str_is(v, "0") || str_is(v, "") || str_eq_nocase(v, STR("false")) ||
		str_eq_nocase(v, STR("no")) || str_eq_nocase(v, STR("off")))
		return *ret = false, true;
	return false;
}

static bool
is_choice(const char *choices, struct str v)
{
	struct str rest = str_c(choices);
	while (rest.p)
		if (str_eq(str_cut(&rest, '|'), v))
			return true;
	return false;
}

/* `from` is how the user wrote it: "--port", "HANEUL_PORT", "haneul.conf:3". */
static bool
set_value(struct settings *s, const struct setting *row, struct str v, enum setting_source source,
	const char *from, struct buf *why)
{
	void *at = (char *)s + row->offset;
	int64_t n;
	switch (row->kind) {
	case SETTING_NUMBER:
		if (!str_to_i64(v, &n) || n < row->min || n > row->max) {
			buf_printf(why, "%s: \"%.*s\" is not a number from %ld to %ld", from,
				STR_FMT(v), row->min, row->max);
			return false;
		}
		*(long *)at = (long)n;
		break;
	case SETTING_BOOL:
		if (!parse_bool(v, at)) {
			buf_printf(why, "%s: \"%.*s\" is neither true nor false", from, STR_FMT(v));
			return false;
		}
		break;
	case SETTING_CHOICE:
		if (!is_choice(row->choices, v)) {
			buf_printf(
				why, "%s: \"%.*s\" is none of %s", from, STR_FMT(v), row->choices);
			return false;
		}
		/* fall through */
	case SETTING_TEXT:
		free(*(char **)at); /* an earlier source's */
		*(const char **)at = strndup(v.p ? v.p : "", v.len);
		break;
	}
	sources[row - settings_table] = source;
	return true;
}

static const struct setting *
find_row(struct str name, char from, char to)
{
	for (unsigned i = 0; i < settings_n; i++) {
		const char *n = settings_table[i].name;
		size_t k = 0;
		while (k < name.len && n[k] &&
			(name.p[k] == n[k] || (name.p[k] == from && n[k] == to)))
			k++;
		if (k == name.len && !n[k])
			return &settings_table[i];
	}
	return NULL;
}

/* --- sources --- */

static bool
load_file(struct settings *s, const char *path, bool must, struct buf *why)
{
	char line[4096], from[PATH_MAX + 32];
	FILE *f = fopen(path, "re");
	if (!f) {
		if (must)
			buf_printf(why, "%s: %s", path, strerror(errno));
		return !must;
	}
	bool ok = true;
	for (unsigned n = 1; ok && fgets(line, sizeof(line), f); n++) {
		struct str rest = str_trim(str_c(line));
		if (rest.len == 0 || rest.p[0] == '#')
			continue;
		struct str name = str_trim(str_cut(&rest, '='));
		snprintf(from, sizeof(from), "%s:%u", path, n);
		const struct setting *row = find_row(name, '_', '-');
		if (!row || !rest.p) {
			buf_printf(why,
				row ? "%s: %.*s has no value" : "%s: there is no setting \"%.*s\"",
				from, STR_FMT(name));
			ok = false;
		} else {
			ok = set_value(s, row, str_trim(rest), SETTING_FILE, from, why);
		}
	}
	fclose(f);
	return ok;
}

static bool
load_env_name(struct settings *s, const struct setting *row, const char *name, struct buf *why)
{
	const char *v = getenv(name);
	return !v || !*v || set_value(s, row, str_c(v), SETTING_ENV, name, why);
}

/* GATEWAY_LISTEN=0.0.0.0:4566[,…]; PERSISTENCE=0 keeps nothing; DEBUG=1 logs more. */
static bool
load_foreign_env(struct settings *s, struct buf *why)
{
	struct str listen = str_c(getenv("GATEWAY_LISTEN"));
	if (listen.len) {
		struct str first = str_cut(&listen, ',');
		long colon = str_rfind(first, ':');
		struct str host = colon < 0 ? first : str_slice(first, 0, (size_t)colon);
		struct str port =
			colon < 0 ? STR_NULL : str_slice(first, (size_t)colon + 1, first.len);
		if (host.len && !set_value(s, find_row(STR("host"), 0, 0), host, SETTING_ENV,
					"GATEWAY_LISTEN", why))
			return false;
		if (port.len && !set_value(s, find_row(STR("port"), 0, 0), port, SETTING_ENV,
					"GATEWAY_LISTEN", why))
			return false;
	}
	bool on;
	const char *persistence = getenv("PERSISTENCE"), *debug = getenv("DEBUG");
	if (persistence && *persistence && parse_bool(str_c(persistence), &on) && !on)
		set_value(s, find_row(STR("durability"), 0, 0), STR("ephemeral"), SETTING_ENV,
			"PERSISTENCE", why);
	if (debug && *debug && parse_bool(str_c(debug), &on) && on)
		set_value(s, find_row(STR("log-level"), 0, 0), STR("debug"), SETTING_ENV, "DEBUG",
			why);
	return true;
}

static bool
load_env(struct settings *s, struct buf *why)
{
	if (!load_foreign_env(s, why))
		return false;
	for (unsigned i = 0; i < settings_n; i++) {
		const struct setting *row = &settings_table[i];
		char name[64] = "HANEUL_";
		for (size_t k = 0; row->name[k] && k < 50; k++)
			name[7 + k] = row->name[k] == '-' ? '_' : (char)(row->name[k] - 32);
		struct str aliases = str_c(row->aliases);
		while (aliases.p) {
			struct str one = str_cut(&aliases, ',');
			char alias[64];
			snprintf(alias, sizeof(alias), "%.*s", STR_FMT(one));
			if (!load_env_name(s, row, alias, why))
				return false;
		}
		if (!load_env_name(s, row, name, why))
			return false;
	}
	return true;
}

static bool
load_flag(struct settings *s, int argc, char **argv, int *i, struct buf *why)
{
	struct str rest = str_c(argv[*i]);
	if (!str_starts(rest, STR("--"))) {
		buf_printf(why, "unexpected argument \"%s\"", argv[*i]);
		return false;
	}
	struct str name = str_slice(rest, 2, rest.len), value = name;
	name = str_cut(&value, '=');
	const struct setting *row = find_row(name, 0, 0);
	if (str_is(name, "ephemeral") && !value.p)
		return set_value(s, find_row(STR("durability"), 0, 0), name, SETTING_FLAG,
			"--ephemeral", why);
	if (!row) {
		buf_printf(why, "unknown option \"--%.*s\"", STR_FMT(name));
		return false;
	}
	char from[64];
	snprintf(from, sizeof(from), "--%s", row->name);
	if (row->kind == SETTING_BOOL && !value.p)
		value = STR("1");
	if (!value.p && *i + 1 >= argc) {
		buf_printf(why, "%s needs a value: %s", from, row->argument);
		return false;
	}
	if (!value.p)
		value = str_c(argv[++*i]);
	return set_value(s, row, value, SETTING_FLAG, from, why);
}

static bool
load_flags(struct settings *s, int argc, char **argv, struct buf *why)
{
	for (int i = 0; i < argc; i++)
		if (!load_flag(s, argc, argv, &i, why))
			return false;
	return true;
}

static bool
load_config(struct settings *s, struct buf *why)
{
	char path[PATH_MAX];
	const char *data = *s->data ? s->data : settings_default_data();
	if (*s->config)
		return load_file(s, s->config, true, why);
	snprintf(path, sizeof(path), "%s/haneul.conf", data);
	return load_file(s, path, false, why);
}

bool
settings_load(struct settings *s, int argc, char **argv, struct buf *why)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < settings_n; i++)
		set_value(s, &settings_table[i], str_c(settings_table[i].fallback), SETTING_DEFAULT,
			"", why);
	/* Flags and environment name the file, and then win over what it says. */
	if (!load_env(s, why) || !load_flags(s, argc, argv, why) || !load_config(s, why) ||
		!load_env(s, why) || !load_flags(s, argc, argv, why))
		return false;
	if (!*s->data)
		s->data = settings_default_data();
	return true;
}

enum setting_source
settings_source(const struct setting *row)
{
	return sources[row - settings_table];
}

void
settings_print(const struct settings *s, struct buf *out)
{
	static const char *const names[] = { "default", "file", "environment", "flag" };
	for (unsigned i = 0; i < settings_n; i++) {
		const struct setting *row = &settings_table[i];
		const void *at = (const char *)s + row->offset;
		buf_printf(out, "%-14s ", row->name);
		if (row->kind == SETTING_NUMBER)
			buf_printf(out, "%-24ld", *(const long *)at);
		else if (row->kind == SETTING_BOOL)
			buf_printf(out, "%-24s", *(const bool *)at ? "true" : "false");
		else
			buf_printf(out, "%-24s", *(const char *const *)at);
		buf_printf(out, " %s\n", names[settings_source(row)]);
	}
}
