/* SPDX-License-Identifier: Apache-2.0 */
/* What a well-formed graph is: every value that is used is made before, once;
 * names are unique; types are what inference says. A violation is a fault of
 * the pass that ran last, so the status is INTERNAL. */
#include "op/op.h"

#include "op/infer.h"


struct verify {
  const struct graph *graph;
  struct adze_error *error;
  bool *is_made; /* by value id */
  struct map names;
};

static enum adze_status make(struct verify *verify, struct value *value,
                             const char *by) {
  if (value->id >= verify->graph->value_count || verify->is_made[value->id])
    return fail(verify->error, ADZE_INTERNAL,
                "graph: value '%s' of %s is made twice", value->name, by);
  if (map_set(&verify->names, value->name, value) != NULL)
    return fail(verify->error, ADZE_INTERNAL, "graph: two values named '%s'",
                value->name);
  verify->is_made[value->id] = true;
  return ADZE_OK;
}

static enum adze_status check_inputs(struct verify *verify,
                                     const struct node *node) {
  for (size_t i = 0; i < node->input_count; i++) {
    struct value *input = node->inputs[i];
    if (input == NULL)
      continue;
    if (input->constant != NULL && !verify->is_made[input->id])
      TRY(make(verify, input, "a constant"));
    if (input->id >= verify->graph->value_count ||
        !verify->is_made[input->id])
      return fail(verify->error, ADZE_INTERNAL,
                  "graph: node '%s' (%s) uses '%s' before it is made",
                  node->name, node->op->name, input->name);
  }
  return ADZE_OK;
}

/* Infers a copy of the node and compares. */
static enum adze_status check_types(struct verify *verify,
                                    const struct node *node) {
  struct graph scratch = *verify->graph; /* its constraints stay */
  struct node copy = *node;
  struct value *outputs =
      ARENA_ARRAY(scratch.arena, struct value, node->output_count);
  copy.outputs = ARENA_ARRAY(scratch.arena, struct value *, node->output_count);
  for (size_t i = 0; i < node->output_count; i++) {
    outputs[i] = *node->outputs[i];
    copy.outputs[i] = &outputs[i];
  }
  scratch.constraints.capacity = scratch.constraints.count; /* copy on growth */
  if (node_infer(&scratch, &copy, verify->error) != ADZE_OK)
    return fail_prefix(verify->error, "graph");
  for (size_t i = 0; i < node->output_count; i++)
    if (outputs[i].dtype != node->outputs[i]->dtype ||
        !value_same_shape(&outputs[i], node->outputs[i]))
      return fail(verify->error, ADZE_INTERNAL,
                  "graph: node '%s' (%s) gives %s%s where '%s' is %s%s",
                  node->name, node->op->name, dtype_name(outputs[i].dtype),
                  value_dims_text(scratch.arena, &outputs[i]),
                  node->outputs[i]->name, dtype_name(node->outputs[i]->dtype),
                  value_dims_text(scratch.arena, node->outputs[i]));
  return ADZE_OK;
}

static enum adze_status check_node(struct verify *verify,
                                   const struct node *node) {
  TRY(check_inputs(verify, node));
  for (size_t i = 0; i < node->output_count; i++) {
    if (node->outputs[i]->producer != node)
      return fail(verify->error, ADZE_INTERNAL,
                  "graph: '%s' does not know that node '%s' makes it",
                  node->outputs[i]->name, node->name);
    TRY(make(verify, node->outputs[i], "a node"));
  }
  return check_types(verify, node);
}

enum adze_status graph_verify(const struct graph *graph,
                              struct adze_error *error) {
  struct verify verify = {.graph = graph, .error = error};
  verify.is_made = ARENA_ARRAY(graph->arena, bool, graph->value_count + 1);
  map_init(&verify.names, graph->arena);
  for (size_t i = 0; i < graph->inputs.count; i++)
    TRY(make(&verify, graph->inputs.data[i], "an input"));
  for (size_t i = 0; i < graph->nodes.count; i++)
    TRY(check_node(&verify, graph->nodes.data[i]));
  for (size_t i = 0; i < graph->outputs.count; i++) {
    struct value *output = graph->outputs.data[i];
    if (output->constant != NULL && !verify.is_made[output->id])
      TRY(make(&verify, output, "a constant"));
    if (!verify.is_made[output->id])
      return fail(error, ADZE_INTERNAL, "graph: output '%s' is not made",
                  output->name);
  }
  return ADZE_OK;
}
