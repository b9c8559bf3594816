/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution of stride s by Winograd's algorithm, on channel
 * blocks.
 *
 * Each of its s phases (conv_transposed.c) is a convolution with ceil(R/s)
 * taps. With z = (y + before) div s and the phase (y + before) mod s, output y
 * is computed from the inputs z - taps + 1 to z, whatever the phase. So tiles
 * of M values of z have M outputs in every phase, for which the inputs are
 * transformed once; phases are further output channels of the products:
 *
 *   product[u,v,p,(k,phase),lane] = sum(c,ci) spread[u,v,p,c,ci]
 *                                         * packed[u,v,(k,phase),c,ci,lane]
 *
 * and what comes before and after is as in conv_winograd.c, where (y + before
 * mod s) div s stands for y. If before mod s > 0, the first tile's first
 * outputs lie before the image: the loops over y and x are padded by them.
 */
#include "schedule/winograd.h"

static size_t transposed_match(struct match_query *query, struct node *node,
                               struct node **nodes, size_t capacity) {
  return winograd_match(query, &op_conv_transpose, node, nodes, capacity);
}

const struct template template_conv_transposed_winograd = {
    .name = "conv_transposed_winograd",
    .summary = "transposed convolution by Winograd's algorithm",
    .output_blocked = true,
    .match = transposed_match,
    .demand = winograd_demand,
    .express = winograd_express,
    .knobs = winograd_knobs,
    .space = winograd_space,
    .choose = winograd_choose,
    .apply = winograd_apply,
};
