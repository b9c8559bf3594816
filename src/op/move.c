/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that move elements: transpose, expand, tile, depth_to_space,
 * space_to_depth. Each output element is one input element; the index
 * arithmetic is the whole of it. */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

#include <string.h>

#define ONE_OUTPUT .min_outputs = 1, .max_outputs = 1
#define MOVES                                                                  \
  ONE_OUTPUT, .fusion = FUSION_INJECTIVE, .layout = LAYOUT_PLAIN,              \
      .flags = OP_FINITE

static void store_load(struct express *express, struct stage *stage,
                       const struct expr *const *indices) {
  express_body(express, stage,
               expr_load(express->pool, express->inputs[0], indices,
                         express->inputs[0]->rank));
}

/* ---- transpose ----------------------------------------------------------- */

static int64_t source_axis(const struct node *node, size_t rank, size_t i) {
  size_t count;
  const int64_t *perm = node_ints(node, "perm", &count);
  return count != 0 ? perm[i] : (int64_t)(rank - 1 - i);
}

static enum adze_status transpose_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  bool is_taken[GRAPH_MAX_RANK] = {0};
  size_t count;
  node_ints(infer->node, "perm", &count);
  if (count != 0 && count != x->rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'perm' has %zu values for input '%s' of shape "
                      "%s",
                      count, x->name, infer_dims_text(infer, x));
  for (size_t i = 0; i < x->rank; i++) {
    int64_t from = source_axis(infer->node, x->rank, i);
    if (from < 0 || from >= (int64_t)x->rank || is_taken[from])
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "attribute 'perm' is not a permutation");
    is_taken[from] = true;
    dims[i] = x->dims[from];
  }
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

static enum adze_status transpose_express(struct express *express) {
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *indices[LOOP_MAX_RANK];
  for (size_t i = 0; i < stage->axis_count; i++)
    indices[source_axis(express->node, stage->axis_count, i)] =
        express_axis(express, stage, i);
  store_load(express, stage, indices);
  return ADZE_OK;
}

static const struct attribute_desc transpose_attributes[] = {
    {"perm", ATTRIBUTE_INTS, false, 0, NULL,
     "which input dimension each output dimension is; none: reversed"},
    {0}};
static const struct import_name transpose_imports[] = {
    {"onnx", "Transpose", 1, 0}, {0}};
const struct op_def op_transpose = {
    .name = "transpose",
    .summary = "x with its dimensions in another order.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = transpose_attributes,
    .imports = transpose_imports,
    .infer = transpose_infer,
    .express = transpose_express,
    MOVES,
};

/* ---- expand -------------------------------------------------------------- */

static enum adze_status expand_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t count, rank;
  const struct expr *const *shape = infer_operand(infer, 1, "shape", &count);
  if (count > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "rank %zu is above the limit of %d",
                      count, GRAPH_MAX_RANK);
  for (size_t i = 0; i < count; i++) {
    int64_t dim;
    if (expr_get_integer(shape[i], &dim) && dim < 0)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "dimension %zu of the shape is %lld", i,
                        (long long)dim);
  }
  TRY(infer_broadcast_dims(infer, x->dims, x->rank, shape, count, dims, &rank));
  infer_output(infer, 0, x->dtype, dims, rank);
  return ADZE_OK;
}

static enum adze_status expand_express(struct express *express) {
  struct stage *stage = express_stage(express, express->outputs[0]);
  express_body(express, stage, express_broadcast_load(express, stage, 0));
  return ADZE_OK;
}

static const struct attribute_desc expand_attributes[] = {
    {"shape", ATTRIBUTE_INTS, false, 0, NULL,
     "the shape to broadcast with, where input 1 is absent"},
    {0}};
static const struct import_name expand_imports[] = {{"onnx", "Expand", 8, 0},
                                                    {0}};
const struct op_def op_expand = {
    .name = "expand",
    .summary = "x broadcast with a shape.",
    .min_inputs = 1,
    .max_inputs = 2,
    .shape_inputs = 1u << 1,
    .attributes = expand_attributes,
    .imports = expand_imports,
    .infer = expand_infer,
    .express = expand_express,
    MOVES,
};

/* ---- tile ---------------------------------------------------------------- */

static enum adze_status tile_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t count;
  const struct expr *const *repeats =
      infer_operand(infer, 1, "repeats", &count);
  if (count != x->rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "%zu repeats are given; %zu expected", count, x->rank);
  for (size_t i = 0; i < count; i++) {
    int64_t known;
    if (expr_get_integer(repeats[i], &known) &&
        (known < 0 || known > INT64_C(1) << 40))
      return infer_fail(infer, ADZE_INVALID_MODEL, "repeat %zu is %lld", i,
                        (long long)known);
    dims[i] = expr_mul(infer->graph->pool, x->dims[i], repeats[i]);
  }
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

static enum adze_status tile_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct buffer *x = express->inputs[0];
  const struct expr *indices[LOOP_MAX_RANK];
  for (size_t i = 0; i < stage->axis_count; i++) {
    indices[i] = express_axis(express, stage, i);
    if (x->shape[i] != stage->output->shape[i])
      indices[i] =
          simplify(pool, expr_floor_mod(pool, indices[i], x->shape[i]));
  }
  store_load(express, stage, indices);
  return ADZE_OK;
}

static const struct attribute_desc tile_attributes[] = {
    {"repeats", ATTRIBUTE_INTS, false, 0, NULL,
     "copies along each dimension, where input 1 is absent"},
    {0}};
static const struct import_name tile_imports[] = {{"onnx", "Tile", 6, 0}, {0}};
const struct op_def op_tile = {
    .name = "tile",
    .summary = "Copies of x beside each other.",
    .min_inputs = 1,
    .max_inputs = 2,
    .shape_inputs = 1u << 1,
    .attributes = tile_attributes,
    .imports = tile_imports,
    .infer = tile_infer,
    .express = tile_express,
    MOVES,
};

/* ---- depth_to_space and space_to_depth --------------------------------------
 * With block b: x[n, c, y, x] and the block position (by, bx). */

static enum adze_status block_size(struct infer *infer, int64_t *block) {
  TRY(infer_rank(infer, 0, 4, 4));
  *block = node_int(infer->node, "blocksize");
  if (*block < 1 || *block > 1 << 15)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute 'blocksize' is %lld", (long long)*block);
  return ADZE_OK;
}

static enum adze_status depth_to_space_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  int64_t block;
  TRY(block_size(infer, &block));
  const struct expr *square = expr_index(pool, block * block);
  const struct expr *b = expr_index(pool, block);
  TRY(graph_require_equal(infer->graph, infer->node,
                          "the channels modulo blocksize squared and 0",
                          simplify(pool, expr_floor_mod(pool, x->dims[1],
                                                        square)),
                          expr_index(pool, 0), infer->error));
  const struct expr *dims[4] = {
      x->dims[0], expr_floor_div(pool, x->dims[1], square),
      expr_mul(pool, x->dims[2], b), expr_mul(pool, x->dims[3], b)};
  infer_output(infer, 0, x->dtype, dims, 4);
  return ADZE_OK;
}

static enum adze_status depth_to_space_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *at[4], *block =
      expr_index(pool, node_int(express->node, "blocksize"));
  bool by_column = strcmp(node_string(express->node, "mode"), "CRD") == 0;
  express_axes(express, stage, at);
  const struct expr *within =
      expr_add(pool,
               expr_mul(pool, expr_floor_mod(pool, at[2], block), block),
               expr_floor_mod(pool, at[3], block));
  const struct expr *square = expr_mul(pool, block, block);
  const struct expr *channel =
      by_column ? expr_add(pool, expr_mul(pool, at[1], square), within)
                : expr_add(pool,
                           expr_mul(pool, within, stage->output->shape[1]),
                           at[1]);
  const struct expr *indices[4] = {at[0], simplify(pool, channel),
                                   expr_floor_div(pool, at[2], block),
                                   expr_floor_div(pool, at[3], block)};
  store_load(express, stage, indices);
  return ADZE_OK;
}

static enum adze_status space_to_depth_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  int64_t block;
  TRY(block_size(infer, &block));
  const struct expr *b = expr_index(pool, block);
  for (size_t i = 2; i < 4; i++)
    TRY(graph_require_equal(infer->graph, infer->node,
                            "the extents modulo blocksize and 0",
                            simplify(pool, expr_floor_mod(pool, x->dims[i], b)),
                            expr_index(pool, 0), infer->error));
  const struct expr *dims[4] = {
      x->dims[0],
      expr_mul(pool, x->dims[1], expr_index(pool, block * block)),
      expr_floor_div(pool, x->dims[2], b), expr_floor_div(pool, x->dims[3], b)};
  infer_output(infer, 0, x->dtype, dims, 4);
  return ADZE_OK;
}

static enum adze_status space_to_depth_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *at[4], *block =
      expr_index(pool, node_int(express->node, "blocksize"));
  const struct expr *channels = express->inputs[0]->shape[1];
  express_axes(express, stage, at);
  const struct expr *within = expr_floor_div(pool, at[1], channels);
  const struct expr *indices[4] = {
      at[0], expr_floor_mod(pool, at[1], channels),
      expr_add(pool, expr_mul(pool, at[2], block),
               expr_floor_div(pool, within, block)),
      expr_add(pool, expr_mul(pool, at[3], block),
               expr_floor_mod(pool, within, block))};
  for (size_t i = 0; i < 4; i++)
    indices[i] = simplify(pool, indices[i]);
  store_load(express, stage, indices);
  return ADZE_OK;
}

static const struct attribute_desc depth_to_space_attributes[] = {
    {"blocksize", ATTRIBUTE_INT, true, 0, NULL, "extent of a block"},
    {"mode", ATTRIBUTE_STRING, false, 0, "DCR",
     "DCR: block position before channel; CRD: behind"},
    {0}};
static const struct attribute_desc space_to_depth_attributes[] = {
    {"blocksize", ATTRIBUTE_INT, true, 0, NULL, "extent of a block"}, {0}};
static const struct import_name depth_to_space_imports[] = {
    {"onnx", "DepthToSpace", 1, 0}, {0}};
static const struct import_name space_to_depth_imports[] = {
    {"onnx", "SpaceToDepth", 1, 0}, {0}};

const struct op_def op_depth_to_space = {
    .name = "depth_to_space",
    .summary = "Channels to blocks of pixels.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = depth_to_space_attributes,
    .imports = depth_to_space_imports,
    .infer = depth_to_space_infer,
    .express = depth_to_space_express,
    MOVES,
};
const struct op_def op_space_to_depth = {
    .name = "space_to_depth",
    .summary = "Blocks of pixels to channels.",
    .min_inputs = 1,
    .max_inputs = 1,
    .attributes = space_to_depth_attributes,
    .imports = space_to_depth_imports,
    .infer = space_to_depth_infer,
    .express = space_to_depth_express,
    MOVES,
};
