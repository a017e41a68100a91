/*
 * agent: the plane that is real: this process's half of it. agent_fork starts the process that
 * holds the privilege (agent_process.c), before there are threads, and gives up here what only that
 * one needs. The agent sleeps until the first request; it ends when this process does, and machines
 * go on. When it ends by itself, its guard (guard.h) makes another, which adopts what runs:
 * requests that were on their way fail with -EPIPE, `forgot` is told, later ones wait.
 *
 * All of plane.h's functions work on the loop given to agent_attach. Requests made before the agent
 * has answered the first message wait in the socket.
 */
#ifndef HANEUL_PLANE_AGENT_H
#define HANEUL_PLANE_AGENT_H

#include "plane/plane.h"

/* The first thing that a server does. 0 or -errno. drop: capabilities go (a command line tool keeps
 * them). */
int agent_fork(struct plane **ret_plane, const char *data_dir, bool drop);
/* How machines get beyond the host, enum fabric_uplink; before agent_attach. */
void agent_uplink(struct plane *p, uint8_t uplink);
/* Before the loop runs, or on it. The agent is woken now, or when machines were left running, else
 * by the first request. What it can do is known for certain when `ready` (may be NULL) runs, on the
 * loop. */
void agent_attach(struct plane *p, struct loop *l, bool now, void (*ready)(void *ctx), void *ctx);
/* After the loop has stopped, or on it: the agent ends. Requests that wait get no answer. */
void agent_close(struct plane *p);
int agent_pid(struct plane *p); /* of the one that answered last; 0: none has */

#endif
