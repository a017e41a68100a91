/*
 * machine_pack: machines, images and reports as messages. What is unpacked borrows its text from
 * the bytes and its arrays from the arena. Unpacking checks ids, counts and enums, so that what
 * comes out can be used; then unpack_whole says whether it may be.
 */
#ifndef HANEUL_PLANE_MACHINE_PACK_H
#define HANEUL_PLANE_MACHINE_PACK_H

#include "base/arena.h"
#include "plane/pack.h"
#include "plane/plane.h"

void pack_disk(struct pack *p, const struct plane_disk *d);
void unpack_disk(struct unpack *u, struct plane_disk *ret);
void pack_machine(struct pack *p, const struct plane_machine *m);
void unpack_machine(struct unpack *u, struct arena *a, struct plane_machine *ret);
void pack_image(struct pack *p, const struct plane_image *i);
void unpack_image(struct unpack *u, struct plane_image *ret);
void pack_report(struct pack *p, const struct plane_machine_report *r);
void unpack_report(struct unpack *u, struct plane_machine_report *ret);

#endif
