/* Tags of templates and experiments, which stand in the rows themselves. */
#include "aws/arn.h"
#include "svc/fis/fis.h"

#define TAGS_MAX 50

struct tagged {
	struct fis_template_row *template;
	struct fis_experiment_row *experiment;
	struct map_str *tags;
};

static int
tagged_find(struct call *c, struct str text, struct tagged *ret)
{
	struct arn arn;
	*ret = (struct tagged){ 0 };
	if (!arn_parse(text, &arn) || !str_is(arn.service, "fis") ||
		!str_eq(arn.account, c->account) || !str_eq(arn.region, c->region))
		return fis_unknown(c, "Resource", text);
	struct str id = arn.resource, type = str_cut(&id, '/');
	if (str_is(type, "experiment-template") && id.p) {
		if (!(ret->template = fis_template_need(c, id)))
			return CALL_FAILED;
		ret->tags = &ret->template->Template->tags;
	} else if (str_is(type, "experiment") && id.p) {
		if (!(ret->experiment = fis_experiment_need(c, id)))
			return CALL_FAILED;
		ret->tags = &ret->experiment->Experiment->tags;
	} else {
		return fis_unknown(c, "Resource", text);
	}
	return CALL_OK;
}

static void
tagged_put(struct call *c, const struct tagged *t)
{
	if (t->template)
		fis_put(c, 'T', t->template->Template->id, &fis_template_row_shape, t->template);
	else
		fis_put(c, 'E', t->experiment->Experiment->id, &fis_experiment_row_shape,
			t->experiment);
}

int
fis_tag_resource(
	struct call *c, const struct fis_tag_resource_in *in, struct fis_tag_resource_out *out)
{
	struct tagged t;
	(void)out;
	if (tagged_find(c, in->resourceArn, &t) != CALL_OK)
		return CALL_FAILED;
	struct map_str_entry *v =
		arena_array(c->arena, struct map_str_entry, t.tags->n + in->tags.n);
	uint32_t n = t.tags->n;
	if (n)
		memcpy(v, t.tags->v, n * sizeof(*v));
	for (uint32_t i = 0; i < in->tags.n; i++) {
		uint32_t j = 0;
		if (str_starts(in->tags.v[i].key, STR("aws:")))
			return call_fail(c, &FIS_ValidationException,
				"Tag keys that begin with aws: are reserved.");
		while (j < n && !str_eq(v[j].key, in->tags.v[i].key))
			j++;
		v[j] = in->tags.v[i];
		n += j == n;
	}
	if (n > TAGS_MAX)
		return call_fail(
			c, &FIS_ValidationException, "A resource has at most %d tags.", TAGS_MAX);
	*t.tags = (struct map_str){ v, n, true };
	tagged_put(c, &t);
	return CALL_OK;
}

int
fis_untag_resource(
	struct call *c, const struct fis_untag_resource_in *in, struct fis_untag_resource_out *out)
{
	struct tagged t;
	uint32_t kept = 0;
	(void)out;
	if (tagged_find(c, in->resourceArn, &t) != CALL_OK)
		return CALL_FAILED;
	for (uint32_t i = 0; i < t.tags->n; i++) {
		bool go = !in->tagKeys.n;
		for (uint32_t j = 0; j < in->tagKeys.n; j++)
			go |= str_eq(in->tagKeys.v[j], t.tags->v[i].key);
		if (!go)
			t.tags->v[kept++] = t.tags->v[i];
	}
	t.tags->n = kept;
	tagged_put(c, &t);
	return CALL_OK;
}

int
fis_list_tags_for_resource(struct call *c, const struct fis_list_tags_for_resource_in *in,
	struct fis_list_tags_for_resource_out *out)
{
	struct tagged t;
	if (tagged_find(c, in->resourceArn, &t) != CALL_OK)
		return CALL_FAILED;
	out->tags = *t.tags;
	out->tags.set = true;
	return CALL_OK;
}
