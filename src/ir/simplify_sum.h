/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ir/simplify.h: canonical sums of products over i64.
 *
 * A sum is constant + sum(coefficient * monomial); a monomial is an atom or a
 * product of atoms sorted by id, as a node ((a*b)*c), so equal monomials are
 * one pointer; an atom is any simplified scalar i64 expression that is no sum,
 * product or constant. Functions that return bool give up (false, *out
 * unspecified) when a coefficient overflows or a limit is exceeded; the caller
 * then keeps the node as it is. */
#ifndef IR_SIMPLIFY_SUM_H
#define IR_SIMPLIFY_SUM_H

#include "ir/expr_pool.h"
#include "ir/simplify.h"

#define SUM_MAX_TERMS 32
#define MONOMIAL_MAX_ATOMS 8

struct term {
  const struct expr *monomial;
  int64_t coefficient; /* never 0 */
};

struct sum {
  int64_t constant;
  size_t count;
  struct term terms[SUM_MAX_TERMS]; /* by monomial id, ascending */
};

/* A product split into its atoms, ascending ids. */
struct atoms {
  size_t count;
  const struct expr *data[MONOMIAL_MAX_ATOMS];
};

struct sum sum_of_constant(int64_t value);
/* Of a simplified expression; one term when it is too large to take apart. */
struct sum sum_of(const struct expr *e);
/* The node; terms with positive coefficients first, the constant last. */
const struct expr *sum_build(struct expr_pool *pool, const struct sum *sum);

bool sum_add_term(struct sum *sum, const struct expr *monomial,
                  int64_t coefficient);
/* *sum += other * factor */
bool sum_accumulate(struct sum *sum, const struct sum *other, int64_t factor);
bool sum_multiply(struct expr_pool *pool, const struct sum *a,
                  const struct sum *b, struct sum *out);
/* *sum += a * b */
bool sum_add_product(struct expr_pool *pool, struct sum *sum,
                     const struct sum *a, const struct sum *b);
/* Polynomial division x = y*quotient + remainder, as far as the leading term
 * of y divides terms of x. */
bool sum_divide(struct expr_pool *pool, const struct sum *x,
                const struct sum *y, struct sum *quotient,
                struct sum *remainder);
/* sum = atom*factor + rest; false too when atom occurs squared. */
bool sum_factor(struct expr_pool *pool, const struct sum *sum,
                const struct expr *atom, struct sum *factor, struct sum *rest);

bool monomial_atoms(const struct expr *monomial, struct atoms *out);
const struct expr *monomial_build(struct expr_pool *pool,
                                  const struct atoms *atoms);
/* numerator / denominator where every atom of the latter is in the former. */
bool atoms_divide(const struct atoms *numerator,
                  const struct atoms *denominator, struct atoms *out);

/* ---- Ranges (simplify_range.c) and proofs (simplify_prove.c) ------------- */

/* Constant range of a simplified expression, and whether it contains data:
 * loads, locals, floats. Index arithmetic is taken not to overflow; data may
 * wrap, so nothing is concluded about it across an overflow. */
struct range {
  struct interval interval;
  bool is_data;
};
struct range range_of(struct expr_pool *pool, const struct expr *e);
struct interval sum_interval(struct expr_pool *pool, const struct sum *sum);
/* Whether wrapping can be excluded, so that order and division of the sum are
 * those of the mathematical value. */
bool sum_is_exact(struct expr_pool *pool, const struct sum *sum);
bool sum_proves_not_positive(struct expr_pool *pool, const struct sum *sum);
bool sum_proves_not_negative(struct expr_pool *pool, const struct sum *sum);
/* a <= b + slack */
bool sum_proves_order(struct expr_pool *pool, const struct sum *a,
                      const struct sum *b, int64_t slack);
bool proves_positive(struct expr_pool *pool, const struct expr *e);

static inline bool interval_is_finite(struct interval interval) {
  return interval.minimum != INT64_MIN && interval.maximum != INT64_MAX;
}

/* ---- Division (simplify_divide.c) ---------------------------------------- */

/* x floordiv y or x floormod y of simplified i64 expressions. */
const struct expr *simplify_divide(struct expr_pool *pool, const struct expr *x,
                                   const struct expr *y, bool is_modulo);
/* Replaces c*(x floordiv c) + x floormod c in a sum by x. */
void sum_recompose(struct expr_pool *pool, struct sum *sum);

/* ---- Comparisons, minima, conditions (simplify_compare.c) ---------------- */

/* Each gets a node whose arguments are simplified; NULL: nothing to do. */
const struct expr *simplify_compare(struct expr_pool *pool,
                                    const struct expr *e);
const struct expr *simplify_extremum(struct expr_pool *pool,
                                     const struct expr *e);
const struct expr *simplify_logic(struct expr_pool *pool, const struct expr *e);

/* ---- Memo (simplify.c) --------------------------------------------------- */

/* By node id; entries are NULL or unset until computed. They hold for the life
 * of the pool. */
struct simplify_memo {
  const struct expr **simplified;
  struct range *ranges;
  bool *has_range;
  size_t capacity;
  VEC(const struct expr *) stack;
  VEC(struct variable *) lanes; /* [0, extent): the lane of a vector */
};
/* The memo, with room for every node that exists. */
struct simplify_memo *simplify_memo_get(struct expr_pool *pool);

#endif
