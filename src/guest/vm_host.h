/*
 * vm_host: the program around QEMU: what it is told, and the command line that comes of it. One
 * thread, one virtual machine.
 */
#ifndef HANEUL_GUEST_VM_HOST_H
#define HANEUL_GUEST_VM_HOST_H

#include <stdbool.h>

#define VM_LINKS_MAX 8
#define VM_DISKS_MAX 16

struct vm {
	unsigned long memory_mib, cpus;
	bool own_init;    /* the image's; else ours */
	const char *name; /* of the host inside; NULL */
	const char *
		resolver; /* its resolv.conf as one word of the kernel's line (vm_one_word); NULL */
	const char *links[VM_LINKS_MAX]; /* MAC,ADDRESS/BITS,GATEWAY; borrowed */
	unsigned links_n;
};
/* "cpus=2" …; false: not one of them. */
bool vm_word(struct vm *v, const char *word);
/* QEMU's arguments, ended by NULL; cap leaves room for it. Texts live until the next
 * call. */
unsigned vm_arguments(const struct vm *v, const int *taps, char **ret, unsigned cap);
/* Blanks become ',' and line ends ';', in place. false: it has one of those, or a quote. */
bool vm_one_word(char *text);
bool vm_disk_name_ok(const char *name);
int vm_host_main(int argc, char **argv);

#endif
