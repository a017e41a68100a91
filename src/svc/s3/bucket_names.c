#include "svc/s3/s3.h"

static bool
letter_ok(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
}

static bool
looks_like_ip(struct str name)
{
	unsigned pieces = 0;
	for (struct str rest = name; rest.p; pieces++) {
		struct str piece = str_cut(&rest, '.');
		uint64_t v;
		if (piece.len > 3 || !str_to_u64(piece, &v))
			return false;
	}
	return pieces == 4;
}

static bool
reserved(struct str name)
{
	static const char *const prefixes[] = { "xn--", "sthree-", "amzn-s3-demo-" };
	static const char *const suffixes[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3",
		"--table-s3", "-an" };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (str_starts(name, str_c(prefixes[i])))
			return true;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (str_ends(name, str_c(suffixes[i])))
			return true;
	return false;
}

bool
s3_bucket_name_valid(struct str name)
{
	if (name.len < 3 || name.len > 63 || !letter_ok(name.p[0]) ||
		!letter_ok(name.p[name.len - 1]))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char ch = name.p[i];
		if (!letter_ok(ch) && ch != '-' && ch != '.')
			return false;
		if (ch == '.' && name.p[i - 1] == '.')
			return false;
	}
	return !looks_like_ip(name) && !reserved(name);
}
