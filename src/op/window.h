/* SPDX-License-Identifier: Apache-2.0 */
/* The sliding window of convolutions and pooling, from the attributes
 * kernel_shape, strides, dilations and pads (all befores, then all afters). */
#ifndef OP_WINDOW_H
#define OP_WINDOW_H

#include "op/op.h"

#define WINDOW_MAX_RANK 3

struct window {
  size_t rank; /* spatial dimensions */
  int64_t kernel[WINDOW_MAX_RANK], stride[WINDOW_MAX_RANK],
      dilation[WINDOW_MAX_RANK], before[WINDOW_MAX_RANK],
      after[WINDOW_MAX_RANK];
};

/* Of a node that was inferred. */
struct window node_window(const struct node *node);
/* Reads and checks; the kernel's size comes from kernel_shape, and where input
 * 1 is the weights it must agree with them. */
enum adze_status infer_window(struct infer *infer, bool has_weights,
                              struct window *out) ADZE_MUST_USE;
/* Elements that the window covers along a spatial axis. */
int64_t window_reach(const struct window *window, size_t axis);
/* The output's extent of a spatial axis for input extent `in`. */
const struct expr *window_extent(struct expr_pool *pool,
                                 const struct window *window, size_t axis,
                                 const struct expr *in, bool ceil_mode);
/* Position in the input of window element r at output position o:
 * o*stride + r*dilation - before. */
const struct expr *window_position(struct expr_pool *pool,
                                   const struct window *window, size_t axis,
                                   const struct expr *o, const struct expr *r);
/* Bit 2+i for each spatial axis i where a window may leave the input. */
unsigned window_checked(const struct window *window, bool ceil_mode);

#endif
