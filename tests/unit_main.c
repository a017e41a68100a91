#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP_NAME "haneul-unit-"

static struct unit_test *tests;
static char tmp_root[256];
static unsigned tmp_n;

void
unit_register(struct unit_test *t)
{
	t->next = tests;
	tests = t;
}

void
unit_assert_str(struct str got, struct str want, const char *file, int line)
{
	if (got.p && str_eq(got, want))
		return;
	print_error("got  \"%.*s\"%s\nwant \"%.*s\"\n", STR_FMT(got), got.p ? "" : " (absent)",
		STR_FMT(want));
	_fail(file, line);
}

/* As much as can be. */
static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

static const char *
tmp_base(void)
{
	const char *base = getenv("TMPDIR");
	return base ? base : "/tmp";
}

static void
unmount_below(const char *dir)
{
	char line[4096], at[4096];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 &&
			!strncmp(at, dir, strlen(dir)) && at[strlen(dir)] == '/')
			umount2(at, MNT_DETACH);
	if (f)
		fclose(f);
}

/* What runs left that were killed, so that they could not clean up. */
static void
sweep_dead(void)
{
	char path[600];
	DIR *d = opendir(tmp_base());
	for (struct dirent *e; d && (e = readdir(d));) {
		int pid;
		if (sscanf(e->d_name, TMP_NAME "%d-", &pid) != 1 || pid < 2 || kill(pid, 0) == 0 ||
			errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", tmp_base(), e->d_name);
		unmount_below(path);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
	if (d)
		closedir(d);
}

const char *
unit_tmpdir(void)
{
	static char path[300];
	if (!tmp_root[0]) {
		sweep_dead();
		snprintf(tmp_root, sizeof(tmp_root), "%s/" TMP_NAME "%d-XXXXXX", tmp_base(),
			(int)getpid());
		if (!mkdtemp(tmp_root))
			abort();
	}
	snprintf(path, sizeof(path), "%s/%u", tmp_root, tmp_n++);
	if (mkdir(path, 0700))
		abort();
	return path;
}

const char *
unit_vectors_dir(void)
{
	const char *dir = getenv("HANEUL_VECTORS");
	if (!dir)
		dir = "../shared/vectors";
	return access(dir, R_OK) == 0 ? dir : NULL;
}

static int
by_file(const void *a, const void *b)
{
	const struct unit_test *x = *(struct unit_test *const *)a,
			       *y = *(struct unit_test *const *)b;
	int d = strcmp(x->file, y->file);
	return d ? d : strcmp(x->name, y->name);
}

/* usage: unit [SUBSTRING of file:name] */
int
main(int argc, char **argv)
{
	size_t n = 0, kept = 0;
	for (struct unit_test *t = tests; t; t = t->next)
		n++;
	struct unit_test **sorted = calloc(n + 1, sizeof(*sorted));
	struct CMUnitTest *run = calloc(n + 1, sizeof(*run));
	size_t i = 0;
	for (struct unit_test *t = tests; t; t = t->next)
		sorted[i++] = t;
	qsort(sorted, n, sizeof(*sorted), by_file);
	for (i = 0; i < n; i++) {
		char full[512];
		snprintf(full, sizeof(full), "%s:%s", sorted[i]->file, sorted[i]->name);
		if (argc > 1 && !strstr(full, argv[1]))
			continue;
		run[kept].name = strdup(full);
		run[kept++].test_func = sorted[i]->run;
	}
	int failed = _cmocka_run_group_tests("unit", run, kept, NULL, NULL);
	for (i = 0; i < kept; i++)
		free((char *)run[i].name);
	free(run);
	free(sorted);
	if (tmp_root[0])
		nftw(tmp_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed ? 1 : 0;
}
