/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling over sliding windows. (Global pooling is a reduction, op/reduce.c.)
 *
 * What lies outside the input is no element: the maximum ignores it, the
 * average adds nothing. The average's divisor is the number of elements in the
 * window, counted with the padding or without; it is a constant wherever no
 * window can leave what is counted.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"
#include "op/window.h"

static const char *const window_names[] = {"r0", "r1", "r2"};

static enum adze_status pool_infer(struct infer *infer) {
  struct window window;
  TRY(infer_rank(infer, 0, 3, 2 + WINDOW_MAX_RANK));
  TRY(infer_window(infer, false, &window));
  const struct value *x = infer_input(infer, 0);
  if (x->dtype == ADZE_BOOL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is bool", x->name);
  bool ceil_mode = node_int(infer->node, "ceil_mode") != 0;
  const struct expr *dims[GRAPH_MAX_RANK] = {x->dims[0], x->dims[1]};
  for (size_t i = 0; i < window.rank; i++) {
    int64_t reach = window_reach(&window, i);
    if (window.before[i] >= reach || window.after[i] >= reach)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "padding of %lld and %lld is not smaller than the "
                        "window, %lld",
                        (long long)window.before[i],
                        (long long)window.after[i], (long long)reach);
    dims[i + 2] = window_extent(infer->graph->pool, &window, i, x->dims[i + 2],
                                ceil_mode);
  }
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

/* The input under the window, with reductions over it added to the stage. */
static const struct expr *window_load(struct express *express,
                                      struct stage *stage,
                                      const struct window *window,
                                      const struct expr *outside) {
  struct expr_pool *pool = express->pool;
  bool ceil_mode = node_int(express->node, "ceil_mode") != 0;
  const struct expr *from[LOOP_MAX_RANK];
  express_axes(express, stage, from);
  for (size_t i = 0; i < window->rank; i++) {
    const struct expr *r =
        express_reduction(express, stage, window_names[i],
                          expr_index(pool, window->kernel[i]));
    from[i + 2] = window_position(pool, window, i, from[i + 2], r);
  }
  return express_padded_load(express, express->inputs[0], from,
                             window_checked(window, ceil_mode), outside);
}

/* ---- max_pool ------------------------------------------------------------ */

static enum adze_status max_pool_express(struct express *express) {
  struct window window = node_window(express->node);
  struct buffer *maximum = express_accumulator(express, 0);
  struct stage *stage = express_stage(express, maximum);
  const struct expr *lowest = express_lowest(express, maximum->dtype);
  const struct expr *load = window_load(express, stage, &window, lowest);
  express_reduce(express, stage, REDUCE_MAX, lowest, load);
  express_finish(express, 0, maximum);
  return ADZE_OK;
}

#define WINDOW_ATTRIBUTES                                                      \
  {"kernel_shape", ATTRIBUTE_INTS, true, 0, NULL, "size of the window"},       \
      {"strides", ATTRIBUTE_INTS, false, 0, NULL,                              \
       "step per spatial axis (1)"},                                           \
      {"pads", ATTRIBUTE_INTS, false, 0, NULL,                                 \
       "padding before each spatial axis, then behind (0)"},                   \
      {"dilations", ATTRIBUTE_INTS, false, 0, NULL,                            \
       "distance of window elements (1)"},                                     \
      {"ceil_mode", ATTRIBUTE_INT, false, 0, NULL,                             \
       "1: a last, partial step counts"}

static const struct attribute_desc max_pool_attributes[] = {WINDOW_ATTRIBUTES,
                                                            {0}};

const struct op_def op_max_pool = {
    .name = "max_pool",
    .summary = "The maximum of each window over the spatial axes of [N,C,...].",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_REDUCTION,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE | OP_CHANNEL_LOCAL,
    .attributes = max_pool_attributes,
    .infer = pool_infer,
    .express = max_pool_express,
};

/* ---- average_pool -------------------------------------------------------- */

/* How many r in [0, kernel) have low <= start + r*dilation < high. */
static const struct expr *count_between(struct expr_pool *pool,
                                        const struct window *window,
                                        size_t axis, const struct expr *o,
                                        const struct expr *low,
                                        const struct expr *high) {
  const struct expr *start =
      window_position(pool, window, axis, o, expr_index(pool, 0));
  const struct expr *dilation = expr_index(pool, window->dilation[axis]);
  const struct expr *kernel = expr_index(pool, window->kernel[axis]);
  const struct expr *first =
      expr_max(pool, expr_index(pool, 0),
               expr_ceil_div(pool, expr_sub(pool, low, start), dilation));
  const struct expr *last =
      expr_min(pool, kernel,
               expr_ceil_div(pool, expr_sub(pool, high, start), dilation));
  return simplify(pool, expr_sub(pool, last, first));
}

static const struct expr *divisor(struct express *express,
                                  const struct stage *stage,
                                  const struct window *window) {
  struct expr_pool *pool = express->pool;
  bool with_padding = node_int(express->node, "count_include_pad") != 0;
  bool ceil_mode = node_int(express->node, "ceil_mode") != 0;
  unsigned leaves = window_checked(window, ceil_mode);
  const struct expr *count = expr_index(pool, 1);
  for (size_t i = 0; i < window->rank; i++) {
    const struct expr *extent = express->inputs[0]->shape[i + 2];
    const struct expr *o = express_axis(express, stage, i + 2);
    const struct expr *factor = expr_index(pool, window->kernel[i]);
    if (with_padding && ceil_mode && window->stride[i] > 1)
      factor = count_between(
          pool, window, i, o, expr_index(pool, -window->before[i]),
          expr_add(pool, extent, expr_index(pool, window->after[i])));
    else if (!with_padding && (leaves >> (i + 2) & 1))
      factor = count_between(pool, window, i, o, expr_index(pool, 0), extent);
    count = expr_mul(pool, count, factor);
  }
  return simplify(pool, count);
}

static enum adze_status average_pool_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct window window = node_window(express->node);
  struct buffer *output = express->outputs[0];
  enum adze_dtype dtype = dtype_arithmetic(output->dtype);
  struct buffer *sum = express_temporary(express, "sum", dtype, output->shape,
                                         output->rank);
  struct stage *stage = express_stage(express, sum);
  const struct expr *zero = expr_constant(pool, dtype, 0);
  const struct expr *load = window_load(express, stage, &window, zero);
  express_reduce(express, stage, REDUCE_SUM, zero, load);
  const struct expr *axes[LOOP_MAX_RANK];
  stage = express_stage(express, output);
  express_axes(express, stage, axes);
  const struct expr *count =
      express_number(express, dtype, divisor(express, stage, &window));
  express_body(express, stage,
               expr_binary(pool, EXPR_DIV, express_load(express, sum, axes),
                           count));
  return ADZE_OK;
}

static const struct attribute_desc average_pool_attributes[] = {
    WINDOW_ATTRIBUTES,
    {"count_include_pad", ATTRIBUTE_INT, false, 0, NULL,
     "1: padding counts in the divisor"},
    {0}};

const struct op_def op_average_pool = {
    .name = "average_pool",
    .summary = "The mean of each window over the spatial axes of [N,C,...].",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_REDUCTION,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE | OP_CHANNEL_LOCAL,
    .attributes = average_pool_attributes,
    .infer = pool_infer,
    .express = average_pool_express,
};
