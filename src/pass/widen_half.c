/* SPDX-License-Identifier: Apache-2.0 */
/* 16-bit floats are how such models are stored, not how they are computed:
 * every f16 and bf16 value becomes f32, constants with it, so that the same
 * templates serve them. Inputs and outputs keep the type that the model gives
 * them, and are converted at the boundary. Results are closer to the exact
 * ones than those that are rounded at each node.
 */
#include "ir/scalar.h"
#include "pass/pass.h"

static bool is_half(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16;
}

struct widening {
  struct graph *graph;
  struct value **wide; /* by value id: inputs and constants as f32 */
  size_t count;
  struct adze_error *error;
};

static enum adze_status cast_to(struct widening *widening,
                                struct value *value, const char *name,
                                enum adze_dtype dtype, struct value **out) {
  struct node *cast =
      graph_add_node(widening->graph, &op_cast, name, &value, 1, 1);
  node_set_int(cast, "to", dtype);
  *out = cast->outputs[0];
  return node_infer(widening->graph, cast, widening->error);
}

static struct value *widen_constant(struct graph *graph,
                                    const struct value *value) {
  struct constant constant = *value->constant;
  const uint8_t *half = constant.data;
  float *wide = ARENA_ARRAY(graph->arena, float, constant.count + 1);
  for (size_t i = 0; i < constant.count; i++) {
    uint16_t bits = (uint16_t)(half[2 * i] | half[2 * i + 1] << 8);
    wide[i] = (float)(value->dtype == ADZE_F16 ? scalar_from_half(bits)
                                               : scalar_from_bfloat(bits));
  }
  constant.dtype = ADZE_F32;
  constant.bytes = constant.count * sizeof *wide;
  constant.data = wide;
  return graph_add_constant(graph, value->name, &constant);
}

static void widen_operands(struct widening *widening, struct node *node) {
  for (size_t i = 0; i < node->input_count; i++) {
    struct value *value = node->inputs[i];
    if (!value || value->id >= widening->count)
      continue;
    struct value **wide = &widening->wide[value->id];
    if (!*wide && value->constant && is_half(value->dtype))
      *wide = widen_constant(widening->graph, value);
    if (*wide)
      node->inputs[i] = *wide;
  }
}

/* What inference would say of the node with f32 operands. */
static void widen_outputs(struct graph *graph, struct node *node) {
  if (node->op == &op_cast &&
      is_half((enum adze_dtype)node_int(node, "to")))
    node_set_int(node, "to", ADZE_F32);
  for (size_t i = 0; i < node->output_count; i++) {
    struct value *value = node->outputs[i];
    if (!value || !is_half(value->dtype))
      continue;
    value->dtype = ADZE_F32;
    if (!value->elements)
      continue;
    const struct expr **elements = ARENA_ARRAY(
        graph->arena, const struct expr *, value->element_count + 1);
    for (size_t e = 0; e < value->element_count; e++)
      elements[e] = expr_cast(graph->pool, ADZE_F32, value->elements[e]);
    value->elements = elements;
  }
}

/* The graph's outputs, in their own types and under their names. */
static enum adze_status narrow_outputs(struct widening *widening,
                                       const enum adze_dtype *dtypes) {
  struct graph *graph = widening->graph;
  for (size_t i = 0; i < graph->outputs.count; i++) {
    struct value *wide = graph->outputs.data[i], *narrow;
    if (!is_half(dtypes[i]) || wide->dtype != ADZE_F32)
      continue;
    const char *name = wide->name;
    TRY(cast_to(widening, wide, name, dtypes[i], &narrow));
    graph_rename_value(graph, narrow, name);
    graph->outputs.data[i] = narrow;
  }
  return ADZE_OK;
}

enum adze_status pass_widen_half(struct graph *graph,
                                 struct adze_error *error) {
  struct widening widening = {
      graph,
      ARENA_ARRAY(graph->arena, struct value *, graph->value_count + 1),
      graph->value_count, error};
  enum adze_dtype *dtypes =
      ARENA_ARRAY(graph->arena, enum adze_dtype, graph->outputs.count + 1);
  size_t count = graph->nodes.count;
  for (size_t i = 0; i < graph->outputs.count; i++)
    dtypes[i] = graph->outputs.data[i]->dtype;
  for (size_t i = 0; i < graph->inputs.count; i++) {
    struct value *input = graph->inputs.data[i];
    if (is_half(input->dtype))
      TRY(cast_to(&widening, input, input->name, ADZE_F32,
                  &widening.wide[input->id]));
  }
  for (size_t i = 0; i < count; i++) {
    widen_operands(&widening, graph->nodes.data[i]);
    widen_outputs(graph, graph->nodes.data[i]);
  }
  TRY(narrow_outputs(&widening, dtypes));
  graph_sweep(graph);
  return ADZE_OK;
}
