/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products. Either operand may be read transposed, so that a weight
 * that a model stores the other way round stays the mapped bytes it is.
 *
 * M rows, N columns, K summed over; leading dimensions broadcast as numpy's
 * matmul does, and an operand of rank 1 is a row (left) or column (right) whose
 * dimension the result lacks.
 */
#include "op/express.h"
#include "op/infer.h"

/* Where an operand's dimensions are. */
struct matrix {
  bool is_vector, is_transposed;
  size_t rank, row, column; /* axes; of a vector: the one is `inner` */
};

static struct matrix matrix_of(const struct node *node, size_t index) {
  struct matrix matrix = {.rank = node->inputs[index]->rank};
  matrix.is_vector = matrix.rank == 1;
  matrix.is_transposed =
      !matrix.is_vector &&
      node_int(node, index == 0 ? "transpose_a" : "transpose_b") != 0;
  if (!matrix.is_vector) {
    matrix.row = matrix.rank - (matrix.is_transposed ? 1 : 2);
    matrix.column = matrix.rank - (matrix.is_transposed ? 2 : 1);
  }
  return matrix;
}

static enum adze_status matmul_infer(struct infer *infer) {
  TRY(infer_rank(infer, 0, 1, GRAPH_MAX_RANK));
  TRY(infer_rank(infer, 1, 1, GRAPH_MAX_RANK));
  TRY(infer_same_dtype(infer));
  const struct value *a = infer_input(infer, 0), *b = infer_input(infer, 1);
  if (a->dtype == ADZE_BOOL)
    return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' is bool", a->name);
  struct matrix left = matrix_of(infer->node, 0);
  struct matrix right = matrix_of(infer->node, 1);
  const struct expr *a_inner = a->dims[left.is_vector ? 0 : left.column];
  const struct expr *b_inner = b->dims[right.is_vector ? 0 : right.row];
  int64_t x, y;
  if (expr_get_integer(a_inner, &x) && expr_get_integer(b_inner, &y) && x != y)
    return infer_fail(infer, ADZE_SHAPE,
                      "'%s' of shape %s can't be multiplied by '%s' of shape "
                      "%s: %lld columns meet %lld rows",
                      a->name, infer_dims_text(infer, a), b->name,
                      infer_dims_text(infer, b), (long long)x, (long long)y);
  TRY(graph_require_equal(infer->graph, infer->node,
                          "columns of input 0 and rows of input 1", a_inner,
                          b_inner, infer->error));
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t rank;
  TRY(infer_broadcast_dims(infer, a->dims, left.is_vector ? 0 : left.rank - 2,
                           b->dims, right.is_vector ? 0 : right.rank - 2, dims,
                           &rank));
  if (rank + 2 > GRAPH_MAX_RANK)
    return infer_fail(infer, ADZE_LIMIT, "the rank is too high");
  if (!left.is_vector)
    dims[rank++] = a->dims[left.row];
  if (!right.is_vector)
    dims[rank++] = b->dims[right.column];
  infer_output(infer, 0, a->dtype, dims, rank);
  return ADZE_OK;
}

/* The leading indices of an operand, from those of the output. */
static void batch_indices(struct express *express, const struct stage *stage,
                          const struct buffer *buffer, size_t batch_rank,
                          const struct expr **indices) {
  if (buffer->rank <= 2)
    return;
  size_t own = buffer->rank - 2;
  for (size_t i = 0; i < own; i++) {
    size_t axis = batch_rank - own + i;
    bool repeats = expr_is_value(buffer->shape[i], 1);
    indices[i] = repeats ? expr_index(express->pool, 0)
                         : express_axis(express, stage, axis);
  }
}

static enum adze_status matmul_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct buffer *a = express->inputs[0], *b = express->inputs[1];
  struct matrix left = matrix_of(express->node, 0);
  struct matrix right = matrix_of(express->node, 1);
  struct buffer *sum = express_accumulator(express, 0);
  struct stage *stage = express_stage(express, sum);
  size_t batch_rank = stage->axis_count - (left.is_vector ? 0 : 1) -
                      (right.is_vector ? 0 : 1);
  const struct expr *a_at[LOOP_MAX_RANK], *b_at[LOOP_MAX_RANK];
  const struct expr *k = express_reduction(
      express, stage, "k", a->shape[left.is_vector ? 0 : left.column]);
  batch_indices(express, stage, a, batch_rank, a_at);
  batch_indices(express, stage, b, batch_rank, b_at);
  a_at[left.is_vector ? 0 : left.column] = k;
  b_at[right.is_vector ? 0 : right.row] = k;
  if (!left.is_vector)
    a_at[left.row] = express_axis(express, stage, batch_rank);
  if (!right.is_vector)
    b_at[right.column] = express_axis(express, stage, stage->axis_count - 1);
  express_reduce(express, stage, REDUCE_SUM,
                 expr_constant(pool, sum->dtype, 0),
                 expr_mul(pool, express_load(express, a, a_at),
                          express_load(express, b, b_at)));
  express_finish(express, 0, sum);
  return ADZE_OK;
}

static const struct attribute_desc matmul_attributes[] = {
    {"transpose_a", ATTRIBUTE_INT, false, 0, NULL,
     "1: the last two dimensions of a are swapped"},
    {"transpose_b", ATTRIBUTE_INT, false, 0, NULL,
     "1: the last two dimensions of b are swapped"},
    {0}};
static const struct import_name matmul_imports[] = {{"onnx", "MatMul", 1, 0},
                                                    {0}};

const struct op_def op_matmul = {
    .name = "matmul",
    .summary = "The matrix product of a [...,M,K] and b [...,K,N].",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_ANCHOR,
    .layout = LAYOUT_PLAIN,
    .attributes = matmul_attributes,
    .imports = matmul_imports,
    .infer = matmul_infer,
    .express = matmul_express,
};
