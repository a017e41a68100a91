#include "aws/errors.h"

enum family {
	FAMILY_QUERY,
	FAMILY_EC2,
	FAMILY_JSON, /* json-1.0, json-1.1, rpc-v2-cbor */
	FAMILY_REST_JSON,
	FAMILY_REST_XML,
	FAMILY_S3,
	FAMILY_N,
};

static const char bad_signature[] =
	"The request signature we calculated does not match the signature you provided. Check your "
	"AWS Secret Access Key and signing method. Consult the service documentation for details.";
static const char s3_bad_signature[] =
	"The request signature we calculated does not match the signature you provided. Check your "
	"key and signing method.";
static const char s3_skewed[] =
	"The difference between the request time and the current time is too large.";
static const char s3_malformed_xml[] =
	"The XML you provided was not well-formed or did not validate against our published schema";
static const char bad_token[] = "The security token included in the request is invalid.";
static const char expired_token[] = "The security token included in the request is expired";
static const char request_expired[] = "Request has expired.";
static const char ec2_auth_failure[] =
	"AWS was not able to validate the provided access credentials";
static const char internal[] =
	"The request processing has failed because of an unknown error, exception or failure.";
static const char too_slow[] = "Your socket connection to the server was not read from or written "
	"to within the timeout period.";

/* code on the wire, code on the query wire (NULL: the same), status, sentence */
#define ROW(c, q, s, m) \
	{ .code = (c), .query_code = (q), .message = (m), .status = (s), .receiver = (s) >= 500 }

/* clang-format off */
const struct api_error ERR_AccessDenied = ROW("AccessDenied", NULL, 403, "Access Denied");
const struct api_error ERR_MissingAuthenticationToken =
	ROW("MissingAuthenticationToken", NULL, 403, "Request is missing Authentication Token");
const struct api_error ERR_IncompleteSignature =
	ROW("IncompleteSignature", NULL, 400,
		"The request signature does not conform to AWS standards.");
const struct api_error ERR_SignatureDoesNotMatch =
	ROW("SignatureDoesNotMatch", NULL, 403, bad_signature);
const struct api_error ERR_InvalidClientTokenId =
	ROW("InvalidClientTokenId", NULL, 403, bad_token);
const struct api_error ERR_InvalidToken = ROW("InvalidClientTokenId", NULL, 403, bad_token);
const struct api_error ERR_ExpiredToken = ROW("ExpiredToken", NULL, 403, expired_token);
const struct api_error ERR_RequestExpired = ROW("RequestExpired", NULL, 400, request_expired);
const struct api_error ERR_RequestTimeTooSkewed =
	ROW("SignatureDoesNotMatch", NULL, 403, "Signature expired.");
const struct api_error ERR_OptInRequired =
	ROW("OptInRequired", NULL, 403,
		"The AWS Access Key Id needs a subscription for the service");
const struct api_error ERR_InvalidAction =
	ROW("InvalidAction", NULL, 400, "The action or operation requested is invalid.");
const struct api_error ERR_MissingAction =
	ROW("MissingAction", NULL, 400, "The request must contain the parameter Action.");
const struct api_error ERR_MethodNotAllowed =
	ROW("MethodNotAllowed", NULL, 405,
		"The specified method is not allowed against this resource.");
const struct api_error ERR_NotImplemented =
	ROW("NotImplemented", NULL, 501, "This operation is not implemented.");
const struct api_error ERR_SerializationException =
	ROW("SerializationException", NULL, 400, "The request body could not be parsed.");
const struct api_error ERR_MalformedQueryString =
	ROW("MalformedQueryString", NULL, 400, "The query string contains a syntax error");
const struct api_error ERR_InvalidParameterValue =
	ROW("InvalidParameterValue", NULL, 400, "A value that was provided is not valid.");
const struct api_error ERR_MissingParameter =
	ROW("MissingParameter", NULL, 400, "A required parameter is missing.");
const struct api_error ERR_ValidationException =
	ROW("ValidationException", "ValidationError", 400,
		"The input fails to satisfy the constraints of the service.");
const struct api_error ERR_RequestEntityTooLarge =
	ROW("RequestEntityTooLarge", NULL, 413,
		"The request is larger than this service accepts.");
const struct api_error ERR_UnsupportedMediaType =
	ROW("UnsupportedMediaType", NULL, 415,
		"The content type of the request is not supported.");
const struct api_error ERR_InternalFailure = ROW("InternalFailure", NULL, 500, internal);
const struct api_error ERR_ServiceUnavailable =
	ROW("ServiceUnavailable", NULL, 503, "Service is unable to handle request.");
const struct api_error ERR_Throttling = ROW("Throttling", NULL, 400, "Rate exceeded");
const struct api_error ERR_RequestTimeout = ROW("RequestTimeout", NULL, 400, too_slow);

/* How the families spell a common error where that is not the common row. */
static const struct variant {
	const struct api_error *common;
	struct api_error by_family[FAMILY_N];
} variants[] = {
	{ &ERR_AccessDenied, {
		[FAMILY_EC2] =
			ROW("UnauthorizedOperation", NULL, 403,
				"You are not authorized to perform this operation."),
		[FAMILY_JSON] =
			ROW("AccessDeniedException", "AccessDenied", 400, "Access Denied"),
		[FAMILY_REST_JSON] = ROW("AccessDeniedException", NULL, 403, "Access Denied"),
	} },
	{ &ERR_MissingAuthenticationToken, {
		[FAMILY_EC2] = ROW("AuthFailure", NULL, 401, ec2_auth_failure),
		[FAMILY_JSON] =
			ROW("MissingAuthenticationTokenException", "MissingAuthenticationToken", 400,
				"Request is missing Authentication Token"),
		[FAMILY_REST_JSON] =
			ROW("MissingAuthenticationTokenException", NULL, 403,
				"Missing Authentication Token"),
		[FAMILY_S3] = ROW("AccessDenied", NULL, 403, "Access Denied"),
	} },
	{ &ERR_IncompleteSignature, {
		[FAMILY_JSON] =
			ROW("IncompleteSignatureException", "IncompleteSignature", 400,
				"The request signature does not conform to AWS standards."),
		[FAMILY_REST_JSON] =
			ROW("IncompleteSignatureException", NULL, 403,
				"The request signature does not conform to AWS standards."),
		[FAMILY_S3] =
			ROW("AuthorizationHeaderMalformed", NULL, 400,
				"The authorization header that you provided is not valid."),
	} },
	{ &ERR_SignatureDoesNotMatch, {
		[FAMILY_EC2] = ROW("AuthFailure", NULL, 401, ec2_auth_failure),
		[FAMILY_JSON] =
			ROW("InvalidSignatureException",
				"SignatureDoesNotMatch", 400, bad_signature),
		[FAMILY_REST_JSON] = ROW("InvalidSignatureException", NULL, 403, bad_signature),
		[FAMILY_S3] = ROW("SignatureDoesNotMatch", NULL, 403, s3_bad_signature),
	} },
	{ &ERR_InvalidClientTokenId, {
		[FAMILY_EC2] = ROW("AuthFailure", NULL, 401, ec2_auth_failure),
		[FAMILY_JSON] =
			ROW("UnrecognizedClientException",
				"InvalidClientTokenId", 400, bad_token),
		[FAMILY_REST_JSON] = ROW("UnrecognizedClientException", NULL, 403, bad_token),
		[FAMILY_S3] =
			ROW("InvalidAccessKeyId", NULL, 403,
				"The AWS Access Key Id you provided does not exist in our records."),
	} },
	{ &ERR_InvalidToken, {
		[FAMILY_EC2] = ROW("AuthFailure", NULL, 401, ec2_auth_failure),
		[FAMILY_JSON] =
			ROW("UnrecognizedClientException",
				"InvalidClientTokenId", 400, bad_token),
		[FAMILY_REST_JSON] = ROW("UnrecognizedClientException", NULL, 403, bad_token),
		[FAMILY_S3] =
			ROW("InvalidToken", NULL, 400,
				"The provided token is malformed or otherwise invalid."),
	} },
	{ &ERR_ExpiredToken, {
		[FAMILY_EC2] = ROW("RequestExpired", NULL, 400, request_expired),
		[FAMILY_JSON] = ROW("ExpiredTokenException", "ExpiredToken", 400, expired_token),
		[FAMILY_REST_JSON] = ROW("ExpiredTokenException", NULL, 403, expired_token),
		[FAMILY_S3] = ROW("ExpiredToken", NULL, 400, "The provided token has expired."),
	} },
	{ &ERR_RequestExpired, {
		[FAMILY_JSON] =
			ROW("InvalidSignatureException", "SignatureDoesNotMatch", 400,
				"Signature expired."),
		[FAMILY_REST_JSON] =
			ROW("InvalidSignatureException", NULL, 403, "Signature expired."),
		[FAMILY_S3] = ROW("AccessDenied", NULL, 403, "Request has expired"),
	} },
	{ &ERR_RequestTimeTooSkewed, {
		[FAMILY_EC2] = ROW("RequestExpired", NULL, 400, request_expired),
		[FAMILY_JSON] =
			ROW("InvalidSignatureException", "SignatureDoesNotMatch", 400,
				"Signature expired."),
		[FAMILY_REST_JSON] =
			ROW("InvalidSignatureException", NULL, 403, "Signature expired."),
		[FAMILY_S3] = ROW("RequestTimeTooSkewed", NULL, 403, s3_skewed),
	} },
	{ &ERR_OptInRequired, {
		[FAMILY_EC2] =
			ROW("OptInRequired", NULL, 401,
				"You are not subscribed to this service."),
		[FAMILY_JSON] =
			ROW("OptInRequired", NULL, 400,
				"The AWS Access Key Id needs a subscription for the service"),
	} },
	{ &ERR_InvalidAction, {
		[FAMILY_JSON] =
			ROW("UnknownOperationException", "InvalidAction", 400,
				"The action or operation requested is invalid."),
		[FAMILY_REST_JSON] =
			ROW("UnknownOperationException", NULL, 404,
				"The action or operation requested is invalid."),
		[FAMILY_REST_XML] =
			ROW("UnknownOperationException", NULL, 404,
				"The action or operation requested is invalid."),
		[FAMILY_S3] =
			ROW("MethodNotAllowed", NULL, 405,
				"The specified method is not allowed against this resource."),
	} },
	{ &ERR_MissingAction, {
		[FAMILY_JSON] =
			ROW("UnknownOperationException", "MissingAction", 400,
				"The request must contain the parameter Action."),
		[FAMILY_REST_JSON] =
			ROW("UnknownOperationException", NULL, 404,
				"The request must contain the parameter Action."),
	} },
	{ &ERR_MethodNotAllowed, {
		[FAMILY_REST_JSON] =
			ROW("UnknownOperationException", NULL, 404,
				"The specified method is not allowed against this resource."),
	} },
	{ &ERR_NotImplemented, {
		[FAMILY_JSON] =
			ROW("NotImplementedException", "NotImplemented", 501,
				"This operation is not implemented."),
		[FAMILY_REST_JSON] =
			ROW("NotImplementedException", NULL, 501,
				"This operation is not implemented."),
		[FAMILY_S3] =
			ROW("NotImplemented", NULL, 501,
				"A header you provided implies functionality that is not implemented."),
	} },
	{ &ERR_SerializationException, {
		[FAMILY_QUERY] =
			ROW("MalformedQueryString", NULL, 400,
				"The query string contains a syntax error"),
		[FAMILY_EC2] =
			ROW("MalformedQueryString", NULL, 400,
				"The query string contains a syntax error."),
		[FAMILY_REST_XML] =
			ROW("MalformedInput", NULL, 400, "The input is not well-formed XML."),
		[FAMILY_S3] = ROW("MalformedXML", NULL, 400, s3_malformed_xml),
	} },
	{ &ERR_MalformedQueryString, {
		[FAMILY_S3] = ROW("InvalidURI", NULL, 400, "Couldn't parse the specified URI."),
	} },
	{ &ERR_InvalidParameterValue, {
		[FAMILY_JSON] =
			ROW("SerializationException", NULL, 400,
				"A value that was provided is not valid."),
		[FAMILY_REST_JSON] =
			ROW("SerializationException", NULL, 400,
				"A value that was provided is not valid."),
		[FAMILY_REST_XML] = ROW("InvalidArgument", NULL, 400, "Invalid Argument"),
		[FAMILY_S3] = ROW("InvalidArgument", NULL, 400, "Invalid Argument"),
	} },
	{ &ERR_MissingParameter, {
		[FAMILY_JSON] =
			ROW("ValidationException", "MissingParameter", 400,
				"A required parameter is missing."),
		[FAMILY_REST_JSON] =
			ROW("ValidationException", NULL, 400, "A required parameter is missing."),
		[FAMILY_REST_XML] = ROW("InvalidArgument", NULL, 400, "Invalid Argument"),
		[FAMILY_S3] =
			ROW("InvalidRequest", NULL, 400,
				"Missing required header or parameter for this request"),
	} },
	{ &ERR_ValidationException, {
		[FAMILY_EC2] =
			ROW("InvalidParameterValue", NULL, 400,
				"The input fails to satisfy the constraints of the service."),
		[FAMILY_REST_XML] = ROW("InvalidArgument", NULL, 400, "Invalid Argument"),
		[FAMILY_S3] = ROW("InvalidArgument", NULL, 400, "Invalid Argument"),
	} },
	{ &ERR_RequestEntityTooLarge, {
		[FAMILY_JSON] =
			ROW("RequestEntityTooLargeException", "RequestEntityTooLarge", 413,
				"The request is larger than this service accepts."),
		[FAMILY_REST_JSON] =
			ROW("RequestEntityTooLargeException", NULL, 413,
				"The request is larger than this service accepts."),
		[FAMILY_S3] =
			ROW("MaxMessageLengthExceeded", NULL, 400, "Your request was too big."),
	} },
	{ &ERR_UnsupportedMediaType, {
		[FAMILY_JSON] =
			ROW("UnsupportedMediaTypeException", NULL, 415,
				"The content type of the request is not supported."),
		[FAMILY_REST_JSON] =
			ROW("UnsupportedMediaTypeException", NULL, 415,
				"The content type of the request is not supported."),
	} },
	{ &ERR_InternalFailure, {
		[FAMILY_EC2] = ROW("InternalError", NULL, 500, "An internal error has occurred"),
		[FAMILY_S3] =
			ROW("InternalError", NULL, 500,
				"We encountered an internal error. Please try again."),
	} },
	{ &ERR_ServiceUnavailable, {
		[FAMILY_EC2] =
			ROW("Unavailable", NULL, 503,
				"The service is unavailable. Please try again shortly."),
		[FAMILY_JSON] =
			ROW("ServiceUnavailableException", "ServiceUnavailable", 503,
				"Service is unable to handle request."),
		[FAMILY_REST_JSON] =
			ROW("ServiceUnavailableException", NULL, 503,
				"Service is unable to handle request."),
	} },
	{ &ERR_Throttling, {
		[FAMILY_EC2] = ROW("RequestLimitExceeded", NULL, 503, "Request limit exceeded."),
		[FAMILY_JSON] = ROW("ThrottlingException", "Throttling", 400, "Rate exceeded"),
		[FAMILY_REST_JSON] = ROW("ThrottlingException", NULL, 429, "Rate exceeded"),
		[FAMILY_S3] = ROW("SlowDown", NULL, 503, "Please reduce your request rate."),
	} },
	{ &ERR_RequestTimeout, {
		[FAMILY_JSON] = ROW("RequestTimeoutException", NULL, 408, too_slow),
		[FAMILY_REST_JSON] = ROW("RequestTimeoutException", NULL, 408, too_slow),
	} },
};
/* clang-format on */

static enum family
family_of(const struct call *c)
{
	switch (c->protocol) {
	case PROTO_QUERY:
		return FAMILY_QUERY;
	case PROTO_EC2:
		return FAMILY_EC2;
	case PROTO_REST_JSON:
		return FAMILY_REST_JSON;
	case PROTO_REST_XML:
		/* Without a known service it is S3's: its URLs have no form of their own. */
		if (!c->service || strcmp(c->service->name, "s3") == 0)
			return FAMILY_S3;
		return FAMILY_REST_XML;
	default:
		return FAMILY_JSON;
	}
}

const struct api_error *
error_variant(const struct call *c, const struct api_error *e)
{
	enum family f = family_of(c);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		if (variants[i].common != e)
			continue;
		const struct api_error *v = &variants[i].by_family[f];
		return v->code ? v : e;
	}
	return e;
}
