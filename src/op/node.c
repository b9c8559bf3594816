/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their attributes.
 *
 * Attribute values stand in the order of the operator's table, so a node needs
 * no names of its own, and an attribute that was never set reads as the
 * table's default. Asking for a name or kind that the table lacks is a slip in
 * our code, never the model's, hence check().
 */
#include "op/op.h"

#include <string.h>

static size_t attribute_count(const struct op_def *op) {
  size_t count = 0;
  if (op->attributes != NULL)
    while (op->attributes[count].name != NULL)
      count++;
  return count;
}

struct node *graph_add_node(struct graph *graph, const struct op_def *op,
                            const char *name, struct value *const *inputs,
                            size_t input_count, size_t output_count) {
  struct arena *arena = graph->arena;
  if (name == NULL)
    name = op->name;
  struct node *node = ARENA_NEW(arena, struct node);
  node->id = graph->node_count++;
  node->op = op;
  node->name = arena_strdup(arena, name);
  node->attributes =
      ARENA_ARRAY(arena, struct attribute_value, attribute_count(op));
  node->input_count = input_count;
  node->inputs = ARENA_ARRAY(arena, struct value *, input_count);
  for (size_t i = 0; i < input_count; i++)
    node->inputs[i] = inputs[i];
  node->output_count = output_count;
  node->outputs = ARENA_ARRAY(arena, struct value *, output_count);
  for (size_t i = 0; i < output_count; i++) {
    node->outputs[i] = graph_add_value(graph, name);
    node->outputs[i]->producer = node;
  }
  vec_push(arena, &graph->nodes, node);
  return node;
}

bool node_reads(const struct node *node, size_t index) {
  return index < node->input_count && node->inputs[index] != NULL &&
         !(index < 32 && (node->op->shape_inputs >> index & 1));
}

/* ---- Attributes ---------------------------------------------------------- */

static struct attribute_value *find(const struct node *node, const char *name,
                                    enum attribute_kind kind,
                                    const struct attribute_desc **desc) {
  const struct attribute_desc *table = node->op->attributes;
  check(table != NULL);
  for (size_t i = 0; table[i].name != NULL; i++)
    if (strcmp(table[i].name, name) == 0) {
      check(table[i].kind == kind);
      *desc = &table[i];
      return &node->attributes[i];
    }
  unreachable();
}

int64_t node_int(const struct node *node, const char *name) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_INT, &desc);
  return value->is_set ? value->integer : (int64_t)desc->number;
}

double node_float(const struct node *node, const char *name) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_FLOAT, &desc);
  return value->is_set ? value->real : desc->number;
}

const char *node_string(const struct node *node, const char *name) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_STRING, &desc);
  return value->is_set ? value->string : desc->string;
}

const int64_t *node_ints(const struct node *node, const char *name,
                         size_t *count) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_INTS, &desc);
  *count = value->count;
  return value->count > 0 ? value->integers : NULL;
}

const double *node_floats(const struct node *node, const char *name,
                          size_t *count) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_FLOATS, &desc);
  *count = value->count;
  return value->count > 0 ? value->reals : NULL;
}

bool node_has(const struct node *node, const char *name) {
  const struct attribute_desc *table = node->op->attributes;
  for (size_t i = 0; table != NULL && table[i].name != NULL; i++)
    if (strcmp(table[i].name, name) == 0)
      return node->attributes[i].is_set;
  unreachable();
}

void node_set_int(struct node *node, const char *name, int64_t integer) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_INT, &desc);
  value->is_set = true;
  value->integer = integer;
}

void node_set_float(struct node *node, const char *name, double real) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_FLOAT, &desc);
  value->is_set = true;
  value->real = real;
}

void node_set_string(struct graph *graph, struct node *node, const char *name,
                     const char *string) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_STRING, &desc);
  value->is_set = true;
  value->string = arena_strdup(graph->arena, string);
}

void node_set_ints(struct graph *graph, struct node *node, const char *name,
                   const int64_t *values, size_t count) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_INTS, &desc);
  int64_t *copy = ARENA_ARRAY(graph->arena, int64_t, count + 1);
  for (size_t i = 0; i < count; i++)
    copy[i] = values[i];
  value->is_set = true;
  value->integers = copy;
  value->count = count;
}

void node_set_floats(struct graph *graph, struct node *node, const char *name,
                     const double *values, size_t count) {
  const struct attribute_desc *desc;
  struct attribute_value *value = find(node, name, ATTRIBUTE_FLOATS, &desc);
  double *copy = ARENA_ARRAY(graph->arena, double, count + 1);
  for (size_t i = 0; i < count; i++)
    copy[i] = values[i];
  value->is_set = true;
  value->reals = copy;
  value->count = count;
}
