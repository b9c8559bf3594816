/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise operators: one row of elementwise.def each. From a row come the
 * definition, the type rule and the stage; this file holds the type rules, the
 * attribute lists and those expressions that don't fit into a row.
 *
 * where and batch_norm, which have more than two inputs, are at the end.
 */
#include "op/express.h"
#include "op/infer.h"

#include <math.h>
#include <string.h>

/* ---- Type rules ---------------------------------------------------------- */

enum type_rule {
  TYPES_ANY,           /* T -> T, T anything */
  TYPES_NUMBER,        /* T integer or float */
  TYPES_FLOAT,
  TYPES_INTEGER,
  TYPES_BOOL,
  TYPES_COMPARE,       /* numbers, result bool */
  TYPES_COMPARE_ANY,
  TYPES_FLOAT_TO_BOOL,
  TYPES_POWER,         /* number x; y any number */
  TYPES_CAST           /* result: attribute `to` */
};

static bool rule_takes(enum type_rule rule, enum adze_dtype dtype) {
  switch (rule) {
  case TYPES_ANY: case TYPES_COMPARE_ANY: case TYPES_CAST:
    return true;
  case TYPES_NUMBER: case TYPES_COMPARE: case TYPES_POWER:
    return dtype != ADZE_BOOL;
  case TYPES_FLOAT: case TYPES_FLOAT_TO_BOOL:
    return dtype_is_float(dtype);
  case TYPES_INTEGER:
    return dtype_is_integer(dtype);
  case TYPES_BOOL:
    return dtype == ADZE_BOOL;
  }
  unreachable();
}

static enum adze_status infer_elementwise(struct infer *infer,
                                          enum type_rule rule) {
  const struct value *x = infer_input(infer, 0);
  if (!rule_takes(rule, x->dtype))
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "input '%s' is %s, which it does not take", x->name,
                      dtype_name(x->dtype));
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t rank = x->rank;
  for (size_t i = 0; i < rank; i++)
    dims[i] = x->dims[i];
  for (size_t i = 1; i < infer->node->input_count; i++) {
    const struct value *y = infer_input(infer, i);
    if (rule == TYPES_POWER && y->dtype == ADZE_BOOL)
      return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is bool",
                        y->name);
    TRY(infer_broadcast_dims(infer, dims, rank, y->dims, y->rank, dims, &rank));
  }
  if (rule != TYPES_POWER)
    TRY(infer_same_dtype(infer));
  enum adze_dtype dtype = x->dtype;
  if (rule == TYPES_COMPARE || rule == TYPES_COMPARE_ANY ||
      rule == TYPES_FLOAT_TO_BOOL)
    dtype = ADZE_BOOL;
  if (rule == TYPES_CAST)
    dtype = (enum adze_dtype)node_int(infer->node, "to");
  if (dtype == ADZE_DTYPE_NONE || dtype > ADZE_BOOL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "there is no type number %d",
                      (int)dtype);
  infer_output(infer, 0, dtype, dims, rank);
  return ADZE_OK;
}

/* ---- Expressions ------------------------------------------------------------
 * e: the express; T: the arithmetic type of x. */
#define T (x->dtype)
#define C(number) expr_constant(e->pool, T, number)
#define A(name) expr_constant(e->pool, T, node_float(e->node, #name))
#define UNARY_OF(kind, a) expr_unary(e->pool, EXPR_##kind, a)
#define BINARY_OF(kind, a, b) expr_binary(e->pool, EXPR_##kind, a, b)
#define NEGATE(a) UNARY_OF(NEGATE, a)
#define ABS(a) UNARY_OF(ABS, a)
#define NOT(a) UNARY_OF(NOT, a)
#define FLOOR(a) UNARY_OF(FLOOR, a)
#define CEIL(a) UNARY_OF(CEIL, a)
#define ROUND(a) UNARY_OF(ROUND, a)
#define SQRT(a) UNARY_OF(SQRT, a)
#define EXP(a) UNARY_OF(EXP, a)
#define LOG(a) UNARY_OF(LOG, a)
#define SIN(a) UNARY_OF(SIN, a)
#define COS(a) UNARY_OF(COS, a)
#define TAN(a) UNARY_OF(TAN, a)
#define ASIN(a) UNARY_OF(ASIN, a)
#define ACOS(a) UNARY_OF(ACOS, a)
#define ATAN(a) UNARY_OF(ATAN, a)
#define SINH(a) UNARY_OF(SINH, a)
#define COSH(a) UNARY_OF(COSH, a)
#define TANH(a) UNARY_OF(TANH, a)
#define ASINH(a) UNARY_OF(ASINH, a)
#define ACOSH(a) UNARY_OF(ACOSH, a)
#define ATANH(a) UNARY_OF(ATANH, a)
#define ERF(a) UNARY_OF(ERF, a)
#define ADD(a, b) BINARY_OF(ADD, a, b)
#define SUB(a, b) BINARY_OF(SUB, a, b)
#define MUL(a, b) BINARY_OF(MUL, a, b)
#define DIV(a, b) BINARY_OF(DIV, a, b)
#define MIN(a, b) BINARY_OF(MIN, a, b)
#define MAX(a, b) BINARY_OF(MAX, a, b)
#define AND(a, b) BINARY_OF(AND, a, b)
#define OR(a, b) BINARY_OF(OR, a, b)
#define XOR(a, b) BINARY_OF(XOR, a, b)
#define EQUAL(a, b) BINARY_OF(EQUAL, a, b)
#define NOT_EQUAL(a, b) BINARY_OF(NOT_EQUAL, a, b)
#define LESS(a, b) BINARY_OF(LESS, a, b)
#define LESS_EQUAL(a, b) BINARY_OF(LESS_EQUAL, a, b)
#define SELECT(c, a, b) expr_select(e->pool, c, a, b)

static const struct expr *clip(struct express *e, const struct expr *x) {
  if (node_has(e->node, "min"))
    x = MAX(x, A(min));
  return node_has(e->node, "max") ? MIN(x, A(max)) : x;
}

/* max(x, 0) + log(1 + exp(-|x|)), which can't overflow. */
static const struct expr *softplus(struct express *e, const struct expr *x) {
  return ADD(MAX(x, C(0)), LOG(ADD(C(1), EXP(NEGATE(ABS(x))))));
}

static const struct expr *gelu(struct express *e, const struct expr *x) {
  const char *approximate = node_string(e->node, "approximate");
  const struct expr *share;
  if (strcmp(approximate, "tanh") == 0) {
    const struct expr *cube = MUL(MUL(x, x), x);
    share = TANH(MUL(C(0.79788456080286535588),
                     ADD(x, MUL(C(0.044715), cube))));
  } else {
    share = ERF(MUL(x, C(0.70710678118654752440)));
  }
  return MUL(MUL(C(0.5), x), ADD(C(1), share));
}

static const struct expr *is_infinite(struct express *e,
                                      const struct expr *x) {
  const struct expr *result = expr_bool(e->pool, false);
  if (node_int(e->node, "detect_positive"))
    result = OR(result, EQUAL(x, C(INFINITY)));
  if (node_int(e->node, "detect_negative"))
    result = OR(result, EQUAL(x, C(-INFINITY)));
  return result;
}

static const struct expr *modulo(struct express *e, const struct expr *x,
                                 const struct expr *y) {
  if (node_int(e->node, "fmod") || dtype_is_float(T))
    return BINARY_OF(REMAINDER, x, y);
  return BINARY_OF(FLOOR_MOD, x, y);
}

/* Integers are raised as doubles. */
static const struct expr *power(struct express *e, const struct expr *x,
                                const struct expr *y) {
  enum adze_dtype dtype = dtype_is_float(T) ? T : ADZE_F64;
  return expr_cast(e->pool, T, BINARY_OF(POW, expr_cast(e->pool, dtype, x),
                                   expr_cast(e->pool, dtype, y)));
}

static const struct expr *shift(struct express *e, const struct expr *x,
                                const struct expr *y) {
  if (strcmp(node_string(e->node, "direction"), "LEFT") == 0)
    return BINARY_OF(SHIFT_LEFT, x, y);
  return BINARY_OF(SHIFT_RIGHT, x, y);
}

typedef const struct expr *builder(struct express *e, const struct expr *x,
                                   const struct expr *y);

static enum adze_status express_elementwise(struct express *express,
                                            builder *build) {
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *x = express_broadcast_load(express, stage, 0), *y = NULL;
  if (express->node->input_count > 1)
    y = express_broadcast_load(express, stage, 1);
  express_body(express, stage, build(express, x, y));
  return ADZE_OK;
}

/* ---- Attributes ---------------------------------------------------------- */

#define FLOAT_ATTRIBUTE(name, number)                                          \
  {#name, ATTRIBUTE_FLOAT, false, number, NULL, "see above"}
static const struct attribute_desc none[] = {{0}};
static const struct attribute_desc alpha_001[] = {FLOAT_ATTRIBUTE(alpha, 0.01),
                                                  {0}};
static const struct attribute_desc alpha_1[] = {FLOAT_ATTRIBUTE(alpha, 1), {0}};
static const struct attribute_desc selu[] = {
    FLOAT_ATTRIBUTE(alpha, 1.67326319217681884765625),
    FLOAT_ATTRIBUTE(gamma, 1.05070102214813232421875),
    {0}};
static const struct attribute_desc hard_sigmoid[] = {
    FLOAT_ATTRIBUTE(alpha, 0.2), FLOAT_ATTRIBUTE(beta, 0.5), {0}};
static const struct attribute_desc shrink[] = {FLOAT_ATTRIBUTE(bias, 0),
                                               FLOAT_ATTRIBUTE(lambd, 0.5),
                                               {0}};
static const struct attribute_desc clip_limits[] = {
    {"min", ATTRIBUTE_FLOAT, false, 0, NULL, "lower limit; unset: none"},
    {"max", ATTRIBUTE_FLOAT, false, 0, NULL, "upper limit; unset: none"},
    {0}};
static const struct attribute_desc gelu_kind[] = {
    {"approximate", ATTRIBUTE_STRING, false, 0, "none",
     "'tanh': by the tanh formula"},
    {0}};
static const struct attribute_desc is_inf[] = {
    {"detect_positive", ATTRIBUTE_INT, false, 1, NULL, "whether +inf counts"},
    {"detect_negative", ATTRIBUTE_INT, false, 1, NULL, "whether -inf counts"},
    {0}};
static const struct attribute_desc cast_type[] = {
    {"to", ATTRIBUTE_INT, true, 0, NULL, "the number of an adze dtype"}, {0}};
static const struct attribute_desc mod_kind[] = {
    {"fmod", ATTRIBUTE_INT, false, 0, NULL, "1: the sign is that of x"}, {0}};
static const struct attribute_desc shift_direction[] = {
    {"direction", ATTRIBUTE_STRING, true, 0, NULL, "LEFT or RIGHT"}, {0}};

#define attributes_none none
#define attributes_alpha_001 alpha_001
#define attributes_alpha_1 alpha_1
#define attributes_selu selu
#define attributes_hard_sigmoid hard_sigmoid
#define attributes_shrink shrink
#define attributes_clip clip_limits
#define attributes_gelu gelu_kind
#define attributes_is_inf is_inf
#define attributes_cast cast_type
#define attributes_mod mod_kind
#define attributes_bit_shift shift_direction

/* ---- Definitions --------------------------------------------------------- */

#define ELEMENTWISE(id, arity, types, flag_bits, onnx, since, list, help,      \
                    result)                                                    \
  static const struct expr *build_##id(struct express *e,                      \
                                       const struct expr *x,                   \
                                       const struct expr *y) {                 \
    (void)e, (void)y;                                                          \
    return result;                                                             \
  }                                                                            \
  static enum adze_status infer_##id(struct infer *infer) {                    \
    return infer_elementwise(infer, TYPES_##types);                            \
  }                                                                            \
  static enum adze_status express_##id(struct express *express) {              \
    return express_elementwise(express, build_##id);                           \
  }                                                                            \
  static const struct import_name imports_##id[] = {                           \
      {since > 0 ? "onnx" : NULL, onnx, since, 0}, {0}};                       \
  const struct op_def op_##id = {                                              \
      .name = #id,                                                             \
      .summary = help,                                                         \
      .min_inputs = arity,                                                     \
      .max_inputs = arity,                                                     \
      .min_outputs = 1,                                                        \
      .max_outputs = 1,                                                        \
      .fusion = FUSION_ELEMENTWISE,                                            \
      .layout = LAYOUT_FOLLOWS,                                                \
      .flags = (flag_bits) | OP_CHANNEL_LOCAL,                                 \
      .attributes = attributes_##list,                                         \
      .imports = imports_##id,                                                 \
      .infer = infer_##id,                                                     \
      .express = express_##id,                                                 \
  };
#define UNARY(id, types, flags, onnx, since, attributes, summary, result)      \
  ELEMENTWISE(id, 1, types, flags, onnx, since, attributes, summary, result)
#define BINARY(id, types, flags, onnx, since, attributes, summary, result)     \
  ELEMENTWISE(id, 2, types, flags, onnx, since, attributes, summary, result)
#include "op/elementwise.def"
#undef UNARY
#undef BINARY

/* ---- where --------------------------------------------------------------- */

static enum adze_status where_infer(struct infer *infer) {
  const struct value *condition = infer_input(infer, 0);
  const struct value *x = infer_input(infer, 1), *y = infer_input(infer, 2);
  if (condition->dtype != ADZE_BOOL || x->dtype != y->dtype)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "the inputs are %s, %s and %s; bool and two of one type "
                      "are expected",
                      dtype_name(condition->dtype), dtype_name(x->dtype),
                      dtype_name(y->dtype));
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t rank;
  TRY(infer_broadcast(infer, x, y, dims, &rank));
  TRY(infer_broadcast_dims(infer, condition->dims, condition->rank, dims, rank,
                           dims, &rank));
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static enum adze_status where_express(struct express *express) {
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *loads[3];
  for (size_t i = 0; i < 3; i++)
    loads[i] = express_broadcast_load(express, stage, i);
  express_body(express, stage,
               expr_select(express->pool, loads[0], loads[1], loads[2]));
  return ADZE_OK;
}

static const struct import_name where_imports[] = {{"onnx", "Where", 9, 0},
                                                   {0}};
const struct op_def op_where = {
    .name = "where",
    .summary = "x where the condition holds, else y.",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_ELEMENTWISE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE | OP_CHANNEL_LOCAL,
    .imports = where_imports,
    .infer = where_infer,
    .express = where_express,
};

/* ---- batch_norm ---------------------------------------------------------- */

static enum adze_status batch_norm_infer(struct infer *infer) {
  TRY(infer_rank(infer, 0, 1, GRAPH_MAX_RANK));
  const struct value *x = infer_input(infer, 0);
  if (!dtype_is_float(x->dtype))
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is %s", x->name,
                      dtype_name(x->dtype));
  const struct expr *channels =
      x->rank > 1 ? x->dims[1] : expr_index(infer->graph->pool, 1);
  for (size_t i = 1; i < 5; i++) {
    TRY(infer_rank(infer, i, 1, 1));
    const struct value *input = infer_input(infer, i);
    if (!dtype_is_float(input->dtype))
      return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is %s",
                        input->name, dtype_name(input->dtype));
    TRY(graph_require_equal(infer->graph, infer->node,
                            "the channels of input 0 and of the parameters",
                            channels, input->dims[0], infer->error));
  }
  infer_like(infer, 0, x);
  return ADZE_OK;
}

static enum adze_status batch_norm_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *x = express_broadcast_load(express, stage, 0);
  const struct expr *channel = stage->axis_count > 1
                                   ? express_axis(express, stage, 1)
                                   : expr_index(pool, 0);
  const struct expr *parameter[5];
  for (size_t i = 1; i < 5; i++)
    parameter[i] = expr_cast(
        pool, x->dtype, express_load(express, express->inputs[i], &channel));
  const struct expr *epsilon =
      expr_constant(pool, x->dtype, node_float(express->node, "epsilon"));
  const struct expr *deviation = expr_unary(
      pool, EXPR_SQRT, expr_add(pool, parameter[4], epsilon));
  const struct expr *normal = expr_binary(
      pool, EXPR_DIV, expr_sub(pool, x, parameter[3]), deviation);
  express_body(express, stage,
               expr_add(pool, expr_mul(pool, normal, parameter[1]),
                        parameter[2]));
  return ADZE_OK;
}

static const struct attribute_desc batch_norm_attributes[] = {
    {"epsilon", ATTRIBUTE_FLOAT, false, 1e-5, NULL, "added to the variance"},
    {0}};

const struct op_def op_batch_norm = {
    .name = "batch_norm",
    .summary = "(x - mean) / sqrt(variance + epsilon) * scale + b by channel; "
               "inputs x, scale, b, mean, variance.",
    .min_inputs = 5,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_ELEMENTWISE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_CHANNEL_LOCAL,
    .attributes = batch_norm_attributes,
    .infer = batch_norm_infer,
    .express = batch_norm_express,
};
