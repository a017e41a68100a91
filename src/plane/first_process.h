/*
 * first_process: from the moment that a machine's first process is in its namespaces until it is
 * the machine's init: mounts that only it may make, pivot_root, names, capabilities, seccomp, exec.
 * Runs in a child that never returns to its parent's code. What is needed was made ready by the
 * keeper; the current folder is the new root, as seen from the keeper's mount namespace.
 */
#ifndef HANEUL_PLANE_FIRST_PROCESS_H
#define HANEUL_PLANE_FIRST_PROCESS_H

#include "plane/keeper.h"

/* socket: to the keeper. It tells 'F' when something fails, with an errno and what failed; sends
 * its terminal with 'C'; waits for 'G'; sends the listener of mount calls with 'L'; is closed by
 * exec. */
void first_process(int socket, const struct keeper_start *s) __attribute__((noreturn));

#endif
