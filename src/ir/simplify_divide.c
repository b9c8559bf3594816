/* SPDX-License-Identifier: Apache-2.0 */
/* Floor division and modulo of sums, by constants and by symbols.
 *
 * For y >= 1, x is written as y*Q + R by polynomial division; then
 *   x floordiv y = Q + R floordiv y,   x floormod y = R floormod y.
 * What R contributes is found by, in this order: its range (0 <= R < y gives 0
 * and R), a common factor g of y and some terms whose rest lies in [0, g)
 * (then g can be divided out), and nested divisions. Quotient and remainder
 * are always reduced alike, so that sum_recompose finds them together again.
 * Index arithmetic is taken not to overflow; data only where ranges exclude it.
 */
#include "ir/simplify_sum.h"

/* What is being divided: x = y*quotient + rest. */
struct division {
  struct expr_pool *pool;
  const struct expr *y;
  struct sum divisor; /* y taken apart */
  struct sum quotient, rest;
  bool is_modulo;
};

static const struct expr *atom(const struct division *division) {
  const struct expr *rest = sum_build(division->pool, &division->rest);
  return expr_binary(division->pool,
                     division->is_modulo ? EXPR_FLOOR_MOD : EXPR_FLOOR_DIV,
                     rest, division->y);
}

/* The result for quotient + value of the rest's quotient, or the rest's
 * remainder `value`; NULL when it doesn't fit a sum. */
static const struct expr *quotient_plus(const struct division *division,
                                        const struct expr *value) {
  if (division->is_modulo)
    return value;
  struct sum sum = division->quotient, part = sum_of(value);
  if (!sum_accumulate(&sum, &part, 1))
    return NULL;
  return sum_build(division->pool, &sum);
}

/* Whether 0 <= sum < divisor (*out = 0) or -divisor <= sum < 0 (*out = -1). */
static bool small_quotient(struct expr_pool *pool, const struct sum *sum,
                           const struct sum *divisor, struct interval interval,
                           int64_t *out) {
  if (interval.maximum < 0) {
    struct sum shifted = *sum;
    *out = -1;
    return sum_accumulate(&shifted, divisor, 1) &&
           sum_proves_not_negative(pool, &shifted);
  }
  *out = 0;
  return (interval.minimum >= 0 || sum_proves_not_negative(pool, sum)) &&
         sum_proves_order(pool, sum, divisor, -1);
}

/* floor(sum / divisor) when it is one constant over all of sum's range. */
static bool constant_quotient(struct expr_pool *pool, const struct sum *sum,
                              const struct sum *divisor, int64_t *out) {
  struct interval interval = sum_interval(pool, sum);
  if (divisor->count == 0 && interval_is_finite(interval)) {
    *out = floor_div(interval.minimum, divisor->constant);
    if (*out == floor_div(interval.maximum, divisor->constant))
      return true;
    if (sum->count == 1) /* its terms cannot cancel each other */
      return false;
  }
  return small_quotient(pool, sum, divisor, interval, out);
}

static const struct expr *by_range(const struct division *division) {
  int64_t quotient;
  if (!constant_quotient(division->pool, &division->rest, &division->divisor,
                         &quotient))
    return NULL;
  struct sum result = division->is_modulo ? division->rest : division->quotient;
  if (!division->is_modulo) {
    if (!int64_add(result.constant, quotient, &result.constant))
      return NULL;
  } else if (quotient == INT64_MIN ||
             !sum_accumulate(&result, &division->divisor, -quotient)) {
    return NULL;
  }
  return sum_build(division->pool, &result);
}

/* With rest = g*multiple + small and 0 <= small < g, y = g*reduced:
 * rest/y = multiple/reduced, rest mod y = g*(multiple mod reduced) + small. */
static const struct expr *by_factor(const struct division *division,
                                    const struct sum *factor,
                                    const struct sum *reduced) {
  struct expr_pool *pool = division->pool;
  struct sum multiple = sum_of_constant(0), small = sum_of_constant(0);
  const struct sum *rest = &division->rest;
  for (size_t i = 0; i < rest->count; i++) {
    struct sum term = sum_of_constant(0), quotient, remainder;
    sum_add_term(&term, rest->terms[i].monomial, rest->terms[i].coefficient);
    bool divides = sum_divide(pool, &term, factor, &quotient, &remainder) &&
                   remainder.count == 0 && remainder.constant == 0;
    if (!sum_accumulate(divides ? &multiple : &small,
                        divides ? &quotient : &term, 1))
      return NULL;
  }
  if (multiple.count == 0)
    return NULL;
  small.constant = rest->constant;
  int64_t steps;
  if (!constant_quotient(pool, &small, factor, &steps) || steps == INT64_MIN ||
      !sum_accumulate(&small, factor, -steps) ||
      !int64_add(multiple.constant, steps, &multiple.constant))
    return NULL;
  const struct expr *part =
      simplify_divide(pool, sum_build(pool, &multiple),
                      sum_build(pool, reduced), division->is_modulo);
  if (!division->is_modulo)
    return quotient_plus(division, part);
  struct sum scaled = sum_of(part);
  if (!sum_add_product(pool, &small, &scaled, factor))
    return NULL;
  return sum_build(pool, &small);
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? -a : a;
}

/* The largest common factor of a constant y and a coefficient first. */
static const struct expr *by_constant_factors(const struct division *division) {
  const struct sum *rest = &division->rest;
  int64_t y = division->divisor.constant;
  for (int64_t below = y;;) {
    int64_t best = 1;
    for (size_t i = 0; i < rest->count; i++) {
      int64_t common = gcd(y, rest->terms[i].coefficient);
      if (common < below && common > best)
        best = common;
    }
    if (best == 1)
      return NULL;
    struct sum factor = sum_of_constant(best);
    struct sum reduced = sum_of_constant(y / best);
    const struct expr *result = by_factor(division, &factor, &reduced);
    if (result)
      return result;
    below = best;
  }
}

/* y is one product; its factors tried are each atom, what is left without it,
 * and the coefficient. */
static const struct expr *by_symbolic_factors(const struct division *division) {
  struct expr_pool *pool = division->pool;
  const struct term *term = &division->divisor.terms[0];
  struct atoms atoms, without;
  if (division->divisor.count != 1 || division->divisor.constant != 0 ||
      !monomial_atoms(term->monomial, &atoms))
    return NULL;
  for (size_t i = 0; i < atoms.count; i++) {
    struct atoms single = {1, {atoms.data[i]}};
    if (!atoms_divide(&atoms, &single, &without) ||
        !proves_positive(pool, atoms.data[i]))
      continue;
    struct sum one = sum_of_constant(0), others = sum_of_constant(0);
    sum_add_term(&one, atoms.data[i], 1);
    if (without.count == 0)
      others.constant = term->coefficient;
    else
      sum_add_term(&others, monomial_build(pool, &without), term->coefficient);
    if (others.count == 0 && others.constant == 1)
      continue;
    const struct expr *result = by_factor(division, &others, &one);
    if (!result)
      result = by_factor(division, &one, &others);
    if (result)
      return result;
  }
  if (term->coefficient < 2)
    return NULL;
  struct sum coefficient = sum_of_constant(term->coefficient);
  struct sum monomial = sum_of_constant(0);
  sum_add_term(&monomial, term->monomial, 1);
  return by_factor(division, &coefficient, &monomial);
}

/* (z floordiv a + k) floordiv y is (z + k*a) floordiv (a*y). */
static const struct expr *nested_quotient(const struct division *division,
                                          const struct expr *inner) {
  struct expr_pool *pool = division->pool;
  if (division->is_modulo || !proves_positive(pool, inner->args[1]))
    return NULL;
  struct sum z = sum_of(inner->args[0]), a = sum_of(inner->args[1]);
  struct sum product;
  if (!sum_accumulate(&z, &a, division->rest.constant) ||
      !sum_multiply(pool, &a, &division->divisor, &product))
    return NULL;
  return quotient_plus(division,
                       simplify_divide(pool, sum_build(pool, &z),
                                       sum_build(pool, &product), false));
}

/* (z floormod (y*m)) floordiv y is (z floordiv y) floormod m, and modulo y it
 * is z floormod y. */
static const struct expr *nested_modulo(const struct division *division,
                                        const struct expr *inner) {
  struct expr_pool *pool = division->pool;
  struct sum a = sum_of(inner->args[1]), factor, remainder;
  if (division->rest.constant != 0 || !proves_positive(pool, inner->args[1]) ||
      !sum_divide(pool, &a, &division->divisor, &factor, &remainder) ||
      remainder.count != 0 || remainder.constant != 0)
    return NULL;
  const struct expr *part =
      simplify_divide(pool, inner->args[0], division->y, division->is_modulo);
  if (division->is_modulo)
    return part;
  return quotient_plus(
      division, simplify_divide(pool, part, sum_build(pool, &factor), true));
}

/* k*(z floormod a) in the rest of a modulo by y is k*z when y divides k*a. */
static const struct expr *modulo_of_modulo(const struct division *division) {
  struct expr_pool *pool = division->pool;
  const struct sum *rest = &division->rest;
  for (size_t i = 0; i < rest->count; i++) {
    const struct term *term = &rest->terms[i];
    if (term->monomial->kind != EXPR_FLOOR_MOD)
      continue;
    struct sum a = sum_of(term->monomial->args[1]), period;
    struct sum quotient, remainder, z = sum_of(term->monomial->args[0]);
    period = sum_of_constant(0);
    if (!sum_accumulate(&period, &a, term->coefficient) ||
        !sum_divide(pool, &period, &division->divisor, &quotient, &remainder) ||
        remainder.count != 0 || remainder.constant != 0)
      continue;
    struct sum changed = *rest;
    if (!sum_add_term(&changed, term->monomial, -term->coefficient) ||
        !sum_accumulate(&changed, &z, term->coefficient) ||
        !sum_is_exact(pool, &changed))
      continue;
    return simplify_divide(pool, sum_build(pool, &changed), division->y, true);
  }
  return NULL;
}

static const struct expr *by_nesting(const struct division *division) {
  const struct sum *rest = &division->rest;
  const struct expr *result = NULL;
  if (rest->count == 1 && rest->terms[0].coefficient == 1) {
    const struct expr *inner = rest->terms[0].monomial;
    if (inner->kind == EXPR_FLOOR_DIV)
      result = nested_quotient(division, inner);
    else if (inner->kind == EXPR_FLOOR_MOD)
      result = nested_modulo(division, inner);
  }
  if (!result && division->is_modulo)
    result = modulo_of_modulo(division);
  return result;
}

const struct expr *simplify_divide(struct expr_pool *pool, const struct expr *x,
                                   const struct expr *y, bool is_modulo) {
  struct division division = {.pool = pool, .y = y, .is_modulo = is_modulo};
  const struct expr *as_written =
      expr_binary(pool, is_modulo ? EXPR_FLOOR_MOD : EXPR_FLOOR_DIV, x, y);
  if (as_written->kind == EXPR_INTEGER || as_written == x)
    return as_written;
  struct sum numerator = sum_of(x);
  division.divisor = sum_of(y);
  if (!proves_positive(pool, y) || !sum_is_exact(pool, &numerator) ||
      !sum_divide(pool, &numerator, &division.divisor, &division.quotient,
                  &division.rest))
    return as_written;
  const struct expr *result = by_range(&division);
  if (!result)
    result = division.divisor.count == 0 ? by_constant_factors(&division)
                                         : by_symbolic_factors(&division);
  if (!result)
    result = by_nesting(&division);
  if (!result)
    result = quotient_plus(&division, atom(&division));
  return result ? result : as_written;
}

/* ---- Recomposition ------------------------------------------------------- */

static bool is_division(const struct expr *atom) {
  return atom->kind == EXPR_FLOOR_DIV || atom->kind == EXPR_FLOOR_MOD;
}

static bool has_division(const struct expr *monomial) {
  struct atoms atoms;
  if (!monomial_atoms(monomial, &atoms))
    return false;
  for (size_t i = 0; i < atoms.count; i++)
    if (is_division(atoms.data[i]))
      return true;
  return false;
}

static size_t count_divisions(const struct sum *sum) {
  size_t count = 0;
  for (size_t i = 0; i < sum->count; i++)
    count += has_division(sum->terms[i].monomial);
  return count;
}

/* factor*(x floormod y) is factor*x - factor*y*(x floordiv y): taken when that
 * meets a term which cancels the quotient. */
static bool recompose_atom(struct expr_pool *pool, struct sum *sum,
                           const struct expr *modulo) {
  struct sum factor, changed, product;
  if (!sum_factor(pool, sum, modulo, &factor, &changed))
    return false;
  const struct expr *quotient =
      simplify_divide(pool, modulo->args[0], modulo->args[1], false);
  struct sum x = sum_of(modulo->args[0]), y = sum_of(modulo->args[1]);
  struct sum quotient_sum = sum_of(quotient);
  if (!sum_multiply(pool, &y, &quotient_sum, &product) ||
      !sum_accumulate(&x, &product, -1) ||
      !sum_add_product(pool, &changed, &factor, &x) ||
      count_divisions(&changed) >= count_divisions(sum))
    return false;
  *sum = changed;
  return true;
}

/* One change, or false. */
static bool recompose_once(struct expr_pool *pool, struct sum *sum) {
  for (size_t i = 0; i < sum->count; i++) {
    struct atoms atoms;
    if (!monomial_atoms(sum->terms[i].monomial, &atoms))
      continue;
    for (size_t j = 0; j < atoms.count; j++)
      if (atoms.data[j]->kind == EXPR_FLOOR_MOD &&
          recompose_atom(pool, sum, atoms.data[j]))
        return true;
  }
  return false;
}

void sum_recompose(struct expr_pool *pool, struct sum *sum) {
  /* Every change removes a division, hence the end. */
  while (count_divisions(sum) >= 2 && recompose_once(pool, sum))
    continue;
}
