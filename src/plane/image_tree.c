#include "plane/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

void
tree_path(const struct tree *t, const char *path, char ret[PLACE_MAX])
{
	snprintf(ret, PLACE_MAX, "%.900s%.200s", t->dir, path);
}

bool
tree_folder(struct tree *t, const char *path, mode_t mode)
{
	char full[PLACE_MAX];
	tree_path(t, path, full);
	for (char *s = full + strlen(t->dir) + 1; (s = strchr(s, '/')); *s++ = '/') {
		*s = 0;
		mkdir(full, 0755);
	}
	if ((mkdir(full, mode) && errno != EEXIST) || chmod(full, mode))
		job_fail(t->r, -errno, "%s: %s.", full, strerror(errno));
	return t->r->status == 0;
}

bool
tree_file(struct tree *t, const char *path, mode_t mode, const void *bytes, size_t len)
{
	char full[PLACE_MAX];
	tree_path(t, path, full);
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || fchmod(fd, mode))
		job_fail(t->r, -errno, "%s: %s.", full, strerror(errno));
	if (fd >= 0)
		close(fd);
	return t->r->status == 0;
}

bool
tree_copy(struct tree *t, const char *from, const char *path, mode_t mode)
{
	char full[PLACE_MAX];
	struct stat st;
	tree_path(t, path, full);
	char *slash = strrchr(full, '/');
	*slash = 0;
	tree_folder(t, full + strlen(t->dir), 0755);
	*slash = '/';
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || fstat(in, &st) ||
		sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size || fchmod(out, mode))
		job_fail(t->r, -errno, "%s cannot be copied: %s.", from, strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return t->r->status == 0;
}

/* "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)", and the loader itself at the line's
 * start. */
bool
tree_libraries(struct tree *t, const char *program)
{
	struct buf out = { 0 };
	char *save;
	if (job_program((char *[]){ "ldd", (char *)program, NULL }, &out) != 0)
		job_fail(t->r, -ENOENT, "ldd cannot tell the libraries of %s.", program);
	for (char *word = out.p ? strtok_r(out.p, " \t\n", &save) : NULL; word && !t->r->status;
		word = strtok_r(NULL, " \t\n", &save))
		if (word[0] == '/' && word[strlen(word) - 1] != ':')
			tree_copy(t, word, word, 0755);
	buf_done(&out);
	return t->r->status == 0;
}
