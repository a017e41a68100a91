/* Launch templates and their versions. */
#include "svc/ec2/launch_templates.h"

#include "base/buf.h"

#define VERSIONS_MAX 10000
#define PAGE 200
#define NAME_MIN 3
#define NAME_MAX 128

static const struct ec2_filter_rule filters[] = { { "create-time", "CreateTime", NULL },
	{ "launch-template-name", "LaunchTemplateName", NULL }, { NULL, NULL, NULL } };
static const struct ec2_filter_rule version_filters[] = { { "create-time", "CreateTime", NULL },
	{ "ebs-optimized", "LaunchTemplateData.EbsOptimized", NULL },
	{ "iam-instance-profile", "LaunchTemplateData.IamInstanceProfile.Name", NULL },
	{ "image-id", "LaunchTemplateData.ImageId", NULL },
	{ "instance-type", "LaunchTemplateData.InstanceType", NULL },
	{ "is-default-version", "DefaultVersion", NULL },
	{ "kernel-id", "LaunchTemplateData.KernelId", NULL },
	{ "ram-disk-id", "LaunchTemplateData.RamDiskId", NULL }, { NULL, NULL, NULL } };

const struct ec2_kind ec2_launch_template_kind = {
	.type = "launch-template",
	.prefix = "lt-",
	.row = &ec2_launch_template_row_shape,
	.unknown = &EC2_InvalidLaunchTemplateId_NotFound,
	.unknown_text = "The specified launch template, with template ID %.*s, does not exist.",
	.malformed = &EC2_InvalidLaunchTemplateId_Malformed,
	.filters = filters,
};
EC2_KIND(ec2_launch_template_kind);

/* Versions stand under "<template> <number with leading zeros>": in order, and no id of their own.
 */
static const struct ec2_kind version_kind = {
	.type = "launch-template-version",
	.prefix = "lt version ",
	.row = &ec2_launch_template_version_row_shape,
	.unknown = &EC2_InvalidLaunchTemplateId_VersionNotFound,
	.filters = version_filters,
};

static struct str
version_id(struct call *c, struct str template, int64_t number)
{
	return arena_printf(c->arena, "%.*s %010lld", STR_FMT(template), (long long)number);
}

/* ---- finding */

static struct ec2_launch_template_row *
by_name(struct call *c, struct str name)
{
	struct ec2_walk w;
	struct ec2_launch_template_row *row;
	ec2_walk_begin(&w, c, &ec2_launch_template_kind);
	while ((row = ec2_walk_next(&w)))
		if (str_eq(row->LaunchTemplate->LaunchTemplateName, name)) {
			ec2_walk_end(&w);
			return row;
		}
	return NULL;
}

static struct ec2_launch_template_row *
template_need(struct call *c, struct str id, struct str name)
{
	if (id.len && name.len) {
		call_fail(c, &EC2_InvalidParameterCombination,
			"Either provide launch template ID or launch template name to specify a "
			"template.");
		return NULL;
	}
	if (id.len)
		return ec2_need(c, &ec2_launch_template_kind, id);
	if (!name.len) {
		call_fail(c, &EC2_MissingParameter,
			"Either a launch template ID or a launch template name must be specified "
			"in the request.");
		return NULL;
	}
	struct ec2_launch_template_row *row = by_name(c, name);
	if (!row)
		call_fail(c, &EC2_InvalidLaunchTemplateName_NotFoundException,
			"The specified launch template, with template name %.*s, does not exist.",
			STR_FMT(name));
	return row;
}

/* "$Default", "$Latest" or a number; -1 with the error set. */
static int64_t
version_number(struct call *c, const struct ec2_launch_template *t, struct str version)
{
	int64_t n;
	if (!version.len || str_is(version, "$Default"))
		return t->DefaultVersionNumber.v;
	if (str_is(version, "$Latest"))
		return t->LatestVersionNumber.v;
	if (str_to_i64(version, &n) && n > 0)
		return n;
	call_fail(c, &EC2_InvalidParameterValue, "Could not parse launch template version %.*s",
		STR_FMT(version));
	return -1;
}

static struct ec2_launch_template_version_row *
version_get(struct call *c, const struct ec2_launch_template *t, int64_t number)
{
	struct ec2_launch_template_version_row *row =
		ec2_get(c, &version_kind, version_id(c, t->LaunchTemplateId, number));
	if (!row)
		call_fail(c, &EC2_InvalidLaunchTemplateId_VersionNotFound,
			"Could not find launch template version %lld of the launch template %.*s",
			(long long)number, STR_FMT(t->LaunchTemplateId));
	return row;
}

struct ec2_launch_template_version_row *
ec2_launch_template_find(struct call *c, struct str id, struct str name, struct str version)
{
	struct ec2_launch_template_row *t = template_need(c, id, name);
	int64_t n = t ? version_number(c, t->LaunchTemplate, version) : -1;
	return n < 0 ? NULL : version_get(c, t->LaunchTemplate, n);
}

/* ---- making */

static bool
is_set(const struct shape *s, const char *at)
{
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		return ((const struct str *)(const void *)at)->p != NULL;
	case SHAPE_LIST:
	case SHAPE_MAP:
		return ((const struct list_any *)(const void *)at)->n > 0;
	case SHAPE_BOOL:
		return ((const struct opt_bool *)(const void *)at)->set;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return ((const struct opt_f64 *)(const void *)at)->set;
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		return ((const struct opt_i64 *)(const void *)at)->set;
	default:
		return *(void *const *)(const void *)at != NULL;
	}
}

static size_t
member_size(const struct shape *s)
{
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		return sizeof(struct str);
	case SHAPE_LIST:
	case SHAPE_MAP:
		return sizeof(struct list_any);
	case SHAPE_BOOL:
		return sizeof(struct opt_bool);
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return sizeof(struct opt_f64);
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		return sizeof(struct opt_i64);
	default:
		return sizeof(void *);
	}
}

void
ec2_overlay(const struct shape *s, void *base, const void *over)
{
	for (unsigned i = 0; i < s->fields_n; i++) {
		const struct field *f = &s->fields[i];
		if (is_set(f->shape, (const char *)over + f->offset))
			memcpy((char *)base + f->offset, (const char *)over + f->offset,
				member_size(f->shape));
	}
}

/* The same numbers on both sides: what was asked, as it is shown. */
static struct ec2_response_launch_template_data *
data_shown(struct call *c, const struct ec2_request_launch_template_data *data)
{
	struct buf b = { 0 };
	struct ec2_response_launch_template_data *shown =
		arena_new(c->arena, struct ec2_response_launch_template_data);
	row_encode(&ec2_request_launch_template_data_shape, data, &b);
	row_decode(&ec2_response_launch_template_data_shape, arena_dup(c->arena, buf_str(&b)),
		c->arena, shown);
	buf_done(&b);
	return shown;
}

static void
version_show(struct call *c, void *row, const struct ec2_launch_template *t)
{
	struct ec2_launch_template_version_row *r = row;
	r->LaunchTemplateVersion->DefaultVersion =
		OPT_BOOL(r->LaunchTemplateVersion->VersionNumber.v == t->DefaultVersionNumber.v);
	r->LaunchTemplateVersion->LaunchTemplateData = data_shown(c, r->Data);
}

static int
data_check(struct call *c, const struct ec2_request_launch_template_data *d)
{
	if (d->InstanceType.len && d->InstanceRequirements)
		return call_fail(c, &EC2_InvalidParameterCombination,
			"InstanceType and InstanceRequirements cannot both be specified.");
	if (d->NetworkInterfaces.n && (d->SecurityGroupIds.n || d->SecurityGroups.n))
		return call_fail(c, &EC2_InvalidParameterCombination,
			"Network interfaces and an instance-level security groups may not be "
			"specified on the same request");
	if (d->UserData.len > 21848) /* 16 KiB in base64 */
		return call_fail(
			c, &EC2_InvalidParameterValue, "User data is limited to 16384 bytes");
	return CALL_OK;
}

static struct ec2_launch_template_version_row *
version_make(struct call *c, const struct ec2_launch_template *t, int64_t number,
	struct str description, struct ec2_request_launch_template_data *data)
{
	struct ec2_launch_template_version_row *row =
		arena_new(c->arena, struct ec2_launch_template_version_row);
	struct ec2_launch_template_version *v = row->LaunchTemplateVersion =
		arena_new(c->arena, struct ec2_launch_template_version);
	row->Data = data;
	v->LaunchTemplateId = t->LaunchTemplateId;
	v->LaunchTemplateName = t->LaunchTemplateName;
	v->VersionNumber = OPT_I64(number);
	v->VersionDescription = description;
	v->CreateTime = OPT_TIME(c->now_ms);
	v->CreatedBy = c->who.arn;
	ec2_put(c, &version_kind, version_id(c, t->LaunchTemplateId, number), row);
	return row;
}

static int
name_check(struct call *c, struct str name)
{
	bool good = name.len >= NAME_MIN && name.len <= NAME_MAX;
	for (size_t i = 0; i < name.len && good; i++) {
		char ch = name.p[i];
		good = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
		       (ch >= 'A' && ch <= 'Z') || (ch != 0 && strchr("-_./()", ch) != NULL);
	}
	if (!good)
		return call_fail(c, &EC2_InvalidLaunchTemplateName_MalformedException,
			"A launch template name must be between 3 and 128 characters, and may "
			"contain letters, numbers, and the following "
			"characters: - ( ) . / _.");
	if (by_name(c, name))
		return call_fail(c, &EC2_InvalidLaunchTemplateName_AlreadyExistsException,
			"Launch template name already in use.");
	return CALL_OK;
}

int
ec2_create_launch_template(struct call *c, const struct ec2_create_launch_template_in *in,
	struct ec2_create_launch_template_out *out)
{
	struct ec2_launch_template_row *before, row = { 0 };
	struct str id;
	if (ec2_token_find(c, in->ClientToken, in, &id) != CALL_OK)
		return CALL_FAILED;
	if (id.len && (before = ec2_get(c, &ec2_launch_template_kind, id))) {
		out->LaunchTemplate = before->LaunchTemplate;
		return CALL_OK;
	}
	if (name_check(c, in->LaunchTemplateName) != CALL_OK ||
		data_check(c, in->LaunchTemplateData) != CALL_OK)
		return CALL_FAILED;
	struct ec2_launch_template *t = row.LaunchTemplate =
		arena_new(c->arena, struct ec2_launch_template);
	t->LaunchTemplateId = ec2_new_id(c, &ec2_launch_template_kind);
	t->LaunchTemplateName = in->LaunchTemplateName;
	t->CreateTime = OPT_TIME(c->now_ms);
	t->CreatedBy = c->who.arn;
	t->DefaultVersionNumber = t->LatestVersionNumber = OPT_I64(1);
	ec2_put(c, &ec2_launch_template_kind, t->LaunchTemplateId, &row);
	if (ec2_tags_create(c, &ec2_launch_template_kind, t->LaunchTemplateId,
		    &in->TagSpecifications) != CALL_OK)
		return CALL_FAILED;
	version_make(c, t, 1, in->VersionDescription, in->LaunchTemplateData);
	ec2_token_keep(c, in->ClientToken, in, t->LaunchTemplateId);
	ec2_tags_get(c, t->LaunchTemplateId, &t->Tags);
	out->LaunchTemplate = t;
	return CALL_OK;
}

int
ec2_create_launch_template_version(struct call *c,
	const struct ec2_create_launch_template_version_in *in,
	struct ec2_create_launch_template_version_out *out)
{
	struct ec2_launch_template_row *row =
		template_need(c, in->LaunchTemplateId, in->LaunchTemplateName);
	struct ec2_request_launch_template_data *data = in->LaunchTemplateData;
	struct str made;
	if (!row || ec2_token_find(c, in->ClientToken, in, &made) != CALL_OK)
		return CALL_FAILED;
	struct ec2_launch_template *t = row->LaunchTemplate;
	struct ec2_launch_template_version_row *v =
		made.len ? ec2_get(c, &version_kind, made) : NULL;
	if (!v && in->SourceVersion.len) {
		int64_t n = version_number(c, t, in->SourceVersion);
		struct ec2_launch_template_version_row *source =
			n < 0 ? NULL : version_get(c, t, n);
		if (!source)
			return CALL_FAILED;
		ec2_overlay(&ec2_request_launch_template_data_shape, source->Data, data);
		data = source->Data;
	}
	if (!v) {
		if (data_check(c, data) != CALL_OK)
			return CALL_FAILED;
		if (t->LatestVersionNumber.v >= VERSIONS_MAX)
			return call_fail(c, &EC2_VersionLimitExceeded,
				"A launch template has at most %d versions.", VERSIONS_MAX);
		t->LatestVersionNumber.v++;
		ec2_put(c, &ec2_launch_template_kind, t->LaunchTemplateId, row);
		v = version_make(c, t, t->LatestVersionNumber.v, in->VersionDescription, data);
		ec2_token_keep(c, in->ClientToken, in,
			version_id(c, t->LaunchTemplateId, t->LatestVersionNumber.v));
	}
	version_show(c, v, t);
	out->LaunchTemplateVersion = v->LaunchTemplateVersion;
	return CALL_OK;
}

int
ec2_modify_launch_template(struct call *c, const struct ec2_modify_launch_template_in *in,
	struct ec2_modify_launch_template_out *out)
{
	struct ec2_launch_template_row *row =
		template_need(c, in->LaunchTemplateId, in->LaunchTemplateName);
	if (!row)
		return CALL_FAILED;
	if (!in->DefaultVersion.len)
		return ec2_missing(c, "SetDefaultVersion");
	int64_t n = version_number(c, row->LaunchTemplate, in->DefaultVersion);
	if (n < 0 || !version_get(c, row->LaunchTemplate, n))
		return CALL_FAILED;
	row->LaunchTemplate->DefaultVersionNumber = OPT_I64(n);
	ec2_put(c, &ec2_launch_template_kind, row->LaunchTemplate->LaunchTemplateId, row);
	ec2_tags_get(c, row->LaunchTemplate->LaunchTemplateId, &row->LaunchTemplate->Tags);
	out->LaunchTemplate = row->LaunchTemplate;
	return CALL_OK;
}

/* ---- the end */

int
ec2_delete_launch_template(struct call *c, const struct ec2_delete_launch_template_in *in,
	struct ec2_delete_launch_template_out *out)
{
	struct ec2_launch_template_row *row =
		template_need(c, in->LaunchTemplateId, in->LaunchTemplateName);
	if (!row)
		return CALL_FAILED;
	struct ec2_launch_template *t = row->LaunchTemplate;
	for (int64_t n = 1; n <= t->LatestVersionNumber.v; n++)
		ec2_delete(c, &version_kind, version_id(c, t->LaunchTemplateId, n));
	ec2_delete(c, &ec2_launch_template_kind, t->LaunchTemplateId);
	out->LaunchTemplate = t;
	return CALL_OK;
}

static const char *
version_refusal(struct call *c, const struct ec2_launch_template *t, struct str version,
	int64_t *ret_n, const char **ret_code)
{
	*ret_code = "launchTemplateVersionDoesNotExist";
	if (!str_to_i64(version, ret_n) || *ret_n < 1 ||
		!ec2_get(c, &version_kind, version_id(c, t->LaunchTemplateId, *ret_n)))
		return "The version does not exist.";
	*ret_code = "unexpectedError";
	return *ret_n == t->DefaultVersionNumber.v ? "The default version cannot be deleted."
						   : NULL;
}

int
ec2_delete_launch_template_versions(struct call *c,
	const struct ec2_delete_launch_template_versions_in *in,
	struct ec2_delete_launch_template_versions_out *out)
{
	struct ec2_launch_template_row *row =
		template_need(c, in->LaunchTemplateId, in->LaunchTemplateName);
	if (!row)
		return CALL_FAILED;
	const struct ec2_launch_template *t = row->LaunchTemplate;
	if (in->Versions.n > PAGE)
		return call_fail(c, &EC2_InvalidParameterValue,
			"At most %d versions can be deleted at once.", PAGE);
	__typeof__(out->SuccessfullyDeletedLaunchTemplateVersions) *gone =
		&out->SuccessfullyDeletedLaunchTemplateVersions;
	__typeof__(out->UnsuccessfullyDeletedLaunchTemplateVersions) *kept =
		&out->UnsuccessfullyDeletedLaunchTemplateVersions;
	gone->v = arena_alloc(c->arena, sizeof(*gone->v) * in->Versions.n);
	kept->v = arena_alloc(c->arena, sizeof(*kept->v) * in->Versions.n);
	for (uint32_t i = 0; i < in->Versions.n; i++) {
		int64_t n = 0;
		const char *code, *why = version_refusal(c, t, in->Versions.v[i], &n, &code);
		if (!why) {
			ec2_delete(c, &version_kind, version_id(c, t->LaunchTemplateId, n));
			__typeof__(gone->v) g = &gone->v[gone->n++];
			g->LaunchTemplateId = t->LaunchTemplateId;
			g->LaunchTemplateName = t->LaunchTemplateName;
			g->VersionNumber = OPT_I64(n);
			continue;
		}
		__typeof__(kept->v) k = &kept->v[kept->n++];
		k->LaunchTemplateId = t->LaunchTemplateId;
		k->LaunchTemplateName = t->LaunchTemplateName;
		k->VersionNumber = OPT_I64(n);
		k->ResponseError = arena_new(c->arena, struct ec2_response_error);
		k->ResponseError->Code = str_c(code);
		k->ResponseError->Message = str_c(why);
	}
	return CALL_OK;
}

/* ---- telling */

int
ec2_describe_launch_templates(struct call *c, const struct ec2_describe_launch_templates_in *in,
	struct ec2_describe_launch_templates_out *out)
{
	struct list_str ids = in->LaunchTemplateIds;
	if (in->LaunchTemplateNames.n) {
		ids = (struct list_str){ .v = arena_array(
						 c->arena, struct str, in->LaunchTemplateNames.n),
			.set = true };
		for (uint32_t i = 0; i < in->LaunchTemplateNames.n; i++) {
			struct ec2_launch_template_row *row =
				template_need(c, STR_NULL, in->LaunchTemplateNames.v[i]);
			if (!row)
				return CALL_FAILED;
			ids.v[ids.n++] = row->LaunchTemplate->LaunchTemplateId;
		}
	}
	/* Unlike elsewhere, MaxResults may stand beside ids here. */
	struct ec2_query q = { .kind = &ec2_launch_template_kind,
		.ids = &ids,
		.filters = &in->Filters,
		.max = ids.n ? NULL : &in->MaxResults,
		.token = in->NextToken,
		.page = PAGE };
	return ec2_describe(c, &q, &out->LaunchTemplates, &out->NextToken);
}

struct versions_asked {
	const struct ec2_describe_launch_template_versions_in *in;
	struct ec2_describe_launch_template_versions_out *out;
	uint32_t limit;
	struct str after, last;
};

static bool
version_asked(struct call *c, const struct versions_asked *a, const struct ec2_launch_template *t,
	int64_t n)
{
	int64_t lo, hi;
	if (a->in->MinVersion.len && str_to_i64(a->in->MinVersion, &lo) && n < lo)
		return false;
	if (a->in->MaxVersion.len && str_to_i64(a->in->MaxVersion, &hi) && n > hi)
		return false;
	for (uint32_t i = 0; i < a->in->Versions.n; i++)
		if (version_number(c, t, a->in->Versions.v[i]) == n)
			return true;
	return !a->in->Versions.n;
}

/* false: the page is full. */
static bool
versions_of(struct call *c, struct versions_asked *a, const struct ec2_launch_template *t)
{
	struct ec2_launch_template_version_list *list = &a->out->LaunchTemplateVersions;
	/* Newest first, as AWS shows them. */
	for (int64_t n = t->LatestVersionNumber.v; n > 0; n--) {
		struct str id = arena_printf(c->arena, "%.*s %010lld", STR_FMT(t->LaunchTemplateId),
			(long long)(VERSIONS_MAX - n));
		struct ec2_launch_template_version_row *row;
		if ((a->after.p && str_cmp(id, a->after) <= 0) || !version_asked(c, a, t, n) ||
			!(row = ec2_get(c, &version_kind, version_id(c, t->LaunchTemplateId, n))))
			continue;
		version_show(c, row, t);
		if (!ec2_filters_pass(c, &version_kind, &a->in->Filters, t->LaunchTemplateId, row,
			    row->LaunchTemplateVersion))
			continue;
		if (list->n == a->limit) {
			a->out->NextToken = ec2_page_token(c, a->last);
			return false;
		}
		list->v[list->n++] = *row->LaunchTemplateVersion;
		a->last = id;
	}
	return true;
}

/* Of one template; or, with $Latest or $Default alone, of all. */
int
ec2_describe_launch_template_versions(struct call *c,
	const struct ec2_describe_launch_template_versions_in *in,
	struct ec2_describe_launch_template_versions_out *out)
{
	struct versions_asked a = { .in = in,
		.out = out,
		.limit = in->MaxResults.set ? (uint32_t)in->MaxResults.v : PAGE };
	struct ec2_launch_template_row *row;
	struct ec2_walk w;
	if (a.limit < 1 || a.limit > PAGE)
		return call_fail(c, &EC2_InvalidParameterValue,
			"MaxResults must be between 1 and %d.", PAGE);
	if (ec2_filters_check(c, &version_kind, &in->Filters) != CALL_OK ||
		ec2_page_begin(c, in->NextToken, &a.after) != CALL_OK)
		return CALL_FAILED;
	out->LaunchTemplateVersions.v =
		arena_array(c->arena, struct ec2_launch_template_version, a.limit);
	out->LaunchTemplateVersions.set = true;
	if (in->LaunchTemplateId.len || in->LaunchTemplateName.len) {
		if (!(row = template_need(c, in->LaunchTemplateId, in->LaunchTemplateName)))
			return CALL_FAILED;
		for (uint32_t i = 0; i < in->Versions.n; i++) {
			int64_t n = version_number(c, row->LaunchTemplate, in->Versions.v[i]);
			if (n < 0 || !version_get(c, row->LaunchTemplate, n))
				return CALL_FAILED;
		}
		versions_of(c, &a, row->LaunchTemplate);
		return CALL_OK;
	}
	for (uint32_t i = 0; i < in->Versions.n; i++)
		if (!str_is(in->Versions.v[i], "$Latest") && !str_is(in->Versions.v[i], "$Default"))
			return call_fail(c, &EC2_MissingParameter,
				"Either a launch template ID or a launch template name must be "
				"specified in the request.");
	if (!in->Versions.n)
		return ec2_missing(c, "LaunchTemplateVersion");
	ec2_walk_begin(&w, c, &ec2_launch_template_kind);
	while ((row = ec2_walk_next(&w)))
		if (!versions_of(c, &a, row->LaunchTemplate)) {
			ec2_walk_end(&w);
			break;
		}
	return CALL_OK;
}
