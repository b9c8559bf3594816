/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution as a matrix product with gathered places, for small images with
 * many channels, where rows fill register tiles badly, or the weights of a tile
 * are more than a cache holds.
 *
 *   p            the place: (n*H + y)*W + x, which is t*T + j in tiles of T
 *   h            a chunk of C blocks of input channels; c: one of them
 *
 *   columns[h,t,c,kh,kw,j,ci] = in[n,h*C+c,y*s+kh*d-p,x*s+kw*d-p,ci]
 *   part[h,k,p,lane] = sum(c,kh,kw,ci) columns[h,t,c,kh,kw,j,ci]
 *                                      * packed[k,h*C+c,kh,kw,ci,lane]
 *   out[n,k,y,x,lane] = bias + sum(h) part[h,k,p,lane]
 *
 * A chunk's weights for a tile's output channels stay in the L1 cache while all
 * places pass by, in the order they lie in; so every weight comes from memory
 * once. A chunk's places stay in the L2 cache for the channels of a panel. After
 * K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
 * (2008), with packing of the places as in K. Chellapilla et al., "High
 * Performance Convolutional Neural Networks for Document Processing" (2006).
 *
 * Of a transposed convolution with stride s, outputs s*q + r are such a
 * convolution of stride 1 for each residue r, with every s-th of the kernel's
 * weights: `packed` and `part` have r as an axis behind k, places are those of
 * q, and the columns have the taps of all residues.
 */
#include "schedule/im2col.h"

static size_t conv_match(struct match_query *query, struct node *node,
                         struct node **nodes, size_t capacity) {
  return im2col_match(query, &op_conv, node, nodes, capacity);
}

const struct template template_conv_im2col = {
    .name = "conv_im2col",
    .summary = "convolution of small images as a product with gathered places",
    .output_blocked = true,
    .match = conv_match,
    .demand = im2col_demand,
    .express = im2col_express,
    .knobs = im2col_knobs,
    .space = im2col_space,
    .choose = im2col_choose,
    .apply = im2col_apply,
};
