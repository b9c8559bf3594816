/* SPDX-License-Identifier: Apache-2.0 */
/* concat and split. */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

#include <stdio.h>

static enum adze_status concat_infer(struct infer *infer) {
  const struct value *first = infer_input(infer, 0);
  struct expr_pool *pool = infer->graph->pool;
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t axis;
  TRY(infer_same_dtype(infer));
  TRY(infer_axis(infer, node_int(infer->node, "axis"), first->rank, &axis));
  for (size_t i = 0; i < first->rank; i++)
    dims[i] = first->dims[i];
  for (size_t k = 1; k < infer->node->input_count; k++) {
    const struct value *input = infer_input(infer, k);
    TRY(infer_rank(infer, k, first->rank, first->rank));
    for (size_t i = 0; i < first->rank; i++) {
      char what[96];
      snprintf(what, sizeof what, "dimension %zu of inputs 0 and %zu", i, k);
      if (i == axis)
        dims[i] = simplify(pool, expr_add(pool, dims[i], input->dims[i]));
      else
        TRY(graph_require_equal(infer->graph, infer->node, what, dims[i],
                                input->dims[i], infer->error));
    }
  }
  infer_output(infer, 0, first->dtype, dims, first->rank);
  return ADZE_OK;
}

static size_t node_axis(const struct node *node, size_t rank) {
  int64_t axis = node_int(node, "axis");
  return (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
}

static enum adze_status concat_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  size_t count = express->node->input_count;
  struct stage *stage = express_stage(express, express->outputs[0]);
  size_t axis = node_axis(express->node, stage->axis_count);
  const struct expr *indices[LOOP_MAX_RANK], *body = NULL;
  const struct expr **begins =
      ARENA_ARRAY(expr_pool_arena(pool), const struct expr *, count + 1);
  express_axes(express, stage, indices);
  const struct expr *at = indices[axis];
  begins[0] = expr_index(pool, 0);
  for (size_t k = 0; k < count; k++)
    begins[k + 1] = simplify(
        pool, expr_add(pool, begins[k], express->inputs[k]->shape[axis]));
  for (size_t k = count; k-- > 0;) {
    if (expr_is_value(express->inputs[k]->shape[axis], 0))
      continue;
    indices[axis] = simplify(pool, expr_sub(pool, at, begins[k]));
    const struct expr *load =
        expr_load(pool, express->inputs[k], indices, stage->axis_count);
    body = body == NULL
               ? load
               : expr_select(pool, expr_less(pool, at, begins[k + 1]), load,
                             body);
  }
  check(body != NULL);
  express_body(express, stage, body);
  return ADZE_OK;
}

static const struct attribute_desc concat_attributes[] = {
    {"axis", ATTRIBUTE_INT, true, 0, NULL, "the axis that grows"}, {0}};
static const struct import_name concat_imports[] = {{"onnx", "Concat", 4, 0},
                                                    {0}};
const struct op_def op_concat = {
    .name = "concat",
    .summary = "The inputs one after another along an axis.",
    .min_inputs = 1,
    .max_inputs = -1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE,
    .attributes = concat_attributes,
    .imports = concat_imports,
    .infer = concat_infer,
    .express = concat_express,
};

/* ---- split --------------------------------------------------------------- */

/* The extent of each output: given, or equal parts of which the last may be
 * smaller. */
static enum adze_status split_extents(struct infer *infer, size_t axis,
                                      const struct expr **extents) {
  struct expr_pool *pool = infer->graph->pool;
  const struct expr *whole = infer_input(infer, 0)->dims[axis];
  size_t count, parts = infer->node->output_count;
  const int64_t *sizes = node_ints(infer->node, "split", &count);
  if (count != 0 && count != parts)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'split' has %zu values for %zu outputs",
                      count, parts);
  const struct expr *sum = expr_index(pool, 0);
  const struct expr *part =
      expr_ceil_div(pool, whole, expr_index(pool, (int64_t)parts));
  for (size_t i = 0; i < parts; i++) {
    if (count != 0 && (sizes[i] < 0 || sizes[i] > INT64_C(1) << 40))
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "attribute 'split' holds %lld", (long long)sizes[i]);
    extents[i] = count != 0       ? expr_index(pool, sizes[i])
                 : i + 1 < parts ? part
                                 : expr_sub(pool, whole, sum);
    extents[i] = simplify(pool, extents[i]);
    sum = simplify(pool, expr_add(pool, sum, extents[i]));
  }
  return graph_require_equal(infer->graph, infer->node,
                             "the split dimension and the sum of its parts",
                             whole, sum, infer->error);
}

static enum adze_status split_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t axis, parts = infer->node->output_count;
  TRY(infer_axis(infer, node_int(infer->node, "axis"), x->rank, &axis));
  const struct expr **extents =
      ARENA_ARRAY(infer->graph->arena, const struct expr *, parts);
  TRY(split_extents(infer, axis, extents));
  for (size_t i = 0; i < x->rank; i++)
    dims[i] = x->dims[i];
  for (size_t k = 0; k < parts; k++) {
    dims[axis] = extents[k];
    infer_output(infer, k, x->dtype, dims, x->rank);
  }
  return ADZE_OK;
}

static enum adze_status split_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  size_t axis = node_axis(express->node, express->inputs[0]->rank);
  const struct expr *begin = expr_index(pool, 0);
  for (size_t k = 0; k < express->node->output_count; k++) {
    const struct expr *indices[LOOP_MAX_RANK];
    struct stage *stage = express_stage(express, express->outputs[k]);
    express_axes(express, stage, indices);
    indices[axis] = simplify(pool, expr_add(pool, indices[axis], begin));
    express_body(express, stage,
                 expr_load(pool, express->inputs[0], indices,
                           stage->axis_count));
    begin = expr_add(pool, begin, stage->output->shape[axis]);
  }
  return ADZE_OK;
}

static const struct attribute_desc split_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, 0, NULL, "the axis that is split"},
    {"split", ATTRIBUTE_INTS, false, 0, NULL,
     "the extent of each part; none: equal parts"},
    {0}};
const struct op_def op_split = {
    .name = "split",
    .summary = "Parts of x along an axis, one after another.",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = -1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE,
    .attributes = split_attributes,
    .infer = split_infer,
    .express = split_express,
};
