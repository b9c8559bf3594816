/* SPDX-License-Identifier: Apache-2.0 */
/* Constants, aliases, casts, limits, variadic sums and Gemm from ONNX. */
#include "import/onnx/build.h"

#include <math.h>
#include <string.h>

/* ---- Aliases: no node at all --------------------------------------------- */

static void alias(struct onnx_import *import, const struct onnx_node *node) {
  map_set(&import->values, node->outputs.data[0],
          onnx_input(import, node, 0));
}

enum adze_status import_identity(struct onnx_import *import,
                                 const struct onnx_node *node) {
  TRY(onnx_arity(import, node, 1, 1));
  alias(import, node);
  return ADZE_OK;
}

/* Keeps everything while inferring; the mask, if somebody wants it, is true. */
enum adze_status import_dropout(struct onnx_import *import,
                                const struct onnx_node *node) {
  TRY(onnx_arity(import, node, 1, 3));
  const struct value *training = onnx_input(import, node, 2);
  if (training != NULL &&
      (training->constant == NULL || constant_integer(training->constant, 0)))
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "training mode is not supported");
  if (node->outputs.count > 1 && node->outputs.data[1][0] != '\0') {
    struct value *x = onnx_input(import, node, 0);
    struct value *pair[2] = {x, x};
    struct node *mask =
        onnx_add(import, node, &op_equal, "mask", pair, 2, 1);
    TRY(onnx_infer(import, mask));
    onnx_bind(import, node, 1, mask->outputs[0]);
  }
  alias(import, node);
  return ADZE_OK;
}

/* ---- Constant ------------------------------------------------------------ */

static enum adze_status constant_tensor(struct onnx_import *import,
                                        const struct onnx_node *node,
                                        const struct onnx_tensor *tensor) {
  struct constant constant;
  TRY(onnx_constant(import, node->name, tensor, &constant));
  onnx_bind(import, node, 0,
            graph_add_constant(import->graph, node->name, &constant));
  return ADZE_OK;
}

static struct value *constant_floats(struct onnx_import *import,
                                     const char *name, const double *reals,
                                     size_t count, size_t rank) {
  float *data = ARENA_ARRAY(import->arena, float, count + 1);
  for (size_t i = 0; i < count; i++)
    data[i] = (float)reals[i];
  int64_t dim = (int64_t)count;
  return graph_add_constant_data(import->graph, name, ADZE_F32, &dim, rank,
                                 data);
}

enum adze_status import_constant(struct onnx_import *import,
                                 const struct onnx_node *node) {
  const struct onnx_attribute *found;
  struct value *value;
  TRY(onnx_arity(import, node, 0, 0));
  if ((found = onnx_find(node, "value", ONNX_ATTRIBUTE_TENSOR)) &&
      found->tensor != NULL)
    return constant_tensor(import, node, found->tensor);
  if ((found = onnx_find(node, "value_float", ONNX_ATTRIBUTE_FLOAT)))
    value = constant_floats(import, node->name, &found->real, 1, 0);
  else if ((found = onnx_find(node, "value_floats", ONNX_ATTRIBUTE_FLOATS)))
    value = constant_floats(import, node->name, found->reals.data,
                            found->reals.count, 1);
  else if ((found = onnx_find(node, "value_int", ONNX_ATTRIBUTE_INT)))
    value = graph_add_constant_data(import->graph, node->name, ADZE_I64, NULL,
                                    0, &found->integer);
  else if ((found = onnx_find(node, "value_ints", ONNX_ATTRIBUTE_INTS)))
    value = graph_add_constant_data(
        import->graph, node->name, ADZE_I64,
        (const int64_t[]){(int64_t)found->integers.count}, 1,
        found->integers.data);
  else
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "holds no tensor, numbers or number");
  onnx_bind(import, node, 0, value);
  return ADZE_OK;
}

/* ---- Cast and Clip ------------------------------------------------------- */

enum adze_status import_cast(struct onnx_import *import,
                             const struct onnx_node *node) {
  TRY(onnx_arity(import, node, 1, 1));
  int64_t type = onnx_int(node, "to", 0);
  enum adze_dtype dtype = onnx_dtype(type);
  if (dtype == ADZE_DTYPE_NONE)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "ONNX type %lld is not supported", (long long)type);
  struct value *x = onnx_input(import, node, 0);
  if (x->dtype == dtype) {
    alias(import, node);
    return ADZE_OK;
  }
  struct node *added = onnx_add(import, node, &op_cast, "", &x, 1, 1);
  node_set_int(added, "to", (int64_t)dtype);
  return onnx_finish(import, node, added);
}

/* One limit, as a number or as min or max with an operand. */
static enum adze_status clip_operand(struct onnx_import *import,
                                     const struct onnx_node *node,
                                     size_t index, const struct op_def *op,
                                     struct value **x) {
  struct value *limit = onnx_input(import, node, index);
  if (limit == NULL)
    return ADZE_OK;
  struct value *inputs[2] = {*x, limit};
  return onnx_value_of(import,
                       onnx_add(import, node, op, op->name, inputs, 2, 1), x);
}

static bool is_known(const struct value *limit) {
  return limit == NULL ||
         (limit->constant != NULL && limit->constant->count == 1);
}

enum adze_status import_clip(struct onnx_import *import,
                             const struct onnx_node *node) {
  static const char *const names[] = {"min", "max"};
  TRY(onnx_arity(import, node, 1, 3));
  struct value *x = onnx_input(import, node, 0);
  if (!is_known(onnx_input(import, node, 1)) ||
      !is_known(onnx_input(import, node, 2))) {
    TRY(clip_operand(import, node, 1, &op_max, &x));
    TRY(clip_operand(import, node, 2, &op_min, &x));
    onnx_bind(import, node, 0, x);
    return ADZE_OK;
  }
  struct node *added = onnx_add(import, node, &op_clip, "", &x, 1, 1);
  for (size_t i = 0; i < 2; i++) {
    const struct value *limit = onnx_input(import, node, i + 1);
    const struct onnx_attribute *given =
        onnx_find(node, names[i], ONNX_ATTRIBUTE_FLOAT);
    if (limit != NULL)
      node_set_float(added, names[i], constant_real(limit->constant, 0));
    else if (given != NULL && import->opset < 11)
      node_set_float(added, names[i], given->real);
  }
  return onnx_finish(import, node, added);
}

/* ---- Variadic operators -------------------------------------------------- */

static enum adze_status chain(struct onnx_import *import,
                              const struct onnx_node *node,
                              const struct op_def *op, struct value **out) {
  TRY(onnx_arity(import, node, 1, SIZE_MAX));
  *out = onnx_input(import, node, 0);
  for (size_t i = 1; i < node->inputs.count; i++) {
    struct value *pair[2] = {*out, onnx_input(import, node, i)};
    if (pair[1] == NULL)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "input %zu is missing", i);
    const char *suffix =
        i + 1 == node->inputs.count ? ""
                                    : arena_printf(import->arena, "%zu", i);
    TRY(onnx_value_of(import, onnx_add(import, node, op, suffix, pair, 2, 1),
                      out));
  }
  return ADZE_OK;
}

static enum adze_status import_chain(struct onnx_import *import,
                                     const struct onnx_node *node,
                                     const struct op_def *op) {
  struct value *value;
  TRY(chain(import, node, op, &value));
  if (node->inputs.count == 1)
    alias(import, node);
  else
    onnx_bind(import, node, 0, value);
  return ADZE_OK;
}

enum adze_status import_sum(struct onnx_import *import,
                            const struct onnx_node *node) {
  return import_chain(import, node, &op_add);
}

enum adze_status import_min(struct onnx_import *import,
                            const struct onnx_node *node) {
  return import_chain(import, node, &op_min);
}

enum adze_status import_max(struct onnx_import *import,
                            const struct onnx_node *node) {
  return import_chain(import, node, &op_max);
}

enum adze_status import_mean(struct onnx_import *import,
                             const struct onnx_node *node) {
  struct value *sum;
  TRY(chain(import, node, &op_add, &sum));
  struct value *pair[2] = {
      sum, onnx_scalar_constant(import, node, sum->dtype,
                                (double)node->inputs.count)};
  return onnx_finish(import, node,
                     onnx_add(import, node, &op_div, "mean", pair, 2, 1));
}

/* ---- Gemm ---------------------------------------------------------------- */

static enum adze_status scale(struct onnx_import *import,
                              const struct onnx_node *node, const char *name,
                              struct value **value) {
  double factor = onnx_float(node, name, 1);
  if (factor == 1)
    return ADZE_OK;
  struct value *pair[2] = {
      *value, onnx_scalar_constant(import, node, (*value)->dtype, factor)};
  return onnx_value_of(
      import, onnx_add(import, node, &op_mul, name, pair, 2, 1), value);
}

enum adze_status import_gemm(struct onnx_import *import,
                             const struct onnx_node *node) {
  static const char *const known[] = {"alpha", "beta", "transA", "transB",
                                      "broadcast", NULL};
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 2, 3));
  struct value *pair[2] = {onnx_input(import, node, 0),
                           onnx_input(import, node, 1)};
  for (size_t i = 0; i < 2; i++)
    if (pair[i]->rank != 2)
      return onnx_fail(import, node, ADZE_SHAPE,
                       "input '%s' has rank %zu; 2 expected", pair[i]->name,
                       pair[i]->rank);
  struct node *product =
      onnx_add(import, node, &op_matmul, "matmul", pair, 2, 1);
  node_set_int(product, "transpose_a", onnx_int(node, "transA", 0) != 0);
  node_set_int(product, "transpose_b", onnx_int(node, "transB", 0) != 0);
  struct value *sum, *bias = onnx_input(import, node, 2);
  TRY(onnx_value_of(import, product, &sum));
  TRY(scale(import, node, "alpha", &sum));
  if (bias != NULL && onnx_float(node, "beta", 1) != 0) {
    TRY(scale(import, node, "beta", &bias));
    struct value *terms[2] = {sum, bias};
    TRY(onnx_value_of(import,
                      onnx_add(import, node, &op_add, "", terms, 2, 1), &sum));
  }
  onnx_bind(import, node, 0, sum);
  return ADZE_OK;
}
