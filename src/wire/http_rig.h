/*
 * http_rig: what the tests of the HTTP server share: a server on a thread of its own with handlers
 * that use each part of the API, and a blocking client. One rig at a time.
 */
#ifndef HANEUL_WIRE_HTTP_RIG_H
#define HANEUL_WIRE_HTTP_RIG_H

#include "base/buf.h"
#include "unit.h"
#include "wire/http_server.h"
#include "wire/tls.h"

#include <pthread.h>
#include <stdatomic.h>

struct http_rig {
	struct loop *loop;
	struct http_server *server;
	struct http_limits limits;
	struct tls_context *tls; /* set before rig_open; borrowed */
	pthread_t thread;
	uint16_t port; /* network order */
	int file;      /* what /file serves */
	int closed[2]; /* a pipe: one byte for each `closed` */
	atomic_int drained_n, begun_n;
};
extern struct http_rig rig;

void rig_start(void); /* default limits */
void rig_open(void);  /* with rig.limits as they are */
void rig_halt(void);  /* stops the loop, keeps server and pipe */
void rig_stop(void);  /* all of it */

int client(void);
void put(int fd, struct str s);
struct buf get_all(int fd); /* until the end of the connection; the caller frees */
struct buf get_until(int fd, struct str end); /* until the text ends with `end` */
struct buf ask(struct str request);           /* connect, send, half-close, get_all */
int count(const struct buf *b, const char *needle);

#define assert_has(b, text)                                                                        \
	do {                                                                                       \
		if (!count(&(b), (text))) {                                                        \
			print_error("no \"%s\" in:\n%s\n", (text), (b).p);                         \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

#endif
