/*
 * place: where the plane keeps what: below <data>/plane, and for this boot below /run/haneul. Paths
 * are written into the caller's buffer; ids were checked (plane_id_ok).
 *
 *	images/<id>                what an image is, as lines
 *	layers/<layer>/            trees that images consist of, never changed once they are there
 *	roots/<volume>/upper,work  what a machine wrote over its image; `image` and `layers` say over which
 *	volumes/<volume>           a disk as a sparse file
 *	snapshots/<snapshot>       the same, or a root's upper as a folder
 *	machines/<id>/state        what was asked for and who runs it; console; exit
 *	/run/haneul/slots/<slot>   who has that range of ids, on the whole host
 */
#ifndef HANEUL_PLANE_PLACE_H
#define HANEUL_PLANE_PLACE_H

#include "base/buf.h"

#include <stddef.h>
#include <sys/types.h>

#define PLACE_MAX 1200

struct place {
	char dir[1000]; /* <data>/plane, absolute */
	char tag[9];    /* eight hexadecimal digits of the data directory's path */
};

/* Makes the folders. 0 or -errno. */
int place_open(struct place *p, const char *data_dir, char *why, size_t cap);
/* Only fills in: for looking without making anything. */
void place_name(struct place *p, const char *data_dir);
/* "<dir>/<folder>/<id><rest>" */
void place_path(const struct place *p, char ret[PLACE_MAX], const char *folder, struct str id,
	const char *rest);

/* Small files. Written under another name, then renamed. 0 or -errno. */
int place_write(const char *path, struct str bytes);
int place_read(const char *path, struct buf *ret); /* appends; up to 1 MiB */
int place_mkdir(const char *path, mode_t mode);    /* there already: 0 */
int place_remove_tree(const char *path); /* absent: 0. Does not follow links or cross mounts */
/* Sum of what a tree takes on the disk. */
uint64_t place_tree_bytes(const char *path);

#define SLOTS_MAX 4096u
#define SLOT_UID(slot) (0x20000000u + ((slot) << 16)) /* first of its 65,536 ids */
/* A range of ids that nobody on this host uses; held until place_slot_free, also over our end. 0 or
 * -errno. */
int place_slot_take(const struct place *p, unsigned *ret_slot);
void place_slot_free(const struct place *p, unsigned slot); /* only when it is ours */
bool place_slot_held(const struct place *p, unsigned slot);
/* Whose slots there are: <data>/plane, once for each. */
void place_slot_owners(void (*each)(void *ctx, struct str dir), void *ctx);
/* The slots that this data directory holds. */
void place_slot_list(const struct place *p, void (*each)(void *ctx, unsigned slot), void *ctx);

#endif
