/* SPDX-License-Identifier: Apache-2.0 */
/* log and the inverse hyperbolic functions.
 *
 * x = 2^e * m with m in [sqrt(1/2), sqrt(2)), found by subtracting the bits of
 * sqrt(1/2): the exponent field of the difference is e. Then log(x) is
 * e*ln 2 + log(1 + f), f = m - 1.
 */
#include <math.h>

#include "ir/expand_math_build.h"

/* (log(1+f) - f + f^2/2) / f^3 in f */
static const double log_f32[] = {0x1.555554p-2,  -0x1.00022ap-2, 0x1.99a014p-3,
                                 -0x1.547128p-3, 0x1.22d81ap-3,  -0x1.0d8ecep-3,
                                 0x1.056f7ap-3,  -0x1.38b41ap-4};
/* (log((1+s)/(1-s)) - 2s) / s^3 in s^2 */
static const double log_f64[] = {0x1.5555555555593p-1, 0x1.999999997f9a8p-2,
                                 0x1.249249423100ap-2, 0x1.c71c51d044bb9p-3,
                                 0x1.74664baa2d149p-3, 0x1.39a057ad7447ep-3,
                                 0x1.2f1455b3cd42ap-3};

struct math_parts math_take_apart(const struct math *m, math_expr x) {
  bool wide = math_is_double(m);
  /* Subnormal numbers are lifted into the normal range first. */
  math_expr is_tiny = math_less(m, x, math_either(m, 0x1p-126, 0x1p-1022));
  math_expr lifted = math_mul(
      m, x,
      math_select(m, is_tiny, math_either(m, 0x1p23, 0x1p52), math_real(m, 1)));
  math_expr root = math_integer(m, wide ? 0x3fe6a09e667f3bcd : 0x3f3504f3);
  math_expr bits = math_sub(m, math_bits(m, lifted), root);
  math_expr width = math_integer(m, wide ? 52 : 23);
  math_expr mask = math_integer(m, wide ? 0xfffffffffffff : 0x7fffff);
  math_expr mantissa =
      math_from_bits(m, math_add(m, math_op(m, EXPR_AND, bits, mask), root));
  math_expr exponent =
      expr_cast(m->pool, m->real, math_op(m, EXPR_SHIFT_RIGHT, bits, width));
  return (struct math_parts){
      math_add(
          m, exponent,
          math_select(m, is_tiny, math_either(m, -23, -52), math_real(m, 0))),
      math_sub(m, mantissa, math_real(m, 1))};
}

static math_expr log_single(const struct math *m, struct math_parts parts) {
  math_expr f = parts.fraction, square = math_mul(m, f, f);
  math_expr tail =
      math_mul(m, math_mul(m, square, f),
               math_polynomial(m, f, log_f32, ARRAY_COUNT(log_f32)));
  tail = math_multiply_add(m, square, math_real(m, -0.5), tail);
  /* ln 2 in two parts; e times the first is exact. */
  tail =
      math_multiply_add(m, parts.exponent, math_real(m, -0x1.bd0106p-13), tail);
  return math_multiply_add(m, parts.exponent, math_real(m, 0x1.63p-1),
                           math_add(m, f, tail));
}

static math_expr log_wide(const struct math *m, struct math_parts parts) {
  math_expr f = parts.fraction;
  math_expr s = math_div(m, f, math_add(m, f, math_real(m, 2)));
  math_expr square = math_mul(m, s, s);
  math_expr rest = math_mul(
      m, square, math_polynomial(m, square, log_f64, ARRAY_COUNT(log_f64)));
  /* log(1+f) = f - f^2/2 + s*(f^2/2 + rest) */
  math_expr half_square = math_mul(m, math_mul(m, f, f), math_real(m, 0.5));
  math_expr tail = math_multiply_add(
      m, s, math_add(m, half_square, rest),
      math_mul(m, parts.exponent, math_real(m, 0x1.a39ef35793c76p-33)));
  math_expr small = math_sub(m, f, math_sub(m, half_square, tail));
  return math_multiply_add(m, parts.exponent, math_real(m, 0x1.62e42feep-1),
                           small);
}

/* 0.9 (f32), 0.8 (f64). */
math_expr math_log(const struct math *m, math_expr x) {
  struct math_parts parts = math_take_apart(m, x);
  math_expr finite =
      math_is_double(m) ? log_wide(m, parts) : log_single(m, parts);
  math_expr zero = math_real(m, 0), infinity = math_real(m, INFINITY);
  math_expr positive =
      math_select(m, math_less(m, x, infinity), finite, infinity);
  math_expr other = math_select(m, math_op(m, EXPR_EQUAL, x, zero),
                                math_real(m, -INFINITY), math_real(m, NAN));
  return math_select(m, math_less(m, zero, x), positive, other);
}

/* log(1 + y) for y >= 0: what 1 + y lost in rounding is added back. */
static math_expr log_of_one_plus(const struct math *m, math_expr y) {
  math_expr one = math_real(m, 1);
  math_expr sum = math_add(m, y, one);
  math_expr lost = math_sub(m, y, math_sub(m, sum, one));
  math_expr result = math_add(m, math_log(m, sum), math_div(m, lost, sum));
  math_expr infinity = math_real(m, INFINITY);
  return math_select(m, math_op(m, EXPR_EQUAL, y, infinity), infinity, result);
}

static math_expr plus_log_2(const struct math *m, math_expr x) {
  return math_add(m, x, math_real(m, 0x1.62e42fefa39efp-1));
}

/* 2 (f32), 2 (f64). */
math_expr math_asinh(const struct math *m, math_expr x) {
  math_expr a = math_abs(m, x), one = math_real(m, 1);
  math_expr square = math_mul(m, a, a);
  math_expr root = math_unary(m, EXPR_SQRT, math_add(m, square, one));
  /* |x| + x^2 / (1 + sqrt(x^2 + 1)) is sinh's inverse less one in exp. */
  math_expr inner = math_add(m, a, math_div(m, square, math_add(m, root, one)));
  math_expr huge = math_either(m, 0x1p30, 0x1p60);
  math_expr is_huge = math_less(m, huge, a);
  math_expr far = plus_log_2(m, math_log(m, a));
  return math_with_sign_of(
      m, math_select(m, is_huge, far, log_of_one_plus(m, inner)), x);
}

/* 2.2 (f32), 2 (f64); NaN below 1. */
math_expr math_acosh(const struct math *m, math_expr x) {
  math_expr t = math_sub(m, x, math_real(m, 1));
  math_expr inside = math_multiply_add(m, t, t, math_add(m, t, t));
  math_expr inner = math_add(m, t, math_unary(m, EXPR_SQRT, inside));
  math_expr is_huge = math_less(m, math_either(m, 0x1p30, 0x1p60), x);
  math_expr near = math_select(m, math_less(m, x, math_real(m, 1)),
                               math_real(m, NAN), log_of_one_plus(m, inner));
  return math_select(m, is_huge, plus_log_2(m, math_log(m, x)), near);
}

/* 2.4 (f32), 2 (f64); NaN beyond -1 and 1. */
math_expr math_atanh(const struct math *m, math_expr x) {
  math_expr a = math_abs(m, x), one = math_real(m, 1);
  math_expr ratio = math_div(m, math_add(m, a, a), math_sub(m, one, a));
  math_expr half = math_mul(m, log_of_one_plus(m, ratio), math_real(m, 0.5));
  math_expr beyond = math_less(m, one, a);
  return math_select(m, beyond, math_real(m, NAN),
                     math_with_sign_of(m, half, x));
}
