/* sudo without passwords, for the members of wheel, sudo and admin, as cloud images allow it to
 * their login user. */
#include "guest/guest.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
allowed(const struct guest_user *u)
{
	return u->uid == 0 || guest_group_has("wheel", u->name) ||
	       guest_group_has("sudo", u->name) || guest_group_has("admin", u->name);
}

static int
usage(void)
{
	fprintf(stderr, "usage: sudo [-EHins] [-u user] [VAR=value] [command]\n");
	return 1;
}

bool
sudo_parse(int argc, char **argv, struct sudo_options *o)
{
	int i = 1;
	*o = (struct sudo_options){ .user = "root" };
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *a = argv[i];
		if (strcmp(a, "--") == 0) {
			i++;
			break;
		}
		if (strcmp(a, "-u") == 0 || strcmp(a, "--user") == 0) {
			if (++i == argc)
				return false;
			o->user = argv[i];
			continue;
		}
		for (a++; *a; a++)
			if (*a == 'i')
				o->login = true;
			else if (*a == 's')
				o->shell = true;
			else if (*a == 'E')
				o->keep = true;
			else if (!strchr("HnSk", *a))
				return false;
	}
	o->rest = i;
	return true;
}

static void
environment(const struct guest_user *to, const struct guest_user *from, bool keep)
{
	char term[128], number[16];
	snprintf(term, sizeof(term), "%s", getenv("TERM") ? getenv("TERM") : "dumb");
	if (!keep)
		clearenv();
	setenv("TERM", term, 1);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", to->home, 1);
	setenv("SHELL", to->shell, 1);
	setenv("USER", to->name, 1);
	setenv("LOGNAME", to->name, 1);
	setenv("SUDO_USER", from->name, 1);
	snprintf(number, sizeof(number), "%u", (unsigned)from->uid);
	setenv("SUDO_UID", number, 1);
	snprintf(number, sizeof(number), "%u", (unsigned)from->gid);
	setenv("SUDO_GID", number, 1);
}

int
sudo_main(int argc, char **argv)
{
	struct guest_user from, to;
	struct sudo_options o;
	if (geteuid() != 0) {
		fprintf(stderr, "sudo: not setuid root\n");
		return 1;
	}
	if (!sudo_parse(argc, argv, &o))
		return usage();
	if (!guest_user_of(getuid(), &from) || !allowed(&from)) {
		fprintf(stderr, "sudo: this user may not run sudo\n");
		return 1;
	}
	if (!guest_user_find(o.user, &to)) {
		fprintf(stderr, "sudo: unknown user %s\n", o.user);
		return 1;
	}
	environment(&to, &from, o.keep);
	for (; o.rest < argc && argv[o.rest][0] != '=' && strchr(argv[o.rest], '=') &&
		!strchr(argv[o.rest], '/');
		o.rest++)
		putenv(argv[o.rest]);
	if (o.rest == argc && !o.login && !o.shell)
		return usage();
	gid_t gid = to.gid;
	if (setgroups(1, &gid) || setresgid(to.gid, to.gid, to.gid) ||
		setresuid(to.uid, to.uid, to.uid)) {
		fprintf(stderr, "sudo: %s\n", strerror(errno));
		return 1;
	}
	if (o.login && chdir(to.home))
		fprintf(stderr, "sudo: %s: %s\n", to.home, strerror(errno));
	if (o.rest < argc) {
		execvp(argv[o.rest], argv + o.rest);
	} else {
		char name[260];
		snprintf(name, sizeof(name), o.login ? "-%s" : "%s",
			strrchr(to.shell, '/') ? strrchr(to.shell, '/') + 1 : to.shell);
		execl(to.shell, name, (char *)NULL);
	}
	fprintf(stderr, "sudo: %s: %s\n", o.rest < argc ? argv[o.rest] : to.shell, strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
