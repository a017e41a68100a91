#include "main/memory_trim.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Relocated tables lie in writable segments and are private copies: they must stay. */
static int
trim(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)size, (void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		if (h->p_type != PT_LOAD || (h->p_flags & PF_W))
			continue;
		uintptr_t from = (info->dlpi_addr + h->p_vaddr) & ~(page - 1);
		uintptr_t to = (info->dlpi_addr + h->p_vaddr + h->p_memsz + page - 1) & ~(page - 1);
		/* The vDSO has no file behind it and refuses; that is fine. */
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
memory_trim(void)
{
	dl_iterate_phdr(trim, NULL);
}
