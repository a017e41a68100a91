#include "aws/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_FILE "master-key"

static unsigned char master[SEAL_KEY];
static bool loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int
key_make(int dir)
{
	if (getrandom(master, sizeof(master), 0) != sizeof(master))
		return -EIO;
	if (dir < 0)
		return 0;
	int fd = openat(dir, KEY_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = write(fd, master, sizeof(master)) == sizeof(master) && fsync(fd) == 0 ? 0 : -EIO;
	close(fd);
	if (!r && (renameat(dir, KEY_FILE ".new", dir, KEY_FILE) || fsync(dir)))
		r = -errno;
	return r;
}

static int
key_read(int fd)
{
	unsigned char more[SEAL_KEY + 1];
	if (read(fd, more, sizeof(more)) != SEAL_KEY)
		return -EBADMSG;
	memcpy(master, more, SEAL_KEY);
	return 0;
}

int
master_key_load(const char *dir, bool may_make)
{
	int dir_fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r;
	if (dir && dir_fd < 0)
		return -errno;
	pthread_mutex_lock(&lock);
	int fd = dir ? openat(dir_fd, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd >= 0) {
		r = key_read(fd);
		close(fd);
	} else {
		r = dir && errno != ENOENT  ? -errno :
		    dir && !may_make	    ? -ENOKEY :
					      key_make(dir_fd);
	}
	loaded = !r;
	pthread_mutex_unlock(&lock);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

void
master_key_derive(struct str purpose, unsigned char ret[SEAL_KEY])
{
	pthread_mutex_lock(&lock);
	if (!loaded && key_make(-1))
		abort();
	loaded = true;
	seal_derive(master, purpose, ret);
	pthread_mutex_unlock(&lock);
}
