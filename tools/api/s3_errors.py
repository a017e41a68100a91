"""S3's error catalogue: codes, statuses and sentences as the service sends them. The model lists a
dozen; clients meet these."""

S3_ERRORS = """
AccessDenied 403 Access Denied
AccessControlListNotSupported 400 The bucket does not allow ACLs
AccessForbidden 403 CORSResponse: This CORS request is not allowed.
AccountProblem 403 There is a problem with your AWS account that prevents the operation from completing successfully.
AmbiguousGrantByEmailAddress 400 The email address you provided is associated with more than one account.
AuthorizationHeaderMalformed 400 The authorization header you provided is invalid.
AuthorizationQueryParametersError 400 The authorization query parameters that you provided are not valid.
BadDigest 400 The Content-MD5 you specified did not match what we received.
BucketAlreadyExists 409 The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.
BucketAlreadyOwnedByYou 409 Your previous request to create the named bucket succeeded and you already own it.
BucketNotEmpty 409 The bucket you tried to delete is not empty
ConditionalRequestConflict 409 The conditional request cannot succeed due to a conflicting operation against this resource.
CredentialsNotSupported 400 This request does not support credentials.
CrossLocationLoggingProhibited 403 Cross S3 location logging not allowed.
EncryptionTypeMismatch 400
EntityTooLarge 400 Your proposed upload exceeds the maximum allowed size
EntityTooSmall 400 Your proposed upload is smaller than the minimum allowed size
ExpiredToken 400 The provided token has expired.
IllegalLocationConstraintException 400 The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.
IllegalVersioningConfigurationException 400 The versioning configuration specified in the request is invalid.
IncompleteBody 400 The request body terminated unexpectedly
IncorrectNumberOfFilesInPostRequest 400 POST requires exactly one file upload per request.
InlineDataTooLarge 400 Inline data exceeds the maximum allowed size.
InternalError 500 We encountered an internal error. Please try again.
InvalidAccessKeyId 403 The AWS Access Key Id you provided does not exist in our records.
InvalidArgument 400 Invalid Argument
InvalidBucketAclWithObjectOwnership 400 Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting
InvalidBucketName 400 The specified bucket is not valid.
InvalidBucketOwnerAWSAccountID 400 The value of the expected bucket owner parameter must be an AWS account ID
InvalidBucketState 409 The request is not valid with the current state of the bucket.
InvalidDigest 400 The Content-MD5 you specified was invalid.
InvalidEncryptionAlgorithmError 400 The encryption request you specified is not valid. The valid value is AES256.
InvalidLocationConstraint 400 The specified location-constraint is not valid
InvalidObjectState 403 The operation is not valid for the object's storage class
InvalidPart 400 One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.
InvalidPartNumber 416 The requested partnumber is not satisfiable
InvalidPartOrder 400 The list of parts was not in ascending order. Parts must be ordered by part number.
InvalidPolicyDocument 400 The content of the form does not meet the conditions specified in the policy document.
InvalidRange 416 The requested range is not satisfiable
InvalidRequest 400 Invalid Request
InvalidSecurity 403 The provided security credentials are not valid.
InvalidStorageClass 400 The storage class you specified is not valid
InvalidTag 400 The tag provided was not a valid tag.
InvalidTargetBucketForLogging 400 The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.
InvalidToken 400 The provided token is malformed or otherwise invalid.
InvalidURI 400 Couldn't parse the specified URI.
InvalidWriteOffset 400
KeyTooLongError 400 Your key is too long
MalformedACLError 400 The XML you provided was not well-formed or did not validate against our published schema
MalformedPOSTRequest 400 The body of your POST request is not well-formed multipart/form-data.
MalformedPolicy 400 Policies must be valid JSON and the first byte must be '{'
MalformedXML 400 The XML you provided was not well-formed or did not validate against our published schema
MaxMessageLengthExceeded 400 Your request was too big.
MaxPostPreDataLengthExceededError 400 Your POST request fields preceding the upload file were too large.
MetadataTooLarge 400 Your metadata headers exceed the maximum allowed metadata size
MethodNotAllowed 405 The specified method is not allowed against this resource.
MissingAuthenticationToken 403 The request was not signed.
MissingContentLength 411 You must provide the Content-Length HTTP header.
MissingRequestBodyError 400 Request Body is empty
MissingSecurityElement 400 The SOAP 1.1 request is missing a security element.
MissingSecurityHeader 400 Your request was missing a required header.
NoSuchBucket 404 The specified bucket does not exist
NoSuchBucketPolicy 404 The bucket policy does not exist
NoSuchCORSConfiguration 404 The CORS configuration does not exist
NoSuchConfiguration 404 The specified configuration does not exist.
NoSuchKey 404 The specified key does not exist.
NoSuchLifecycleConfiguration 404 The lifecycle configuration does not exist
NoSuchObjectLockConfiguration 404 The specified object does not have a ObjectLock configuration
NoSuchPublicAccessBlockConfiguration 404 The public access block configuration was not found
NoSuchTagSet 404 The TagSet does not exist
NoSuchUpload 404 The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.
NoSuchVersion 404 The specified version does not exist.
NoSuchWebsiteConfiguration 404 The specified bucket does not have a website configuration
NotDeviceOwnerError 400 The device that generated the token is not owned by the authenticated user.
NotImplemented 501 A header you provided implies functionality that is not implemented
NotModified 304 Not Modified
ObjectAlreadyInActiveTierError 403 Restore is not allowed for the object's current storage class
ObjectLockConfigurationNotFoundError 404 Object Lock configuration does not exist for this bucket
ObjectNotInActiveTierError 403 The source object of the COPY action is not in the active tier
OperationAborted 409 A conflicting conditional operation is currently in progress against this resource. Please try again.
OwnershipControlsNotFoundError 404 The bucket ownership controls were not found
PermanentRedirect 301 The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.
PreconditionFailed 412 At least one of the pre-conditions you specified did not hold
ReplicationConfigurationNotFoundError 404 The replication configuration was not found
RequestHeaderSectionTooLarge 400 Your request header section exceeds the maximum allowed size.
RequestIsNotMultiPartContent 400 Bucket POST must be of the enclosure-type multipart/form-data.
RequestTimeTooSkewed 403 The difference between the request time and the current time is too large.
RequestTimeout 400 Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.
RestoreAlreadyInProgress 409 Object restore is already in progress
ServerSideEncryptionConfigurationNotFoundError 404 The server side encryption configuration was not found
ServiceUnavailable 503 Service is unable to handle request.
SignatureDoesNotMatch 403 The request signature we calculated does not match the signature you provided. Check your key and signing method.
SlowDown 503 Please reduce your request rate.
TemporaryRedirect 307 Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.
TokenRefreshRequired 400 The provided token must be refreshed.
TooManyBuckets 400 You have attempted to create more buckets than allowed
TooManyParts 400
UnexpectedContent 400 This request does not support content.
UnresolvableGrantByEmailAddress 400 The email address you provided does not match any account on record.
UserKeyMustBeSpecified 400 The bucket POST must contain the specified field name. If it is specified, check the order of the fields.
XAmzContentChecksumMismatch 400 The provided 'x-amz-checksum' header does not match what was computed.
XAmzContentSHA256Mismatch 400 The provided 'x-amz-content-sha256' header does not match what was computed.
InvalidExpression 400 The expression type is not valid. Only SQL expressions are supported.
InvalidExpressionType 400 The ExpressionType is invalid. Only SQL expressions are supported.
InvalidCompressionFormat 400 The file is not in a supported compression format. Only GZIP and BZIP2 are supported.
InvalidFileHeaderInfo 400 The FileHeaderInfo is invalid. Only NONE, USE, and IGNORE are supported.
InvalidJsonType 400 The JsonType is invalid. Only DOCUMENT and LINES are supported.
InvalidQuoteFields 400 The QuoteFields is invalid. Only ALWAYS and ASNEEDED are supported.
InvalidDataSource 400 Invalid data source type. Only CSV, JSON, and Parquet are supported.
InvalidScanRange 400 The scan range provided is not valid.
InvalidTextEncoding 400 Invalid encoding type. Only UTF-8 encoding is supported.
CSVParsingError 400 Encountered an error parsing the CSV file. Check the file and try again.
JSONParsingError 400 Encountered an error parsing the JSON file. Check the file and try again.
CSVUnescapedQuote 400 A quoting error was encountered while parsing the CSV file. Check the file and try again.
ParseUnexpectedToken 400 The SQL expression contains an unexpected token.
ParseInvalidPathComponent 400 The SQL expression contains an invalid path component.
ParseSelectMissingFrom 400 The SQL expression is missing a FROM clause after SELECT list.
ParseUnsupportedSyntax 400 The SQL expression contains unsupported syntax.
LexerInvalidChar 400 The SQL expression contains an invalid character.
EvaluatorInvalidArguments 400 Incorrect number of arguments in function call.
EvaluatorBindingDoesNotExist 400 A column name or a path provided does not exist in the SQL expression.
CastFailed 400 Attempt to convert from one data type to another using CAST failed in the SQL expression.
ExpressionTooLong 400 The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.
OverMaxRecordSize 400 The length of a record in the input or result is greater than maxCharsPerRecord of 1 MB.
UnsupportedFunction 400 Encountered an unsupported SQL function.
UnsupportedSqlOperation 400 Encountered an unsupported SQL operation.
UnsupportedSqlStructure 400 Encountered an unsupported SQL structure. Check the SQL Reference.
UnsupportedSyntax 400 Encountered invalid syntax.
"""


def s3_errors():
    for line in S3_ERRORS.strip().split("\n"):
        code, status, *text = line.split(" ", 2)
        yield code, int(status), text[0] if text else None
