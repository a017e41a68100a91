/*
 * service: the rows of the operation tables that the generator makes of the .api files, and what a
 * service may add to the common path. Read-only; any thread.
 */
#ifndef HANEUL_AWS_SERVICE_H
#define HANEUL_AWS_SERVICE_H

#include "aws/shape.h"

struct authorize_question;
struct blob_id;
struct blobs;
struct call;
struct cloud;
struct json;
struct loop;
struct store;
struct tx;

enum op_kind {
	OP_READS,
	OP_WRITES,
	OP_STREAMS_IN,  /* a body arrives first, then the handler runs as `writes`; see body */
	OP_STREAMS_OUT, /* runs as `reads`, then out's body flows */
	OP_WAITS,       /* as `writes`, may be parked: see call_park */
};

enum protocol {
	PROTO_QUERY,
	PROTO_EC2,
	PROTO_JSON10,
	PROTO_JSON11,
	PROTO_REST_JSON,
	PROTO_REST_XML,
	PROTO_CBOR,
	PROTO_N,
};

struct api_error {
	const char *code;       /* on the wire ("NoSuchKey") */
	const char *query_code; /* query wire, where it differs; NULL: code */
	const char *message;    /* default sentence; NULL: the code */
	uint16_t status;
	bool receiver;          /* the server's fault (query: <Type>Receiver) */
	const struct shape *shape; /* further members (S3: BucketName …); NULL: none */
};

#define CALL_OK 0
#define CALL_FAILED (-1)
#define CALL_PARKED (-2)

typedef int op_handler(struct call *c, const void *in, void *out);

struct op {
	const char *name;       /* "PutObject" */
	const char *action;     /* "s3:PutObject"; NULL: authorised by the handler itself */
	const char *
		resource; /* ARN template over input members: "arn:aws:s3:::{Bucket}/{Key}"; NULL: "*" */
	const char *method, *uri; /* rest protocols; uri with "?query=constant" parts */
	const struct shape *in, *out;
	const struct api_error *const *errors; /* NULL-ended */
	op_handler *handler;    /* NULL: nobody wrote it: NotImplemented */
	/* Streams-in only, may be NULL: runs in a read snapshot before the body is accepted (and
	 * before "100 Continue"): fail early, and choose digests through c->body_digests. */
	op_handler *prepare;
	uint16_t status;        /* of a success; 0: 200 */
	uint8_t kind;           /* enum op_kind */
	uint8_t flags;          /* OP_FLAG_* */
	uint32_t in_size, out_size;
	const char *result_wrapper; /* query: "<Op>Result"; NULL: none */
	const char *
		root; /* rest-xml: root element of the output when it is not the shape's name; NULL: derived */
	const char *host_prefix;
};
enum {
	OP_FLAG_ANONYMOUS =
		1, /* may be called without credentials and without a policy (GetCallerIdentity needs no permission: 2) */
	OP_FLAG_NO_PERMISSION = 2,
	OP_FLAG_UNWRAPPED = 4, /* rest-xml: output body without wrapper (s3UnwrappedXmlOutput) */
	OP_FLAG_CHECKSUM = 8,  /* httpChecksum required: Content-MD5 or x-amz-checksum-* */
	OP_FLAG_OWN_AUTH =
		16, /* the service authorises inside prepare/handler (bucket policies, ACLs) */
	/* Streams in, but the request's body is gathered first: prepare reads call_body and names
	 * what of it is to be ingested as body_source (browser forms). */
	OP_FLAG_GATHERED = 32,
};

struct service {
	const char *name;         /* folder and short name: "s3" */
	const char *id;           /* IAM prefix and signing name */
	const char *version;      /* API version */
	const char *target;       /* x-amz-target prefix ("DynamoDB_20120810"); NULL: none */
	const char *xml_namespace;
	const char *title;        /* "Amazon Simple Storage Service" */
	const char *path_prefix;  /* NULL: none */
	const struct op *ops;     /* sorted by name */
	uint16_t ops_n;
	uint8_t protocols;        /* bit set of 1 << enum protocol */
	uint8_t protocol;         /* the default one */
	bool query_compatible;    /* x-amzn-query-error header on json and cbor */
	const struct service_hooks *hooks; /* weak; may be NULL */
};

struct buf;
/* A page outside AWS's protocols. */
struct service_page {
	const char *path; /* ends with '*': whatever begins so */
	bool admin; /* for local programs, or who signs as root where keys are checked (wellknown.c) */
	/* On the loop, c->tx is a snapshot. Appends the body; type lives for ever. false: nothing
	 * there. */
	bool (*serve)(struct call *c, struct buf *ret_body, const char **ret_type);
	/* For POST, whose body (JSON, 4 KiB at most) was read: in a unit of the writer. Appends a
	 * JSON reply. CALL_FAILED: nothing was changed and the error's message is told. May be
	 * NULL, as may serve. Pages with it are admin's. */
	int (*change)(struct call *c, struct str body, struct buf *ret_body);
};

/* How a call ended. */
struct call_outcome {
	uint16_t status;
	uint64_t bytes_in, bytes_out, took_us;
};

/* What a service may add to the common path; every function may be NULL. Named <svc>_hooks. */
struct service_hooks {
	/* Once, at start, before the listener opens: make environments, register tasks and
	 * reconcilers. 0 or -errno. */
	int (*start)(struct store *s, struct blobs *b);
	void (*stop)(void);
	/* Once, when the loops are there and before they run: what listens or works on the first
	 * loop. A listening socket is handed to the API with cloud_listen_fd. */
	void (*run)(struct cloud *cloud, struct loop *first);
	/* A reset. keep: in the unit that empties the store, where all is still to be seen; what it
	 * puts stays (counters that must not start anew). discard: afterwards, on a thread of its
	 * own, removes the blobs that rows named; `before` reads the rows as they were. */
	void (*keep)(struct tx *t, struct store *s);
	void (*discard)(struct store *s, struct blobs *b, struct tx *before);
	/* Does a row of this service name that blob? Any thread. What no service names is
	 * removed. */
	bool (*names)(struct store *s, struct tx *t, struct str region, struct blob_id id);
	/* Chooses the operation where the tables cannot (S3: virtual hosts, sub-resources). Returns
	 * true when it has decided: c->op set, or call_fail called. Runs on the loop, no
	 * transaction yet. */
	bool (*route)(struct call *c);
	/* A request that belongs to this service but to no operation (websites, POST forms, CORS
	 * preflight). */
	bool (*serve)(struct call *c);
	/* A call ended; its reply is on its way. On its loop, no transaction. */
	void (*finished)(struct call *c, const struct call_outcome *o);
	/* Fills in what the operation's description cannot say of its authorisation: the resource
	 * (stored paths), further condition keys. c->tx is open; *q holds what the tables gave.
	 * CALL_FAILED refuses. */
	int (*permission)(struct call *c, const void *in, struct authorize_question *q);
	/* The call may be made; still on the loop, without a transaction. May refuse it all the
	 * same (a dry run). */
	int (*authorized)(struct call *c, const void *in);
	/* What every account has in every region from the start (a default network), made when it
	 * is first touched. place_new, in any transaction: nothing is there yet; an operation that
	 * reads then runs as a write. place_make, on the writer before the handler: undone with a
	 * handler that fails, so it makes the same each time. Both or neither. */
	bool (*place_new)(struct call *c);
	int (*place_make)(struct call *c);
	/* Bodies in JSON: a member of type document, with its place (element: of a list or map),
	 * while the input is decoded. s->name is the .api's type name. 0, or CALL_FAILED with the
	 * error set. */
	int (*document)(struct call *c, const struct shape *s, const struct json *j, bool element);
	/* Between decoding and validation: may bring names into their plain form, or refuse. */
	int (*decoded)(struct call *c, void *in);
	const struct service_page *pages; /* ended by a NULL path; may be NULL */
};

/* The list of services: made by the build from src/svc. */
extern const struct service *const services[];
extern const unsigned services_n;
const struct service *service_find(struct str name);
const struct op *service_op(const struct service *s, struct str name);
/* Under which name its requests are signed when the scope says `scope`: a few operations have
 * another than the service (WriteGetObjectResponse: "s3-object-lambda"). */
struct str service_signing_name(const struct service *s, struct str scope);

#endif
