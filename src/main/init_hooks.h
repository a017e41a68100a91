/*
 * init_hooks: scripts that users of other local clouds keep: *.sh and executable files in boot.d,
 * start.d, ready.d and shutdown.d of --init-dir, of /etc/haneul/init, /etc/localstack/init, and
 * (ready) of /docker-entrypoint-initaws.d, in alphabetical order, with endpoint, keys and region
 * set.
 */
#ifndef HANEUL_MAIN_INIT_HOOKS_H
#define HANEUL_MAIN_INIT_HOOKS_H

#include "aws/cloud.h"
#include "main/running.h"

enum init_stage { INIT_BOOT, INIT_START, INIT_READY, INIT_SHUTDOWN, INIT_STAGES };

/* Runs the stage's scripts one after the other and waits. r may be NULL (boot). A failed script is
 * logged. */
void init_hooks_run(const struct settings *s, enum init_stage stage, const struct running *r);
/* The ready stage, on a thread of its own: the cloud answers already. Keeps /_localstack/init up to
 * date. */
void init_hooks_start_ready(const struct settings *s, const struct running *r, struct cloud *cloud);
void init_hooks_join(void);

#endif
