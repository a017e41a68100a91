#include "aws/service.h"
#include "unit.h"

/* Operations that need no permission: who asks, and what brings its own proof. Nothing else may
 * join. */
static const char *const free_ops[] = { "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
	"sts:GetCallerIdentity", "sts:GetSessionToken" };

static bool
is_free(const char *service, const char *op)
{
	char name[128];
	snprintf(name, sizeof(name), "%s:%s", service, op);
	for (size_t i = 0; i < sizeof(free_ops) / sizeof(*free_ops); i++)
		if (strcmp(free_ops[i], name) == 0)
			return true;
	return false;
}

TEST(every_operation_is_authorised)
{
	unsigned walked = 0;
	for (unsigned i = 0; i < services_n; i++)
		for (unsigned k = 0; k < services[i]->ops_n; k++) {
			const struct op *op = &services[i]->ops[k];
			bool is_open = op->flags & (OP_FLAG_ANONYMOUS | OP_FLAG_NO_PERMISSION);
			bool own = op->flags & OP_FLAG_OWN_AUTH;
			if (is_open != is_free(services[i]->name, op->name) ||
				(!is_open && !own && !op->action))
				fail_msg("%s:%s would be open to everybody", services[i]->name,
					op->name);
			walked++;
		}
	assert_true(walked > 500);
}
