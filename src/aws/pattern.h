/*
 * pattern: the regular expressions of the models, matched against whole values. Compiled on first
 * use and kept for the life of the process; `pattern` must be a constant of the tables (its address
 * is the key). Work is bounded: an expression that backtracks too far counts as no match. Any
 * thread.
 */
#ifndef HANEUL_AWS_PATTERN_H
#define HANEUL_AWS_PATTERN_H

#include "base/str.h"

bool pattern_matches(const char *pattern, struct str value);
/* Whether the library understands it (a test asks this of every table). An expression that it does
 * not understand matches everything. */
bool pattern_valid(const char *pattern);

#endif
