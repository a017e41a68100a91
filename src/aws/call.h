/*
 * call: one AWS API call as a handler sees it, and the rows of the operation tables.
 *
 * A handler is a transaction function, a straight line: look up, decide, write rows, fill the
 * output. It never blocks, forks, sleeps, opens a socket or asks the kernel. `reads` handlers run
 * on the connection's loop in a read snapshot; `writes` handlers run on the store's writer thread,
 * one after the other; their reply is released after the commit is durable. Handlers keep no global
 * mutable state (several loops run reads at once).
 *
 *   int s3_create_bucket(struct call *c, const struct s3_create_bucket_in *in, struct s3_create_bucket_out *out)
 *   {
 *           ...
 *           return call_fail(c, &S3_BucketAlreadyExists, "The requested bucket name …");
 *   }
 *
 * Everything a handler allocates comes from c->arena. Values that it got from the store may be put
 * into `out` as they are: the reply is encoded before the transaction ends.
 */
#ifndef HANEUL_AWS_CALL_H
#define HANEUL_AWS_CALL_H

#include "aws/service.h"
#include "base/arena.h"
#include "base/digest.h"
#include "store/blobs.h"
#include "store/store.h"

struct call;
struct json;
struct policy_context;
struct authorize_question;

struct principal {
	struct str account;       /* twelve digits; "" when anonymous */
	struct str arn;           /* "arn:aws:iam::123456789012:root"; "" when anonymous */
	struct str user_id;       /* unique id, as aws:userid */
	struct str access_key;
	struct str name;          /* aws:username or role session */
	bool root;
	bool anonymous;
	const void *session;      /* aws/auth: session policies, tags, expiry */
};

#define BODY_INLINE_NONE UINT32_MAX

/* A streamed body. Input: what arrived, already safe on disk or inline. Output: where the bytes
 * are. */
struct body_segment {
	struct blob_id id;
	uint64_t offset, len;
};
struct body {
	struct str inline_data; /* p != NULL: the whole body is here (small bodies live in rows) */
	struct body_segment *segments; /* else these, in order */
	uint32_t segments_n;
	struct str region;             /* of the blobs */
	const unsigned char *key;      /* with which they are encrypted; NULL: they are not */
	uint64_t size;                 /* of the whole body, before `from`/`len` */
	uint64_t from, len;            /* output: the range to send */
	struct digest_values
		digests; /* input: those asked for, plus what the client sent to check against */
	/* Output, optional: called for each piece before it is sent (decryption); the result is
	 * borrowed. */
	struct str (*filter)(struct call *c, void *state, uint64_t at, struct str piece);
	void *filter_state;
};

/* Why authorisation said no; for the API event log and `haneul iam explain`. */
struct call_decision {
	const char *action;
	struct str resource;
	const char *decision;     /* "explicitDeny", "implicitDeny" */
	const char *
		source; /* kind of policy that denied, or did not allow: "identity", "resource" … */
	struct str policy;        /* which one; "" when none denied */
	struct str sid;
	int statement;            /* index in it; -1: none */
};

struct call {
	struct arena *arena;
	struct tx *tx;             /* the open transaction */
	struct store *store;
	struct blobs *blobs;
	const struct service *service;
	const struct op *op;
	struct principal who;
	struct str
		account; /* whose resources: that of the principal unless the service says otherwise */
	struct str region;
	struct str request_id;     /* as in x-amzn-RequestId */
	struct str extended_id;    /* x-amz-id-2 (S3) */
	int64_t now_ms;            /* virtual time, taken once */
	uint8_t protocol;          /* enum protocol of this request */
	bool tls;
	bool park_keeps; /* set before parking: rows written before are kept, not rolled back */

	/* The request as it came, for services that look at it (S3). Valid for the whole call.
	 * Trailers of a chunked body stand behind the headers once the body is in
	 * (x-amz-checksum-*). */
	struct str method, path, query, host, source_ip, user_agent;
	struct str raw_path; /* as on the request line; `path` may be rewritten by the route hook */
	const struct http_header *headers;
	unsigned headers_n;

	/* Streams in: set in prepare. */
	unsigned body_digests; /* DIGEST_* wanted besides those that the request makes necessary */
	uint32_t
		body_inline_max; /* bodies up to this many bytes stay in memory (inline_data); 0: default 16 KiB;
	                            * BODY_INLINE_NONE: every byte goes to a blob (parts of uploads), an empty body has no segment */
	uint64_t body_max;         /* larger: EntityTooLarge; 0: 5 GiB */
	uint8_t body_placement;    /* enum blob_placement */
	const unsigned char *
		body_key; /* 32 bytes that outlive the call: a blob is encrypted with it; NULL: it is not */
	/* Instead of the socket, ingest these existing bytes (CopyObject, UploadPartCopy): digests
	 * are computed, the segments are handed to the handler as they are when body_share, else
	 * copied. */
	struct body *body_source;
	bool body_share;
	struct body *
		body; /* what arrived, for handlers whose input has no member for it (copies); set before the handler runs */

	/* The failure, when a handler returned CALL_FAILED. */
	const struct api_error *error;
	struct str error_message;
	struct str error_fields[8][2]; /* further members: name, value */
	uint8_t error_fields_n;
	const void *
		error_detail; /* a struct of error->shape, for members that are not text; NULL: none. Set after call_fail */
	uint16_t
		status; /* overrides op->status when not 0 (304, 206, 200 …); call_fail clears it, set after
				    * it overrides the error's (S3: 200 with an <Error>) */

	const struct call_decision
		*decision; /* of a call that authorisation refused; NULL otherwise */

	/* Further reply headers: call_header. */
	struct str reply_headers[32][2];
	uint8_t reply_headers_n;

	/* Who pays for the call and for which resource, set by the service; "": not metered. In the
	 * arena. */
	struct str billed_account, billed_resource;
	bool log_wanted;           /* S3: the bucket has an access log */

	void *user;                /* the service's own, from route/prepare to handler */
	/* What `out` still lacks and takes too long for the writer and the loops (a signature). Set
	 * by a handler of `writes` or `waits` that says CALL_OK; runs on a worker when the commit
	 * is durable, before the reply is encoded. No transaction is open any more: what `out`
	 * borrowed from it must have been copied. c->user is still there. */
	void (*complete)(struct call *c, void *out);
	struct front_call *front;  /* private to aws/front */
};

/* Always returns CALL_FAILED, so `return call_fail(...)`. fmt NULL: the error's default
 * sentence. */
int call_fail(struct call *c, const struct api_error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds a member to the error that was just set (S3's <BucketName>). */
int call_fail_field(struct call *c, const char *name, struct str value);
void call_header(struct call *c, const char *name, struct str value);
struct str call_request_header(const struct call *c, struct str name);
/* The whole gathered body as it came (operations that do not stream). */
struct str call_body(const struct call *c);
/* Raw query parameter, percent-decoded; STR_NULL when absent, "" when it has no value. */
struct str call_query_param(const struct call *c, struct str name);

/* Parks this call until tx_touch(key) is committed or the virtual deadline passes; then the handler
 * runs again from the start with call_woken(c) true (deadline: call_timed_out). Returns
 * CALL_PARKED. Any rows written before are rolled back. */
int call_park(struct call *c, struct str key, int64_t deadline_ms);
bool call_timed_out(const struct call *c);
/* The deadline that this call was parked with before; 0: never parked. c->user does not outlive
 * parking. */
int64_t call_parked_until(const struct call *c);
/* The same, but of the calls parked this way on one key a touch wakes only the one that waits
 * longest. A handler that leaves something for the others touches the key itself. */
int call_park_one(struct call *c, struct str key, int64_t deadline_ms);

/* Random bytes and ids from the environment (deterministic in tests). */
void call_random(struct call *c, void *ret, size_t n);
struct str call_id_hex(
	struct call *c, const char *prefix, size_t hex_digits); /* "i-" + 17 digits */
struct str call_uuid(struct call *c);

/* Authorisation of one more action on one more resource inside a handler (0 or CALL_FAILED with the
 * protocol's AccessDenied). The operation's own action was checked before the handler ran unless OP_FLAG_OWN_AUTH. */
int call_authorize(
	struct call *c, const char *action, struct str resource_arn, struct str resource_policy);

/* Credentials that a request carries in its body: a browser form's policy, signed with Signature
 * Version 4, or with 2 (no date), which SDKs still choose for forms by themselves. Checks them and
 * sets c->who and c->account. c->tx is open. CALL_OK or CALL_FAILED. */
struct call_signature {
	struct str text;                     /* what was signed */
	struct str access_key, date, region; /* of the scope; date STR_NULL: version 2 */
	struct str signature, token;         /* token STR_NULL: none */
};
int call_authenticate(struct call *c, const struct call_signature *s);

/* Calls another service's typed handler in the same transaction as the same principal: see <svc>.h
 * of that service. */

/* Rows: a struct described by a `row` block of an .api file, to bytes and back. Numbered fields;
 * unknown ones are kept in the trailing `struct str unknown` of the C struct. Decoded text borrows from `bytes`. */
struct buf;
void row_encode(const struct shape *s, const void *row, struct buf *out);
bool row_decode(const struct shape *s, struct str bytes, struct arena *a,
	void *ret_row); /* false: damaged */

/* Work after the commit: a row in the same transaction. `kind` was registered by the service's
 * start hook (tasks_register in aws/tasks.h); payload is opaque; it runs at or after due_ms
 * (virtual), at least once. */
void task_add(struct tx *t, const char *kind, struct str payload, int64_t due_ms);

#endif
