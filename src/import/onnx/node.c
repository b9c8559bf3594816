/* SPDX-License-Identifier: Apache-2.0 */
/* One ONNX node to nodes of the graph: what the importing functions share, and
 * the way of those operators that map one to one.
 *
 * Inference runs at once, since later nodes ask for shapes. Where it finds the
 * elements of a result, the result is replaced by a constant or by
 * shape_elements, so that whatever only computed shapes is left without use.
 */
#include "import/onnx/build.h"

#include "ir/scalar.h"

#include <stdio.h>
#include <string.h>

enum adze_status onnx_fail(struct onnx_import *import,
                           const struct onnx_node *node,
                           enum adze_status status, const char *format, ...) {
  char message[800];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return fail(import->error, status, "node '%s' (%s): %s", node->name,
              node->op_type, message);
}

/* ---- What the node says -------------------------------------------------- */

struct value *onnx_input(struct onnx_import *import,
                         const struct onnx_node *node, size_t index) {
  if (index >= node->inputs.count || node->inputs.data[index][0] == '\0')
    return NULL;
  return map_get(&import->values, node->inputs.data[index]);
}

const struct onnx_attribute *onnx_find(const struct onnx_node *node,
                                       const char *name, int64_t type) {
  for (size_t i = 0; i < node->attributes.count; i++)
    if (strcmp(node->attributes.data[i].name, name) == 0 &&
        node->attributes.data[i].type == type)
      return &node->attributes.data[i];
  return NULL;
}

int64_t onnx_int(const struct onnx_node *node, const char *name,
                 int64_t otherwise) {
  const struct onnx_attribute *found =
      onnx_find(node, name, ONNX_ATTRIBUTE_INT);
  return found != NULL ? found->integer : otherwise;
}

double onnx_float(const struct onnx_node *node, const char *name,
                  double otherwise) {
  const struct onnx_attribute *found =
      onnx_find(node, name, ONNX_ATTRIBUTE_FLOAT);
  return found != NULL ? found->real : otherwise;
}

const char *onnx_string(const struct onnx_node *node, const char *name,
                        const char *otherwise) {
  const struct onnx_attribute *found =
      onnx_find(node, name, ONNX_ATTRIBUTE_STRING);
  return found != NULL && found->string != NULL ? found->string : otherwise;
}

const int64_t *onnx_ints(const struct onnx_node *node, const char *name,
                         size_t *count) {
  const struct onnx_attribute *found =
      onnx_find(node, name, ONNX_ATTRIBUTE_INTS);
  *count = found != NULL ? found->integers.count : 0;
  return *count > 0 ? found->integers.data : NULL;
}

enum adze_status onnx_arity(struct onnx_import *import,
                            const struct onnx_node *node, size_t minimum,
                            size_t maximum) {
  if (node->inputs.count < minimum || node->inputs.count > maximum)
    return onnx_fail(import, node, ADZE_INVALID_MODEL,
                     "has %zu inputs; %zu to %zu expected", node->inputs.count,
                     minimum, maximum);
  for (size_t i = 0; i < minimum; i++)
    if (onnx_input(import, node, i) == NULL)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "input %zu is missing", i);
  if (node->outputs.count == 0)
    return onnx_fail(import, node, ADZE_INVALID_MODEL, "has no outputs");
  return ADZE_OK;
}

enum adze_status onnx_only(struct onnx_import *import,
                           const struct onnx_node *node,
                           const char *const *known) {
  for (size_t i = 0; i < node->attributes.count; i++) {
    const char *name = node->attributes.data[i].name;
    size_t k = 0;
    while (known[k] != NULL && strcmp(known[k], name) != 0)
      k++;
    if (known[k] == NULL)
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "attribute '%s' is not supported", name);
  }
  return ADZE_OK;
}

enum adze_status onnx_numbers(struct onnx_import *import,
                              const struct onnx_node *node, size_t index,
                              const int64_t **list, size_t *count) {
  const struct value *value = onnx_input(import, node, index);
  *list = NULL;
  *count = 0;
  if (value == NULL)
    return ADZE_OK;
  if (value->elements == NULL)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "input %zu ('%s') is computed from data; numbers known "
                     "beforehand are expected",
                     index, value->name);
  int64_t *numbers =
      ARENA_ARRAY(import->arena, int64_t, value->element_count + 1);
  for (size_t i = 0; i < value->element_count; i++)
    if (!expr_get_integer(value->elements[i], &numbers[i]))
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "input %zu ('%s') depends on an open dimension; fix it "
                       "with --input-shapes",
                       index, value->name);
  *list = numbers;
  *count = value->element_count;
  return ADZE_OK;
}

enum adze_status onnx_scalar(struct onnx_import *import,
                             const struct onnx_node *node, size_t index,
                             bool *is_known, double *out) {
  const struct value *value = onnx_input(import, node, index);
  *is_known = value != NULL;
  if (value == NULL)
    return ADZE_OK;
  if (value->elements == NULL || value->element_count != 1)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "input %zu ('%s') is not one number known beforehand",
                     index, value->name);
  const struct expr *element = value->elements[0];
  if (element->kind == EXPR_REAL)
    *out = element->real;
  else if (element->kind == EXPR_INTEGER)
    *out = (double)element->integer;
  else
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "input %zu ('%s') depends on an open dimension", index,
                     value->name);
  return ADZE_OK;
}

/* ---- What it becomes ----------------------------------------------------- */

struct node *onnx_add(struct onnx_import *import, const struct onnx_node *node,
                      const struct op_def *op, const char *suffix,
                      struct value *const *inputs, size_t input_count,
                      size_t output_count) {
  const char *name =
      suffix[0] == '\0'
          ? node->name
          : arena_printf(import->arena, "%s_%s", node->name, suffix);
  return graph_add_node(import->graph, op, name, inputs, input_count,
                        output_count);
}

enum adze_status onnx_infer(struct onnx_import *import, struct node *node) {
  return node_infer(import->graph, node, import->error);
}

/* The bytes of elements that are all numbers; NULL when one is not. */
static const void *element_bytes(struct onnx_import *import,
                                 const struct value *value) {
  size_t bytes = dtype_bits(value->dtype) / 8;
  uint8_t *data =
      arena_alloc_array(import->arena, value->element_count + 1, bytes);
  for (size_t i = 0; i < value->element_count; i++) {
    const struct expr *element = value->elements[i];
    union scalar scalar;
    if (element->kind == EXPR_INTEGER)
      scalar.integer = element->integer;
    else if (element->kind == EXPR_REAL)
      scalar.real = element->real;
    else
      return NULL;
    scalar_store(value->dtype, data + i * bytes,
                 scalar_cast(value->dtype, element->dtype, scalar));
  }
  return data;
}

struct value *onnx_result(struct onnx_import *import, struct node *node,
                          size_t index) {
  struct value *value = node->outputs[index];
  if (value->elements == NULL)
    return value;
  const void *data = element_bytes(import, value);
  if (data != NULL) {
    int64_t dims[GRAPH_MAX_RANK];
    for (size_t i = 0; i < value->rank; i++)
      dims[i] = value_dim(value, i);
    return graph_add_constant_data(import->graph, value->name, value->dtype,
                                   dims, value->rank, data);
  }
  if (node->op == &op_shape_elements)
    return value;
  return graph_add_elements(import->graph, value->name, value->dtype,
                            value->dims, value->rank, value->elements,
                            value->element_count);
}

enum adze_status onnx_value_of(struct onnx_import *import, struct node *node,
                               struct value **out) {
  TRY(onnx_infer(import, node));
  *out = onnx_result(import, node, 0);
  return ADZE_OK;
}

void onnx_bind(struct onnx_import *import, const struct onnx_node *node,
               size_t index, struct value *value) {
  if (index >= node->outputs.count || node->outputs.data[index][0] == '\0')
    return;
  const char *name = node->outputs.data[index];
  map_set(&import->values, name, value);
  if (value->producer != NULL || value->constant != NULL)
    graph_rename_value(import->graph, value, name);
}

enum adze_status onnx_finish(struct onnx_import *import,
                             const struct onnx_node *node,
                             struct node *added) {
  TRY(onnx_infer(import, added));
  for (size_t i = 0; i < added->output_count; i++)
    onnx_bind(import, node, i, onnx_result(import, added, i));
  return ADZE_OK;
}

enum adze_status onnx_constant(struct onnx_import *import,
                               const char *node_name,
                               const struct onnx_tensor *tensor,
                               struct constant *out) {
  const char *what =
      arena_printf(import->arena, "the tensor of node '%s'", node_name);
  return onnx_tensor_constant(&import->data, what, tensor, out);
}

struct value *onnx_scalar_constant(struct onnx_import *import,
                                   const struct onnx_node *node,
                                   enum adze_dtype dtype, double number) {
  uint8_t bytes[8];
  union scalar real = {.real = number};
  scalar_store(dtype, bytes, scalar_cast(dtype, ADZE_F64, real));
  return graph_add_constant_data(
      import->graph, arena_printf(import->arena, "%s_number", node->name),
      dtype, NULL, 0, bytes);
}

/* ---- Attributes one to one ----------------------------------------------- */

static const int64_t onnx_kind[] = {
    [ATTRIBUTE_INT] = ONNX_ATTRIBUTE_INT,
    [ATTRIBUTE_FLOAT] = ONNX_ATTRIBUTE_FLOAT,
    [ATTRIBUTE_STRING] = ONNX_ATTRIBUTE_STRING,
    [ATTRIBUTE_INTS] = ONNX_ATTRIBUTE_INTS,
    [ATTRIBUTE_FLOATS] = ONNX_ATTRIBUTE_FLOATS,
};

static void set_attribute(struct onnx_import *import, struct node *added,
                          enum attribute_kind kind,
                          const struct onnx_attribute *given) {
  switch (kind) {
  case ATTRIBUTE_INT:
    node_set_int(added, given->name, given->integer);
    return;
  case ATTRIBUTE_FLOAT:
    node_set_float(added, given->name, given->real);
    return;
  case ATTRIBUTE_STRING:
    node_set_string(import->graph, added, given->name,
                    given->string != NULL ? given->string : "");
    return;
  case ATTRIBUTE_INTS:
    node_set_ints(import->graph, added, given->name, given->integers.data,
                  given->integers.count);
    return;
  case ATTRIBUTE_FLOATS:
    node_set_floats(import->graph, added, given->name, given->reals.data,
                    given->reals.count);
    return;
  }
  unreachable();
}

enum adze_status onnx_copy_attributes(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      struct node *added) {
  const struct attribute_desc *table = added->op->attributes;
  for (size_t i = 0; i < node->attributes.count; i++) {
    const struct onnx_attribute *given = &node->attributes.data[i];
    size_t k = 0;
    while (table != NULL && table[k].name != NULL &&
           strcmp(table[k].name, given->name) != 0)
      k++;
    if (table == NULL || table[k].name == NULL)
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "attribute '%s' is not supported", given->name);
    if (onnx_kind[table[k].kind] != given->type)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "attribute '%s' has type %lld; %lld expected",
                       given->name, (long long)given->type,
                       (long long)onnx_kind[table[k].kind]);
    set_attribute(import, added, table[k].kind, given);
  }
  return ADZE_OK;
}

/* ---- A node -------------------------------------------------------------- */

onnx_importer *onnx_find_importer(const char *op_type) {
  static const struct {
    const char *name;
    onnx_importer *function;
  } rows[] = {
#define ONNX_OP(name, function) {#name, function},
#include "import/onnx/onnx_ops.def"
#undef ONNX_OP
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    if (strcmp(rows[i].name, op_type) == 0)
      return rows[i].function;
  return NULL;
}

static enum adze_status import_one_to_one(struct onnx_import *import,
                                          const struct onnx_node *node,
                                          const struct op_def *op) {
  struct value **inputs =
      ARENA_ARRAY(import->arena, struct value *, node->inputs.count + 1);
  for (size_t i = 0; i < node->inputs.count; i++)
    inputs[i] = onnx_input(import, node, i);
  struct node *added = onnx_add(import, node, op, "", inputs,
                                node->inputs.count, node->outputs.count);
  TRY(onnx_copy_attributes(import, node, added));
  return onnx_finish(import, node, added);
}

enum adze_status onnx_import_node(struct onnx_import *import,
                                  const struct onnx_node *node) {
  if (node->domain[0] != '\0')
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "operator '%s' of domain '%s' is not supported",
                     node->op_type, node->domain);
  onnx_importer *function = onnx_find_importer(node->op_type);
  if (function != NULL)
    return function(import, node);
  const struct op_def *op =
      op_find_import("onnx", node->op_type, (int)import->opset);
  if (op == NULL)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "operator '%s' of opset %lld is not supported",
                     node->op_type, (long long)import->opset);
  return import_one_to_one(import, node, op);
}
