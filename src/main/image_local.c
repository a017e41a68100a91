/* The plane of this command; see image_local.h. */
#include "main/image_local.h"

#include "main/command.h"
#include "main/running.h"
#include "os/loop.h"
#include "plane/agent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct local {
	struct plane *plane;
	struct loop *loop;
	struct plane_request r;
	struct plane_listener listener;
	const struct image_ask *ask;
	int code;
} local;

static bool shown;

void
image_progress(struct str text)
{
	static char last[160];
	char line[160];
	snprintf(line, sizeof(line), "%.*s", STR_FMT(text));
	if (!*line || strcmp(line, last) == 0)
		return;
	memcpy(last, line, sizeof(line));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%.79s", line);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
	shown = true;
}

void
image_progress_end(void)
{
	if (shown && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	shown = false;
}

void
image_print_size(uint64_t bytes, char *ret, size_t cap)
{
	snprintf(ret, cap, "%.1f MiB", (double)bytes / (1 << 20));
}

static void
progressed(struct plane_listener *l, struct str what, struct str text)
{
	(void)l, (void)what;
	image_progress(text);
}

static void
listed(struct plane_request *r, const struct plane_image *i)
{
	char size[32];
	(void)r;
	image_print_size(i->bytes, size, sizeof(size));
	printf("%-20.*s %-10.*s %10s  %.*s (%.*s)\n", STR_FMT(i->id), STR_FMT(i->user), size,
		STR_FMT(i->name), STR_FMT(i->os));
}

static void
answered(struct plane_request *r, const struct plane_answer *a)
{
	char size[32];
	(void)r;
	image_progress_end();
	if (a->status) {
		local.code = failed("image", "%s", a->why);
	} else if (strcmp(local.ask->what, "list") != 0) {
		image_print_size(a->bytes, size, sizeof(size));
		printf("%s: done%s%s\n", local.ask->image, a->bytes ? ", " : "",
			a->bytes ? size : "");
	}
	loop_stop(local.loop);
}

static void
ready(void *ctx)
{
	const struct image_ask *k = ctx;
	const struct plane_ops *ops = local.plane->ops;
	struct plane_ability can;
	ops->ability(local.plane, &can);
	if (!can.machines && strcmp(k->what, "list") != 0) {
		local.code = failed("image", "%s", can.why_not);
		loop_stop(local.loop);
		return;
	}
	struct plane_image i = { .id = str_c(k->image),
		.name = STR(""),
		.os = STR(""),
		.user = str_c(k->user ? k->user : ""),
		.arch = STR("") };
	if (strcmp(k->what, "list") == 0)
		ops->image_list(local.plane, &local.r, listed);
	else if (strcmp(k->what, "pull") == 0)
		ops->image_pull(local.plane, &local.r, i.id);
	else if (strcmp(k->what, "import") == 0)
		ops->image_import(local.plane, &local.r, &i, k->file, PLANE_IMAGE_ANY);
	else if (strcmp(k->what, "export") == 0)
		ops->image_export(local.plane, &local.r, i.id, k->file);
	else
		ops->image_remove(local.plane, &local.r, i.id);
}

int
image_local(const char *data, const struct image_ask *ask)
{
	int r = agent_fork(&local.plane, data, false);
	r = r ? r : loop_new(&local.loop);
	if (r)
		return failed("image", "%s", strerror(-r));
	local.ask = ask;
	local.code = EXIT_DONE;
	local.r.done = answered;
	local.listener = (struct plane_listener){ .progress = progressed };
	agent_uplink(local.plane, plane_uplink(running_settings()));
	plane_listen(local.plane, &local.listener);
	agent_attach(local.plane, local.loop, true, ready, (void *)(uintptr_t)ask);
	loop_run(local.loop);
	agent_close(local.plane);
	loop_free(local.loop);
	return local.code;
}
