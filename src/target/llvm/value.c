/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions to LLVM values, one for one.
 *
 * No fast-math flag is ever set, so LLVM keeps every bit. Where LLVM leaves a
 * case undefined that our semantics define (division by zero, shifts by the
 * width, conversions out of range), the defined result is selected. bool is i1
 * in registers and a byte in memory; f16 and bf16 are 16-bit integers, since
 * there is no arithmetic on them.
 */
#include "target/llvm/emitter.h"

#include "ir/scalar.h"

#include <llvm-c/Core.h>

/* ---- Types and constants ------------------------------------------------- */

static LLVMTypeRef scalar_type(LLVMContextRef context, enum adze_dtype dtype) {
  switch (dtype) {
  case ADZE_F32:
    return LLVMFloatTypeInContext(context);
  case ADZE_F64:
    return LLVMDoubleTypeInContext(context);
  case ADZE_BOOL:
    return LLVMInt1TypeInContext(context);
  case ADZE_I8:
  case ADZE_U8:
    return LLVMInt8TypeInContext(context);
  case ADZE_F16:
  case ADZE_BF16:
  case ADZE_I16:
  case ADZE_U16:
    return LLVMInt16TypeInContext(context);
  case ADZE_I32:
  case ADZE_U32:
    return LLVMInt32TypeInContext(context);
  case ADZE_I64:
  case ADZE_U64:
    return LLVMInt64TypeInContext(context);
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

LLVMTypeRef emit_type(const struct emitter *emitter, enum adze_dtype dtype,
                      uint32_t lanes) {
  LLVMTypeRef type = scalar_type(emitter->context, dtype);
  return lanes > 1 ? LLVMVectorType(type, lanes) : type;
}

LLVMTypeRef emit_memory_type(const struct emitter *emitter,
                             enum adze_dtype dtype, uint32_t lanes) {
  return emit_type(emitter, dtype == ADZE_BOOL ? ADZE_U8 : dtype, lanes);
}

LLVMValueRef emit_index(const struct emitter *emitter, int64_t value) {
  return LLVMConstInt(LLVMInt64TypeInContext(emitter->context), (uint64_t)value,
                      true);
}

LLVMValueRef emit_splat(struct emitter *emitter, LLVMValueRef scalar,
                        uint32_t lanes) {
  if (lanes == 1)
    return scalar;
  if (LLVMIsConstant(scalar)) {
    LLVMValueRef *all = ARENA_ARRAY(emitter->arena, LLVMValueRef, lanes);
    for (uint32_t i = 0; i < lanes; i++)
      all[i] = scalar;
    return LLVMConstVector(all, lanes);
  }
  LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(scalar), lanes);
  LLVMTypeRef mask =
      LLVMVectorType(LLVMInt32TypeInContext(emitter->context), lanes);
  LLVMValueRef poison = LLVMGetPoison(type);
  LLVMValueRef one = LLVMBuildInsertElement(emitter->builder, poison, scalar,
                                            emit_index(emitter, 0), "");
  return LLVMBuildShuffleVector(emitter->builder, one, poison,
                                LLVMConstNull(mask), "");
}

static LLVMValueRef integer_constant(struct emitter *emitter,
                                     enum adze_dtype dtype, uint32_t lanes,
                                     int64_t value) {
  LLVMTypeRef type = scalar_type(emitter->context, dtype);
  return emit_splat(emitter, LLVMConstInt(type, (uint64_t)value, true), lanes);
}

LLVMValueRef emit_constant(struct emitter *emitter, enum adze_dtype dtype,
                           uint32_t lanes, double value) {
  check(dtype_is_float(dtype));
  LLVMTypeRef type = scalar_type(emitter->context, dtype);
  return emit_splat(emitter, LLVMConstReal(type, value), lanes);
}

static LLVMValueRef emit_literal(struct emitter *emitter,
                                 const struct expr *e) {
  LLVMTypeRef type = scalar_type(emitter->context, e->dtype);
  LLVMValueRef value;
  if (e->kind == EXPR_INTEGER)
    value = LLVMConstInt(type, (uint64_t)e->integer, true);
  else if (e->dtype == ADZE_F16)
    value = LLVMConstInt(type, scalar_to_half(e->real), false);
  else if (e->dtype == ADZE_BF16)
    value = LLVMConstInt(type, scalar_to_bfloat(e->real), false);
  else
    value = LLVMConstReal(type, e->real);
  return emit_splat(emitter, value, e->lanes);
}

/* ---- Operators ----------------------------------------------------------- */

static LLVMValueRef emit_unary_intrinsic(struct emitter *emitter,
                                         const char *name, LLVMValueRef x) {
  LLVMTypeRef type = LLVMTypeOf(x);
  return compiler_intrinsic(emitter->compiler, name, &type, 1, &x, 1);
}

static LLVMValueRef emit_compare(struct emitter *emitter, enum expr_kind kind,
                                 enum adze_dtype dtype, LLVMValueRef a,
                                 LLVMValueRef b) {
  LLVMBuilderRef builder = emitter->builder;
  bool is_signed = dtype_is_signed(dtype);
  if (dtype_is_float(dtype)) {
    LLVMRealPredicate predicate = kind == EXPR_EQUAL       ? LLVMRealOEQ
                                  : kind == EXPR_NOT_EQUAL ? LLVMRealUNE
                                  : kind == EXPR_LESS      ? LLVMRealOLT
                                                           : LLVMRealOLE;
    return LLVMBuildFCmp(builder, predicate, a, b, "");
  }
  LLVMIntPredicate predicate = kind == EXPR_EQUAL       ? LLVMIntEQ
                               : kind == EXPR_NOT_EQUAL ? LLVMIntNE
                               : kind == EXPR_LESS
                                   ? (is_signed ? LLVMIntSLT : LLVMIntULT)
                                   : (is_signed ? LLVMIntSLE : LLVMIntULE);
  return LLVMBuildICmp(builder, predicate, a, b, "");
}

static LLVMValueRef emit_unary(struct emitter *emitter, const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  LLVMValueRef x = emit_expr(emitter, e->args[0]);
  bool is_float = dtype_is_float(e->dtype);
  if (e->kind == EXPR_NOT)
    return LLVMBuildNot(builder, x, "");
  if (e->kind == EXPR_NEGATE)
    return is_float ? LLVMBuildFNeg(builder, x, "")
                    : LLVMBuildNeg(builder, x, "");
  if (e->kind == EXPR_SQRT)
    return emit_unary_intrinsic(emitter, "llvm.sqrt", x);
  if (e->kind != EXPR_ABS)
    return is_float ? emit_rounding(emitter, e->kind, x, e->dtype, e->lanes)
                    : x;
  if (is_float)
    return emit_unary_intrinsic(emitter, "llvm.fabs", x);
  if (!dtype_is_signed(e->dtype))
    return x;
  LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(x));
  LLVMValueRef negative = LLVMBuildICmp(builder, LLVMIntSLT, x, zero, "");
  return LLVMBuildSelect(builder, negative, LLVMBuildNeg(builder, x, ""), x,
                         "");
}

static LLVMValueRef emit_shift(struct emitter *emitter, const struct expr *e,
                               LLVMValueRef a, LLVMValueRef b) {
  LLVMBuilderRef builder = emitter->builder;
  unsigned width = LLVMGetIntTypeWidth(scalar_type(emitter->context, e->dtype));
  b = LLVMBuildAnd(
      builder, b,
      integer_constant(emitter, e->dtype, e->lanes, (int64_t)width - 1), "");
  if (e->kind == EXPR_SHIFT_LEFT)
    return LLVMBuildShl(builder, a, b, "");
  return dtype_is_signed(e->dtype) ? LLVMBuildAShr(builder, a, b, "")
                                   : LLVMBuildLShr(builder, a, b, "");
}

static LLVMValueRef emit_float_binary(struct emitter *emitter,
                                      const struct expr *e, LLVMValueRef a,
                                      LLVMValueRef b) {
  LLVMBuilderRef builder = emitter->builder;
  if (e->kind == EXPR_ADD)
    return LLVMBuildFAdd(builder, a, b, "");
  if (e->kind == EXPR_SUB)
    return LLVMBuildFSub(builder, a, b, "");
  if (e->kind == EXPR_MUL)
    return LLVMBuildFMul(builder, a, b, "");
  if (e->kind == EXPR_DIV)
    return LLVMBuildFDiv(builder, a, b, "");
  check(e->kind == EXPR_REMAINDER);
  return emit_float_remainder(emitter, a, b, e->dtype, e->lanes);
}

static LLVMValueRef emit_binary(struct emitter *emitter, const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  if (e->kind == EXPR_FLOOR_DIV || e->kind == EXPR_FLOOR_MOD ||
      ((e->kind == EXPR_DIV || e->kind == EXPR_REMAINDER) &&
       !dtype_is_float(e->dtype)))
    return emit_division(emitter, e);
  LLVMValueRef a = emit_lanes(emitter, e->args[0], e->lanes);
  LLVMValueRef b = emit_lanes(emitter, e->args[1], e->lanes);
  if (e->kind == EXPR_MIN || e->kind == EXPR_MAX) {
    /* The order of operands is what x86's minimum and maximum do. */
    LLVMValueRef better =
        e->kind == EXPR_MIN ? emit_compare(emitter, EXPR_LESS, e->dtype, b, a)
                            : emit_compare(emitter, EXPR_LESS, e->dtype, a, b);
    return LLVMBuildSelect(builder, better, b, a, "");
  }
  if (dtype_is_float(e->dtype))
    return emit_float_binary(emitter, e, a, b);
  if (e->kind == EXPR_SHIFT_LEFT || e->kind == EXPR_SHIFT_RIGHT)
    return emit_shift(emitter, e, a, b);
  if (e->kind == EXPR_ADD)
    return LLVMBuildAdd(builder, a, b, "");
  if (e->kind == EXPR_SUB)
    return LLVMBuildSub(builder, a, b, "");
  if (e->kind == EXPR_MUL)
    return LLVMBuildMul(builder, a, b, "");
  if (e->kind == EXPR_AND)
    return LLVMBuildAnd(builder, a, b, "");
  if (e->kind == EXPR_OR)
    return LLVMBuildOr(builder, a, b, "");
  check(e->kind == EXPR_XOR);
  return LLVMBuildXor(builder, a, b, "");
}

/* ---- Conversions --------------------------------------------------------- */

static LLVMValueRef emit_float_to_integer(struct emitter *emitter,
                                          const struct expr *e,
                                          LLVMValueRef x) {
  LLVMTypeRef types[2] = {emit_type(emitter, e->dtype, e->lanes),
                          LLVMTypeOf(x)};
  const char *name =
      dtype_is_signed(e->dtype) ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
  return compiler_intrinsic(emitter->compiler, name, types, 2, &x, 1);
}

static LLVMValueRef emit_cast(struct emitter *emitter, const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  enum adze_dtype from = e->args[0]->dtype, to = e->dtype;
  LLVMValueRef x = emit_expr(emitter, e->args[0]);
  LLVMTypeRef type = emit_type(emitter, to, e->lanes);
  bool from_float = dtype_is_float(from), to_float = dtype_is_float(to);
  /* Half precision is expanded by lower. */
  check(from != ADZE_F16 && from != ADZE_BF16);
  check(to != ADZE_F16 && to != ADZE_BF16);
  if (from == to)
    return x;
  if (to == ADZE_BOOL)
    return emit_compare(emitter, EXPR_NOT_EQUAL, from, x,
                        LLVMConstNull(LLVMTypeOf(x)));
  if (from_float && to_float)
    return to == ADZE_F32 ? LLVMBuildFPTrunc(builder, x, type, "")
                          : LLVMBuildFPExt(builder, x, type, "");
  if (from_float)
    return emit_float_to_integer(emitter, e, x);
  if (to_float)
    return dtype_is_signed(from) ? LLVMBuildSIToFP(builder, x, type, "")
                                 : LLVMBuildUIToFP(builder, x, type, "");
  return LLVMBuildIntCast2(builder, x, type, dtype_is_signed(from), "");
}

static LLVMValueRef emit_bitcast(struct emitter *emitter,
                                 const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  LLVMValueRef x = emit_expr(emitter, e->args[0]);
  LLVMTypeRef type = emit_type(emitter, e->dtype, e->lanes);
  if (e->args[0]->dtype == e->dtype)
    return x;
  if (e->args[0]->dtype == ADZE_BOOL)
    return LLVMBuildZExt(builder, x, type, "");
  if (e->dtype == ADZE_BOOL)
    return LLVMBuildICmp(builder, LLVMIntNE, x, LLVMConstNull(LLVMTypeOf(x)),
                         "");
  return LLVMBuildBitCast(builder, x, type, "");
}

/* ---- Select: loads in the arm that isn't chosen must not happen ---------- */

static LLVMValueRef narrow_guard(struct emitter *emitter, LLVMValueRef outer,
                                 uint32_t outer_lanes, LLVMValueRef condition,
                                 uint32_t lanes) {
  if (outer == NULL)
    return condition;
  if (outer_lanes < lanes)
    outer = emit_splat(emitter, outer, lanes);
  else if (lanes < outer_lanes)
    condition = emit_splat(emitter, condition, outer_lanes);
  return LLVMBuildAnd(emitter->builder, outer, condition, "");
}

static LLVMValueRef emit_guarded(struct emitter *emitter,
                                 const struct expr *arm, uint32_t lanes,
                                 LLVMValueRef condition,
                                 uint32_t condition_lanes) {
  if (emitter_node(emitter, arm)->buffer_mask == 0)
    return emit_lanes(emitter, arm, lanes);
  struct scope scope = {0};
  LLVMValueRef outer = emitter->guard;
  uint16_t outer_lanes = emitter->guard_lanes;
  emitter->guard =
      narrow_guard(emitter, outer, outer_lanes, condition, condition_lanes);
  if (outer == NULL || condition_lanes > outer_lanes)
    emitter->guard_lanes = (uint16_t)condition_lanes;
  emitter->guard_depth++;
  emitter_enter(emitter, &scope, SCOPE_GUARD);
  LLVMValueRef value = emit_lanes(emitter, arm, lanes);
  emitter_leave(emitter);
  emitter->guard_depth--;
  emitter->guard = outer;
  emitter->guard_lanes = outer_lanes;
  return value;
}

static LLVMValueRef emit_select(struct emitter *emitter, const struct expr *e) {
  uint32_t lanes = e->args[0]->lanes;
  LLVMValueRef condition = emit_expr(emitter, e->args[0]);
  LLVMValueRef yes =
      emit_guarded(emitter, e->args[1], e->lanes, condition, lanes);
  LLVMValueRef otherwise = condition;
  if (emitter_node(emitter, e->args[2])->buffer_mask != 0)
    otherwise = LLVMBuildNot(emitter->builder, condition, "");
  LLVMValueRef no =
      emit_guarded(emitter, e->args[2], e->lanes, otherwise, lanes);
  return LLVMBuildSelect(emitter->builder, condition, yes, no, "");
}

/* ---- All kinds ----------------------------------------------------------- */

static LLVMValueRef emit_fma(struct emitter *emitter, const struct expr *e) {
  LLVMTypeRef type = emit_type(emitter, e->dtype, e->lanes);
  LLVMValueRef arguments[3];
  check(emitter->compiler->machine->has_fma);
  for (size_t i = 0; i < 3; i++)
    arguments[i] = emit_lanes(emitter, e->args[i], e->lanes);
  return compiler_intrinsic(emitter->compiler, "llvm.fma", &type, 1, arguments,
                            3);
}

static LLVMValueRef emit_ramp(struct emitter *emitter, const struct expr *e) {
  LLVMBuilderRef builder = emitter->builder;
  LLVMTypeRef type = scalar_type(emitter->context, e->dtype);
  check(dtype_is_integer(e->dtype));
  LLVMValueRef *steps = ARENA_ARRAY(emitter->arena, LLVMValueRef, e->lanes);
  for (uint32_t i = 0; i < e->lanes; i++)
    steps[i] = LLVMConstInt(type, i, false);
  LLVMValueRef base = emit_lanes(emitter, e->args[0], e->lanes);
  LLVMValueRef stride = emit_lanes(emitter, e->args[1], e->lanes);
  if (e->lanes == 1)
    return base;
  LLVMValueRef offsets =
      LLVMBuildMul(builder, stride, LLVMConstVector(steps, e->lanes), "");
  return LLVMBuildAdd(builder, base, offsets, "");
}

static LLVMValueRef build_expr(struct emitter *emitter, const struct expr *e) {
  if (expr_kind_is_binary(e->kind))
    return emit_binary(emitter, e);
  if (expr_kind_is_compare(e->kind)) {
    LLVMValueRef a = emit_lanes(emitter, e->args[0], e->lanes);
    LLVMValueRef b = emit_lanes(emitter, e->args[1], e->lanes);
    return emit_compare(emitter, e->kind, e->args[0]->dtype, a, b);
  }
  if (e->kind == EXPR_CAST)
    return emit_cast(emitter, e);
  if (e->kind == EXPR_BITCAST)
    return emit_bitcast(emitter, e);
  if (e->kind == EXPR_SELECT)
    return emit_select(emitter, e);
  if (e->kind == EXPR_FMA)
    return emit_fma(emitter, e);
  if (e->kind == EXPR_LOAD)
    return emit_load(emitter, e);
  if (e->kind == EXPR_RAMP)
    return emit_ramp(emitter, e);
  if (e->kind == EXPR_BROADCAST)
    return emit_splat(emitter, emit_expr(emitter, e->args[0]), e->lanes);
  check(expr_kind_is_unary(e->kind));
  return emit_unary(emitter, e);
}

static LLVMValueRef emit_local(struct emitter *emitter,
                               const struct local *local) {
  LLVMValueRef value = emitter->locals[local->id];
  return value != NULL
             ? value
             : LLVMConstNull(emit_type(emitter, local->dtype, local->lanes));
}

LLVMValueRef emit_expr(struct emitter *emitter, const struct expr *e) {
  if (e->kind == EXPR_INTEGER || e->kind == EXPR_REAL)
    return emit_literal(emitter, e);
  if (e->kind == EXPR_VARIABLE)
    return emitter_variable(emitter, e->variable)->value;
  if (e->kind == EXPR_LOCAL)
    return emit_local(emitter, e->local);
  struct node *node = emitter_node(emitter, e);
  LLVMValueRef value = emitter_value(emitter, node);
  if (value != NULL)
    return value;
  uint32_t level = emitter->depth;
  if (node->level < level && node->local_mask == 0 && node->buffer_mask == 0) {
    level = node->level;
    struct place here = emitter_hoist(emitter, level);
    value = build_expr(emitter, e);
    emitter_return(emitter, here);
  } else {
    value = build_expr(emitter, e);
  }
  emitter_keep_expr(emitter, e, level, value);
  return value;
}

LLVMValueRef emit_lanes(struct emitter *emitter, const struct expr *e,
                        uint32_t lanes) {
  LLVMValueRef value = emit_expr(emitter, e);
  return e->lanes == 1 ? emit_splat(emitter, value, lanes) : value;
}
