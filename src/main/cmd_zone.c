/* haneul zone: which availability zones there are, and failing or restoring one. */
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"

#include <stdio.h>
#include <string.h>

static int
print_zones(const struct running *r, const char *region)
{
	struct buf text = { 0 };
	struct arena a;
	char path[160];
	snprintf(path, sizeof(path), "/_haneul/zones?region=%s", region);
	int code = running_request(r, "GET", path, NULL, &text);
	if (code != 200) {
		buf_done(&text);
		return failed("zone", "process %d does not tell its zones (%d)", r->pid, code);
	}
	arena_init(&a);
	const struct json *list = json_get_lit(json_parse(&a, buf_str(&text), 0, NULL), "zones");
	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct json *z = json_at(list, i);
		printf("%-16.*s %-12.*s %.*s\n", STR_FMT(json_get_text(z, STR("name"))),
			STR_FMT(json_get_text(z, STR("id"))),
			STR_FMT(json_get_text(z, STR("state"))));
	}
	arena_done(&a);
	buf_done(&text);
	return EXIT_DONE;
}

static int
change_zone(const struct running *r, const char *what, const char *zone)
{
	struct buf text = { 0 };
	char body[160];
	struct arena a;
	if (strlen(zone) > 64 || strpbrk(zone, "\"\\"))
		return usage_error("zone", "no zone is called \"%s\"", zone);
	snprintf(body, sizeof(body), "{\"zone\":\"%s\",\"fail\":%s}", zone,
		strcmp(what, "fail") == 0 ? "true" : "false");
	int code = running_request(r, "POST", "/_haneul/zones", body, &text);
	arena_init(&a);
	struct str said = json_get_text(json_parse(&a, buf_str(&text), 0, NULL), STR("message"));
	int result = code == 200 ? EXIT_DONE
				 : failed("zone", "%.*s",
					   STR_FMT(said.p ? said : STR("it does not answer")));
	if (code == 200)
		printf("%.*s\n", STR_FMT(said));
	arena_done(&a);
	buf_done(&text);
	return result;
}

int
command_zone(int argc, char **argv)
{
	struct running r;
	const char *region = take_option(&argc, argv, "--region");
	const char *data = running_data("zone", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	bool change =
		argc == 2 && (strcmp(argv[0], "fail") == 0 || strcmp(argv[0], "restore") == 0);
	if (argc && !change && !(argc == 1 && strcmp(argv[0], "list") == 0))
		return usage_error("zone", "say list, fail ZONE or restore ZONE");
	if (!running_find(data, &r)) {
		fprintf(stderr, "haneul zone: nothing is running on %s\n", data);
		return EXIT_NOT_RUNNING;
	}
	return change ? change_zone(&r, argv[0], argv[1])
		      : print_zones(&r, region ? region : "us-east-1");
}
