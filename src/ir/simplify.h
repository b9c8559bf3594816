/* SPDX-License-Identifier: Apache-2.0 */
/* Simplification and proofs over expressions.
 *
 * Integer expressions are brought into a canonical sum of products (terms
 * sorted by id, coefficients collected), in which floor_div and floor_mod by
 * constants are reduced by the ranges of variables: with 0 <= i < 16,
 * (o*16 + i) floordiv 16 is o and (o*16 + i) floormod 16 is i; and
 * (x floordiv c)*c + x floormod c is x, also with symbolic c and inside larger
 * sums. Comparisons and selects that the ranges decide are folded. Float
 * expressions are only rewritten where every bit stays the same.
 *
 * Ranges come from variable->minimum/maximum and ->extent (so a loop variable
 * with extent W, a symbol known to be >= 1, is known to be < W). Results are
 * kept for the life of the pool, so a variable's bounds must be set before an
 * expression with it is first simplified.
 *
 * Index arithmetic (over variables) is taken not to overflow; of data (loads,
 * locals) nothing is concluded that wrapping could break.
 */
#ifndef IR_SIMPLIFY_H
#define IR_SIMPLIFY_H

#include "ir/expr.h"

const struct expr *simplify(struct expr_pool *pool, const struct expr *e);

/* True only when `condition` (bool) holds for all values of its variables. */
bool simplify_proves(struct expr_pool *pool, const struct expr *condition);

/* Constant bounds, inclusive; INT64_MIN / INT64_MAX where unknown. */
struct interval {
  int64_t minimum, maximum;
};
struct interval simplify_interval(struct expr_pool *pool, const struct expr *e);

/* Symbolic bounds of e while the listed variables run over [0, extent) (their
 * own extents) and all others stay fixed: minimum and maximum (inclusive) as
 * expressions without the listed variables. False where e is not quasi-affine
 * in them. Used for the regions that compute_at needs. */
bool simplify_bounds(struct expr_pool *pool, const struct expr *e,
                     const struct variable *const *running, size_t count,
                     const struct expr **minimum, const struct expr **maximum);

/* The largest known constant that divides e (1 at least; 0 for e = 0). */
int64_t simplify_divisor(struct expr_pool *pool, const struct expr *e);

#endif
