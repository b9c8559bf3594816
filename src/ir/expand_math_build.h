/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of ir/expand_math.h: short builders, so that formulas read as such.
 * Constants are scalars; the makers give them the lanes of what stands beside
 * them. */
#ifndef IR_EXPAND_MATH_BUILD_H
#define IR_EXPAND_MATH_BUILD_H

#include "ir/expr.h"

typedef const struct expr *math_expr;

struct math {
  struct expr_pool *pool;
  enum adze_dtype real; /* F32 or F64: what is computed in */
  bool fused;
};

static inline bool math_is_double(const struct math *m) {
  return m->real == ADZE_F64;
}
static inline enum adze_dtype math_bits_dtype(const struct math *m) {
  return math_is_double(m) ? ADZE_I64 : ADZE_I32;
}

static inline math_expr math_real(const struct math *m, double value) {
  return expr_real(m->pool, m->real, value);
}
/* An integer as wide as the reals. */
static inline math_expr math_integer(const struct math *m, int64_t value) {
  return expr_integer(m->pool, math_bits_dtype(m), value);
}
/* One of two constants by precision. */
static inline math_expr math_either(const struct math *m, double single,
                                    double wide) {
  return math_real(m, math_is_double(m) ? wide : single);
}

static inline math_expr math_add(const struct math *m, math_expr a,
                                 math_expr b) {
  return expr_add(m->pool, a, b);
}
static inline math_expr math_sub(const struct math *m, math_expr a,
                                 math_expr b) {
  return expr_sub(m->pool, a, b);
}
static inline math_expr math_mul(const struct math *m, math_expr a,
                                 math_expr b) {
  return expr_mul(m->pool, a, b);
}
static inline math_expr math_div(const struct math *m, math_expr a,
                                 math_expr b) {
  return expr_binary(m->pool, EXPR_DIV, a, b);
}
static inline math_expr math_op(const struct math *m, enum expr_kind kind,
                                math_expr a, math_expr b) {
  return expr_binary(m->pool, kind, a, b);
}
static inline math_expr math_unary(const struct math *m, enum expr_kind kind,
                                   math_expr a) {
  return expr_unary(m->pool, kind, a);
}
static inline math_expr math_abs(const struct math *m, math_expr a) {
  return expr_unary(m->pool, EXPR_ABS, a);
}
static inline math_expr math_less(const struct math *m, math_expr a,
                                  math_expr b) {
  return expr_less(m->pool, a, b);
}
static inline math_expr math_select(const struct math *m, math_expr condition,
                                    math_expr yes, math_expr no) {
  return expr_select(m->pool, condition, yes, no);
}
static inline math_expr math_bits(const struct math *m, math_expr a) {
  return expr_bitcast(m->pool, math_bits_dtype(m), a);
}
static inline math_expr math_from_bits(const struct math *m, math_expr a) {
  return expr_bitcast(m->pool, m->real, a);
}

/* a*b + c, rounded once where that is wanted. */
math_expr math_multiply_add(const struct math *m, math_expr a, math_expr b,
                            math_expr c);
/* c[0] + c[1]*x + … by Horner's rule, each coefficient rounded to the dtype. */
math_expr math_polynomial(const struct math *m, math_expr x, const double *c,
                          size_t count);
/* The polynomial name_f32 or name_f64 by precision. */
#define MATH_POLYNOMIAL(m, x, name)                                            \
  (math_is_double(m)                                                           \
       ? math_polynomial((m), (x), name##_f64, ARRAY_COUNT(name##_f64))        \
       : math_polynomial((m), (x), name##_f32, ARRAY_COUNT(name##_f32)))
/* The magnitude (not negative) with the sign of x. */
math_expr math_with_sign_of(const struct math *m, math_expr magnitude,
                            math_expr x);
/* Negated where `condition`. */
math_expr math_negate_where(const struct math *m, math_expr condition,
                            math_expr x);

/* x = 2^exponent * (1 + fraction), sqrt(1/2) <= 1 + fraction < sqrt(2), of a
 * positive finite x. */
struct math_parts {
  math_expr exponent, fraction; /* both of dtype m->real */
};
struct math_parts math_take_apart(const struct math *m, math_expr x);

/* ---- The functions; each takes x of dtype m->real ------------------------ */
math_expr math_exp(const struct math *m, math_expr x);
/* exp(high + low), |low| small against 1. */
math_expr math_exp_of_sum(const struct math *m, math_expr high, math_expr low);
math_expr math_sinh(const struct math *m, math_expr x);
math_expr math_cosh(const struct math *m, math_expr x);
math_expr math_tanh(const struct math *m, math_expr x);
math_expr math_erf(const struct math *m, math_expr x);
math_expr math_log(const struct math *m, math_expr x);
math_expr math_asinh(const struct math *m, math_expr x);
math_expr math_acosh(const struct math *m, math_expr x);
math_expr math_atanh(const struct math *m, math_expr x);
math_expr math_sin(const struct math *m, math_expr x);
math_expr math_cos(const struct math *m, math_expr x);
math_expr math_tan(const struct math *m, math_expr x);
math_expr math_asin(const struct math *m, math_expr x);
math_expr math_acos(const struct math *m, math_expr x);
math_expr math_atan(const struct math *m, math_expr x);
math_expr math_pow(const struct math *m, math_expr x, math_expr y);
/* Casts between f32 and the half formats. */
math_expr math_to_half(struct expr_pool *pool, enum adze_dtype to, math_expr x);
math_expr math_from_half(struct expr_pool *pool, math_expr x);

#endif
