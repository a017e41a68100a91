/*
 * running: the Haneul that runs on a data directory, as its file <data>/running.json tells; and
 * plain HTTP to it, for the subcommands.
 */
#ifndef HANEUL_MAIN_RUNNING_H
#define HANEUL_MAIN_RUNNING_H

#include "base/arena.h"
#include "base/buf.h"
#include "main/settings.h"

struct running {
	int pid;
	int port;
	char host[256];
	char endpoint[300]; /* "http://127.0.0.1:4566" */
	char data[1024];
	bool strict;
};

bool running_write(const char *data, const struct running *r);
void running_remove(const char *data);
/* false: no file, or its process is gone. */
bool running_find(const char *data, struct running *ret);
/* Signed as root where the cloud checks keys. Status of the reply, or -errno. body may be NULL. */
int running_request(const struct running *r, const char *method, const char *path, const char *body,
	struct buf *ret);
/* The data directory that the subcommand's --data, $HANEUL_DATA … name. NULL: usage error was
 * printed. */
const char *running_data(const char *command, int *argc, char **argv);
/* What it read for that: file and environment, of flags only --data. */
const struct settings *running_settings(void);

#endif
