/* SPDX-License-Identifier: Apache-2.0 */
/* pow(x, y) = exp(y * log(|x|)), with C's special cases.
 *
 * An error of the logarithm is multiplied by y*log(x), so it must be much
 * smaller than that of the result. f32 is computed in f64. f64 computes the
 * logarithm in two parts, with all leading products exact because their
 * factors are cut to 21 bits:
 *   log(1 + f) = 2/3 * s * (3 + s^2 + r),  s = f / (2 + f),
 * after K. C. Ng's method in FreeBSD's libm.
 */
#include <math.h>

#include "ir/expand_math_build.h"

/* A constant small exponent that multiplications give; NULL for others. */
static math_expr constant_power(const struct math *m, math_expr x,
                                math_expr y) {
  math_expr value = y->kind == EXPR_BROADCAST ? y->args[0] : y;
  if (value->kind != EXPR_REAL)
    return NULL;
  math_expr one = math_real(m, 1);
  if (value->real == 0)
    return expr_broadcast(m->pool, one, x->lanes);
  if (value->real == 1)
    return x;
  if (value->real == 2)
    return math_mul(m, x, x);
  if (value->real == 3)
    return math_mul(m, math_mul(m, x, x), x);
  if (value->real == -1)
    return math_div(m, one, x);
  return NULL;
}

/* f32: |x|^y in f64, whose error disappears in the rounding. */
static math_expr power_single(const struct math *m, math_expr magnitude,
                              math_expr y) {
  const struct math wide = {m->pool, ADZE_F64, m->fused};
  math_expr base = expr_cast(m->pool, ADZE_F64, magnitude);
  math_expr exponent = expr_cast(m->pool, ADZE_F64, y);
  math_expr power =
      math_exp(&wide, math_mul(&wide, exponent, math_log(&wide, base)));
  return expr_cast(m->pool, m->real, power);
}

/* A value as the sum of two. */
struct pair {
  math_expr high, low;
};

/* The upper 21 bits of the significand. */
static math_expr cut(const struct math *m, math_expr x) {
  math_expr mask = math_integer(m, -(INT64_C(1) << 32));
  return math_from_bits(m, math_op(m, EXPR_AND, math_bits(m, x), mask));
}

/* s = f / (2 + f) in two parts. */
static struct pair ratio(const struct math *m, math_expr f, math_expr *s) {
  math_expr two = math_real(m, 2), sum = math_add(m, f, two);
  *s = math_div(m, f, sum);
  math_expr high = cut(m, *s), sum_high = cut(m, sum);
  math_expr sum_low = math_sub(m, f, math_sub(m, sum_high, two));
  math_expr rest = math_sub(m, f, math_mul(m, high, sum_high));
  rest = math_sub(m, rest, math_mul(m, high, sum_low));
  return (struct pair){high, math_div(m, rest, sum)};
}

/* 3/2 * (log((1+s)/(1-s)) - 2s - 2/3 s^3) / s^5 in s^2 */
static const double log_rest[] = {0x1.3333333333368p-1, 0x1.b6db6db6beb89p-2,
                                  0x1.5555557a20b65p-2, 0x1.1745bc6f2da1dp-2,
                                  0x1.d8a9f64011314p-3, 0x1.97a05bac77bbcp-3,
                                  0x1.92203daeff11ep-3};

/* log(1 + f) * 3/2 in two parts. */
static struct pair log_of_fraction(const struct math *m, math_expr f) {
  math_expr s, three = math_real(m, 3);
  struct pair parts = ratio(m, f, &s);
  math_expr square = math_mul(m, s, s);
  math_expr rest =
      math_mul(m, math_mul(m, square, square),
               math_polynomial(m, square, log_rest, ARRAY_COUNT(log_rest)));
  /* s^2 is high^2, exactly, and (high + s)*low. */
  rest = math_add(m, rest, math_mul(m, parts.low, math_add(m, parts.high, s)));
  math_expr exact = math_mul(m, parts.high, parts.high);
  math_expr factor = cut(m, math_add(m, math_add(m, three, exact), rest));
  math_expr factor_low =
      math_sub(m, rest, math_sub(m, math_sub(m, factor, three), exact));
  math_expr leading = math_mul(m, parts.high, factor);
  math_expr small =
      math_add(m, math_mul(m, parts.low, factor), math_mul(m, factor_low, s));
  math_expr high = cut(m, math_add(m, leading, small));
  return (struct pair){high, math_sub(m, small, math_sub(m, high, leading))};
}

/* log(x), x positive and finite, in two parts. */
static struct pair log_pair(const struct math *m, math_expr x) {
  struct math_parts parts = math_take_apart(m, x);
  struct pair log = log_of_fraction(m, parts.fraction);
  /* times 2/3, whose upper bits stand first */
  math_expr high = math_mul(m, log.high, math_real(m, 0x1.55554p-1));
  math_expr low =
      math_add(m, math_mul(m, log.high, math_real(m, 0x1.5555555555555p-21)),
               math_mul(m, log.low, math_real(m, 0x1.5555555555555p-1)));
  math_expr whole = /* 32 bits of ln 2 times 11 of the exponent are exact */
      math_mul(m, parts.exponent, math_real(m, 0x1.62e42feep-1));
  low = math_add(
      m, low, math_mul(m, parts.exponent, math_real(m, 0x1.a39ef35793c76p-33)));
  math_expr sum = cut(m, math_add(m, math_add(m, high, low), whole));
  math_expr sum_low =
      math_sub(m, low, math_sub(m, math_sub(m, sum, whole), high));
  return (struct pair){sum, sum_low};
}

static math_expr power_double(const struct math *m, math_expr magnitude,
                              math_expr y) {
  math_expr zero = math_real(m, 0), infinity = math_real(m, INFINITY);
  struct pair log = log_pair(m, magnitude);
  /* Beyond this any base but 1 overflows; infinities would give NaN. */
  y = math_op(m, EXPR_MIN, y, math_real(m, 0x1p65));
  y = math_op(m, EXPR_MAX, y, math_real(m, -0x1p65));
  math_expr y_high = cut(m, y);
  math_expr low = math_add(m, math_mul(m, math_sub(m, y, y_high), log.high),
                           math_mul(m, y, log.low));
  math_expr high = math_mul(m, y_high, log.high);
  math_expr sum = math_add(m, high, low);
  math_expr lost = math_sub(m, low, math_sub(m, sum, high));
  math_expr in_range = math_less(m, math_abs(m, sum), math_real(m, 800));
  math_expr power =
      math_exp_of_sum(m, sum, math_select(m, in_range, lost, zero));
  /* The ends of the range, where the logarithm is infinite. */
  math_expr is_zero = math_op(m, EXPR_EQUAL, magnitude, zero);
  math_expr is_end =
      math_op(m, EXPR_OR, is_zero, math_op(m, EXPR_EQUAL, magnitude, infinity));
  math_expr grows = math_op(m, EXPR_EQUAL, math_less(m, y, zero), is_zero);
  math_expr end = math_select(m, grows, infinity, zero);
  math_expr is_number = math_op(m, EXPR_EQUAL, y, y);
  power = math_select(m, math_op(m, EXPR_AND, is_end, is_number), end, power);
  return math_select(m, math_op(m, EXPR_EQUAL, magnitude, magnitude), power,
                     magnitude); /* a NaN has a logarithm here */
}

/* 0.6 (f32), 2 (f64). */
math_expr math_pow(const struct math *m, math_expr x, math_expr y) {
  math_expr simple = constant_power(m, x, y);
  if (simple)
    return simple;
  math_expr zero = math_real(m, 0), one = math_real(m, 1);
  math_expr infinity = math_real(m, INFINITY);
  math_expr magnitude = math_abs(m, x);
  math_expr power = math_is_double(m) ? power_double(m, magnitude, y)
                                      : power_single(m, magnitude, y);
  math_expr is_whole =
      math_op(m, EXPR_EQUAL, math_unary(m, EXPR_TRUNCATE, y), y);
  math_expr half = math_mul(m, y, math_real(m, 0.5));
  math_expr is_odd = math_op(
      m, EXPR_AND, is_whole,
      math_op(m, EXPR_NOT_EQUAL, math_unary(m, EXPR_TRUNCATE, half), half));
  /* A negative base: NaN, or a sign for odd exponents. */
  math_expr undefined = math_op(m, EXPR_AND, math_unary(m, EXPR_NOT, is_whole),
                                math_op(m, EXPR_AND, math_less(m, x, zero),
                                        math_less(m, magnitude, infinity)));
  power = math_select(m, undefined, math_real(m, NAN), power);
  /* 1 to any power, and -1 to an infinite one. */
  power = math_select(m, math_op(m, EXPR_EQUAL, magnitude, one),
                      math_select(m, undefined, math_real(m, NAN), one), power);
  power = math_select(m, is_odd, math_with_sign_of(m, power, x), power);
  math_expr is_one = math_op(m, EXPR_OR, math_op(m, EXPR_EQUAL, y, zero),
                             math_op(m, EXPR_EQUAL, x, one));
  return math_select(m, is_one, one, power);
}
