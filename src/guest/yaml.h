/*
 * yaml: as much of YAML as cloud-config files use: block maps and lists, flow lists and maps on one
 * line, plain and quoted scalars on one line, block scalars (| and >). No anchors, tags or
 * documents. What it does not understand is an error with its line; depth and size are bounded.
 * Nodes live until yaml_free.
 */
#ifndef HANEUL_GUEST_YAML_H
#define HANEUL_GUEST_YAML_H

#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
struct yaml {
	enum yaml_kind kind;
	char *text;          /* of a scalar; NUL-terminated */
	char *key;           /* in a map; else NULL */
	struct yaml *child;  /* of a list or map, in order */
	struct yaml *next;
};

/* NULL: malformed (then *ret_line says where, from 1) or empty (0). */
struct yaml *yaml_parse(const char *text, size_t len, unsigned *ret_line);
void yaml_free(struct yaml *y);
struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The scalar of that key, or otherwise. */
const char *yaml_text(const struct yaml *map, const char *key, const char *otherwise);

#endif
