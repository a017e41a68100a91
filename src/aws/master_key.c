#include "aws/master_key.h"

#include "aws/places.h"
#include "base/log.h"

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
key_read(const char *dir, unsigned char ret[SEAL_KEY])
{
	unsigned char more[SEAL_KEY + 1];
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir_fd < 0 ? -1 : openat(dir_fd, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : 0;
	if (!r && read(fd, more, sizeof(more)) != SEAL_KEY)
		r = -EBADMSG;
	if (!r)
		memcpy(ret, more, SEAL_KEY);
	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

static int
key_write(const char *dir, const unsigned char key[SEAL_KEY])
{
	int r = place_make(dir), fd = -1;
	int dir_fd = r ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!r && dir_fd < 0)
		r = -errno;
	if (!r)
		fd = openat(dir_fd, KEY_FILE ".new",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (!r && fd < 0)
		r = -errno;
	if (!r && (write(fd, key, SEAL_KEY) != SEAL_KEY || fsync(fd)))
		r = -EIO;
	if (!r && (renameat(dir_fd, KEY_FILE ".new", dir_fd, KEY_FILE) || fsync(dir_fd)))
		r = -errno;
	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

static void
check_of(const unsigned char key[SEAL_KEY], unsigned char ret[SEAL_KEY])
{
	seal_derive(key, STR("which key this is"), ret);
}

/* The first copy that fits; 0 or why there is none. */
static int
key_find(const struct master_key_options *o, unsigned char ret[SEAL_KEY])
{
	int why = -ENOKEY;
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		unsigned char key[SEAL_KEY], check[SEAL_KEY];
		int r = o->dirs[i] ? key_read(o->dirs[i], key) : -ENOENT;
		check_of(key, check);
		if (!r && o->check && memcmp(check, o->check, SEAL_KEY) != 0)
			r = -EKEYREJECTED;
		if (!r) {
			memcpy(ret, key, SEAL_KEY);
			return 0;
		}
		if (r != -ENOENT && r != -ENOTDIR)
			why = r;
	}
	return why;
}

static int
key_make(const struct master_key_options *o)
{
	if (getrandom(master, sizeof(master), 0) != sizeof(master))
		return -EIO;
	return o->dirs[0] ? key_write(o->dirs[0], master) : 0;
}

static void
key_spread(const struct master_key_options *o)
{
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		unsigned char key[SEAL_KEY];
		if (!o->dirs[i] ||
			(key_read(o->dirs[i], key) == 0 && memcmp(key, master, SEAL_KEY) == 0))
			continue;
		int r = key_write(o->dirs[i], master);
		if (r)
			log_warn("master_key.copy", log_c("dir", o->dirs[i]), log_errno("why", r));
	}
}

int
master_key_load(const struct master_key_options *o)
{
	pthread_mutex_lock(&lock);
	int r = key_find(o, master);
	if (r == -ENOKEY && !o->check)
		r = key_make(o);
	loaded = !r;
	if (!r)
		key_spread(o);
	pthread_mutex_unlock(&lock);
	return r;
}

void
master_key_tend(const struct master_key_options *o)
{
	pthread_mutex_lock(&lock);
	if (loaded)
		key_spread(o);
	pthread_mutex_unlock(&lock);
}

void
master_key_check(unsigned char ret[SEAL_KEY])
{
	pthread_mutex_lock(&lock);
	check_of(master, ret);
	pthread_mutex_unlock(&lock);
}

void
master_key_derive(struct str purpose, unsigned char ret[SEAL_KEY])
{
	static const struct master_key_options none;
	pthread_mutex_lock(&lock);
	if (!loaded && key_make(&none))
		abort();
	loaded = true;
	seal_derive(master, purpose, ret);
	pthread_mutex_unlock(&lock);
}
