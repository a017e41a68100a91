/* haneul start: opens the cloud, says where it is, runs the init hooks, waits for a signal. */
#include "aws/service_setting.h"
#include "aws/cloud.h"
#include "base/clock.h"
#include "base/log.h"
#include "main/command.h"
#include "main/init_hooks.h"
#include "main/memory_trim.h"
#include "main/port_holder.h"
#include "main/running.h"
#include "plane/agent.h"
#include "plane/fabric.h"
#include "plane/publish_list.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct cloud_options
options_of(const struct settings *s)
{
	return (struct cloud_options){ .data_dir = s->data,
		.version = HANEUL_VERSION,
		.services = s->services,
		.region = s->region,
		.public_host = *s->public_host ? s->public_host : NULL,
		.cors_origins = *s->cors_origins ? s->cors_origins : NULL,
		.durability = strcmp(s->durability, "relaxed") == 0     ? STORE_RELAXED
			      : strcmp(s->durability, "ephemeral") == 0 ? STORE_EPHEMERAL
			      : strcmp(s->durability, "sync-each") == 0 ? STORE_SYNC_EACH
									: STORE_FULL,
		.strict = s->strict,
		.api_log_all = s->api_log_all,
		.loops_n = (int)s->loops,
		.workers_n = (int)s->workers,
		.memory_bytes = (uint64_t)s->memory_mib << 20,
		.memtable_bytes = (uint64_t)s->memtable_mib << 20,
		.connections_n = (uint32_t)s->connections,
		.zone_dirs = { s->zone_a, s->zone_b, s->zone_c },
		.scrub_bytes_a_second = (uint64_t)s->scrub_mib << 20,
		.scrub_period_ms = (uint32_t)s->scrub_hours * 3600 * 1000 };
}

static void
open_log(const struct settings *s)
{
	enum log_level level = LOG_LEVEL_INFO;
	log_level_parse(str_c(s->log_level), &level);
	log_open(STDERR_FILENO, strcmp(s->log_format, "json") == 0 ? LOG_FORM_JSON : LOG_FORM_TEXT,
		level);
}

/* Thousands of connections need as many descriptors. */
static void
raise_limits(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

/* Bodies pass through buffers of hundreds of KiB that threads of all kinds allocate: given back to
 * the system they do not stay as holes in each thread's heap. */
static void
return_large_buffers(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error of its write, as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
}

static void
print_exports(const struct running *r, const char *key, const char *secret, const char *region)
{
	printf("export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport "
	       "AWS_SECRET_ACCESS_KEY=%s\n"
	       "export AWS_DEFAULT_REGION=%s\n",
		r->endpoint, key, secret, region);
}

static void
print_welcome(const struct settings *s, const struct running *r)
{
	printf("%sHaneul %s%s\n\nEndpoint  %s\nData      %s%s\n", colour("\033[1m"), HANEUL_VERSION,
		colour("\033[0m"), r->endpoint, s->data,
		strcmp(s->durability, "ephemeral") == 0 ? " (ephemeral: nothing is kept)" : "");
	if (s->strict)
		printf("Keys      the root key in %s/root-key\n\neval \"$(haneul env --data "
		       "%s)\"\n",
			s->data, s->data);
	else {
		printf("\n");
		print_exports(r, "test", "test", s->region);
	}
	printf("\nThree things to try:\n"
	       "  aws s3 mb s3://my-bucket\n"
	       "  echo hello | aws s3 cp - s3://my-bucket/hello.txt\n"
	       "  aws s3 presign s3://my-bucket/hello.txt\n\n");
	fflush(stdout);
}

static bool
describe(const struct settings *s, int port, struct running *r)
{
	memset(r, 0, sizeof(*r));
	r->pid = getpid();
	r->port = port;
	r->strict = s->strict;
	snprintf(r->host, sizeof(r->host), "%s", s->host);
	bool any = strcmp(s->host, "0.0.0.0") == 0 || strcmp(s->host, "localhost") == 0;
	/* Not "localhost": some SDKs would then build bucket.localhost, which nothing resolves. */
	snprintf(r->endpoint, sizeof(r->endpoint), "http://%s:%d", any ? "127.0.0.1" : s->host,
		port);
	return running_write(s->data, r);
}

/* Says why; in the background also to who waits for the answer. */
static int
start_failed(int ready_fd, const char *why)
{
	if (ready_fd >= 0) {
		if (write(ready_fd, why, strlen(why)) < 0)
			log_warn("main.ready");
		close(ready_fd);
	}
	return failed("start", "%s", why);
}

static void
name_port_holder(const struct settings *s, int port, char *why, size_t cap)
{
	char name[64];
	int pid;
	if (port_holder((uint16_t)port, &pid, name, sizeof(name)))
		snprintf(why, cap,
			"The port %d of %s is in use by process %d (%s). Stop it, or choose "
			"another with --port.",
			port, s->host, pid, name);
	else
		snprintf(why, cap,
			"The port %d of %s is in use by another program. Choose another with "
			"--port.",
			port, s->host);
}

uint8_t
plane_uplink(const struct settings *s)
{
	return strcmp(s->uplink, "off") == 0          ? FABRIC_UPLINK_OFF
	       : strcmp(s->uplink, "masquerade") == 0 ? FABRIC_UPLINK_MASQUERADE
	       : strcmp(s->uplink, "routed") == 0     ? FABRIC_UPLINK_ROUTED
						      : FABRIC_UPLINK_AUTO;
}

static bool
parse_range(const char *text, struct plane_cidr *ret)
{
	unsigned a, b, c, d, bits;
	char more;
	if (sscanf(text, "%3u.%3u.%3u.%3u/%2u%c", &a, &b, &c, &d, &bits, &more) != 5 ||
		(a | b | c | d) > 255 || bits < 8 || bits > 28 || a == 0 || a == 127 || a >= 224)
		return false;
	*ret = (struct plane_cidr){ a << 24 | b << 16 | c << 8 | d, (uint8_t)bits };
	return true;
}

static struct plane *
open_plane(const struct settings *s)
{
	struct plane *p = NULL;
	int r = agent_fork(&p, s->data, true);
	if (r)
		log_warn("main.plane", log_errno("why", r));
	if (p)
		agent_uplink(p, plane_uplink(s));
	plane_set(p);
	return p;
}

/* The data directory is there by now. */
static bool
ready_addresses(const struct settings *s, char *why, size_t cap)
{
	struct plane_cidr range;
	struct publish_entry e;
	struct str list = str_c(s->publish);
	for (int r; (r = publish_list_next(&list, &e));)
		if (r < 0) {
			snprintf(why, cap,
				"publish: \"%s\" is no list of HOSTPORT=INSTANCE:PORT[/udp] and FROM-TO.",
				s->publish);
			return false;
		}
	if (!*s->public_range || geteuid() != 0)
		return true;
	if (!parse_range(s->public_range, &range)) {
		snprintf(why, cap,
			"public-range: \"%s\" is no range of addresses, such as 100.64.0.0/20.",
			s->public_range);
		return false;
	}
	return fabric_range_want(s->data, range, why, cap) == 0;
}

static void
close_plane(struct plane *p)
{
	plane_set(NULL);
	if (p)
		agent_close(p);
}

static int
serve(const struct settings *s, int ready_fd)
{
	char why[1024] = "";
	struct cloud *cloud = NULL;
	struct cloud_options o = options_of(s);
	struct running r;
	sigset_t set;
	int port, sig = 0;
	/* The first thing: a child that holds the privilege, while there is one thread and nothing
	 * in memory. */
	struct plane *plane = open_plane(s);
	raise_limits();
	return_large_buffers();
	block_signals(&set);
	open_log(s);
	init_hooks_run(s, INIT_BOOT, NULL);
	service_setting_set("data-dir", s->data);
	service_setting_set("publish", s->publish);
	service_setting_set("machine", s->machine);
	service_setting_set("smtp-relay", s->smtp_relay);
	service_setting_set("sns-cert-url", s->sns_cert_url);
	service_setting_set("ec2-overcommit", s->ec2_overcommit ? "1" : "");
	if (cloud_open(&cloud, &o, why, sizeof(why))) {
		close_plane(plane);
		return start_failed(ready_fd, why);
	}
	if (!ready_addresses(s, why, sizeof(why))) {
		close_plane(plane);
		cloud_close(cloud);
		return start_failed(ready_fd, why);
	}
	if (plane)
		agent_attach(plane, cloud_loop(cloud), false, NULL, NULL);
	int r_listen = cloud_listen(cloud, s->host, (int)s->port, &port, why, sizeof(why));
	if (r_listen || cloud_start(cloud)) {
		close_plane(plane);
		cloud_close(cloud);
		if (r_listen == -EADDRINUSE)
			name_port_holder(s, (int)s->port, why, sizeof(why));
		return start_failed(ready_fd, *why ? why : "The event loops cannot start.");
	}
	if (!describe(s, port, &r))
		log_warn("main.running", log_c("data", s->data), log_errno("why", errno));
	print_welcome(s, &r);
	init_hooks_run(s, INIT_START, &r);
	printf("Ready.\n");
	fflush(stdout);
	if (ready_fd >= 0) {
		if (write(ready_fd, "R", 1) != 1)
			log_warn("main.ready");
		close(ready_fd);
	}
	init_hooks_start_ready(s, &r, cloud);
	memory_trim();
	sigwait(&set, &sig);
	log_text(LOG_LEVEL_INFO, "main.stop", "signal %d", sig);
	init_hooks_join();
	init_hooks_run(s, INIT_SHUTDOWN, &r);
	cloud_stop(cloud, (uint32_t)s->grace_ms);
	running_remove(s->data);
	close_plane(plane);
	cloud_close(cloud);
	return EXIT_DONE;
}

/* --- in the background --- */

static void
redirect(const struct settings *s)
{
	char path[1200];
	snprintf(path, sizeof(path), "%s", s->data);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/logs", s->data);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/logs/haneul.log", s->data);
	int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600),
	    null_fd = open("/dev/null", O_RDONLY);
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	if (log_fd >= 0) {
		dup2(log_fd, STDOUT_FILENO);
		dup2(log_fd, STDERR_FILENO);
	}
	if (log_fd > 2)
		close(log_fd);
	if (null_fd > 2)
		close(null_fd);
}

static int
start_in_background(const struct settings *s)
{
	int fds[2], status = 0;
	char said[1024] = "";
	if (pipe2(fds, O_CLOEXEC))
		return failed("start", "pipe: %s", strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return failed("start", "fork: %s", strerror(errno));
	if (pid == 0) {
		close(fds[0]);
		setsid();
		redirect(s);
		exit(serve(s, fds[1]));
	}
	close(fds[1]);
	ssize_t n = read(fds[0], said, sizeof(said) - 1);
	close(fds[0]);
	if (n != 1) {
		waitpid(pid, &status, 0);
		return failed(
			"start", "%s", n > 1 ? said : "it ended before it was ready; see its log");
	}
	struct running r;
	if (running_find(s->data, &r))
		print_welcome(s, &r);
	printf("Ready. Process %d, log %s/logs/haneul.log\n", (int)pid, s->data);
	return EXIT_DONE;
}

int
command_start(int argc, char **argv)
{
	struct settings s;
	struct buf why = { 0 };
	bool background = take_flag(&argc, argv, "-d") || take_flag(&argc, argv, "--detach");
	bool show = take_flag(&argc, argv, "--show-settings");
	if (!settings_load(&s, argc, argv, &why)) {
		int r = usage_error("start", "%s", why.p);
		buf_done(&why);
		return r;
	}
	if (show) {
		settings_print(&s, &why);
		fwrite(why.p, 1, why.len, stdout);
		buf_done(&why);
		return EXIT_DONE;
	}
	return background ? start_in_background(&s) : serve(&s, -1);
}
