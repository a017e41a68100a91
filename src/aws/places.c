#include "aws/places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS_ZONE 2

void
place_of_zone(char ret[PLACE_MAX], const char *data_dir, const char *zone_dir, unsigned zone)
{
	bool own = zone_dir && *zone_dir;
	snprintf(ret, PLACE_MAX, "%s%s/_cloud/zone-%c", own ? zone_dir : data_dir,
		own ? "" : "/blobs", "abc"[zone]);
}

void
place_of_rows(char ret[PLACE_MAX], const char *data_dir, const char *const zone_dirs[PLACE_ZONES])
{
	place_of_zone(ret, data_dir, zone_dirs[ROWS_ZONE], ROWS_ZONE);
	size_t n = strlen(ret);
	snprintf(ret + n, PLACE_MAX - n, "/rows");
}

int
place_make(const char *path)
{
	char tmp[PLACE_MAX];
	if (snprintf(tmp, sizeof(tmp), "%s", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	for (char *p = tmp + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			if (mkdir(tmp, 0755) && errno != EEXIST)
				return -errno;
			*p = '/';
		}
	return mkdir(tmp, 0700) && errno != EEXIST ? -errno : 0;
}
