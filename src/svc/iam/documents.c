/* All that is attached to a principal, as text: what authorisation compiles and simulations show.
 */
#include "svc/iam/iam.h"

static struct iam_document *
add(struct arena *a, struct iam_documents *d)
{
	if (d->n == d->cap) {
		uint32_t cap = d->cap ? d->cap * 2 : 16;
		struct iam_document *v = arena_array(a, struct iam_document, cap);
		if (d->n)
			memcpy(v, d->v, sizeof(*v) * d->n);
		d->v = v;
		d->cap = cap;
	}
	return &d->v[d->n++];
}

static void
add_attached(
	struct tx *t, struct arena *a, struct str account, struct str arn, struct iam_documents *d)
{
	struct iam_entity_row policy;
	const struct iam_managed *m = iam_managed_find(arn);
	struct iam_document doc = { .name = arn,
		.type = m ? "aws-managed" : "user-managed",
		.managed = m,
		.managed_form = true };
	if (m) {
		doc.text = str_c(m->document);
		doc.id = str_c(m->name);
	} else if (iam_policy_get(t, a, account, arn, &policy)) {
		doc.text = iam_policy_default(&policy);
		doc.id = policy.Name;
	}
	if (doc.text.p)
		*add(a, d) = doc;
	else
		d->broken = true;
}

static void
add_entity(struct tx *t, struct arena *a, struct str account, const struct iam_entity_row *e,
	const char *type, struct iam_documents *d)
{
	for (uint32_t i = 0; i < e->Inline.n; i++) {
		const struct iam_inline_policy *p = &e->Inline.v[i];
		*add(a, d) = (struct iam_document){ .text = p->Document,
			.type = type,
			.name = arena_printf(
				a, "%s/%.*s:%.*s", type, STR_FMT(e->Name), STR_FMT(p->Name)),
			.id = arena_printf(
				a, "%s_%.*s_%.*s", type, STR_FMT(e->Name), STR_FMT(p->Name)) };
	}
	for (uint32_t i = 0; i < e->Attached.n; i++)
		add_attached(t, a, account, e->Attached.v[i], d);
}

static void
add_boundary(struct tx *t, struct arena *a, struct str account, const struct iam_entity_row *e,
	struct iam_documents *d)
{
	struct iam_entity_row policy;
	if (!e->Boundary.len)
		return;
	d->boundary_arn = e->Boundary;
	d->boundary = iam_policy_get(t, a, account, e->Boundary, &policy)
			      ? iam_policy_default(&policy)
			      : STR("");
	if (!d->boundary.len)
		d->broken = true;
}

bool
iam_documents_get(struct tx *t, struct arena *a, struct str account, enum iam_kind kind,
	struct str name, struct iam_documents *ret)
{
	struct iam_entity_row e, group;
	*ret = (struct iam_documents){ .boundary_arn = STR(""), .boundary = STR("") };
	if (!iam_get(t, a, kind, account, name, &e))
		return false;
	add_entity(t, a, account, &e,
		kind == IAM_USER   ? "user"
		: kind == IAM_ROLE ? "role"
				   : "group",
		ret);
	for (uint32_t i = 0; i < e.Groups.n; i++)
		if (iam_get(t, a, IAM_GROUP, account, e.Groups.v[i], &group))
			add_entity(t, a, account, &group, "group", ret);
	add_boundary(t, a, account, &e, ret);
	return true;
}
