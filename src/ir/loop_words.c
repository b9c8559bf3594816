/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the text form and the rules for arguments of expressions.
 *
 * The makers of expressions abort on arguments that don't fit, since in the
 * compiler that is a fault of ours; text may hold anything, so the parser asks
 * here first, and the verifiers say the same of what passes made.
 */
#include "ir/loop_words.h"

#include "base/text.h"
#include "ir/scalar.h"

static const char *const dtype_words[] = {
    [ADZE_F32] = "f32",   [ADZE_F64] = "f64", [ADZE_F16] = "f16",
    [ADZE_BF16] = "bf16", [ADZE_I8] = "i8",   [ADZE_I16] = "i16",
    [ADZE_I32] = "i32",   [ADZE_I64] = "i64", [ADZE_U8] = "u8",
    [ADZE_U16] = "u16",   [ADZE_U32] = "u32", [ADZE_U64] = "u64",
    [ADZE_BOOL] = "bool",
};

const char *dtype_word(enum adze_dtype dtype) {
  check((size_t)dtype < ARRAY_COUNT(dtype_words) && dtype_words[dtype]);
  return dtype_words[dtype];
}

enum adze_dtype dtype_from_word(const char *word) {
  for (size_t i = 1; i < ARRAY_COUNT(dtype_words); i++)
    if (string_equal(dtype_words[i], word))
      return (enum adze_dtype)i;
  return ADZE_DTYPE_NONE;
}

const char *buffer_scope_word(enum buffer_scope scope) {
  static const char *const words[] = {"argument", "stack", "worker",
                                      "register"};
  check((size_t)scope < ARRAY_COUNT(words));
  return words[scope];
}

const char *loop_kind_word(enum loop_kind kind) {
  static const char *const words[] = {"serial", "parallel", "vectorized",
                                      "unrolled"};
  check((size_t)kind < ARRAY_COUNT(words));
  return words[kind];
}

const char *block_part_word(enum block_part part) {
  static const char *const words[] = {"whole", "initial", "update"};
  check((size_t)part < ARRAY_COUNT(words));
  return words[part];
}

bool is_reserved_word(const char *word) {
  static const char *const words[] = {
      "scalar",   "spmd",  "parameter", "buffer",  "scratch", "stage",
      "for",      "if",    "else",      "block",   "barrier", "let",
      "prefetch", "with",  "in",        "true",    "false",   "inf",
      "nan",      "from",  "count",     "reduce",  "initial", "update",
      "when",     "least", "most",      "constant"};
  for (size_t i = 0; i < ARRAY_COUNT(words); i++)
    if (string_equal(words[i], word))
      return true;
  return false;
}

/* ---- Arguments ---------------------------------------------------------- */

static bool is_half(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16;
}

static bool is_real(enum adze_dtype dtype) {
  return dtype == ADZE_F32 || dtype == ADZE_F64;
}

/* What kind may not be applied to dtype, by reason. */
static const char *dtype_wrong(enum expr_kind kind, enum adze_dtype dtype) {
  switch ((int)kind) {
  case EXPR_NEGATE:
  case EXPR_ABS:
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_DIV:
  case EXPR_REMAINDER:
    return dtype == ADZE_BOOL || is_half(dtype) ? "takes no bool and no halves"
                                                : NULL;
  case EXPR_NOT:
  case EXPR_AND:
  case EXPR_OR:
  case EXPR_XOR:
    return dtype_is_float(dtype) ? "takes integers and bool" : NULL;
  case EXPR_FLOOR_DIV:
  case EXPR_FLOOR_MOD:
  case EXPR_SHIFT_LEFT:
  case EXPR_SHIFT_RIGHT:
  case EXPR_RAMP:
    return dtype_is_integer(dtype) ? NULL : "takes integers";
  case EXPR_MIN:
  case EXPR_MAX:
  case EXPR_EQUAL:
  case EXPR_NOT_EQUAL:
  case EXPR_LESS:
  case EXPR_LESS_EQUAL:
    return is_half(dtype) ? "takes no halves" : NULL;
  case EXPR_CAST:
  case EXPR_BITCAST:
  case EXPR_BROADCAST:
  case EXPR_SELECT:
    return NULL;
  default:
    return is_real(dtype) ? NULL : "takes f32 and f64";
  }
}

static const char *alike_wrong(const struct expr *a, const struct expr *b) {
  if (a->dtype != b->dtype)
    return "takes arguments of one dtype";
  if (a->lanes != b->lanes && a->lanes != 1 && b->lanes != 1)
    return "takes arguments of as many lanes";
  return NULL;
}

static const char *select_wrong(const struct expr *const *args) {
  if (args[0]->dtype != ADZE_BOOL)
    return "takes a bool first";
  const char *wrong = alike_wrong(args[1], args[2]);
  if (wrong != NULL)
    return wrong;
  uint16_t lanes = args[1]->lanes > 1 ? args[1]->lanes : args[2]->lanes;
  return args[0]->lanes == 1 || lanes == 1 || args[0]->lanes == lanes
             ? NULL
             : "takes arguments of as many lanes";
}

static size_t argument_count(enum expr_kind kind) {
  static const int8_t counts[] = {
#define EXPR(name, text, arguments, group) arguments,
#include "ir/expr.def"
#undef EXPR
  };
  check((size_t)kind < ARRAY_COUNT(counts) && counts[kind] >= 0);
  return (size_t)counts[kind];
}

const char *arguments_wrong(enum expr_kind kind, enum adze_dtype dtype,
                            const struct expr *const *args, size_t count) {
  if (count != argument_count(kind))
    return "has another number of arguments";
  const char *wrong = dtype_wrong(kind, args[0]->dtype);
  if (wrong != NULL)
    return wrong;
  if (kind == EXPR_SELECT)
    return select_wrong(args);
  for (size_t i = 1; i < count; i++)
    if ((wrong = alike_wrong(args[0], args[i])) != NULL)
      return wrong;
  if (kind == EXPR_FMA && (wrong = alike_wrong(args[1], args[2])) != NULL)
    return wrong;
  if (kind == EXPR_RAMP && (args[0]->lanes != 1 || args[1]->lanes != 1))
    return "takes scalars";
  if (kind == EXPR_BROADCAST && args[0]->lanes != 1)
    return "takes a scalar";
  if (kind == EXPR_BITCAST &&
      (dtype == ADZE_BOOL || args[0]->dtype == ADZE_BOOL ||
       dtype_bits(dtype) != dtype_bits(args[0]->dtype)))
    return "takes an argument of as many bits, and no bool";
  return NULL;
}

bool reduce_takes(enum reduce_kind kind, enum adze_dtype dtype) {
  switch (kind) {
  case REDUCE_NONE:
    return true;
  case REDUCE_SUM:
  case REDUCE_PRODUCT:
    return dtype_wrong(EXPR_ADD, dtype) == NULL;
  case REDUCE_MAX:
  case REDUCE_MIN:
    return dtype_wrong(EXPR_MAX, dtype) == NULL;
  }
  unreachable();
}
