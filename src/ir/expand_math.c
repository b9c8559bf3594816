/* SPDX-License-Identifier: Apache-2.0 */
/* Expansion of transcendental functions: the walk, and what the formulas share.
 *
 * All formulas are free of branches and tables: both sides of every select are
 * safe, so they work on vectors as they stand. Coefficients are minimax fits
 * made for this project; the bound of each function stands at its formula, in
 * units in the last place of the result, with and without FMA.
 */
#include "ir/expand_math.h"

#include "ir/expand_math_build.h"

math_expr math_multiply_add(const struct math *m, math_expr a, math_expr b,
                            math_expr c) {
  if (m->fused)
    return expr_fma(m->pool, a, b, c);
  return math_add(m, math_mul(m, a, b), c);
}

math_expr math_polynomial(const struct math *m, math_expr x, const double *c,
                          size_t count) {
  math_expr sum = math_real(m, c[count - 1]);
  for (size_t i = count - 1; i-- > 0;)
    sum = math_multiply_add(m, sum, x, math_real(m, c[i]));
  return sum;
}

static math_expr sign_bit(const struct math *m) {
  return math_integer(m, math_is_double(m) ? INT64_MIN : INT32_MIN);
}

math_expr math_with_sign_of(const struct math *m, math_expr magnitude,
                            math_expr x) {
  math_expr sign = math_op(m, EXPR_AND, math_bits(m, x), sign_bit(m));
  return math_from_bits(m, math_op(m, EXPR_OR, math_bits(m, magnitude), sign));
}

math_expr math_negate_where(const struct math *m, math_expr condition,
                            math_expr x) {
  return math_select(m, condition, math_unary(m, EXPR_NEGATE, x), x);
}

static bool is_half(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16;
}

struct expansion {
  struct expr_pool *pool;
  bool fused;
};

static const struct expr *expand_node(void *context, const struct expr *e) {
  const struct expansion *expansion = context;
  const struct math m = {expansion->pool, e->dtype, expansion->fused};
  switch ((int)e->kind) {
#define FUNCTION(KIND, name)                                                   \
  case EXPR_##KIND:                                                            \
    return math_##name(&m, e->args[0]);
    FUNCTION(EXP, exp)
    FUNCTION(LOG, log)
    FUNCTION(SIN, sin)
    FUNCTION(COS, cos)
    FUNCTION(TAN, tan)
    FUNCTION(ASIN, asin)
    FUNCTION(ACOS, acos)
    FUNCTION(ATAN, atan)
    FUNCTION(SINH, sinh)
    FUNCTION(COSH, cosh)
    FUNCTION(TANH, tanh)
    FUNCTION(ASINH, asinh)
    FUNCTION(ACOSH, acosh)
    FUNCTION(ATANH, atanh)
    FUNCTION(ERF, erf)
#undef FUNCTION
  case EXPR_POW:
    return math_pow(&m, e->args[0], e->args[1]);
  case EXPR_CAST: /* between a half format and f32, the makers see to that */
    if (is_half(e->dtype))
      return math_to_half(expansion->pool, e->dtype, e->args[0]);
    if (is_half(e->args[0]->dtype))
      return math_from_half(expansion->pool, e->args[0]);
    return e;
  default:
    return e;
  }
}

const struct expr *expand_math(struct expr_pool *pool, const struct expr *e,
                               bool fused) {
  struct expansion expansion = {pool, fused};
  return expr_map(pool, e, expand_node, &expansion);
}
