/*
 * command: the subcommands of `haneul`. One row each; `help` prints them, --help on each prints its
 * own text. Exit codes: 0 done, 1 failed (the line on stderr says why), 2 wrong usage, 3 nothing is
 * running (status, stop …).
 */
#ifndef HANEUL_MAIN_COMMAND_H
#define HANEUL_MAIN_COMMAND_H

#include "main/settings.h"

#include <stdint.h>

#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_NOT_RUNNING 3
#define HANEUL_VERSION "0.1.0"

struct command {
	const char *name;
	const char *arguments; /* of the usage line */
	const char *summary;
	const char *help;                  /* paragraphs after the usage; NULL */
	int (*run)(int argc, char **argv); /* argv without the program and command names */
};
extern const struct command commands[];
extern const unsigned commands_n;

int command_start(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_status(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_mail(int argc, char **argv);
int command_env(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_ops(int argc, char **argv);
int command_where(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_cleanup(int argc, char **argv);
int command_image(int argc, char **argv);
int command_plane(int argc, char **argv);
int command_clock(int argc, char **argv);
int command_iam(int argc, char **argv);
int command_s3(int argc, char **argv);
int command_zone(int argc, char **argv);
int command_version(int argc, char **argv);
int command_help(int argc, char **argv);
uint8_t plane_uplink(const struct settings *s); /* enum fabric_uplink (cmd_start.c) */
/* Chooses the command and runs it; the exit code. */
int command_main(int argc, char **argv);

/* "haneul start: …" on stderr; returns EXIT_USAGE. */
int usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int failed(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void print_settings_help(void);
/* Takes `flag` out of argv when it is there. */
bool take_flag(int *argc, char **argv, const char *flag);
/* Takes `flag VALUE` or `flag=VALUE` out of argv; NULL when absent. */
const char *take_option(int *argc, char **argv, const char *flag);
/* ANSI codes on a terminal, "" elsewhere (and where NO_COLOR is set). */
const char *colour(const char *code);

#endif
