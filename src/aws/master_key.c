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

/* One copy on its way to the disk. */
struct copy {
	const char *dir; /* NULL: none is wanted there */
	int dir_fd, fd, status;
};

static void
copy_begin(struct copy *c, const unsigned char key[SEAL_KEY])
{
	c->fd = c->dir_fd = -1;
	if (!c->dir)
		return;
	c->status = place_make(c->dir);
	if (!c->status && (c->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		c->status = -errno;
	if (!c->status &&
		(c->fd = openat(c->dir_fd, KEY_FILE ".new",
			 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		c->status = -errno;
	if (!c->status && write(c->fd, key, SEAL_KEY) != SEAL_KEY)
		c->status = -EIO;
}

/* Every copy takes each step before any takes the next: the first sync's commit of the journal
 * takes the others along. None gets its name before its bytes are on the disk. */
static void
copies_write(struct copy *c, unsigned n, const unsigned char key[SEAL_KEY])
{
	for (unsigned i = 0; i < n; i++)
		copy_begin(&c[i], key);
	for (unsigned i = 0; i < n; i++)
		if (c[i].fd >= 0 && !c[i].status && fsync(c[i].fd))
			c[i].status = -EIO;
	for (unsigned i = 0; i < n; i++)
		if (c[i].fd >= 0 && !c[i].status &&
			renameat(c[i].dir_fd, KEY_FILE ".new", c[i].dir_fd, KEY_FILE))
			c[i].status = -errno;
	for (unsigned i = 0; i < n; i++) {
		if (c[i].fd >= 0 && !c[i].status && fsync(c[i].dir_fd))
			c[i].status = -errno;
		if (c[i].fd >= 0)
			close(c[i].fd);
		if (c[i].dir_fd >= 0)
			close(c[i].dir_fd);
	}
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

/* Where it is not yet; 0, or why the first place has none. */
static int
key_spread(const struct master_key_options *o)
{
	struct copy c[MASTER_KEY_DIRS] = { 0 };
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++) {
		unsigned char key[SEAL_KEY];
		bool there = o->dirs[i] && key_read(o->dirs[i], key) == 0 &&
			     memcmp(key, master, SEAL_KEY) == 0;
		c[i].dir = there ? NULL : o->dirs[i];
	}
	copies_write(c, MASTER_KEY_DIRS, master);
	for (unsigned i = 0; i < MASTER_KEY_DIRS; i++)
		if (c[i].status)
			log_warn("master_key.copy", log_c("dir", c[i].dir),
				log_errno("why", c[i].status));
	return c[0].status;
}

static int
key_make(const struct master_key_options *o)
{
	if (getrandom(master, sizeof(master), 0) != sizeof(master))
		return -EIO;
	return key_spread(o);
}

int
master_key_load(const struct master_key_options *o)
{
	pthread_mutex_lock(&lock);
	int r = key_find(o, master);
	if (!r)
		key_spread(o);
	else if (r == -ENOKEY && !o->check)
		r = key_make(o);
	loaded = !r;
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
