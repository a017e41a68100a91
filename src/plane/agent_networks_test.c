#include "plane/machine_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

/* What the metadata service will be, as far as a boot asks. */
static char public_key[1024];
static int imds_fd, imds_hits;
static pthread_t imds_thread;

static void *
imds_serve(void *arg)
{
	(void)arg;
	for (;;) {
		char request[2048] = "", answer[4096];
		int fd = accept(imds_fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		fcntl(fd, F_SETFL, 0);
		if (recv(fd, request, sizeof(request) - 1, 0) <= 0) {
			close(fd);
			continue;
		}
		const char *body = strstr(request, "/api/token ")     ? "token"
				   : strstr(request, "/openssh-key ") ? public_key
				   : strstr(request, "/instance-id ") ? "i-net"
				   : strstr(request, "/user-data ")
					   ? "#!/bin/sh\necho the user data ran as $(id -un)\n"
					   : "";
		imds_hits++;
		int n = snprintf(answer, sizeof(answer),
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
		if (send(fd, answer, (size_t)n, MSG_NOSIGNAL) < 0)
			imds_hits--;
		close(fd);
	}
}

static void
keep_socket(struct plane_request *r, const struct plane_answer *a)
{
	imds_fd = a->fd;
	rig_done(r, a);
}

static void
imds_start(const char *network)
{
	rig.r.done = keep_socket;
	rig.plane->ops->network_socket(
		rig.plane, &rig.r, str_c(network), PLANE_IP_METADATA, 80, SOCK_STREAM);
	assert_int_equal(rig_answered(), 0);
	fcntl(imds_fd, F_SETFL, 0);
	assert_int_equal(pthread_create(&imds_thread, NULL, imds_serve, NULL), 0);
}

static void
imds_stop(void)
{
	shutdown(imds_fd, SHUT_RDWR);
	pthread_join(imds_thread, NULL);
	close(imds_fd);
}

static int
program(char *const argv[], const char *out)
{
	extern char **environ;
	posix_spawn_file_actions_t f;
	pid_t pid;
	int status = -1;
	posix_spawn_file_actions_init(&f);
	posix_spawn_file_actions_addopen(&f, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&f, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(&f, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &f, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&f);
	return status;
}

static void
apply(uint32_t public_ip)
{
	const struct plane_cidr cidr = { 0x0a000000, 16 };
	const struct plane_acl_rule acl_rules[] = { { .match = { PLANE_ANY, 0, 65535 },
							    .allow = true },
		{ .match = { PLANE_ANY, 0, 65535 }, .allow = true, .outbound = true } };
	const struct plane_acl acl = { .id = STR("acl-1"), .rules = acl_rules, .rules_n = 2 };
	const struct plane_group_rule rules[] = { { .match = { PLANE_ANY, 0, 65535 },
							  .group = PLANE_NONE },
		{ .match = { PLANE_ANY, 0, 65535 }, .group = PLANE_NONE, .outbound = true } };
	const struct plane_group group = { .id = STR("sg-1"), .rules = rules, .rules_n = 2 };
	const struct plane_route routes[] = { { { 0x0a000000, 16 }, PLANE_TO_LOCAL, 0 },
		{ { 0, 0 }, PLANE_TO_INTERNET, 0 } };
	const struct plane_route_table table = {
		.id = STR("rtb-1"), .routes = routes, .routes_n = 2
	};
	const struct plane_subnet subnet = { .id = STR("subnet-1"), .cidr = { 0x0a000000, 20 } };
	const struct plane_ip_pair ips[] = { { 0x0a000004, public_ip }, { 0x0a000005, 0 } };
	const uint32_t groups[] = { 0 };
	const struct plane_interface interfaces[] = { { .id = STR("eni-1"),
							      .mac = { 2, 0, 0, 0, 0, 4 },
							      .ips = ips,
							      .ips_n = 1,
							      .groups = groups,
							      .groups_n = 1,
							      .source_check = true },
		{ .id = STR("eni-2"),
			.mac = { 2, 0, 0, 0, 0, 5 },
			.ips = ips + 1,
			.ips_n = 1,
			.groups = groups,
			.groups_n = 1,
			.source_check = true } };
	const struct plane_network n = { .id = STR("vpc-1"),
		.cidrs = &cidr,
		.cidrs_n = 1,
		.acls = &acl,
		.acls_n = 1,
		.groups = &group,
		.groups_n = 1,
		.tables = &table,
		.tables_n = 1,
		.subnets = &subnet,
		.subnets_n = 1,
		.interfaces = interfaces,
		.interfaces_n = 2,
		.internet = true };
	if (RIG_ASK(network_apply, &n))
		fail_msg("%s", rig.why);
}

static bool
banner(uint32_t ip)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(22), .sin_addr.s_addr = htonl(ip)
	};
	char b[4] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval t = { 1, 0 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	bool yes = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		   recv(fd, b, 4, MSG_WAITALL) == 4 && memcmp(b, "SSH-", 4) == 0;
	close(fd);
	return yes;
}

static double
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

TEST(a_machine_is_logged_in_to)
{
	struct plane_ability a;
	char key[400], out[400], target[400], text[400] = "";
	RIG_OPEN();
	rig.plane->ops->ability(rig.plane, &a);
	if (!a.networks) {
		rig_close();
		test_skip(a.why_not);
	}
	uint32_t ip = a.public_range.ip + 10;
	snprintf(key, sizeof(key), "%s/key", rig.data);
	snprintf(out, sizeof(out), "%s/out", rig.data);
	assert_int_equal(program((char *[]){ "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
					 key, NULL },
				 out),
		0);
	snprintf(target, sizeof(target), "%s/key.pub", rig.data);
	FILE *f = fopen(target, "r");
	assert_non_null(f);
	assert_non_null(fgets(public_key, sizeof(public_key), f));
	fclose(f);
	apply(ip);
	imds_start("vpc-1");
	struct plane_machine m = rig_machine("net");
	struct str eni[] = { STR("eni-1") };
	m.network = STR("vpc-1");
	m.interfaces = eni;
	m.interfaces_n = 1;
	double began = now_ms();
	if (RIG_ASK(machine_start, &m))
		fail_msg("%s", rig.why);
	double started = now_ms() - began;
	while (!banner(ip) && now_ms() - began < 10000)
		usleep(1000);
	print_message("measured: start %.1f ms, banner %.1f ms\n", started, now_ms() - began);
	snprintf(target, sizeof(target), "ec2-user@%u.%u.%u.%u", ip >> 24, ip >> 16 & 255,
		ip >> 8 & 255, ip & 255);
	char *const ssh[] = { "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o",
		"UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
		target, "id -un; sudo id -un; hostname; nproc; cat /etc/resolv.conf", NULL };
	assert_int_equal(program(ssh, out), 0);
	f = fopen(out, "r");
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	assert_string_equal(text,
		"ec2-user\nroot\ninside\n1\nnameserver 169.254.169.253\noptions timeout:2 attempts:5\n");
	assert_int_equal(unlink(key), 0); /* another key is refused */
	assert_int_equal(program((char *[]){ "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
					 key, NULL },
				 out),
		0);
	assert_int_not_equal(program(ssh, out), 0);
	assert_int_equal(RIG_ASK(machine_look, STR("net")), 0);
	assert_true(rig.report.system_ok && rig.report.instance_ok);
	assert_true(rig.report.net_in_bytes > 0 && rig.report.net_out_bytes > 0);
	RIG_ASK(machine_console, STR("net"));
	rig_said("the user data ran as root");
	int hits = imds_hits;
	assert_int_equal(RIG_ASK(machine_reboot, STR("net")), 0);
	for (unsigned i = 0; i < 200 && (imds_hits < hits + 4 || !banner(ip)); i++)
		usleep(10000);
	RIG_ASK(machine_console, STR("net"));
	assert_null(strstr(buf_str(&rig.text).p, "the user data ran")); /* once for an instance */
	imds_stop();
	assert_int_equal(RIG_ASK(machine_stop, STR("net"), PLANE_STOP_NOW), 0);
	assert_int_equal(RIG_ASK(network_remove, STR("vpc-1")), 0);
	rig_close();
}
