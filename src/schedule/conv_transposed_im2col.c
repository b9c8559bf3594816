/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolution by gathered places, as conv_im2col.c explains it. */
#include "schedule/im2col.h"

static size_t transposed_match(struct match_query *query, struct node *node,
                               struct node **nodes, size_t capacity) {
  return im2col_match(query, &op_conv_transpose, node, nodes, capacity);
}

const struct template template_conv_transposed_im2col = {
    .name = "conv_transposed_im2col",
    .summary = "transposed convolution of small images, with gathered places",
    .output_blocked = true,
    .match = transposed_match,
    .demand = im2col_demand,
    .express = im2col_express,
    .knobs = im2col_knobs,
    .space = im2col_space,
    .choose = im2col_choose,
    .apply = im2col_apply,
};
