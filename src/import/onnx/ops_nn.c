/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions, pooling and normalization from ONNX. The work is in padding:
 * auto_pad is a rule about the input's extents, and becomes numbers here. */
#include "import/onnx/build.h"
#include "ir/simplify.h"
#include "op/window.h"

#include <math.h>
#include <string.h>

/* ---- auto_pad ------------------------------------------------------------ */

struct window_request {
  size_t rank;
  int64_t kernel[WINDOW_MAX_RANK], stride[WINDOW_MAX_RANK],
      dilation[WINDOW_MAX_RANK];
};

static enum adze_status read_list(struct onnx_import *import,
                                  const struct onnx_node *node,
                                  const char *name, size_t rank,
                                  int64_t otherwise, int64_t *out) {
  size_t count;
  const int64_t *list = onnx_ints(node, name, &count);
  if (count != 0 && count != rank)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute '%s' has %zu values; %zu expected", name,
                     count, rank);
  for (size_t i = 0; i < rank; i++) {
    out[i] = count != 0 ? list[i] : otherwise;
    if (out[i] < 1 || out[i] > INT32_MAX)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "attribute '%s' holds %lld", name, (long long)out[i]);
  }
  return ADZE_OK;
}

static enum adze_status read_window(struct onnx_import *import,
                                    const struct onnx_node *node,
                                    const struct value *weights,
                                    struct window_request *out) {
  const struct value *x = onnx_input(import, node, 0);
  if (x->rank < 3 || x->rank > 2 + WINDOW_MAX_RANK)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "input '%s' has rank %zu; 3 to %d expected", x->name,
                     x->rank, 2 + WINDOW_MAX_RANK);
  out->rank = x->rank - 2;
  size_t count;
  onnx_ints(node, "kernel_shape", &count);
  if (weights != NULL && weights->rank != x->rank)
    return onnx_fail(import, node, ADZE_SHAPE,
                     "weights '%s' have rank %zu where input '%s' has %zu",
                     weights->name, weights->rank, x->name, x->rank);
  if (count == 0 && weights == NULL)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'kernel_shape' is missing");
  TRY(read_list(import, node, "kernel_shape", out->rank, 1, out->kernel));
  for (size_t i = 0; count == 0 && i < out->rank; i++) {
    out->kernel[i] = value_dim(weights, i + 2);
    if (out->kernel[i] < 1 || out->kernel[i] > INT32_MAX)
      return onnx_fail(import, node, ADZE_SHAPE,
                       "dimension %zu of weights '%s' is %s", i + 2,
                       weights->name,
                       out->kernel[i] < 0    ? "open"
                       : out->kernel[i] == 0 ? "0"
                                             : "too large");
  }
  TRY(read_list(import, node, "strides", out->rank, 1, out->stride));
  return read_list(import, node, "dilations", out->rank, 1, out->dilation);
}

/* Padding so that the output has ceil(extent / stride) positions:
 * max((ceil(extent / stride) - 1) * stride + reach - extent, 0). With stride 1
 * it does not depend on the extent. */
static enum adze_status same_padding(struct onnx_import *import,
                                     const struct onnx_node *node,
                                     const struct window_request *window,
                                     size_t axis, const struct expr **total) {
  struct expr_pool *pool = import->graph->pool;
  const struct expr *extent = onnx_input(import, node, 0)->dims[axis + 2];
  int64_t reach;
  if (!int64_mul(window->kernel[axis] - 1, window->dilation[axis], &reach) ||
      reach > INT32_MAX)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "the kernel is too large");
  *total = expr_index(pool, reach);
  if (window->stride[axis] == 1)
    return ADZE_OK;
  const struct expr *stride = expr_index(pool, window->stride[axis]);
  const struct expr *steps = expr_sub(
      pool, expr_ceil_div(pool, extent, stride), expr_index(pool, 1));
  const struct expr *covered = expr_add(pool, expr_mul(pool, steps, stride),
                                        expr_index(pool, reach + 1));
  *total = simplify(pool, expr_max(pool, expr_sub(pool, covered, extent),
                                   expr_index(pool, 0)));
  return ADZE_OK;
}

static enum adze_status explicit_pads(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      size_t rank, int64_t *pads) {
  size_t count;
  const int64_t *list = onnx_ints(node, "pads", &count);
  if (count != 0 && count != 2 * rank)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'pads' has %zu values; %zu expected", count,
                     2 * rank);
  for (size_t i = 0; i < 2 * rank; i++)
    pads[i] = count != 0 ? list[i] : 0;
  return ADZE_OK;
}

static enum adze_status split_padding(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      size_t axis, size_t rank, int64_t total,
                                      int64_t *pads) {
  bool is_upper =
      strcmp(onnx_string(node, "auto_pad", ""), "SAME_UPPER") == 0;
  if (total > INT32_MAX)
    return onnx_fail(import, node, ADZE_INVALID_MODEL, "padding of %lld",
                     (long long)total);
  pads[axis] = is_upper ? total / 2 : total - total / 2;
  pads[axis + rank] = total - pads[axis];
  return ADZE_OK;
}

enum auto_pad { PAD_EXPLICIT, PAD_SAME, PAD_VALID };

static enum adze_status auto_pad_kind(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      enum auto_pad *out) {
  const char *rule = onnx_string(node, "auto_pad", "NOTSET");
  *out = PAD_EXPLICIT;
  if (strcmp(rule, "SAME_UPPER") == 0 || strcmp(rule, "SAME_LOWER") == 0)
    *out = PAD_SAME;
  else if (strcmp(rule, "VALID") == 0)
    *out = PAD_VALID;
  else if (strcmp(rule, "NOTSET") != 0 && rule[0] != '\0')
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'auto_pad' is '%s'", rule);
  return ADZE_OK;
}

/* Padding that depends on open dimensions is an operator of its own, in front;
 * *x becomes its result. */
static enum adze_status pad_before(struct onnx_import *import,
                                   const struct onnx_node *node,
                                   const struct expr *const *totals,
                                   double outside, struct value **x) {
  struct expr_pool *pool = import->graph->pool;
  const struct expr *list[2 * GRAPH_MAX_RANK];
  size_t rank = (*x)->rank;
  bool is_upper = strcmp(onnx_string(node, "auto_pad", ""), "SAME_UPPER") == 0;
  for (size_t i = 0; i < 2 * rank; i++)
    list[i] = expr_index(pool, 0);
  for (size_t i = 2; i < rank; i++) {
    const struct expr *total = totals[i - 2];
    const struct expr *half = simplify(
        pool, expr_floor_div(pool, total, expr_index(pool, 2)));
    const struct expr *rest = simplify(pool, expr_sub(pool, total, half));
    list[i] = is_upper ? half : rest;
    list[i + rank] = is_upper ? rest : half;
  }
  const struct expr *dim = expr_index(pool, (int64_t)(2 * rank));
  struct value *inputs[2] = {
      *x, graph_add_elements(import->graph,
                             arena_printf(import->arena, "%s_pads", node->name),
                             ADZE_I64, &dim, 1, list, 2 * rank)};
  struct node *added = onnx_add(import, node, &op_pad, "pad", inputs, 2, 1);
  node_set_float(added, "value", outside);
  return onnx_value_of(import, added, x);
}

/* `outside` is what padding holds; NAN: it must not become an operator. */
static enum adze_status find_pads(struct onnx_import *import,
                                  const struct onnx_node *node,
                                  const struct window_request *window,
                                  double outside, int64_t *pads,
                                  struct value **x) {
  const struct expr *totals[WINDOW_MAX_RANK];
  enum auto_pad kind;
  bool is_open = false;
  *x = onnx_input(import, node, 0);
  TRY(auto_pad_kind(import, node, &kind));
  if (kind == PAD_EXPLICIT)
    return explicit_pads(import, node, window->rank, pads);
  for (size_t i = 0; i < window->rank; i++) {
    int64_t total = 0;
    if (kind == PAD_SAME) {
      TRY(same_padding(import, node, window, i, &totals[i]));
      is_open |= !expr_get_integer(totals[i], &total);
    }
    TRY(split_padding(import, node, i, window->rank, total, pads));
  }
  if (!is_open)
    return ADZE_OK;
  if (isnan(outside))
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "auto_pad depends on an open dimension of '%s'; fix it "
                     "with --input-shapes",
                     (*x)->name);
  for (size_t i = 0; i < 2 * window->rank; i++)
    pads[i] = 0;
  return pad_before(import, node, totals, outside, x);
}

static void set_window(struct onnx_import *import, struct node *added,
                       const struct window_request *window,
                       const int64_t *pads) {
  struct graph *graph = import->graph;
  size_t rank = window->rank;
  node_set_ints(graph, added, "kernel_shape", window->kernel, rank);
  node_set_ints(graph, added, "strides", window->stride, rank);
  node_set_ints(graph, added, "dilations", window->dilation, rank);
  node_set_ints(graph, added, "pads", pads, 2 * rank);
}

static struct node *add_with_inputs(struct onnx_import *import,
                                    const struct onnx_node *node,
                                    const struct op_def *op, struct value *x,
                                    size_t count) {
  struct value *inputs[8] = {x};
  check(count <= ARRAY_COUNT(inputs));
  for (size_t i = 1; i < count; i++)
    inputs[i] = onnx_input(import, node, i);
  return onnx_add(import, node, op, "", inputs, count, 1);
}

/* ---- Convolutions -------------------------------------------------------- */

enum adze_status import_conv(struct onnx_import *import,
                             const struct onnx_node *node) {
  static const char *const known[] = {"auto_pad", "dilations", "group",
                                      "kernel_shape", "pads", "strides", NULL};
  struct window_request window;
  int64_t pads[2 * WINDOW_MAX_RANK];
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 2, 3));
  TRY(read_window(import, node, onnx_input(import, node, 1), &window));
  struct value *x;
  TRY(find_pads(import, node, &window, 0, pads, &x));
  struct node *added =
      add_with_inputs(import, node, &op_conv, x, node->inputs.count);
  set_window(import, added, &window, pads);
  node_set_int(added, "group", onnx_int(node, "group", 1));
  return onnx_finish(import, node, added);
}

/* What is cut off so that `wanted` of `full` positions remain. */
static enum adze_status pads_for_extent(struct onnx_import *import,
                                        const struct onnx_node *node,
                                        int64_t full, int64_t wanted,
                                        int64_t *total) {
  if (wanted < 0 || wanted > full)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'output_shape' wants %lld positions where "
                     "kernel and strides make %lld",
                     (long long)wanted, (long long)full);
  *total = full - wanted;
  return ADZE_OK;
}

/* The padding that gives an output extent: wanted, or in * stride. */
static enum adze_status transpose_pads(struct onnx_import *import,
                                       const struct onnx_node *node,
                                       const struct window_request *window,
                                       const int64_t *extra, int64_t *pads) {
  const struct value *x = onnx_input(import, node, 0);
  enum auto_pad kind;
  size_t count;
  const int64_t *wanted = onnx_ints(node, "output_shape", &count);
  TRY(auto_pad_kind(import, node, &kind));
  if (count != 0 && count != window->rank && count != window->rank + 2)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'output_shape' has %zu values; %zu expected",
                     count, window->rank);
  if (count == 0 && kind == PAD_EXPLICIT)
    return explicit_pads(import, node, window->rank, pads);
  for (size_t i = 0; i < window->rank; i++) {
    int64_t stride = window->stride[i], in = value_dim(x, i + 2), total = 0;
    int64_t reach = (window->kernel[i] - 1) * window->dilation[i] + 1;
    if (in > INT32_MAX)
      return onnx_fail(import, node, ADZE_LIMIT,
                       "dimension %zu of '%s' is too large", i + 2, x->name);
    if (count != 0 && in < 0)
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "output_shape needs dimension %zu of '%s', which is "
                       "open; fix it with --input-shapes",
                       i + 2, x->name);
    if (count != 0)
      TRY(pads_for_extent(import, node, (in - 1) * stride + extra[i] + reach,
                          wanted[count - window->rank + i], &total));
    else if (kind == PAD_SAME)
      total = reach + extra[i] - stride;
    TRY(split_padding(import, node, i, window->rank, total > 0 ? total : 0,
                      pads));
  }
  return ADZE_OK;
}

enum adze_status import_conv_transpose(struct onnx_import *import,
                                       const struct onnx_node *node) {
  static const char *const known[] = {
      "auto_pad",     "dilations", "group",   "kernel_shape", "output_padding",
      "output_shape", "pads",      "strides", NULL};
  struct window_request window;
  int64_t pads[2 * WINDOW_MAX_RANK], extra[WINDOW_MAX_RANK] = {0};
  size_t count;
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 2, 3));
  TRY(read_window(import, node, onnx_input(import, node, 1), &window));
  const int64_t *list = onnx_ints(node, "output_padding", &count);
  if (count != 0 && count != window.rank)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "attribute 'output_padding' has %zu values; %zu expected",
                     count, window.rank);
  for (size_t i = 0; i < count; i++) {
    extra[i] = list[i];
    if (extra[i] < 0 || extra[i] > INT32_MAX)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "attribute 'output_padding' holds %lld",
                       (long long)extra[i]);
  }
  TRY(transpose_pads(import, node, &window, extra, pads));
  struct node *added =
      add_with_inputs(import, node, &op_conv_transpose,
                      onnx_input(import, node, 0), node->inputs.count);
  set_window(import, added, &window, pads);
  node_set_ints(import->graph, added, "output_padding", extra, window.rank);
  node_set_int(added, "group", onnx_int(node, "group", 1));
  return onnx_finish(import, node, added);
}

/* ---- Pooling ------------------------------------------------------------- */

static enum adze_status import_pool(struct onnx_import *import,
                                    const struct onnx_node *node,
                                    const struct op_def *op, double outside,
                                    struct node **added) {
  struct window_request window;
  struct value *x;
  int64_t pads[2 * WINDOW_MAX_RANK];
  TRY(onnx_arity(import, node, 1, 1));
  TRY(read_window(import, node, NULL, &window));
  TRY(find_pads(import, node, &window, outside, pads, &x));
  *added = add_with_inputs(import, node, op, x, 1);
  set_window(import, *added, &window, pads);
  node_set_int(*added, "ceil_mode", onnx_int(node, "ceil_mode", 0) != 0);
  return ADZE_OK;
}

enum adze_status import_max_pool(struct onnx_import *import,
                                 const struct onnx_node *node) {
  static const char *const known[] = {"auto_pad", "ceil_mode",     "dilations",
                                      "kernel_shape", "pads", "storage_order",
                                      "strides", NULL};
  struct node *added;
  TRY(onnx_only(import, node, known));
  if (node->outputs.count > 1 && node->outputs.data[1][0] != '\0')
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "the output of indices is not supported");
  TRY(import_pool(import, node, &op_max_pool, -INFINITY, &added));
  return onnx_finish(import, node, added);
}

enum adze_status import_average_pool(struct onnx_import *import,
                                     const struct onnx_node *node) {
  static const char *const known[] = {
      "auto_pad", "ceil_mode", "count_include_pad", "dilations",
      "kernel_shape", "pads", "strides", NULL};
  struct node *added;
  TRY(onnx_only(import, node, known));
  TRY(import_pool(import, node, &op_average_pool, NAN, &added));
  node_set_int(added, "count_include_pad",
               onnx_int(node, "count_include_pad", 0) != 0);
  return onnx_finish(import, node, added);
}

/* A reduction over all axes behind the channels. */
static enum adze_status import_global(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      const struct op_def *op) {
  int64_t axes[GRAPH_MAX_RANK];
  TRY(onnx_arity(import, node, 1, 1));
  const struct value *x = onnx_input(import, node, 0);
  if (x->rank < 3)
    return onnx_fail(import, node, ADZE_SHAPE,
                     "input '%s' has rank %zu; at least 3 expected", x->name,
                     x->rank);
  for (size_t i = 2; i < x->rank; i++)
    axes[i - 2] = (int64_t)i;
  struct node *added =
      add_with_inputs(import, node, op, onnx_input(import, node, 0), 1);
  node_set_ints(import->graph, added, "axes", axes, x->rank - 2);
  return onnx_finish(import, node, added);
}

enum adze_status import_global_average_pool(struct onnx_import *import,
                                            const struct onnx_node *node) {
  return import_global(import, node, &op_reduce_mean);
}

enum adze_status import_global_max_pool(struct onnx_import *import,
                                        const struct onnx_node *node) {
  return import_global(import, node, &op_reduce_max);
}

/* ---- Normalization ------------------------------------------------------- */

enum adze_status import_batch_norm(struct onnx_import *import,
                                   const struct onnx_node *node) {
  TRY(onnx_arity(import, node, 5, 5));
  if (onnx_int(node, "training_mode", 0) != 0)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "training mode is not supported");
  for (size_t i = 1; i < node->outputs.count; i++)
    if (node->outputs.data[i][0] != '\0' && import->opset >= 14)
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "outputs of running statistics are not supported");
  struct node *added = add_with_inputs(import, node, &op_batch_norm,
                                       onnx_input(import, node, 0), 5);
  node_set_float(added, "epsilon", onnx_float(node, "epsilon", 1e-5));
  return onnx_finish(import, node, added);
}
