/*
 * api_log: who did what, when, from where and with which error, as JSON lines in
 * <data>/logs/api.jsonl (mode 0600, rotated once at 64 MiB to api.jsonl.1). As CloudTrail does by
 * default it takes management calls and every refusal; object-level reads and writes only when
 * asked (`all`). Any thread.
 */
#ifndef HANEUL_AWS_API_LOG_H
#define HANEUL_AWS_API_LOG_H

#include "aws/call.h"

struct api_log;

int api_log_open(struct api_log **ret_log, const char *data_dir, bool all);
void api_log_close(struct api_log *l);
void api_log_add(struct api_log *l, const struct call *c, int status, bool failed,
	uint64_t duration_us, uint64_t bytes_in, uint64_t bytes_out);

#endif
