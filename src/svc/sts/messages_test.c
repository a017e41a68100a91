#include "svc/sts/messages.h"

#include "base/json.h"
#include "svc/sts/sts.h"
#include "unit.h"

static const unsigned char key_a[MESSAGE_KEY] = { 1 }, key_b[MESSAGE_KEY] = { 2 },
			   nonce[MESSAGE_NONCE] = { 3 };

TEST(message_opens_only_as_it_was_sealed)
{
	struct arena a;
	arena_init(&a);
	struct str us = STR("111111111111"), them = STR("222222222222");
	struct str text = sts_message_seal(&a, key_a, nonce, us, STR("{\"allowed\":false}"));
	assert_non_null(text.p);
	assert_str(sts_message_open(&a, key_a, us, text), "{\"allowed\":false}");
	assert_null(sts_message_open(&a, key_b, us, text).p);
	assert_null(sts_message_open(&a, key_a, them, text).p);
	assert_null(sts_message_open(&a, key_a, us, STR("")).p);
	assert_null(sts_message_open(&a, key_a, us, STR("AQ")).p);
	for (size_t i = 0; i < text.len; i++) {
		char *bent = arena_cstr(&a, text);
		bent[i] = bent[i] == 'A' ? 'Q' : 'A';
		assert_null(sts_message_open(&a, key_a, us, str_of(bent, text.len)).p);
		assert_null(sts_message_open(&a, key_a, us, str_of(text.p, i)).p);
	}
	arena_done(&a);
}

/* As a refused call encodes and a later call decodes it. */
TEST(message_of_a_decision_round_trip)
{
	struct store_options o = { .dir = unit_tmpdir() };
	struct sts_decode_authorization_message_in in = { 0 };
	struct sts_decode_authorization_message_out out = { 0 };
	struct store *s;
	struct arena a;
	arena_init(&a);
	assert_int_equal(store_open(&s, &o, NULL), 0);
	assert_int_equal(sts_messages_start(s), 0);
	assert_int_equal(sts_messages_start(s), 0);
	struct call c = { .arena = &a,
		.store = s,
		.tx = tx_begin_read(s),
		.who = { .account = STR("111111111111"),
			.arn = STR("arn:aws:iam::111111111111:user/u"),
			.user_id = STR("AIDA") } };
	struct call_decision d = { .action = "ec2:RunInstances",
		.resource = STR("arn:aws:ec2:::instance/*"),
		.decision = "explicitDeny",
		.policy = STR("user/u:p"),
		.sid = STR("No") };
	in.EncodedMessage = sts_message_encode(&c, &d);
	assert_non_null(in.EncodedMessage.p);
	assert_int_equal(sts_decode_authorization_message(&c, &in, &out), CALL_OK);
	const struct json *j = json_parse(&a, out.DecodedMessage, 0, NULL);
	assert_str(json_get_text(json_get_lit(j, "context"), STR("action")), "ec2:RunInstances");
	bool denied = false;
	assert_true(json_bool(json_get_lit(j, "explicitDeny"), &denied) && denied);
	c.who.account = STR("222222222222");
	assert_int_equal(sts_decode_authorization_message(&c, &in, &out), CALL_FAILED);
	assert_string_equal(c.error->code, "InvalidAuthorizationMessageException");
	tx_end(c.tx);
	store_close(s);
	arena_done(&a);
}
