/* Subcommands that speak to a running cloud: stop, status, env, reset, clock, logs. */
#include "aws/credentials.h"
#include "base/clock.h"
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STOP_WAIT_MS 60000

static int
not_running(const char *command, const char *data)
{
	fprintf(stderr, "haneul %s: nothing is running on %s\n", command, data);
	return EXIT_NOT_RUNNING;
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

int
command_stop(int argc, char **argv)
{
	struct running r;
	const char *data = running_data("stop", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("stop", "unknown option \"%s\"", argv[0]);
	if (!running_find(data, &r))
		return not_running("stop", data);
	if (kill(r.pid, SIGTERM))
		return failed("stop", "process %d: %s", r.pid, strerror(errno));
	for (int waited = 0; waited < STOP_WAIT_MS; waited += 20) {
		if (kill(r.pid, 0) && errno == ESRCH) {
			printf("Stopped.\n");
			return EXIT_DONE;
		}
		sleep_ms(20);
	}
	return failed("stop", "process %d is still finishing its calls", r.pid);
}

static int
print_status(const struct running *r, const struct json *info, const struct json *health)
{
	int64_t uptime = 0;
	json_i64(json_get_lit(info, "uptime"), &uptime);
	printf("Running   process %d, version %.*s, for %lld s%s\nEndpoint  %s\nData      "
	       "%s\nServices ",
		r->pid, STR_FMT(json_get_text(info, STR("version"))), (long long)uptime,
		r->strict ? ", strict" : "", r->endpoint, r->data);
	const struct json *live = json_get_lit(health, "services");
	for (uint32_t i = 0; json_is(live, JSON_OBJECT) && i < live->n; i++)
		printf(" %.*s", STR_FMT(live->members[i].key));
	printf("\n");
	return EXIT_DONE;
}

int
command_status(int argc, char **argv)
{
	struct running r;
	struct buf info = { 0 }, health = { 0 };
	struct arena a;
	bool as_json = take_flag(&argc, argv, "--json");
	const char *data = running_data("status", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("status", "unknown option \"%s\"", argv[0]);
	if (!running_find(data, &r)) {
		if (as_json)
			printf("{\"running\": false}\n");
		return not_running("status", data);
	}
	int code = running_request(&r, "GET", "/_haneul/info", NULL, &info);
	if (code != 200 || running_request(&r, "GET", "/_haneul/health", NULL, &health) != 200) {
		buf_done(&info);
		buf_done(&health);
		return failed("status", "process %d does not answer on %s", r.pid, r.endpoint);
	}
	arena_init(&a);
	struct json *i = json_parse(&a, buf_str(&info), 0, NULL),
		    *h = json_parse(&a, buf_str(&health), 0, NULL);
	int result = EXIT_DONE;
	if (as_json) {
		struct buf out = { 0 };
		struct json_writer w = { .out = &out };
		json_write_object(&w);
		json_write_key(&w, STR("running"));
		json_write_bool(&w, true);
		json_write_key(&w, STR("pid"));
		json_write_i64(&w, r.pid);
		json_write_key(&w, STR("endpoint"));
		json_write_str(&w, str_c(r.endpoint));
		json_write_key(&w, STR("data"));
		json_write_str(&w, str_c(r.data));
		json_write_key(&w, STR("info"));
		json_write_value(&w, i);
		json_write_key(&w, STR("health"));
		json_write_value(&w, h);
		json_write_object_end(&w);
		printf("%s\n", out.p);
		buf_done(&out);
	} else {
		result = print_status(&r, i, h);
	}
	arena_done(&a);
	buf_done(&info);
	buf_done(&health);
	return result;
}

int
command_env(int argc, char **argv)
{
	struct running r;
	struct str key = STR("test"), secret = STR("test");
	const char *data = running_data("env", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("env", "unknown option \"%s\"", argv[0]);
	if (!running_find(data, &r))
		return not_running("env", data);
	if (r.strict && (credentials_root_load(data, STR("000000000000")) ||
				!credentials_root_get(&key, &secret)))
		return failed("env", "the root key in %s/root-key cannot be read", data);
	printf("export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%.*s\nexport "
	       "AWS_SECRET_ACCESS_KEY=%.*s\n"
	       "export AWS_DEFAULT_REGION=us-east-1\n",
		r.endpoint, STR_FMT(key), STR_FMT(secret));
	return EXIT_DONE;
}

int
command_reset(int argc, char **argv)
{
	struct running r;
	struct buf reply = { 0 };
	bool yes = take_flag(&argc, argv, "--yes") || take_flag(&argc, argv, "-y");
	const char *data = running_data("reset", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("reset", "unknown option \"%s\"", argv[0]);
	if (!running_find(data, &r))
		return not_running("reset", data);
	if (!yes && !isatty(STDIN_FILENO))
		return usage_error("reset", "everything in %s would be deleted; say --yes", data);
	if (!yes) {
		char line[16] = "";
		printf("Everything in %s will be deleted. Go on? [y/N] ", data);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y'))
			return failed("reset", "nothing was changed");
	}
	int code = running_request(&r, "POST", "/_haneul/reset", NULL, &reply);
	if (code == 200)
		printf("Empty.\n");
	else
		failed("reset", "the cloud answered %d: %s", code, reply.p ? reply.p : "");
	buf_done(&reply);
	return code == 200 ? EXIT_DONE : EXIT_FAILED;
}

/* "1d12h", "90m", "250ms"; false when malformed. */
static bool
parse_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 } };
	int64_t total = 0;
	if (!*text)
		return false;
	while (*text) {
		char *end;
		errno = 0;
		long n = strtol(text, &end, 10);
		size_t len = strspn(end, "abcdefghijklmnopqrstuvwxyz"), i;
		if (end == text || n < 0 || errno)
			return false;
		for (i = 0; i < 6; i++)
			if (strlen(units[i].unit) == len && strncmp(units[i].unit, end, len) == 0)
				break;
		int64_t part;
		if (i == 6 || __builtin_mul_overflow((int64_t)n, units[i].ms, &part) ||
			__builtin_add_overflow(total, part, &total))
			return false;
		text = end + len;
	}
	*ret_ms = total;
	return true;
}

static int
clock_answer(const struct running *r, const char *method, const char *body)
{
	struct buf reply = { 0 };
	struct arena a;
	double speed = 1;
	int64_t offset = 0;
	int code = running_request(r, method, "/_haneul/clock", body, &reply);
	if (code != 200) {
		failed("clock", "the cloud answered %d: %s", code, reply.p ? reply.p : "");
		buf_done(&reply);
		return EXIT_FAILED;
	}
	arena_init(&a);
	struct json *j = json_parse(&a, buf_str(&reply), 0, NULL);
	json_f64(json_get_lit(j, "speed"), &speed);
	json_i64(json_get_lit(j, "offset_ms"), &offset);
	printf("%.*s  (%+.1f h from real time, speed %g)\n", STR_FMT(json_get_text(j, STR("now"))),
		(double)offset / 3600000, speed);
	arena_done(&a);
	buf_done(&reply);
	return EXIT_DONE;
}

int
command_clock(int argc, char **argv)
{
	struct running r;
	char body[128];
	int64_t ms;
	double speed;
	const char *data = running_data("clock", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	const char *what = argc ? argv[0] : "show";
	if (what[0] == '-')
		return usage_error("clock", "unknown option \"%s\"", what);
	bool show = strcmp(what, "show") == 0 && argc <= 1;
	if (strcmp(what, "advance") == 0 && argc == 2) {
		if (!parse_duration(argv[1], &ms))
			return usage_error(
				"clock", "\"%s\" is not a time such as 90m, 6h or 1d12h", argv[1]);
		snprintf(body, sizeof(body), "{\"advance_ms\": %lld}", (long long)ms);
	} else if (strcmp(what, "speed") == 0 && argc == 2) {
		if (!str_to_f64(str_c(argv[1]), &speed) || !(speed >= 0 && speed <= 1e6))
			return usage_error(
				"clock", "\"%s\" is not a factor from 0 to 1000000", argv[1]);
		snprintf(body, sizeof(body), "{\"speed\": %g}", speed);
	} else if (!show) {
		return usage_error("clock", "say show, advance TIME or speed FACTOR");
	}
	if (!running_find(data, &r))
		return not_running("clock", data);
	return clock_answer(&r, show ? "GET" : "POST", show ? NULL : body);
}

static void
print_tail(int fd, long lines)
{
	struct buf b = { 0 };
	char tmp[65536];
	off_t end = lseek(fd, 0, SEEK_END), from = end > (8 << 20) ? end - (8 << 20) : 0;
	lseek(fd, from, SEEK_SET);
	for (ssize_t n; (n = read(fd, tmp, sizeof(tmp))) > 0;)
		buf_add(&b, tmp, (size_t)n);
	size_t at = b.len;
	for (long seen = 0; at > 0; at--)
		if (b.p[at - 1] == '\n' && at != b.len && ++seen == lines)
			break;
	if (b.len)
		fwrite(b.p + at, 1, b.len - at, stdout);
	fflush(stdout);
	buf_done(&b);
}

int
command_logs(int argc, char **argv)
{
	char path[1200], tmp[65536];
	int64_t lines = 100;
	bool follow = take_flag(&argc, argv, "-f") || take_flag(&argc, argv, "--follow");
	bool api = take_flag(&argc, argv, "--api");
	const char *n_text = take_option(&argc, argv, "-n");
	const char *data = running_data("logs", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("logs", "unknown option \"%s\"", argv[0]);
	if (n_text && (!str_to_i64(str_c(n_text), &lines) || lines < 1))
		return usage_error("logs", "-n: \"%s\" is not a number of lines", n_text);
	snprintf(path, sizeof(path), "%s/logs/%s", data, api ? "api.jsonl" : "haneul.log");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("logs", "%s: %s%s", path, strerror(errno),
			api ? "" : " (a cloud in the foreground logs to its terminal)");
	print_tail(fd, (long)lines);
	while (follow) {
		ssize_t n = read(fd, tmp, sizeof(tmp));
		if (n > 0)
			fwrite(tmp, 1, (size_t)n, stdout), fflush(stdout);
		else
			sleep_ms(100);
	}
	close(fd);
	return EXIT_DONE;
}
