/*
 * master_key: the secret from which all keys of data at rest are made: 32 random bytes in
 * <data>/master-key, readable by the owner only. Lost with it: every encrypted body. Nothing is ever
 * written under a key that is not durable first.
 */
#ifndef HANEUL_AWS_MASTER_KEY_H
#define HANEUL_AWS_MASTER_KEY_H

#include "base/seal.h"

/* At start, before services. dir NULL: one that lives as long as the process (ephemeral clouds).
 * may_make: the directory is new, so a missing key is made; else it is -ENOKEY. 0 or -errno;
 * -EBADMSG: the file is not such a key. */
int master_key_load(const char *dir, bool may_make);
/* The key for one purpose. Without a load before: made from a key of this process alone. */
void master_key_derive(struct str purpose, unsigned char ret[SEAL_KEY]);

#endif
