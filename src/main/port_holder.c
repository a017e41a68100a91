#include "main/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTENS 0x0A

static unsigned long
inode_in(const char *table, uint16_t port)
{
	char line[512];
	unsigned long inode = 0, at;
	unsigned local, state;
	FILE *f = fopen(table, "re");
	while (f && !inode && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu",
			    &local, &state, &at) == 3 &&
			local == port && state == TCP_LISTENS)
			inode = at;
	if (f)
		fclose(f);
	return inode;
}

static bool
holds(const char *pid, const char *socket)
{
	char dir[320], path[640], to[64];
	bool found = false;
	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	DIR *d = opendir(dir);
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = 0;
		found = strcmp(to, socket) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

static void
name_of(const char *pid, char *ret_name, size_t cap)
{
	char path[320];
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	FILE *f = fopen(path, "re");
	if (!f || !fgets(ret_name, (int)cap, f))
		snprintf(ret_name, cap, "?");
	ret_name[strcspn(ret_name, "\n")] = 0;
	if (f)
		fclose(f);
}

bool
port_holder(uint16_t port, int *ret_pid, char *ret_name, size_t cap)
{
	char socket[64];
	unsigned long inode = inode_in("/proc/net/tcp", port);
	if (!inode)
		inode = inode_in("/proc/net/tcp6", port);
	if (!inode)
		return false;
	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	bool found = false;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]) || !holds(e->d_name, socket))
			continue;
		*ret_pid = (int)strtol(e->d_name, NULL, 10);
		name_of(e->d_name, ret_name, cap);
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}
