/*
 * metadata: what an instance is told about itself at 169.254.169.254 (IMDSv1 and v2), and the names
 * that it can resolve. Both are sockets inside the routers of VPCs, on the first loop: who asks is
 * known by the network that the socket stands in and the address that the packet came from, which
 * the network's own source check vouches for.
 *
 * The pages of one instance are made anew for each request as a flat list of (path, text): a
 * directory is what several paths have in common. Nothing is cached, so everything is as the rows
 * say at that moment.
 */
#ifndef HANEUL_SVC_EC2_METADATA_H
#define HANEUL_SVC_EC2_METADATA_H

#include "svc/ec2/resource.h"

struct cloud;
struct loop;

/* An instance as its own pages show it. Lives in the call's arena. */
struct ec2_metadata {
	struct ec2_instance *instance; /* as DescribeInstances shows it, tags too */
	struct str reservation_id;
	struct str user_data;  /* bytes, not base64; STR_NULL: none */
	struct str public_key; /* one line as in authorized_keys, without its end; STR_NULL: none */
	struct str profile_arn, profile_id;
	struct str role_arn, role_name; /* of the profile; STR_NULL: none */
	struct str zone_id;
	struct str subnet_cidr;
	struct list_str vpc_cidrs;
	struct str
		spot_action; /* {"action":"terminate","time":"…"}; STR_NULL: no notice was given */
	struct str spot_time; /* when it ends, ISO; STR_NULL likewise */
};
/* By the network and the address of one of its interfaces. c->region and c->account are set to its
 * owner's. false: nobody runs there. metadata_find.c */
bool ec2_metadata_find(struct call *c, struct str vpc, uint32_t ip, struct ec2_metadata *ret);

/* ---- pages (metadata_pages.c) */
struct ec2_page {
	struct str path; /* "meta-data/instance-id", below the version */
	struct str text;
	struct str shown; /* how its directory lists it where that is not its name ("0=my-key");
			     STR_NULL */
};
struct ec2_pages {
	struct ec2_page *v;
	uint32_t n, cap;
	struct arena *arena;
};
void ec2_pages_make(struct call *c, const struct ec2_metadata *m, struct ec2_pages *ret);
/* path as asked for, without the leading slash ("latest/meta-data/"). false: 404. *ret_text: the
 * page or the listing. */
bool ec2_pages_get(const struct ec2_pages *p, struct str path, struct str *ret_text);

/* ---- tokens of IMDSv2 (metadata_token.c): an end and a mark only this cloud can make, bound to
 * the instance. */
#define EC2_TOKEN_TTL_MAX_S 21600
struct str ec2_metadata_token(struct arena *a, struct str instance, int64_t now_ms, int64_t ttl_s);
bool ec2_metadata_token_valid(
	struct str token, struct str instance, int64_t now_ms, int64_t *ret_left_s);

/* ---- networks that are up (inside.c). On the first loop. */
/* After the network was applied: its sockets are opened unless they are there. */
void ec2_inside_up(struct str region, struct str account, struct str vpc);
void ec2_inside_down(struct str vpc); /* before it is removed; fine when not up */
void ec2_inside_run(struct cloud *cloud, struct loop *first); /* once at start */
void ec2_inside_stop(void);
void ec2_inside_down_all(void); /* a reset: a socket that stays open keeps its namespace */

struct http_exchange;
/* Answers one request from inside that network, at once or when the keys of a role are made
 * (metadata_http.c). */
void ec2_metadata_serve(struct http_exchange *x, struct store *s, struct str region,
	struct str account, struct str vpc);

/* The resolver of a network (resolver.c). */
struct ec2_inside {
	char region[64], account[16], vpc[64];
	struct store *store;
};
struct dns_question;
/* The answer to a query, written to `out` (cap bytes, 512 at least). An empty text: not ours, to be
 * forwarded. */
struct str ec2_resolve(const struct ec2_inside *n, struct str query, const struct dns_question *q,
	unsigned char *out, size_t cap);

#endif
