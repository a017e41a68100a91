/* haneul s3 usage: what a running cloud's S3 holds. */
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"

#include <stdio.h>
#include <string.h>

static void
print_amounts(const struct json *amounts)
{
	printf("%-14s %-32s %-20s %14s %10s %16s\n", "ACCOUNT", "BUCKET", "CLASS", "BYTES",
		"OBJECTS", "GB-HOURS");
	for (uint32_t i = 0; amounts && i < amounts->n; i++) {
		const struct json *a = json_at(amounts, i);
		int64_t bytes = 0, objects = 0;
		double hours = 0;
		if (!str_eq(json_get_text(a, STR("service")), STR("s3")))
			continue;
		json_i64(json_get_lit(a, "bytes"), &bytes);
		json_i64(json_get_lit(a, "objects"), &objects);
		json_f64(json_get_lit(a, "byte_hours"), &hours);
		printf("%-14.*s %-32.*s %-20.*s %14lld %10lld %16.6f\n",
			STR_FMT(json_get_text(a, STR("account"))),
			STR_FMT(json_get_text(a, STR("resource"))),
			STR_FMT(json_get_text(a, STR("class"))), (long long)bytes,
			(long long)objects, hours / (1 << 30));
	}
}

int
command_s3(int argc, char **argv)
{
	struct running r;
	struct buf reply = { 0 };
	struct arena a;
	bool as_json = take_flag(&argc, argv, "--json");
	const char *data = running_data("s3", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc != 1 || strcmp(argv[0], "usage") != 0)
		return usage_error("s3", argc ? "there is no \"%s\"; say usage" : "say usage",
			argc ? argv[0] : "");
	if (!running_find(data, &r)) {
		failed("s3", "nothing runs on %s", data);
		return EXIT_NOT_RUNNING;
	}
	int code = running_request(&r, "GET", "/_haneul/usage", NULL, &reply);
	if (code != 200) {
		failed("s3", "the cloud answered %d", code);
		buf_done(&reply);
		return EXIT_FAILED;
	}
	if (as_json) {
		fwrite(reply.p, 1, reply.len, stdout);
	} else {
		arena_init(&a);
		print_amounts(json_get_lit(json_parse(&a, buf_str(&reply), 0, NULL), "amounts"));
		arena_done(&a);
	}
	buf_done(&reply);
	return EXIT_DONE;
}
