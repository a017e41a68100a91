#include "aws/api_log.h"
#include "aws/front.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATE_BYTES (64ll << 20)

struct api_log {
	pthread_mutex_t lock;
	int fd;
	bool all;
	int64_t size_bytes;
	struct buf line;
	char path[1100], old_path[1110];
};

static int
log_file_open(struct api_log *l)
{
	struct stat st;
	l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return -errno;
	l->size_bytes = fstat(l->fd, &st) == 0 ? st.st_size : 0;
	return 0;
}

int
api_log_open(struct api_log **ret_log, const char *data_dir, bool all)
{
	struct api_log *l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	l->all = all;
	snprintf(l->path, sizeof(l->path), "%s/logs", data_dir);
	mkdir(l->path, 0700);
	snprintf(l->path, sizeof(l->path), "%s/logs/api.jsonl", data_dir);
	snprintf(l->old_path, sizeof(l->old_path), "%s/logs/api.jsonl.1", data_dir);
	int r = log_file_open(l);
	if (r) {
		api_log_close(l);
		return r;
	}
	*ret_log = l;
	return 0;
}

void
api_log_close(struct api_log *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	buf_done(&l->line);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
add_text(struct buf *b, const char *name, struct str v)
{
	buf_add_lit(b, ",\"");
	buf_add_str(b, str_c(name));
	buf_add_lit(b, "\":");
	json_add_str(b, v.p ? v : STR(""));
}

static void
add_number(struct buf *b, const char *name, uint64_t v)
{
	buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)v);
}

static void
add_decision(struct buf *b, const struct call_decision *d)
{
	struct json_writer w = { .out = b };
	buf_add_lit(b, ",\"decision\":");
	json_write_object(&w);
	json_write_member_str(&w, "action", str_c(d->action));
	json_write_member_str(&w, "resource", d->resource);
	json_write_member_str(&w, "decision", str_c(d->decision));
	json_write_member_str(&w, "source", str_c(d->source));
	json_write_member_str(&w, "policy", d->policy);
	json_write_member_str(&w, "sid", d->sid);
	json_write_member_i64(&w, "statement", d->statement);
	json_write_object_end(&w);
}

static void
build_line(struct buf *b, const struct call *c, int status, bool failed, uint64_t duration_us,
	uint64_t in, uint64_t out)
{
	char when[TIME_TEXT_MAX];
	buf_clear(b);
	buf_add_lit(b, "{\"eventTime\":");
	json_add_str(b, time_format(c->now_ms, TIME_ISO8601_MS, when));
	add_text(b, "eventSource", c->service ? str_c(c->service->id) : STR_NULL);
	/* S3 and S3 Control share an event source. */
	add_text(b, "service", c->service ? str_c(c->service->name) : STR_NULL);
	add_text(b, "eventName", c->op ? str_c(c->op->name) : STR_NULL);
	add_text(b, "awsRegion", c->region);
	add_text(b, "sourceIPAddress", c->source_ip);
	add_text(b, "userAgent", c->user_agent);
	add_text(b, "principal", c->who.anonymous ? STR("anonymous") : c->who.arn);
	add_text(b, "accessKeyId", c->who.access_key);
	add_text(b, "recipientAccountId", c->account);
	add_text(b, "requestID", c->request_id);
	add_text(b, "method", c->method);
	add_text(b, "path", c->raw_path);
	add_number(b, "status", (uint64_t)status);
	add_number(b, "durationUs", duration_us);
	add_number(b, "bytesIn", in);
	add_number(b, "bytesOut", out);
	if (failed && c->error) {
		add_text(b, "errorCode", str_c(c->error->code));
		add_text(b, "errorMessage", c->error_message);
	}
	if (failed && c->decision)
		add_decision(b, c->decision);
	buf_add_lit(b, "}\n");
}

/* Object-level calls are CloudTrail's "data events". */
static bool
worth_logging(const struct api_log *l, const struct call *c, bool failed)
{
	if (l->all || failed)
		return true;
	if (!c->op)
		return false;
	return c->op->kind == OP_WRITES && !str_is(str_c(c->service->id), "sqs") &&
	       !str_is(str_c(c->service->id), "dynamodb");
}

void
api_log_add(struct api_log *l, const struct call *c, int status, bool failed, uint64_t duration_us,
	uint64_t bytes_in, uint64_t bytes_out)
{
	if (!worth_logging(l, c, failed))
		return;
	pthread_mutex_lock(&l->lock);
	build_line(&l->line, c, status, failed, duration_us, bytes_in, bytes_out);
	if (l->size_bytes + (int64_t)l->line.len > ROTATE_BYTES) {
		close(l->fd);
		rename(l->path, l->old_path);
		log_file_open(l);
	}
	/* A full disk must not stop the cloud: the line is lost and the log says so once it can. */
	if (l->fd >= 0 && write(l->fd, l->line.p, l->line.len) == (ssize_t)l->line.len)
		l->size_bytes += (int64_t)l->line.len;
	pthread_mutex_unlock(&l->lock);
}

void
front_log_call(struct front_call *f, uint64_t duration_us)
{
	struct call *c = &f->call;
	bool failed = f->result != CALL_OK;
	if (f->quiet)
		return;
	if (f->home->cloud->api_log)
		api_log_add(f->home->cloud->api_log, c, f->reply.status, failed, duration_us,
			f->bytes_in, f->bytes_out);
	enum log_level level = f->reply.status >= 500 ? LOG_LEVEL_WARN
			       : failed               ? LOG_LEVEL_INFO
						      : LOG_LEVEL_DEBUG;
	log_at(level, "aws.call", log_str("request", c->request_id),
		log_c("service", c->service ? c->service->name : NULL),
		log_c("operation", c->op ? c->op->name : NULL), log_str("principal", c->who.arn),
		log_int("status", f->reply.status),
		log_c("error", c->error ? c->error->code : NULL),
		log_uint("duration_us", duration_us), log_uint("bytes_in", f->bytes_in),
		log_uint("bytes_out", f->bytes_out), log_str("from", c->source_ip));
}
