/* SPDX-License-Identifier: Apache-2.0 */
/* Polynomials with integer coefficients over atoms: what simplify computes
 * with. Adding and multiplying are exact in wrapping arithmetic as well, so
 * they apply to data; only order and division need more (simplify_prove.c).
 * The limits keep every step at constant cost: index arithmetic has a few
 * terms per dimension, and what is longer stays as it was written.
 */
#include "ir/simplify_sum.h"

#include <string.h>

/* ---- Monomials ----------------------------------------------------------- */

bool monomial_atoms(const struct expr *monomial, struct atoms *out) {
  out->count = 0;
  const struct expr *reversed[MONOMIAL_MAX_ATOMS];
  size_t count = 0;
  while (monomial->kind == EXPR_MUL) {
    if (count + 1 == MONOMIAL_MAX_ATOMS || monomial->args[1]->kind == EXPR_MUL)
      return false;
    reversed[count++] = monomial->args[1];
    monomial = monomial->args[0];
  }
  reversed[count++] = monomial;
  while (count)
    out->data[out->count++] = reversed[--count];
  return true;
}

const struct expr *monomial_build(struct expr_pool *pool,
                                  const struct atoms *atoms) {
  const struct expr *product = atoms->data[0];
  for (size_t i = 1; i < atoms->count; i++)
    product = expr_mul(pool, product, atoms->data[i]);
  return product;
}

static bool atoms_multiply(const struct atoms *a, const struct atoms *b,
                           struct atoms *out) {
  if (a->count + b->count > MONOMIAL_MAX_ATOMS)
    return false;
  size_t i = 0, j = 0;
  out->count = 0;
  while (i < a->count || j < b->count) {
    bool take_a =
        j == b->count || (i < a->count && a->data[i]->id <= b->data[j]->id);
    out->data[out->count++] = take_a ? a->data[i++] : b->data[j++];
  }
  return true;
}

bool atoms_divide(const struct atoms *numerator,
                  const struct atoms *denominator, struct atoms *out) {
  size_t j = 0;
  out->count = 0;
  for (size_t i = 0; i < numerator->count; i++) {
    if (j < denominator->count && numerator->data[i] == denominator->data[j])
      j++;
    else
      out->data[out->count++] = numerator->data[i];
  }
  return j == denominator->count;
}

/* ---- Sums ---------------------------------------------------------------- */

struct sum sum_of_constant(int64_t value) {
  struct sum sum;
  sum.constant = value;
  sum.count = 0;
  return sum;
}

bool sum_add_term(struct sum *sum, const struct expr *monomial,
                  int64_t coefficient) {
  if (coefficient == 0)
    return true;
  size_t at = 0;
  while (at < sum->count && sum->terms[at].monomial->id < monomial->id)
    at++;
  struct term *term = &sum->terms[at];
  if (at < sum->count && term->monomial == monomial) {
    if (!int64_add(term->coefficient, coefficient, &term->coefficient))
      return false;
    if (term->coefficient == 0) {
      sum->count--;
      memmove(term, term + 1, (sum->count - at) * sizeof *term);
    }
    return true;
  }
  if (sum->count == SUM_MAX_TERMS)
    return false;
  memmove(term + 1, term, (sum->count - at) * sizeof *term);
  *term = (struct term){monomial, coefficient};
  sum->count++;
  return true;
}

static bool add_constant(struct sum *sum, int64_t value, int64_t factor) {
  int64_t product;
  return int64_mul(value, factor, &product) &&
         int64_add(sum->constant, product, &sum->constant);
}

bool sum_accumulate(struct sum *sum, const struct sum *other, int64_t factor) {
  if (!add_constant(sum, other->constant, factor))
    return false;
  for (size_t i = 0; i < other->count; i++) {
    int64_t coefficient;
    if (!int64_mul(other->terms[i].coefficient, factor, &coefficient) ||
        !sum_add_term(sum, other->terms[i].monomial, coefficient))
      return false;
  }
  return true;
}

/* Takes e apart on a small stack; false when that or the sum is full. */
static bool take_apart(struct sum *sum, const struct expr *e) {
  struct term stack[SUM_MAX_TERMS];
  size_t depth = 0;
  stack[depth++] = (struct term){e, 1};
  while (depth) {
    struct term top = stack[--depth];
    const struct expr *node = top.monomial;
    if (node->kind == EXPR_INTEGER) {
      if (!add_constant(sum, node->integer, top.coefficient))
        return false;
    } else if (node->kind == EXPR_ADD || node->kind == EXPR_SUB) {
      int64_t right = top.coefficient;
      if ((node->kind == EXPR_SUB && !int64_mul(right, -1, &right)) ||
          depth + 2 > SUM_MAX_TERMS)
        return false;
      stack[depth++] = (struct term){node->args[0], top.coefficient};
      stack[depth++] = (struct term){node->args[1], right};
    } else if (node->kind == EXPR_NEGATE) {
      if (!int64_mul(top.coefficient, -1, &top.coefficient))
        return false;
      stack[depth++] = (struct term){node->args[0], top.coefficient};
    } else if (node->kind == EXPR_MUL && expr_is_integer(node->args[1])) {
      if (!int64_mul(top.coefficient, node->args[1]->integer, &top.coefficient))
        return false;
      stack[depth++] = (struct term){node->args[0], top.coefficient};
    } else if (!sum_add_term(sum, node, top.coefficient)) {
      return false;
    }
  }
  return true;
}

struct sum sum_of(const struct expr *e) {
  struct sum sum = sum_of_constant(0);
  if (!take_apart(&sum, e)) {
    sum = sum_of_constant(0);
    sum_add_term(&sum, e, 1);
  }
  return sum;
}

static const struct expr *scaled(struct expr_pool *pool,
                                 const struct expr *monomial,
                                 int64_t coefficient) {
  return expr_mul(pool, monomial, expr_index(pool, coefficient));
}

const struct expr *sum_build(struct expr_pool *pool, const struct sum *sum) {
  const struct expr *e = NULL;
  for (size_t i = 0; i < sum->count; i++) {
    const struct term *term = &sum->terms[i];
    if (term->coefficient < 0)
      continue;
    const struct expr *node = scaled(pool, term->monomial, term->coefficient);
    e = e ? expr_add(pool, e, node) : node;
  }
  bool constant_first = !e && sum->constant != 0;
  if (constant_first)
    e = expr_index(pool, sum->constant);
  for (size_t i = 0; i < sum->count; i++) {
    const struct term *term = &sum->terms[i];
    if (term->coefficient > 0)
      continue;
    if (e && term->coefficient != INT64_MIN)
      e = expr_sub(pool, e, scaled(pool, term->monomial, -term->coefficient));
    else if (e)
      e = expr_add(pool, e, scaled(pool, term->monomial, term->coefficient));
    else
      e = scaled(pool, term->monomial, term->coefficient);
  }
  if (!e)
    return expr_index(pool, 0);
  return constant_first ? e
                        : expr_add(pool, e, expr_index(pool, sum->constant));
}

/* *sum += coefficient * a * b, where a NULL monomial is 1. */
static bool add_product_term(struct expr_pool *pool, struct sum *sum,
                             const struct expr *a, const struct expr *b,
                             int64_t coefficient) {
  struct atoms left, right, product;
  if (!monomial_atoms(a, &left) || !monomial_atoms(b, &right) ||
      !atoms_multiply(&left, &right, &product))
    return false;
  return sum_add_term(sum, monomial_build(pool, &product), coefficient);
}

bool sum_add_product(struct expr_pool *pool, struct sum *sum,
                     const struct sum *a, const struct sum *b) {
  /* constant * b, then the terms of a times b's constant and terms. */
  if (!sum_accumulate(sum, b, a->constant))
    return false;
  for (size_t i = 0; i < a->count; i++) {
    const struct term *left = &a->terms[i];
    int64_t coefficient;
    if (!int64_mul(left->coefficient, b->constant, &coefficient) ||
        !sum_add_term(sum, left->monomial, coefficient))
      return false;
    for (size_t j = 0; j < b->count; j++)
      if (!int64_mul(left->coefficient, b->terms[j].coefficient,
                     &coefficient) ||
          !add_product_term(pool, sum, left->monomial, b->terms[j].monomial,
                            coefficient))
        return false;
  }
  return true;
}

bool sum_multiply(struct expr_pool *pool, const struct sum *a,
                  const struct sum *b, struct sum *out) {
  *out = sum_of_constant(0);
  return sum_add_product(pool, out, a, b);
}

/* ---- Division ------------------------------------------------------------ */

static bool divide_by_constant(const struct sum *x, int64_t divisor,
                               struct sum *quotient, struct sum *remainder) {
  *quotient = sum_of_constant(floor_div(x->constant, divisor));
  *remainder = sum_of_constant(floor_mod(x->constant, divisor));
  for (size_t i = 0; i < x->count; i++) {
    const struct term *term = &x->terms[i];
    /* Toward zero: a small negative coefficient stays as it is. */
    if (!sum_add_term(quotient, term->monomial, term->coefficient / divisor) ||
        !sum_add_term(remainder, term->monomial, term->coefficient % divisor))
      return false;
  }
  return true;
}

/* The term of the highest degree, the newest among equals. */
static bool leading_term(const struct sum *y, struct term *out,
                         struct atoms *out_atoms) {
  out_atoms->count = 0;
  for (size_t i = 0; i < y->count; i++) {
    struct atoms atoms;
    if (!monomial_atoms(y->terms[i].monomial, &atoms))
      return false;
    if (atoms.count >= out_atoms->count) {
      *out = y->terms[i];
      *out_atoms = atoms;
    }
  }
  return true;
}

/* Finds the first term of `sum` that the leading term divides; *factor is the
 * quotient. False when there is none. */
static bool find_divisible(struct expr_pool *pool, const struct sum *sum,
                           const struct term *lead,
                           const struct atoms *lead_atoms, struct sum *factor) {
  for (size_t i = 0; i < sum->count; i++) {
    struct atoms atoms, rest;
    int64_t coefficient = sum->terms[i].coefficient / lead->coefficient;
    if (coefficient == 0 || !monomial_atoms(sum->terms[i].monomial, &atoms) ||
        !atoms_divide(&atoms, lead_atoms, &rest))
      continue;
    *factor = sum_of_constant(0);
    if (rest.count == 0)
      factor->constant = coefficient;
    else
      sum_add_term(factor, monomial_build(pool, &rest), coefficient);
    return true;
  }
  return false;
}

bool sum_divide(struct expr_pool *pool, const struct sum *x,
                const struct sum *y, struct sum *quotient,
                struct sum *remainder) {
  enum { MAX_STEPS = 64 };
  if (y->count == 0)
    return y->constant > 0 &&
           divide_by_constant(x, y->constant, quotient, remainder);
  struct term lead = {NULL, 0};
  struct atoms lead_atoms;
  /* INT64_MIN / -1 is kept out. */
  if (!leading_term(y, &lead, &lead_atoms) || lead.coefficient == -1)
    return false;
  *quotient = sum_of_constant(0);
  *remainder = *x;
  struct sum factor, product;
  for (int step = 0; step < MAX_STEPS; step++) {
    if (!find_divisible(pool, remainder, &lead, &lead_atoms, &factor))
      return true;
    if (!sum_accumulate(quotient, &factor, 1) ||
        !sum_multiply(pool, &factor, y, &product) ||
        !sum_accumulate(remainder, &product, -1))
      return false;
  }
  return false;
}

bool sum_factor(struct expr_pool *pool, const struct sum *sum,
                const struct expr *atom, struct sum *factor, struct sum *rest) {
  *factor = sum_of_constant(0);
  *rest = sum_of_constant(sum->constant);
  const struct atoms one = {1, {atom}};
  for (size_t i = 0; i < sum->count; i++) {
    const struct term *term = &sum->terms[i];
    struct atoms atoms, without, twice;
    if (!monomial_atoms(term->monomial, &atoms))
      return false;
    if (!atoms_divide(&atoms, &one, &without)) {
      sum_add_term(rest, term->monomial, term->coefficient);
      continue;
    }
    if (atoms_divide(&without, &one, &twice))
      return false;
    if (without.count == 0)
      factor->constant = term->coefficient;
    else if (!sum_add_term(factor, monomial_build(pool, &without),
                           term->coefficient))
      return false;
  }
  return true;
}
