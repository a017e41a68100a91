/* control: what the files of this folder share. Its rows lie in S3's environment. */
#ifndef HANEUL_SVC_S3CONTROL_CONTROL_H
#define HANEUL_SVC_S3CONTROL_CONTROL_H

#include "svc/s3/s3.h"
#include "svc/s3control/s3control_api.h"

/* AccessDenied when the call is about another account. */
int s3control_account_check(struct call *c, struct str account);
/* Bits as in svc/s3/rules.h. */
int s3control_block_bits(const struct s3control_public_access_block_configuration *k);

/* ---- access points (access_points.c) ---- */
/* Of the call's account, or NoSuchAccessPoint. */
int s3control_point_open(struct call *c, struct str account, struct str name,
	struct s3control_access_point_row *ret);
void s3control_point_save(struct call *c, const struct s3control_access_point_row *row);

#endif
