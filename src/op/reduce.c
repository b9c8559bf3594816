/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions over axes, arg_max and arg_min: one row of a table each for what
 * is done to an element before it is combined and to the result afterwards.
 *
 * An empty list of axes means all of them. Reduced dimensions stay, with extent
 * 1, unless keepdims is 0. Intermediates always have the form with extent 1
 * left out or in as the output has it, so that the last stage is elementwise.
 */
#include "op/reduce.h"

#include "op/express.h"
#include "op/infer.h"

#include <stdio.h>

/* ---- Axes ---------------------------------------------------------------- */

static enum adze_status mark_reduced(struct infer *infer, bool *is_reduced) {
  const struct value *x = infer_input(infer, 0);
  size_t count;
  const int64_t *axes = node_ints(infer->node, "axes", &count);
  for (size_t i = 0; i < count; i++) {
    size_t axis;
    TRY(infer_axis(infer, axes[i], x->rank, &axis));
    is_reduced[axis] = true;
  }
  for (size_t i = 0; count == 0 && i < x->rank; i++)
    is_reduced[i] = true;
  return ADZE_OK;
}

static void output_reduced(struct infer *infer, const bool *is_reduced,
                           enum adze_dtype dtype) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t rank = 0;
  bool keep = node_int(infer->node, "keepdims") != 0;
  for (size_t i = 0; i < x->rank; i++)
    if (!is_reduced[i])
      dims[rank++] = x->dims[i];
    else if (keep)
      dims[rank++] = expr_index(infer->graph->pool, 1);
  infer_output(infer, 0, dtype, dims, rank);
}

void node_reduced_axes(const struct node *node, bool *is_reduced) {
  size_t count, rank = node->inputs[0]->rank;
  const int64_t *axes = node_ints(node, "axes", &count);
  for (size_t i = 0; i < rank; i++)
    is_reduced[i] = count == 0;
  for (size_t i = 0; i < count; i++)
    is_reduced[axes[i] < 0 ? axes[i] + (int64_t)rank : axes[i]] = true;
}

/* Indices of the input: the stage's axes where they remain, reductions (added
 * to the stage) else. */
static void reduce_indices(struct express *express, struct stage *stage,
                           const bool *is_reduced, bool keep,
                           const struct expr **indices) {
  const struct buffer *x = express->inputs[0];
  size_t axis = 0;
  for (size_t i = 0; i < x->rank; i++) {
    if (!is_reduced[i]) {
      indices[i] = express_axis(express, stage, axis++);
      continue;
    }
    axis += keep;
    char name[32];
    snprintf(name, sizeof name, "r%zu", i);
    indices[i] = express_reduction(
        express, stage, arena_strdup(expr_pool_arena(express->pool), name),
        x->shape[i]);
  }
}

/* ---- The family ---------------------------------------------------------- */

enum prepare { PREPARE_NOTHING, PREPARE_ABS, PREPARE_SQUARE };
enum conclude { CONCLUDE_NOTHING, CONCLUDE_MEAN, CONCLUDE_SQRT, CONCLUDE_LOG };

struct reduction {
  enum reduce_kind kind;
  enum prepare prepare;
  enum conclude conclude;
  bool float_only;
};

static enum adze_status reduce_infer(struct infer *infer,
                                     const struct reduction *reduction) {
  const struct value *x = infer_input(infer, 0);
  bool is_reduced[GRAPH_MAX_RANK] = {0};
  if (x->dtype == ADZE_BOOL ||
      (reduction->float_only && !dtype_is_float(x->dtype)))
    return infer_fail(infer, ADZE_UNSUPPORTED,
                      "input '%s' is %s, which it does not take", x->name,
                      dtype_name(x->dtype));
  TRY(mark_reduced(infer, is_reduced));
  output_reduced(infer, is_reduced, x->dtype);
  return ADZE_OK;
}

static const struct expr *first_value(struct express *express,
                                      enum reduce_kind kind,
                                      enum adze_dtype dtype) {
  switch (kind) {
  case REDUCE_SUM: return expr_constant(express->pool, dtype, 0);
  case REDUCE_PRODUCT: return expr_constant(express->pool, dtype, 1);
  case REDUCE_MAX: return express_lowest(express, dtype);
  case REDUCE_MIN: return express_highest(express, dtype);
  case REDUCE_NONE: break;
  }
  unreachable();
}

static const struct expr *prepared(struct express *express,
                                   enum prepare prepare,
                                   const struct expr *x) {
  switch (prepare) {
  case PREPARE_NOTHING: return x;
  case PREPARE_ABS: return expr_unary(express->pool, EXPR_ABS, x);
  case PREPARE_SQUARE: return expr_mul(express->pool, x, x);
  }
  unreachable();
}

static const struct expr *concluded(struct express *express,
                                    enum conclude conclude,
                                    const bool *is_reduced,
                                    const struct expr *sum) {
  struct expr_pool *pool = express->pool;
  const struct buffer *x = express->inputs[0];
  const struct expr *count = expr_index(pool, 1);
  switch (conclude) {
  case CONCLUDE_NOTHING:
    return sum;
  case CONCLUDE_SQRT:
    return expr_unary(pool, EXPR_SQRT, sum);
  case CONCLUDE_LOG:
    return expr_unary(pool, EXPR_LOG, sum);
  case CONCLUDE_MEAN:
    for (size_t i = 0; i < x->rank; i++)
      if (is_reduced[i])
        count = expr_mul(pool, count, x->shape[i]);
    return expr_binary(pool, EXPR_DIV, sum,
                       express_number(express, sum->dtype, count));
  }
  unreachable();
}

static enum adze_status reduce_express(struct express *express,
                                       const struct reduction *reduction) {
  struct buffer *x = express->inputs[0], *output = express->outputs[0];
  enum adze_dtype dtype = dtype_arithmetic(output->dtype);
  bool is_reduced[LOOP_MAX_RANK];
  bool keep = node_int(express->node, "keepdims") != 0;
  bool is_whole =
      reduction->conclude == CONCLUDE_NOTHING && dtype == output->dtype;
  node_reduced_axes(express->node, is_reduced);
  struct buffer *sum =
      is_whole ? output
               : express_temporary(express, "sum", dtype, output->shape,
                                   output->rank);
  struct stage *stage = express_stage(express, sum);
  const struct expr *indices[LOOP_MAX_RANK];
  reduce_indices(express, stage, is_reduced, keep, indices);
  express_reduce(express, stage, reduction->kind,
                 first_value(express, reduction->kind, dtype),
                 prepared(express, reduction->prepare,
                          express_load(express, x, indices)));
  if (is_whole)
    return ADZE_OK;
  stage = express_stage(express, output);
  express_axes(express, stage, indices);
  express_body(express, stage,
               concluded(express, reduction->conclude, is_reduced,
                         express_load(express, sum, indices)));
  return ADZE_OK;
}

static const struct attribute_desc reduce_attributes[] = {
    {"axes", ATTRIBUTE_INTS, false, 0, NULL, "what is reduced; none: all"},
    {"keepdims", ATTRIBUTE_INT, false, 1, NULL,
     "1: reduced dimensions stay, with extent 1"},
    {0}};

#define REDUCE(id, kind, prepare, conclude, float_only, flag_bits, help)       \
  static const struct reduction reduction_##id = {kind, prepare, conclude,     \
                                                  float_only};                 \
  static enum adze_status infer_##id(struct infer *infer) {                    \
    return reduce_infer(infer, &reduction_##id);                               \
  }                                                                            \
  static enum adze_status express_##id(struct express *express) {              \
    return reduce_express(express, &reduction_##id);                           \
  }                                                                            \
  const struct op_def op_##id = {                                              \
      .name = #id,                                                             \
      .summary = help,                                                         \
      .min_inputs = 1,                                                         \
      .max_inputs = 1,                                                         \
      .min_outputs = 1,                                                        \
      .max_outputs = 1,                                                        \
      .fusion = FUSION_REDUCTION,                                              \
      .layout = LAYOUT_FOLLOWS,                                                \
      .flags = flag_bits,                                                      \
      .attributes = reduce_attributes,                                         \
      .infer = infer_##id,                                                     \
      .express = express_##id,                                                 \
  };

REDUCE(reduce_sum, REDUCE_SUM, PREPARE_NOTHING, CONCLUDE_NOTHING, false, 0,
       "The sum over axes.")
REDUCE(reduce_mean, REDUCE_SUM, PREPARE_NOTHING, CONCLUDE_MEAN, false,
       OP_FINITE, "The mean over axes.")
REDUCE(reduce_max, REDUCE_MAX, PREPARE_NOTHING, CONCLUDE_NOTHING, false,
       OP_FINITE, "The maximum over axes.")
REDUCE(reduce_min, REDUCE_MIN, PREPARE_NOTHING, CONCLUDE_NOTHING, false,
       OP_FINITE, "The minimum over axes.")
REDUCE(reduce_prod, REDUCE_PRODUCT, PREPARE_NOTHING, CONCLUDE_NOTHING, false, 0,
       "The product over axes.")
REDUCE(reduce_l1, REDUCE_SUM, PREPARE_ABS, CONCLUDE_NOTHING, false, 0,
       "The sum of absolute values over axes.")
REDUCE(reduce_l2, REDUCE_SUM, PREPARE_SQUARE, CONCLUDE_SQRT, true, 0,
       "The root of the sum of squares over axes.")
REDUCE(reduce_sum_square, REDUCE_SUM, PREPARE_SQUARE, CONCLUDE_NOTHING, false,
       0, "The sum of squares over axes.")
REDUCE(reduce_log_sum, REDUCE_SUM, PREPARE_NOTHING, CONCLUDE_LOG, true, 0,
       "The logarithm of the sum over axes.")

/* ---- reduce_log_sum_exp -----------------------------------------------------
 * log(sum(exp(x - m))) + m with m the maximum, so that nothing overflows. */

static enum adze_status log_sum_exp_infer(struct infer *infer) {
  return reduce_infer(infer, &reduction_reduce_log_sum);
}

static enum adze_status log_sum_exp_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0], *output = express->outputs[0];
  enum adze_dtype dtype = dtype_arithmetic(output->dtype);
  bool is_reduced[LOOP_MAX_RANK];
  bool keep = node_int(express->node, "keepdims") != 0;
  const struct expr *indices[LOOP_MAX_RANK], *axes[LOOP_MAX_RANK];
  node_reduced_axes(express->node, is_reduced);
  struct buffer *top = express_temporary(express, "max", dtype, output->shape,
                                         output->rank);
  struct stage *stage = express_stage(express, top);
  reduce_indices(express, stage, is_reduced, keep, indices);
  express_reduce(express, stage, REDUCE_MAX, express_lowest(express, dtype),
                 express_load(express, x, indices));
  struct buffer *sum = express_temporary(express, "sum", dtype, output->shape,
                                         output->rank);
  stage = express_stage(express, sum);
  express_axes(express, stage, axes);
  reduce_indices(express, stage, is_reduced, keep, indices);
  const struct expr *less =
      expr_sub(pool, express_load(express, x, indices),
               express_load(express, top, axes));
  express_reduce(express, stage, REDUCE_SUM, expr_constant(pool, dtype, 0),
                 expr_unary(pool, EXPR_EXP, less));
  stage = express_stage(express, output);
  express_axes(express, stage, axes);
  express_body(express, stage,
               expr_add(pool,
                        expr_unary(pool, EXPR_LOG,
                                   express_load(express, sum, axes)),
                        express_load(express, top, axes)));
  return ADZE_OK;
}

const struct op_def op_reduce_log_sum_exp = {
    .name = "reduce_log_sum_exp",
    .summary = "The logarithm of the sum of exponentials over axes.",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_REDUCTION,
    .layout = LAYOUT_PLAIN,
    .flags = OP_FINITE,
    .attributes = reduce_attributes,
    .infer = log_sum_exp_infer,
    .express = log_sum_exp_express,
};

/* ---- arg_max and arg_min ----------------------------------------------------
 * Two stages: the extreme value, then the smallest (largest) index where it
 * stands. Where NaN hides it, the first (last) index. */

static enum adze_status arg_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  size_t axis;
  if (x->dtype == ADZE_BOOL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is bool", x->name);
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  bool is_reduced[GRAPH_MAX_RANK] = {0};
  is_reduced[axis] = true;
  output_reduced(infer, is_reduced, ADZE_I64);
  return ADZE_OK;
}

static enum adze_status arg_express(struct express *express,
                                    enum reduce_kind kind) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0], *output = express->outputs[0];
  enum adze_dtype dtype = dtype_arithmetic(x->dtype);
  int64_t given = node_int(express->node, "axis");
  size_t axis = (size_t)(given < 0 ? given + (int64_t)x->rank : given);
  bool keep = node_int(express->node, "keepdims") != 0;
  bool last = node_int(express->node, "select_last_index") != 0;
  bool is_reduced[LOOP_MAX_RANK] = {0};
  is_reduced[axis] = true;
  const struct expr *indices[LOOP_MAX_RANK], *axes[LOOP_MAX_RANK];
  struct buffer *best = express_temporary(express, "best", dtype,
                                          output->shape, output->rank);
  struct stage *stage = express_stage(express, best);
  reduce_indices(express, stage, is_reduced, keep, indices);
  express_reduce(express, stage, kind, first_value(express, kind, dtype),
                 express_load(express, x, indices));
  stage = express_stage(express, output);
  express_axes(express, stage, axes);
  reduce_indices(express, stage, is_reduced, keep, indices);
  const struct expr *end = expr_sub(pool, x->shape[axis], expr_index(pool, 1));
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *is_best =
      expr_equal(pool, express_load(express, x, indices),
                 express_load(express, best, axes));
  express_reduce(express, stage, last ? REDUCE_MAX : REDUCE_MIN,
                 last ? zero : end,
                 expr_select(pool, is_best, indices[axis], last ? zero : end));
  return ADZE_OK;
}

static enum adze_status arg_max_express(struct express *express) {
  return arg_express(express, REDUCE_MAX);
}

static enum adze_status arg_min_express(struct express *express) {
  return arg_express(express, REDUCE_MIN);
}

static const struct attribute_desc arg_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, 0, NULL, "what is searched along"},
    {"keepdims", ATTRIBUTE_INT, false, 1, NULL,
     "1: the dimension stays, with extent 1"},
    {"select_last_index", ATTRIBUTE_INT, false, 0, NULL,
     "1: of equal ones the last"},
    {0}};
static const struct import_name arg_max_imports[] = {{"onnx", "ArgMax", 1, 0},
                                                     {0}};
static const struct import_name arg_min_imports[] = {{"onnx", "ArgMin", 1, 0},
                                                     {0}};

#define ARG_COMMON                                                             \
  .min_inputs = 1, .max_inputs = 1, .min_outputs = 1, .max_outputs = 1,        \
  .fusion = FUSION_REDUCTION, .layout = LAYOUT_PLAIN, .flags = OP_FINITE,      \
  .attributes = arg_attributes, .infer = arg_infer

const struct op_def op_arg_max = {
    .name = "arg_max",
    .summary = "The index of the maximum along an axis; the first of equals.",
    .imports = arg_max_imports,
    .express = arg_max_express,
    ARG_COMMON,
};
const struct op_def op_arg_min = {
    .name = "arg_min",
    .summary = "The index of the minimum along an axis; the first of equals.",
    .imports = arg_min_imports,
    .express = arg_min_express,
    ARG_COMMON,
};
