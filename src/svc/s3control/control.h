/* control: what the files of this folder share. Its rows lie in S3's environment. */
#ifndef HANEUL_SVC_S3CONTROL_CONTROL_H
#define HANEUL_SVC_S3CONTROL_CONTROL_H

#include "svc/s3/s3.h"
#include "svc/s3control/s3control_api.h"

/* AccessDenied when the call is about another account. */
int s3control_account_check(struct call *c, struct str account);

#endif
