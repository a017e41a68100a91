/*
 * master_key: the secret from which all keys of data at rest are made: 32 random bytes in the file
 * `master-key` of several directories (places.h), readable by the owner only. Lost with all of
 * them: every encrypted body. Nothing is ever written under a key that is not durable first.
 */
#ifndef HANEUL_AWS_MASTER_KEY_H
#define HANEUL_AWS_MASTER_KEY_H

#include "base/seal.h"

#include <stdbool.h>

#define MASTER_KEY_DIRS 4

struct master_key_options {
	const char *dirs[MASTER_KEY_DIRS]; /* the first is the data directory; NULL: none */
	/* What master_key_check gave when the cloud was made; NULL: it is new, and a missing key is
	 * made. */
	const unsigned char *check;
};
/* At start, before services. The copy that fits `check` counts, and replaces those that are missing
 * or do not fit. No directory at all: a key that lives as long as the process (ephemeral clouds). 0
 * or -errno; -ENOKEY: there is none; -EKEYREJECTED: none fits; -EBADMSG: what is there is no
 * key. */
int master_key_load(const struct master_key_options *o);
/* Writes the loaded key where it is missing or differs; a directory that is not there is made.
 * Blocks; not on a loop. */
void master_key_tend(const struct master_key_options *o);
/* Tells this key from another, and nothing else about it. */
void master_key_check(unsigned char ret[SEAL_KEY]);
/* The key for one purpose. Without a load before: made from a key of this process alone. */
void master_key_derive(struct str purpose, unsigned char ret[SEAL_KEY]);

#endif
