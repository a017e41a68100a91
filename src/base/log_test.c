#include "base/json.h"
#include "base/log.h"
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[20000];

static struct str
taken(int fd)
{
	ssize_t n = pread(fd, text, sizeof(text), 0);
	assert_true(n >= 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	return str_of(text, (size_t)n);
}

TEST(log_text_form)
{
	int fd = memfd_create("log", 0);
	log_open(fd, LOG_FORM_TEXT, LOG_LEVEL_INFO);
	errno = 7;
	log_info("wire.listen", log_c("host", "127.0.0.1"), log_int("port", -1),
		log_str("why", STR("a b\n\x1b\xff\xc2\x9b")), log_c("none", NULL),
		log_bool("tls", true), log_f64("s", 0.5), log_errno("e", -ENOENT));
	assert_int_equal(errno, 7);
	struct str s = taken(fd);
	assert_str(str_slice(s, 24, s.len),
		" INFO  wire.listen host=127.0.0.1 port=-1 why=\"a b\\n\\u001b???\" tls=true "
		"s=0.5 e=\"No such file or directory\"\n");
	int evaluated = 0;
	log_debug("quiet", log_int("n", ++evaluated));
	log_text(LOG_LEVEL_DEBUG, "quiet", "%d", 1);
	assert_int_equal(evaluated, 0);
	assert_int_equal(taken(fd).len, 0);
	log_warn("bare");
	s = taken(fd);
	assert_str(str_slice(s, 24, s.len), " WARN  bare\n");
	log_open(STDERR_FILENO, LOG_FORM_TEXT, LOG_LEVEL_INFO);
	close(fd);
}

TEST(log_json_form_stays_json_when_cut)
{
	struct arena a = { 0 };
	static char big[9000];
	int fd = memfd_create("log", 0);
	log_open(fd, LOG_FORM_JSON, LOG_LEVEL_TRACE);
	for (size_t n = 7900; n < 8300; n += 7) {
		memset(big, n % 2 ? '\n' : 'x', n);
		log_error("big", log_str("first", str_of(big, n)), log_uint("n", n),
			log_str("more", STR("\xed\x95\x98\xeb\x8a\x98")), log_f64("f", HUGE_VAL));
		struct str s = taken(fd);
		assert_true(s.len <= 8192 && s.p[s.len - 1] == '\n');
		struct json *j = json_parse(&a, s, 0, NULL);
		assert_non_null(j);
		assert_str(json_get_text(j, STR("level")), "error");
	}
	log_text(LOG_LEVEL_INFO, "main.ready", "opened %d \"services\"", 3);
	struct json *j = json_parse(&a, taken(fd), 0, NULL);
	assert_str(json_get_text(j, STR("message")), "opened 3 \"services\"");
	log_open(STDERR_FILENO, LOG_FORM_TEXT, LOG_LEVEL_INFO);
	close(fd);
	arena_done(&a);
}

TEST(log_levels_have_names)
{
	enum log_level l;
	assert_true(log_level_parse(STR("DEBUG"), &l) && l == LOG_LEVEL_DEBUG);
	assert_true(log_level_parse(STR("warning"), &l) && l == LOG_LEVEL_WARN);
	assert_false(log_level_parse(STR("loud"), &l));
}
