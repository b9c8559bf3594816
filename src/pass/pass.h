/* SPDX-License-Identifier: Apache-2.0 */
/* Graph passes: one file each, listed in passes.def in the order in which the
 * pipeline runs them. */
#ifndef PASS_PASS_H
#define PASS_PASS_H

#include "op/op.h"

struct pass {
  const char *name, *summary;
  enum adze_status (*run)(struct graph *graph, struct adze_error *error);
};
extern const struct pass pass_table[];
extern const size_t pass_table_count;

#define PASS(name, summary)                                                    \
  enum adze_status pass_##name(struct graph *graph, struct adze_error *error);
#include "pass/passes.def"
#undef PASS

/* A text that nodes share if they compute the same of the same operands, where
 * `x` (or NULL) is taken for the same operand in all. */
const char *pass_node_key(struct arena *arena, const struct node *node,
                          const struct value *x);

/* Whether every word of ADZE_DUMP names a pass, a row of dumps.def, or is
 * "all"; else INVALID_ARGUMENT, with the names that there are. */
enum adze_status pass_check_dump(struct adze_error *error) ADZE_MUST_USE;

/* Runs them all. After each, as the environment asks (ADZE_DUMP, ADZE_VERIFY):
 * the graph is printed on stderr where it changed, and verified. When `times`
 * is set, a line per pass with its time goes to stderr. */
enum adze_status pass_run_all(struct graph *graph, bool times,
                              struct adze_error *error) ADZE_MUST_USE;

#endif
