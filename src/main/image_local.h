/*
 * image_local: images without a server: the command is the plane's only client for as long as it
 * runs.
 */
#ifndef HANEUL_MAIN_IMAGE_LOCAL_H
#define HANEUL_MAIN_IMAGE_LOCAL_H

#include "plane/plane.h"

struct image_ask {
	const char *what; /* "list", "pull", "import", "export", "remove" */
	const char *image, *user, *file;
};
/* Exit code. Prints what it made; progress goes to the terminal. */
int image_local(const char *data, const struct image_ask *ask);
/* Of a terminal the last line only, overwritten by the next. */
void image_progress(struct str text);
void image_progress_end(void);
void image_print_size(uint64_t bytes, char *ret, size_t cap);

#endif
