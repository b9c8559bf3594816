/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that reduce and then come back to every element: softmax,
 * log_softmax, layer_norm, instance_norm, lrn. They are several stages with
 * small temporaries between, so that grouping can make one kernel of them.
 *
 * Outer axes are those that are not reduced; temporaries have only these.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"


/* ---- Reductions of the input --------------------------------------------- */

struct norm {
  struct express *express;
  struct buffer *x;
  enum adze_dtype dtype; /* arithmetic */
  bool is_reduced[LOOP_MAX_RANK];
  const struct expr *outer[LOOP_MAX_RANK];
  size_t outer_rank;
  const struct expr *count; /* elements that are reduced together */
};

static struct norm norm_make(struct express *express, const bool *is_reduced) {
  struct norm norm = {.express = express, .x = express->inputs[0]};
  norm.dtype = dtype_arithmetic(norm.x->dtype);
  norm.count = expr_index(express->pool, 1);
  for (size_t i = 0; i < norm.x->rank; i++) {
    norm.is_reduced[i] = is_reduced[i];
    if (is_reduced[i])
      norm.count = expr_mul(express->pool, norm.count, norm.x->shape[i]);
    else
      norm.outer[norm.outer_rank++] = norm.x->shape[i];
  }
  return norm;
}

static const struct expr *norm_constant(const struct norm *norm,
                                        double number) {
  return expr_constant(norm->express->pool, norm->dtype, number);
}

/* A stage that reduces into a new temporary, without body yet. `outer` gets its
 * axes, `all` the indices of the input. */
static struct stage *norm_stage(const struct norm *norm, const char *name,
                                const struct expr **outer,
                                const struct expr **all) {
  static const char *const names[LOOP_MAX_RANK] = {
      "r0", "r1", "r2",  "r3",  "r4",  "r5",  "r6",  "r7",
      "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
  struct express *express = norm->express;
  struct stage *stage = express_stage(
      express, express_temporary(express, name, norm->dtype, norm->outer,
                                 norm->outer_rank));
  express_axes(express, stage, outer);
  for (size_t i = 0, o = 0; i < norm->x->rank; i++)
    all[i] = norm->is_reduced[i]
                 ? express_reduction(express, stage, names[i],
                                     norm->x->shape[i])
                 : outer[o++];
  return stage;
}

/* The outer indices among those of the input. */
static void norm_outer(const struct norm *norm, const struct expr *const *all,
                       const struct expr **outer) {
  for (size_t i = 0, o = 0; i < norm->x->rank; i++)
    if (!norm->is_reduced[i])
      outer[o++] = all[i];
}

/* ---- softmax ------------------------------------------------------------- */

static enum adze_status softmax_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  size_t axis;
  if (!dtype_is_float(x->dtype))
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is %s", x->name,
                      dtype_name(x->dtype));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  infer_like(infer, 0, x);
  return ADZE_OK;
}

static void softmax_axes(const struct express *express, bool *is_reduced) {
  size_t rank = express->inputs[0]->rank;
  int64_t axis = node_int(express->node, "axis");
  size_t first = (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
  bool flattens = node_int(express->node, "flatten") != 0;
  for (size_t i = 0; i < rank; i++)
    is_reduced[i] = i == first || (flattens && i > first);
}

static struct buffer *softmax_maximum(const struct norm *norm) {
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct stage *stage = norm_stage(norm, "max", outer, all);
  express_reduce(norm->express, stage, REDUCE_MAX,
                 express_lowest(norm->express, norm->dtype),
                 express_load(norm->express, norm->x, all));
  return stage->output;
}

/* exp(x - maximum), in a temporary of the input's shape. */
static struct buffer *softmax_exponential(const struct norm *norm,
                                          struct buffer *maximum) {
  struct express *express = norm->express;
  struct expr_pool *pool = express->pool;
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct stage *stage = express_stage(
      express, express_temporary(express, "exp", norm->dtype, norm->x->shape,
                                 norm->x->rank));
  express_axes(express, stage, all);
  norm_outer(norm, all, outer);
  express_body(express, stage,
               expr_unary(pool, EXPR_EXP,
                          expr_sub(pool, express_load(express, norm->x, all),
                                   express_load(express, maximum, outer))));
  return stage->output;
}

static struct buffer *softmax_sum(const struct norm *norm,
                                  struct buffer *exponential) {
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct stage *stage = norm_stage(norm, "sum", outer, all);
  express_reduce(norm->express, stage, REDUCE_SUM, norm_constant(norm, 0),
                 express_load(norm->express, exponential, all));
  return stage->output;
}

static enum adze_status softmax_express(struct express *express) {
  bool is_reduced[LOOP_MAX_RANK];
  softmax_axes(express, is_reduced);
  struct norm norm = norm_make(express, is_reduced);
  struct buffer *exponential =
      softmax_exponential(&norm, softmax_maximum(&norm));
  struct buffer *sum = softmax_sum(&norm, exponential);
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, all);
  norm_outer(&norm, all, outer);
  express_body(express, stage,
               expr_binary(express->pool, EXPR_DIV,
                           express_load(express, exponential, all),
                           express_load(express, sum, outer)));
  return ADZE_OK;
}

/* x - maximum - log(sum(exp(x - maximum))) */
static enum adze_status log_softmax_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  bool is_reduced[LOOP_MAX_RANK];
  softmax_axes(express, is_reduced);
  struct norm norm = norm_make(express, is_reduced);
  struct buffer *maximum = softmax_maximum(&norm);
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct stage *stage = norm_stage(&norm, "sum", outer, all);
  const struct expr *less =
      expr_sub(pool, express_load(express, norm.x, all),
               express_load(express, maximum, outer));
  express_reduce(express, stage, REDUCE_SUM, norm_constant(&norm, 0),
                 expr_unary(pool, EXPR_EXP, less));
  struct buffer *sum = stage->output;
  stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, all);
  norm_outer(&norm, all, outer);
  less = expr_sub(pool, express_load(express, norm.x, all),
                  express_load(express, maximum, outer));
  express_body(express, stage,
               expr_sub(pool, less,
                        expr_unary(pool, EXPR_LOG,
                                   express_load(express, sum, outer))));
  return ADZE_OK;
}

static const struct attribute_desc softmax_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, -1, NULL, "what sums to 1"},
    {"flatten", ATTRIBUTE_INT, false, 0, NULL,
     "1: all axes from there on together"},
    {0}};

#define NORMAL(id)                                                             \
  .name = #id, .min_outputs = 1, .max_outputs = 1,                             \
  .fusion = FUSION_REDUCTION, .layout = LAYOUT_PLAIN

const struct op_def op_softmax = {
    NORMAL(softmax),
    .summary = "exp(x) divided by its sum along an axis.",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = OP_FINITE,
    .attributes = softmax_attributes,
    .infer = softmax_infer,
    .express = softmax_express,
};
const struct op_def op_log_softmax = {
    NORMAL(log_softmax),
    .summary = "The logarithm of softmax.",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = OP_FINITE,
    .attributes = softmax_attributes,
    .infer = softmax_infer,
    .express = log_softmax_express,
};

/* ---- Mean and variance --------------------------------------------------- */

struct moments {
  struct buffer *sum, *squares; /* of x, and of x - mean squared */
};

static const struct expr *mean_of(const struct norm *norm,
                                  struct buffer *sum,
                                  const struct expr *const *outer) {
  return expr_binary(norm->express->pool, EXPR_DIV,
                     express_load(norm->express, sum, outer),
                     express_number(norm->express, norm->dtype, norm->count));
}

static struct moments find_moments(const struct norm *norm) {
  struct express *express = norm->express;
  struct expr_pool *pool = express->pool;
  const struct expr *outer[LOOP_MAX_RANK], *all[LOOP_MAX_RANK];
  struct moments moments;
  struct stage *stage = norm_stage(norm, "sum", outer, all);
  express_reduce(express, stage, REDUCE_SUM, norm_constant(norm, 0),
                 express_load(express, norm->x, all));
  moments.sum = stage->output;
  stage = norm_stage(norm, "squares", outer, all);
  const struct expr *distance =
      expr_sub(pool, express_load(express, norm->x, all),
               mean_of(norm, moments.sum, outer));
  express_reduce(express, stage, REDUCE_SUM, norm_constant(norm, 0),
                 expr_mul(pool, distance, distance));
  moments.squares = stage->output;
  return moments;
}

/* (x - mean) / sqrt(variance + epsilon) in the last stage. */
static const struct expr *normalized(const struct norm *norm,
                                     const struct moments *moments,
                                     const struct expr *const *all) {
  struct express *express = norm->express;
  struct expr_pool *pool = express->pool;
  const struct expr *outer[LOOP_MAX_RANK];
  norm_outer(norm, all, outer);
  const struct expr *epsilon =
      norm_constant(norm, node_float(express->node, "epsilon"));
  const struct expr *variance = mean_of(norm, moments->squares, outer);
  const struct expr *deviation =
      expr_unary(pool, EXPR_SQRT, expr_add(pool, variance, epsilon));
  const struct expr *distance =
      expr_sub(pool, express_load(express, norm->x, all),
               mean_of(norm, moments->sum, outer));
  return expr_binary(pool, EXPR_DIV, distance, deviation);
}

static enum adze_status float_operands(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  if (!dtype_is_float(x->dtype))
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is %s", x->name,
                      dtype_name(x->dtype));
  return infer_same_dtype(infer);
}

/* ---- layer_norm ---------------------------------------------------------- */

static enum adze_status layer_norm_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  size_t axis, rank;
  TRY(float_operands(infer));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  for (size_t i = 1; i < infer->node->input_count; i++) {
    const struct value *parameter = infer_input(infer, i);
    const struct expr *dims[GRAPH_MAX_RANK];
    if (parameter == NULL)
      continue;
    TRY(infer_rank(infer, i, 0, x->rank));
    TRY(infer_broadcast(infer, x, parameter, dims, &rank));
    for (size_t k = 0; k < rank; k++)
      TRY(graph_require_equal(infer->graph, infer->node,
                              "dimensions of the input and its parameters",
                              dims[k], x->dims[k], infer->error));
  }
  infer_like(infer, 0, x);
  return ADZE_OK;
}

static enum adze_status layer_norm_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  const struct node *node = express->node;
  size_t rank = express->inputs[0]->rank;
  bool is_reduced[LOOP_MAX_RANK];
  int64_t axis = node_int(node, "axis");
  for (size_t i = 0; i < rank; i++)
    is_reduced[i] = (int64_t)i >= (axis < 0 ? axis + (int64_t)rank : axis);
  struct norm norm = norm_make(express, is_reduced);
  struct moments moments = find_moments(&norm);
  const struct expr *all[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, all);
  const struct expr *body = normalized(&norm, &moments, all);
  if (node->input_count > 1 && express->inputs[1] != NULL)
    body = expr_mul(pool, body, express_broadcast_load(express, stage, 1));
  if (node->input_count > 2 && express->inputs[2] != NULL)
    body = expr_add(pool, body, express_broadcast_load(express, stage, 2));
  express_body(express, stage, body);
  return ADZE_OK;
}

static const struct attribute_desc layer_norm_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, -1, NULL, "the first that is normalized"},
    {"epsilon", ATTRIBUTE_FLOAT, false, 1e-5, NULL, "added to the variance"},
    {0}};
const struct op_def op_layer_norm = {
    NORMAL(layer_norm),
    .summary = "x with mean 0 and variance 1 over the axes from `axis` on, "
               "times scale, plus b.",
    .min_inputs = 1,
    .max_inputs = 3,
    .attributes = layer_norm_attributes,
    .infer = layer_norm_infer,
    .express = layer_norm_express,
};

/* ---- instance_norm ------------------------------------------------------- */

static enum adze_status instance_norm_infer(struct infer *infer) {
  TRY(infer_rank(infer, 0, 3, GRAPH_MAX_RANK));
  TRY(float_operands(infer));
  const struct value *x = infer_input(infer, 0);
  for (size_t i = 1; i < 3; i++) {
    TRY(infer_rank(infer, i, 1, 1));
    TRY(graph_require_equal(infer->graph, infer->node,
                            "the channels of input 0 and of the parameters",
                            x->dims[1], infer_input(infer, i)->dims[0],
                            infer->error));
  }
  infer_like(infer, 0, x);
  return ADZE_OK;
}

static enum adze_status instance_norm_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  bool is_reduced[LOOP_MAX_RANK];
  for (size_t i = 0; i < express->inputs[0]->rank; i++)
    is_reduced[i] = i >= 2;
  struct norm norm = norm_make(express, is_reduced);
  struct moments moments = find_moments(&norm);
  const struct expr *all[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, all);
  const struct expr *scale = express_load(express, express->inputs[1], &all[1]);
  const struct expr *bias = express_load(express, express->inputs[2], &all[1]);
  express_body(express, stage,
               expr_add(pool,
                        expr_mul(pool, normalized(&norm, &moments, all), scale),
                        bias));
  return ADZE_OK;
}

static const struct attribute_desc instance_norm_attributes[] = {
    {"epsilon", ATTRIBUTE_FLOAT, false, 1e-5, NULL, "added to the variance"},
    {0}};
static const struct import_name instance_norm_imports[] = {
    {"onnx", "InstanceNormalization", 6, 0}, {0}};
const struct op_def op_instance_norm = {
    NORMAL(instance_norm),
    .summary = "Each plane of [N,C,...] with mean 0 and variance 1, times "
               "scale [C], plus b [C].",
    .min_inputs = 3,
    .max_inputs = 3,
    .flags = OP_CHANNEL_LOCAL,
    .attributes = instance_norm_attributes,
    .imports = instance_norm_imports,
    .infer = instance_norm_infer,
    .express = instance_norm_express,
};

/* ---- lrn ----------------------------------------------------------------- */

static enum adze_status lrn_infer(struct infer *infer) {
  TRY(infer_rank(infer, 0, 2, GRAPH_MAX_RANK));
  TRY(float_operands(infer));
  int64_t size = node_int(infer->node, "size");
  if (size < 1 || size > 1 << 20)
    return infer_fail(infer, ADZE_INVALID_MODEL, "attribute 'size' is %lld",
                      (long long)size);
  infer_like(infer, 0, infer_input(infer, 0));
  return ADZE_OK;
}

static enum adze_status lrn_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0];
  enum adze_dtype dtype = dtype_arithmetic(x->dtype);
  int64_t size = node_int(express->node, "size");
  const struct expr *at[LOOP_MAX_RANK];
  const struct expr *zero = expr_constant(pool, dtype, 0);
  struct buffer *sum =
      express_temporary(express, "sum", dtype, x->shape, x->rank);
  struct stage *stage = express_stage(express, sum);
  express_axes(express, stage, at);
  const struct expr *r =
      express_reduction(express, stage, "r", expr_index(pool, size));
  at[1] = simplify(pool, expr_sub(pool, expr_add(pool, at[1], r),
                                  expr_index(pool, (size - 1) / 2)));
  const struct expr *load = express_padded_load(express, x, at, 2, zero);
  express_reduce(express, stage, REDUCE_SUM, zero,
                 expr_mul(pool, load, load));
  stage = express_stage(express, express->outputs[0]);
  express_axes(express, stage, at);
  double alpha = node_float(express->node, "alpha") / (double)size;
  const struct expr *base = expr_add(
      pool, expr_constant(pool, dtype, node_float(express->node, "bias")),
      expr_mul(pool, expr_constant(pool, dtype, alpha),
               express_load(express, sum, at)));
  const struct expr *power = expr_binary(
      pool, EXPR_POW, base,
      expr_constant(pool, dtype, node_float(express->node, "beta")));
  express_body(express, stage,
               expr_binary(pool, EXPR_DIV, express_load(express, x, at),
                           power));
  return ADZE_OK;
}

static const struct attribute_desc lrn_attributes[] = {
    {"size", ATTRIBUTE_INT, true, 0, NULL, "channels that are summed over"},
    {"alpha", ATTRIBUTE_FLOAT, false, 1e-4, NULL, "factor of the mean square"},
    {"beta", ATTRIBUTE_FLOAT, false, 0.75, NULL, "exponent"},
    {"bias", ATTRIBUTE_FLOAT, false, 1, NULL, "added to the mean square"},
    {0}};
static const struct import_name lrn_imports[] = {{"onnx", "LRN", 1, 0}, {0}};
const struct op_def op_lrn = {
    NORMAL(lrn),
    .summary = "x / (bias + alpha * mean square of near channels) ^ beta.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = lrn_attributes,
    .imports = lrn_imports,
    .infer = lrn_infer,
    .express = lrn_express,
};
