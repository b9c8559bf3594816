/* SPDX-License-Identifier: Apache-2.0 */
/* Casts between f32 and f16 or bf16 by integer steps: round to nearest even,
 * subnormal numbers included; a NaN stays one.
 *
 * f16 has 5 bits of exponent (bias 15) and 10 of fraction, f32 has 8 (bias 127)
 * and 23; bf16 is the upper half of f32.
 */
#include "ir/expand_math_build.h"

struct half {
  struct expr_pool *pool;
};

static math_expr unsigned32(const struct half *h, uint32_t value) {
  return expr_integer(h->pool, ADZE_U32, value);
}

static math_expr op(const struct half *h, enum expr_kind kind, math_expr a,
                    uint32_t b) {
  return expr_binary(h->pool, kind, a, unsigned32(h, b));
}

static math_expr as_float(const struct half *h, math_expr bits) {
  return expr_bitcast(h->pool, ADZE_F32, bits);
}

static math_expr as_bits(const struct half *h, math_expr real) {
  return expr_bitcast(h->pool, ADZE_U32, real);
}

/* Drops `count` low bits, rounding to nearest even. */
static math_expr round_bits(const struct half *h, math_expr bits,
                            uint32_t count) {
  math_expr odd = op(h, EXPR_AND, op(h, EXPR_SHIFT_RIGHT, bits, count), 1);
  uint32_t below_half = (UINT32_C(1) << (count - 1)) - 1;
  math_expr sum = expr_add(h->pool, op(h, EXPR_ADD, bits, below_half), odd);
  return op(h, EXPR_SHIFT_RIGHT, sum, count);
}

static math_expr f16_magnitude(const struct half *h, math_expr bits) {
  struct expr_pool *pool = h->pool;
  /* Normal: the exponent's bias is 112 less. */
  math_expr normal = op(h, EXPR_SUB, round_bits(h, bits, 13), 112 << 10);
  /* Below 2^-14: adding 0.5, whose last place is 2^-24, rounds to a multiple
   * of the smallest subnormal number and leaves it in the low bits. */
  math_expr half = expr_real(pool, ADZE_F32, 0.5);
  math_expr sum = as_bits(h, expr_add(pool, as_float(h, bits), half));
  math_expr subnormal = op(h, EXPR_SUB, sum, 0x3f000000);
  math_expr finite =
      expr_select(pool, op(h, EXPR_LESS, bits, 0x38800000), subnormal, normal);
  /* From 65520 on it rounds to infinity. */
  math_expr special =
      expr_select(pool, op(h, EXPR_LESS_EQUAL, bits, 0x7f800000),
                  unsigned32(h, 0x7c00), unsigned32(h, 0x7e00));
  return expr_select(pool, op(h, EXPR_LESS, bits, 0x477ff000), finite, special);
}

static math_expr bf16_magnitude(const struct half *h, math_expr bits) {
  return expr_select(h->pool, op(h, EXPR_LESS_EQUAL, bits, 0x7f800000),
                     round_bits(h, bits, 16), unsigned32(h, 0x7fc0));
}

math_expr math_to_half(struct expr_pool *pool, enum adze_dtype to,
                       math_expr x) {
  const struct half h = {pool};
  math_expr bits = as_bits(&h, x);
  math_expr magnitude_bits = op(&h, EXPR_AND, bits, 0x7fffffff);
  math_expr magnitude = to == ADZE_F16 ? f16_magnitude(&h, magnitude_bits)
                                       : bf16_magnitude(&h, magnitude_bits);
  math_expr sign = op(&h, EXPR_AND, op(&h, EXPR_SHIFT_RIGHT, bits, 16), 0x8000);
  math_expr result = expr_binary(pool, EXPR_OR, magnitude, sign);
  return expr_bitcast(pool, to, expr_cast(pool, ADZE_U16, result));
}

static math_expr from_f16(const struct half *h, math_expr bits) {
  struct expr_pool *pool = h->pool;
  math_expr magnitude = op(h, EXPR_AND, bits, 0x7fff);
  math_expr shifted = op(h, EXPR_SHIFT_LEFT, magnitude, 13);
  math_expr normal = op(h, EXPR_ADD, shifted, 112 << 23);
  /* Below 2^-14 there is no leading one: with that of 2^-14, and without it
   * again. No step is a subnormal f32, which may count as zero. */
  math_expr led = as_float(h, op(h, EXPR_ADD, shifted, 113 << 23));
  math_expr subnormal = as_bits(
      h, expr_binary(pool, EXPR_SUB, led, expr_real(pool, ADZE_F32, 0x1p-14)));
  math_expr finite =
      expr_select(pool, op(h, EXPR_LESS, magnitude, 0x400), subnormal, normal);
  math_expr special = op(h, EXPR_OR, shifted, 0x7f800000);
  math_expr value =
      expr_select(pool, op(h, EXPR_LESS, magnitude, 0x7c00), finite, special);
  math_expr sign = op(h, EXPR_SHIFT_LEFT, op(h, EXPR_AND, bits, 0x8000), 16);
  return as_float(h, expr_binary(pool, EXPR_OR, value, sign));
}

math_expr math_from_half(struct expr_pool *pool, math_expr x) {
  const struct half h = {pool};
  math_expr bits = expr_cast(pool, ADZE_U32, expr_bitcast(pool, ADZE_U16, x));
  if (x->dtype == ADZE_F16)
    return from_f16(&h, bits);
  return as_float(&h, op(&h, EXPR_SHIFT_LEFT, bits, 16));
}
