/*
 * key_pool: RSA keys made ahead. One takes a twentieth of a second and more, too long for the
 * thread that writes rows. A worker, started when the first key is asked for, keeps a few ready in
 * memory; they are never written anywhere. Any thread.
 */
#ifndef HANEUL_SVC_EC2_KEY_POOL_H
#define HANEUL_SVC_EC2_KEY_POOL_H

#include "store/store.h"

#include <openssl/evp.h>

#define KEY_POOL_TOUCHED "ec2.key-pool" /* touched when there is one again */

/* The caller's own, or NULL: none is ready, the worker is on it. */
EVP_PKEY *key_pool_take(struct store *s);
void key_pool_wait(struct store *s); /* until one is ready; tests */

#endif
