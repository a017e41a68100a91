/* Records of flows: made of what the plane tells, gathered, delivered. */
#include "svc/ec2/flow_logs.h"

#include "aws/due.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/map.h"
#include "svc/ec2/interfaces.h"
#include "svc/s3/s3.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#define LINES_MAX (1u << 20) /* of one log in one interval; more is told as skipped */

/* ---- one record */

enum flow_field {
	F_VERSION,
	F_ACCOUNT,
	F_INTERFACE,
	F_SRC,
	F_DST,
	F_SRCPORT,
	F_DSTPORT,
	F_PROTOCOL,
	F_PACKETS,
	F_BYTES,
	F_START,
	F_END,
	F_ACTION,
	F_STATUS,
	F_VPC,
	F_SUBNET,
	F_INSTANCE,
	F_AZ,
	F_REGION,
	F_DIRECTION,
	F_PKT_SRC,
	F_PKT_DST,
	F_TYPE,
	F_N,
};
static const char *const names[F_N] = { "version", "account-id", "interface-id", "srcaddr",
	"dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action",
	"log-status", "vpc-id", "subnet-id", "instance-id", "az-id", "region", "flow-direction",
	"pkt-srcaddr", "pkt-dstaddr", "type" };

static int
field_named(struct str text)
{
	for (int i = 0; i < F_N; i++)
		if (text.len == strlen(names[i]) + 3 && str_starts(text, STR("${")) &&
			str_ends(text, STR("}")) &&
			str_eq(str_slice(text, 2, text.len - 1), str_c(names[i])))
			return i;
	return -1;
}

bool
ec2_flow_format_ok(struct str format, struct str *ret_field)
{
	for (struct str rest = format; rest.p;) {
		*ret_field = str_cut(&rest, ' ');
		if (field_named(*ret_field) < 0)
			return false;
	}
	return true;
}

/* Times of the world, moved to the clock of this cloud. */
static long long
seconds(int64_t real_ms)
{
	return (long long)((real_ms + clock_now_ms() - clock_real_ms()) / 1000);
}

static void
field_add(struct call *c, struct buf *b, int field, const struct plane_flow *f,
	const struct ec2_network_interface *n)
{
	struct str instance = n->Attachment ? n->Attachment->InstanceId : STR_NULL;
	switch (field) {
	case F_ACCOUNT: buf_add_str(b, c->account); break;
	case F_INTERFACE: buf_add_str(b, n->NetworkInterfaceId); break;
	case F_SRC: case F_PKT_SRC: buf_add_str(b, ec2_ip_text(c->arena, f->from_ip)); break;
	case F_DST: case F_PKT_DST: buf_add_str(b, ec2_ip_text(c->arena, f->to_ip)); break;
	case F_SRCPORT: buf_add_u64(b, f->from_port); break;
	case F_DSTPORT: buf_add_u64(b, f->to_port); break;
	case F_PROTOCOL: buf_add_u64(b, f->proto); break;
	case F_PACKETS: buf_add_u64(b, f->packets); break;
	case F_BYTES: buf_add_u64(b, f->bytes); break;
	case F_START: buf_add_i64(b, seconds(f->start_ms)); break;
	case F_END: buf_add_i64(b, seconds(f->end_ms)); break;
	case F_ACTION: buf_add_str(b, f->accepted ? STR("ACCEPT") : STR("REJECT")); break;
	case F_STATUS: buf_add_lit(b, "OK"); break;
	case F_VPC: buf_add_str(b, n->VpcId); break;
	case F_SUBNET: buf_add_str(b, n->SubnetId); break;
	case F_INSTANCE: buf_add_str(b, instance.len ? instance : STR("-")); break;
	case F_AZ: buf_add_str(b, n->AvailabilityZoneId); break;
	case F_REGION: buf_add_str(b, c->region); break;
	case F_DIRECTION: buf_add_str(b, f->inbound ? STR("ingress") : STR("egress")); break;
	case F_TYPE: buf_add_lit(b, "IPv4"); break;
	default: buf_add_lit(b, "-"); break;
	}
}

struct str
ec2_flow_record(struct call *c, struct str format, const struct plane_flow *f,
	const struct ec2_network_interface *n)
{
	struct buf b = { 0 };
	/* The default format is of version 2; fields of later versions raise the number. */
	bool later = false;
	for (struct str rest = format; rest.p;)
		later |= field_named(str_cut(&rest, ' ')) > F_STATUS;
	for (struct str rest = format; rest.p;) {
		int field = field_named(str_cut(&rest, ' '));
		if (b.len)
			buf_add_c(&b, ' ');
		if (field == F_VERSION)
			buf_add_c(&b, later ? '5' : '2');
		else
			field_add(c, &b, field, f, n);
	}
	struct str text = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return text;
}

/* ---- gathering: the loop adds, the writer takes. */

struct pending {
	char id[64];
	struct buf lines;
	uint64_t skipped;
};
static struct map pendings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *store;

static void
gather(struct str id, struct str line)
{
	pthread_mutex_lock(&lock);
	struct pending *p = map_get(&pendings, id);
	if (!p && id.len < sizeof(p->id)) {
		p = calloc(1, sizeof(*p));
		assert(p);
		memcpy(p->id, id.p, id.len);
		map_put(&pendings, str_c(p->id), p);
	}
	if (p && p->lines.len + line.len < LINES_MAX) {
		buf_add_str(&p->lines, line);
		buf_add_c(&p->lines, '\n');
	} else if (p) {
		p->skipped++;
	}
	pthread_mutex_unlock(&lock);
}

static bool
wants(const struct ec2_flow_log *l, const struct plane_flow *f,
	const struct ec2_network_interface *n)
{
	bool of = str_eq(l->ResourceId, n->VpcId) || str_eq(l->ResourceId, n->SubnetId) ||
		  str_eq(l->ResourceId, n->NetworkInterfaceId);
	return of && (str_is(l->TrafficType, "ALL") ||
			     str_is(l->TrafficType, "ACCEPT") == f->accepted);
}

static void
flow(struct plane_listener *listener, const struct plane_flow *f)
{
	struct str region, account;
	struct arena a;
	struct call c;
	struct ec2_walk w;
	(void)listener;
	if (!ec2_network_place(f->network, &region, &account))
		return;
	arena_init(&a);
	struct tx *t = tx_begin_read(store);
	ec2_inner_call(&c, t, &a, region, account);
	struct ec2_interface_row *n = ec2_get(&c, &ec2_interface_kind, f->interface);
	ec2_walk_begin(&w, &c, &ec2_flow_log_kind);
	for (struct ec2_flow_log_row *row; (row = ec2_walk_next(&w));)
		if (n && wants(row->FlowLog, f, n->NetworkInterface))
			gather(w.id, ec2_flow_record(&c, row->FlowLog->LogFormat, f,
					     n->NetworkInterface));
	tx_end(t);
	arena_done(&a);
}

static struct plane *heard;

void
ec2_flows_listen(struct plane *p, struct store *s)
{
	static struct plane_listener listener = { .flow = flow };
	store = s;
	if (heard == p)
		return;
	heard = p;
	plane_listen(p, &listener);
}

/* ---- delivery */

static struct str
gzip(struct arena *a, struct str text)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return STR_NULL;
	size_t cap = deflateBound(&z, text.len);
	char *out = arena_alloc_raw(a, cap);
	z.next_in = (unsigned char *)(uintptr_t)text.p;
	z.avail_in = (unsigned)text.len;
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)cap;
	int r = deflate(&z, Z_FINISH);
	struct str done = str_of(out, cap - z.avail_out);
	deflateEnd(&z);
	return r == Z_STREAM_END ? done : STR_NULL;
}

/* "prefix/AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/01/02/…_20260102T0300Z_hash.log.gz" */
static struct str
object_key(struct call *c, struct str prefix, struct str id)
{
	char text[TIME_TEXT_MAX], unique[9];
	struct str t = time_format(c->now_ms, TIME_ISO8601, text);
	random_chars(unique, 8, "0123456789abcdef");
	return arena_printf(c->arena,
		"%.*s%sAWSLogs/%.*s/vpcflowlogs/%.*s/%.4s/%.2s/%.2s/%.*s_vpcflowlogs_%.*s_%.*s_"
		"%.4s%.2s%.2sT%.2s%.2sZ_%s.log.gz",
		STR_FMT(prefix), prefix.len && !str_ends(prefix, STR("/")) ? "/" : "",
		STR_FMT(c->account), STR_FMT(c->region), t.p, t.p + 5, t.p + 8, STR_FMT(c->account),
		STR_FMT(c->region), STR_FMT(id), t.p, t.p + 5, t.p + 8, t.p + 11, t.p + 14, unique);
}

static struct str
header(struct arena *a, struct str format)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < format.len; i++)
		if (!strchr("${}", format.p[i]))
			buf_add_c(&b, format.p[i]);
	buf_add_c(&b, '\n');
	struct str text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text;
}

/* Takes what was gathered of the log. */
static struct str
lines_take(struct call *c, const struct ec2_flow_log *l)
{
	struct str text = STR("");
	pthread_mutex_lock(&lock);
	struct pending *p = map_take(&pendings, l->FlowLogId);
	pthread_mutex_unlock(&lock);
	if (!p)
		return text;
	if (p->skipped)
		buf_printf(
			&p->lines, "2 %.*s - - - - - - - - - - - SKIPDATA\n", STR_FMT(c->account));
	text = arena_concat(c->arena, header(c->arena, l->LogFormat), buf_str(&p->lines));
	buf_done(&p->lines);
	free(p);
	return text;
}

static void
deliver(struct call *c, struct ec2_flow_log_row *row)
{
	struct ec2_flow_log *l = row->FlowLog;
	struct s3_bucket_row to = { 0 };
	struct str lines = lines_take(c, l), packed;
	struct str prefix =
		str_slice(l->LogDestination, strlen("arn:aws:s3:::"), l->LogDestination.len);
	struct str bucket = str_cut(&prefix, '/');
	if (!lines.len || !(packed = gzip(c->arena, lines)).p)
		return;
	bool ok = s3_bucket_find(c, bucket, &to);
	if (ok)
		s3_service_put(c, &to, object_key(c, prefix, l->FlowLogId),
			STR("application/x-gzip"), packed, NULL);
	struct str status = ok ? STR("SUCCESS") : STR("FAILED");
	if (str_eq(l->DeliverLogsStatus, status))
		return;
	l->DeliverLogsStatus = status;
	l->DeliverLogsErrorMessage = ok ? STR_NULL : STR("Access error");
	ec2_put(c, &ec2_flow_log_kind, l->FlowLogId, row);
}

void
ec2_flow_log_schedule(struct call *c, const struct ec2_flow_log *l)
{
	int64_t interval_ms = l->MaxAggregationInterval.v * 1000;
	due_add(c->tx, STR("ec2.flow"),
		arena_printf(c->arena, "%.*s/%.*s/%.*s", STR_FMT(c->region), STR_FMT(c->account),
			STR_FMT(l->FlowLogId)),
		(c->now_ms / interval_ms + 1) * interval_ms, STR(""));
}

static int
due_run(struct tx *t, struct str id, int64_t due_ms, struct str payload, void *arg)
{
	struct arena a;
	struct call c;
	arena_init(&a);
	struct str rest = arena_dup(&a, id), region = str_cut(&rest, '/'),
		   account = str_cut(&rest, '/');
	(void)payload, (void)arg;
	ec2_inner_call(&c, t, &a, region, account);
	c.now_ms = due_ms;
	struct ec2_flow_log_row *row = ec2_get(&c, &ec2_flow_log_kind, rest);
	if (row) {
		deliver(&c, row);
		ec2_flow_log_schedule(&c, row->FlowLog);
	}
	arena_done(&a);
	return 0;
}

static void
start(struct store *s)
{
	(void)s;
	heard = NULL;
	due_handle("ec2.flow", due_run, NULL);
}
EC2_START(start);
