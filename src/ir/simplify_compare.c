/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons, minima and maxima, and conditions.
 *
 * A comparison of i64 becomes one of the difference d of its sides with 0. When
 * no range decides it, d is divided by the common divisor of its coefficients
 * and written with positive terms on both sides, so that equal conditions are
 * one node. `a <= b` becomes `a < b + 1`, which index arithmetic allows.
 * Minima are flattened, members that another one bounds are dropped.
 */
#include "ir/simplify_sum.h"

/* ---- Comparisons --------------------------------------------------------- */

/* Of dtypes other than i64, by range only. */
static const struct expr *compare_by_range(struct expr_pool *pool,
                                           const struct expr *e) {
  enum adze_dtype dtype = e->args[0]->dtype;
  if (dtype_is_float(dtype) || dtype == ADZE_U64)
    return NULL;
  struct interval a = range_of(pool, e->args[0]).interval;
  struct interval b = range_of(pool, e->args[1]).interval;
  bool below = a.maximum < b.minimum, above = b.maximum < a.minimum;
  switch ((int)e->kind) {
  case EXPR_LESS:
    return below                    ? expr_bool(pool, true)
           : a.minimum >= b.maximum ? expr_bool(pool, false)
                                    : NULL;
  case EXPR_LESS_EQUAL:
    return a.maximum <= b.minimum ? expr_bool(pool, true)
           : above                ? expr_bool(pool, false)
                                  : NULL;
  default:
    return below || above ? expr_bool(pool, e->kind == EXPR_NOT_EQUAL) : NULL;
  }
}

/* The common divisor of the coefficients; 0 without terms, 1 with one that has
 * no opposite. */
static int64_t common_divisor(const struct sum *sum) {
  int64_t result = 0;
  for (size_t i = 0; i < sum->count; i++) {
    int64_t a = result, b = sum->terms[i].coefficient;
    if (b == INT64_MIN)
      return 1;
    while (b) {
      int64_t rest = a % b;
      a = b;
      b = rest;
    }
    result = a < 0 ? -a : a;
  }
  return result;
}

/* left and right sides with positive coefficients, sum = left - right; the
 * constant goes right, or left where that has no terms. */
static bool split_sides(const struct sum *sum, struct sum *left,
                        struct sum *right) {
  *left = sum_of_constant(0);
  *right = sum_of_constant(0);
  for (size_t i = 0; i < sum->count; i++) {
    const struct term *term = &sum->terms[i];
    bool positive = term->coefficient > 0;
    int64_t coefficient;
    if (!int64_mul(term->coefficient, positive ? 1 : -1, &coefficient))
      return false;
    sum_add_term(positive ? left : right, term->monomial, coefficient);
  }
  if (left->count == 0) {
    left->constant = sum->constant;
    return true;
  }
  return int64_mul(sum->constant, -1, &right->constant);
}

static const struct expr *build_comparison(struct expr_pool *pool,
                                           enum expr_kind kind,
                                           const struct sum *difference) {
  struct sum left, right;
  if (!split_sides(difference, &left, &right))
    return NULL;
  return expr_binary(pool, kind, sum_build(pool, &left),
                     sum_build(pool, &right));
}

static bool proves_negative(struct expr_pool *pool, const struct sum *sum) {
  struct sum shifted = *sum;
  return int64_add(shifted.constant, 1, &shifted.constant) &&
         sum_proves_not_positive(pool, &shifted);
}

/* difference < 0 */
static const struct expr *simplify_less(struct expr_pool *pool,
                                        struct sum *difference) {
  if (proves_negative(pool, difference))
    return expr_bool(pool, true);
  if (sum_proves_not_negative(pool, difference))
    return expr_bool(pool, false);
  int64_t divisor = common_divisor(difference);
  if (divisor > 1) { /* g*x + c < 0 is x + floor(c/g) < 0 */
    difference->constant = floor_div(difference->constant, divisor);
    for (size_t i = 0; i < difference->count; i++)
      difference->terms[i].coefficient /= divisor;
  }
  return build_comparison(pool, EXPR_LESS, difference);
}

/* difference == 0 or != 0 */
static const struct expr *simplify_equal(struct expr_pool *pool,
                                         enum expr_kind kind, bool is_exact,
                                         struct sum *difference) {
  bool is_equal = difference->count == 0 && difference->constant == 0;
  if (difference->count == 0) /* holds for wrapped differences as well */
    return expr_bool(pool, is_equal == (kind == EXPR_EQUAL));
  if (!is_exact)
    return NULL;
  struct sum negated = sum_of_constant(0);
  int64_t divisor = common_divisor(difference);
  if (!sum_accumulate(&negated, difference, -1))
    return NULL;
  if (proves_negative(pool, difference) || proves_negative(pool, &negated) ||
      difference->constant % divisor != 0)
    return expr_bool(pool, kind == EXPR_NOT_EQUAL);
  /* The oldest term stands left. */
  if (difference->terms[0].coefficient < 0)
    *difference = negated;
  difference->constant /= divisor;
  for (size_t i = 0; i < difference->count; i++)
    difference->terms[i].coefficient /= divisor;
  return build_comparison(pool, kind, difference);
}

const struct expr *simplify_compare(struct expr_pool *pool,
                                    const struct expr *e) {
  if (e->args[0]->dtype != ADZE_I64)
    return compare_by_range(pool, e);
  struct sum difference = sum_of(e->args[0]), right = sum_of(e->args[1]);
  bool is_exact = sum_is_exact(pool, &difference) && sum_is_exact(pool, &right);
  if (!sum_accumulate(&difference, &right, -1))
    return compare_by_range(pool, e);
  if (e->kind == EXPR_EQUAL || e->kind == EXPR_NOT_EQUAL)
    return simplify_equal(pool, e->kind, is_exact, &difference);
  if (!is_exact)
    return compare_by_range(pool, e);
  if (e->kind == EXPR_LESS_EQUAL &&
      !int64_add(difference.constant, -1, &difference.constant))
    return compare_by_range(pool, e);
  return simplify_less(pool, &difference);
}

/* ---- Flat lists of one kind ---------------------------------------------- */

enum { MAX_MEMBERS = 12 };

struct members {
  size_t count;
  const struct expr *data[MAX_MEMBERS]; /* in order, each once */
};

/* Older ones first, but numbers last: how old one is depends on what else was
 * made in the pool. */
static bool precedes(const struct expr *a, const struct expr *b) {
  bool a_is_number = expr_is_integer(a), b_is_number = expr_is_integer(b);
  return a_is_number != b_is_number ? b_is_number : a->id < b->id;
}

/* False when there are too many. */
static bool add_member(struct members *members, const struct expr *e) {
  size_t at = 0;
  while (at < members->count && precedes(members->data[at], e))
    at++;
  if (at < members->count && members->data[at] == e)
    return true;
  if (members->count == MAX_MEMBERS)
    return false;
  for (size_t i = members->count++; i > at; i--)
    members->data[i] = members->data[i - 1];
  members->data[at] = e;
  return true;
}

static bool flatten(struct members *members, enum expr_kind kind,
                    const struct expr *e) {
  const struct expr *pending[MAX_MEMBERS];
  size_t count = 0;
  pending[count++] = e;
  while (count) {
    e = pending[--count];
    if (e->kind != kind) {
      if (!add_member(members, e))
        return false;
    } else {
      if (count + 2 > MAX_MEMBERS)
        return false;
      pending[count++] = e->args[0];
      pending[count++] = e->args[1];
    }
  }
  return true;
}

static void remove_member(struct members *members, size_t at) {
  members->count--;
  for (; at < members->count; at++)
    members->data[at] = members->data[at + 1];
}

static const struct expr *build_members(struct expr_pool *pool,
                                        enum expr_kind kind,
                                        const struct members *members) {
  const struct expr *e = members->data[0];
  for (size_t i = 1; i < members->count; i++)
    e = expr_binary(pool, kind, e, members->data[i]);
  return e;
}

/* Removes each member for which another stays that makes it superfluous. */
static void drop_members(struct expr_pool *pool, struct members *members,
                         enum expr_kind kind,
                         bool (*is_superfluous)(struct expr_pool *pool,
                                                enum expr_kind kind,
                                                const struct expr *member,
                                                const struct expr *other)) {
  for (size_t i = members->count; i-- > 0;)
    for (size_t j = 0; j < members->count; j++)
      if (i != j &&
          is_superfluous(pool, kind, members->data[i], members->data[j])) {
        remove_member(members, i);
        break;
      }
}

/* ---- Minima and maxima --------------------------------------------------- */

static bool is_bounded(struct expr_pool *pool, enum expr_kind kind,
                       const struct expr *member, const struct expr *other) {
  struct sum a = sum_of(kind == EXPR_MIN ? other : member);
  struct sum b = sum_of(kind == EXPR_MIN ? member : other);
  return sum_proves_order(pool, &a, &b, 0);
}

const struct expr *simplify_extremum(struct expr_pool *pool,
                                     const struct expr *e) {
  struct members members = {0};
  if (!flatten(&members, e->kind, e))
    return NULL;
  drop_members(pool, &members, e->kind, is_bounded);
  return build_members(pool, e->kind, &members);
}

/* ---- Conditions ---------------------------------------------------------- */

/* Of comparisons `terms + c < 0` that differ in c, `and` wants the largest. */
static bool is_implied(struct expr_pool *pool, enum expr_kind kind,
                       const struct expr *member, const struct expr *other) {
  if (member->kind != EXPR_LESS || other->kind != EXPR_LESS ||
      member->args[0]->dtype != ADZE_I64 || other->args[0]->dtype != ADZE_I64)
    return false;
  struct sum a = sum_of(member->args[0]), b = sum_of(other->args[0]);
  struct sum a_right = sum_of(member->args[1]);
  struct sum b_right = sum_of(other->args[1]);
  if (!sum_is_exact(pool, &a) || !sum_is_exact(pool, &b) ||
      !sum_is_exact(pool, &a_right) || !sum_is_exact(pool, &b_right) ||
      !sum_accumulate(&a, &a_right, -1) || !sum_accumulate(&a, &b, -1) ||
      !sum_accumulate(&a, &b_right, 1) || a.count != 0)
    return false;
  return kind == EXPR_AND ? a.constant < 0 : a.constant > 0;
}

const struct expr *simplify_logic(struct expr_pool *pool,
                                  const struct expr *e) {
  if (e->kind != EXPR_AND && e->kind != EXPR_OR)
    return NULL;
  struct members members = {0};
  if (!flatten(&members, e->kind, e))
    return NULL;
  drop_members(pool, &members, e->kind, is_implied);
  return build_members(pool, e->kind, &members);
}
