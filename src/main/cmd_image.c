/* haneul image: asks the running server, or the plane itself when none runs. */
#include "base/ids.h"
#include "base/json.h"
#include "main/command.h"
#include "main/image_local.h"
#include "main/running.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 200

/* What a signal must not leave behind: the link in the spool, the file that is being written. */
static char spool_link[1300], part_file[PATH_MAX + 8];
static volatile sig_atomic_t interrupted;

static void
forget_files(void)
{
	if (*spool_link)
		unlink(spool_link);
	if (*part_file)
		unlink(part_file);
	*spool_link = *part_file = 0;
}

static void
on_signal(int sig)
{
	interrupted = sig;
}

/* The plane's process ends with this one, and its work with that. */
static void
end_now(int sig)
{
	forget_files();
	_exit(128 + sig);
}

static void
catch_signals(bool server)
{
	struct sigaction a = { .sa_handler = server ? on_signal : end_now };
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

/* The server finds the file by a name in the data directory, which strangers cannot write to. */
static bool
spool(const char *data, const char *file, char name[25])
{
	char dir[1200], absolute[PATH_MAX];
	snprintf(dir, sizeof(dir), "%s/spool", data);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return false;
	if (!realpath(file, absolute))
		return false;
	random_chars(name, 24, IDS_LOWER_ALNUM);
	snprintf(spool_link, sizeof(spool_link), "%s/%s", dir, name);
	return symlink(absolute, spool_link) == 0;
}

/* --- the server's answers --- */

static struct json *
get_all(const struct running *r, const char *region, struct arena *a)
{
	struct buf text = { 0 };
	char path[160];
	snprintf(path, sizeof(path), "/_haneul/images?region=%s", region);
	int code = running_request(r, "GET", path, NULL, &text);
	struct json *j = code == 200 ? json_parse(a, arena_dup(a, buf_str(&text)), 0, NULL) : NULL;
	buf_done(&text);
	return j;
}

static const struct json *
order_in(const struct json *all, struct str id)
{
	const struct json *list = json_get_lit(all, "orders");
	for (uint32_t i = 0; list && i < list->n; i++)
		if (str_eq(json_get_text(json_at(list, i), STR("id")), id))
			return json_at(list, i);
	return NULL;
}

/* Its own name, and the AMI of that; the usual names that it also answers to come after. */
static void
print_images(const struct json *all, struct str only)
{
	const struct json *list = json_get_lit(all, "images");
	if (str_is(only, "kernel"))
		printf("kernel: done\n");
	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct json *x = json_at(list, i);
		struct str image = json_get_text(x, STR("image"));
		if (only.p && (!str_eq(image, only) ||
				      !str_starts(json_get_text(x, STR("name")), STR("haneul/"))))
			continue;
		printf("%-22.*s %-12.*s %-44.*s %.*s\n", STR_FMT(json_get_text(x, STR("ami"))),
			STR_FMT(image), STR_FMT(json_get_text(x, STR("name"))),
			STR_FMT(json_get_text(x, STR("description"))));
	}
}

static int
ended(const struct json *all, const struct json *order, bool as_json)
{
	int64_t bytes = 0;
	char size[32];
	struct str what = json_get_text(order, STR("do")),
		   image = json_get_text(order, STR("image"));
	image_progress_end();
	if (str_is(json_get_text(order, STR("state")), "failed"))
		return failed("image", "%.*s", STR_FMT(json_get_text(order, STR("why"))));
	json_i64(json_get_lit(order, "bytes"), &bytes);
	image_print_size((uint64_t)bytes, size, sizeof(size));
	if (as_json) {
		struct buf out = { 0 };
		struct json_writer w = { .out = &out };
		json_write_value(&w, json_get_lit(all, "images"));
		printf("%.*s\n", STR_FMT(buf_str(&out)));
		buf_done(&out);
	} else if (str_is(what, "list")) {
		print_images(all, STR_NULL);
	} else if (str_is(what, "export") || str_is(what, "remove")) {
		printf("%.*s: done%s%s\n", STR_FMT(image), bytes ? ", " : "", bytes ? size : "");
	} else {
		print_images(all, image);
	}
	return EXIT_DONE;
}

/* Until the order is over. An import or an export without this command is given up by the server,
 * as the file is not there any more; a pull goes on. */
static int
follow(const struct running *r, const char *region, struct str id, bool as_json)
{
	int code = -1;
	while (code < 0) {
		struct arena a;
		arena_init(&a);
		struct json *all = get_all(r, region, &a);
		const struct json *order = order_in(all, id);
		struct str state = json_get_text(order, STR("state"));
		if (!order)
			code = failed("image", "the server has ended, or forgotten the order");
		else if (str_is(state, "done") || str_is(state, "failed"))
			code = ended(all, order, as_json);
		else
			image_progress(json_get_text(order, STR("progress")));
		arena_done(&a);
		if (code < 0 && interrupted) {
			image_progress_end();
			code = failed("image",
				"interrupted; what the server has begun it ends by itself, whole or not at all");
		}
		struct timespec t = { 0, LOOK_MS * 1000000 };
		if (code < 0)
			nanosleep(&t, NULL);
	}
	return code;
}

static int
ask_server(const struct running *r, const struct image_ask *k, const char *name, const char *region,
	bool as_json)
{
	struct buf body = { 0 }, reply = { 0 };
	struct json_writer w = { .out = &body };
	struct arena a;
	json_write_object(&w);
	json_write_member_str(&w, "do", str_c(k->what));
	json_write_member_str(&w, "image", str_c(k->image ? k->image : ""));
	json_write_member_str(&w, "user", str_c(k->user ? k->user : ""));
	json_write_member_str(&w, "spool", str_c(name));
	json_write_member_str(&w, "region", str_c(region));
	json_write_object_end(&w);
	buf_add_c(&body, 0);
	int code = running_request(r, "POST", "/_haneul/images", body.p, &reply);
	arena_init(&a);
	struct json *j = json_parse(&a, buf_str(&reply), 0, NULL);
	struct str said = json_get_text(j, STR("message"));
	int result = code == 200
			     ? follow(r, region, json_get_text(j, STR("id")), as_json)
			     : failed("image", "%.*s",
				       STR_FMT(said.p ? said : STR("the server does not answer")));
	arena_done(&a);
	buf_done(&body);
	buf_done(&reply);
	return result;
}

/* --- the command --- */

/* "…/My Root_fs.tar.gz" -> "my-root-fs" */
static void
name_of_file(const char *file, char ret[PLANE_ID_MAX + 1])
{
	const char *base = strrchr(file, '/');
	size_t n = 0;
	base = base && base[1] ? base + 1 : file;
	for (; *base && *base != '.' && n < PLANE_ID_MAX; base++) {
		char c = (char)(*base >= 'A' && *base <= 'Z' ? *base + 32 : *base);
		ret[n++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
	}
	ret[n] = 0;
}

static int
run(const char *data, struct image_ask *k, const char *region, bool as_json)
{
	struct running r;
	char name[25] = "";
	bool server = running_find(data, &r), export = strcmp(k->what, "export") == 0;
	const char *file = k->file;
	if (export) {
		snprintf(part_file, sizeof(part_file), "%s.part", file);
		int fd = open(part_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0)
			return failed("image", "%s: %s", part_file, strerror(errno));
		close(fd);
		k->file = part_file;
	}
	if (k->file && access(k->file, R_OK))
		return failed("image", "%s: %s", k->file, strerror(errno));
	if (server && k->file && !spool(data, k->file, name)) {
		int e = errno;
		forget_files();
		return failed("image", "%s/spool: %s", data, strerror(e));
	}
	catch_signals(server);
	int code = server ? ask_server(&r, k, name, region, as_json) : image_local(data, k);
	if (code == EXIT_DONE && export) {
		if (rename(part_file, file))
			code = failed("image", "%s: %s", file, strerror(errno));
		else
			*part_file = 0;
	}
	forget_files();
	return code;
}

int
command_image(int argc, char **argv)
{
	static char name[PLANE_ID_MAX + 1];
	struct image_ask k = { .what = "list" };
	bool as_json = take_flag(&argc, argv, "--json");
	const char *region = take_option(&argc, argv, "--region"),
		   *wanted = take_option(&argc, argv, "--name");
	k.user = take_option(&argc, argv, "--user");
	const char *data = running_data("image", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	k.what = argc ? argv[0] : "list";
	bool pull = strcmp(k.what, "pull") == 0, remove_it = strcmp(k.what, "remove") == 0;
	if ((pull || remove_it) && argc == 2) {
		k.image = argv[1];
	} else if (strcmp(k.what, "import") == 0 && argc == 2) {
		name_of_file(argv[1], name);
		k.image = wanted ? wanted : name;
		k.file = argv[1];
	} else if (strcmp(k.what, "export") == 0 && argc == 3) {
		k.image = argv[1];
		k.file = argv[2];
	} else if (strcmp(k.what, "list") != 0 || argc > 1) {
		return usage_error("image",
			"say list, pull NAME, import FILE, export IMAGE FILE or remove NAME");
	}
	return run(data, &k, region ? region : "us-east-1", as_json);
}
