/*
 * cloud: one running Haneul: its stores, loops and listeners, assembled from options. The command
 * line makes one; tests make several. Functions are called on the main thread unless said.
 */
#ifndef HANEUL_AWS_CLOUD_H
#define HANEUL_AWS_CLOUD_H

#include "base/str.h"
#include "store/store.h"

struct cloud;

struct cloud_options {
	const char *data_dir;
	const char *version;      /* "0.1.0", for health and info */
	const char *services;     /* comma-separated names that answer; NULL or "": all */
	const char *region;       /* default region of unsigned requests: "us-east-1" */
	const char *
		public_host; /* host in returned URLs where the request names none; NULL: the Host header */
	const char *
		cors_origins; /* comma-separated; "*" any; NULL: local origins only (any in strict mode) */
	enum store_durability durability;
	bool strict; /* no well-known keys; a root key is generated and kept in the data directory */
	bool api_log_all;         /* the API event log also takes reads and object-level calls */
	int loops_n;              /* 0: one for each processor, 4 at most */
	int workers_n;            /* 0: 4 */
	uint64_t memory_bytes;    /* cap of connection buffers; 0: 256 MiB */
	uint64_t memtable_bytes;  /* 0: the store's default */
	uint32_t connections_n;   /* 0: 20,000 */
	const char
		*zone_dirs[3]; /* of bodies, three disks say; NULL or "": in the data directory */
	uint64_t scrub_bytes_a_second; /* pace of the scrubber; 0: as fast as it goes */
	uint32_t scrub_period_ms; /* 0: no care */
};

/* 0, or -errno with the cause as a sentence in why (names the holder of a busy directory, …). */
int cloud_open(struct cloud **ret_cloud, const struct cloud_options *o, char *why, size_t why_cap);
/* host: an address or name; refused with a sentence when it is not loopback and well-known keys are
 * on. Port 0: any; *ret_port tells. */
int cloud_listen(
	struct cloud *c, const char *host, int port, int *ret_port, char *why, size_t why_cap);
/* Takes a listening socket (of another network namespace, say) for the API, on the first loop,
 * whose thread calls this. Who comes that way is never taken for a local program: well-known keys
 * are refused. 0 or -errno. */
int cloud_listen_fd(struct cloud *c, int fd);
void cloud_unlisten_fd(struct cloud *c, int fd);
/* Starts the loops' threads. */
int cloud_start(struct cloud *c);
/* Lets running calls finish for up to grace_ms, then ends the loops. */
void cloud_stop(struct cloud *c, uint32_t grace_ms);
void cloud_close(struct cloud *c); /* after cloud_stop; NULL is fine */

/* What /_localstack/init answers: JSON text, copied. Any thread. */
void cloud_set_init_status(struct cloud *c, const char *json);
struct store *cloud_store(struct cloud *c);
struct loop *cloud_loop(
	struct cloud *c); /* the first one: due times, tasks, reconcilers, the plane */
bool cloud_root_key(
	struct cloud *c, char *ret_key_id, size_t key_cap, char *ret_secret, size_t secret_cap);
/* Empties the cloud while it runs: rows in one unit, then the blobs that they named. The clock,
 * keys and certificates stay. Blocks; on any thread but a loop's or the store's. 0 or -errno
 * (nothing was changed). */
int cloud_reset(struct cloud *c);

#endif
