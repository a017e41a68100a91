/* What every boot asks the metadata service: the login key; and, once for each instance, its user
 * data. */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool
boot_keys(void)
{
	char *key = NULL;
	size_t len;
	struct guest_user u;
	int status = imds_get("meta-data/public-keys/0/openssh-key", &key, &len);
	if (status == 200) {
		guest_login_user(&u);
		if (guest_keys_add(&u, key))
			guest_say("haneul: the key of %s: %s", u.name, strerror(errno));
	}
	if (status > 0)
		free(key);
	return status > 0 && status < 500;
}

/* The instance's id is remembered once its user data is run, so that another instance of this disk
 * runs its own. */
static bool
is_new_instance(char *ret_id, size_t cap)
{
	char *id = NULL;
	size_t len;
	int status = imds_get("meta-data/instance-id", &id, &len);
	bool fits = status == 200 && len > 0 && len < cap;
	if (fits)
		snprintf(ret_id, cap, "%s", id);
	if (status > 0)
		free(id);
	char *before = guest_read_file(GUEST_STATE "/instance-id", 128, NULL);
	bool is_new = fits && (!before || strcmp(before, ret_id) != 0);
	free(before);
	return is_new;
}

static void
run_script(const char *bytes, size_t len)
{
	const char *path = GUEST_STATE "/user-data.sh";
	if (guest_write_file(path, bytes, len, 0700, 0, 0)) {
		guest_say("haneul: the user data cannot be written: %s", strerror(errno));
		return;
	}
	int status = guest_run((char *[]){ (char *)path, NULL }, -1);
	if (status != 0)
		guest_say("haneul: the user data script failed (%s %d)",
			WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

void
boot_user_data(void)
{
	char id[64], *data = NULL;
	size_t len;
	if (!is_new_instance(id, sizeof(id)))
		return;
	int status = imds_get("user-data", &data, &len);
	if (status < 0)
		return;
	mkdir("/var", 0755);
	mkdir("/var/lib", 0755);
	mkdir(GUEST_STATE, 0700);
	guest_write_file(GUEST_STATE "/instance-id", id, strlen(id), 0600, 0, 0);
	if (status == 200 && len > 2 && memcmp(data, "#!", 2) == 0)
		run_script(data, len);
	else if (status == 200 && len >= 13 && memcmp(data, "#cloud-config", 13) == 0)
		cloud_config_run(data, len);
	else if (status == 200 && len)
		guest_say(
			"haneul: the user data is neither a script (#!) nor #cloud-config: left alone");
	free(data);
}

int
boot_main(void)
{
	unsigned wait_ms = 20;
	for (unsigned tries = 0; tries < 14 && !boot_keys(); tries++) {
		usleep(wait_ms * 1000);
		wait_ms = wait_ms < 2000 ? wait_ms * 2 : wait_ms;
	}
	boot_user_data();
	return 0;
}
