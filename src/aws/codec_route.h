/*
 * codec_route: which operation a request names, in each protocol. The front chooses the service;
 * this chooses the operation. Paths and queries are raw (not decoded, not normalised).
 */
#ifndef HANEUL_AWS_CODEC_ROUTE_H
#define HANEUL_AWS_CODEC_ROUTE_H

#include "aws/call.h"

/* The most specific operation of a rest service for method, path and query; NULL when none fits.
 * Literal segments win over labels, labels over {greedy+}; then constant query parts; then query
 * parameters that the operation requires. The table of a service is made on first use and kept
 * for the life of the process, so `s` must be static data. Any thread. */
const struct op *codec_route_rest(
	const struct service *s, struct str method, struct str path, struct str query);

/* "Prefix.Operation" of x-amz-target; NULL when the prefix or the operation is not of `s`. */
const struct op *codec_route_target(const struct service *s, struct str target);
/* "/service/<target>/operation/<Op>" of rpc-v2-cbor; a prefix before /service/ is fine. ret_service
 * may be NULL. */
const struct op *codec_route_cbor(
	const struct service *s, struct str path, struct str *ret_service);
/* The first value of a form parameter (or of a query), decoded; STR_NULL when absent. */
struct str codec_form_param(struct call *c, struct str form, struct str name);

/* The labels of a uri template in a path. Values are raw parts of `path`. */
struct route_label {
	struct str name, value;
	bool greedy;
};
/* Number of labels, or -1 when the path does not fit. `cap` labels are kept. */
int route_match(const char *uri, struct str path, struct route_label *ret_labels, unsigned cap);

/* For tables that are not static: the same as codec_route_rest, made and freed by the caller. */
struct route_table;
struct route_table *route_table_new(const struct service *s);
void route_table_free(struct route_table *t);
const struct op *route_table_find(
	const struct route_table *t, struct str method, struct str path, struct str query);

#endif
