/*
 * leftovers: what machines and networks of a data directory left in the kernel when nobody looks
 * after them any more: found and removed without an agent and without the data directory itself.
 * Needs root; blocks.
 */
#ifndef HANEUL_PLANE_LEFTOVERS_H
#define HANEUL_PLANE_LEFTOVERS_H

#include <stddef.h>

/* Each data directory that has something here, once. Machines that run count. */
void leftovers_each(void (*each)(void *ctx, const char *data_dir), void *ctx);
/* Ends its machines, removes control groups, slots, loop devices, networks. Its files stay, but no
 * machine is remembered. 0 or -errno. */
int leftovers_remove(const char *data_dir, char *why, size_t cap);

/* Those of data directories that are not there any more. Before groups and networks are opened. */
void leftovers_remove_gone(void);

#endif
