/* haneul iam explain: why a past request was refused, from the API event log. */
#include "base/arena.h"
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
source_words(struct str source)
{
	static const char *const words[][2] = { { "identity", "identity-based policy" },
		{ "resource", "resource-based policy" }, { "boundary", "permissions boundary" },
		{ "session", "session policy" }, { "scp", "service control policy" },
		{ "acl", "ACL" } };
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_eq(source, str_c(words[i][0])))
			return words[i][1];
	return "policy";
}

static void
print_line(const char *name, struct str value)
{
	if (value.len)
		printf("%-10s%.*s\n", name, STR_FMT(value));
}

static void
print_decision(const struct json *line)
{
	const struct json *d = json_get_lit(line, "decision");
	struct str action = json_get_text(d, STR("action")),
		   policy = json_get_text(d, STR("policy"));
	struct str sid = json_get_text(d, STR("sid"));
	const char *source = source_words(json_get_text(d, STR("source")));
	int64_t statement = -1;
	if (!json_is(d, JSON_OBJECT)) {
		printf("%-10sno policy decided this; the error says why it failed\n", "Decided");
		return;
	}
	json_i64(json_get_lit(d, "statement"), &statement);
	printf("%-10s%.*s on %.*s\n", "Action", STR_FMT(action),
		STR_FMT(json_get_text(d, STR("resource"))));
	if (!str_is(json_get_text(d, STR("decision")), "explicitDeny")) {
		printf("%-10simplicit deny: no %s allows it\n", "Decided", source);
		return;
	}
	printf("%-10sexplicit deny in %s %s\n", "Decided", strchr("aeiou", *source) ? "an" : "a",
		source);
	print_line("Policy", policy);
	if (statement >= 0)
		printf("%-10s%lld%s%.*s%s\n", "Statement", (long long)statement + 1,
			sid.len ? " (Sid " : "", STR_FMT(sid), sid.len ? ")" : "");
}

static void
print_request(const struct json *line)
{
	struct str service = json_get_text(line, STR("eventSource")),
		   op = json_get_text(line, STR("eventName"));
	print_line("Request", json_get_text(line, STR("requestID")));
	print_line("Time", json_get_text(line, STR("eventTime")));
	printf("%-10s%.*s:%.*s\n", "Operation", STR_FMT(service), STR_FMT(op));
	print_line("Caller", json_get_text(line, STR("principal")));
	print_line("Error", json_get_text(line, STR("errorCode")));
	print_line("Message", json_get_text(line, STR("errorMessage")));
	print_decision(line);
}

/* true when the file had the request. A line that no longer parses is passed over. */
static bool
explain_in(const char *path, struct str id, bool as_json)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool found = false;
	while (f && !found && (n = getline(&line, &cap, f)) > 0) {
		struct str text = str_of(line, (size_t)n);
		struct arena a;
		if (str_find_str(text, id) < 0)
			continue;
		arena_init(&a);
		const struct json *j = json_parse(&a, str_trim(text), 0, NULL);
		found = str_eq(json_get_text(j, STR("requestID")), id);
		if (found && as_json)
			printf("%.*s\n", STR_FMT(str_trim(text)));
		else if (found)
			print_request(j);
		arena_done(&a);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

int
command_iam(int argc, char **argv)
{
	char path[1200];
	bool as_json = take_flag(&argc, argv, "--json");
	const char *data = running_data("iam", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc != 2 || strcmp(argv[0], "explain") != 0)
		return usage_error("iam", "say which request: haneul iam explain REQUEST-ID");
	static const char *const names[] = { "api.jsonl", "api.jsonl.1" };
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/logs/%s", data, names[i]);
		if (explain_in(path, str_c(argv[1]), as_json))
			return EXIT_DONE;
	}
	return failed("iam", "the API event log of %s has no request %s", data, argv[1]);
}
