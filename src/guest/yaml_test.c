#include "guest/yaml.h"
#include "unit.h"

static struct yaml *
parse(const char *text)
{
	unsigned line;
	struct yaml *y = yaml_parse(text, strlen(text), &line);
	if (!y)
		fail_msg("line %u", line);
	return y;
}

TEST(a_cloud_config_is_read)
{
	struct yaml *y = parse("#cloud-config\n"
			       "hostname: web-1  # its name\n"
			       "packages: [nginx, \"a, b\", 'it''s']\n"
			       "users:\n"
			       "- default\n"
			       "- name: bob\n"
			       "  groups: [wheel]\n"
			       "  ssh_authorized_keys:\n"
			       "    - ssh-ed25519 AAAA bob@x\n"
			       "write_files:\n"
			       "  - path: /etc/motd\n"
			       "    content: |\n"
			       "      # not a comment\n"
			       "        deeper: yes\n"
			       "\n"
			       "      last\n"
			       "    permissions: '0644'\n"
			       "runcmd:\n"
			       "  - echo a: b > /tmp/x\n"
			       "  - [ls, -l, /]\n"
			       "  - - mkdir\n"
			       "    - /srv/x\n"
			       "final_message: >-\n"
			       "  two\n"
			       "  lines\n");
	assert_string_equal(yaml_text(y, "hostname", ""), "web-1");
	struct yaml *p = yaml_get(y, "packages");
	assert_string_equal(p->child->next->text, "a, b");
	assert_string_equal(p->child->next->next->text, "it's");
	struct yaml *bob = yaml_get(y, "users")->child->next;
	assert_string_equal(yaml_text(bob, "name", ""), "bob");
	assert_string_equal(
		yaml_get(bob, "ssh_authorized_keys")->child->text, "ssh-ed25519 AAAA bob@x");
	struct yaml *f = yaml_get(y, "write_files")->child;
	assert_string_equal(
		yaml_text(f, "content", ""), "# not a comment\n  deeper: yes\n\nlast\n");
	assert_string_equal(yaml_text(f, "permissions", ""), "0644");
	struct yaml *run = yaml_get(y, "runcmd");
	assert_string_equal(run->child->next->child->next->text, "-l");
	assert_string_equal(run->child->next->next->child->next->text, "/srv/x");
	assert_string_equal(yaml_text(y, "final_message", ""), "two lines");
	yaml_free(y);
}

TEST(what_is_malformed_tells_its_line)
{
	static const struct {
		const char *text;
		unsigned line;
	} cases[] = { { "a: 1\nb\n", 2 }, { "a: [1, 2\n", 1 }, { "a: \"x\n", 1 },
		{ "a: &x 1\n", 1 }, { "a: 1\n  b: 2\n", 2 }, { "", 0 }, { "# only\n", 0 } };
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned line;
		assert_null(yaml_parse(cases[i].text, strlen(cases[i].text), &line));
		assert_int_equal(line, cases[i].line);
	}
}
