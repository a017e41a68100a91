/* Which service, which protocol, which operation. */
#include "aws/codec_route.h"
#include "aws/errors.h"
#include "aws/front.h"

#define CBOR_PATH "/service/"

const struct service *
service_find(struct str name)
{
	for (unsigned i = 0; i < services_n; i++)
		if (str_eq(str_c(services[i]->name), name))
			return services[i];
	return NULL;
}

const struct op *
service_op(const struct service *s, struct str name)
{
	size_t lo = 0, hi = s->ops_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = str_cmp(str_c(s->ops[mid].name), name);
		if (d == 0)
			return &s->ops[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const struct {
	const char *name, *id;
} further_names[] = { { "s3-object-lambda", "s3" } };

/* NULL: it is not one of those. */
static const char *
further_name_of(struct str name)
{
	for (size_t i = 0; i < sizeof(further_names) / sizeof(*further_names); i++)
		if (str_eq(name, str_c(further_names[i].name)))
			return further_names[i].id;
	return NULL;
}

struct str
service_signing_name(const struct service *s, struct str scope)
{
	const char *id = further_name_of(scope);
	return id && strcmp(id, s->id) == 0 ? scope : str_c(s->id);
}

bool
front_service_enabled(const struct cloud *cloud, const struct service *s)
{
	struct str rest = str_c(cloud->options.services);
	if (rest.len == 0)
		return true;
	while (rest.p)
		if (str_eq(str_trim(str_cut(&rest, ',')), str_c(s->name)))
			return true;
	return false;
}

/* Several services may sign with one name (s3 and s3control, the two load balancers): the API
 * version or the path decides between them. */
static const struct service *
service_by_id(struct str id, struct str version, struct str path)
{
	const struct service *best = NULL;
	const char *further = further_name_of(id);
	if (further)
		id = str_c(further);
	for (unsigned i = 0; i < services_n; i++) {
		const struct service *s = services[i];
		if (!str_eq(str_c(s->id), id))
			continue;
		if (version.p && str_eq(str_c(s->version), version))
			return s;
		if (s->path_prefix && str_starts(path, str_c(s->path_prefix)))
			return s;
		if (!best || best->path_prefix)
			best = s;
	}
	return best;
}

static const struct service *
service_by_target(struct str target)
{
	long dot = str_rfind(target, '.');
	if (dot < 0)
		return NULL;
	struct str prefix = str_slice(target, 0, (size_t)dot);
	for (unsigned i = 0; i < services_n; i++)
		if (services[i]->target && str_eq(str_c(services[i]->target), prefix))
			return services[i];
	return NULL;
}

/* The first label of the host: "sqs.us-east-1.amazonaws.com". S3 is not found this way: it has its
 * own host forms and is the last resort anyway. */
static const struct service *
service_by_host(struct str host, struct str path)
{
	struct str rest = host;
	struct str label = str_cut(&rest, '.');
	/* A bucket may be called "logs" or "sqs". */
	if (!rest.p || str_is(label, "s3") || str_find_str(host, STR(".s3.")) >= 0 ||
		str_find_str(host, STR(".s3-")) >= 0)
		return NULL;
	return service_by_id(label, STR_NULL, path);
}

/* The service in the credential scope, before the signature is parsed: how it is parsed depends on
 * it. */
static struct str
peek_scope_service(struct front_call *f)
{
	struct call *c = &f->call;
	struct str auth = call_request_header(c, STR("authorization")), scope = STR_NULL;
	long at = str_find_str(auth, STR("Credential="));
	if (at >= 0) {
		struct str rest = str_slice(auth, (size_t)at + 11, auth.len);
		scope = str_cut(&rest, ',');
	} else if (str_find_str(c->query, STR("X-Amz-Credential=")) >= 0) {
		scope = call_query_param(c, STR("X-Amz-Credential"));
	}
	for (int i = 0; i < 3 && scope.p; i++)
		str_cut(&scope, '/');
	return scope.p ? str_cut(&scope, '/') : STR_NULL;
}

static bool
is_form(struct str content_type)
{
	return str_starts(content_type, STR("application/x-www-form-urlencoded"));
}

static uint8_t
choose_protocol(const struct call *c, const struct service *s, struct str content_type)
{
	unsigned can = s->protocols;
	if (str_is(call_request_header(c, STR("smithy-protocol")), "rpc-v2-cbor"))
		return PROTO_CBOR;
	if (str_starts(content_type, STR("application/x-amz-json-1.0")) &&
		(can & (1 << PROTO_JSON10)))
		return PROTO_JSON10;
	if (str_starts(content_type, STR("application/x-amz-json-1.1")) &&
		(can & (1 << PROTO_JSON11)))
		return PROTO_JSON11;
	if (call_request_header(c, STR("x-amz-target")).p) {
		if (can & (1 << PROTO_JSON10))
			return PROTO_JSON10;
		if (can & (1 << PROTO_JSON11))
			return PROTO_JSON11;
	}
	if (is_form(content_type) || call_query_param(c, STR("Action")).p) {
		if (can & (1 << PROTO_QUERY))
			return PROTO_QUERY;
		if (can & (1 << PROTO_EC2))
			return PROTO_EC2;
	}
	return s->protocol;
}

static const struct service *
guess_service(struct front_call *f)
{
	struct call *c = &f->call;
	const struct service *s = NULL;
	struct str target = call_request_header(c, STR("x-amz-target"));
	if (target.p)
		s = service_by_target(target);
	if (!s && f->scope_service.len)
		s = service_by_id(f->scope_service, call_query_param(c, STR("Version")), c->path);
	if (!s && str_starts(c->path, STR(CBOR_PATH)) &&
		call_request_header(c, STR("smithy-protocol")).p) {
		struct str rest = str_slice(c->path, sizeof(CBOR_PATH) - 1, c->path.len);
		struct str name = str_cut(&rest, '/');
		for (unsigned i = 0; i < services_n && !s; i++)
			if (services[i]->target && str_eq(str_c(services[i]->target), name))
				s = services[i];
	}
	if (!s)
		s = service_by_host(c->host, c->path);
	return s;
}

static const struct service *
service_by_action(struct str action)
{
	for (unsigned i = 0; i < services_n && action.len; i++)
		if ((services[i]->protocols & (1 << PROTO_QUERY)) &&
			service_op(services[i], action))
			return services[i];
	return NULL;
}

int
front_route_service(struct front_call *f)
{
	struct call *c = &f->call;
	f->wire.content_type = call_request_header(c, STR("content-type"));
	f->scope_service = peek_scope_service(f);
	const struct service *s = guess_service(f);
	if (!s && f->scope_service.len) {
		/* Signed for a service that this program does not have. */
		c->protocol = str_starts(f->wire.content_type, STR("application/x-amz-json"))
				      ? PROTO_JSON11
			      : is_form(f->wire.content_type) ? PROTO_QUERY
							      : PROTO_REST_JSON;
		return call_fail(c, &ERR_NotImplemented,
			"The service '%.*s' is not part of this cloud.", STR_FMT(f->scope_service));
	}
	/* An unsigned form is a query call (AssumeRoleWithWebIdentity, ConfirmSubscription) unless
	 * it is a browser's upload to a bucket, which is multipart. */
	if (!s && is_form(f->wire.content_type) && str_is(c->method, "POST") &&
		str_is(c->path, "/")) {
		f->waiting_op = true;
		c->protocol = PROTO_QUERY;
		return CALL_OK;
	}
	if (!s && call_query_param(c, STR("Action")).p && call_query_param(c, STR("Version")).p)
		for (unsigned i = 0; i < services_n && !s; i++)
			if (str_eq(str_c(services[i]->version),
				    call_query_param(c, STR("Version"))))
				s = services[i];
	/* Links in mails name the action alone (ConfirmSubscription, Unsubscribe). */
	if (!s && str_is(c->path, "/") && !f->scope_service.len)
		s = service_by_action(call_query_param(c, STR("Action")));
	if (!s)
		s = service_find(STR("s3"));
	if (!s || !front_service_enabled(f->home->cloud, s))
		return call_fail(c, &ERR_NotImplemented, "This service is not enabled.");
	c->service = s;
	c->protocol = choose_protocol(c, s, f->wire.content_type);
	return CALL_OK;
}

/* Action and Version of a form that is whole now. */
static int
route_form(struct front_call *f)
{
	struct call *c = &f->call;
	struct str action = call_query_param(c, STR("Action")),
		   version = call_query_param(c, STR("Version"));
	if (!action.p)
		action = codec_form_param(c, f->wire.body, STR("Action"));
	if (!version.p)
		version = codec_form_param(c, f->wire.body, STR("Version"));
	if (f->scope_service.len) {
		const struct service *s = service_by_id(f->scope_service, version, c->path);
		if (s)
			c->service = s;
	}
	for (unsigned i = 0; i < services_n && !c->service; i++)
		if (services[i]->protocols & (1 << PROTO_QUERY | 1 << PROTO_EC2) &&
			str_eq(str_c(services[i]->version), version) &&
			service_op(services[i], action))
			c->service = services[i];
	if (!c->service)
		return call_fail(c, &ERR_InvalidAction,
			"The action %.*s is not valid for this endpoint.", STR_FMT(action));
	c->protocol = choose_protocol(c, c->service, f->wire.content_type);
	if (!action.len)
		return call_fail(c, &ERR_MissingAction, NULL);
	c->op = service_op(c->service, action);
	if (!c->op)
		return call_fail(c, &ERR_InvalidAction,
			"The action %.*s is not valid for this web service.", STR_FMT(action));
	return CALL_OK;
}

static int
route_by_name(struct front_call *f, struct str name)
{
	struct call *c = &f->call;
	c->op = service_op(c->service, name);
	return c->op ? CALL_OK : call_fail(c, &ERR_InvalidAction, NULL);
}

int
front_route_op(struct front_call *f)
{
	struct call *c = &f->call;
	if (c->service && c->service->hooks && c->service->hooks->route &&
		c->service->hooks->route(c))
		return c->op ? CALL_OK : CALL_FAILED;
	if (!c->service)
		return f->body_started ? route_form(f) : CALL_PARKED;
	switch (c->protocol) {
	case PROTO_QUERY:
	case PROTO_EC2:
		return f->body_started || call_query_param(c, STR("Action")).p ? route_form(f)
									       : CALL_PARKED;
	case PROTO_JSON10:
	case PROTO_JSON11: {
		struct str target = call_request_header(c, STR("x-amz-target"));
		long dot = str_rfind(target, '.');
		return route_by_name(f, str_slice(target, (size_t)(dot + 1), target.len));
	}
	case PROTO_CBOR: {
		long slash = str_rfind(c->path, '/');
		return route_by_name(f, str_slice(c->path, (size_t)(slash + 1), c->path.len));
	}
	default:
		c->op = codec_route_rest(c->service, c->method, c->path, c->query);
		return c->op ? CALL_OK : call_fail(c, &ERR_InvalidAction, NULL);
	}
}
