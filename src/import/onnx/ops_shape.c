/* SPDX-License-Identifier: Apache-2.0 */
/* Operators of ONNX whose axes, sizes or positions became inputs over the
 * years. Numbers among them become attributes again; positions that depend on
 * open dimensions stay operands. */
#include "import/onnx/build.h"

#include <string.h>

/* A node with `op` over input 0, its attribute `axes` from input `index` or
 * from the attribute of that name. */
static enum adze_status add_with_axes(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      const struct op_def *op, size_t index,
                                      struct node **out) {
  const int64_t *axes;
  size_t count;
  TRY(onnx_arity(import, node, 1, 2));
  TRY(onnx_numbers(import, node, index, &axes, &count));
  if (axes == NULL)
    axes = onnx_ints(node, "axes", &count);
  struct value *x = onnx_input(import, node, 0);
  *out = onnx_add(import, node, op, "", &x, 1, 1);
  node_set_ints(import->graph, *out, "axes", axes, count);
  return ADZE_OK;
}

enum adze_status import_squeeze(struct onnx_import *import,
                                const struct onnx_node *node) {
  struct node *added;
  TRY(add_with_axes(import, node, &op_squeeze, 1, &added));
  return onnx_finish(import, node, added);
}

enum adze_status import_unsqueeze(struct onnx_import *import,
                                  const struct onnx_node *node) {
  struct node *added;
  TRY(add_with_axes(import, node, &op_unsqueeze, 1, &added));
  return onnx_finish(import, node, added);
}

/* ---- Reductions ---------------------------------------------------------- */

static const struct op_def *reduction(const char *op_type) {
  static const struct {
    const char *name;
    const struct op_def *op;
  } rows[] = {
      {"ReduceSum", &op_reduce_sum},
      {"ReduceMean", &op_reduce_mean},
      {"ReduceMax", &op_reduce_max},
      {"ReduceMin", &op_reduce_min},
      {"ReduceProd", &op_reduce_prod},
      {"ReduceL1", &op_reduce_l1},
      {"ReduceL2", &op_reduce_l2},
      {"ReduceSumSquare", &op_reduce_sum_square},
      {"ReduceLogSum", &op_reduce_log_sum},
      {"ReduceLogSumExp", &op_reduce_log_sum_exp},
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    if (strcmp(rows[i].name, op_type) == 0)
      return rows[i].op;
  unreachable();
}

enum adze_status import_reduce(struct onnx_import *import,
                               const struct onnx_node *node) {
  static const char *const known[] = {"axes", "keepdims",
                                      "noop_with_empty_axes", NULL};
  struct node *added;
  size_t count;
  TRY(onnx_only(import, node, known));
  TRY(add_with_axes(import, node, reduction(node->op_type), 1, &added));
  node_ints(added, "axes", &count);
  if (count == 0 && onnx_int(node, "noop_with_empty_axes", 0) != 0)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "noop_with_empty_axes without axes is not supported");
  node_set_int(added, "keepdims", onnx_int(node, "keepdims", 1) != 0);
  return onnx_finish(import, node, added);
}

/* ---- Slice --------------------------------------------------------------- */

enum adze_status import_slice(struct onnx_import *import,
                              const struct onnx_node *node) {
  const int64_t *axes, *steps;
  size_t axis_count, step_count;
  if (import->opset < 10) {
    struct value *x = onnx_input(import, node, 0);
    TRY(onnx_arity(import, node, 1, 1));
    struct node *added = onnx_add(import, node, &op_slice, "", &x, 1, 1);
    TRY(onnx_copy_attributes(import, node, added));
    return onnx_finish(import, node, added);
  }
  TRY(onnx_arity(import, node, 3, 5));
  TRY(onnx_numbers(import, node, 3, &axes, &axis_count));
  TRY(onnx_numbers(import, node, 4, &steps, &step_count));
  struct value *inputs[3];
  for (size_t i = 0; i < 3; i++)
    inputs[i] = onnx_input(import, node, i);
  struct node *added = onnx_add(import, node, &op_slice, "", inputs, 3, 1);
  node_set_ints(import->graph, added, "axes", axes, axis_count);
  node_set_ints(import->graph, added, "steps", steps, step_count);
  return onnx_finish(import, node, added);
}

/* ---- Pad ----------------------------------------------------------------- */

/* Pads of `axes` among those of all dimensions. */
static enum adze_status spread_pads(struct onnx_import *import,
                                    const struct onnx_node *node,
                                    struct value **pads) {
  const struct value *x = onnx_input(import, node, 0);
  const int64_t *axes;
  size_t count, rank = x->rank;
  TRY(onnx_numbers(import, node, 3, &axes, &count));
  if (axes == NULL)
    return ADZE_OK;
  const struct expr *list[2 * GRAPH_MAX_RANK], *dim;
  if ((*pads)->elements == NULL || (*pads)->element_count != 2 * count)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "%zu pads are given for %zu axes", (*pads)->element_count,
                     count);
  for (size_t i = 0; i < 2 * rank; i++)
    list[i] = expr_index(import->graph->pool, 0);
  for (size_t i = 0; i < count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + (int64_t)rank : axes[i];
    if (axis < 0 || axis >= (int64_t)rank)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "axis %lld is out of range", (long long)axes[i]);
    list[axis] = (*pads)->elements[i];
    list[(size_t)axis + rank] = (*pads)->elements[i + count];
  }
  dim = expr_index(import->graph->pool, (int64_t)(2 * rank));
  *pads = graph_add_elements(import->graph, node->name, ADZE_I64, &dim, 1,
                             list, 2 * rank);
  return ADZE_OK;
}

enum adze_status import_pad(struct onnx_import *import,
                            const struct onnx_node *node) {
  struct value *inputs[2] = {onnx_input(import, node, 0), NULL};
  bool has_value;
  double value = 0;
  if (import->opset < 11) {
    TRY(onnx_arity(import, node, 1, 1));
    struct node *added = onnx_add(import, node, &op_pad, "", inputs, 1, 1);
    TRY(onnx_copy_attributes(import, node, added));
    return onnx_finish(import, node, added);
  }
  TRY(onnx_arity(import, node, 2, 4));
  inputs[1] = onnx_input(import, node, 1);
  TRY(onnx_scalar(import, node, 2, &has_value, &value));
  TRY(spread_pads(import, node, &inputs[1]));
  struct node *added = onnx_add(import, node, &op_pad, "", inputs, 2, 1);
  node_set_string(import->graph, added, "mode",
                  onnx_string(node, "mode", "constant"));
  node_set_float(added, "value", has_value ? value : 0);
  return onnx_finish(import, node, added);
}

/* ---- Split --------------------------------------------------------------- */

enum adze_status import_split(struct onnx_import *import,
                              const struct onnx_node *node) {
  const int64_t *sizes;
  size_t count;
  TRY(onnx_arity(import, node, 1, 2));
  TRY(onnx_numbers(import, node, 1, &sizes, &count));
  if (sizes == NULL)
    sizes = onnx_ints(node, "split", &count);
  int64_t parts =
      onnx_int(node, "num_outputs", (int64_t)node->outputs.count);
  if (parts != (int64_t)node->outputs.count)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "num_outputs is %lld where there are %zu",
                     (long long)parts, node->outputs.count);
  struct value *x = onnx_input(import, node, 0);
  struct node *added = onnx_add(import, node, &op_split, "", &x, 1,
                                node->outputs.count);
  node_set_int(added, "axis", onnx_int(node, "axis", 0));
  node_set_ints(import->graph, added, "split", sizes, count);
  return onnx_finish(import, node, added);
}

/* ---- ConstantOfShape ----------------------------------------------------- */

/* A scalar, expanded. */
enum adze_status import_constant_of_shape(struct onnx_import *import,
                                          const struct onnx_node *node) {
  const struct onnx_attribute *given =
      onnx_find(node, "value", ONNX_ATTRIBUTE_TENSOR);
  struct constant constant;
  struct value *inputs[2] = {NULL, onnx_input(import, node, 0)};
  TRY(onnx_arity(import, node, 1, 1));
  if (given != NULL && given->tensor != NULL) {
    TRY(onnx_constant(import, node->name, given->tensor, &constant));
    if (constant.count != 1)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "the value has %zu elements; 1 expected",
                       constant.count);
    constant.rank = 0;
    inputs[0] = graph_add_constant(
        import->graph, arena_printf(import->arena, "%s_number", node->name),
        &constant);
  } else {
    inputs[0] = onnx_scalar_constant(import, node, ADZE_F32, 0);
  }
  return onnx_finish(import, node,
                     onnx_add(import, node, &op_expand, "", inputs, 2, 1));
}

/* ---- Softmax ------------------------------------------------------------- */

/* Before opset 13 all axes from `axis` on were flattened. */
static enum adze_status softmax(struct onnx_import *import,
                                const struct onnx_node *node,
                                const struct op_def *op) {
  static const char *const known[] = {"axis", NULL};
  bool flattens = import->opset < 13;
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 1, 1));
  struct value *x = onnx_input(import, node, 0);
  int64_t axis = onnx_int(node, "axis", flattens ? 1 : -1);
  if (axis == -1 || axis == (int64_t)x->rank - 1)
    flattens = false;
  struct node *added = onnx_add(import, node, op, "", &x, 1, 1);
  node_set_int(added, "axis", axis);
  node_set_int(added, "flatten", flattens);
  return onnx_finish(import, node, added);
}

enum adze_status import_softmax(struct onnx_import *import,
                                const struct onnx_node *node) {
  return softmax(import, node, &op_softmax);
}

enum adze_status import_log_softmax(struct onnx_import *import,
                                    const struct onnx_node *node) {
  return softmax(import, node, &op_log_softmax);
}

/* ---- LayerNormalization, CumSum, Trilu ----------------------------------- */

enum adze_status import_layer_norm(struct onnx_import *import,
                                   const struct onnx_node *node) {
  static const char *const known[] = {"axis", "epsilon", "stash_type", NULL};
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 2, 3));
  for (size_t i = 1; i < node->outputs.count; i++)
    if (node->outputs.data[i][0] != '\0')
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "outputs of mean and deviation are not supported");
  struct value *inputs[3];
  for (size_t i = 0; i < 3; i++)
    inputs[i] = onnx_input(import, node, i);
  struct node *added = onnx_add(import, node, &op_layer_norm, "", inputs,
                                node->inputs.count, 1);
  node_set_int(added, "axis", onnx_int(node, "axis", -1));
  node_set_float(added, "epsilon", onnx_float(node, "epsilon", 1e-5));
  return onnx_finish(import, node, added);
}

enum adze_status import_cum_sum(struct onnx_import *import,
                                const struct onnx_node *node) {
  const int64_t *axis;
  size_t count;
  TRY(onnx_arity(import, node, 2, 2));
  TRY(onnx_numbers(import, node, 1, &axis, &count));
  if (count != 1)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "the axis has %zu elements; 1 expected", count);
  struct value *x = onnx_input(import, node, 0);
  struct node *added = onnx_add(import, node, &op_cum_sum, "", &x, 1, 1);
  TRY(onnx_copy_attributes(import, node, added));
  node_set_int(added, "axis", axis[0]);
  return onnx_finish(import, node, added);
}

enum adze_status import_trilu(struct onnx_import *import,
                              const struct onnx_node *node) {
  const int64_t *k;
  size_t count;
  TRY(onnx_arity(import, node, 1, 2));
  TRY(onnx_numbers(import, node, 1, &k, &count));
  struct value *x = onnx_input(import, node, 0);
  struct node *added = onnx_add(import, node, &op_trilu, "", &x, 1, 1);
  TRY(onnx_copy_attributes(import, node, added));
  node_set_int(added, "k", count == 1 ? k[0] : 0);
  return onnx_finish(import, node, added);
}
