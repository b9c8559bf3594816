/* SPDX-License-Identifier: Apache-2.0 */
/* sin, cos, tan and their inverses.
 *
 * An argument is reduced to r in [-pi/4, pi/4] and a quadrant. f32 does so
 * after Payne and Hanek: |x| is an integer of 24 bits times a power of two,
 * which picks the window of 96 bits of 2/pi that matter modulo 4; a product in
 * 64-bit integers gives quadrant and fraction, equally exact for all x. f64
 * subtracts multiples of pi/2 in three parts (Cody and Waite), which is exact
 * below 2^20 * pi/2 and loses bits with larger arguments; beyond 2^50 only
 * -1 <= sin, cos <= 1 is left.
 */
#include <math.h>

#include "ir/expand_math_build.h"

struct reduced {
  math_expr quadrant; /* an integer, counted modulo 4 */
  math_expr rest;
};

#define QUARTER_PI 0x1.921fb54442d18p-1

/* ---- Reduction in f32 ---------------------------------------------------- */

/* 2/pi in words of 32 bits, after one of zeros. */
static const uint64_t two_over_pi[] = {0,          0xa2f9836e, 0x4e441529,
                                       0xfc2757d1, 0xf534ddc0, 0xdb629599,
                                       0x3c439041, 0xfe5163ab};

static math_expr unsigned64(const struct math *m, uint64_t value) {
  return expr_integer(m->pool, ADZE_U64, (int64_t)value);
}

static math_expr shift(const struct math *m, enum expr_kind kind, math_expr a,
                       uint64_t count) {
  return math_op(m, kind, a, unsigned64(m, count));
}

/* Words first + i and first + i + 1 of the table as one, i = start / 32. */
static math_expr two_words(const struct math *m, math_expr start,
                           size_t first) {
  size_t steps = ARRAY_COUNT(two_over_pi) - 3;
  math_expr words = NULL;
  for (size_t i = steps; i-- > 0;) {
    math_expr pair = unsigned64(m, two_over_pi[first + i] << 32 |
                                       two_over_pi[first + i + 1]);
    math_expr here = math_less(m, start, unsigned64(m, 32 * (i + 1)));
    words = words ? math_select(m, here, pair, words) : pair;
  }
  return words;
}

/* |x| * 2/pi modulo 4 with 62 bits after the point, for |x| >= 1/2. */
static math_expr quarter_turns(const struct math *m, math_expr magnitude) {
  math_expr bits =
      expr_cast(m->pool, ADZE_U64, expr_bitcast(m->pool, ADZE_U32, magnitude));
  math_expr exponent = shift(m, EXPR_SHIFT_RIGHT, bits, 23);
  math_expr mantissa =
      math_op(m, EXPR_OR, math_op(m, EXPR_AND, bits, unsigned64(m, 0x7fffff)),
              unsigned64(m, 0x800000));
  /* The first bit of the table that counts. */
  math_expr start = math_sub(m, exponent, unsigned64(m, 120));
  math_expr within = math_op(m, EXPR_AND, start, unsigned64(m, 31));
  math_expr upper = two_words(m, start, 0), lower = two_words(m, start, 2);
  math_expr complement = math_sub(m, unsigned64(m, 63), within);
  math_expr carried = math_op(m, EXPR_SHIFT_RIGHT,
                              shift(m, EXPR_SHIFT_RIGHT, lower, 1), complement);
  math_expr high =
      math_op(m, EXPR_OR, math_op(m, EXPR_SHIFT_LEFT, upper, within), carried);
  math_expr low = shift(m, EXPR_SHIFT_RIGHT,
                        math_op(m, EXPR_SHIFT_LEFT, lower, within), 32);
  math_expr low_product =
      shift(m, EXPR_SHIFT_RIGHT, math_mul(m, mantissa, low), 32);
  return math_add(m, math_mul(m, mantissa, high), low_product);
}

/* Of |x|; an infinity or NaN leaves a NaN. */
static struct reduced reduce_single(const struct math *m, math_expr magnitude) {
  math_expr turns = quarter_turns(m, magnitude);
  math_expr quadrant =
      shift(m, EXPR_SHIFT_RIGHT,
            math_add(m, turns, unsigned64(m, UINT64_C(1) << 61)), 62);
  math_expr fraction =
      expr_bitcast(m->pool, ADZE_I64, shift(m, EXPR_SHIFT_LEFT, turns, 2));
  math_expr scaled =
      math_mul(m, expr_cast(m->pool, ADZE_F64, fraction),
               expr_real(m->pool, ADZE_F64, QUARTER_PI * 2 * 0x1p-64));
  math_expr rest = math_add(m, expr_cast(m->pool, ADZE_F32, scaled),
                            math_sub(m, magnitude, magnitude));
  math_expr is_small = math_less(m, magnitude, math_real(m, QUARTER_PI));
  return (struct reduced){
      math_select(m, is_small, math_integer(m, 0),
                  expr_cast(m->pool, math_bits_dtype(m), quadrant)),
      math_select(m, is_small, magnitude, rest)};
}

/* ---- Reduction in f64 ---------------------------------------------------- */

static struct reduced reduce_double(const struct math *m, math_expr magnitude) {
  math_expr turns =
      math_unary(m, EXPR_ROUND,
                 math_mul(m, magnitude, math_real(m, 0x1.45f306dc9c883p-1)));
  /* pi/2 in parts of 33 bits, so that products with the first are exact. */
  math_expr first =
      math_sub(m, magnitude, math_mul(m, turns, math_real(m, 0x1.921fb544p0)));
  math_expr step = math_mul(m, turns, math_real(m, 0x1.0b4611a6p-34));
  math_expr second = math_sub(m, first, step);
  math_expr lost = math_sub(m, math_sub(m, first, second), step);
  math_expr third = math_mul(m, turns, math_real(m, 0x1.3198a2e037073p-69));
  math_expr rest = math_sub(m, second, math_sub(m, third, lost));
  /* A little beyond pi/4, which rounding may exceed. */
  rest = math_op(m, EXPR_MIN, rest, math_real(m, 0.8));
  rest = math_op(m, EXPR_MAX, rest, math_real(m, -0.8));
  return (struct reduced){expr_cast(m->pool, ADZE_I64, turns), rest};
}

static struct reduced reduce(const struct math *m, math_expr x) {
  math_expr magnitude = math_abs(m, x);
  return math_is_double(m) ? reduce_double(m, magnitude)
                           : reduce_single(m, magnitude);
}

/* ---- Forward ------------------------------------------------------------- */

/* (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4 in r^2 */
static const double sin_f32[] = {-0x1.555544p-3, 0x1.110686p-7,
                                 -0x1.98f524p-13};
static const double cos_f32[] = {0x1.55554ap-5, -0x1.6c0c58p-10,
                                 0x1.99f302p-16};
static const double sin_f64[] = {-0x1.5555555555555p-3,  0x1.111111111110cp-7,
                                 -0x1.a01a01a018b73p-13, 0x1.71de3a532e642p-19,
                                 -0x1.ae645274fe478p-26, 0x1.612072a54c65bp-33,
                                 -0x1.aa91e7e77ffc2p-41};
static const double cos_f64[] = {0x1.555555555554bp-5,  -0x1.6c16c16c15037p-10,
                                 0x1.a01a019c903b8p-16, -0x1.27e4f7f0a2e55p-22,
                                 0x1.1ee9da05b01a2p-29, -0x1.8fa504cffd549p-37};

static math_expr sin_of_rest(const struct math *m, math_expr r) {
  math_expr square = math_mul(m, r, r);
  return math_multiply_add(m, math_mul(m, r, square),
                           MATH_POLYNOMIAL(m, square, sin), r);
}

static math_expr cos_of_rest(const struct math *m, math_expr r) {
  math_expr square = math_mul(m, r, r);
  math_expr half = math_mul(m, square, math_real(m, 0.5));
  math_expr one = math_real(m, 1);
  math_expr near = math_sub(m, one, half);
  /* What 1 - r^2/2 lost in rounding. */
  math_expr lost = math_sub(m, math_sub(m, one, near), half);
  math_expr tail = math_multiply_add(m, math_mul(m, square, square),
                                     MATH_POLYNOMIAL(m, square, cos), lost);
  return math_add(m, near, tail);
}

static math_expr has_bit(const struct math *m, math_expr quadrant,
                         int64_t bit) {
  return math_op(m, EXPR_NOT_EQUAL,
                 math_op(m, EXPR_AND, quadrant, math_integer(m, bit)),
                 math_integer(m, 0));
}

/* sin of the angle that is `turn` quarters further. */
static math_expr sin_turned(const struct math *m, struct reduced reduced,
                            int64_t turn) {
  math_expr quadrant = math_add(m, reduced.quadrant, math_integer(m, turn));
  math_expr value =
      math_select(m, has_bit(m, quadrant, 1), cos_of_rest(m, reduced.rest),
                  sin_of_rest(m, reduced.rest));
  return math_negate_where(m, has_bit(m, quadrant, 2), value);
}

static math_expr is_negative(const struct math *m, math_expr x) {
  return math_less(m, math_bits(m, x), math_integer(m, 0));
}

/* 1.5 (f32), 1.5 (f64, see above). */
math_expr math_sin(const struct math *m, math_expr x) {
  return math_negate_where(m, is_negative(m, x),
                           sin_turned(m, reduce(m, x), 0));
}

/* 1.5 (f32), 1.5 (f64, see above). */
math_expr math_cos(const struct math *m, math_expr x) {
  return sin_turned(m, reduce(m, x), 1);
}

/* 3 (f32), 3 (f64, see above). */
math_expr math_tan(const struct math *m, math_expr x) {
  struct reduced reduced = reduce(m, x);
  math_expr sine = sin_of_rest(m, reduced.rest);
  math_expr cosine = cos_of_rest(m, reduced.rest);
  math_expr is_odd = has_bit(m, reduced.quadrant, 1);
  math_expr ratio = math_div(
      m, math_select(m, is_odd, cosine, sine),
      math_select(m, is_odd, math_unary(m, EXPR_NEGATE, sine), cosine));
  return math_negate_where(m, is_negative(m, x), ratio);
}

/* ---- Inverse ------------------------------------------------------------- */

/* (atan(t) - t) / t^3 in t^2, |t| <= tan(pi/8) */
static const double atan_f32[] = {-0x1.555456p-2, 0x1.992598p-3, -0x1.1c3eeep-3,
                                  0x1.4a0d62p-4};
static const double atan_f64[] = {
    -0x1.5555555555554p-2, 0x1.9999999999651p-3,  -0x1.2492492475923p-3,
    0x1.c71c71b758a85p-4,  -0x1.745d14bb555b4p-4, 0x1.3b136e4a6dc6fp-4,
    -0x1.110c7415e28fap-4, 0x1.e17212c911152p-5,  -0x1.ab7dd5c559e1bp-5,
    0x1.70ee253a3ee57p-5,  -0x1.1238bf317f5dap-5, 0x1.f1e9203e81393p-7};
/* (asin(s) - s) / s^3 in s^2, |s| <= 1/2 */
static const double asin_f32[] = {0x1.5555acp-3, 0x1.3305b2p-4, 0x1.74770ap-5,
                                  0x1.8a0a92p-6, 0x1.5cb2ep-5};
static const double asin_f64[] = {
    0x1.5555555555562p-3, 0x1.333333333075cp-4, 0x1.6db6db7095bdap-5,
    0x1.f1c71b0ac3557p-6, 0x1.6e8bd458e604ap-6, 0x1.1c4a8683616dfp-6,
    0x1.ca14bd59742e1p-7, 0x1.75c65214f3a2dp-7, 0x1.6047eacaa84d1p-7,
    0x1.ee25068e0cc9cp-9, 0x1.62d3886d20a95p-6, -0x1.590c49229ce5ap-6,
    0x1.0c37de51d10c0p-5};

/* k * pi/4 rounded, and what that lost. */
static math_expr quarters(const struct math *m, int k) {
  return math_real(m, k * QUARTER_PI);
}
static math_expr quarters_lost(const struct math *m, int k) {
  return math_either(m, k * -0x1.777a5cp-26, k * 0x1.1a62633145c07p-55);
}

/* 2 (f32), 1.6 (f64). */
math_expr math_atan(const struct math *m, math_expr x) {
  math_expr a = math_abs(m, x), one = math_real(m, 1), zero = math_real(m, 0);
  /* tan(3 pi/8) and tan(pi/8): turned by pi/2 and pi/4, t stays small. */
  math_expr far = math_less(m, math_real(m, 0x1.3504f333f9de6p1), a);
  math_expr middle = math_less(m, math_real(m, 0x1.a827999fcef32p-2), a);
  math_expr numerator = math_select(
      m, far, math_real(m, -1), math_select(m, middle, math_sub(m, a, one), a));
  math_expr denominator =
      math_select(m, far, a, math_select(m, middle, math_add(m, a, one), one));
  math_expr turned = math_select(m, far, quarters(m, 2),
                                 math_select(m, middle, quarters(m, 1), zero));
  math_expr lost =
      math_select(m, far, quarters_lost(m, 2),
                  math_select(m, middle, quarters_lost(m, 1), zero));
  math_expr t = math_div(m, numerator, denominator);
  math_expr square = math_mul(m, t, t);
  math_expr tail = math_multiply_add(m, math_mul(m, t, square),
                                     MATH_POLYNOMIAL(m, square, atan), lost);
  return math_with_sign_of(m, math_add(m, turned, math_add(m, t, tail)), x);
}

/* For |x| > 1/2, asin(x) = pi/2 - 2 asin(sqrt((1 - |x|)/2)). */
struct half_angle {
  math_expr is_large;
  math_expr angle; /* asin of |x| or of the root, not negative */
};

static struct half_angle half_angle(const struct math *m, math_expr a) {
  math_expr half = math_real(m, 0.5);
  math_expr is_large = math_less(m, half, a);
  math_expr below = math_mul(m, math_sub(m, math_real(m, 1), a), half);
  math_expr square = math_select(m, is_large, below, math_mul(m, a, a));
  math_expr s = math_select(m, is_large, math_unary(m, EXPR_SQRT, below), a);
  math_expr angle = math_multiply_add(m, math_mul(m, s, square),
                                      MATH_POLYNOMIAL(m, square, asin), s);
  return (struct half_angle){is_large, angle};
}

/* k*pi/4 - x with the constant's lost part. */
static math_expr quarters_minus(const struct math *m, int k, math_expr x) {
  return math_sub(m, quarters(m, k), math_sub(m, x, quarters_lost(m, k)));
}

/* 2.3 (f32), 2.2 (f64); NaN beyond -1 and 1. */
math_expr math_asin(const struct math *m, math_expr x) {
  struct half_angle half = half_angle(m, math_abs(m, x));
  math_expr twice = math_add(m, half.angle, half.angle);
  return math_with_sign_of(
      m, math_select(m, half.is_large, quarters_minus(m, 2, twice), half.angle),
      x);
}

/* 1.2 (f32), 1.2 (f64); NaN beyond -1 and 1. */
math_expr math_acos(const struct math *m, math_expr x) {
  struct half_angle half = half_angle(m, math_abs(m, x));
  math_expr twice = math_add(m, half.angle, half.angle);
  math_expr negative = math_less(m, x, math_real(m, 0));
  math_expr large =
      math_select(m, negative, quarters_minus(m, 4, twice), twice);
  math_expr small =
      quarters_minus(m, 2, math_negate_where(m, negative, half.angle));
  return math_select(m, half.is_large, large, small);
}
