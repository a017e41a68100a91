/*
 * places: where a cloud keeps what must survive the loss of any one directory. Beside the data
 * directory each zone has a directory <zone's dir>/_cloud/zone-x (its bodies lie in <zone's
 * dir>/<region>/zone-x): all of them hold the master key, that of zone c holds the rows once more.
 * So a data directory and three zones on disks of their own lose nothing with any one of them.
 */
#ifndef HANEUL_AWS_PLACES_H
#define HANEUL_AWS_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_MAX 1200
#define PLACE_ZONES 3

/* zone_dir: what the zone was given, NULL or "": the data directory's `blobs`. */
void place_of_zone(char ret[PLACE_MAX], const char *data_dir, const char *zone_dir, unsigned zone);
/* The second directory of the rows. */
void place_of_rows(
	char ret[PLACE_MAX], const char *data_dir, const char *const zone_dirs[PLACE_ZONES]);
/* With its parents. 0 or -errno. */
int place_make(const char *path);

#endif
