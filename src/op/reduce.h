/* SPDX-License-Identifier: Apache-2.0 */
/* The axes of reductions (reduce_sum and its family). */
#ifndef OP_REDUCE_H
#define OP_REDUCE_H

#include "op/op.h"

/* Which axes of its operand a node that was inferred reduces: those of its list
 * `axes`, all where that is empty. Writes one element for each. */
void node_reduced_axes(const struct node *node, bool *is_reduced);

#endif
