/* AWS's managed policies that users attach most. The table is made by the build of managed.json:
 * names, paths and ARNs are AWS's; the documents are written from which actions each is published
 * to allow. */
#include "aws/policy.h"
#include "svc/iam/iam.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ARN_PREFIX "arn:aws:iam::aws:policy"
#define COMPILED_MAX 1024

/* Compiled when first asked for; a race makes one too many, which is dropped. */
static _Atomic(struct policy *) compiled[COMPILED_MAX];

const struct iam_managed *
iam_managed_at(uint32_t i)
{
	return i < iam_managed_table_n ? &iam_managed_table[i] : NULL;
}

const struct iam_managed *
iam_managed_find(struct str arn)
{
	uint32_t lo = 0, hi = iam_managed_table_n;
	long slash = str_rfind(arn, '/');
	if (!str_starts(arn, STR(ARN_PREFIX "/")))
		return NULL;
	struct str name = str_slice(arn, (size_t)slash + 1, arn.len);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = str_cmp(str_c(iam_managed_table[mid].name), name);
		if (order == 0) {
			struct str path = str_slice(arn, sizeof(ARN_PREFIX) - 1, (size_t)slash + 1);
			return str_eq(path, str_c(iam_managed_table[mid].path))
				       ? &iam_managed_table[mid]
				       : NULL;
		}
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct str
iam_managed_arn(struct arena *a, const struct iam_managed *m)
{
	return arena_printf(a, ARN_PREFIX "%s%s", m->path, m->name);
}

struct policy *
iam_managed_compiled(const struct iam_managed *m)
{
	assert(iam_managed_table_n <= COMPILED_MAX);
	_Atomic(struct policy *) *slot = &compiled[m - iam_managed_table];
	struct policy *p = atomic_load(slot), *none = NULL;
	if (p)
		return p;
	if (policy_parse(str_c(m->document), POLICY_IDENTITY, &p, NULL))
		abort(); /* a mistake in the table, which the tests walk */
	if (atomic_compare_exchange_strong(slot, &none, p))
		return p;
	policy_unref(p);
	return none;
}
