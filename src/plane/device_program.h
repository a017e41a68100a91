/*
 * device_program: which devices a control group of version 2 may open: a small program of the
 * kernel's machine (BPF_PROG_TYPE_CGROUP_DEVICE), where version 1 has devices.allow. Attached to
 * the group, it holds for all that is in it and below; another one takes its place at once. What
 * is open already stays open. Needs root and a kernel with CONFIG_CGROUP_BPF.
 */
#ifndef HANEUL_PLANE_DEVICE_PROGRAM_H
#define HANEUL_PLANE_DEVICE_PROGRAM_H

#include <stdbool.h>

struct device_rule {
	bool block;
	int major, minor; /* minor -1: all of them */
};
#define DEVICE_RULES_MAX 256

/* These and no others. 0 or -errno. */
int device_program_attach(const char *group_dir, const struct device_rule *rules, unsigned n);

#endif
