/* What is live: ops and where. */
#include "aws/call.h"
#include "aws/where.h"
#include "base/json.h"
#include "main/command.h"

#include <stdio.h>

static void
ops_of(const struct service *s, bool list)
{
	unsigned live = 0;
	for (unsigned i = 0; i < s->ops_n; i++)
		live += s->ops[i].handler != NULL;
	printf("%s%-18s%s %3u live, %3u missing   %s\n", colour("\033[1m"), s->name,
		colour("\033[0m"), live, s->ops_n - live, s->title);
	for (unsigned i = 0; list && i < s->ops_n; i++)
		printf("  %s%-8s%s %s\n", colour(s->ops[i].handler ? "\033[32m" : "\033[2m"),
			s->ops[i].handler ? "live" : "missing", colour("\033[0m"), s->ops[i].name);
}

static void
ops_json(const struct service *only)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	for (unsigned k = 0; k < services_n; k++) {
		const struct service *s = services[k];
		if (only && s != only)
			continue;
		json_write_key(&w, str_c(s->name));
		json_write_object(&w);
		for (unsigned i = 0; i < s->ops_n; i++) {
			json_write_key(&w, str_c(s->ops[i].name));
			json_write_bool(&w, s->ops[i].handler != NULL);
		}
		json_write_object_end(&w);
	}
	json_write_object_end(&w);
	printf("%s\n", b.p);
	buf_done(&b);
}

int
command_ops(int argc, char **argv)
{
	bool as_json = take_flag(&argc, argv, "--json");
	const struct service *only = argc ? service_find(str_c(argv[0])) : NULL;
	if (argc > 1 || (argc && argv[0][0] == '-'))
		return usage_error("ops", "unknown option \"%s\"", argv[argc - 1]);
	if (argc && !only)
		return usage_error("ops", "there is no service \"%s\"", argv[0]);
	if (as_json)
		ops_json(only);
	else if (only)
		ops_of(only, true);
	else
		for (unsigned i = 0; i < services_n; i++)
			ops_of(services[i], false);
	return EXIT_DONE;
}

static const char *
find_place(const char *service, struct str op)
{
	for (unsigned i = 0; i < wheres_n; i++)
		if (strcmp(wheres[i].service, service) == 0 && str_eq(str_c(wheres[i].op), op))
			return wheres[i].at;
	return NULL;
}

int
command_where(int argc, char **argv)
{
	if (argc != 1)
		return usage_error("where", "say which: haneul where s3:PutObject");
	if (argv[0][0] == '-')
		return usage_error("where", "unknown option \"%s\"", argv[0]);
	struct str op = str_c(argv[0]), service = str_cut(&op, ':');
	const struct service *s = service_find(service);
	if (!s || !op.p || !service_op(s, op))
		return usage_error("where", "there is no operation \"%s\"", argv[0]);
	const char *place = find_place(s->name, op);
	if (!place)
		return failed("where", "%s is not implemented yet", argv[0]);
	printf("%s\n", place);
	return EXIT_DONE;
}
