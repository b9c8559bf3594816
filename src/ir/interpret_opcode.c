/* SPDX-License-Identifier: Apache-2.0 */
/* From expression kinds and dtypes to the interpreter's instructions.
 *
 * The machine computes in four classes: signed and unsigned 64-bit integers
 * (bool is an unsigned one), f32, f64. Narrower integers are computed in 64
 * bits and wrapped behind every operation that may leave their range.
 */
#include "ir/interpret_compile.h"
#include "ir/scalar.h"

enum value_class { CLASS_SIGNED, CLASS_UNSIGNED, CLASS_F32, CLASS_F64 };

static enum value_class class_of(enum adze_dtype dtype) {
  if (dtype == ADZE_F32)
    return CLASS_F32;
  if (dtype == ADZE_F64)
    return CLASS_F64;
  return dtype_is_signed(dtype) ? CLASS_SIGNED : CLASS_UNSIGNED;
}

/* By class; OP_MOVE (0) where the kind has no such class. */
static const uint16_t opcode_table[EXPR_KIND_COUNT][4] = {
    [EXPR_NEGATE] = {OP_NEGATE_I, OP_NEGATE_I, OP_NEGATE_F, OP_NEGATE_D},
    [EXPR_ABS] = {OP_ABS_I, OP_MOVE, OP_ABS_F, OP_ABS_D},
    [EXPR_NOT] = {OP_NOT_I, OP_NOT_I, OP_MOVE, OP_MOVE},
    [EXPR_FLOOR] = {0, 0, OP_FLOOR_F, OP_FLOOR_D},
    [EXPR_CEIL] = {0, 0, OP_CEIL_F, OP_CEIL_D},
    [EXPR_ROUND] = {0, 0, OP_ROUND_F, OP_ROUND_D},
    [EXPR_TRUNCATE] = {0, 0, OP_TRUNCATE_F, OP_TRUNCATE_D},
    [EXPR_SQRT] = {0, 0, OP_SQRT_F, OP_SQRT_D},
    [EXPR_ADD] = {OP_ADD_I, OP_ADD_I, OP_ADD_F, OP_ADD_D},
    [EXPR_SUB] = {OP_SUB_I, OP_SUB_I, OP_SUB_F, OP_SUB_D},
    [EXPR_MUL] = {OP_MUL_I, OP_MUL_I, OP_MUL_F, OP_MUL_D},
    [EXPR_DIV] = {OP_DIV_I, OP_DIV_U, OP_DIV_F, OP_DIV_D},
    [EXPR_REMAINDER] = {OP_REM_I, OP_REM_U, OP_REM_F, OP_REM_D},
    [EXPR_FLOOR_DIV] = {OP_FLOOR_DIV_I, OP_DIV_U, 0, 0},
    [EXPR_FLOOR_MOD] = {OP_FLOOR_MOD_I, OP_REM_U, 0, 0},
    [EXPR_MIN] = {OP_MIN_I, OP_MIN_U, OP_MIN_F, OP_MIN_D},
    [EXPR_MAX] = {OP_MAX_I, OP_MAX_U, OP_MAX_F, OP_MAX_D},
    [EXPR_AND] = {OP_AND_I, OP_AND_I, 0, 0},
    [EXPR_OR] = {OP_OR_I, OP_OR_I, 0, 0},
    [EXPR_XOR] = {OP_XOR_I, OP_XOR_I, 0, 0},
    [EXPR_SHIFT_LEFT] = {OP_SHIFT_LEFT_I, OP_SHIFT_LEFT_I, 0, 0},
    [EXPR_SHIFT_RIGHT] = {OP_SHIFT_RIGHT_I, OP_SHIFT_RIGHT_U, 0, 0},
    [EXPR_EQUAL] = {OP_EQUAL_I, OP_EQUAL_I, OP_EQUAL_F, OP_EQUAL_D},
    [EXPR_NOT_EQUAL] = {OP_NOT_EQUAL_I, OP_NOT_EQUAL_I, OP_NOT_EQUAL_F,
                        OP_NOT_EQUAL_D},
    [EXPR_LESS] = {OP_LESS_I, OP_LESS_U, OP_LESS_F, OP_LESS_D},
    [EXPR_LESS_EQUAL] = {OP_LESS_EQUAL_I, OP_LESS_EQUAL_U, OP_LESS_EQUAL_F,
                         OP_LESS_EQUAL_D},
    [EXPR_FMA] = {0, 0, OP_FMA_F, OP_FMA_D},
};

static size_t step_add(struct opcode_step *steps, size_t count, uint16_t opcode,
                       int32_t immediate) {
  check(count < OPCODE_STEPS);
  steps[count] = (struct opcode_step){opcode, immediate};
  return count + 1;
}

/* Brings 64 bits into the range of an integer dtype. */
static size_t step_wrap(struct opcode_step *steps, size_t count,
                        enum adze_dtype dtype) {
  uint16_t opcode;
  switch (dtype) {
  case ADZE_I8:
    opcode = OP_WRAP_I8;
    break;
  case ADZE_I16:
    opcode = OP_WRAP_I16;
    break;
  case ADZE_I32:
    opcode = OP_WRAP_I32;
    break;
  case ADZE_U8:
    opcode = OP_WRAP_U8;
    break;
  case ADZE_U16:
  case ADZE_F16:
  case ADZE_BF16:
    opcode = OP_WRAP_U16;
    break;
  case ADZE_U32:
    opcode = OP_WRAP_U32;
    break;
  case ADZE_I64:
  case ADZE_U64:
  case ADZE_BOOL:
  case ADZE_F32:
  case ADZE_F64:
  case ADZE_DTYPE_NONE:
  default:
    return count;
  }
  return step_add(steps, count, opcode, 0);
}

static size_t steps_cast(const struct expr *e, struct opcode_step *steps) {
  static const uint16_t to_f32[4] = {OP_I_TO_F, OP_U_TO_F, OP_MOVE, OP_D_TO_F};
  static const uint16_t to_f64[4] = {OP_I_TO_D, OP_U_TO_D, OP_F_TO_D, OP_MOVE};
  static const uint16_t to_bool[4] = {OP_I_TO_BOOL, OP_I_TO_BOOL, OP_F_TO_BOOL,
                                      OP_D_TO_BOOL};
  enum value_class from = class_of(e->args[0]->dtype);
  if (e->dtype == ADZE_F32)
    return step_add(steps, 0, to_f32[from], 0);
  if (e->dtype == ADZE_F64)
    return step_add(steps, 0, to_f64[from], 0);
  if (e->dtype == ADZE_BOOL)
    return step_add(steps, 0, to_bool[from], 0);
  size_t count = 0;
  if (from == CLASS_F32)
    count = step_add(steps, count, OP_F_TO_D, 0);
  if (from == CLASS_F32 || from == CLASS_F64)
    return step_add(steps, count, OP_D_TO_INTEGER, (int32_t)e->dtype);
  count = step_wrap(steps, 0, e->dtype);
  return count != 0 ? count : step_add(steps, 0, OP_MOVE, 0);
}

static size_t steps_bitcast(const struct expr *e, struct opcode_step *steps) {
  if (e->args[0]->dtype == ADZE_F32)
    return step_add(steps, 0,
                    e->dtype == ADZE_I32 ? OP_BITS_TO_I32 : OP_BITS_TO_U32, 0);
  if (e->dtype == ADZE_F32)
    return step_add(steps, 0, OP_BITS_TO_F, 0);
  size_t count = step_wrap(steps, 0, e->dtype);
  return count != 0 ? count : step_add(steps, 0, OP_MOVE, 0);
}

size_t opcode_steps(const struct expr *e,
                    struct opcode_step steps[OPCODE_STEPS]) {
  switch ((int)e->kind) {
  case EXPR_CAST:
    return steps_cast(e, steps);
  case EXPR_BITCAST:
    return steps_bitcast(e, steps);
  case EXPR_SELECT:
    return step_add(steps, 0, OP_SELECT, 0);
  case EXPR_NOT:
    if (e->dtype == ADZE_BOOL)
      return step_add(steps, 0, OP_NOT_BOOL, 0);
    break;
  case EXPR_ABS:
    if (class_of(e->dtype) == CLASS_UNSIGNED)
      return step_add(steps, 0, OP_MOVE, 0);
    break;
  default:
    break;
  }
  if (e->arg_count == 0)
    return 0;
  uint16_t opcode = opcode_table[e->kind][class_of(e->args[0]->dtype)];
  if (opcode == OP_MOVE)
    return 0;
  bool is_shift = e->kind == EXPR_SHIFT_LEFT || e->kind == EXPR_SHIFT_RIGHT;
  size_t count = step_add(steps, 0, opcode,
                          is_shift ? (int32_t)dtype_bits(e->dtype) - 1 : 0);
  return step_wrap(steps, count, e->dtype);
}
