/*
 * What #cloud-config asks for, once, at an instance's first boot: the common keys, in cloud-init's
 * order. What cannot be done is said on the console; the rest is done nevertheless.
 */
#include "guest/guest.h"
#include "guest/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 64

static bool
is_true(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "True") == 0 ||
	       strcmp(text, "on") == 0;
}

static bool
run(const char *what, const char *a, const char *b, const char *c, const char *d)
{
	char *const argv[] = { (char *)what, (char *)a, (char *)b, (char *)c, (char *)d, NULL };
	return guest_run(argv, -1) == 0;
}

/* --- names --- */

static void
set_hostname(const struct yaml *y)
{
	const char *name = yaml_text(y, "hostname", yaml_text(y, "fqdn", NULL));
	char line[80];
	if (!name || !*name || is_true(yaml_text(y, "preserve_hostname", "false")))
		return;
	snprintf(line, sizeof(line), "%.63s", name);
	if (!yaml_get(y, "hostname"))
		line[strcspn(line, ".")] = 0;
	if (sethostname(line, strlen(line)))
		guest_say("cloud-config: hostname %s: %s", line, strerror(errno));
	size_t n = strlen(line);
	line[n] = '\n'; /* room was left */
	if (guest_write_file("/etc/hostname", line, n + 1, 0644, 0, 0))
		guest_say("cloud-config: /etc/hostname: %s", strerror(errno));
}

/* --- users --- */

static bool
make_user(const char *name, const struct yaml *u)
{
	const char *shell =
		yaml_text(u, "shell", access("/bin/bash", X_OK) ? "/bin/sh" : "/bin/bash");
	if (access("/usr/sbin/useradd", X_OK) == 0)
		return run("/usr/sbin/useradd", "-m", "-s", shell, name);
	return guest_run((char *[]){ "/bin/busybox", "adduser", "-D", "-s", (char *)shell,
				 (char *)name, NULL },
		       -1) == 0;
}

static void
add_to_group(const char *name, const char *group)
{
	bool ok = access("/usr/sbin/usermod", X_OK) == 0
			  ? run("/usr/sbin/usermod", "-aG", group, name, NULL)
			  : run("/bin/busybox", "addgroup", name, group, NULL);
	if (!ok)
		guest_say("cloud-config: %s could not be added to the group %s", name, group);
}

/* A list, or names separated by commas. */
static void
add_groups(const char *name, const struct yaml *groups)
{
	for (const struct yaml *g = groups && groups->kind == YAML_LIST ? groups->child : NULL; g;
		g = g->next)
		if (g->kind == YAML_SCALAR && *g->text)
			add_to_group(name, g->text);
	char *list = groups && groups->kind == YAML_SCALAR ? strdup(groups->text) : NULL;
	for (char *save, *g = list ? strtok_r(list, ", ", &save) : NULL; g;
		g = strtok_r(NULL, ", ", &save))
		add_to_group(name, g);
	free(list);
}

static void
allow_sudo(const char *name, const struct yaml *rule)
{
	char line[512];
	const char *text = rule->kind == YAML_LIST && rule->child ? rule->child->text : rule->text;
	if (!text || !*text || strcmp(text, "false") == 0 || strchr(text, '\n'))
		return;
	if (access("/etc/sudoers.d", F_OK)) { /* our own sudo knows groups alone */
		add_to_group(name, "wheel");
		return;
	}
	char path[128];
	snprintf(path, sizeof(path), "/etc/sudoers.d/90-cloud-init-%s", name);
	snprintf(line, sizeof(line), "%s %s\n", name, text);
	if (guest_write_file(path, line, strlen(line), 0440, 0, 0))
		guest_say("cloud-config: %s: %s", path, strerror(errno));
}

static void
add_keys(const struct guest_user *u, const struct yaml *keys)
{
	for (const struct yaml *k = keys ? (keys->kind == YAML_LIST ? keys->child : keys) : NULL; k;
		k = keys->kind == YAML_LIST ? k->next : NULL)
		if (k->kind == YAML_SCALAR && guest_keys_add(u, k->text))
			guest_say("cloud-config: a key of %s: %s", u->name, strerror(errno));
}

bool
cloud_config_name_ok(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	return n > 0 && n < 32 && !name[n] && name[0] != '-' && name[0] != '.';
}

static void
add_user(const struct yaml *u)
{
	const char *name = u->kind == YAML_SCALAR ? u->text : yaml_text(u, "name", "");
	struct guest_user found;
	if (strcmp(name, "default") == 0)
		return; /* the image's login user is there */
	if (!cloud_config_name_ok(name)) {
		guest_say("cloud-config: \"%s\" is no name of a user", name);
		return;
	}
	if (!guest_user_find(name, &found) &&
		(!make_user(name, u) || !guest_user_find(name, &found))) {
		guest_say("cloud-config: the user %s could not be made", name);
		return;
	}
	add_groups(name, yaml_get(u, "groups"));
	if (yaml_get(u, "sudo"))
		allow_sudo(name, yaml_get(u, "sudo"));
	add_keys(&found, yaml_get(u, "ssh_authorized_keys"));
	if (yaml_get(u, "passwd") || yaml_get(u, "plain_text_passwd") ||
		yaml_get(u, "hashed_passwd"))
		guest_say("cloud-config: passwords are not set: %s logs in with keys", name);
}

/* --- files --- */

static int
base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

size_t
cloud_config_base64(char *text)
{
	size_t n = 0;
	unsigned bits = 0, have = 0;
	for (const char *p = text; *p; p++) {
		int v = base64_value(*p);
		if (v < 0)
			continue;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

static void
find_owner(const char *owner, uid_t *uid, gid_t *gid)
{
	char name[64];
	struct guest_user u;
	snprintf(name, sizeof(name), "%.63s", owner);
	name[strcspn(name, ":")] = 0;
	if (guest_user_find(name, &u)) {
		*uid = u.uid;
		*gid = u.gid;
	}
}

static void
write_one(const struct yaml *f)
{
	const char *path = yaml_text(f, "path", ""), *encoding = yaml_text(f, "encoding", "");
	char *content = strdup(yaml_text(f, "content", ""));
	size_t len = strlen(content), before = 0;
	uid_t uid = 0;
	gid_t gid = 0;
	bool packed = strstr(encoding, "gz") != NULL;
	if (!packed && (strcmp(encoding, "b64") == 0 || strcmp(encoding, "base64") == 0))
		len = cloud_config_base64(content);
	if (is_true(yaml_text(f, "append", "false"))) {
		char *old = guest_read_file(path, 16 << 20, &before),
		     *all = malloc(before + len + 1);
		memcpy(all, old ? old : "", before);
		memcpy(all + before, content, len);
		free(old);
		free(content);
		content = all;
	}
	find_owner(yaml_text(f, "owner", "root:root"), &uid, &gid);
	if (packed)
		guest_say("cloud-config: write_files %s: packed contents are not read", path);
	else if (guest_write_file(path, content, before + len,
			 (mode_t)strtoul(yaml_text(f, "permissions", "0644"), NULL, 8) & 07777, uid,
			 gid))
		guest_say("cloud-config: write_files %s: %s", path, strerror(errno));
	free(content);
}

/* --- packages --- */

static void
install(const struct yaml *packages)
{
	static const struct {
		const char *program, *update[3], *install[4];
	} managers[] = { { "/usr/bin/apt-get", { "update", "-q", NULL },
				 { "install", "-y", "-q", NULL } },
		{ "/usr/bin/dnf", { NULL }, { "install", "-y", NULL } },
		{ "/usr/bin/yum", { NULL }, { "install", "-y", NULL } },
		{ "/sbin/apk", { "update", NULL }, { "add", NULL } },
		{ "/usr/bin/zypper", { NULL }, { "--non-interactive", "install", NULL } } };
	char *argv[WORDS_MAX + 8];
	unsigned n = 0, m = 0;
	while (m < sizeof(managers) / sizeof(managers[0]) && access(managers[m].program, X_OK))
		m++;
	if (m == sizeof(managers) / sizeof(managers[0])) {
		guest_say("cloud-config: packages: this image has no package manager");
		return;
	}
	setenv("DEBIAN_FRONTEND", "noninteractive", 1);
	if (managers[m].update[0])
		run(managers[m].program, managers[m].update[0], managers[m].update[1], NULL, NULL);
	argv[n++] = (char *)managers[m].program;
	for (unsigned i = 0; managers[m].install[i]; i++)
		argv[n++] = (char *)managers[m].install[i];
	for (const struct yaml *p = packages->kind == YAML_LIST ? packages->child : NULL;
		p && n < WORDS_MAX; p = p->next)
		if (p->kind == YAML_SCALAR && *p->text && p->text[0] != '-')
			argv[n++] = p->text;
		else if (p->kind == YAML_LIST && p->child && p->child->kind == YAML_SCALAR &&
			 p->child->text[0] != '-')
			argv[n++] = p->child->text;
	argv[n] = NULL;
	int status = guest_run(argv, -1);
	if (status)
		guest_say("cloud-config: packages: %s failed (exit %d)", managers[m].program,
			WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* --- commands --- */

struct script {
	char *text;
	size_t len, room;
};

static void
add(struct script *s, const char *p, size_t n)
{
	if (s->len + n + 1 > s->room) {
		s->room = (s->len + n + 1) * 2;
		s->text = realloc(s->text, s->room);
		if (!s->text)
			abort();
	}
	memcpy(s->text + s->len, p, n);
	s->len += n;
	s->text[s->len] = 0;
}

static void
add_quoted(struct script *s, const char *word)
{
	add(s, "'", 1);
	for (; *word; word++)
		if (*word == '\'')
			add(s, "'\\''", 4);
		else
			add(s, word, 1);
	add(s, "' ", 2);
}

/* A text is a line of a shell, a list the words of a command; all are one script, as with
 * cloud-init. */
static void
run_commands(const char *name, const struct yaml *commands)
{
	struct script s = { 0 };
	char path[128];
	add(&s, "#!/bin/sh\n", 10);
	for (const struct yaml *c = commands->kind == YAML_LIST ? commands->child : NULL; c;
		c = c->next) {
		if (c->kind == YAML_SCALAR)
			add(&s, c->text, strlen(c->text));
		for (const struct yaml *w = c->kind == YAML_LIST ? c->child : NULL; w; w = w->next)
			if (w->kind == YAML_SCALAR)
				add_quoted(&s, w->text);
		add(&s, "\n", 1);
	}
	snprintf(path, sizeof(path), GUEST_STATE "/%s.sh", name);
	int status = guest_write_file(path, s.text, s.len, 0700, 0, 0)
			     ? -1
			     : guest_run((char *[]){ "/bin/sh", path, NULL }, -1);
	if (status)
		guest_say("cloud-config: %s failed (exit %d)", name,
			WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	free(s.text);
}

static void
say_unknown(const struct yaml *y)
{
	static const char *const known[] = { "hostname", "fqdn", "preserve_hostname",
		"manage_etc_hosts", "users", "ssh_authorized_keys", "packages", "package_update",
		"package_upgrade", "write_files", "runcmd", "bootcmd", "final_message",
		"ssh_pwauth", "disable_root", "output", "timezone", "locale" };
	for (const struct yaml *k = y->kind == YAML_MAP ? y->child : NULL; k; k = k->next) {
		bool is = false;
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is |= strcmp(known[i], k->key) == 0;
		if (!is)
			guest_say("cloud-config: \"%s\" is not known and left alone", k->key);
	}
}

void
cloud_config_run(const char *text, size_t len)
{
	unsigned line;
	struct guest_user login;
	struct yaml *y = yaml_parse(text, len, &line), *part;
	if (!y) {
		if (line)
			guest_say(
				"cloud-config: line %u is not understood: nothing was done", line);
		return;
	}
	say_unknown(y);
	if ((part = yaml_get(y, "bootcmd")))
		run_commands("bootcmd", part);
	set_hostname(y);
	for (part = yaml_get(y, "users") ? yaml_get(y, "users")->child : NULL; part;
		part = part->next)
		add_user(part);
	guest_login_user(&login);
	add_keys(&login, yaml_get(y, "ssh_authorized_keys"));
	for (part = yaml_get(y, "write_files") ? yaml_get(y, "write_files")->child : NULL; part;
		part = part->next)
		write_one(part);
	if ((part = yaml_get(y, "packages")))
		install(part);
	if ((part = yaml_get(y, "runcmd")))
		run_commands("runcmd", part);
	guest_say("%s", yaml_text(y, "final_message", "haneul: cloud-config is done"));
	yaml_free(y);
}
