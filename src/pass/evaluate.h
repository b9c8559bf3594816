/* SPDX-License-Identifier: Apache-2.0 */
/* One node on the interpreter: its operator's own expression, expanded without
 * a schedule. */
#ifndef PASS_EVALUATE_H
#define PASS_EVALUATE_H

#include "op/op.h"

/* Computes the node's outputs. inputs[i] is the dense data of input i; NULL
 * where it is absent or a constant. outputs[i] receives that of output i, from
 * `arena`. All shapes must be known: SHAPE otherwise. */
enum adze_status evaluate_node(struct arena *arena, struct graph *graph,
                               const struct node *node, void *const *inputs,
                               void **outputs,
                               struct adze_error *error) ADZE_MUST_USE;

/* All nodes that compute something, in order. memory[value->id] holds the dense
 * data of the graph's inputs, and receives that of all other values. */
enum adze_status evaluate_graph(struct arena *arena, struct graph *graph,
                                void **memory,
                                struct adze_error *error) ADZE_MUST_USE;

#endif
