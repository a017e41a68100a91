#include "aws/service_setting.h"

#include <assert.h>
#include <string.h>

static struct {
	const char *name, *value;
} values[32];
static unsigned values_n;

void
service_setting_set(const char *name, const char *value)
{
	unsigned i = 0;
	while (i < values_n && strcmp(values[i].name, name) != 0)
		i++;
	assert(i < sizeof(values) / sizeof(*values));
	values[i].name = name;
	values[i].value = value;
	if (i == values_n)
		values_n++;
}

const char *
service_setting(const char *name)
{
	for (unsigned i = 0; i < values_n; i++)
		if (strcmp(values[i].name, name) == 0)
			return values[i].value;
	return "";
}
