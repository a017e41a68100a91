#include "aws/api_log.h"
#include "aws/care.h"
#include "aws/clock_rows.h"
#include "aws/credentials.h"
#include "aws/due.h"
#include "aws/front.h"
#include "aws/master_key.h"
#include "aws/places.h"
#include "aws/reconcile.h"
#include "aws/tasks.h"
#include "base/clock.h"
#include "base/log.h"
#include "os/pool.h"
#include "wire/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_ACCOUNT "000000000000"
#define LOOPS_MAX 4
#define CARE_GRACE_MS 65000 /* longer than a deleted blob waits for its readers */
#define CARE_LOOK_MS 1000
#define CARE_ORPHAN_AGE_S 86400
#define MEMORY_DEFAULT (256ull << 20)
#define CONNECTIONS_DEFAULT 20000

static int
explain(char *why, size_t cap, int r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return r;
}

static int
open_store(struct cloud *c, char *why, size_t cap)
{
	char dir[1100], second[PLACE_MAX];
	int holder = 0;
	snprintf(dir, sizeof(dir), "%s/rows", c->data_dir);
	place_of_rows(second, c->data_dir, c->options.zone_dirs);
	struct store_options o = { .dir = dir,
		.second_dir = second,
		.durability = c->options.durability,
		.memtable_bytes = c->options.memtable_bytes,
		.touched = touch_deliver };
	int r = store_open(&c->store, &o, &holder);
	switch (r) {
	case 0:
		return 0;
	case -EBUSY:
		return explain(why, cap, r,
			"The data directory %s is in use by another Haneul (process %d). Stop it, or choose another with --data.",
			c->data_dir, holder);
	case -EPROTO:
		return explain(why, cap, r,
			"The data directory %s was made by a newer Haneul. Use that version, or choose another with --data.",
			c->data_dir);
	case -EBADMSG:
		return explain(why, cap, r,
			"The data directory %s is damaged: its log does not pass its checksums, and neither does the "
			"copy in %s.",
			c->data_dir, second);
	case -EXDEV:
		return explain(why, cap, r,
			"The data directory %s and the copy of its rows in %s belong to different clouds. Give the "
			"zones that go with it, or choose another with --data.",
			c->data_dir, second);
	case -EOWNERDEAD:
		return explain(why, cap, r,
			"One of %s/rows and %s is lost, and the other was still being filled from it. Put the lost "
			"one back.",
			c->data_dir, second);
	case -EEXIST:
		return explain(why, cap, r,
			"The data directory %s holds a cloud that is kept; an ephemeral one would delete it. Choose another "
			"with --data.",
			c->data_dir);
	case -ENOSPC:
	case -EFBIG:
	case -EDQUOT:
		return explain(why, cap, r,
			"The disk of the data directory %s is full: %s. Nothing was changed; free some space, or choose "
			"another with --data.",
			c->data_dir, strerror(-r));
	default:
		return explain(why, cap, r, "The data directory %s cannot be opened: %s.",
			c->data_dir, strerror(-r));
	}
}

static int
open_blobs(struct cloud *c, char *why, size_t cap)
{
	char dir[1100];
	snprintf(dir, sizeof(dir), "%s/blobs", c->data_dir);
	struct blobs_options o = { .dir = dir,
		.pool = c->pool,
		.no_sync = c->options.durability == STORE_EPHEMERAL,
		.zone_dirs = { c->options.zone_dirs[0], c->options.zone_dirs[1],
			c->options.zone_dirs[2] } };
	int r = blobs_open(&c->blobs, &o);
	return r ? explain(why, cap, r, "The directory %s cannot be opened: %s.", dir, strerror(-r))
		 : 0;
}

/* A row remembers which key the bodies were sealed with: another one, or a new one made in its
 * place, would read nothing of what is there. */
#define KEY_CHECK_ROW STR("master-key")

static int
key_check_put(struct tx *t, void *check)
{
	tx_put(t, store_rows(tx_store(t), "cloud"), KEY_CHECK_ROW, str_of(check, SEAL_KEY));
	return 0;
}

static void
key_options(struct cloud *c, struct master_key_options *ret)
{
	*ret = (struct master_key_options){ 0 };
	if (c->options.durability == STORE_EPHEMERAL)
		return;
	ret->dirs[0] = c->data_dir;
	for (unsigned i = 0; i < PLACE_ZONES; i++) {
		if (!c->places[i][0])
			place_of_zone(c->places[i], c->data_dir, c->options.zone_dirs[i], i);
		ret->dirs[1 + i] = c->places[i];
	}
}

static int
open_master_key(struct cloud *c, char *why, size_t cap)
{
	bool kept = c->options.durability != STORE_EPHEMERAL;
	unsigned char check[SEAL_KEY];
	struct master_key_options o;
	struct str row;
	key_options(c, &o);
	struct tx *t = tx_begin_read(c->store);
	bool known = tx_get(t, store_rows(c->store, "cloud"), KEY_CHECK_ROW, &row) &&
		     row.len == SEAL_KEY;
	bool damaged = tx_damaged(t);
	if (known)
		memcpy(check, row.p, SEAL_KEY);
	tx_end(t);
	if (damaged)
		return explain(why, cap, -EBADMSG, "The rows in %s are damaged beyond repair.",
			c->data_dir);
	if (known && kept)
		o.check = check;
	int r = master_key_load(&o);
	if (r == -ENOKEY)
		return explain(why, cap, r,
			"The key %s/master-key is missing, and so are its copies in the zones: without it the bodies in "
			"this data directory cannot be read. Put it back, or choose another directory with --data.",
			c->data_dir);
	if (r == -EKEYREJECTED)
		return explain(why, cap, r,
			"The key %s/master-key is not the one that this data directory was written with.",
			c->data_dir);
	if (r)
		return explain(why, cap, r, "The key %s/master-key cannot be used: %s.",
			c->data_dir, strerror(-r));
	master_key_check(check);
	r = known ? 0 : store_write(c->store, key_check_put, check);
	return r ? explain(why, cap, r, "The data directory %s cannot be written: %s.", c->data_dir,
			   strerror(-r))
		 : 0;
}

static int
open_root_key(struct cloud *c, char *why, size_t cap)
{
	if (!c->options.strict)
		return 0;
	int r = credentials_root_load(c->data_dir, STR(ROOT_ACCOUNT));
	return r ? explain(why, cap, r, "The root key %s/root-key cannot be used: %s.", c->data_dir,
			   strerror(-r))
		 : 0;
}

static int
start_services(struct cloud *c, char *why, size_t cap)
{
	for (unsigned i = 0; i < services_n; i++) {
		const struct service_hooks *h = services[i]->hooks;
		int r = h && h->start ? h->start(c->store, c->blobs) : 0;
		if (r)
			return explain(why, cap, r, "The service %s cannot start: %s.",
				services[i]->name, strerror(-r));
	}
	return 0;
}

static int
open_loops(struct cloud *c, char *why, size_t cap)
{
	struct http_limits limits;
	http_limits_default(&limits);
	limits.memory_bytes =
		(c->options.memory_bytes ? c->options.memory_bytes : MEMORY_DEFAULT) / c->loops_n;
	limits.connections_n =
		(c->options.connections_n ? c->options.connections_n : CONNECTIONS_DEFAULT) /
		c->loops_n;
	c->loops = calloc(c->loops_n, sizeof(*c->loops));
	for (unsigned i = 0; i < c->loops_n; i++) {
		struct front_loop *l = &c->loops[i];
		struct http_handler h = { front_begin, l };
		l->cloud = c;
		metrics_open(l);
		int r = loop_new(&l->loop);
		if (!r)
			r = http_server_new(&l->http, l->loop, &h, &limits);
		if (r)
			return explain(
				why, cap, r, "The event loop cannot start: %s.", strerror(-r));
	}
	return 0;
}

static void
clock_jumped(struct clock_watch *w)
{
	front_recheck_parked((struct front_loop *)((char *)w - offsetof(struct front_loop, clock)));
}

int
cloud_open(struct cloud **ret_cloud, const struct cloud_options *o, char *why, size_t why_cap)
{
	struct cloud *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->options = *o;
	snprintf(c->data_dir, sizeof(c->data_dir), "%s", o->data_dir);
	snprintf(c->region, sizeof(c->region), "%s",
		o->region && *o->region ? o->region : "us-east-1");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->resets_cond, NULL);
	c->started_ms = clock_real_ms();
	c->well_known_keys = !o->strict;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	c->loops_n = (unsigned)(o->loops_n > 0      ? o->loops_n
				: cores > LOOPS_MAX ? LOOPS_MAX
				: cores > 0         ? cores
						    : 1);
	int r = place_make(c->data_dir);
	if (r)
		explain(why, why_cap, r, "The data directory %s cannot be made: %s.", c->data_dir,
			strerror(-r));
	if (!r)
		r = open_store(c, why, why_cap);
	if (!r && (r = pool_new(&c->pool, o->workers_n > 0 ? o->workers_n : 4)))
		explain(why, why_cap, r, "Worker threads cannot start: %s.", strerror(-r));
	if (!r)
		r = open_blobs(c, why, why_cap);
	if (!r)
		r = open_master_key(c, why, why_cap);
	if (!r)
		r = open_root_key(c, why, why_cap);
	if (!r)
		r = open_loops(c, why, why_cap);
	if (!r && (r = api_log_open(&c->api_log, c->data_dir, o->api_log_all)))
		explain(why, why_cap, r, "The API event log cannot be opened: %s.", strerror(-r));
	if (!r) {
		char tls_dir[1100];
		snprintf(tls_dir, sizeof(tls_dir), "%s/tls", c->data_dir);
		c->tls = tls_context_new(tls_dir);
		r = clock_rows_load(c->store);
		if (r)
			explain(why, why_cap, r, "The row of the virtual clock is damaged.");
	}
	if (!r) {
		due_open(c->store);
		tasks_open(c->store);
		r = start_services(c, why, why_cap);
	}
	if (!r) {
		/* What happens later, happens on the first loop. */
		c->due = due_start(c->store, c->loops[0].loop);
		c->tasks = tasks_start(c->store, c->loops[0].loop);
		reconcile_start(c->tasks);
		for (unsigned i = 0; i < services_n; i++)
			if (services[i]->hooks && services[i]->hooks->run)
				services[i]->hooks->run(c, c->loops[0].loop);
		for (unsigned i = 0; i < c->loops_n; i++) {
			c->loops[i].clock.moved = clock_jumped;
			clock_watch_start(&c->loops[i].clock, c->loops[i].loop);
		}
	}
	if (r) {
		cloud_close(c);
		return r;
	}
	*ret_cloud = c;
	return 0;
}

void
cloud_close(struct cloud *c)
{
	if (!c)
		return;
	cloud_resets_wait(c);
	care_stop(c->care);
	/* Its jobs use what the services still have. */
	if (c->completers)
		pool_free(c->completers);
	for (unsigned i = 0; i < services_n && c->loops; i++)
		if (services[i]->hooks && services[i]->hooks->stop)
			services[i]->hooks->stop();
	if (c->due)
		due_stop(c->due);
	if (c->tasks)
		tasks_stop(c->tasks);
	if (c->pool)
		pool_free(c->pool);
	if (c->store)
		store_close(c->store);
	if (c->due)
		due_free(c->due);
	if (c->tasks)
		tasks_free(c->tasks);
	for (unsigned i = 0; i < c->loops_n && c->loops; i++) {
		struct front_loop *l = &c->loops[i];
		clock_watch_stop(&l->clock);
		if (l->http)
			http_server_free(l->http);
		if (l->loop)
			loop_free(l->loop);
		for (struct front_call *f = l->free, *next; f; f = next) {
			next = f->next;
			arena_done(&f->arena);
			buf_done(&f->body);
			buf_done(&f->reply.body);
			free(f);
		}
		free(l->counts);
	}
	if (c->blobs)
		blobs_close(c->blobs);
	api_log_close(c->api_log);
	if (c->tls)
		tls_context_free(c->tls);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->resets_cond);
	free(c->init_status);
	free(c->loops);
	free(c);
}

/* --- listening --- */

static bool
is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static int
listen_one(struct cloud *c, unsigned loop, struct addrinfo *ai)
{
	int on = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Every loop has a socket of its own; the first one is bound without sharing, so that a
	 * second Haneul on the same port is noticed instead of taking half of the connections. */
	if (loop > 0 || c->loops_n > 1)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 4096)) {
		int r = -errno;
		close(fd);
		return r;
	}
	int r = http_server_listen(c->loops[loop].http, fd, c->tls);
	return r;
}

/* SO_REUSEPORT lets two processes of one user share a port: ask first without it. Bound, not
 * listening: who connects early shall be refused, not accepted and reset. */
static int
port_is_free(struct addrinfo *ai)
{
	int on = 1, r = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen))
		r = -errno;
	else if (getsockname(fd, ai->ai_addr, &ai->ai_addrlen))
		r = -errno;
	close(fd);
	return r;
}

static int
listen_all(struct cloud *c, struct addrinfo *ai)
{
	int r = port_is_free(ai); /* fills in the port when it was 0 */
	for (unsigned i = 0; i < c->loops_n && !r; i++)
		r = listen_one(c, i, ai);
	return r;
}

int
cloud_listen(struct cloud *c, const char *host, int port, int *ret_port, char *why, size_t why_cap)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE },
			*found = NULL;
	char service[16];
	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) || !found)
		return explain(why, why_cap, -EINVAL, "The address %s is not known.", host);
	int r = 0;
	if (c->well_known_keys && !is_loopback(found->ai_addr))
		r = explain(why, why_cap, -EPERM,
			"%s is not a loopback address, and the well-known keys (test/test) are on: anybody could use "
			"this cloud. Start with --strict, which makes a root key of its own.",
			host);
	if (!r && (r = listen_all(c, found)))
		explain(why, why_cap, r,
			r == -EADDRINUSE ? "The port %d of %s is in use by another program."
					 : "Cannot listen on port %d of %s: %s.",
			port, host, strerror(-r));
	if (!r && ret_port)
		*ret_port = ntohs(found->ai_addr->sa_family == AF_INET6 ?
					  ((struct sockaddr_in6 *)found->ai_addr)->sin6_port :
					  ((struct sockaddr_in *)found->ai_addr)->sin_port);
	freeaddrinfo(found);
	return r;
}

int
cloud_listen_fd(struct cloud *c, int fd)
{
	return http_server_listen(c->loops[0].http, fd, c->tls);
}

void
cloud_unlisten_fd(struct cloud *c, int fd)
{
	http_server_unlisten(c->loops[0].http, fd);
}

/* --- running --- */

static void *
loop_thread(void *arg)
{
	struct front_loop *l = arg;
	int r = loop_run(l->loop);
	if (r)
		log_error("cloud.loop", log_errno("why", r));
	return NULL;
}

static bool
blob_named(struct store *s, struct tx *t, struct str region, struct blob_id id)
{
	bool any = false;
	for (unsigned i = 0; i < services_n; i++) {
		const struct service_hooks *h = services[i]->hooks;
		if (!h || !h->names)
			continue;
		any = true;
		if (h->names(s, t, region, id))
			return true;
	}
	return !any;
}

/* On the care's thread, every second or so: a directory that is gone is made again. */
static void
directories_look(void *arg, bool round)
{
	struct cloud *c = arg;
	struct master_key_options o;
	key_options(c, &o);
	store_look(c->store);
	master_key_tend(&o);
	if (round)
		store_scrub(c->store);
}

static void
start_care(struct cloud *c)
{
	struct care_options o = { .store = c->store,
		.blobs = c->blobs,
		.named = blob_named,
		.bytes_a_second = c->options.scrub_bytes_a_second,
		.period_ms = c->options.scrub_period_ms,
		.look = directories_look,
		.look_arg = c,
		.grace_ms = CARE_GRACE_MS,
		.look_ms = CARE_LOOK_MS,
		.orphan_age_s = CARE_ORPHAN_AGE_S };
	if (o.period_ms)
		c->care = care_start(&o);
}

int
cloud_start(struct cloud *c)
{
	for (unsigned i = 0; i < c->loops_n; i++) {
		struct front_loop *l = &c->loops[i];
		if (pthread_create(&l->thread, NULL, loop_thread, l))
			return -EAGAIN;
		l->started = true;
	}
	c->running = true;
	start_care(c);
	return 0;
}

static void
drained(void *arg)
{
	struct front_loop *l = arg;
	loop_stop(l->loop);
}

static void
drain(struct loop_job *job)
{
	struct front_loop *l =
		(struct front_loop *)((char *)job - offsetof(struct front_loop, stop_job));
	http_server_drain(l->http, l->grace_ms, drained, l);
}

void
cloud_stop(struct cloud *c, uint32_t grace_ms)
{
	if (!c->running)
		return;
	store_hurry(c->store);
	for (unsigned i = 0; i < c->loops_n; i++) {
		c->loops[i].grace_ms = grace_ms;
		c->loops[i].stop_job.run = drain;
		loop_post(c->loops[i].loop, &c->loops[i].stop_job);
	}
	for (unsigned i = 0; i < c->loops_n; i++)
		if (c->loops[i].started)
			pthread_join(c->loops[i].thread, NULL);
	c->running = false;
}

struct loop *
cloud_loop(struct cloud *c)
{
	return c->loops[0].loop;
}

struct store *
cloud_store(struct cloud *c)
{
	return c->store;
}

bool
cloud_root_key(
	struct cloud *c, char *ret_key_id, size_t key_cap, char *ret_secret, size_t secret_cap)
{
	struct str key, secret;
	(void)c;
	if (!credentials_root_get(&key, &secret))
		return false;
	snprintf(ret_key_id, key_cap, "%.*s", STR_FMT(key));
	snprintf(ret_secret, secret_cap, "%.*s", STR_FMT(secret));
	return true;
}

void
cloud_set_init_status(struct cloud *c, const char *json)
{
	char *copy = strdup(json);
	pthread_mutex_lock(&c->lock);
	free(c->init_status);
	c->init_status = copy;
	pthread_mutex_unlock(&c->lock);
}
