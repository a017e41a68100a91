/*
 * guard: the process between the server and its agent. Forked first, it holds the privilege and
 * does one thing with it: it makes an agent when the first request comes, and another whenever one
 * has ended. Nobody sends it anything: all that it hears of the server is its end.
 */
#ifndef HANEUL_PLANE_GUARD_H
#define HANEUL_PLANE_GUARD_H

#include <sys/types.h>

struct guard {
	pid_t pid;
	int control; /* readable when guard_next has something; not blocking */
};

/* 0 and the socket to the first agent, not blocking; or -errno. */
int guard_fork(struct guard *ret, int *ret_agent, const char *data_dir);
/* The socket to the next agent; -EAGAIN: not yet; else the guard is gone, and none will come. */
int guard_next(const struct guard *g);
/* Closes the sockets and waits until both have ended. agent -1: there is none. */
void guard_done(struct guard *g, int agent);
/* What a server keeps of root's capabilities once it has its guard. */
void guard_drop_capabilities(void);

#endif
