/*
 * seccomp_filter: what no machine may ask of the kernel, whatever it is root of. Written as BPF by
 * hand: libseccomp would set no_new_privs, which breaks sudo. Refused are what no namespace
 * contains (modules, kexec, bpf, perf, keys, handles, clocks …), nested user namespaces, and calls
 * of another architecture; mount(2) is told to a listener, who makes mounts of the machine's own
 * disks.
 */
#ifndef HANEUL_PLANE_SECCOMP_FILTER_H
#define HANEUL_PLANE_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

#define SECCOMP_FILTER_MAX 256

/* How many instructions were written. */
unsigned seccomp_filter_make(struct sock_filter ret[SECCOMP_FILTER_MAX], bool listen_mount);
/* For this process and what it becomes; needs CAP_SYS_ADMIN in its user namespace unless it has
 * no_new_privs. The listener's descriptor when listen_mount, else 0; -errno. */
int seccomp_filter_install(bool listen_mount);

#endif
