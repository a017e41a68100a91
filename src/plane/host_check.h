/*
 * host_check: whether this host can run machines, without making anything: what the kernel must
 * have, and what the images are made of. Any process, any thread.
 */
#ifndef HANEUL_PLANE_HOST_CHECK_H
#define HANEUL_PLANE_HOST_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* NULL: nothing is missing for machines. Otherwise a sentence, in `why`. */
const char *host_check_machines(char *why, size_t cap);
/* The same for volumes, and for making the image of that name ("tiny", "debian"). */
const char *host_check_volumes(char *why, size_t cap);
const char *host_check_image(const char *name, char *why, size_t cap);
/* A release of the kernel as uname has it, against a version. */
bool host_check_kernel(const char *release, unsigned major, unsigned minor);

/* What this host lacks of what machines without root would need, besides the mode itself. */
const char *host_check_rootless(char *why, size_t cap);
/* net.ipv4.ip_forward: packets of one link leave by another. */
bool host_check_forwards(void);

#endif
