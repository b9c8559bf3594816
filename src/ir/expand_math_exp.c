/* SPDX-License-Identifier: Apache-2.0 */
/* exp and its kin.
 *
 * exp(x) = p * s * s with s = 2^k, k = round(x / (2 ln 2)), p = exp(r) for the
 * rest |r| <= ln 2. Two factors of 2^k instead of one of 2^(2k) reach from
 * infinity down to the last subnormal number without a case. Adding a large
 * constant rounds x / (2 ln 2) to an integer and leaves k + bias in the low
 * bits, so a shift makes s.
 *
 * tanh and erf of f32 are odd rational functions up to where the result is 1:
 * a few operations, at the price of a few more units near 1.
 */
#include "ir/expand_math_build.h"

/* Units in the last place: 2.3 (f32), 1.8 (f64). */
static const double exp_f32[] = {0x1p+0,         0x1.000002p+0, 0x1.000014p-1,
                                 0x1.5554d4p-3,  0x1.55471ap-5, 0x1.112f62p-7,
                                 0x1.723924p-10, 0x1.9a9242p-13};
static const double exp_f64[] = {0x1p+0,
                                 0x1.fffffffffffffp-1,
                                 0x1.fffffffffffe6p-2,
                                 0x1.555555555561cp-3,
                                 0x1.5555555557199p-5,
                                 0x1.11111111043f8p-7,
                                 0x1.6c16c1693ae42p-10,
                                 0x1.a01a01b67d330p-13,
                                 0x1.a01a05feb62cdp-16,
                                 0x1.71de27ca1e9bfp-19,
                                 0x1.27e193184ba5ep-22,
                                 0x1.ae722c4728308p-26,
                                 0x1.218cf89a8cddbp-29,
                                 0x1.5e5265efa7138p-33};

/* factor * exp(x + low), where factor is a power of two near 1 and low may be
 * NULL for 0. */
static math_expr scaled_exp(const struct math *m, math_expr x, math_expr low,
                            double factor) {
  bool wide = math_is_double(m);
  /* Beyond these ends the result is infinite or 0 already. A NaN passes. */
  x = math_op(m, EXPR_MIN, x, math_either(m, 90, 711));
  x = math_op(m, EXPR_MAX, x, math_either(m, -105, -747));
  math_expr magic = math_either(m, 0x1.8p23 + 127, 0x1.8p52 + 1023);
  math_expr biased =
      math_multiply_add(m, x, math_real(m, 0x1.71547652b82fep-1), magic);
  math_expr k = math_sub(m, biased, magic);
  /* 2 ln 2 in two parts; k times the first is exact. */
  math_expr high = math_either(m, -0x1.63p0, -0x1.62e42feep0);
  math_expr rest = math_either(m, 0x1.bd0106p-12, -0x1.a39ef35793c76p-32);
  math_expr r = math_multiply_add(m, k, high, x);
  r = math_multiply_add(m, k, rest, r);
  if (low)
    r = math_add(m, r, low);
  math_expr p = MATH_POLYNOMIAL(m, r, exp);
  math_expr scale =
      math_from_bits(m, math_op(m, EXPR_SHIFT_LEFT, math_bits(m, biased),
                                math_integer(m, wide ? 52 : 23)));
  if (factor != 1)
    p = math_mul(m, p, math_real(m, factor));
  return math_mul(m, math_mul(m, p, scale), scale);
}

math_expr math_exp(const struct math *m, math_expr x) {
  return scaled_exp(m, x, NULL, 1);
}

math_expr math_exp_of_sum(const struct math *m, math_expr high, math_expr low) {
  return scaled_exp(m, high, low, 1);
}

/* ---- Hyperbolic functions ------------------------------------------------ */

/* (sinh(x) - x) / x^3 in x^2, |x| <= 1. */
static const double sinh_f32[] = {0x1.55559cp-3, 0x1.10f658p-7, 0x1.ab758ap-13};
static const double sinh_f64[] = {0x1.5555555555556p-3,  0x1.111111111109ap-7,
                                  0x1.a01a01a029df0p-13, 0x1.71de3a455a801p-19,
                                  0x1.ae6467e7163e0p-26, 0x1.611a06a1bda6ap-33,
                                  0x1.b4df7ee50a446p-41};

/* x + x^3 * correction */
static math_expr odd_sum(const struct math *m, math_expr x, math_expr square,
                         math_expr correction) {
  return math_multiply_add(m, math_mul(m, x, square), correction, x);
}

/* 4.3 (f32), 2.6 (f64). */
math_expr math_sinh(const struct math *m, math_expr x) {
  math_expr magnitude = math_abs(m, x), square = math_mul(m, x, x);
  math_expr small = odd_sum(m, x, square, MATH_POLYNOMIAL(m, square, sinh));
  /* exp(|x|)/2 may be finite where exp(|x|) is not. */
  math_expr half = scaled_exp(m, magnitude, NULL, 0.5);
  math_expr large = math_sub(m, half, math_div(m, math_real(m, 0.25), half));
  return math_select(m, math_less(m, magnitude, math_real(m, 1)), small,
                     math_with_sign_of(m, large, x));
}

/* 2.4 (f32), 2.1 (f64). */
math_expr math_cosh(const struct math *m, math_expr x) {
  math_expr half = scaled_exp(m, math_abs(m, x), NULL, 0.5);
  return math_add(m, half, math_div(m, math_real(m, 0.25), half));
}

/* Bounds x to [-limit, limit]; a NaN stays. */
static math_expr clamp(const struct math *m, math_expr x, double limit) {
  x = math_op(m, EXPR_MIN, x, math_real(m, limit));
  return math_op(m, EXPR_MAX, x, math_real(m, -limit));
}

/* x * P(x^2) / Q(x^2) */
static math_expr odd_rational(const struct math *m, math_expr x,
                              const double *p, size_t p_count, const double *q,
                              size_t q_count) {
  math_expr square = math_mul(m, x, x);
  math_expr numerator = math_mul(m, x, math_polynomial(m, square, p, p_count));
  return math_div(m, numerator, math_polynomial(m, square, q, q_count));
}

static const double tanh_p_f32[] = {0x1.835022p+0, 0x1.9e978p-3, 0x1.5a84fep-8,
                                    0x1.05666cp-15, 0x1.5aa952p-26};
static const double tanh_q_f32[] = {0x1.835026p+0, 0x1.69db4p-1, 0x1.40af14p-5,
                                    0x1.0485f2p-11, 0x1.3b8982p-20};
/* (tanh(x) - x) / x^3 in x^2, |x| <= 1/2. */
static const double tanh_f64[] = {
    -0x1.5555555555555p-2,  0x1.1111111111104p-3,   -0x1.ba1ba1ba1a686p-5,
    0x1.664f48824b825p-6,   -0x1.226e35448c15fp-7,  0x1.d6d3c99d81827p-9,
    -0x1.7da2b5c36b719p-10, 0x1.354ceb0212540p-11,  -0x1.f47e92eb69039p-13,
    0x1.8ec7072955a3dp-14,  -0x1.21fe4537773dfp-15, 0x1.1c04b48fecab6p-17};

static math_expr tanh_wide(const struct math *m, math_expr x) {
  math_expr magnitude = math_abs(m, x), square = math_mul(m, x, x);
  math_expr small =
      odd_sum(m, magnitude, square,
              math_polynomial(m, square, tanh_f64, ARRAY_COUNT(tanh_f64)));
  math_expr one = math_real(m, 1), two = math_real(m, 2);
  math_expr power = math_exp(m, math_mul(m, magnitude, two));
  math_expr large = math_sub(m, one, math_div(m, two, math_add(m, power, one)));
  math_expr is_small = math_less(m, magnitude, math_real(m, 0.5));
  return math_with_sign_of(m, math_select(m, is_small, small, large), x);
}

/* 5.6 (f32), 2.1 (f64). */
math_expr math_tanh(const struct math *m, math_expr x) {
  if (math_is_double(m))
    return tanh_wide(m, x);
  return odd_rational(m, clamp(m, x, 9.01), tanh_p_f32, ARRAY_COUNT(tanh_p_f32),
                      tanh_q_f32, ARRAY_COUNT(tanh_q_f32));
}

/* ---- The error function -------------------------------------------------- */

static const double erf_p_f32[] = {0x1.1d4116p+1,  0x1.8362bep-2,
                                   0x1.abbcfep-4,  0x1.ece37cp-8,
                                   0x1.26c84cp-11, 0x1.0c844ep-18};
static const double erf_q_f32[] = {0x1.f9999ap+0, 0x1.fcb8bep-1,
                                   0x1.cf5dc2p-3, 0x1.e726a4p-6,
                                   0x1.2f0e1p-9,  0x1.3963c8p-14};
/* erf(x) / x in x^2, |x| <= 1. */
static const double erf_f64[] = {
    0x1.20dd750429b6dp+0,   -0x1.812746b0379e6p-2,  0x1.ce2f21a042b21p-4,
    -0x1.b82ce312849afp-6,  0x1.565bcd0db0530p-8,   -0x1.c02db3d8f264ep-11,
    0x1.f9a321a195b9dp-14,  -0x1.f4d1df40274b3p-17, 0x1.b9def1de3f8ebp-20,
    -0x1.5f1d38354a7c9p-23, 0x1.f7a41b6768ef8p-27,  -0x1.386acc14bb471p-30,
    0x1.0579a08899394p-34};
/* exp(x^2) * (1 - erf(x)) in (x-2)/(x+2), 1 <= x <= 6. */
static const double erf_tail_f64[] = {
    0x1.058671b52c776p-2,   -0x1.b57034efd3f73p-2,  0x1.eeea7dc8a78b3p-3,
    -0x1.437f0b68c0b31p-4,  0x1.e94715979e458p-9,   0x1.ca95ed52efa18p-8,
    -0x1.bc25a47a81dd6p-11, -0x1.016b5cb6946f2p-10, 0x1.6d5ef4415aa40p-15,
    0x1.6da9584f1f260p-13,  0x1.cdcd6f953c3e6p-16,  -0x1.ceae949dbe0b3p-16,
    -0x1.d4c70dc078f77p-17, 0x1.73417ce464f71p-20,  0x1.ff776ce021d1ep-19,
    0x1.3f8554df7e172p-20,  -0x1.3ed09bde86e12p-21, -0x1.97f31d4df3934p-22};

static math_expr erf_wide(const struct math *m, math_expr x) {
  math_expr square = math_mul(m, x, x);
  math_expr small =
      math_mul(m, x, math_polynomial(m, square, erf_f64, ARRAY_COUNT(erf_f64)));
  math_expr magnitude = math_op(m, EXPR_MIN, math_abs(m, x), math_real(m, 6));
  math_expr two = math_real(m, 2);
  math_expr t =
      math_div(m, math_sub(m, magnitude, two), math_add(m, magnitude, two));
  math_expr power = math_exp(
      m, math_unary(m, EXPR_NEGATE, math_mul(m, magnitude, magnitude)));
  math_expr tail = math_mul(
      m, power, math_polynomial(m, t, erf_tail_f64, ARRAY_COUNT(erf_tail_f64)));
  math_expr large = math_sub(m, math_real(m, 1), tail);
  return math_select(m, math_less(m, magnitude, math_real(m, 1)), small,
                     math_with_sign_of(m, large, x));
}

/* 5.8 (f32), 1.8 (f64). */
math_expr math_erf(const struct math *m, math_expr x) {
  if (math_is_double(m))
    return erf_wide(m, x);
  return odd_rational(m, clamp(m, x, 3.95), erf_p_f32, ARRAY_COUNT(erf_p_f32),
                      erf_q_f32, ARRAY_COUNT(erf_q_f32));
}
