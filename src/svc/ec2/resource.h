/*
 * resource: what every noun of EC2 does the same way: kept as a row under its id, found, listed
 * with filters and pages, tagged, made once for a client token.
 *
 * A noun describes itself once, at file scope, and is then known to CreateTags, DescribeTags and
 * the rest by its prefix:
 *
 *   const struct ec2_kind ec2_vpc_kind = { .type = "vpc", .prefix = "vpc-", .row =
 * &ec2_vpc_row_shape, .unknown = &EC2_InvalidVpcID_NotFound, .unknown_text = "The vpc ID '%.*s'
 * does not exist", .malformed = &EC2_InvalidVpcID_Malformed, .filters = vpc_filters };
 *   EC2_KIND(ec2_vpc_kind);
 *
 * Its row's FIRST member (number 1) is the AWS structure that Describe* shows ("1 Vpc Vpc"); the
 * others are its own. Tags lie in rows of their own and are filled into the item's `Tags` or
 * `TagSet` when it is shown.
 *
 * Rows are isolated by (region, account). Everything here works in the call's open transaction and
 * takes memory from its arena. Reconcilers and due handlers make themselves a call with
 * ec2_inner_call.
 */
#ifndef HANEUL_SVC_EC2_RESOURCE_H
#define HANEUL_SVC_EC2_RESOURCE_H

#include "svc/ec2/ec2_api.h"

struct ec2_filter_rule {
	const char *name; /* "vpc-id"; NULL ends the list */
	const char *path; /* members of the item from the top, through lists too:
			     "Attachments.VpcId". NULL: match decides */
	/* row: the stored row; item: what is shown. value may hold * and ?: see ec2_glob. */
	bool (*match)(struct call *c, const void *row, const void *item, struct str value);
};

struct ec2_kind {
	const char *type;   /* as in ResourceType and ARNs: "security-group" */
	const char *prefix; /* of ids, with its hyphen: "sg-" */
	const struct shape *row;
	const struct api_error *unknown, *malformed;
	const char *unknown_text;              /* with one %.*s for the id */
	const struct ec2_filter_rule *filters; /* beside tag:…, tag-key, tag-value; may be NULL */
	/* Before the item is filtered and shown: fills what rows do not hold. May be NULL. */
	void (*show)(struct call *c, void *row, void *item);
	/* May be NULL: false hides a row from Describe*. */
	bool (*visible)(struct call *c, const void *row);
};

/* Kinds register themselves in a section of the program: no list to edit. */
#define EC2_KIND(kind)                                                                             \
	static const struct ec2_kind *const kind##_registered                                      \
		__attribute__((used, section("ec2_kinds"))) = &(kind)
const struct ec2_kind *ec2_kind_of(struct str id); /* by prefix; NULL: no such resource */

/* What runs once at start (reconcilers, due handlers), found the same way. */
typedef void ec2_start(struct store *s);
#define EC2_START(fn)                                                                              \
	static ec2_start *const fn##_registered __attribute__((used, section("ec2_starts"))) = (fn)

/* The other end: before the store closes. */
typedef void ec2_stop(void);
#define EC2_STOP(fn)                                                                               \
	static ec2_stop *const fn##_registered __attribute__((used, section("ec2_stops"))) = (fn)

/* A call for work that no client asked for: as the root of `account`, time from the clock. */
void ec2_inner_call(
	struct call *ret, struct tx *t, struct arena *a, struct str region, struct str account);

/* ---- rows. `row` is a pointer to the kind's row struct. */
struct str ec2_new_id(struct call *c, const struct ec2_kind *k); /* "vpc-" and 17 hex digits */
void ec2_put(struct call *c, const struct ec2_kind *k, struct str id, const void *row);
void *ec2_get(struct call *c, const struct ec2_kind *k,
	struct str id); /* NULL: there is none; no error set */
/* The same, but its text is the arena's: it outlives the transaction. */
void *ec2_get_kept(struct call *c, const struct ec2_kind *k, struct str id);
/* As ec2_get, or NULL with the kind's Malformed, NotFound or, for an absent id, MissingParameter
 * set.
 */
void *ec2_need(struct call *c, const struct ec2_kind *k, struct str id);
void ec2_delete(struct call *c, const struct ec2_kind *k, struct str id); /* its tags too */
void *ec2_item(const struct ec2_kind *k, const void *row); /* the AWS structure in it */
struct str ec2_arn(struct call *c, const struct ec2_kind *k, struct str id);

/* A name that is unique among the kind's rows of this region and account. */
void ec2_name_put(struct call *c, const struct ec2_kind *k, struct str name, struct str id);
void ec2_name_delete(struct call *c, const struct ec2_kind *k, struct str name);
struct str ec2_name_get(struct call *c, const struct ec2_kind *k,
	struct str name); /* the id; STR_NULL: there is none */

/* All rows of a kind in this region and account, in the order of their ids. Hidden ones too. */
struct ec2_walk {
	struct call *c;
	const struct ec2_kind *kind;
	struct scan scan;
	size_t skip;
	struct str id; /* of what ec2_walk_next returned */
};
void ec2_walk_begin(struct ec2_walk *w, struct call *c, const struct ec2_kind *k);
void *ec2_walk_next(
	struct ec2_walk *w); /* the row, or NULL at the end (then nothing is to be ended) */
void ec2_walk_end(struct ec2_walk *w); /* when left early */
/* Every (region, account) that has rows of a kind, each once; for adoption at start. */
void ec2_each_place(struct tx *t, struct arena *a, const struct ec2_kind *k,
	void (*each)(void *arg, struct str region, struct str account), void *arg);

/* ---- Describe*. ret_list: the output's list of items; ret_token may be NULL (then all are shown).
 */
struct ec2_query {
	const struct ec2_kind *kind;
	const struct list_str *ids; /* may be NULL */
	const struct ec2_filter_list *filters;
	const struct opt_i64 *max; /* MaxResults; may be NULL */
	struct str token;          /* NextToken */
	uint32_t page;             /* when MaxResults is absent; 0: everything in one reply */
};
int ec2_describe(struct call *c, const struct ec2_query *q, void *ret_list, struct str *ret_token);
/* The same over rows that the caller gathered, in any order; ids in the query are the caller's. */
struct ec2_candidate {
	struct str id;
	void *row;
};
struct ec2_candidates {
	struct ec2_candidate *v;
	uint32_t n;
};
void ec2_candidate_add(struct call *c, struct ec2_candidates *l, struct str id, void *row);
int ec2_describe_rows(struct call *c, const struct ec2_query *q, struct ec2_candidates *l,
	void *ret_list, struct str *ret_token);
/* For nouns with a walk of their own: checks names of filters, tells whether one row passes, pages.
 */
int ec2_filters_check(
	struct call *c, const struct ec2_kind *k, const struct ec2_filter_list *filters);
bool ec2_filters_pass(struct call *c, const struct ec2_kind *k,
	const struct ec2_filter_list *filters, struct str id, const void *row, const void *item);
bool ec2_glob(struct str pattern, struct str text); /* * and ?, \ before one takes it as it is */
int ec2_page_begin(struct call *c, struct str token,
	struct str *ret_after); /* the last id shown; STR_NULL: from the start */
struct str ec2_page_token(struct call *c, struct str last_id);

/* ---- what an account shares with others in its region, by id. */
void ec2_share(struct call *c, const struct ec2_kind *k, struct str id, bool shared);
bool ec2_shared_owner(
	struct call *c, const struct ec2_kind *k, struct str id, struct str *ret_account);
/* A call in the place of the other account, for its rows. */
struct call ec2_as(const struct call *c, struct str account);
void ec2_shared_each(struct call *c, const struct ec2_kind *k,
	void (*each)(struct call *owner, struct str id, void *arg), void *arg);
/* Whose a resource is, by its id alone; for what the plane knows by that id. */
void ec2_owner_put(struct call *c, struct str id);
void ec2_owner_delete(struct call *c, struct str id);
bool ec2_owner_of(struct tx *t, struct arena *a, struct str id, struct str *ret_region,
	struct str *ret_account);

/* ---- tags. */
void ec2_tags_get(struct call *c, struct str id, struct ec2_tag_list *ret);
int ec2_tags_add(
	struct call *c, struct str id, const struct ec2_tag_list *tags); /* checks AWS's limits */
/* Tags "aws:…" that the cloud itself puts on a new resource, which nobody else may; texts are
 * copied. */
void ec2_tags_of_cloud(struct call *c, struct str id, const struct ec2_tag *tags, uint32_t n);
void ec2_tags_remove_all(struct call *c, struct str id);
/* Of a call's TagSpecifications those for `type`. CALL_FAILED when one names a type other than
 * those allowed (NULL-ended; usually just one). */
int ec2_tags_asked(struct call *c, const struct ec2_tag_specification_list *specs,
	const char *const *allowed, const char *type, struct ec2_tag_list *ret);
/* The usual case: the one type of the kind; also stores them under id. */
int ec2_tags_create(struct call *c, const struct ec2_kind *k, struct str id,
	const struct ec2_tag_specification_list *specs);

/* ---- client tokens, kept for a day. CALL_OK with *ret_id the resource that the token made before,
 * or STR_NULL when it is new (then ec2_token_keep after making it). CALL_FAILED: the same token
 * with other parameters. */
int ec2_token_find(struct call *c, struct str token, const void *in, struct str *ret_id);
void ec2_token_keep(struct call *c, struct str token, const void *in, struct str id);

/* ---- permissions inside a call: the operation's action on one more resource, with the resource's
 * tags as condition keys. In any transaction. */
int ec2_authorize(struct call *c, const void *in, const char *type, struct str id_or_name);

extern const struct service_page ec2_pages[]; /* zone_pages.c */

/* ---- small things. */
/* The data plane with the ability asked for ('m' machines, 'v' volumes), or CALL_FAILED with
 * Unsupported and a sentence that says what is missing and how to get it. */
int ec2_plane_need(struct call *c, char ability);
int ec2_missing(struct call *c, const char *parameter); /* MissingParameter, CALL_FAILED */
int ec2_bad_value(struct call *c, const char *parameter, struct str value,
	const char *why); /* InvalidParameterValue */

#endif
