/*
 * guest: the program that we put into a machine: its first process where the image has no init of
 * its own, its "sudo", and the part of the first boot that reads the metadata service. Built
 * statically and carried inside the server's binary (plane/guest_blob.h), so it needs nothing from
 * the image. It trusts nobody but the metadata service. One thread in each process.
 */
#ifndef HANEUL_GUEST_GUEST_H
#define HANEUL_GUEST_GUEST_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GUEST_STATE "/var/lib/haneul"
#define IMDS_MAX (256u << 10)

int init_main(void);
int vm_stage_main(void); /* before it, in the initramfs of a virtual machine */
int init_end_of(int sig); /* the command of reboot(2) that a signal to init asks for; 0: none */
#define GUEST_BUTTONS_MAX 4

/* The input devices that are there, a virtual machine's power button among them; how many. */
unsigned guest_buttons(struct pollfd ret[GUEST_BUTTONS_MAX]);
bool guest_power_pressed(const struct pollfd *p, unsigned n); /* since the last poll of them */
int sudo_main(int argc, char **argv);
struct sudo_options {
	const char *user;
	bool login, shell, keep;
	int rest; /* index of the command */
};
bool sudo_parse(int argc, char **argv, struct sudo_options *o);
int boot_main(void); /* what the unit in images with an init of their own runs, at each boot */

/* A line on the console (standard error). */
void guest_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Runs argv and waits; its wait status, -1 when it could not start. in: its standard input, -1 for
 * nothing. */
int guest_run(char *const argv[], int in);
/* Writes the whole file under a temporary name in its folder, with parents, then renames. 0 or -1
 * with errno. */
int guest_write_file(
	const char *path, const void *bytes, size_t len, mode_t mode, uid_t uid, gid_t gid);
char *guest_read_file(
	const char *path, size_t max, size_t *ret_len); /* NUL-terminated; free() it; NULL */

/* A user of /etc/passwd by name. */
struct guest_user {
	char name[64], home[256], shell[256];
	uid_t uid;
	gid_t gid;
};
bool guest_user_find(const char *name, struct guest_user *ret);
bool guest_user_of(uid_t uid, struct guest_user *ret);
bool guest_group_has(const char *group, const char *user); /* named in /etc/group, as member */
/* Adds the keys (lines) that are not yet in the user's authorized_keys. */
int guest_keys_add(const struct guest_user *u, const char *keys);

/* GET http://169.254.169.254/latest/<path> with a token of IMDSv2. Returns the HTTP status and the
 * body (free it), or -errno. */
int imds_get(const char *path, char **ret_body, size_t *ret_len);
/* Of one answer: where its body starts and how long it is; status, or -1 when it is none (or not
 * whole yet and `closed` is false). */
int imds_parse(const char *bytes, size_t len, bool closed, size_t *ret_body, size_t *ret_body_len);

/* The login user of the image (/etc/haneul-user, else ec2-user). */
void guest_login_user(struct guest_user *ret);
/* Fetches the key of the instance; true when the service answered (also that there is none). */
bool boot_keys(void);
/* User data: once for each instance. */
void boot_user_data(void);
/* What cloud-config asks for; text is without the first line's meaning. */
void cloud_config_run(const char *text, size_t len);
size_t cloud_config_base64(char *text); /* decodes in place; the length */
bool cloud_config_name_ok(const char *user);

#endif
