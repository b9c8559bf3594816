/* SPDX-License-Identifier: Apache-2.0 */
/* Known elements: what a model computes from shapes, as expressions. */
#ifndef OP_ELEMENTS_H
#define OP_ELEMENTS_H

#include "op/op.h"

/* Sets the ->elements of the node's outputs where those of all its inputs are
 * known and the outputs are small. */
void elements_evaluate(struct graph *graph, struct node *node);

#endif
