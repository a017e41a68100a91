/*
 * haneul plane: the things that really run, without the cloud around them: for looking, for tests,
 * and for cleaning up. Requests are lines of standard input, answers lines of JSON, in the order in
 * which they come.
 */
#include "main/command.h"
#include "main/running.h"

#include "base/json.h"
#include "os/loop.h"
#include "plane/agent.h"
#include "plane/machine_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct shell {
	struct plane *plane;
	struct loop *loop;
	struct loop_io input;
	struct plane_listener listener;
	struct buf line;
	unsigned open;
	bool ended;
};
static struct shell shell;

struct line {
	struct plane_request r;
	struct arena arena;
	struct str words[64];
	unsigned words_n;
	uint64_t began_us;
	char op[24];
};

static uint64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
print_text(const char *key, struct str s)
{
	printf("\"%s\": \"", key);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\' || c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
maybe_stop(void)
{
	if (shell.ended && shell.open == 0)
		loop_stop(shell.loop);
}

static void
answered(struct plane_request *r, const struct plane_answer *a)
{
	struct line *l = (struct line *)r;
	printf("{\"op\": \"%s\", ", l->op);
	print_text("id", l->words_n > 1 ? l->words[1] : STR(""));
	printf(", \"status\": %d, \"us\": %llu, \"bytes\": %llu, ", a->status,
		(unsigned long long)(now_us() - l->began_us), (unsigned long long)a->bytes);
	print_text("why", str_c(a->why));
	printf(", ");
	print_text("text", a->text);
	printf("}\n");
	fflush(stdout);
	if (a->fd >= 0)
		close(a->fd);
	arena_done(&l->arena);
	free(l);
	shell.open--;
	maybe_stop();
}

static void
reported(struct plane_listener *l, const struct plane_machine_report *m)
{
	(void)l;
	printf("{\"op\": \"report\", ");
	print_text("id", m->id);
	printf(", \"state\": %d, \"exit\": %d, \"system_ok\": %d, \"instance_ok\": %d, \"cpu_us\": %llu, \"memory\": %llu, ",
		m->state, m->exit_status, m->system_ok, m->instance_ok,
		(unsigned long long)m->cpu_us, (unsigned long long)m->memory_bytes);
	print_text("why", m->why);
	printf("}\n");
	fflush(stdout);
}

static void
progressed(struct plane_listener *l, struct str what, struct str text)
{
	(void)l;
	printf("{\"op\": \"progress\", ");
	print_text("id", what);
	printf(", ");
	print_text("text", text);
	printf("}\n");
	fflush(stdout);
}

static void
listed(struct plane_request *r, const struct plane_image *i)
{
	(void)r;
	printf("{\"op\": \"image\", ");
	print_text("id", i->id);
	printf(", ");
	print_text("os", i->os);
	printf(", ");
	print_text("user", i->user);
	printf(", \"bytes\": %llu, \"has_init\": %d}\n", (unsigned long long)i->bytes, i->has_init);
}

/* "key=value" among the words; or the default. */
static struct str
named(const struct line *l, const char *key, const char *otherwise)
{
	for (unsigned i = 1; i < l->words_n; i++) {
		struct str value = l->words[i], name = str_cut(&value, '=');
		if (value.p && str_eq(name, str_c(key)))
			return value;
	}
	return str_c(otherwise);
}

static uint64_t
number(const struct line *l, const char *key, const char *otherwise)
{
	uint64_t v = 0;
	str_to_u64(named(l, key, otherwise), &v);
	return v;
}

static struct str
word(const struct line *l, unsigned i)
{
	return i < l->words_n ? l->words[i] : STR("");
}

static void
start(struct line *l)
{
	const char **argv = arena_array(&l->arena, const char *, 65);
	unsigned n = 0;
	struct plane_machine m = { .id = word(l, 1),
		.network = named(l, "network", ""),
		.image = named(l, "image", "tiny"),
		.hostname = named(l, "hostname", ""),
		.cpu_milli = (uint32_t)number(l, "cpu_milli", "1000"),
		.cpus = (uint32_t)number(l, "cpus", "1"),
		.memory_bytes = number(l, "memory", "268435456"),
		.root_bytes = number(l, "root_bytes", "8589934592"),
		.kind = str_is(named(l, "kind", "container"), "vm") ? PLANE_VM : PLANE_CONTAINER,
		.no_new_privs = number(l, "no_new_privs", "0") != 0 };
	m.root_volume = named(l, "root", NULL);
	if (!m.root_volume.p)
		m.root_volume = arena_printf(&l->arena, "root-%.*s", STR_FMT(m.id));
	struct str eni = named(l, "interface", "");
	m.interfaces = &eni;
	m.interfaces_n = eni.len > 0;
	struct plane_disk disk = { .volume = named(l, "disk", ""),
		.device = named(l, "device", "/dev/sdf") };
	m.disks = &disk;
	m.disks_n = disk.volume.len > 0;
	for (unsigned i = 2; i < l->words_n; i++)
		if (str_starts(l->words[i], STR("argv=")))
			argv[n++] =
				arena_cstr(&l->arena, str_slice(l->words[i], 5, l->words[i].len));
	m.argv = n ? argv : NULL;
	shell.plane->ops->machine_start(shell.plane, &l->r, &m);
}

static void
volume_line(struct line *l, const struct plane_ops *ops)
{
	struct plane *p = shell.plane;
	struct plane_disk d = { .volume = word(l, 2),
		.device = word(l, 3),
		.iops = (uint32_t)number(l, "iops", "0"),
		.bytes_a_second = number(l, "rate", "0") };
	uint64_t bytes = number(l, "bytes", "1073741824");
	if (strcmp(l->op, "volume") == 0)
		ops->volume_create(p, &l->r, word(l, 1), bytes, named(l, "snapshot", ""));
	else if (strcmp(l->op, "resize") == 0)
		ops->volume_resize(p, &l->r, word(l, 1), bytes);
	else if (strcmp(l->op, "remove-volume") == 0)
		ops->volume_remove(p, &l->r, word(l, 1));
	else if (strcmp(l->op, "attach") == 0)
		ops->volume_attach(p, &l->r, word(l, 1), &d);
	else if (strcmp(l->op, "detach") == 0)
		ops->volume_detach(p, &l->r, word(l, 1), word(l, 2));
	else if (strcmp(l->op, "snapshot") == 0)
		ops->snapshot_create(p, &l->r, word(l, 1), word(l, 2));
	else
		ops->snapshot_remove(p, &l->r, word(l, 1));
}

static void
image_line(struct line *l, const struct plane_ops *ops)
{
	struct plane *p = shell.plane;
	const char *path = arena_cstr(&l->arena, word(l, 2));
	struct plane_image i = { .id = word(l, 1),
		.name = named(l, "name", ""),
		.os = STR(""),
		.user = named(l, "user", ""),
		.arch = STR("") };
	if (strcmp(l->op, "images") == 0)
		ops->image_list(p, &l->r, listed);
	else if (strcmp(l->op, "pull") == 0)
		ops->image_pull(p, &l->r, word(l, 1));
	else if (strcmp(l->op, "import") == 0)
		ops->image_import(p, &l->r, &i, path,
			str_is(named(l, "format", "any"), "oci") ? PLANE_IMAGE_OCI
								 : PLANE_IMAGE_ANY);
	else if (strcmp(l->op, "export") == 0)
		ops->image_export(p, &l->r, word(l, 1), path);
	else if (strcmp(l->op, "image-from") == 0)
		ops->image_from_root(p, &l->r, &i, word(l, 2));
	else
		ops->image_remove(p, &l->r, word(l, 1));
}

static bool
machine_line(struct line *l, const struct plane_ops *ops)
{
	struct plane *p = shell.plane;
	if (strcmp(l->op, "start") == 0)
		start(l);
	else if (strcmp(l->op, "stop") == 0 || strcmp(l->op, "kill") == 0)
		ops->machine_stop(p, &l->r, word(l, 1),
			l->op[0] == 'k' ? PLANE_STOP_NOW : PLANE_STOP_ORDERLY);
	else if (strcmp(l->op, "reboot") == 0)
		ops->machine_reboot(p, &l->r, word(l, 1));
	else if (strcmp(l->op, "limits") == 0)
		ops->machine_limits(p, &l->r, word(l, 1), (uint32_t)number(l, "cpu_milli", "1000"),
			number(l, "memory", "268435456"));
	else if (strcmp(l->op, "console") == 0)
		ops->machine_console(p, &l->r, word(l, 1));
	else if (strcmp(l->op, "look") == 0)
		ops->machine_look(p, &l->r, word(l, 1));
	else if (strcmp(l->op, "remove-all") == 0)
		ops->remove_all(p, &l->r);
	else
		return false;
	return true;
}

static void
run_line(struct str text)
{
	static const char *const volumes[] = { "volume", "resize", "remove-volume", "attach",
		"detach", "snapshot", "remove-snapshot", NULL },
				 *const images[] = { "images", "pull", "import", "export",
					 "image-from", "remove-image", NULL };
	struct line *l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	arena_init(&l->arena);
	l->r.done = answered;
	l->began_us = now_us();
	for (struct str rest = arena_dup(&l->arena, str_trim(text)); rest.p && l->words_n < 64;) {
		struct str one = str_cut(&rest, ' ');
		if (one.len)
			l->words[l->words_n++] = one;
	}
	snprintf(l->op, sizeof(l->op), "%.*s", STR_FMT(word(l, 0)));
	shell.open++;
	for (unsigned i = 0; volumes[i]; i++)
		if (strcmp(l->op, volumes[i]) == 0) {
			volume_line(l, shell.plane->ops);
			return;
		}
	for (unsigned i = 0; images[i]; i++)
		if (strcmp(l->op, images[i]) == 0) {
			image_line(l, shell.plane->ops);
			return;
		}
	if (machine_line(l, shell.plane->ops))
		return;
	const struct plane_answer unknown = {
		.status = -EINVAL, .why = "There is no such request.", .fd = -1, .text = STR("")
	};
	answered(&l->r, &unknown);
}

static void
input_ready(struct loop_io *io, uint32_t events)
{
	ssize_t n = read(io->fd, buf_reserve(&shell.line, 4096), 4096);
	(void)events;
	if (n > 0)
		shell.line.len += (size_t)n;
	for (long end; (end = str_find(buf_str(&shell.line), '\n')) >= 0;
		buf_consume(&shell.line, (size_t)end + 1))
		if (end > 0)
			run_line(str_slice(buf_str(&shell.line), 0, (size_t)end));
	if (n > 0)
		return;
	loop_unwatch(shell.loop, io);
	shell.ended = true;
	maybe_stop();
}

static void
ready(void *ctx)
{
	struct plane_ability a;
	(void)ctx;
	shell.plane->ops->ability(shell.plane, &a);
	printf("{\"op\": \"ready\", \"agent\": %d, \"networks\": %d, \"machines\": %d, \"volumes\": %d, ",
		agent_pid(shell.plane), a.networks, a.machines, a.volumes);
	print_text("why", str_c(a.why_not));
	printf("}\n");
	fflush(stdout);
	/* Not epoll-able when it is a file: then read at once. */
	if (loop_watch(shell.loop, &shell.input))
		while (!shell.ended)
			input_ready(&shell.input, 0);
}

int
command_plane(int argc, char **argv)
{
	const char *data = running_data("plane", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("plane", "unknown option \"%s\"", argv[0]);
	int r = agent_fork(&shell.plane, data, false);
	r = r ? r : loop_new(&shell.loop);
	if (r)
		return failed("plane", "%s", strerror(-r));
	shell.listener = (struct plane_listener){ .reported = reported, .progress = progressed };
	shell.input =
		(struct loop_io){ .fd = STDIN_FILENO, .events = EPOLLIN, .ready = input_ready };
	agent_uplink(shell.plane, plane_uplink(running_settings()));
	plane_listen(shell.plane, &shell.listener);
	agent_attach(shell.plane, shell.loop, true, ready, NULL);
	loop_run(shell.loop);
	agent_close(shell.plane);
	loop_free(shell.loop);
	buf_done(&shell.line);
	return EXIT_DONE;
}
