#include "main/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct command commands[] = {
	{ "start", "[-d] [OPTION]...",
		"start the cloud (in the foreground, or with -d in the background)",
		"With -d it returns when the cloud answers; its log goes to "
		"<data>/logs/haneul.log.",
		command_start },
	{ "stop", "[--data DIR]", "stop it; running calls finish first", NULL, command_stop },
	{ "status", "[--json] [--data DIR]", "is it running, where, and what it holds", NULL,
		command_status },
	{ "logs", "[-f] [--api] [-n N] [--data DIR]", "its log, or with --api who called what",
		"-f keeps printing what comes. The API event log takes management calls and "
		"refusals; with the\n"
		"setting api-log-all every call.",
		command_logs },
	{ "mail", "[--json] [--data DIR]", "e-mail and text messages that SNS sent: they stay here",
		"With the setting smtp-relay e-mail is also handed to that server.", command_mail },
	{ "env", "[--data DIR]", "print `export` lines for the shell: eval \"$(haneul env)\"", NULL,
		command_env },
	{ "reset", "[--yes] [--data DIR]", "empty the cloud", "Asks first on a terminal.",
		command_reset },
	{ "ops", "[SERVICE] [--json]", "which operations are live and which are missing", NULL,
		command_ops },
	{ "where", "SERVICE:OPERATION", "the source file and line of an operation", NULL,
		command_where },
	{ "doctor", "[--data DIR] [--storage]",
		"what this machine can and cannot do, and how to mend it", NULL, command_doctor },
	{ "cleanup", "[--data DIR] [--all]",
		"removes machines and networks that no server looks after",
		"Machines outlive a server that was killed; the next start on the same data directory takes\n"
		"them over. Without --data: what directories left that are not there any more (--all: of all\n"
		"without a running server). The data itself stays.",
		command_cleanup },
	{ "plane", "[--data DIR]", "machines, volumes and images by hand, without a server",
		"Requests are lines of standard input, answers lines of JSON. The server must not run.\n"
		"  pull tiny | images | import ID PATH | export ID PATH | image-from ID ROOT | remove-image ID\n"
		"  start ID [image=tiny cpus=1 cpu_milli=1000 memory=BYTES disk=VOL device=/dev/sdf argv=… ]\n"
		"  stop ID | kill ID | reboot ID | limits ID cpu_milli= memory= | console ID | look [ID]\n"
		"  volume ID bytes= [snapshot=ID] | resize ID bytes= | attach MACHINE VOL DEV | detach MACHINE VOL\n"
		"  snapshot ID VOL | remove-volume ID | remove-snapshot ID | remove-all",
		command_plane },
	{ "image", "[list | pull NAME | import FILE | export IMAGE FILE | remove NAME] [OPTION]...",
		"images of machines: make, bring in, take out",
		"With the server running or without. IMAGE: an AMI, or the name that `list` shows.\n"
		"  pull tiny|debian|ubuntu   made on this host (debian, ubuntu: with mmdebstrap)\n"
		"  pull kernel   Debian's, for virtual machines (tag haneul:machine=qemu, or --machine)\n"
		"  import FILE   a root file system as tar (plain, gzip, zstd), `docker save`, an OCI layout\n"
		"                as folder or archive, a disk (raw, qcow2) with one; --name NAME (default: of the file), --user USER (who logs in)\n"
		"  export IMAGE FILE         its root file system as one tar\n"
		"  --region REGION   whose AMI ids are meant [us-east-1]; --data DIR; --json (of list)",
		command_image },
	{ "clock", "[show | advance TIME | speed FACTOR] [--data DIR]",
		"the virtual clock: \"advance 6h\", \"speed 3600\"",
		"TIME: a number with ms, s, m, h, d or w (\"90m\", \"1d12h\"). Lifecycle rules, "
		"alarms, expiry and bills\n"
		"follow this clock, so months pass in seconds.",
		command_clock },
	{ "iam", "explain REQUEST-ID [--json] [--data DIR]",
		"which policy statement refused a past request",
		"The request id stands in every error; the answer comes from the API event log.",
		command_iam },
	{ "s3", "usage [--json] [--data DIR]", "what S3 holds: bytes by bucket and class",
		"With the byte-hours since the beginning, on the virtual clock; --json also has the requests\n"
		"by kind and hour.",
		command_s3 },
	{ "zone", "[list [--region R] | fail ZONE | restore ZONE] [--data DIR]",
		"availability zones, and failing one: its instances stop, its network is cut",
		"ZONE: \"us-east-1a\". What was running before runs again when the zone is restored.",
		command_zone },
	{ "version", "", "print the version", NULL, command_version },
	{ "help", "[COMMAND]", "this, or the help of a command", NULL, command_help },
};
const unsigned commands_n = sizeof(commands) / sizeof(commands[0]);

static void
complain(const char *command, const char *fmt, va_list ap)
{
	fprintf(stderr, "haneul %s: ", command);
	vfprintf(stderr, fmt, ap);
}

int
usage_error(const char *command, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(command, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (see `haneul %s --help`)\n", command);
	return EXIT_USAGE;
}

int
failed(const char *command, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(command, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

bool
take_flag(int *argc, char **argv, const char *flag)
{
	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], flag) == 0) {
			memmove(argv + i, argv + i + 1, sizeof(*argv) * (size_t)(*argc - i - 1));
			--*argc;
			return true;
		}
	return false;
}

const char *
take_option(int *argc, char **argv, const char *flag)
{
	size_t len = strlen(flag);
	for (int i = 0; i < *argc; i++) {
		if (strncmp(argv[i], flag, len) != 0)
			continue;
		int used = argv[i][len] == '=' ? 1 : argv[i][len] == 0 && i + 1 < *argc ? 2 : 0;
		if (!used)
			continue;
		const char *v = used == 1 ? argv[i] + len + 1 : argv[i + 1];
		memmove(argv + i, argv + i + used, sizeof(*argv) * (size_t)(*argc - i - used));
		*argc -= used;
		return v;
	}
	return NULL;
}

const char *
colour(const char *code)
{
	const char *off = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && !(off && *off) ? code : "";
}

void
print_settings_help(void)
{
	printf("\nOptions (each also as HANEUL_<NAME> in the environment and `name = value` in the "
	       "file):\n");
	for (unsigned i = 0; i < settings_n; i++) {
		const struct setting *row = &settings_table[i];
		char left[64];
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
			row->argument ? row->argument : "");
		printf("  %-26s %s", left, row->help);
		if (row->kind == SETTING_CHOICE)
			printf(" (%s)", row->choices);
		if (*row->fallback && row->kind != SETTING_BOOL)
			printf(" [%s]", row->fallback);
		putchar('\n');
	}
	printf("  %-26s the same as --durability ephemeral\n", "--ephemeral");
	printf("\nData: %s unless --data says otherwise.\n", settings_default_data());
}

static void
print_command_help(const struct command *c)
{
	printf("Usage: haneul %s %s\n%s\n", c->name, c->arguments, c->summary);
	if (c->help)
		printf("\n%s\n", c->help);
	if (strcmp(c->name, "start") == 0)
		print_settings_help();
	printf("\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing is running.\n");
}

int
command_version(int argc, char **argv)
{
	if (argc)
		return usage_error("version", "unexpected argument \"%s\"", argv[0]);
	printf("haneul %s\n", HANEUL_VERSION);
	return EXIT_DONE;
}

static const struct command *
find_command(const char *name)
{
	for (unsigned i = 0; i < commands_n; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int
command_help(int argc, char **argv)
{
	if (argc) {
		const struct command *c = find_command(argv[0]);
		if (!c)
			return usage_error("help", "there is no command \"%s\"", argv[0]);
		print_command_help(c);
		return EXIT_DONE;
	}
	printf("Haneul: a cloud in one program, for the clients of Amazon Web Services.\n\nUsage: "
	       "haneul COMMAND [OPTION]...\n\n");
	for (unsigned i = 0; i < commands_n; i++)
		printf("  %s%-9s%s %s\n", colour("\033[1m"), commands[i].name, colour("\033[0m"),
			commands[i].summary);
	printf("\n`haneul COMMAND --help` says more.\n");
	return EXIT_DONE;
}

int
command_main(int argc, char **argv)
{
	if (argc < 2) {
		command_help(0, NULL);
		return EXIT_USAGE;
	}
	const char *name = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ? "help"
			   : strcmp(argv[1], "--version") == 0                          ? "version"
											: argv[1];
	const struct command *c = find_command(name);
	if (!c) {
		fprintf(stderr, "haneul: there is no command \"%s\" (see `haneul help`)\n",
			argv[1]);
		return EXIT_USAGE;
	}
	int n = argc - 2;
	if (take_flag(&n, argv + 2, "--help") || take_flag(&n, argv + 2, "-h")) {
		print_command_help(c);
		return EXIT_DONE;
	}
	return c->run(n, argv + 2);
}
