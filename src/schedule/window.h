/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of 2-d convolutions, for their templates. */
#ifndef SCHEDULE_WINDOW_H
#define SCHEDULE_WINDOW_H

#include "schedule/builder.h"

struct window2d {
  int64_t in_channels, out_channels, groups;
  int64_t kernel[2], stride[2], dilation[2], before[2], after[2];
  int64_t extra[2]; /* output_padding of transposed convolutions */
};

/* False unless `node` is a 2-d fp32 convolution with constant weights and a
 * constant bias or none. */
bool window2d_of_conv(const struct node *node, struct window2d *out);
/* The same of a transposed convolution; weights are [C, K, R, S]. */
bool window2d_of_conv_transpose(const struct node *node, struct window2d *out);
bool window2d_has_bias(const struct node *node);
/* Every channel by itself; one position only, of every channel. */
bool window2d_is_depthwise(const struct window2d *window);
bool window2d_is_pointwise(const struct window2d *window);
/* How many channels at a time a sum over blocks of them takes, so that none is
 * among them that only fills a block: a divisor of both, or the block where
 * that would be less than 4. */
int64_t window2d_chunk(int64_t channels, int64_t block);
/* How many channels such sums have in all, a part of a block filled up. */
int64_t window2d_summed(int64_t channels, int64_t block);
/* Where the channel chunk*i + j lies: its block, and its place in the block. */
void window2d_channel(struct expr_pool *pool, int64_t chunk, int64_t block,
                      const struct expr *i, const struct expr *j,
                      const struct expr **in_block, const struct expr **lane);
/* The zeros it reads around its input. */
void window2d_halo(const struct window2d *window, struct demand *demand);
/* Input row or column (axis 0 or 1) of output position `o` at kernel position
 * `k`: o*stride + k*dilation - before. */
const struct expr *window2d_position(struct expr_pool *pool,
                                     const struct window2d *window, int axis,
                                     const struct expr *o,
                                     const struct expr *k);
/* The weight [first, second, r0, r1] at tap t = 0, 1, … of a phase: r = phase +
 * t*stride along each axis; 0 where the kernel has no such row or column. */
const struct expr *window2d_phase_weight(
    struct expr_pool *pool, const struct window2d *window,
    struct buffer *weights, const struct expr *first, const struct expr *second,
    const struct expr *const *phase, const struct expr *const *tap);
/* sum + bias, packed into blocks, of channel block `k` and `lane`; just `sum`
 * without a bias. Sums start at 0 and get the bias last: started from a large
 * bias, every step would round at its magnitude. */
const struct expr *window2d_add_bias(struct builder *builder,
                                     const struct node *node,
                                     const struct expr *sum,
                                     const struct expr *k,
                                     const struct expr *lane);
/* Where the sums of a convolution with the output's axes [n, block, y, x, lane]
 * go: a local buffer when a bias follows, else the output itself. */
struct buffer *window2d_sums(struct builder *builder, const struct node *node);
/* The stage that adds the bias to them, where there is one. */
void window2d_finish(struct builder *builder, const struct node *node,
                     struct buffer *sums);

#endif
