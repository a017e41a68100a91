/* memory_trim: after the start, pages of program and libraries that only the start needed are given
 * back. */
#ifndef HANEUL_MAIN_MEMORY_TRIM_H
#define HANEUL_MAIN_MEMORY_TRIM_H

/* Unmaps the pages of all read-only segments (code, constants); those still used come back from the
 * page cache by a fault of their own. Nothing that was written is touched. Any thread. */
void memory_trim(void);

#endif
