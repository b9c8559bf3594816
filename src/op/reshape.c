/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that keep the elements and their order and change only the shape:
 * reshape, flatten, squeeze, unsqueeze.
 *
 * reshape takes its shape from an operand's elements, which may be expressions
 * of open dimensions, or from an attribute. The other three have rules of their
 * own, which stay exact where dimensions are open. One stage serves all: where
 * runs of dimensions correspond one to one they are indexed directly, else
 * through the position in memory.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

#include <stdio.h>

/* ---- Indexing ---------------------------------------------------------------
 * Walks both shapes from the front in runs whose products are equal, and
 * indexes the input's run by the position within the output's run. */

struct run {
  size_t in_begin, in_end, out_begin, out_end;
};

static const struct expr *product(struct expr_pool *pool,
                                  const struct expr *const *dims, size_t begin,
                                  size_t end) {
  const struct expr *result = expr_index(pool, 1);
  for (size_t i = begin; i < end; i++)
    result = expr_mul(pool, result, dims[i]);
  return simplify(pool, result);
}

/* The shortest run from (in, out) with equal products, or all that is left. */
static struct run next_run(struct expr_pool *pool, const struct buffer *x,
                           const struct buffer *y, size_t in, size_t out) {
  for (size_t length = 1; length <= x->rank - in + y->rank - out; length++)
    for (size_t i = in; i <= x->rank && i - in <= length; i++) {
      size_t o = out + length - (i - in);
      if (o > y->rank)
        continue;
      if (product(pool, x->shape, in, i) == product(pool, y->shape, out, o))
        return (struct run){in, i, out, o};
    }
  return (struct run){in, x->rank, out, y->rank};
}

static void index_run(struct express *express, const struct run *run,
                      const struct expr *const *axes,
                      const struct expr **indices) {
  struct expr_pool *pool = express->pool;
  const struct buffer *x = express->inputs[0], *y = express->outputs[0];
  const struct expr *position = expr_index(pool, 0);
  for (size_t o = run->out_begin; o < run->out_end; o++)
    position = expr_add(pool, expr_mul(pool, position, y->shape[o]), axes[o]);
  for (size_t i = run->in_end; i-- > run->in_begin;) {
    if (i == run->in_begin) {
      indices[i] = simplify(pool, position);
    } else {
      indices[i] = simplify(pool, expr_floor_mod(pool, position, x->shape[i]));
      position = expr_floor_div(pool, position, x->shape[i]);
    }
  }
}

static enum adze_status reshape_express(struct express *express) {
  struct buffer *x = express->inputs[0], *y = express->outputs[0];
  const struct expr *axes[LOOP_MAX_RANK], *indices[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, y);
  express_axes(express, stage, axes);
  for (size_t in = 0, out = 0; in < x->rank || out < y->rank;) {
    struct run run = next_run(express->pool, x, y, in, out);
    index_run(express, &run, axes, indices);
    in = run.in_end;
    out = run.out_end;
  }
  express_body(express, stage, express_load(express, x, indices));
  return ADZE_OK;
}

/* ---- reshape ------------------------------------------------------------- */

static enum adze_status require_same_count(struct infer *infer,
                                           const struct expr *const *dims,
                                           size_t rank) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  return graph_require_equal(infer->graph, infer->node,
                             "the numbers of elements before and after",
                             product(pool, x->dims, 0, x->rank),
                             product(pool, dims, 0, rank), infer->error);
}

/* The dimension that was left to be found: the elements divided by the others,
 * cancelling dimensions that appear on both sides. */
static const struct expr *missing_dim(struct infer *infer,
                                      const struct expr *const *dims,
                                      size_t rank, size_t missing) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  const struct expr *above = expr_index(pool, 1), *below = above;
  bool is_used[GRAPH_MAX_RANK] = {0};
  for (size_t i = 0; i < rank; i++) {
    if (i == missing)
      continue;
    size_t k = 0;
    while (k < x->rank && (is_used[k] || x->dims[k] != dims[i]))
      k++;
    if (k < x->rank)
      is_used[k] = true;
    else
      below = expr_mul(pool, below, dims[i]);
  }
  for (size_t k = 0; k < x->rank; k++)
    if (!is_used[k])
      above = expr_mul(pool, above, x->dims[k]);
  return simplify(pool, expr_floor_div(pool, simplify(pool, above),
                                       simplify(pool, below)));
}

static enum adze_status reshape_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  size_t rank, missing = SIZE_MAX;
  const struct expr *const *wanted = infer_operand(infer, 1, "shape", &rank);
  const struct expr *dims[GRAPH_MAX_RANK];
  bool keeps_zero = node_int(infer->node, "allowzero") != 0;
  if (rank > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "rank %zu is above the limit of %d",
                      rank, GRAPH_MAX_RANK);
  for (size_t i = 0; i < rank; i++) {
    int64_t dim;
    dims[i] = wanted[i];
    if (!expr_get_integer(wanted[i], &dim))
      continue;
    if (dim == 0 && !keeps_zero && i < x->rank) {
      dims[i] = x->dims[i];
    } else if (dim == -1 && missing == SIZE_MAX) {
      missing = i;
    } else if (dim <= 0) {
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "dimension %zu of the new shape is %lld", i,
                        (long long)dim);
    }
  }
  for (size_t i = 0; i < rank; i++)
    dims[i] = i == missing ? dims[i] : simplify(pool, dims[i]);
  if (missing != SIZE_MAX)
    dims[missing] = missing_dim(infer, dims, rank, missing);
  TRY(require_same_count(infer, dims, rank));
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static const struct attribute_desc reshape_attributes[] = {
    {"shape", ATTRIBUTE_INTS, false, 0, NULL,
     "the new shape where input 1 is absent; 0: as before, -1: what is left"},
    {"allowzero", ATTRIBUTE_INT, false, 0, NULL, "1: a 0 is not 'as before'"},
    {0}};
static const struct import_name reshape_imports[] = {{"onnx", "Reshape", 5, 0},
                                                     {0}};
#define SHAPE_ONLY                                                             \
  .min_outputs = 1, .max_outputs = 1, .fusion = FUSION_INJECTIVE,              \
  .layout = LAYOUT_PLAIN, .flags = OP_FINITE, .express = reshape_express

const struct op_def op_reshape = {
    .name = "reshape",
    .summary = "The same elements in another shape.",
    .min_inputs = 1,
    .max_inputs = 2,
    .shape_inputs = 1u << 1,
    .attributes = reshape_attributes,
    .imports = reshape_imports,
    .infer = reshape_infer,
    SHAPE_ONLY,
};

/* ---- flatten ------------------------------------------------------------- */

static enum adze_status flatten_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  int64_t axis = node_int(infer->node, "axis"), rank = (int64_t)x->rank;
  if (axis < -rank || axis > rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "axis %lld is out of range for rank %zu",
                      (long long)axis, x->rank);
  size_t split = (size_t)(axis < 0 ? axis + rank : axis);
  const struct expr *dims[2] = {product(pool, x->dims, 0, split),
                                product(pool, x->dims, split, x->rank)};
  infer_output(infer, 0, x->dtype, dims, 2);
  return ADZE_OK;
}

static const struct attribute_desc flatten_attributes[] = {
    {"axis", ATTRIBUTE_INT, false, 1, NULL, "the first of the second half"},
    {0}};
static const struct import_name flatten_imports[] = {{"onnx", "Flatten", 1, 0},
                                                     {0}};
const struct op_def op_flatten = {
    .name = "flatten",
    .summary = "A matrix: dimensions before the axis, and the others.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = flatten_attributes,
    .imports = flatten_imports,
    .infer = flatten_infer,
    SHAPE_ONLY,
};

/* ---- squeeze and unsqueeze ----------------------------------------------- */

/* Marks the axes listed by attribute `axes`, each once. */
static enum adze_status mark_axes(struct infer *infer, size_t rank,
                                  bool *marks, size_t *count) {
  const int64_t *axes = node_ints(infer->node, "axes", count);
  for (size_t i = 0; i < *count; i++) {
    size_t axis;
    TRY(infer_axis(infer, axes[i], rank, &axis));
    if (marks[axis])
      return infer_fail(infer, ADZE_INVALID_MODEL, "axis %zu is named twice",
                        axis);
    marks[axis] = true;
  }
  return ADZE_OK;
}

static enum adze_status squeeze_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  bool marks[GRAPH_MAX_RANK] = {0};
  size_t count, rank = 0;
  TRY(mark_axes(infer, x->rank, marks, &count));
  const struct expr *one = expr_index(infer->graph->pool, 1);
  for (size_t i = 0; i < x->rank; i++) {
    if (count == 0 && value_dim(x, i) == 1)
      continue;
    if (!marks[i]) {
      dims[rank++] = x->dims[i];
      continue;
    }
    char what[96];
    snprintf(what, sizeof what, "squeezed dimension %zu and 1", i);
    TRY(graph_require_equal(infer->graph, infer->node, what, x->dims[i], one,
                            infer->error));
  }
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static enum adze_status unsqueeze_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  bool marks[GRAPH_MAX_RANK] = {0};
  size_t count;
  node_ints(infer->node, "axes", &count);
  if (x->rank + count > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "rank %zu is above the limit of %d",
                      x->rank + count, GRAPH_MAX_RANK);
  size_t rank = x->rank + count;
  TRY(mark_axes(infer, rank, marks, &count));
  for (size_t i = 0, from = 0; i < rank; i++)
    dims[i] = marks[i] ? expr_index(infer->graph->pool, 1) : x->dims[from++];
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static const struct attribute_desc axes_attributes[] = {
    {"axes", ATTRIBUTE_INTS, false, 0, NULL,
     "the axes; of squeeze, none: all of extent 1"},
    {0}};

const struct op_def op_squeeze = {
    .name = "squeeze",
    .summary = "Without dimensions of extent 1.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = axes_attributes,
    .infer = squeeze_infer,
    SHAPE_ONLY,
};

const struct op_def op_unsqueeze = {
    .name = "unsqueeze",
    .summary = "With new dimensions of extent 1, at these axes of the result.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = axes_attributes,
    .infer = unsqueeze_infer,
    SHAPE_ONLY,
};
