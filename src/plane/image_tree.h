/*
 * image_tree: a tree that is made of files of this host and of texts, in a job or in the agent.
 * Functions give false once something failed; the reason is in the result, and later ones do
 * nothing of use. Paths begin with "/" and lie inside the tree.
 */
#ifndef HANEUL_PLANE_IMAGE_TREE_H
#define HANEUL_PLANE_IMAGE_TREE_H

#include "plane/job.h"
#include "plane/place.h"

struct tree {
	const char *dir;
	struct job_result *r;
};
void tree_path(const struct tree *t, const char *path, char ret[PLACE_MAX]);
bool tree_folder(struct tree *t, const char *path, mode_t mode); /* with its parents */
bool tree_file(struct tree *t, const char *path, mode_t mode, const void *bytes, size_t len);
bool tree_copy(struct tree *t, const char *from, const char *path, mode_t mode);
/* What the dynamic loader wants for it, under its own paths. */
bool tree_libraries(struct tree *t, const char *program);

#endif
