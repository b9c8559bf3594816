/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic bounds while some variables run: what compute_at needs of a
 * producer.
 *
 * The simplified expression is a sum; each term with running variables must be
 * one atom with running variables times a factor without, whose sign can be
 * proved. Atoms are bounded by monotony: divisions by a fixed positive number,
 * minima and maxima; a modulo is exact where its quotient does not change and
 * [0, y) otherwise. Anything else is not quasi-affine.
 */
#include "ir/simplify_sum.h"

enum { MAX_DEPTH = 64 };

struct bounding {
  struct expr_pool *pool;
  const struct variable *const *running;
  size_t count;
  int depth;
};

struct bounds {
  const struct expr *minimum, *maximum;
};

static bool bound(struct bounding *bounding, const struct expr *e,
                  struct bounds *out);

static bool is_fixed(const struct bounding *bounding, const struct expr *e) {
  for (size_t i = 0; i < bounding->count; i++)
    if (expr_uses_variable(bounding->pool, e, bounding->running[i]))
      return false;
  return true;
}

static bool bound_variable(const struct bounding *bounding,
                           const struct expr *e, struct bounds *out) {
  const struct expr *extent = e->variable->extent;
  if (!extent)
    return false;
  out->minimum = expr_index(bounding->pool, 0);
  out->maximum =
      expr_sub(bounding->pool, extent, expr_index(bounding->pool, 1));
  return true;
}

static bool bound_division(struct bounding *bounding, const struct expr *e,
                           struct bounds *out) {
  struct expr_pool *pool = bounding->pool;
  const struct expr *y = e->args[1];
  struct bounds x;
  if (!is_fixed(bounding, y) || !proves_positive(pool, y) ||
      !bound(bounding, e->args[0], &x))
    return false;
  const struct expr *first = simplify(pool, expr_floor_div(pool, x.minimum, y));
  const struct expr *last = simplify(pool, expr_floor_div(pool, x.maximum, y));
  if (e->kind == EXPR_FLOOR_DIV) {
    *out = (struct bounds){first, last};
  } else if (first == last) {
    const struct expr *start = expr_mul(pool, first, y);
    *out = (struct bounds){expr_sub(pool, x.minimum, start),
                           expr_sub(pool, x.maximum, start)};
  } else {
    *out = (struct bounds){expr_index(pool, 0),
                           expr_sub(pool, y, expr_index(pool, 1))};
  }
  return true;
}

/* Both arguments from `first` on: of a minimum, maximum or select. */
static bool bound_pair(struct bounding *bounding, const struct expr *e,
                       size_t first, struct bounds *out) {
  struct expr_pool *pool = bounding->pool;
  struct bounds a, b;
  if (!bound(bounding, e->args[first], &a) ||
      !bound(bounding, e->args[first + 1], &b))
    return false;
  enum expr_kind low = e->kind == EXPR_MAX ? EXPR_MAX : EXPR_MIN;
  enum expr_kind high = e->kind == EXPR_MIN ? EXPR_MIN : EXPR_MAX;
  out->minimum = expr_binary(pool, low, a.minimum, b.minimum);
  out->maximum = expr_binary(pool, high, a.maximum, b.maximum);
  return true;
}

static bool bound_atom(struct bounding *bounding, const struct expr *e,
                       struct bounds *out) {
  switch ((int)e->kind) {
  case EXPR_VARIABLE:
    return bound_variable(bounding, e, out);
  case EXPR_FLOOR_DIV:
  case EXPR_FLOOR_MOD:
    return bound_division(bounding, e, out);
  case EXPR_MIN:
  case EXPR_MAX:
    return bound_pair(bounding, e, 0, out);
  case EXPR_SELECT:
    return bound_pair(bounding, e, 1, out);
  default:
    return false;
  }
}

/* The one atom of a monomial with running variables; NULL: there are more. */
static const struct expr *running_atom(const struct bounding *bounding,
                                       const struct expr *monomial) {
  struct atoms atoms;
  const struct expr *found = NULL;
  if (!monomial_atoms(monomial, &atoms))
    return NULL;
  for (size_t i = 0; i < atoms.count; i++) {
    if (is_fixed(bounding, atoms.data[i]))
      continue;
    if (found)
      return NULL;
    found = atoms.data[i];
  }
  return found;
}

/* Takes one running atom with its factor out of `rest` and adds its bounds. */
static bool bound_term(struct bounding *bounding, struct sum *rest,
                       const struct expr *atom, struct bounds *out) {
  struct expr_pool *pool = bounding->pool;
  struct sum factor, others;
  struct bounds range;
  if (!sum_factor(pool, rest, atom, &factor, &others))
    return false;
  const struct expr *factor_node = sum_build(pool, &factor);
  if (!is_fixed(bounding, factor_node) || !bound_atom(bounding, atom, &range))
    return false;
  bool negative = !sum_proves_not_negative(pool, &factor);
  if (negative && !sum_proves_not_positive(pool, &factor))
    return false;
  out->minimum = expr_add(
      pool, out->minimum,
      expr_mul(pool, factor_node, negative ? range.maximum : range.minimum));
  out->maximum = expr_add(
      pool, out->maximum,
      expr_mul(pool, factor_node, negative ? range.minimum : range.maximum));
  *rest = others;
  return true;
}

static bool bound_sum(struct bounding *bounding, const struct expr *e,
                      struct bounds *out) {
  struct expr_pool *pool = bounding->pool;
  struct sum rest = sum_of(e);
  *out = (struct bounds){expr_index(pool, 0), expr_index(pool, 0)};
  for (size_t i = 0; i < rest.count;) {
    if (is_fixed(bounding, rest.terms[i].monomial)) {
      i++;
      continue;
    }
    const struct expr *atom = running_atom(bounding, rest.terms[i].monomial);
    if (!atom || !bound_term(bounding, &rest, atom, out))
      return false;
    i = 0; /* several terms may have gone */
  }
  const struct expr *fixed = sum_build(pool, &rest);
  out->minimum = simplify(pool, expr_add(pool, out->minimum, fixed));
  out->maximum = simplify(pool, expr_add(pool, out->maximum, fixed));
  return true;
}

static bool bound(struct bounding *bounding, const struct expr *e,
                  struct bounds *out) {
  if (is_fixed(bounding, e)) {
    *out = (struct bounds){e, e};
    return true;
  }
  if (bounding->depth == MAX_DEPTH)
    return false;
  bounding->depth++;
  bool known = bound_sum(bounding, e, out);
  bounding->depth--;
  return known;
}

bool simplify_bounds(struct expr_pool *pool, const struct expr *e,
                     const struct variable *const *running, size_t count,
                     const struct expr **minimum, const struct expr **maximum) {
  const struct expr *simple = simplify(pool, e);
  struct bounding bounding = {pool, running, count, 0};
  struct bounds bounds;
  if (simple->dtype != ADZE_I64 || simple->lanes != 1 ||
      !bound(&bounding, simple, &bounds))
    return false;
  /* An extent may depend on another running variable. */
  if (!is_fixed(&bounding, bounds.minimum) ||
      !is_fixed(&bounding, bounds.maximum))
    return false;
  *minimum = bounds.minimum;
  *maximum = bounds.maximum;
  return true;
}
