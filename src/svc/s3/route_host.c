/* Host names of S3: "bucket.s3.region.…", "bucket.s3-website-region.…", "bucket.localhost",
 * domains. */
#include "svc/s3/route.h"

static struct str
without_port(struct str host)
{
	long colon = str_rfind(host, ':');
	if (host.len && host.p[0] == '[')
		return host;
	if (colon >= 0)
		host = str_slice(host, 0, (size_t)colon);
	return str_ends(host, STR(".")) ? str_slice(host, 0, host.len - 1) : host;
}

static bool
is_address(struct str host)
{
	if (!host.len || host.p[0] == '[')
		return true;
	for (size_t i = 0; i < host.len; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return false;
	return true;
}

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_slice(s, 0, prefix.len), prefix);
}

static bool
ends_nocase(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq_nocase(str_slice(s, s.len - suffix.len, s.len), suffix);
}

/* The label that is S3's own: "s3", "s3-region", "s3-website", "s3-website-region". */
static bool
label_kind(struct str label, enum s3_host_kind *ret_kind)
{
	if (!starts_nocase(label, STR("s3")) || (label.len > 2 && label.p[2] != '-'))
		return false;
	bool website =
		starts_nocase(label, STR("s3-website")) && (label.len == 10 || label.p[10] == '-');
	*ret_kind = website ? S3_HOST_WEBSITE : S3_HOST_VIRTUAL;
	return true;
}

/* Buckets may have dots and "s3" in their names, so the last such label counts. */
static bool
find_label(struct str host, size_t *ret_at, enum s3_host_kind *ret_kind)
{
	size_t end = host.len;
	while (end > 0) {
		long dot = str_rfind(str_slice(host, 0, end), '.');
		size_t from = (size_t)(dot + 1);
		if (end < host.len && label_kind(str_slice(host, from, end), ret_kind)) {
			*ret_at = from;
			return true;
		}
		if (dot < 0)
			return false;
		end = (size_t)dot;
	}
	return false;
}

enum s3_host_kind
s3_host_parse(struct str host, struct str *ret_bucket)
{
	enum s3_host_kind kind;
	size_t at;
	*ret_bucket = STR_NULL;
	host = without_port(host);
	if (is_address(host) || str_find(host, '.') < 0)
		return S3_HOST_PATH;
	if (find_label(host, &at, &kind)) {
		if (at > 0)
			*ret_bucket = str_slice(host, 0, at - 1);
		return at > 0 ? kind : kind == S3_HOST_WEBSITE ? S3_HOST_WEBSITE : S3_HOST_PATH;
	}
	if (ends_nocase(host, STR(".localhost"))) {
		*ret_bucket = str_slice(host, 0, host.len - 10);
		return S3_HOST_VIRTUAL;
	}
	if (str_eq_nocase(host, STR("localhost.localstack.cloud")) ||
		ends_nocase(host, STR(".amazonaws.com")))
		return S3_HOST_PATH;
	*ret_bucket = host;
	return S3_HOST_CUSTOM;
}
