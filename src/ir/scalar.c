/* SPDX-License-Identifier: Apache-2.0 */
/* The semantics of expr.def on single elements.
 *
 * Integers are computed in 64 bits without a sign (so nothing overflows in C's
 * sense) and wrapped into their dtype afterwards. f32 is computed in float, so
 * every operation rounds once; f16 and bf16 only ever get cast. The compiler
 * must not contract a*b+c, see CMakeLists.txt.
 */
#include "ir/scalar.h"

#include <math.h>
#include <string.h>

unsigned dtype_bits(enum adze_dtype dtype) {
  switch (dtype) {
  case ADZE_F64:
  case ADZE_I64:
  case ADZE_U64:
    return 64;
  case ADZE_F32:
  case ADZE_I32:
  case ADZE_U32:
    return 32;
  case ADZE_F16:
  case ADZE_BF16:
  case ADZE_I16:
  case ADZE_U16:
    return 16;
  case ADZE_I8:
  case ADZE_U8:
  case ADZE_BOOL:
    return 8;
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

int64_t scalar_wrap(enum adze_dtype dtype, int64_t value) {
  switch (dtype) {
  case ADZE_I8:
    return (int8_t)(uint8_t)value;
  case ADZE_I16:
    return (int16_t)(uint16_t)value;
  case ADZE_I32:
    return (int32_t)(uint32_t)value;
  case ADZE_U8:
    return (uint8_t)value;
  case ADZE_U16:
    return (uint16_t)value;
  case ADZE_U32:
    return (uint32_t)value;
  case ADZE_I64:
  case ADZE_U64:
    return value;
  case ADZE_BOOL:
    return value != 0;
  case ADZE_F32:
  case ADZE_F64:
  case ADZE_F16:
  case ADZE_BF16:
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

/* ---- Half formats -------------------------------------------------------- */

static uint64_t double_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Rounds |value| to a format of `fraction` stored bits whose least normal
 * number is 2^minimum_exponent; the result may exceed the largest number. */
static double round_magnitude(double magnitude, int fraction,
                              int minimum_exponent) {
  if (magnitude == 0 || !isfinite(magnitude))
    return magnitude;
  int exponent;
  frexp(magnitude, &exponent); /* magnitude = m * 2^exponent, m in [0.5, 1) */
  exponent -= 1;
  if (exponent < minimum_exponent)
    exponent = minimum_exponent;
  int shift = fraction - exponent;
  return ldexp(nearbyint(ldexp(magnitude, shift)), -shift);
}

uint16_t scalar_to_half(double value) {
  uint16_t sign = (uint16_t)(double_bits(value) >> 63 << 15);
  if (isnan(value))
    return sign | 0x7e00;
  double magnitude = round_magnitude(fabs(value), 10, -14);
  if (magnitude > 65504)
    return sign | 0x7c00;
  if (magnitude < 0x1p-14)
    return (uint16_t)(sign | (uint16_t)(magnitude * 0x1p24));
  uint64_t bits = double_bits(magnitude);
  return (uint16_t)(sign | (((bits >> 52) - 1023 + 15) << 10) |
                    ((bits >> 42) & 0x3ff));
}

double scalar_from_half(uint16_t bits) {
  unsigned exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
  double magnitude;
  if (exponent == 31)
    magnitude = fraction ? (double)NAN : (double)INFINITY;
  else if (exponent == 0)
    magnitude = fraction * 0x1p-24;
  else
    magnitude = ldexp(1024 + fraction, (int)exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

uint16_t scalar_to_bfloat(double value) {
  uint16_t sign = (uint16_t)(double_bits(value) >> 63 << 15);
  if (isnan(value))
    return sign | 0x7fc0;
  double magnitude = round_magnitude(fabs(value), 7, -126);
  if (magnitude > 0x1.fep127)
    return sign | 0x7f80;
  return (uint16_t)(sign | (float_bits((float)magnitude) >> 16));
}

double scalar_from_bfloat(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

double scalar_round(enum adze_dtype dtype, double value) {
  switch (dtype) {
  case ADZE_F64:
    return value;
  case ADZE_F32:
    return (float)value;
  case ADZE_F16:
    return scalar_from_half(scalar_to_half(value));
  case ADZE_BF16:
    return scalar_from_bfloat(scalar_to_bfloat(value));
  case ADZE_I8:
  case ADZE_I16:
  case ADZE_I32:
  case ADZE_I64:
  case ADZE_U8:
  case ADZE_U16:
  case ADZE_U32:
  case ADZE_U64:
  case ADZE_BOOL:
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

/* ---- Unary --------------------------------------------------------------- */

static bool unary_real(enum expr_kind kind, enum adze_dtype dtype, double a,
                       double *out) {
  switch ((int)kind) {
  case EXPR_NEGATE:
    *out = -a;
    return true;
  case EXPR_ABS:
    *out = fabs(a);
    return true;
  case EXPR_FLOOR:
    *out = floor(a);
    return true;
  case EXPR_CEIL:
    *out = ceil(a);
    return true;
  case EXPR_ROUND:
    *out = nearbyint(a);
    return true;
  case EXPR_TRUNCATE:
    *out = trunc(a);
    return true;
  case EXPR_SQRT:
    *out = dtype == ADZE_F32 ? (double)sqrtf((float)a) : sqrt(a);
    return true;
  default:
    return false;
  }
}

static bool unary_integer(enum expr_kind kind, enum adze_dtype dtype, int64_t a,
                          int64_t *out) {
  uint64_t bits = (uint64_t)a;
  switch ((int)kind) {
  case EXPR_NEGATE:
    *out = scalar_wrap(dtype, (int64_t)(0 - bits));
    return dtype != ADZE_BOOL;
  case EXPR_ABS:
    if (dtype_is_signed(dtype) && a < 0)
      bits = 0 - bits;
    *out = scalar_wrap(dtype, (int64_t)bits);
    return dtype != ADZE_BOOL;
  case EXPR_NOT:
    *out = dtype == ADZE_BOOL ? !a : scalar_wrap(dtype, (int64_t)~bits);
    return true;
  default:
    return false;
  }
}

bool scalar_unary(enum expr_kind kind, enum adze_dtype dtype, union scalar a,
                  union scalar *out) {
  if (dtype_is_float(dtype))
    return (dtype == ADZE_F32 || dtype == ADZE_F64) &&
           unary_real(kind, dtype, a.real, &out->real);
  return unary_integer(kind, dtype, a.integer, &out->integer);
}

/* ---- Binary -------------------------------------------------------------- */

/* f32 in float: one rounding, as the machine does it. */
static bool arithmetic_float(enum expr_kind kind, float a, float b,
                             double *out) {
  switch ((int)kind) {
  case EXPR_ADD:
    *out = a + b;
    return true;
  case EXPR_SUB:
    *out = a - b;
    return true;
  case EXPR_MUL:
    *out = a * b;
    return true;
  case EXPR_DIV:
    *out = a / b;
    return true;
  default:
    return false;
  }
}

static bool arithmetic_double(enum expr_kind kind, double a, double b,
                              double *out) {
  switch ((int)kind) {
  case EXPR_ADD:
    *out = a + b;
    return true;
  case EXPR_SUB:
    *out = a - b;
    return true;
  case EXPR_MUL:
    *out = a * b;
    return true;
  case EXPR_DIV:
    *out = a / b;
    return true;
  default:
    return false;
  }
}

static bool binary_real(enum expr_kind kind, enum adze_dtype dtype, double a,
                        double b, union scalar *out) {
  switch ((int)kind) {
  case EXPR_REMAINDER:
    out->real = fmod(a, b); /* exact, hence also for f32 */
    return true;
  case EXPR_MIN:
    out->real = b < a ? b : a;
    return true;
  case EXPR_MAX:
    out->real = b > a ? b : a;
    return true;
  case EXPR_EQUAL:
    out->integer = a == b;
    return true;
  case EXPR_NOT_EQUAL:
    out->integer = a != b;
    return true;
  case EXPR_LESS:
    out->integer = a < b;
    return true;
  case EXPR_LESS_EQUAL:
    out->integer = a <= b;
    return true;
  default:
    return dtype == ADZE_F32
               ? arithmetic_float(kind, (float)a, (float)b, &out->real)
               : arithmetic_double(kind, a, b, &out->real);
  }
}

/* Quotient toward zero or toward minus infinity, totally defined. */
static int64_t divide(bool to_floor, bool is_signed, int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  if (!is_signed)
    return (int64_t)((uint64_t)a / (uint64_t)b);
  if (b == -1)
    return (int64_t)(0 - (uint64_t)a);
  int64_t quotient = a / b;
  if (to_floor && a % b != 0 && (a < 0) != (b < 0))
    quotient--;
  return quotient;
}

static bool bits_integer(enum expr_kind kind, enum adze_dtype dtype, int64_t a,
                         int64_t b, int64_t *out) {
  unsigned amount = (unsigned)((uint64_t)b % dtype_bits(dtype));
  switch ((int)kind) {
  case EXPR_AND:
    *out = a & b;
    return true;
  case EXPR_OR:
    *out = a | b;
    return true;
  case EXPR_XOR:
    *out = a ^ b;
    return true;
  case EXPR_SHIFT_LEFT:
    *out = scalar_wrap(dtype, (int64_t)((uint64_t)a << amount));
    return dtype != ADZE_BOOL;
  case EXPR_SHIFT_RIGHT:
    if (dtype_is_signed(dtype) && a < 0)
      *out = (int64_t) ~(~(uint64_t)a >> amount);
    else
      *out = (int64_t)((uint64_t)a >> amount);
    return dtype != ADZE_BOOL;
  default:
    return false;
  }
}

static bool less_integer(bool is_signed, int64_t a, int64_t b) {
  return is_signed ? a < b : (uint64_t)a < (uint64_t)b;
}

static bool binary_integer(enum expr_kind kind, enum adze_dtype dtype,
                           int64_t a, int64_t b, int64_t *out) {
  bool is_signed = dtype_is_signed(dtype);
  uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
  switch ((int)kind) {
  case EXPR_ADD:
    *out = scalar_wrap(dtype, (int64_t)(ua + ub));
    return dtype != ADZE_BOOL;
  case EXPR_SUB:
    *out = scalar_wrap(dtype, (int64_t)(ua - ub));
    return dtype != ADZE_BOOL;
  case EXPR_MUL:
    *out = scalar_wrap(dtype, (int64_t)(ua * ub));
    return dtype != ADZE_BOOL;
  case EXPR_DIV:
  case EXPR_FLOOR_DIV:
    *out = scalar_wrap(dtype, divide(kind == EXPR_FLOOR_DIV, is_signed, a, b));
    return dtype != ADZE_BOOL;
  case EXPR_REMAINDER:
  case EXPR_FLOOR_MOD: {
    uint64_t quotient =
        (uint64_t)divide(kind == EXPR_FLOOR_MOD, is_signed, a, b);
    *out = b == 0 ? a : scalar_wrap(dtype, (int64_t)(ua - quotient * ub));
    return dtype != ADZE_BOOL;
  }
  case EXPR_MIN:
    *out = less_integer(is_signed, b, a) ? b : a;
    return true;
  case EXPR_MAX:
    *out = less_integer(is_signed, a, b) ? b : a;
    return true;
  case EXPR_EQUAL:
    *out = a == b;
    return true;
  case EXPR_NOT_EQUAL:
    *out = a != b;
    return true;
  case EXPR_LESS:
    *out = less_integer(is_signed, a, b);
    return true;
  case EXPR_LESS_EQUAL:
    *out = !less_integer(is_signed, b, a);
    return true;
  default:
    return bits_integer(kind, dtype, a, b, out);
  }
}

bool scalar_binary(enum expr_kind kind, enum adze_dtype dtype, union scalar a,
                   union scalar b, union scalar *out) {
  if (!dtype_is_float(dtype))
    return binary_integer(kind, dtype, a.integer, b.integer, &out->integer);
  if (dtype != ADZE_F32 && dtype != ADZE_F64 && !expr_kind_is_compare(kind))
    return false;
  return binary_real(kind, dtype, a.real, b.real, out);
}

union scalar scalar_fma(enum adze_dtype dtype, union scalar a, union scalar b,
                        union scalar c) {
  union scalar result;
  if (dtype == ADZE_F32)
    result.real = fmaf((float)a.real, (float)b.real, (float)c.real);
  else
    result.real = fma(a.real, b.real, c.real);
  return result;
}

/* ---- Conversions --------------------------------------------------------- */

static int64_t real_to_integer(enum adze_dtype to, double value) {
  if (isnan(value))
    return 0;
  unsigned bits = dtype_bits(to);
  if (dtype_is_signed(to)) {
    double limit = ldexp(1, (int)bits - 1);
    if (value >= limit)
      return INT64_MAX >> (64 - bits);
    if (value < -limit)
      return -(INT64_MAX >> (64 - bits)) - 1;
    return (int64_t)value;
  }
  if (value >= ldexp(1, (int)bits))
    return (int64_t)(UINT64_MAX >> (64 - bits));
  return value <= 0 ? 0 : (int64_t)(uint64_t)value;
}

static double integer_to_real(enum adze_dtype to, enum adze_dtype from,
                              int64_t value) {
  /* Straight to float, or 64 bits would round twice. */
  if (to == ADZE_F64)
    return from == ADZE_U64 ? (double)(uint64_t)value : (double)value;
  float single = from == ADZE_U64 ? (float)(uint64_t)value : (float)value;
  return scalar_round(to, single);
}

union scalar scalar_cast(enum adze_dtype to, enum adze_dtype from,
                         union scalar a) {
  union scalar result;
  if (!dtype_is_float(from)) {
    if (dtype_is_float(to))
      result.real = integer_to_real(to, from, a.integer);
    else
      result.integer = scalar_wrap(to, a.integer);
  } else if (to == ADZE_BOOL) {
    result.integer = a.real != 0;
  } else if (!dtype_is_float(to)) {
    result.integer = real_to_integer(to, a.real);
  } else {
    /* To a half format always through f32, as the expansion does it. */
    result.real = to == ADZE_F64 ? a.real : scalar_round(to, (float)a.real);
  }
  return result;
}

union scalar scalar_load(enum adze_dtype dtype, const void *bytes) {
  uint64_t bits = 0;
  memcpy(&bits, bytes, dtype_bits(dtype) / 8); /* little-endian hosts only */
  union scalar result;
  switch ((int)dtype) {
  case ADZE_F16:
    result.real = scalar_from_half((uint16_t)bits);
    return result;
  case ADZE_BF16:
    result.real = scalar_from_bfloat((uint16_t)bits);
    return result;
  case ADZE_F32: {
    float value;
    memcpy(&value, bytes, sizeof value);
    result.real = value;
    return result;
  }
  case ADZE_F64:
    memcpy(&result.real, bytes, sizeof result.real);
    return result;
  default:
    result.integer = scalar_wrap(dtype, (int64_t)bits);
    return result;
  }
}

void scalar_store(enum adze_dtype dtype, void *bytes, union scalar value) {
  uint64_t bits = (uint64_t)value.integer;
  if (dtype == ADZE_F16)
    bits = scalar_to_half(value.real);
  else if (dtype == ADZE_BF16)
    bits = scalar_to_bfloat(value.real);
  else if (dtype == ADZE_F32)
    bits = float_bits((float)value.real);
  else if (dtype == ADZE_F64)
    bits = double_bits(value.real);
  memcpy(bytes, &bits, dtype_bits(dtype) / 8);
}

union scalar scalar_bitcast(enum adze_dtype to, enum adze_dtype from,
                            union scalar a) {
  uint64_t bits = 0;
  scalar_store(from, &bits, a);
  return scalar_load(to, &bits);
}
