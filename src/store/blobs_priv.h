/* What the files of blobs share: blobs.c (open, remove, sweep), blob_writer.c, blob_reader.c. */
#ifndef HANEUL_STORE_BLOBS_PRIV_H
#define HANEUL_STORE_BLOBS_PRIV_H

#include "store/blob_set.h"

struct blobs {
	struct zones *zones;
	struct pool *pool;
};

#endif
