#include "guest/yaml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Either nodes, or a line that is wrong; or nothing was there. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned line;
	struct yaml *y = yaml_parse((const char *)data, size, &line);
	if (y && line)
		abort();
	yaml_free(y);
	return 0;
}
