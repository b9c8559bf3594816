/* SPDX-License-Identifier: Apache-2.0 */
/* One node on the interpreter: its operator's own expression, expanded without
 * a schedule. */
#ifndef PASS_EVALUATE_H
#define PASS_EVALUATE_H

#include "op/op.h"

/* Computes the node's outputs. memory[value->id] is the dense data of each
 * input that is no constant, and receives, from `arena`, that of each output.
 * All shapes must be known: SHAPE otherwise. */
enum adze_status evaluate_node(struct arena *arena, struct graph *graph,
                               const struct node *node, void **memory,
                               struct adze_error *error) ADZE_MUST_USE;

#endif
