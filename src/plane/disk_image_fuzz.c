/* Tables of partitions and heads of disks, as imported files bring them. */
#include "plane/disk_image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct disk_part parts[DISK_PARTS_MAX];
	if (size)
		memcpy(copy, data, size);
	struct str head = str_of(copy, size);
	static const uint64_t sizes[] = { 0, 4096, 1ull << 31, UINT64_MAX };
	disk_format_of(head);
	disk_qcow2_alone(head);
	for (unsigned k = 0; k < 4; k++) {
		unsigned n = disk_parts(head, sizes[k], parts);
		if (!n || n > DISK_PARTS_MAX)
			abort();
		for (unsigned i = 0; i < n; i++)
			if (parts[i].offset > sizes[k] ||
				parts[i].bytes > sizes[k] - parts[i].offset)
				abort();
	}
	free(copy);
	return 0;
}
