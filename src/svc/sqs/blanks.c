/*
 * Blanks: parts of a body that whoever delivered it fills when it leaves (see sqs.h). A receive
 * fills at once what is at hand; for the rest its call is completed after the commit, and since the
 * transaction is over by then, what the reply says is copied first.
 */
#include "base/digest.h"
#include "base/log.h"
#include "svc/sqs/queue.h"
#include "svc/sqs/sqs.h"

#include <assert.h>
#include <stdlib.h>

#define KINDS_MAX 8

static struct {
	const char *kind;
	sqs_filler *fill;
} kinds[KINDS_MAX]; /* set at start, before any loop */

struct sqs_filling {
	struct one {
		struct str id; /* of the message */
		struct sqs_blank blank;
	} v[SQS_BATCH_MAX];
	uint32_t n;
};

void
sqs_filler_register(const char *kind, sqs_filler *fill)
{
	unsigned i = 0;
	while (i < KINDS_MAX && kinds[i].kind && kinds[i].kind != kind)
		i++;
	assert(i < KINDS_MAX);
	kinds[i].kind = kind;
	kinds[i].fill = fill;
}

bool
sqs_blank_valid(const struct sqs_blank *b, struct str body)
{
	return b->size && b->size <= SQS_MESSAGE_MAX && b->at <= body.len;
}

static struct str
text_for(struct call *c, const struct sqs_blank *b, bool at_once)
{
	for (unsigned i = 0; i < KINDS_MAX && kinds[i].kind; i++)
		if (str_eq(b->kind, str_c(kinds[i].kind))) {
			struct str text = kinds[i].fill(c->store, c->arena, b->about, at_once);
			return text.len == b->size ? text : STR_NULL;
		}
	return STR_NULL;
}

static void
body_fill(struct call *c, struct sqs_message *m, const struct sqs_blank *b, struct str text)
{
	unsigned char hash[16];
	struct str head = str_slice(m->Body, 0, b->at);
	struct str tail = str_slice(m->Body, b->at, m->Body.len);
	char *body = arena_alloc_raw(c->arena, m->Body.len + text.len);
	memcpy(body, head.p, head.len);
	memcpy(body + head.len, text.p, text.len);
	memcpy(body + head.len + text.len, tail.p, tail.len);
	m->Body = str_of(body, m->Body.len + text.len);
	md5(m->Body, hash);
	m->MD5OfBody = sqs_md5_hex(c->arena, str_of(hash, sizeof(hash)));
}

/* A message that cannot be completed is left out, as a damaged one is: it comes again when its
 * visibility timeout is over. */
static void
complete(struct call *c, void *reply)
{
	struct sqs_receive_message_out *out = reply;
	const struct sqs_filling *f = c->user;
	uint32_t kept = 0, next = 0;
	for (uint32_t i = 0; i < out->Messages.n; i++) {
		struct sqs_message *m = &out->Messages.v[i];
		if (next < f->n && str_eq(f->v[next].id, m->MessageId)) {
			const struct sqs_blank *b = &f->v[next++].blank;
			struct str text = text_for(c, b, false);
			if (!text.p) {
				log_error("sqs.incomplete", log_str("message", m->MessageId),
					log_str("lacks", b->kind));
				continue;
			}
			body_fill(c, m, b, text);
		}
		out->Messages.v[kept++] = *m;
	}
	out->Messages.n = kept;
	out->Messages.set = kept > 0;
}

void
sqs_blank_fill(struct call *c, struct sqs_message *m, const struct sqs_stored_message_row *row)
{
	struct sqs_filling *f = c->complete ? c->user : NULL;
	struct sqs_blank b = { row->BlankKind, row->BlankAbout, (uint32_t)row->BlankAt.v,
		(uint32_t)row->BlankSize.v };
	if (!b.kind.p || !sqs_blank_valid(&b, m->Body))
		return;
	struct str text = text_for(c, &b, true);
	if (text.p) {
		body_fill(c, m, &b, text);
		return;
	}
	if (!f) {
		c->user = f = arena_new(c->arena, struct sqs_filling);
		c->complete = complete;
	}
	b.kind = arena_dup(c->arena, b.kind);
	b.about = arena_dup(c->arena, b.about);
	f->v[f->n++] = (struct one){ arena_dup(c->arena, m->MessageId), b };
}

static void
own(struct arena *a, struct str *s)
{
	if (s->p)
		*s = arena_dup(a, *s);
}

void
sqs_blanks_keep(struct call *c, struct sqs_message *v, uint32_t n)
{
	struct arena *a = c->arena;
	for (uint32_t i = 0; c->complete && i < n; i++) {
		own(a, &v[i].MessageId);
		own(a, &v[i].Body);
		for (uint32_t k = 0; k < v[i].Attributes.n; k++)
			own(a, &v[i].Attributes.v[k].value);
		for (uint32_t k = 0; k < v[i].MessageAttributes.n; k++) {
			struct sqs_message_attribute_value_map_entry *e =
				&v[i].MessageAttributes.v[k];
			own(a, &e->key);
			own(a, &e->value.StringValue);
			own(a, &e->value.BinaryValue);
			own(a, &e->value.DataType);
		}
	}
}
