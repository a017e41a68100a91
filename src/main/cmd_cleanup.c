/* haneul cleanup: removes machines and networks that no server looks after any more. */
#include "main/command.h"
#include "main/running.h"
#include "plane/leftovers.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned removed_n, kept_n, failed_n;

static void
remove_of(const char *data_dir)
{
	char why[512] = "";
	if (leftovers_remove(data_dir, why, sizeof(why))) {
		failed("cleanup", "%s: %s", data_dir, why);
		failed_n++;
		return;
	}
	printf("removed what %s had left\n", data_dir);
	removed_n++;
}

static void
each_directory(void *ctx, const char *data_dir)
{
	struct running r;
	struct stat st;
	bool all = *(bool *)ctx;
	if (running_find(data_dir, &r)) {
		printf("kept    %s: process %d looks after it\n", data_dir, r.pid);
		kept_n++;
	} else if (stat(data_dir, &st) == 0 && !all) {
		/* The next start takes it over. */
		printf("kept    %s: haneul cleanup --data %s removes it\n", data_dir, data_dir);
		kept_n++;
	} else {
		remove_of(data_dir);
	}
}

int
command_cleanup(int argc, char **argv)
{
	struct running r;
	bool all = take_flag(&argc, argv, "--all");
	const char *data = take_option(&argc, argv, "--data");
	if (argc)
		return usage_error("cleanup", "unknown option \"%s\"", argv[0]);
	if (geteuid() != 0)
		return failed("cleanup", "machines and networks were made by root: use sudo");
	if (!data) {
		leftovers_each(each_directory, &all);
		if (!removed_n && !kept_n && !failed_n)
			printf("Nothing is left.\n");
	} else if (running_find(data, &r)) {
		return failed("cleanup",
			"process %d looks after %s: stop it first, or haneul reset", r.pid, data);
	} else {
		remove_of(data);
	}
	return failed_n ? EXIT_FAILED : EXIT_DONE;
}
