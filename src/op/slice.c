/* SPDX-License-Identifier: Apache-2.0 */
/* slice and pad: cutting off and adding at the ends of dimensions. Positions
 * come from operands, whose elements may depend on open dimensions, or from
 * attributes; axes and steps are numbers. */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

#include <stdio.h>
#include <string.h>

/* ---- slice --------------------------------------------------------------- */

struct slice_axis {
  const struct expr *start; /* in [0, extent) when anything is left */
  int64_t step;             /* 0: the axis is not sliced */
  const struct expr *count;
};

/* As Python: negative positions count from the end; then clamped into
 * [low, high]. */
static const struct expr *resolved(struct expr_pool *pool,
                                   const struct expr *position,
                                   const struct expr *extent,
                                   const struct expr *low,
                                   const struct expr *high) {
  int64_t known;
  const struct expr *zero = expr_index(pool, 0);
  if (expr_get_integer(position, &known)) {
    if (known < -(INT64_C(1) << 40))
      return low;
    if (known > INT64_C(1) << 40)
      return high;
    if (known < 0)
      position = expr_add(pool, extent, position);
  } else if (!simplify_proves(pool, expr_less_equal(pool, zero, position))) {
    position = expr_select(pool, expr_less(pool, position, zero),
                           expr_add(pool, extent, position), position);
  }
  position = simplify(pool, position);
  if (!simplify_proves(pool, expr_less_equal(pool, low, position)))
    position = expr_max(pool, position, low);
  if (!simplify_proves(pool, expr_less_equal(pool, position, high)))
    position = expr_min(pool, position, high);
  return simplify(pool, position);
}

static struct slice_axis resolve_axis(struct expr_pool *pool,
                                      const struct expr *extent,
                                      const struct expr *start,
                                      const struct expr *end, int64_t step) {
  struct slice_axis axis = {.step = step};
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *one = expr_index(pool, 1);
  const struct expr *last = expr_sub(pool, extent, one);
  if (step > 0) {
    axis.start = resolved(pool, start, extent, zero, extent);
    end = resolved(pool, end, extent, zero, extent);
    axis.count = expr_ceil_div(pool, expr_sub(pool, end, axis.start),
                               expr_index(pool, step));
  } else {
    axis.start = resolved(pool, start, extent, zero, last);
    end = resolved(pool, end, extent, expr_index(pool, -1), last);
    axis.count = expr_ceil_div(pool, expr_sub(pool, axis.start, end),
                               expr_index(pool, -step));
  }
  axis.count = simplify(pool, axis.count);
  int64_t known;
  if (expr_get_integer(axis.count, &known) && known < 0)
    axis.count = zero;
  return axis;
}

static const struct expr *const *operand(struct expr_pool *pool,
                                         const struct node *node, size_t index,
                                         const char *attribute,
                                         size_t *count) {
  if (index < node->input_count && node->inputs[index] != NULL) {
    *count = node->inputs[index]->element_count;
    return node->inputs[index]->elements;
  }
  const int64_t *integers = node_ints(node, attribute, count);
  const struct expr **list =
      ARENA_ARRAY(expr_pool_arena(pool), const struct expr *, *count + 1);
  for (size_t i = 0; i < *count; i++)
    list[i] = expr_index(pool, integers[i]);
  return list;
}

/* NULL when all is well, else what is wrong. */
static const char *read_slices(struct expr_pool *pool, const struct node *node,
                               const struct expr *const *extents, size_t rank,
                               struct slice_axis *out) {
  size_t start_count, end_count, axis_count, step_count;
  const struct expr *const *starts =
      operand(pool, node, 1, "starts", &start_count);
  const struct expr *const *ends = operand(pool, node, 2, "ends", &end_count);
  const int64_t *axes = node_ints(node, "axes", &axis_count);
  const int64_t *steps = node_ints(node, "steps", &step_count);
  if (start_count != end_count ||
      (axis_count != 0 && axis_count != start_count) ||
      (step_count != 0 && step_count != start_count))
    return "starts, ends, axes and steps differ in length";
  if (axis_count == 0 && start_count > rank)
    return "there are more starts than dimensions";
  for (size_t i = 0; i < start_count; i++) {
    int64_t axis = axis_count != 0 ? axes[i] : (int64_t)i;
    int64_t step = step_count != 0 ? steps[i] : 1;
    if (axis < 0)
      axis += (int64_t)rank;
    if (axis < 0 || axis >= (int64_t)rank)
      return "an axis is out of range";
    if (out[axis].step != 0)
      return "an axis is named twice";
    if (step == 0 || step < -INT32_MAX)
      return "a step is 0 or too large";
    if (step > INT32_MAX)
      step = INT32_MAX;
    out[axis] = resolve_axis(pool, extents[axis], starts[i], ends[i], step);
  }
  return NULL;
}

static enum adze_status slice_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  struct slice_axis axes[GRAPH_MAX_RANK] = {{0}};
  const struct expr *dims[GRAPH_MAX_RANK];
  const char *problem =
      read_slices(infer->graph->pool, infer->node, x->dims, x->rank, axes);
  if (problem != NULL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "%s", problem);
  for (size_t i = 0; i < x->rank; i++)
    dims[i] = axes[i].step != 0 ? axes[i].count : x->dims[i];
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

static enum adze_status slice_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0];
  struct slice_axis axes[LOOP_MAX_RANK] = {{0}};
  const struct expr *indices[LOOP_MAX_RANK];
  check(read_slices(pool, express->node, x->shape, x->rank, axes) == NULL);
  struct stage *stage = express_stage(express, express->outputs[0]);
  for (size_t i = 0; i < x->rank; i++) {
    indices[i] = express_axis(express, stage, i);
    if (axes[i].step == 0)
      continue;
    const struct expr *offset =
        expr_mul(pool, indices[i], expr_index(pool, axes[i].step));
    indices[i] = simplify(pool, expr_add(pool, axes[i].start, offset));
  }
  express_body(express, stage, expr_load(pool, x, indices, x->rank));
  return ADZE_OK;
}

static const struct attribute_desc slice_attributes[] = {
    {"starts", ATTRIBUTE_INTS, false, 0, NULL,
     "the first positions, where input 1 is absent"},
    {"ends", ATTRIBUTE_INTS, false, 0, NULL,
     "behind the last positions, where input 2 is absent"},
    {"axes", ATTRIBUTE_INTS, false, 0, NULL, "none: the first ones"},
    {"steps", ATTRIBUTE_INTS, false, 0, NULL, "none: 1"},
    {0}};
const struct op_def op_slice = {
    .name = "slice",
    .summary = "Every step-th element from starts to ends, along axes.",
    .min_inputs = 1,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE,
    .shape_inputs = 1u << 1 | 1u << 2,
    .attributes = slice_attributes,
    .infer = slice_infer,
    .express = slice_express,
};

/* ---- pad ----------------------------------------------------------------- */

static enum adze_status check_pad_mode(struct infer *infer) {
  static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
  const char *mode = node_string(infer->node, "mode");
  for (size_t i = 0; i < ARRAY_COUNT(modes); i++)
    if (strcmp(mode, modes[i]) == 0)
      return ADZE_OK;
  return infer_fail(infer, ADZE_UNSUPPORTED, "mode '%s' is not supported",
                    mode);
}

static enum adze_status pad_infer(struct infer *infer) {
  struct graph *graph = infer->graph;
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t count;
  const struct expr *const *pads =
      operand(graph->pool, infer->node, 1, "pads", &count);
  TRY(check_pad_mode(infer));
  if (count != 2 * x->rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "%zu pads are given; %zu expected", count, 2 * x->rank);
  for (size_t i = 0; i < count; i++) {
    int64_t pad;
    if (expr_get_integer(pads[i], &pad) &&
        (pad < -(INT64_C(1) << 40) || pad > INT64_C(1) << 40))
      return infer_fail(infer, ADZE_LIMIT, "pad %zu is %lld", i,
                        (long long)pad);
  }
  for (size_t i = 0; i < x->rank; i++) {
    dims[i] = expr_add(graph->pool, x->dims[i],
                       expr_add(graph->pool, pads[i], pads[i + x->rank]));
    if (strcmp(node_string(infer->node, "mode"), "reflect") != 0)
      continue;
    char what[96];
    snprintf(what, sizeof what, "reflecting needs more of dimension %d",
             (int)i);
    for (size_t k = i; k < count; k += x->rank)
      TRY(graph_require(graph, infer->node,
                        expr_less(graph->pool, pads[k], x->dims[i]), what,
                        infer->error));
  }
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

/* The position in [0, extent) that a position outside stands for. */
static const struct expr *continued(struct expr_pool *pool, const char *mode,
                                    const struct expr *position,
                                    const struct expr *extent) {
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *last = expr_sub(pool, extent, expr_index(pool, 1));
  if (strcmp(mode, "edge") == 0)
    return expr_min(pool, expr_max(pool, position, zero), last);
  if (strcmp(mode, "wrap") == 0)
    return expr_floor_mod(pool, position, extent);
  const struct expr *twice = expr_mul(pool, last, expr_index(pool, 2));
  const struct expr *from_low = expr_unary(pool, EXPR_ABS, position);
  return expr_select(pool, expr_less(pool, last, position),
                     expr_sub(pool, twice, position), from_low);
}

static enum adze_status pad_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *x = express->inputs[0];
  const char *mode = node_string(express->node, "mode");
  bool is_constant = strcmp(mode, "constant") == 0;
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *indices[LOOP_MAX_RANK];
  unsigned checked = 0;
  size_t count;
  const struct expr *const *pads =
      operand(pool, express->node, 1, "pads", &count);
  for (size_t i = 0; i < x->rank; i++) {
    indices[i] = express_axis(express, stage, i);
    if (expr_is_value(pads[i], 0) && expr_is_value(pads[i + x->rank], 0))
      continue;
    indices[i] = simplify(pool, expr_sub(pool, indices[i], pads[i]));
    if (!is_constant)
      indices[i] = continued(pool, mode, indices[i], x->shape[i]);
    else
      checked |= 1u << i;
  }
  const struct expr *outside = expr_constant(
      pool, dtype_arithmetic(x->dtype), node_float(express->node, "value"));
  express_body(express, stage,
               express_padded_load(express, x, indices, checked, outside));
  return ADZE_OK;
}

static const struct attribute_desc pad_attributes[] = {
    {"pads", ATTRIBUTE_INTS, false, 0, NULL,
     "before each dimension, then behind, where input 1 is absent; negative "
     "ones cut off"},
    {"mode", ATTRIBUTE_STRING, false, 0, "constant",
     "constant, reflect, edge or wrap"},
    {"value", ATTRIBUTE_FLOAT, false, 0, NULL, "what is added by constant"},
    {0}};
const struct op_def op_pad = {
    .name = "pad",
    .summary = "x with more at the ends of its dimensions.",
    .min_inputs = 1,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_FOLLOWS,
    .shape_inputs = 1u << 1,
    .attributes = pad_attributes,
    .infer = pad_infer,
    .express = pad_express,
};
