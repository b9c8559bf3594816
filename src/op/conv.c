/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution and transposed convolution over 1, 2 or 3 spatial dimensions.
 *
 * N batch, C input channels, K output channels (M in ONNX), G groups.
 * The transposed one is written as a gather: an output element adds up those
 * products whose input position, (o + before - r*dilation) / stride, is whole
 * and inside. That makes it a plain reduction like every other operator.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"
#include "op/window.h"

static const char *const kernel_names[] = {"r0", "r1", "r2"};

/* ---- conv ---------------------------------------------------------------- */

static enum adze_status infer_groups(struct infer *infer, size_t weight_axis,
                                     int64_t *group) {
  const struct value *x = infer_input(infer, 0), *w = infer_input(infer, 1);
  *group = node_int(infer->node, "group");
  if (*group < 1 || *group >= INT32_MAX)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'group' is %lld; at least 1 expected",
                      (long long)*group);
  for (size_t i = 0; i < 2; i++)
    if (value_dim(w, i) < 1)
      return infer_fail(infer, ADZE_UNSUPPORTED,
                        "the weights' shape %s is open or empty",
                        infer_dims_text(infer, w));
  int64_t channels = value_dim(x, 1);
  int64_t wanted = value_dim(w, weight_axis);
  if (weight_axis == 1 && !int64_mul(wanted, *group, &wanted))
    wanted = -1;
  if (channels >= 0 && channels != wanted)
    return infer_fail(infer, ADZE_SHAPE,
                      "input '%s' of shape %s has %lld channels where weights "
                      "'%s' of shape %s with group %lld expect %lld",
                      x->name, infer_dims_text(infer, x), (long long)channels,
                      w->name, infer_dims_text(infer, w), (long long)*group,
                      (long long)wanted);
  if (value_dim(w, 0) % *group != 0)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "%lld channels of weights '%s' can't be split into %lld "
                      "groups",
                      (long long)value_dim(w, 0), w->name, (long long)*group);
  return graph_require_equal(infer->graph, infer->node,
                             "input channels and those of the weights",
                             x->dims[1],
                             expr_index(infer->graph->pool, wanted),
                             infer->error);
}

static enum adze_status infer_bias(struct infer *infer, int64_t channels) {
  const struct value *bias = infer_input(infer, 2);
  if (bias == NULL)
    return ADZE_OK;
  if (bias->rank != 1 || value_dim(bias, 0) != channels)
    return infer_fail(infer, ADZE_SHAPE,
                      "bias '%s' has shape %s; [%lld] expected", bias->name,
                      infer_dims_text(infer, bias), (long long)channels);
  return ADZE_OK;
}

static enum adze_status infer_operands(struct infer *infer,
                                       struct window *window) {
  TRY(infer_rank(infer, 0, 3, 2 + WINDOW_MAX_RANK));
  const struct value *x = infer_input(infer, 0);
  TRY(infer_rank(infer, 1, x->rank, x->rank));
  TRY(infer_same_dtype(infer));
  if (!dtype_is_float(x->dtype))
    return infer_fail(infer, ADZE_UNSUPPORTED,
                      "input '%s' is %s; a float type is expected", x->name,
                      dtype_name(x->dtype));
  return infer_window(infer, true, window);
}

static enum adze_status conv_infer(struct infer *infer) {
  struct window window;
  int64_t group;
  TRY(infer_operands(infer, &window));
  TRY(infer_groups(infer, 1, &group));
  const struct value *x = infer_input(infer, 0), *w = infer_input(infer, 1);
  TRY(infer_bias(infer, value_dim(w, 0)));
  const struct expr *dims[GRAPH_MAX_RANK] = {x->dims[0], w->dims[0]};
  for (size_t i = 0; i < window.rank; i++)
    dims[i + 2] = window_extent(infer->graph->pool, &window, i, x->dims[i + 2],
                                false);
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

static const struct expr *bias_or_zero(struct express *express,
                                       const struct expr *channel,
                                       enum adze_dtype dtype) {
  if (express->node->input_count > 2 && express->inputs[2] != NULL)
    return express_load(express, express->inputs[2], &channel);
  return expr_constant(express->pool, dtype, 0);
}

/* First channel of the group of output channel k: floor(k / (K/G)) * (C/G). */
static const struct expr *group_base(struct expr_pool *pool,
                                     const struct expr *k, int64_t outputs,
                                     int64_t inputs) {
  if (outputs == 1)
    return expr_mul(pool, k, expr_index(pool, inputs));
  return expr_mul(pool, expr_floor_div(pool, k, expr_index(pool, outputs)),
                  expr_index(pool, inputs));
}

static enum adze_status conv_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0], *w = express->inputs[1];
  struct window window = node_window(express->node);
  int64_t group = node_int(express->node, "group"), outputs;
  check(expr_get_integer(w->shape[0], &outputs));
  struct buffer *sum = express_accumulator(express, 0);
  struct stage *stage = express_stage(express, sum);
  const struct expr *k = express_axis(express, stage, 1);
  const struct expr *c = express_reduction(express, stage, "c", w->shape[1]);
  const struct expr *from[LOOP_MAX_RANK], *weight[LOOP_MAX_RANK] = {k, c};
  int64_t group_inputs;
  check(expr_get_integer(w->shape[1], &group_inputs));
  from[0] = express_axis(express, stage, 0);
  from[1] = c;
  if (group > 1)
    from[1] = simplify(
        pool, expr_add(pool,
                       group_base(pool, k, outputs / group, group_inputs),
                       group_inputs == 1 ? expr_index(pool, 0) : c));
  for (size_t i = 0; i < window.rank; i++) {
    weight[i + 2] = express_reduction(express, stage, kernel_names[i],
                                      w->shape[i + 2]);
    from[i + 2] =
        window_position(pool, &window, i, express_axis(express, stage, i + 2),
                        weight[i + 2]);
  }
  const struct expr *zero = expr_constant(pool, sum->dtype, 0);
  const struct expr *body = expr_mul(
      pool,
      express_padded_load(express, x, from, window_checked(&window, false),
                          zero),
      express_load(express, w, weight));
  express_reduce(express, stage, REDUCE_SUM,
                 bias_or_zero(express, k, sum->dtype), body);
  express_finish(express, 0, sum);
  return ADZE_OK;
}

static const struct attribute_desc conv_attributes[] = {
    {"kernel_shape", ATTRIBUTE_INTS, false, 0, NULL,
     "size of the kernel; that of the weights"},
    {"strides", ATTRIBUTE_INTS, false, 0, NULL, "step per spatial axis (1)"},
    {"pads", ATTRIBUTE_INTS, false, 0, NULL,
     "zeros before each spatial axis, then those after (0)"},
    {"dilations", ATTRIBUTE_INTS, false, 0, NULL,
     "distance of kernel elements (1)"},
    {"group", ATTRIBUTE_INT, false, 1, NULL,
     "channels are split into this many independent convolutions"},
    {0}};

const struct op_def op_conv = {
    .name = "conv",
    .summary = "Convolution of x [N,C,...] with w [K,C/group,...], plus b [K].",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_ANCHOR,
    .layout = LAYOUT_BLOCKED,
    .attributes = conv_attributes,
    .infer = conv_infer,
    .express = conv_express,
};

/* ---- conv_transpose ------------------------------------------------------ */

static enum adze_status transpose_extent(struct infer *infer,
                                         const struct window *window,
                                         size_t axis, const struct expr **out) {
  struct expr_pool *pool = infer->graph->pool;
  size_t count;
  const int64_t *list = node_ints(infer->node, "output_padding", &count);
  if (count != 0 && count != window->rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'output_padding' has %zu values; %zu expected",
                      count, window->rank);
  int64_t extra = count != 0 ? list[axis] : 0;
  if (extra < 0 || extra >= INT32_MAX)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'output_padding' holds %lld",
                      (long long)extra);
  int64_t fixed = window_reach(window, axis) + extra - window->before[axis] -
                  window->after[axis] - window->stride[axis];
  const struct expr *in = infer_input(infer, 0)->dims[axis + 2];
  *out = expr_add(pool,
                  expr_mul(pool, in, expr_index(pool, window->stride[axis])),
                  expr_index(pool, fixed));
  return ADZE_OK;
}

static enum adze_status conv_transpose_infer(struct infer *infer) {
  struct window window;
  int64_t group;
  TRY(infer_operands(infer, &window));
  TRY(infer_groups(infer, 0, &group));
  const struct value *x = infer_input(infer, 0), *w = infer_input(infer, 1);
  int64_t channels;
  if (!int64_mul(value_dim(w, 1), group, &channels))
    return infer_fail(infer, ADZE_INVALID_MODEL, "too many output channels");
  TRY(infer_bias(infer, channels));
  const struct expr *dims[GRAPH_MAX_RANK] = {
      x->dims[0], expr_index(infer->graph->pool, channels)};
  for (size_t i = 0; i < window.rank; i++)
    TRY(transpose_extent(infer, &window, i, &dims[i + 2]));
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

/* The input position that output position o gets from kernel element r, and
 * whether there is one; `whole` is NULL when there always is. */
static const struct expr *origin(struct expr_pool *pool,
                                 const struct window *window, size_t axis,
                                 const struct expr *o, const struct expr *r,
                                 const struct expr **whole) {
  const struct expr *stride = expr_index(pool, window->stride[axis]);
  const struct expr *reach =
      expr_mul(pool, r, expr_index(pool, window->dilation[axis]));
  const struct expr *shifted =
      simplify(pool, expr_sub(pool,
                              expr_add(pool, o,
                                       expr_index(pool, window->before[axis])),
                              reach));
  *whole = NULL;
  if (window->stride[axis] == 1)
    return shifted;
  *whole = expr_equal(pool, expr_floor_mod(pool, shifted, stride),
                      expr_index(pool, 0));
  return expr_floor_div(pool, shifted, stride);
}

static enum adze_status conv_transpose_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0], *w = express->inputs[1];
  struct window window = node_window(express->node);
  int64_t group = node_int(express->node, "group"), inputs, outputs;
  check(expr_get_integer(w->shape[0], &inputs));
  check(expr_get_integer(w->shape[1], &outputs));
  struct buffer *sum = express_accumulator(express, 0);
  struct stage *stage = express_stage(express, sum);
  const struct expr *k = express_axis(express, stage, 1);
  const struct expr *c = express_reduction(
      express, stage, "c", expr_index(pool, inputs / group));
  if (group > 1)
    c = simplify(pool, expr_add(pool, group_base(pool, k, outputs,
                                                 inputs / group),
                                inputs == group ? expr_index(pool, 0) : c));
  const struct expr *from[LOOP_MAX_RANK], *weight[LOOP_MAX_RANK];
  from[0] = express_axis(express, stage, 0);
  from[1] = weight[0] = c;
  weight[1] = group == 1 ? k
                         : expr_floor_mod(pool, k, expr_index(pool, outputs));
  const struct expr *whole = NULL;
  for (size_t i = 0; i < window.rank; i++) {
    const struct expr *test;
    weight[i + 2] = express_reduction(express, stage, kernel_names[i],
                                      w->shape[i + 2]);
    from[i + 2] =
        origin(pool, &window, i, express_axis(express, stage, i + 2),
               weight[i + 2], &test);
    if (test != NULL)
      whole = whole == NULL ? test : expr_and(pool, whole, test);
  }
  const struct expr *zero = expr_constant(pool, sum->dtype, 0);
  unsigned spatial = ((1u << window.rank) - 1) << 2;
  const struct expr *term =
      express_padded_load(express, x, from, spatial, zero);
  if (whole != NULL)
    term = expr_select(pool, whole, term, zero);
  express_reduce(express, stage, REDUCE_SUM,
                 bias_or_zero(express, k, sum->dtype),
                 expr_mul(pool, term, express_load(express, w, weight)));
  express_finish(express, 0, sum);
  return ADZE_OK;
}

static const struct attribute_desc conv_transpose_attributes[] = {
    {"kernel_shape", ATTRIBUTE_INTS, false, 0, NULL,
     "size of the kernel; that of the weights"},
    {"strides", ATTRIBUTE_INTS, false, 0, NULL, "step per spatial axis (1)"},
    {"pads", ATTRIBUTE_INTS, false, 0, NULL,
     "cut off before each spatial axis, then behind (0)"},
    {"dilations", ATTRIBUTE_INTS, false, 0, NULL,
     "distance of kernel elements (1)"},
    {"output_padding", ATTRIBUTE_INTS, false, 0, NULL,
     "more output behind each spatial axis (0)"},
    {"group", ATTRIBUTE_INT, false, 1, NULL,
     "channels are split into this many independent convolutions"},
    {0}};

const struct op_def op_conv_transpose = {
    .name = "conv_transpose",
    .summary = "Transposed convolution of x [N,C,...] with w [C,K/group,...], "
               "plus b [K].",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_ANCHOR,
    .layout = LAYOUT_BLOCKED,
    .attributes = conv_transpose_attributes,
    .infer = conv_transpose_infer,
    .express = conv_transpose_express,
};
