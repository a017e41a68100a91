/* One structure into another that has members of the same names: a template's data into a call. */
#include "svc/ec2/shape_copy.h"

static size_t
scalar_size(const struct shape *s)
{
	switch (s->kind) {
	case SHAPE_STR:
	case SHAPE_BLOB:
		return sizeof(struct str);
	case SHAPE_BOOL:
		return sizeof(struct opt_bool);
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return sizeof(struct opt_f64);
	case SHAPE_INT:
	case SHAPE_LONG:
	case SHAPE_TIME:
		return sizeof(struct opt_i64);
	default:
		return 0;
	}
}

static void
list_copy(struct arena *a, const struct shape *from_shape, const struct list_any *from,
	const struct shape *to_shape, struct list_any *to)
{
	if (from_shape->value->kind != to_shape->value->kind)
		return;
	to->v = arena_alloc(a, (size_t)to_shape->size * from->n);
	to->n = from->n;
	to->set = from->set;
	for (uint32_t i = 0; i < from->n; i++) {
		char *at = (char *)to->v + (size_t)i * to_shape->size;
		const char *old = (const char *)from->v + (size_t)i * from_shape->size;
		if (to_shape->value->kind == SHAPE_STRUCT)
			ec2_shape_copy(a, from_shape->value, old, to_shape->value, at);
		else if (from_shape->size == to_shape->size)
			memcpy(at, old, to_shape->size);
	}
}

void
ec2_shape_copy(struct arena *a, const struct shape *from_shape, const void *from,
	const struct shape *to_shape, void *to)
{
	for (unsigned i = 0; i < to_shape->fields_n; i++) {
		const struct field *t = &to_shape->fields[i], *f = NULL;
		for (unsigned k = 0; k < from_shape->fields_n && !f; k++)
			if (strcmp(from_shape->fields[k].name, t->name) == 0)
				f = &from_shape->fields[k];
		if (!f || f->shape->kind != t->shape->kind)
			continue;
		const char *old = (const char *)from + f->offset;
		char *at = (char *)to + t->offset;
		if (f->shape->kind == SHAPE_LIST) {
			list_copy(a, f->shape, (const struct list_any *)old, t->shape,
				(struct list_any *)at);
		} else if (f->shape->kind == SHAPE_STRUCT) {
			const void *inner = *(const void *const *)old;
			void *made = inner ? arena_alloc(a, t->shape->size) : NULL;
			if (inner)
				ec2_shape_copy(a, f->shape, inner, t->shape, made);
			*(void **)at = made;
		} else {
			memcpy(at, old, scalar_size(t->shape));
		}
	}
}
