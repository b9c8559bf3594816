/* SPDX-License-Identifier: Apache-2.0 */
/* Elements are read and written through a double: commands compare, print and
 * fill arrays, where clarity counts and speed does not.
 *
 * Half formats are converted here by hand, since a C11 compiler need not have
 * them: float16 by scaling its exponent through a power of two, which handles
 * subnormal numbers without a case of their own; bfloat16 is the upper half of
 * a float.
 */
#include "cli/array.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

bool array_measure(struct array *array) {
  size_t bytes = adze_dtype_bytes(array->dtype);
  for (int i = 0; i < array->rank; i++)
    if (array->dims[i] < 0 || !size_mul(bytes, (size_t)array->dims[i], &bytes))
      return false;
  array->bytes = bytes;
  return true;
}

size_t array_count(const struct array *array) {
  return array->bytes / adze_dtype_bytes(array->dtype);
}

void array_allocate(struct arena *arena, struct array *array) {
  size_t bytes;
  if (!size_add(array->bytes, 64, &bytes))
    guard_out_of_memory();
  uintptr_t start = (uintptr_t)arena_alloc(arena, bytes);
  array->data = (void *)align_up(start, 64);
}

const char *array_type_text(struct arena *arena, enum adze_dtype dtype,
                            int rank, const int64_t *dims) {
  struct text text = {.arena = arena};
  text_format(&text, "%s[", adze_dtype_name(dtype));
  for (int i = 0; i < rank; i++)
    text_format(&text, "%s%lld", i ? "," : "", (long long)dims[i]);
  text_add(&text, "]");
  return text_string(&text);
}

struct array array_like(const struct adze_tensor_info *info) {
  struct array array = {
      .name = info->name, .dtype = info->dtype, .rank = info->rank};
  memcpy(array.dims, info->dims, sizeof array.dims);
  check(array_measure(&array));
  return array;
}

static double half_to_double(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  double fraction = bits & 1023;
  double size;
  if (exponent == 31)
    size = fraction != 0 ? NAN : INFINITY;
  else if (exponent == 0)
    size = ldexp(fraction, -24);
  else
    size = ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

static uint16_t half_from_double(double value) {
  uint16_t sign = signbit(value) ? 0x8000 : 0;
  double size = fabs(value);
  int exponent;
  if (isnan(value))
    return sign | 0x7e00;
  if (size >= 65520) /* rounds beyond the largest half, 65504 */
    return sign | 0x7c00;
  frexp(size, &exponent); /* size < 2^exponent */
  if (exponent < -13)
    exponent = -13; /* subnormal: the unit stays 2^-24 */
  /* A fraction that rounds up to 2048 carries into the exponent by itself. */
  double fraction = nearbyint(ldexp(size, 11 - exponent));
  if (fraction < 1024)
    return sign | (uint16_t)fraction;
  return (uint16_t)(sign | (((exponent + 14) << 10) + (int)fraction - 1024));
}

static double bfloat_to_double(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

static uint16_t bfloat_from_double(double value) {
  float narrow = (float)value;
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof bits);
  if (isnan(narrow))
    return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double array_get(const struct array *array, size_t index) {
  const void *data = array->data;
  switch (array->dtype) {
  case ADZE_F32:
    return ((const float *)data)[index];
  case ADZE_F64:
    return ((const double *)data)[index];
  case ADZE_F16:
    return half_to_double(((const uint16_t *)data)[index]);
  case ADZE_BF16:
    return bfloat_to_double(((const uint16_t *)data)[index]);
  case ADZE_I8:
    return ((const int8_t *)data)[index];
  case ADZE_I16:
    return ((const int16_t *)data)[index];
  case ADZE_I32:
    return ((const int32_t *)data)[index];
  case ADZE_I64:
    return (double)((const int64_t *)data)[index];
  case ADZE_U8:
  case ADZE_BOOL:
    return ((const uint8_t *)data)[index];
  case ADZE_U16:
    return ((const uint16_t *)data)[index];
  case ADZE_U32:
    return ((const uint32_t *)data)[index];
  case ADZE_U64:
    return (double)((const uint64_t *)data)[index];
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

/* Clamps to [low, high]; both are exact doubles but for the 64-bit limits,
 * where a double beyond the last one below 2^63 or 2^64 gives the limit. */
static int64_t to_signed(double value, int bits) {
  double limit = ldexp(1, bits - 1);
  if (isnan(value))
    return 0;
  if (value >= limit)
    return (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
  return value <= -limit ? -(int64_t)(((uint64_t)1 << (bits - 1)) - 1) - 1
                         : (int64_t)value;
}

static uint64_t to_unsigned(double value, int bits) {
  if (isnan(value) || value <= 0)
    return 0;
  return value >= ldexp(1, bits) ? UINT64_MAX >> (64 - bits) : (uint64_t)value;
}

void array_set(struct array *array, size_t index, double value) {
  void *data = array->data;
  switch (array->dtype) {
  case ADZE_F32:
    ((float *)data)[index] = (float)value;
    return;
  case ADZE_F64:
    ((double *)data)[index] = value;
    return;
  case ADZE_F16:
    ((uint16_t *)data)[index] = half_from_double(value);
    return;
  case ADZE_BF16:
    ((uint16_t *)data)[index] = bfloat_from_double(value);
    return;
  case ADZE_I8:
    ((int8_t *)data)[index] = (int8_t)to_signed(value, 8);
    return;
  case ADZE_I16:
    ((int16_t *)data)[index] = (int16_t)to_signed(value, 16);
    return;
  case ADZE_I32:
    ((int32_t *)data)[index] = (int32_t)to_signed(value, 32);
    return;
  case ADZE_I64:
    ((int64_t *)data)[index] = to_signed(value, 64);
    return;
  case ADZE_U8:
    ((uint8_t *)data)[index] = (uint8_t)to_unsigned(value, 8);
    return;
  case ADZE_U16:
    ((uint16_t *)data)[index] = (uint16_t)to_unsigned(value, 16);
    return;
  case ADZE_U32:
    ((uint32_t *)data)[index] = (uint32_t)to_unsigned(value, 32);
    return;
  case ADZE_U64:
    ((uint64_t *)data)[index] = to_unsigned(value, 64);
    return;
  case ADZE_BOOL:
    ((uint8_t *)data)[index] = value != 0;
    return;
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

bool dtype_is_exact(enum adze_dtype dtype) {
  return dtype != ADZE_F32 && dtype != ADZE_F64 && dtype != ADZE_F16 &&
         dtype != ADZE_BF16;
}
