/* Files, users and children of the guest. */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void
guest_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return;
}

int
guest_run(char *const argv[], int in)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(in >= 0 ? in : null_fd, STDIN_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

char *
guest_read_file(const char *path, size_t max, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	char *p = malloc(max + 1);
	size_t n = 0;
	for (ssize_t got; p && n < max && (got = read(fd, p + n, max - n)) > 0;)
		n += (size_t)got;
	close(fd);
	if (p)
		p[n] = 0;
	if (ret_len)
		*ret_len = n;
	return p;
}

static void
make_parents(char *path)
{
	for (char *s = path + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(path, 0755);
		*s = '/';
	}
}

int
guest_write_file(const char *path, const void *bytes, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	char tmp[1100], copy[1024];
	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy) || path[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	make_parents(copy);
	snprintf(tmp, sizeof(tmp), "%s.haneul-XXXXXX", path);
	int fd = mkstemp(tmp);
	if (fd < 0)
		return -1;
	bool ok = true;
	for (size_t n = 0; ok && n < len;) {
		ssize_t w = write(fd, (const char *)bytes + n, len - n);
		ok = w > 0;
		n += ok ? (size_t)w : 0;
	}
	ok = ok && fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0;
	ok = close(fd) == 0 && ok && rename(tmp, path) == 0;
	if (!ok)
		unlink(tmp);
	return ok ? 0 : -1;
}

/* The n-th field of a line of /etc/passwd or /etc/group; they are separated by colons. */
static bool
field(const char *line, unsigned n, char *ret, size_t cap)
{
	for (; n > 0; n--)
		if (!(line = strchr(line, ':')))
			return false;
		else
			line++;
	size_t len = strcspn(line, ":\n");
	if (len >= cap)
		return false;
	memcpy(ret, line, len);
	ret[len] = 0;
	return true;
}

static bool
user_line(const char *line, struct guest_user *ret)
{
	char number[2][16];
	if (!field(line, 0, ret->name, sizeof(ret->name)) ||
		!field(line, 2, number[0], sizeof(number[0])) ||
		!field(line, 3, number[1], sizeof(number[1])) ||
		!field(line, 5, ret->home, sizeof(ret->home)) ||
		!field(line, 6, ret->shell, sizeof(ret->shell)))
		return false;
	ret->uid = (uid_t)strtoul(number[0], NULL, 10);
	ret->gid = (gid_t)strtoul(number[1], NULL, 10);
	return true;
}

static bool
user_search(const char *name, uid_t uid, struct guest_user *ret)
{
	char *all = guest_read_file("/etc/passwd", 1 << 20, NULL);
	bool found = false;
	struct guest_user u;
	for (char *line = all; line && *line && !found;
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (user_line(line, &u) && (name ? strcmp(u.name, name) == 0 : u.uid == uid)) {
			*ret = u;
			found = true;
		}
	free(all);
	return found;
}

bool
guest_user_find(const char *name, struct guest_user *ret)
{
	return user_search(name, 0, ret);
}

bool
guest_user_of(uid_t uid, struct guest_user *ret)
{
	return user_search(NULL, uid, ret);
}

bool
guest_group_has(const char *group, const char *user)
{
	char *all = guest_read_file("/etc/group", 1 << 20, NULL), name[64], members[4096];
	bool found = false;
	for (char *line = all; line && *line && !found;
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (!field(line, 0, name, sizeof(name)) || strcmp(name, group) != 0 ||
			!field(line, 3, members, sizeof(members)))
			continue;
		for (char *save, *m = strtok_r(members, ",", &save); m;
			m = strtok_r(NULL, ",", &save))
			found |= strcmp(m, user) == 0;
	}
	free(all);
	return found;
}

void
guest_login_user(struct guest_user *ret)
{
	char *name = guest_read_file("/etc/haneul-user", 63, NULL);
	if (name)
		name[strcspn(name, "\n")] = 0;
	if (!(name && *name && guest_user_find(name, ret)) && !guest_user_find("ec2-user", ret))
		*ret = (struct guest_user){ .name = "root", .home = "/root", .shell = "/bin/sh" };
	free(name);
}

int
guest_keys_add(const struct guest_user *u, const char *keys)
{
	char dir[300], path[330];
	snprintf(dir, sizeof(dir), "%s/.ssh", u->home);
	snprintf(path, sizeof(path), "%s/authorized_keys", dir);
	size_t len = 0;
	char *old = guest_read_file(path, 1 << 20, &len), *all = malloc(len + strlen(keys) + 3);
	if (!all) {
		free(old);
		return -1;
	}
	memcpy(all, old ? old : "", len);
	if (len && all[len - 1] != '\n')
		all[len++] = '\n';
	all[len] = 0;
	while (*keys) {
		size_t n = strcspn(keys, "\n");
		char *line = strndup(keys, n);
		if (line && n && !strstr(all, line)) {
			memcpy(all + len, keys, n);
			len += n;
			all[len++] = '\n';
			all[len] = 0;
		}
		free(line);
		keys += n + (keys[n] == '\n');
	}
	mkdir(u->home, 0755);
	mkdir(dir, 0700);
	int r = chown(dir, u->uid, u->gid) == 0 && chmod(dir, 0700) == 0
			? guest_write_file(path, all, len, 0600, u->uid, u->gid)
			: -1;
	free(old);
	free(all);
	return r;
}
