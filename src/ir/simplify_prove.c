/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs that a sum is never positive.
 *
 * Constant ranges decide most. Otherwise the newest atom is eliminated: with
 * sum = atom*F + R and the sign of F known, atom is replaced by its symbolic
 * bound on that side (i < W gives W - 1), which may cancel against the rest,
 * and the proof goes on with fewer atoms. Minima and maxima split it into two.
 * Each step is counted against a budget, so a hopeless proof is cheap.
 */
#include "ir/simplify_sum.h"

struct proof {
  struct expr_pool *pool;
  int budget;
};

enum outcome { PROVED, FAILED, NOT_ELIMINABLE };

static bool prove(struct proof *proof, const struct sum *sum);

static enum outcome outcome(bool proved) { return proved ? PROVED : FAILED; }

/* rest + factor*value <= 0 */
static bool prove_with(struct proof *proof, const struct sum *rest,
                       const struct sum *factor, const struct sum *value) {
  struct sum sum = *rest;
  return sum_add_product(proof->pool, &sum, factor, value) &&
         prove(proof, &sum);
}

static bool prove_with_expr(struct proof *proof, const struct sum *rest,
                            const struct sum *factor,
                            const struct expr *value) {
  struct sum sum = sum_of(value);
  return prove_with(proof, rest, factor, &sum);
}

/* 1 when never negative, -1 when never positive, 0 when not known. */
static int sign_of(struct proof *proof, const struct sum *sum) {
  struct interval interval = sum_interval(proof->pool, sum);
  if (interval.minimum >= 0)
    return 1;
  if (interval.maximum <= 0)
    return -1;
  struct sum negated = sum_of_constant(0);
  if (sum_accumulate(&negated, sum, -1) && prove(proof, &negated))
    return 1;
  return prove(proof, sum) ? -1 : 0;
}

static enum outcome eliminate_variable(struct proof *proof,
                                       const struct variable *variable,
                                       int sign, const struct sum *factor,
                                       const struct sum *rest) {
  struct interval interval =
      range_of(proof->pool, expr_variable(proof->pool, variable)).interval;
  struct sum bound;
  if (sign < 0) {
    if (interval.minimum == INT64_MIN)
      return NOT_ELIMINABLE;
    bound = sum_of_constant(interval.minimum);
  } else if (interval.maximum != INT64_MAX) {
    bound = sum_of_constant(interval.maximum);
    if (variable->extent && !expr_is_integer(variable->extent)) {
      /* Both bounds hold, and either may be what the proof needs. */
      if (prove_with(proof, rest, factor, &bound))
        return PROVED;
      bound = sum_of(simplify(proof->pool, variable->extent));
      bound.constant -= 1;
    }
  } else if (variable->extent) {
    bound = sum_of(simplify(proof->pool, variable->extent));
    bound.constant -= 1;
  } else {
    return NOT_ELIMINABLE;
  }
  return outcome(prove_with(proof, rest, factor, &bound));
}

static enum outcome eliminate_modulo(struct proof *proof,
                                     const struct expr *atom, int sign,
                                     const struct sum *factor,
                                     const struct sum *rest) {
  if (!proves_positive(proof->pool, atom->args[1]))
    return NOT_ELIMINABLE;
  struct sum bound = sum_of_constant(0);
  if (sign > 0) {
    bound = sum_of(atom->args[1]);
    bound.constant -= 1;
  }
  return outcome(prove_with(proof, rest, factor, &bound));
}

/* The sum is factor * (x floordiv y) + rest, y positive. */
static enum outcome eliminate_quotient(struct proof *proof,
                                       const struct expr *atom, int sign,
                                       const struct sum *factor,
                                       const struct sum *rest) {
  struct expr_pool *pool = proof->pool;
  if (!proves_positive(pool, atom->args[1]))
    return NOT_ELIMINABLE;
  struct sum x = sum_of(atom->args[0]), y = sum_of(atom->args[1]);
  struct sum scaled, quotient, remainder;
  if (!sum_multiply(pool, rest, &y, &scaled))
    return NOT_ELIMINABLE;
  bool is_unit = factor->count == 0 && factor->constant == sign;
  if (is_unit && sign > 0) {
    /* x/y <= -rest is x < (1 - rest)*y, exactly. */
    if (!sum_accumulate(&scaled, &y, -1) || !sum_accumulate(&scaled, &x, 1))
      return NOT_ELIMINABLE;
    scaled.constant += 1;
    return outcome(prove(proof, &scaled));
  }
  if (is_unit) { /* x/y >= rest is x >= rest*y, exactly */
    if (!sum_accumulate(&scaled, &x, -1))
      return NOT_ELIMINABLE;
    return outcome(prove(proof, &scaled));
  }
  /* x - y + 1 <= y*(x/y) <= x */
  struct sum bound = x;
  if (sign < 0) {
    if (!sum_accumulate(&bound, &y, -1))
      return NOT_ELIMINABLE;
    bound.constant += 1;
  }
  if (sum_divide(pool, factor, &y, &quotient, &remainder) &&
      remainder.count == 0 && remainder.constant == 0)
    return outcome(prove_with(proof, rest, &quotient, &bound));
  return outcome(prove_with(proof, &scaled, factor, &bound));
}

static enum outcome eliminate_extremum(struct proof *proof,
                                       const struct expr *atom, int sign,
                                       const struct sum *factor,
                                       const struct sum *rest) {
  /* An upper bound of a minimum is either argument. */
  bool either = (atom->kind == EXPR_MIN) == (sign > 0);
  bool first = prove_with_expr(proof, rest, factor, atom->args[0]);
  if (first == either)
    return outcome(first);
  return outcome(prove_with_expr(proof, rest, factor, atom->args[1]));
}

static enum outcome eliminate_constant_range(struct proof *proof,
                                             const struct expr *atom, int sign,
                                             const struct sum *factor,
                                             const struct sum *rest) {
  struct interval interval = range_of(proof->pool, atom).interval;
  int64_t bound = sign > 0 ? interval.maximum : interval.minimum;
  if (bound == INT64_MIN || bound == INT64_MAX)
    return NOT_ELIMINABLE;
  struct sum value = sum_of_constant(bound);
  return outcome(prove_with(proof, rest, factor, &value));
}

static enum outcome eliminate(struct proof *proof, const struct sum *sum,
                              const struct expr *atom) {
  struct sum factor, rest;
  if (!sum_factor(proof->pool, sum, atom, &factor, &rest))
    return NOT_ELIMINABLE;
  int sign = sign_of(proof, &factor);
  if (sign == 0)
    return NOT_ELIMINABLE;
  switch ((int)atom->kind) {
  case EXPR_VARIABLE:
    return eliminate_variable(proof, atom->variable, sign, &factor, &rest);
  case EXPR_FLOOR_MOD:
    return eliminate_modulo(proof, atom, sign, &factor, &rest);
  case EXPR_FLOOR_DIV:
    return eliminate_quotient(proof, atom, sign, &factor, &rest);
  case EXPR_MIN:
  case EXPR_MAX:
    return eliminate_extremum(proof, atom, sign, &factor, &rest);
  case EXPR_SELECT:
    return outcome(prove_with_expr(proof, &rest, &factor, atom->args[1]) &&
                   prove_with_expr(proof, &rest, &factor, atom->args[2]));
  default:
    return eliminate_constant_range(proof, atom, sign, &factor, &rest);
  }
}

/* The newest atom of the sum that is older than `before`; NULL at the end. */
static const struct expr *next_atom(const struct sum *sum,
                                    const struct expr *before) {
  const struct expr *newest = NULL;
  for (size_t i = 0; i < sum->count; i++) {
    struct atoms atoms;
    if (!monomial_atoms(sum->terms[i].monomial, &atoms))
      continue;
    for (size_t j = 0; j < atoms.count; j++) {
      const struct expr *atom = atoms.data[j];
      if ((!before || atom->id < before->id) &&
          (!newest || atom->id > newest->id))
        newest = atom;
    }
  }
  return newest;
}

static bool prove(struct proof *proof, const struct sum *sum) {
  if (proof->budget <= 0)
    return false;
  proof->budget--;
  struct interval interval = sum_interval(proof->pool, sum);
  if (interval.maximum <= 0)
    return true;
  if (interval.minimum > 0)
    return false;
  for (const struct expr *atom = next_atom(sum, NULL); atom;
       atom = next_atom(sum, atom)) {
    enum outcome result = eliminate(proof, sum, atom);
    if (result != NOT_ELIMINABLE)
      return result == PROVED;
  }
  return false;
}

bool sum_proves_not_positive(struct expr_pool *pool, const struct sum *sum) {
  enum { BUDGET = 100 };
  struct proof proof = {pool, BUDGET};
  return sum_is_exact(pool, sum) && prove(&proof, sum);
}

bool sum_proves_not_negative(struct expr_pool *pool, const struct sum *sum) {
  struct sum negated = sum_of_constant(0);
  return sum_accumulate(&negated, sum, -1) &&
         sum_proves_not_positive(pool, &negated);
}

bool sum_proves_order(struct expr_pool *pool, const struct sum *a,
                      const struct sum *b, int64_t slack) {
  struct sum difference = *a;
  return sum_is_exact(pool, a) && sum_is_exact(pool, b) &&
         sum_accumulate(&difference, b, -1) &&
         int64_add(difference.constant, -slack, &difference.constant) &&
         sum_proves_not_positive(pool, &difference);
}

bool proves_positive(struct expr_pool *pool, const struct expr *e) {
  struct range range = range_of(pool, e);
  if (range.interval.minimum >= 1)
    return true;
  if (range.interval.maximum < 1)
    return false;
  struct sum one_less = sum_of(e);
  return int64_add(one_less.constant, -1, &one_less.constant) &&
         sum_proves_not_negative(pool, &one_less);
}

bool simplify_proves(struct expr_pool *pool, const struct expr *condition) {
  check(condition->dtype == ADZE_BOOL && condition->lanes == 1);
  return expr_is_value(simplify(pool, condition), 1);
}
