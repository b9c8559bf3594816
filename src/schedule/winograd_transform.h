/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's minimal filtering F(tile, kernel) in one dimension: `tile` outputs
 * of a filter of `kernel` taps from reach = tile + kernel - 1 inputs in `reach`
 * multiplications,
 *
 *   outputs = AT ((G taps) * (BT inputs))        (* element by element)
 *
 * nested for two dimensions. With a stride s, taps r mod s = q are a filter by
 * themselves, of the inputs i mod s = q: F(tile, taps) of each, side by side,
 * which one tap, or one output, makes the identity. F(4, 3) with a stride of 2
 * is F(4, 2) and F(4, 1), 9 multiplications instead of 12.
 *
 * After A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks"
 * (2016), with points in pairs ±p, ±1/p, whose rounding error is a third of
 * that of 0, ±1, ±2 where there are six. Where there are five, 0, ±3/4 and 3/2
 * have half the error of 0, ±1 and 2.
 */
#ifndef SCHEDULE_WINOGRAD_TRANSFORM_H
#define SCHEDULE_WINOGRAD_TRANSFORM_H

#include "ir/expr.h"

enum { WINOGRAD_MOST = 9 }; /* points */

/* Rows of `columns` coefficients. */
struct winograd_matrix {
  int rows, columns;
  double at[WINOGRAD_MOST][WINOGRAD_MOST];
};

struct winograd_transform {
  int tile, kernel, stride;
  int reach; /* inputs of a tile, and points: (tile - 1) * stride + kernel */
  struct winograd_matrix output; /* AT: [tile][reach] */
  struct winograd_matrix weight; /* G: [reach][kernel] */
  struct winograd_matrix input;  /* BT: [reach][reach] */
};

/* False unless there are points for each filter of several taps, whose reach
 * is 3, 4, 5, 6 or 8, and place for all. */
bool winograd_transform_make(int tile, int kernel, int stride,
                             struct winograd_transform *out);

/* row == 0 ? sum(c) at[0][c]*terms[c] : row == 1 ? … Points ±p make rows, or
 * columns, that differ in signs only; what these share is one expression, so
 * that it is computed once where all rows are. */
const struct expr *winograd_row(struct expr_pool *pool,
                                const struct winograd_matrix *matrix,
                                const struct expr *row,
                                const struct expr *const *terms);
/* row == 0 ? at[0][column] : row == 1 ? …, an f32: where few columns are wanted
 * of a row that is not known before the code runs. */
const struct expr *winograd_coefficient(struct expr_pool *pool,
                                        const struct winograd_matrix *matrix,
                                        const struct expr *row, int column);
/* Operations (multiply-adds count once) of all rows for one vector of terms. */
int winograd_operations(const struct winograd_matrix *matrix);

#endif
