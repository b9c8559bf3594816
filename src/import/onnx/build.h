/* SPDX-License-Identifier: Apache-2.0 */
/* For the functions that import operators which do not map one to one. */
#ifndef IMPORT_ONNX_BUILD_H
#define IMPORT_ONNX_BUILD_H

#include "import/onnx/onnx.h"
#include "op/op.h"

struct onnx_import {
  struct arena *arena;
  struct graph *graph;
  const struct onnx_model *model;
  int64_t opset; /* of the default domain */
  struct onnx_data data;
  struct map values; /* ONNX name -> struct value */
  struct adze_error *error;
};

/* Imports one node: adds what it means to the graph and binds its outputs. */
typedef enum adze_status onnx_importer(struct onnx_import *import,
                                       const struct onnx_node *node);

/* "node 'x' (Conv): …" */
enum adze_status onnx_fail(struct onnx_import *import,
                           const struct onnx_node *node,
                           enum adze_status status, const char *format, ...)
    ADZE_PRINTF(4, 5);

/* ---- What the node says -------------------------------------------------- */
/* Input `index`, or NULL where it is absent. */
struct value *onnx_input(struct onnx_import *import,
                         const struct onnx_node *node, size_t index);
/* The attribute of this name and type, or NULL. */
const struct onnx_attribute *onnx_find(const struct onnx_node *node,
                                       const char *name, int64_t type);
int64_t onnx_int(const struct onnx_node *node, const char *name,
                 int64_t otherwise);
double onnx_float(const struct onnx_node *node, const char *name,
                  double otherwise);
const char *onnx_string(const struct onnx_node *node, const char *name,
                        const char *otherwise);
/* NULL and 0 when unset. */
const int64_t *onnx_ints(const struct onnx_node *node, const char *name,
                         size_t *count);
/* At least `minimum` inputs, all of them present, and at most `maximum`. */
enum adze_status onnx_arity(struct onnx_import *import,
                            const struct onnx_node *node, size_t minimum,
                            size_t maximum) ADZE_MUST_USE;
/* Fails on an attribute that is not in the list, which ends with NULL: nothing
 * that a model says is ignored unknowingly. */
enum adze_status onnx_only(struct onnx_import *import,
                           const struct onnx_node *node,
                           const char *const *known) ADZE_MUST_USE;
/* The numbers of an input that must be known while importing: list is NULL when
 * the input is absent. Fails when they depend on data or open dimensions. */
enum adze_status onnx_numbers(struct onnx_import *import,
                              const struct onnx_node *node, size_t index,
                              const int64_t **list, size_t *count)
    ADZE_MUST_USE;
/* The one number of a scalar input, any numeric type; *is_known is false when
 * the input is absent. */
enum adze_status onnx_scalar(struct onnx_import *import,
                             const struct onnx_node *node, size_t index,
                             bool *is_known, double *out) ADZE_MUST_USE;

/* ---- What it becomes ----------------------------------------------------- */
/* A node of the graph named after the ONNX one, with a suffix unless "". */
struct node *onnx_add(struct onnx_import *import, const struct onnx_node *node,
                      const struct op_def *op, const char *suffix,
                      struct value *const *inputs, size_t input_count,
                      size_t output_count);
/* Infers it. Its values are final after that: onnx_result. */
enum adze_status onnx_infer(struct onnx_import *import, struct node *node)
    ADZE_MUST_USE;
/* Output `index` of an inferred node, or what stands for it when its elements
 * are known. */
struct value *onnx_result(struct onnx_import *import, struct node *node,
                          size_t index);
/* Infers a node with one output and gives its value. */
enum adze_status onnx_value_of(struct onnx_import *import, struct node *node,
                               struct value **out) ADZE_MUST_USE;
/* Gives the ONNX node's output `index` this value, if it is there. */
void onnx_bind(struct onnx_import *import, const struct onnx_node *node,
               size_t index, struct value *value);
/* Infers the node and binds all its outputs. */
enum adze_status onnx_finish(struct onnx_import *import,
                             const struct onnx_node *node, struct node *added)
    ADZE_MUST_USE;
/* The tensor of an attribute of a node of this name. */
enum adze_status onnx_constant(struct onnx_import *import,
                               const char *node_name,
                               const struct onnx_tensor *tensor,
                               struct constant *out) ADZE_MUST_USE;
/* A scalar constant. */
struct value *onnx_scalar_constant(struct onnx_import *import,
                                   const struct onnx_node *node,
                                   enum adze_dtype dtype, double number);
/* Sets the attributes that the operator's table has under the same name;
 * INVALID_MODEL for a wrong type, UNSUPPORTED for one the table lacks. */
enum adze_status onnx_copy_attributes(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      struct node *added) ADZE_MUST_USE;

/* The function for an operator that has one; NULL: none. */
onnx_importer *onnx_find_importer(const char *op_type);
/* All outputs bound: one ONNX node. */
enum adze_status onnx_import_node(struct onnx_import *import,
                                  const struct onnx_node *node) ADZE_MUST_USE;

#define ONNX_OP(name, function) onnx_importer function;
#include "import/onnx/onnx_ops.def"
#undef ONNX_OP

#endif
