/*
 * banned: functions that cannot be used safely, or not by several threads. The Makefile includes
 * this before every source of ours, and a call of one of them does not compile. The headers that
 * declare them come first, so that their own lines are read before the names change meaning.
 */
#ifndef HANEUL_BASE_BANNED_H
#define HANEUL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name, instead) name##_is_banned_use_##instead

#undef strcpy
#undef strncpy
#undef stpcpy
#undef strcat
#undef strncat
#define strcpy(...) BANNED(strcpy, buf_or_arena)
#define strncpy(...) BANNED(strncpy, buf_or_arena)
#define stpcpy(...) BANNED(stpcpy, buf_or_arena)
#define strcat(...) BANNED(strcat, buf_or_arena)
#define strncat(...) BANNED(strncat, buf_or_arena)

#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef alloca
#define sprintf(...) BANNED(sprintf, snprintf_or_buf_printf)
#define vsprintf(...) BANNED(vsprintf, vsnprintf_or_buf_vprintf)
#define gets(...) BANNED(gets, fgets)
#define strtok(...) BANNED(strtok, str_cut)
#define alloca(...) BANNED(alloca, arena_alloc)

/* No error can be told from a zero. */
#undef atoi
#undef atol
#undef atoll
#define atoi(...) BANNED(atoi, str_to_i64)
#define atol(...) BANNED(atol, str_to_i64)
#define atoll(...) BANNED(atoll, str_to_i64)

/* One static result for all threads; and the zone of the machine is not the cloud's. */
#undef localtime
#undef gmtime
#undef ctime
#undef ctime_r
#undef asctime
#undef asctime_r
#define localtime(...) BANNED(localtime, time_format)
#define gmtime(...) BANNED(gmtime, time_format)
#define ctime(...) BANNED(ctime, time_format)
#define ctime_r(...) BANNED(ctime_r, time_format)
#define asctime(...) BANNED(asctime, time_format)
#define asctime_r(...) BANNED(asctime_r, time_format)

/* A name is not yet a file, and weak randomness makes guessable ids. */
#undef tmpnam
#undef tempnam
#undef mktemp
#undef rand
#undef srand
#undef random
#define tmpnam(...) BANNED(tmpnam, mkstemp)
#define tempnam(...) BANNED(tempnam, mkstemp)
#define mktemp(...) BANNED(mktemp, mkstemp)
#define rand(...) BANNED(rand, random_u64)
#define srand(...) BANNED(srand, random_u64)
#define random(...) BANNED(random, random_u64)

#endif
