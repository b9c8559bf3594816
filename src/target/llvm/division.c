/* SPDX-License-Identifier: Apache-2.0 */
/* Integer division and remainder, toward zero and toward minus infinity.
 *
 * Hardware traps on x/0 and minimum/-1, and LLVM calls both undefined; here
 * x/0 = 0, x rem 0 = x, minimum/-1 wraps. So a divisor that could be 0 or -1 is
 * replaced by 1 and the defined result selected afterwards. A constant divisor
 * needs none of that, and floor division by a power of two is a shift, whose
 * result is the same for negative numbers too.
 */
#include "target/llvm/emitter.h"

static LLVMValueRef same_integer(LLVMValueRef like, int64_t value,
                                 struct emitter *emitter, uint32_t lanes) {
  LLVMTypeRef type = LLVMTypeOf(like);
  if (lanes > 1)
    type = LLVMGetElementType(type);
  return emit_splat(emitter, LLVMConstInt(type, (uint64_t)value, true), lanes);
}

/* log2 of a constant power of two, or -1. */
static int power_of_two(const struct expr *e) {
  while (e->kind == EXPR_BROADCAST)
    e = e->args[0];
  if (e->kind != EXPR_INTEGER || e->integer <= 0 ||
      (e->integer & (e->integer - 1)) != 0)
    return -1;
  return __builtin_ctzll((uint64_t)e->integer);
}

static bool is_ordinary_constant(const struct expr *e) {
  while (e->kind == EXPR_BROADCAST)
    e = e->args[0];
  return e->kind == EXPR_INTEGER && e->integer != 0 && e->integer != -1;
}

static LLVMValueRef emit_by_power(struct emitter *emitter, const struct expr *e,
                                  LLVMValueRef a, int power) {
  LLVMBuilderRef builder = emitter->builder;
  if (e->kind == EXPR_FLOOR_MOD)
    return LLVMBuildAnd(
        builder, a,
        same_integer(a, ((int64_t)1 << power) - 1, emitter, e->lanes), "");
  LLVMValueRef amount = same_integer(a, power, emitter, e->lanes);
  return dtype_is_signed(e->dtype) ? LLVMBuildAShr(builder, a, amount, "")
                                   : LLVMBuildLShr(builder, a, amount, "");
}

struct division {
  LLVMValueRef quotient, remainder;
};

/* Toward zero; b is neither 0 nor -1. */
static struct division divide(LLVMBuilderRef builder, bool is_signed,
                              LLVMValueRef a, LLVMValueRef b) {
  struct division result;
  result.quotient = is_signed ? LLVMBuildSDiv(builder, a, b, "")
                              : LLVMBuildUDiv(builder, a, b, "");
  result.remainder = LLVMBuildSub(
      builder, a, LLVMBuildMul(builder, result.quotient, b, ""), "");
  return result;
}

/* Toward zero, every case defined. */
static struct division divide_any(struct emitter *emitter, const struct expr *e,
                                  LLVMValueRef a, LLVMValueRef b) {
  LLVMBuilderRef builder = emitter->builder;
  bool is_signed = dtype_is_signed(e->dtype);
  if (is_ordinary_constant(e->args[1]))
    return divide(builder, is_signed, a, b);
  LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(a));
  LLVMValueRef one = same_integer(a, 1, emitter, e->lanes);
  LLVMValueRef is_zero = LLVMBuildICmp(builder, LLVMIntEQ, b, zero, "");
  LLVMValueRef is_odd = is_zero, is_minus = NULL;
  if (is_signed) {
    LLVMValueRef minus = same_integer(a, -1, emitter, e->lanes);
    is_minus = LLVMBuildICmp(builder, LLVMIntEQ, b, minus, "");
    is_odd = LLVMBuildOr(builder, is_zero, is_minus, "");
  }
  LLVMValueRef safe = LLVMBuildSelect(builder, is_odd, one, b, "");
  struct division result = divide(builder, is_signed, a, safe);
  if (is_signed)
    result.quotient = LLVMBuildSelect(
        builder, is_minus, LLVMBuildNeg(builder, a, ""), result.quotient, "");
  result.quotient =
      LLVMBuildSelect(builder, is_zero, zero, result.quotient, "");
  /* With 1 for -1 the remainder is 0 already; with 1 for 0 it must be a. */
  result.remainder = LLVMBuildSelect(builder, is_zero, a, result.remainder, "");
  return result;
}

LLVMValueRef emit_division(struct emitter *emitter, const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  bool is_floor = e->kind == EXPR_FLOOR_DIV || e->kind == EXPR_FLOOR_MOD;
  bool is_quotient = e->kind == EXPR_FLOOR_DIV || e->kind == EXPR_DIV;
  LLVMValueRef a = emit_lanes(emitter, e->args[0], e->lanes);
  int power = power_of_two(e->args[1]);
  if (is_floor && power >= 0)
    return emit_by_power(emitter, e, a, power);
  LLVMValueRef b = emit_lanes(emitter, e->args[1], e->lanes);
  struct division result = divide_any(emitter, e, a, b);
  if (!is_floor || !dtype_is_signed(e->dtype))
    return is_quotient ? result.quotient : result.remainder;
  /* One down where the remainder is not 0 and has the other sign. x mod 0 = x
   * stays as it is, and x/0 = 0 too. */
  LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(a));
  LLVMValueRef one = same_integer(a, 1, emitter, e->lanes);
  LLVMValueRef differ =
      LLVMBuildICmp(builder, LLVMIntSLT,
                    LLVMBuildXor(builder, result.remainder, b, ""), zero, "");
  LLVMValueRef rest =
      LLVMBuildICmp(builder, LLVMIntNE, result.remainder, zero, "");
  LLVMValueRef down = LLVMBuildAnd(builder, rest, differ, "");
  if (!is_ordinary_constant(e->args[1]))
    down = LLVMBuildAnd(builder, down,
                        LLVMBuildICmp(builder, LLVMIntNE, b, zero, ""), "");
  if (is_quotient)
    return LLVMBuildSelect(builder, down,
                           LLVMBuildSub(builder, result.quotient, one, ""),
                           result.quotient, "");
  return LLVMBuildSelect(builder, down,
                         LLVMBuildAdd(builder, result.remainder, b, ""),
                         result.remainder, "");
}
