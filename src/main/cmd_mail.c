/* haneul mail: the outbox of e-mail and text messages of the running cloud. */
#include "base/json.h"
#include "main/command.h"
#include "main/running.h"

#include <stdio.h>
#include <string.h>

/* A terminal obeys control characters: they come from outside and are shown, not done. */
static void
print_plain(struct str s, bool lines)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		bool c1 = ch == 0xc2 && i + 1 < s.len && (unsigned char)s.p[i + 1] < 0xa0;
		if ((ch < 0x20 && !(lines && (ch == '\n' || ch == '\t'))) || ch == 0x7f || c1)
			putchar('?');
		else
			putchar(ch);
		i += c1;
	}
}

static void
print_one(const struct json *m)
{
	static const char *const names[] = { "time", "kind", "to", "subject", "topic", "relay" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct str v = json_get_text(m, str_c(names[i]));
		if (!v.p)
			continue;
		printf("%c%-8s ", names[i][0] - 32, names[i] + 1);
		print_plain(v, false);
		putchar('\n');
	}
	putchar('\n');
	print_plain(json_get_text(m, STR("body")), true);
	printf("\n\n");
}

int
command_mail(int argc, char **argv)
{
	struct running r;
	struct buf text = { 0 };
	struct arena a;
	bool as_json = take_flag(&argc, argv, "--json");
	const char *data = running_data("mail", &argc, argv);
	if (!data)
		return EXIT_USAGE;
	if (argc)
		return usage_error("mail", "unknown option \"%s\"", argv[0]);
	if (!running_find(data, &r)) {
		fprintf(stderr, "haneul mail: nothing is running on %s\n", data);
		return EXIT_NOT_RUNNING;
	}
	int code = running_request(&r, "GET", "/_haneul/mail.json", NULL, &text);
	if (code != 200) {
		buf_done(&text);
		return failed("mail", "process %d does not show its outbox (%d)", r.pid, code);
	}
	if (as_json) {
		fwrite(text.p, 1, text.len, stdout);
		buf_done(&text);
		return EXIT_DONE;
	}
	arena_init(&a);
	const struct json *list = json_get_lit(json_parse(&a, buf_str(&text), 0, NULL), "messages");
	for (uint32_t i = list ? list->n : 0; i-- > 0;)
		print_one(json_at(list, i));
	if (!list || !list->n)
		printf("Nothing was sent yet.\n");
	arena_done(&a);
	buf_done(&text);
	return EXIT_DONE;
}
