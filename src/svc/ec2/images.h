/*
 * images: what instances are launched from. Two sorts. Those of accounts are rows: made from an
 * instance or from snapshots of its root, copied, shared; the reconciler "ec2.image" has the plane
 * make and remove them. Public ones stand for what the plane has at hand ("tiny", "debian" …), and
 * under the names that users search for ("al2023-ami-…", "ubuntu/images/…"): their description says
 * which image it really is. Their ids follow from region and name, so they stay.
 */
#ifndef HANEUL_SVC_EC2_IMAGES_H
#define HANEUL_SVC_EC2_IMAGES_H

#include "svc/ec2/resource.h"

extern const struct ec2_kind ec2_image_kind;

/* Own, shared with the caller, or public; in any state but gone. NULL with NotFound or Malformed.
 */
struct ec2_image_row *ec2_image_need(struct call *c, struct str id);
/* An own one, to be changed; public and shared ones are not found. */
struct ec2_image_row *ec2_image_own(struct call *c, struct str id);

/* ---- public ones (image_catalogue.c) */
void ec2_catalogue_each(struct call *c,
	void (*each)(struct call *c, struct str id, struct ec2_image_row *row, void *arg),
	void *arg);
struct ec2_image_row *ec2_catalogue_find(struct call *c, struct str id);
/* Under the plane's own name; as of the last listing. */
bool ec2_catalogue_has(struct call *c, struct str plane_image);
/* CALL_OK, or CALL_PARKED until the plane has said for the first time what it has. */
int ec2_catalogue_wait(struct call *c);
bool ec2_catalogue_listed(void); /* it has, since this start */
void ec2_catalogue_forget(void);
/* Asks the plane again what it has: after a pull or an import. In a unit. */
void ec2_images_refresh(struct tx *t);

/* ---- for snapshots */
/* The image that is made of it; STR_NULL: none. */
struct str ec2_image_with_snapshot(struct call *c, struct str snapshot);
void ec2_image_snapshot_done(struct call *c, struct str snapshot);

#endif
