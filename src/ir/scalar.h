/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of expr.def compute, on one element: used by the makers to
 * fold constants and free for the interpreter, so that the semantics have one
 * definition.
 *
 * A scalar holds an integer or bool wrapped into its dtype (u64 as its bits)
 * or a float that is exact in its dtype. Functions take and return such. */
#ifndef IR_SCALAR_H
#define IR_SCALAR_H

#include "ir/expr.h"

union scalar {
  int64_t integer; /* integers and bool */
  double real;     /* f16, bf16, f32, f64 */
};

/* Bits of an element; bool counts 8. */
unsigned dtype_bits(enum adze_dtype dtype);

/* Modulo 2^bits, as the dtype's value; bool becomes != 0. */
int64_t scalar_wrap(enum adze_dtype dtype, int64_t value);
/* Rounded to nearest even into a float dtype, once. */
double scalar_round(enum adze_dtype dtype, double value);

/* Of half formats; 16 bits as they lie in memory. */
double scalar_from_half(uint16_t bits);
uint16_t scalar_to_half(double value);
double scalar_from_bfloat(uint16_t bits);
uint16_t scalar_to_bfloat(double value);

/* NEGATE … SQRT, of the kinds that are not expanded by ir/expand_math.h.
 * False for a kind or dtype they don't have. */
bool scalar_unary(enum expr_kind kind, enum adze_dtype dtype, union scalar a,
                  union scalar *out);
/* ADD … SHIFT_RIGHT (not POW), and comparisons (result bool, `dtype` is the
 * arguments'). */
bool scalar_binary(enum expr_kind kind, enum adze_dtype dtype, union scalar a,
                   union scalar b, union scalar *out);
union scalar scalar_fma(enum adze_dtype dtype, union scalar a, union scalar b,
                        union scalar c);
union scalar scalar_cast(enum adze_dtype to, enum adze_dtype from,
                         union scalar a);
union scalar scalar_bitcast(enum adze_dtype to, enum adze_dtype from,
                            union scalar a);
/* Between a scalar and its bytes in memory. */
union scalar scalar_load(enum adze_dtype dtype, const void *bytes);
void scalar_store(enum adze_dtype dtype, void *bytes, union scalar value);

#endif
