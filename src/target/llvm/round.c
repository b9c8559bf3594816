/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding to integers, and the float remainder, without a library.
 *
 * x86-64 before SSE4.1 has no rounding instruction and LLVM would call libm.
 * Adding and subtracting 2^23 (2^52) rounds to nearest even, as long as the
 * magnitude is below it; floor, ceil and trunc correct that by one. The sign is
 * copied back at the end, since the correction of -0.3 up gives +0.
 *
 * No machine has a remainder instruction, so that is a function of our own,
 * once per module: long division of the mantissas, bit by bit, exact.
 */
#include "target/llvm/emitter.h"

#include <string.h>

static LLVMValueRef intrinsic1(struct emitter *emitter, const char *name,
                               LLVMValueRef x) {
  LLVMTypeRef type = LLVMTypeOf(x);
  return compiler_intrinsic(emitter->compiler, name, &type, 1, &x, 1);
}

static bool has_rounding(const struct machine *machine) {
  if (strcmp(machine->architecture, "x86_64") != 0)
    return true;
  for (size_t i = 0; i < machine->feature_count; i++)
    if (strcmp(machine->features[i], "sse4.1") == 0)
      return true;
  return false;
}

/* |x| rounded to nearest even; right while |x| is below `limit`. */
static LLVMValueRef round_small(LLVMBuilderRef builder, LLVMValueRef magnitude,
                                LLVMValueRef limit) {
  LLVMValueRef sum = LLVMBuildFAdd(builder, magnitude, limit, "");
  return LLVMBuildFSub(builder, sum, limit, "");
}

static LLVMValueRef expand_rounding(struct emitter *emitter,
                                    enum expr_kind kind, LLVMValueRef x,
                                    enum adze_dtype dtype, uint32_t lanes) {
  LLVMBuilderRef builder = emitter->builder;
  double limit_value = dtype == ADZE_F32 ? 0x1p23 : 0x1p52;
  LLVMValueRef limit = emit_constant(emitter, dtype, lanes, limit_value);
  LLVMValueRef one = emit_constant(emitter, dtype, lanes, 1);
  LLVMValueRef magnitude = intrinsic1(emitter, "llvm.fabs", x);
  LLVMValueRef rounded = round_small(builder, magnitude, limit);
  LLVMTypeRef type = LLVMTypeOf(x);
  LLVMValueRef pair[2] = {rounded, x};
  if (kind == EXPR_FLOOR || kind == EXPR_CEIL)
    pair[0] = compiler_intrinsic(emitter->compiler, "llvm.copysign", &type, 1,
                                 pair, 2);
  if (kind == EXPR_FLOOR || kind == EXPR_TRUNCATE) {
    LLVMValueRef bound = kind == EXPR_FLOOR ? x : magnitude;
    LLVMValueRef above =
        LLVMBuildFCmp(builder, LLVMRealOGT, pair[0], bound, "");
    LLVMValueRef down = LLVMBuildFSub(builder, pair[0], one, "");
    pair[0] = LLVMBuildSelect(builder, above, down, pair[0], "");
  } else if (kind == EXPR_CEIL) {
    LLVMValueRef below = LLVMBuildFCmp(builder, LLVMRealOLT, pair[0], x, "");
    LLVMValueRef up = LLVMBuildFAdd(builder, pair[0], one, "");
    pair[0] = LLVMBuildSelect(builder, below, up, pair[0], "");
  }
  LLVMValueRef result =
      compiler_intrinsic(emitter->compiler, "llvm.copysign", &type, 1, pair, 2);
  /* False for NaN too, so those pass unchanged. */
  LLVMValueRef small =
      LLVMBuildFCmp(builder, LLVMRealOLT, magnitude, limit, "");
  return LLVMBuildSelect(builder, small, result, x, "");
}

LLVMValueRef emit_rounding(struct emitter *emitter, enum expr_kind kind,
                           LLVMValueRef x, enum adze_dtype dtype,
                           uint32_t lanes) {
  check(kind == EXPR_FLOOR || kind == EXPR_CEIL || kind == EXPR_ROUND ||
        kind == EXPR_TRUNCATE);
  if (!has_rounding(emitter->compiler->machine))
    return expand_rounding(emitter, kind, x, dtype, lanes);
  return intrinsic1(emitter,
                    kind == EXPR_FLOOR   ? "llvm.floor"
                    : kind == EXPR_CEIL  ? "llvm.ceil"
                    : kind == EXPR_ROUND ? "llvm.roundeven"
                                         : "llvm.trunc",
                    x);
}

/* ---- Remainder ----------------------------------------------------------- */

/* What the parts of the remainder function share. Bits are integers as wide
 * as the float. */
struct remainder {
  struct compiler *compiler;
  LLVMBuilderRef builder;
  LLVMTypeRef real, bits;
  unsigned width, mantissa;
  LLVMValueRef function;
};

static LLVMValueRef bits_constant(const struct remainder *r, uint64_t value) {
  return LLVMConstInt(r->bits, value, false);
}

/* Shift that brings the leading bit of x to the implicit bit's place. */
static LLVMValueRef leading_shift(const struct remainder *r, LLVMValueRef x) {
  LLVMTypeRef type = r->bits;
  LLVMValueRef arguments[2] = {
      x, LLVMConstInt(LLVMInt1TypeInContext(r->compiler->context), 0, false)};
  LLVMValueRef zeros =
      compiler_intrinsic(r->compiler, "llvm.ctlz", &type, 1, arguments, 2);
  return LLVMBuildSub(r->builder, zeros,
                      bits_constant(r, r->width - 1 - r->mantissa), "");
}

/* magnitude (bits of a finite, positive float) = mantissa * 2^exponent with
 * the implicit bit set, up to a common bias. */
static void split(const struct remainder *r, LLVMValueRef magnitude,
                  LLVMValueRef *mantissa, LLVMValueRef *exponent) {
  LLVMBuilderRef builder = r->builder;
  LLVMValueRef implicit = bits_constant(r, (uint64_t)1 << r->mantissa);
  LLVMValueRef biased =
      LLVMBuildLShr(builder, magnitude, bits_constant(r, r->mantissa), "");
  LLVMValueRef is_small =
      LLVMBuildICmp(builder, LLVMIntEQ, biased, bits_constant(r, 0), "");
  LLVMValueRef fraction =
      LLVMBuildAnd(builder, magnitude,
                   bits_constant(r, ((uint64_t)1 << r->mantissa) - 1), "");
  LLVMValueRef shift = leading_shift(r, fraction);
  LLVMValueRef inside =
      LLVMBuildAnd(builder, shift, bits_constant(r, r->width - 1), "");
  *mantissa = LLVMBuildSelect(builder, is_small,
                              LLVMBuildShl(builder, fraction, inside, ""),
                              LLVMBuildOr(builder, fraction, implicit, ""), "");
  LLVMValueRef small = LLVMBuildSub(builder, bits_constant(r, 1), shift, "");
  *exponent = LLVMBuildSelect(builder, is_small, small, biased, "");
}

/* x >= d ? x - d : x */
static LLVMValueRef reduce_once(const struct remainder *r, LLVMValueRef x,
                                LLVMValueRef d) {
  LLVMValueRef fits = LLVMBuildICmp(r->builder, LLVMIntUGE, x, d, "");
  LLVMValueRef less = LLVMBuildSub(r->builder, x, d, "");
  return LLVMBuildSelect(r->builder, fits, less, x, "");
}

/* The loop: x times 2^(ex - ey) modulo d, a bit at a time. Leaves the builder
 * behind it. */
static LLVMValueRef long_division(const struct remainder *r, LLVMValueRef x,
                                  LLVMValueRef ex, LLVMValueRef d,
                                  LLVMValueRef ey) {
  LLVMBuilderRef builder = r->builder;
  LLVMContextRef context = r->compiler->context;
  LLVMBasicBlockRef before = LLVMGetInsertBlock(builder);
  LLVMBasicBlockRef loop =
      LLVMAppendBasicBlockInContext(context, r->function, "divide");
  LLVMBasicBlockRef step =
      LLVMAppendBasicBlockInContext(context, r->function, "step");
  LLVMBasicBlockRef done =
      LLVMAppendBasicBlockInContext(context, r->function, "divided");
  LLVMBuildBr(builder, loop);
  LLVMPositionBuilderAtEnd(builder, loop);
  LLVMValueRef rest = LLVMBuildPhi(builder, r->bits, "");
  LLVMValueRef exponent = LLVMBuildPhi(builder, r->bits, "");
  LLVMValueRef reduced = reduce_once(r, rest, d);
  LLVMValueRef more = LLVMBuildICmp(builder, LLVMIntSGT, exponent, ey, "");
  LLVMBuildCondBr(builder, more, step, done);
  LLVMPositionBuilderAtEnd(builder, step);
  LLVMValueRef doubled =
      LLVMBuildShl(builder, reduced, bits_constant(r, 1), "");
  LLVMValueRef lower = LLVMBuildSub(builder, exponent, bits_constant(r, 1), "");
  LLVMBuildBr(builder, loop);
  LLVMBasicBlockRef blocks[2] = {before, step};
  LLVMAddIncoming(rest, (LLVMValueRef[]){x, doubled}, blocks, 2);
  LLVMAddIncoming(exponent, (LLVMValueRef[]){ex, lower}, blocks, 2);
  LLVMPositionBuilderAtEnd(builder, done);
  return reduced;
}

/* mantissa * 2^exponent as bits; 0 stays 0. */
static LLVMValueRef join(const struct remainder *r, LLVMValueRef mantissa,
                         LLVMValueRef exponent) {
  LLVMBuilderRef builder = r->builder;
  LLVMValueRef zero = bits_constant(r, 0), one = bits_constant(r, 1);
  LLVMValueRef limit = bits_constant(r, r->width - 1);
  LLVMValueRef shift =
      LLVMBuildAnd(builder, leading_shift(r, mantissa), limit, "");
  mantissa = LLVMBuildShl(builder, mantissa, shift, "");
  exponent = LLVMBuildSub(builder, exponent, shift, "");
  LLVMValueRef implicit = bits_constant(r, (uint64_t)1 << r->mantissa);
  LLVMValueRef normal = LLVMBuildAdd(
      builder, LLVMBuildSub(builder, mantissa, implicit, ""),
      LLVMBuildShl(builder, exponent, bits_constant(r, r->mantissa), ""), "");
  LLVMValueRef down = LLVMBuildAnd(
      builder, LLVMBuildSub(builder, one, exponent, ""), limit, "");
  LLVMValueRef small = LLVMBuildLShr(builder, mantissa, down, "");
  LLVMValueRef is_normal =
      LLVMBuildICmp(builder, LLVMIntSGT, exponent, zero, "");
  LLVMValueRef value = LLVMBuildSelect(builder, is_normal, normal, small, "");
  LLVMValueRef is_zero = LLVMBuildICmp(builder, LLVMIntEQ, mantissa, zero, "");
  return LLVMBuildSelect(builder, is_zero, zero, value, "");
}

/* The function's body after its special cases: |x| >= |y|, both finite. */
static void define_division(const struct remainder *r, LLVMValueRef x,
                            LLVMValueRef magnitude_x,
                            LLVMValueRef magnitude_y) {
  LLVMBuilderRef builder = r->builder;
  LLVMValueRef mx, ex, my, ey;
  split(r, magnitude_x, &mx, &ex);
  split(r, magnitude_y, &my, &ey);
  LLVMValueRef rest = long_division(r, mx, ex, my, ey);
  LLVMValueRef sign = LLVMBuildAnd(
      builder, x, bits_constant(r, (uint64_t)1 << (r->width - 1)), "");
  LLVMValueRef bits = LLVMBuildOr(builder, join(r, rest, ey), sign, "");
  LLVMBuildRet(builder, LLVMBuildBitCast(builder, bits, r->real, ""));
}

static void define_remainder(struct remainder *r) {
  LLVMContextRef context = r->compiler->context;
  LLVMBuilderRef builder = r->builder;
  LLVMValueRef x_real = LLVMGetParam(r->function, 0);
  LLVMValueRef y_real = LLVMGetParam(r->function, 1);
  LLVMBasicBlockRef blocks[5];
  for (size_t i = 0; i < 5; i++)
    blocks[i] = LLVMAppendBasicBlockInContext(context, r->function, "");
  LLVMPositionBuilderAtEnd(builder, blocks[0]);
  uint64_t all = r->width == 64 ? UINT64_MAX >> 1 : UINT32_MAX >> 1;
  uint64_t infinity = all >> r->mantissa << r->mantissa;
  LLVMValueRef x = LLVMBuildBitCast(builder, x_real, r->bits, "");
  LLVMValueRef y = LLVMBuildBitCast(builder, y_real, r->bits, "");
  LLVMValueRef ax = LLVMBuildAnd(builder, x, bits_constant(r, all), "");
  LLVMValueRef ay = LLVMBuildAnd(builder, y, bits_constant(r, all), "");
  LLVMValueRef bad = LLVMBuildOr(
      builder, LLVMBuildICmp(builder, LLVMIntEQ, ay, bits_constant(r, 0), ""),
      LLVMBuildOr(builder,
                  LLVMBuildICmp(builder, LLVMIntUGE, ax,
                                bits_constant(r, infinity), ""),
                  LLVMBuildICmp(builder, LLVMIntUGT, ay,
                                bits_constant(r, infinity), ""),
                  ""),
      "");
  LLVMBuildCondBr(builder, bad, blocks[1], blocks[2]);
  LLVMPositionBuilderAtEnd(builder, blocks[1]);
  LLVMBuildRet(builder, LLVMConstReal(r->real, (double)__builtin_nanf("")));
  LLVMPositionBuilderAtEnd(builder, blocks[2]);
  LLVMValueRef smaller = LLVMBuildICmp(builder, LLVMIntULT, ax, ay, "");
  LLVMBuildCondBr(builder, smaller, blocks[3], blocks[4]);
  LLVMPositionBuilderAtEnd(builder, blocks[3]);
  LLVMBuildRet(builder, x_real);
  LLVMPositionBuilderAtEnd(builder, blocks[4]);
  define_division(r, x, ax, ay);
}

/* The module's remainder function for a dtype, made when first asked for. */
static LLVMValueRef remainder_function(struct compiler *compiler,
                                       enum adze_dtype dtype) {
  const char *name =
      dtype == ADZE_F32 ? "adze_remainder_f32" : "adze_remainder_f64";
  LLVMValueRef function = LLVMGetNamedFunction(compiler->module, name);
  if (function != NULL)
    return function;
  LLVMContextRef context = compiler->context;
  bool is_single = dtype == ADZE_F32;
  struct remainder r = {
      .compiler = compiler,
      .builder = compiler->builder,
      .real = is_single ? LLVMFloatTypeInContext(context)
                        : LLVMDoubleTypeInContext(context),
      .bits = is_single ? LLVMInt32TypeInContext(context)
                        : LLVMInt64TypeInContext(context),
      .width = is_single ? 32 : 64,
      .mantissa = is_single ? 23 : 52,
  };
  LLVMTypeRef parameters[2] = {r.real, r.real};
  r.function = LLVMAddFunction(compiler->module, name,
                               LLVMFunctionType(r.real, parameters, 2, false));
  LLVMSetLinkage(r.function, LLVMInternalLinkage);
  compiler_add_attributes(compiler, r.function);
  define_remainder(&r);
  return r.function;
}

LLVMValueRef emit_float_remainder(struct emitter *emitter, LLVMValueRef a,
                                  LLVMValueRef b, enum adze_dtype dtype,
                                  uint32_t lanes) {
  LLVMBuilderRef builder = emitter->builder;
  struct place here = {emitter->block, emitter->insert_before};
  LLVMValueRef function = remainder_function(emitter->compiler, dtype);
  emitter_return(emitter, here);
  LLVMTypeRef type = LLVMGlobalGetValueType(function);
  if (lanes == 1)
    return LLVMBuildCall2(builder, type, function, (LLVMValueRef[]){a, b}, 2,
                          "");
  LLVMValueRef result = LLVMGetPoison(LLVMTypeOf(a));
  for (uint32_t i = 0; i < lanes; i++) {
    LLVMValueRef lane = emit_index(emitter, i);
    LLVMValueRef pair[2] = {LLVMBuildExtractElement(builder, a, lane, ""),
                            LLVMBuildExtractElement(builder, b, lane, "")};
    LLVMValueRef one = LLVMBuildCall2(builder, type, function, pair, 2, "");
    result = LLVMBuildInsertElement(builder, result, one, lane, "");
  }
  return result;
}
