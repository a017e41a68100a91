/*
 * image_store: the images of a data directory: a small file for each, naming layers, which are
 * trees shared by all images that name them. Functions of the agent and its jobs; they block on the
 * disk only.
 */
#ifndef HANEUL_PLANE_IMAGE_STORE_H
#define HANEUL_PLANE_IMAGE_STORE_H

#include "base/arena.h"
#include "plane/place.h"
#include "plane/plane.h"

#define LAYER_ID_MAX 80

struct image {
	struct plane_image pub;
	struct str layers; /* one id a line, the topmost first */
};
/* 0, -ENOENT, -EBADMSG. Text lives in the arena. */
int image_load(const struct place *p, struct str id, struct arena *a, struct image *ret);
int image_save(const struct place *p, const struct image *i);
/* Every image that can be read. */
void image_each(const struct place *p, struct arena *a,
	void (*each)(void *ctx, const struct image *i), void *ctx);
/* The file, and layers that neither an image nor a root names any more. */
int image_remove(const struct place *p, struct str id);
/* Where a layer is made before it is there under its name, empty. Renamed by layer_keep (0 also
 * when it was there already). */
int layer_begin(const struct place *p, char ret[PLACE_MAX]);
int layer_keep(const struct place *p, const char *made, struct str id);
/* What was begun and never kept, for its job was killed: their paths, one a line. */
void layers_begun(const struct place *p, struct buf *ret);
bool layer_there(const struct place *p, struct str id);

#endif
