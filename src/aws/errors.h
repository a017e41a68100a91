/*
 * errors: the errors that every service can answer, and how each protocol spells them. A caller
 * names the common row (`call_fail(c, &ERR_AccessDenied, NULL)`); call_fail passes it through
 * error_variant, so that EC2 answers UnauthorizedOperation, json-1.0 AccessDeniedException and S3
 * its own sentence. Errors of one service are rows of its .api files (S3_NoSuchKey), not here.
 * All rows are constant; any thread.
 */
#ifndef HANEUL_AWS_ERRORS_H
#define HANEUL_AWS_ERRORS_H

#include "aws/call.h"

/* Who asks. */
extern const struct api_error ERR_AccessDenied;
extern const struct api_error ERR_MissingAuthenticationToken;
extern const struct api_error ERR_IncompleteSignature;
extern const struct api_error ERR_SignatureDoesNotMatch;
extern const struct api_error ERR_InvalidClientTokenId; /* the access key is not known */
extern const struct api_error
	ERR_InvalidToken; /* the session token is malformed or not of this key */
extern const struct api_error ERR_ExpiredToken;
extern const struct api_error ERR_RequestExpired;       /* X-Amz-Expires has passed */
extern const struct api_error ERR_RequestTimeTooSkewed; /* the signing time is too far from now */
extern const struct api_error ERR_OptInRequired;

/* What is asked. */
extern const struct api_error ERR_InvalidAction; /* no such operation */
extern const struct api_error ERR_MissingAction;
extern const struct api_error ERR_MethodNotAllowed;
extern const struct api_error ERR_NotImplemented; /* the operation exists; nobody wrote it */

/* How it is asked. */
extern const struct api_error ERR_SerializationException; /* malformed body: MalformedXML for S3 */
extern const struct api_error ERR_MalformedQueryString;
extern const struct api_error ERR_InvalidParameterValue; /* a number, date … that does not parse */
extern const struct api_error ERR_MissingParameter;
extern const struct api_error ERR_ValidationException;
extern const struct api_error ERR_RequestEntityTooLarge;
extern const struct api_error ERR_UnsupportedMediaType;

/* What went wrong here. */
extern const struct api_error ERR_InternalFailure;
extern const struct api_error ERR_ServiceUnavailable;
extern const struct api_error ERR_Throttling;
extern const struct api_error ERR_RequestTimeout; /* the client was too slow */

/* The row that the protocol and service of `c` use for `e`; `e` itself when it has no variant.
 * Never NULL. */
const struct api_error *error_variant(const struct call *c, const struct api_error *e);

#endif
