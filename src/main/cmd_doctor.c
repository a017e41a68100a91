/* What this machine can and cannot do, and the command that mends it. */
#include "main/command.h"
#include "main/doctor_storage.h"
#include "main/running.h"
#include "plane/fabric.h"
#include "plane/host_check.h"
#include "plane/vm_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum verdict { GOOD, NOTE, BAD };

static int bad_n;

static void
say(enum verdict v, const char *what, const char *detail, const char *fix)
{
	static const char *const marks[] = { "ok", "note", "bad" }, *const codes[] = { "\033[32m",
		"\033[33m", "\033[31m" };
	printf("%s%-5s%s %-22s %s\n", colour(codes[v]), marks[v], colour("\033[0m"), what, detail);
	if (v != GOOD && fix)
		printf("      %-22s fix: %s\n", "", fix);
	bad_n += v == BAD;
}

static void
check_data(const char *data)
{
	char text[1400], probe[1200];
	struct statvfs fs;
	snprintf(probe, sizeof(probe), "%s", data);
	/* The nearest folder that is there decides, since start makes the rest. */
	while (access(probe, F_OK) && strrchr(probe, '/') && strrchr(probe, '/') != probe)
		*strrchr(probe, '/') = 0;
	/* Asking access() is not enough: root may write everywhere but where the file system says
	 * no. */
	char trial[1250];
	snprintf(trial, sizeof(trial), "%s/.haneul-XXXXXX", probe);
	bool ok = mkdtemp(trial) != NULL;
	if (ok)
		rmdir(trial);
	snprintf(text, sizeof(text), "chown %d %s, or choose another with --data", (int)geteuid(),
		probe);
	say(ok ? GOOD : BAD, "data directory", data, text);
	if (statvfs(probe, &fs))
		return;
	double free_gib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 30);
	snprintf(text, sizeof(text), "%.1f GiB free", free_gib);
	say(free_gib < 1 ? NOTE : GOOD, "disk", text,
		"free some space: writes are refused when the disk is full");
}

static void
check_limits(void)
{
	struct rlimit l;
	char text[128];
	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)l.rlim_max);
	say(l.rlim_max < 4096 ? NOTE : GOOD, "open files", text,
		"ulimit -Hn 65536, or LimitNOFILE= in the systemd unit");
}

static void
check_running(const char *data)
{
	struct running r;
	char text[400];
	if (!running_find(data, &r)) {
		say(GOOD, "running", "no", NULL);
		return;
	}
	snprintf(text, sizeof(text), "process %d on %s", r.pid, r.endpoint);
	say(GOOD, "running", text, NULL);
}

static bool
in_path(const char *program)
{
	struct str rest = str_c(getenv("PATH"));
	char path[4200];
	while (rest.p) {
		struct str dir = str_cut(&rest, ':');
		snprintf(path, sizeof(path), "%.*s/%s", STR_FMT(dir), program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static void
check_clients(void)
{
	say(in_path("aws") ? GOOD : NOTE, "aws CLI", in_path("aws") ? "found" : "not found",
		"pip install awscli");
	say(in_path("openssl") ? GOOD : NOTE, "openssl", in_path("openssl") ? "found" : "not found",
		"apt-get install openssl");
}

/* "why. Fix: how" of the checks of the plane: what stands behind the colon mends it. */
static void
say_check(const char *what, const char *missing, const char *good)
{
	const char *fix = missing ? strrchr(missing, ':') : NULL;
	say(missing ? NOTE : GOOD, what, missing ? missing : good, fix ? fix + 2 : "another host");
}

static void
check_range(const char *data)
{
	struct plane_cidr r;
	char text[200];
	if (geteuid() != 0 || fabric_range_of(data, &r))
		return;
	snprintf(text, sizeof(text),
		"%u.%u.%u.%u/%u by the link hn-%s; where the host forwards, table haneul-%s",
		r.ip >> 24, r.ip >> 16 & 255, r.ip >> 8 & 255, r.ip & 255, r.bits, fabric_tag(),
		fabric_tag());
	say(GOOD, "public addresses", text, NULL);
	const char *uplink = running_settings()->uplink, *out = uplink;
	if (strcmp(uplink, "auto") == 0)
		out = host_check_forwards() ? "masquerade" : "off";
	snprintf(text, sizeof(text), "%s%s%s: %s", uplink, out == uplink ? "" : ", here ",
		out == uplink ? "" : out,
		strcmp(out, "off") == 0
			? "instances reach each other and are reached by this host only; no rule of it is touched"
		: strcmp(out, "routed") == 0 ? "beyond this host under their own public addresses"
					     : "beyond this host under its address");
	say(GOOD, "uplink", text, NULL);
}

static void
check_publish(void)
{
	const char *list = running_settings()->publish;
	say(GOOD, "host ports",
		*list ? list : "none lead to instances; --publish 8080=web:80 would", NULL);
}

/* For machines and networks; the API itself needs none of it. */
static void
check_plane(const char *data)
{
	char why[256];
	char rootless[256], mode[400];
	if (geteuid() == 0) {
		say(GOOD, "mode", "root: instances, networks and volumes", NULL);
	} else {
		const char *lacks = host_check_rootless(rootless, sizeof(rootless));
		snprintf(mode, sizeof(mode),
			"without root: no instances, networks and volumes, for there is no rootless mode yet; this host %s%s",
			lacks ? "would not allow one, too: " : "would allow one",
			lacks ? lacks : "");
		say(NOTE, "mode", mode, "start with sudo; all other services are complete");
	}
	say_check("machines", host_check_machines(why, sizeof(why)),
		"containers of our own, as root");
	say_check("volumes", host_check_volumes(why, sizeof(why)), "files on loop devices");
	say_check("image tiny", host_check_image("tiny", why, sizeof(why)), "can be made");
	say_check("images of distributions", host_check_image("debian", why, sizeof(why)),
		"can be made with mmdebstrap");
	struct place place;
	place_name(&place, data);
	say_check("virtual machines", vm_check(&place, why, sizeof(why)),
		"QEMU, q35 under software emulation");
	check_range(data);
	check_publish();
}

int
command_doctor(int argc, char **argv)
{
	if (take_flag(&argc, argv, "--storage"))
		return doctor_storage(argc, argv);
	const char *data = running_data("doctor", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("doctor", "unknown option \"%s\"", argv[0]);
	check_data(data);
	check_limits();
	check_running(data);
	check_clients();
	check_plane(data);
	return bad_n ? EXIT_FAILED : EXIT_DONE;
}
