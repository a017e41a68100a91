/*
 * validate: required members, lengths, ranges, patterns, enumerations of a decoded input, before
 * the handler runs, with the code and sentence that the service's own validator uses (a table by
 * service: ValidationException with a list of violations, ec2's MissingParameter, S3's own …).
 */
#ifndef HANEUL_AWS_VALIDATE_H
#define HANEUL_AWS_VALIDATE_H

#include "aws/call.h"

int validate_input(
	struct call *c, const struct op *op, const void *in); /* CALL_OK or CALL_FAILED */

#endif
