/* SPDX-License-Identifier: Apache-2.0 */
/* Operators whose indices are data or positions: gather, gather_elements,
 * one_hot, range, cum_sum, trilu. Indices that come from data are clamped to
 * the dimension, so that no input can make a kernel read elsewhere. */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

static size_t normal_axis(const struct node *node, size_t rank) {
  int64_t axis = node_int(node, "axis");
  return (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
}

static enum adze_status index_type(struct infer *infer, size_t input) {
  const struct value *indices = infer_input(infer, input);
  if (indices->dtype == ADZE_I32 || indices->dtype == ADZE_I64)
    return ADZE_OK;
  return infer_fail(infer, ADZE_INVALID_MODEL,
                    "indices '%s' are %s; int32 or int64 expected",
                    indices->name, dtype_name(indices->dtype));
}

/* A loaded index as a position: negative ones count from the end. */
static const struct expr *position(struct expr_pool *pool,
                                   const struct expr *index,
                                   const struct expr *extent) {
  const struct expr *zero = expr_index(pool, 0);
  index = expr_cast(pool, ADZE_I64, index);
  index = expr_select(pool, expr_less(pool, index, zero),
                      expr_add(pool, index, extent), index);
  return expr_min(pool, expr_max(pool, index, zero),
                  expr_sub(pool, extent, expr_index(pool, 1)));
}

/* ---- gather -------------------------------------------------------------- */

static enum adze_status gather_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct value *indices = infer_input(infer, 1);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t axis, rank = 0;
  TRY(index_type(infer, 1));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  if (x->rank + indices->rank - 1 > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "the rank is too high");
  for (size_t i = 0; i < axis; i++)
    dims[rank++] = x->dims[i];
  for (size_t i = 0; i < indices->rank; i++)
    dims[rank++] = indices->dims[i];
  for (size_t i = axis + 1; i < x->rank; i++)
    dims[rank++] = x->dims[i];
  int64_t extent = value_dim(x, axis), index;
  for (size_t i = 0; i < indices->element_count && extent >= 0; i++)
    if (expr_get_integer(indices->elements[i], &index) &&
        (index < -extent || index >= extent))
      return infer_fail(infer, ADZE_SHAPE,
                        "index %lld is out of range for dimension %zu of "
                        "'%s', %lld",
                        (long long)index, axis, x->name, (long long)extent);
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static enum adze_status gather_express(struct express *express) {
  struct buffer *x = express->inputs[0], *indices = express->inputs[1];
  const struct expr *axes[LOOP_MAX_RANK], *at[LOOP_MAX_RANK];
  size_t axis = normal_axis(express->node, x->rank);
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, axes);
  for (size_t i = 0; i < x->rank; i++)
    at[i] = i <= axis ? axes[i] : axes[i + indices->rank - 1];
  at[axis] = position(express->pool,
                      expr_load(express->pool, indices, axes + axis,
                                indices->rank),
                      x->shape[axis]);
  express_body(express, stage, expr_load(express->pool, x, at, x->rank));
  return ADZE_OK;
}

static const struct attribute_desc gather_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, 0, NULL, "the axis that is indexed"}, {0}};
static const struct import_name gather_imports[] = {{"onnx", "Gather", 1, 0},
                                                    {0}};
#define GATHERS                                                                \
  .min_outputs = 1, .max_outputs = 1, .fusion = FUSION_INJECTIVE,              \
  .layout = LAYOUT_PLAIN, .flags = OP_FINITE

const struct op_def op_gather = {
    .name = "gather",
    .summary = "Slices of x along an axis, at the indices.",
    .min_inputs = 2,
    .max_inputs = 2,
    .attributes = gather_attributes,
    .imports = gather_imports,
    .infer = gather_infer,
    .express = gather_express,
    GATHERS,
};

/* ---- gather_elements ----------------------------------------------------- */

static enum adze_status gather_elements_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct value *indices = infer_input(infer, 1);
  size_t axis;
  TRY(index_type(infer, 1));
  TRY(infer_rank(infer, 1, x->rank, x->rank));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  for (size_t i = 0; i < x->rank; i++)
    if (i != axis)
      TRY(graph_require(infer->graph, infer->node,
                        expr_less_equal(infer->graph->pool, indices->dims[i],
                                        x->dims[i]),
                        "the indices must not exceed the input's shape",
                        infer->error));
  infer_output(infer, 0, x->dtype, indices->dims, indices->rank);
  return ADZE_OK;
}

static enum adze_status gather_elements_express(struct express *express) {
  struct buffer *x = express->inputs[0], *indices = express->inputs[1];
  const struct expr *at[LOOP_MAX_RANK];
  size_t axis = normal_axis(express->node, x->rank);
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, at);
  at[axis] = position(express->pool,
                      expr_load(express->pool, indices, at, indices->rank),
                      x->shape[axis]);
  express_body(express, stage, expr_load(express->pool, x, at, x->rank));
  return ADZE_OK;
}

static const struct import_name gather_elements_imports[] = {
    {"onnx", "GatherElements", 11, 0}, {0}};
const struct op_def op_gather_elements = {
    .name = "gather_elements",
    .summary = "Elements of x, each at its own index along an axis.",
    .min_inputs = 2,
    .max_inputs = 2,
    .attributes = gather_attributes,
    .imports = gather_elements_imports,
    .infer = gather_elements_infer,
    .express = gather_elements_express,
    GATHERS,
};

/* ---- one_hot ------------------------------------------------------------- */

static enum adze_status one_hot_infer(struct infer *infer) {
  const struct value *indices = infer_input(infer, 0);
  const struct value *depth = infer_input(infer, 1);
  const struct value *values = infer_input(infer, 2);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t axis;
  if (indices->rank + 1 > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "the rank is too high");
  if (depth->element_count != 1 || depth->elements[0]->dtype != ADZE_I64)
    return infer_fail(infer, ADZE_UNSUPPORTED,
                      "depth '%s' is not one integer", depth->name);
  TRY(infer_rank(infer, 2, 1, 1));
  TRY(graph_require_equal(infer->graph, infer->node, "the values' count and 2",
                          values->dims[0],
                          expr_index(infer->graph->pool, 2), infer->error));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), indices->rank + 1,
                 &axis));
  for (size_t i = 0; i <= indices->rank; i++)
    dims[i] = i == axis ? depth->elements[0] : indices->dims[i - (i > axis)];
  infer_output(infer, 0, values->dtype, dims, indices->rank + 1);
  return ADZE_OK;
}

static enum adze_status one_hot_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *indices = express->inputs[0], *values = express->inputs[2];
  struct stage *stage = express_stage(express, express->outputs[0]);
  size_t axis = normal_axis(express->node, stage->axis_count);
  const struct expr *at[LOOP_MAX_RANK];
  for (size_t i = 0; i < indices->rank; i++)
    at[i] = express_axis(express, stage, i + (i >= axis));
  const struct expr *extent = stage->output->shape[axis];
  const struct expr *index = expr_cast(
      pool, ADZE_I64, expr_load(pool, indices, at, indices->rank));
  index = expr_select(pool, expr_less(pool, index, expr_index(pool, 0)),
                      expr_add(pool, index, extent), index);
  const struct expr *off = expr_index(pool, 0), *on = expr_index(pool, 1);
  express_body(
      express, stage,
      expr_select(pool,
                  expr_equal(pool, index, express_axis(express, stage, axis)),
                  expr_load(pool, values, &on, 1),
                  expr_load(pool, values, &off, 1)));
  return ADZE_OK;
}

static const struct attribute_desc one_hot_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, -1, NULL, "the new axis of the result"},
    {0}};
static const struct import_name one_hot_imports[] = {{"onnx", "OneHot", 9, 0},
                                                     {0}};
const struct op_def op_one_hot = {
    .name = "one_hot",
    .summary = "Values [off, on] by whether the position is the index; inputs "
               "indices, depth, values.",
    .min_inputs = 3,
    .max_inputs = 3,
    .shape_inputs = 1u << 1,
    .attributes = one_hot_attributes,
    .imports = one_hot_imports,
    .infer = one_hot_infer,
    .express = one_hot_express,
    GATHERS,
};

/* ---- range --------------------------------------------------------------- */

static enum adze_status range_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct expr *number[3];
  TRY(infer_same_dtype(infer));
  for (size_t i = 0; i < 3; i++) {
    const struct value *input = infer_input(infer, i);
    if (input->element_count != 1)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "input '%s' is not one number", input->name);
    number[i] = input->elements[0];
  }
  enum adze_dtype dtype = infer_input(infer, 0)->dtype;
  const struct expr *count, *span = number[1];
  if (dtype == ADZE_BOOL || dtype_arithmetic(dtype) != dtype)
    return infer_fail(infer, ADZE_UNSUPPORTED, "%s is not supported",
                      dtype_name(dtype));
  span = expr_sub(pool, span, number[0]);
  if (dtype_is_float(dtype))
    count = expr_cast(pool, ADZE_I64,
                      expr_unary(pool, EXPR_CEIL,
                                 expr_binary(pool, EXPR_DIV, span,
                                             number[2])));
  else
    count = expr_ceil_div(pool, span, number[2]);
  if (expr_is_value(number[2], 0))
    return infer_fail(infer, ADZE_INVALID_MODEL, "the step is 0");
  infer_output(infer, 0, dtype, &count, 1);
  return ADZE_OK;
}

static enum adze_status range_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  const struct node *node = express->node;
  struct stage *stage = express_stage(express, express->outputs[0]);
  enum adze_dtype dtype = stage->output->dtype;
  const struct expr *start =
      expr_cast(pool, dtype, node->inputs[0]->elements[0]);
  const struct expr *step =
      expr_cast(pool, dtype, node->inputs[2]->elements[0]);
  const struct expr *i =
      expr_cast(pool, dtype, express_axis(express, stage, 0));
  express_body(express, stage,
               expr_add(pool, start, expr_mul(pool, i, step)));
  return ADZE_OK;
}

static const struct import_name range_imports[] = {{"onnx", "Range", 11, 0},
                                                   {0}};
const struct op_def op_range = {
    .name = "range",
    .summary = "Numbers from start, by step, up to but without limit; inputs "
               "start, limit, step.",
    .min_inputs = 3,
    .max_inputs = 3,
    .shape_inputs = 7,
    .imports = range_imports,
    .infer = range_infer,
    .express = range_express,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_PLAIN,
    .flags = OP_FINITE | OP_REAL_OPERANDS,
};

/* ---- cum_sum ------------------------------------------------------------- */

static enum adze_status cum_sum_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  size_t axis;
  if (x->dtype == ADZE_BOOL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is bool", x->name);
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  infer_like(infer, 0, x);
  return ADZE_OK;
}

static enum adze_status cum_sum_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0];
  size_t axis = normal_axis(express->node, x->rank);
  bool reverse = node_int(express->node, "reverse") != 0;
  bool exclusive = node_int(express->node, "exclusive") != 0;
  struct buffer *sum = express_accumulator(express, 0);
  struct stage *stage = express_stage(express, sum);
  const struct expr *at[LOOP_MAX_RANK];
  express_axes(express, stage, at);
  const struct expr *o = at[axis];
  at[axis] = express_reduction(express, stage, "r", x->shape[axis]);
  const struct expr *low = reverse ? o : at[axis];
  const struct expr *high = reverse ? at[axis] : o;
  const struct expr *counts = exclusive ? expr_less(pool, low, high)
                                        : expr_less_equal(pool, low, high);
  const struct expr *zero = expr_constant(pool, sum->dtype, 0);
  express_reduce(express, stage, REDUCE_SUM, zero,
                 expr_select(pool, counts, express_load(express, x, at), zero));
  express_finish(express, 0, sum);
  return ADZE_OK;
}

static const struct attribute_desc cum_sum_attributes[] = {
    {"axis", ATTRIBUTE_INT, true, 0, NULL, "what is summed along"},
    {"exclusive", ATTRIBUTE_INT, false, 0, NULL,
     "1: without the element itself"},
    {"reverse", ATTRIBUTE_INT, false, 0, NULL, "1: from the end"},
    {0}};
const struct op_def op_cum_sum = {
    .name = "cum_sum",
    .summary = "Sums of the elements up to each one, along an axis.",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_REDUCTION,
    .layout = LAYOUT_PLAIN,
    .attributes = cum_sum_attributes,
    .infer = cum_sum_infer,
    .express = cum_sum_express,
};

/* ---- trilu --------------------------------------------------------------- */

static enum adze_status trilu_infer(struct infer *infer) {
  TRY(infer_rank(infer, 0, 2, GRAPH_MAX_RANK));
  infer_like(infer, 0, infer_input(infer, 0));
  return ADZE_OK;
}

static enum adze_status trilu_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0];
  const struct expr *at[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, at);
  const struct expr *column = at[x->rank - 1];
  const struct expr *diagonal =
      expr_add(pool, at[x->rank - 2],
               expr_index(pool, node_int(express->node, "k")));
  bool upper = node_int(express->node, "upper") != 0;
  const struct expr *keeps =
      upper ? expr_less_equal(pool, diagonal, column)
            : expr_less_equal(pool, column, diagonal);
  express_body(express, stage,
               expr_select(pool, keeps, expr_load(pool, x, at, x->rank),
                           expr_constant(pool, x->dtype, 0)));
  return ADZE_OK;
}

static const struct attribute_desc trilu_attributes[] = {
    {"upper", ATTRIBUTE_INT, false, 1, NULL, "1: the upper triangle; 0: lower"},
    {"k", ATTRIBUTE_INT, false, 0, NULL, "the diagonal, right of the main one"},
    {0}};
const struct op_def op_trilu = {
    .name = "trilu",
    .summary = "The upper or lower triangle of matrices; zeros elsewhere.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = trilu_attributes,
    .infer = trilu_infer,
    .express = trilu_express,
    GATHERS,
};
