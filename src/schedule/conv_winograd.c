/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd convolution on channel blocks: F(4x4, 3x3) multiplies 36 times where
 * direct convolution of a 4x4 tile of outputs does 144 times.
 *
 *   p            the tile: (n*TY + ty)*TX + tx
 *   i j          row and column in a tile of M x N outputs, or of its inputs
 *   u v          in the transformed tile
 *
 *   rows[p,c,u,j,ci]  = sum(i) BT[u,i] in[n,c,M*ty+i,N*tx+j,ci]
 *   spread[u,v,p,c,ci] = sum(j) BT[v,j] rows[p,c,u,j,ci]
 *   product[u,v,p,k,lane] = sum(c,ci) spread[u,v,p,c,ci]
 *                                     * packed[u,v,k,c,ci,lane]
 *   columns[p,k,i,v,lane] = sum(u) AT[i,u] product[u,v,p,k,lane]
 *   out[n,k,y,x,lane] = bias + sum(v) AT[x mod N,v]
 *                     * columns[p(n, y div M, x div N), k, y mod M, v, lane]
 *
 * Transforms along y and x are chosen by themselves: small images of many
 * channels are best served by F(1x2, 3x3), whose weights are 4/3 of the
 * kernel's.
 *
 * A dilation by d splits the image into the rows (columns) y mod d = 0, 1, …,
 * which are convolved by themselves, without one: y stands for y div d in these
 * formulas, and the tiles of the second such part follow those of the first.
 *
 * A stride s is the transforms' own (winograd_transform.h), with tiles M*s rows
 * apart. Or it makes s*s phases of the input, the rows (columns) y mod s = 0,
 * 1, … of the padded image, further input channels of a convolution without
 * one, with ceil(R/s) taps: kernel row r is tap r div s of phase r mod s. Of
 * fewer channels than a block the phases are gathered into blocks first:
 *
 *   phases[n,c,y,x,ci] = in[n, q div (s*s), y*s + q div s mod s - before,
 *                           x*s + q mod s - before]       q = c*B + ci
 *
 * The sums with constant matrices are written out row by row, since most of
 * their terms vanish; the row in use is chosen by comparing an index, which
 * unrolling decides (winograd_transform.c).
 *
 * winograd_plan.c chooses M, N and the way through the image. In rows: a worker
 * transforms some rows of tiles, then multiplies them with the weights of some
 * output channels at a time and transforms the products back; what is in flight
 * stays in its L2 cache, and the weights pass by once for each such block of
 * rows. In steps: all workers transform the whole image, then multiply, so that
 * all weights pass by once, then transform back.
 */
#include "schedule/winograd.h"

static size_t conv_match(struct match_query *query, struct node *node,
                         struct node **nodes, size_t capacity) {
  return winograd_match(query, &op_conv, node, nodes, capacity);
}

const struct template template_conv_winograd = {
    .name = "conv_winograd",
    .summary =
        "convolution with 2 to 9 taps along an axis, strides among them, by "
        "Winograd's algorithm",
    .output_blocked = true,
    .match = conv_match,
    .demand = winograd_demand,
    .express = winograd_express,
    .knobs = winograd_knobs,
    .space = winograd_space,
    .choose = winograd_choose,
    .apply = winograd_apply,
};
