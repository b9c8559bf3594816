/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation of a node: its operands, results and what its stages pass on to
 * each other become parameters of one function, which is interpreted as it was
 * expanded. Constant folding and the reference both come here, so that neither
 * has a second idea of what an operator computes.
 */
#include "pass/evaluate.h"

#include "ir/interpret.h"
#include "ir/scalar.h"
#include "op/express.h"

struct evaluation {
  struct arena *arena;
  struct graph *graph;
  const struct node *node;
  struct adze_error *error;
};

static enum adze_status value_bytes(struct evaluation *evaluation,
                                    const struct value *value, size_t *out) {
  size_t count;
  if (!value_is_static(value))
    return fail(evaluation->error, ADZE_SHAPE,
                "node '%s': '%s' has an open dimension; give its size with "
                "input shapes",
                evaluation->node->name, value->name);
  if (!value_count(value, &count) ||
      !size_mul(count, dtype_bits(value->dtype) / 8, out))
    return fail(evaluation->error, ADZE_LIMIT, "node '%s': '%s' is too large",
                evaluation->node->name, value->name);
  return ADZE_OK;
}

struct arguments {
  VEC(struct buffer *) buffers;
  VEC(void *) memory;
  VEC(size_t) bytes;
};

/* *memory: NULL where it is to be allocated. */
static enum adze_status add_value(struct evaluation *evaluation,
                                  struct arguments *arguments,
                                  const struct value *value, void **memory,
                                  struct buffer **out) {
  size_t bytes;
  struct buffer *buffer = buffer_new(
      evaluation->graph->pool,
      arena_printf(evaluation->arena, "p%zu", arguments->buffers.count),
      value->dtype, BUFFER_ARGUMENT, value->dims, value->rank);
  TRY(value_bytes(evaluation, value, &bytes));
  if (!*memory)
    *memory = arena_alloc(evaluation->arena, bytes);
  vec_push(evaluation->arena, &arguments->buffers, buffer);
  vec_push(evaluation->arena, &arguments->memory, *memory);
  vec_push(evaluation->arena, &arguments->bytes, bytes);
  *out = buffer;
  return ADZE_OK;
}

/* Intermediates of an operator of several stages become parameters too. */
static enum adze_status add_temporaries(struct evaluation *evaluation,
                                        struct arguments *arguments,
                                        const struct express *express) {
  for (size_t s = 0; s < express->stages.count; s++) {
    struct buffer *buffer = express->stages.data[s]->output;
    bool known = false;
    for (size_t i = 0; i < arguments->buffers.count; i++)
      known = known || arguments->buffers.data[i] == buffer;
    if (known)
      continue;
    int64_t elements;
    size_t bytes;
    if (!expr_get_integer(buffer->size, &elements) || elements < 0 ||
        !size_mul((size_t)elements, dtype_bits(buffer->dtype) / 8, &bytes))
      return fail(evaluation->error, ADZE_LIMIT,
                  "node '%s' needs too much memory",
                  express->node->name);
    vec_push(evaluation->arena, &arguments->buffers, buffer);
    vec_push(evaluation->arena, &arguments->memory,
             arena_alloc(evaluation->arena, bytes));
    vec_push(evaluation->arena, &arguments->bytes, bytes);
  }
  return ADZE_OK;
}

enum adze_status evaluate_node(struct arena *arena, struct graph *graph,
                               const struct node *node, void *const *inputs,
                               void **outputs, struct adze_error *error) {
  struct evaluation evaluation = {arena, graph, node, error};
  struct arguments arguments = {.buffers = {0}};
  struct buffer **in =
      ARENA_ARRAY(arena, struct buffer *, node->input_count + 1);
  struct buffer **out =
      ARENA_ARRAY(arena, struct buffer *, node->output_count + 1);
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *value = node->inputs[i];
    if (!value)
      continue;
    void *data = value->constant ? (void *)(uintptr_t)value->constant->data
                                 : inputs[i];
    TRY(add_value(&evaluation, &arguments, value, &data, &in[i]));
  }
  for (size_t i = 0; i < node->output_count; i++) {
    outputs[i] = NULL;
    if (node->outputs[i])
      TRY(add_value(&evaluation, &arguments, node->outputs[i], &outputs[i],
                    &out[i]));
  }
  struct express express = {.pool = graph->pool,
                            .node = node,
                            .inputs = in,
                            .outputs = out,
                            .error = error};
  TRY(node_express(&express));
  TRY(add_temporaries(&evaluation, &arguments, &express));
  struct function *function =
      expand(graph->pool, "evaluate", express.stages.data,
             express.stages.count, arguments.buffers.data,
             arguments.buffers.count);
  return interpret(function, arguments.memory.data, arguments.bytes.data,
                   NULL, 0, 1, error);
}

static enum adze_status evaluate_in_graph(struct arena *arena,
                                          struct graph *graph,
                                          const struct node *node,
                                          void **memory,
                                          struct adze_error *error) {
  void **inputs = ARENA_ARRAY(arena, void *, node->input_count + 1);
  void **outputs = ARENA_ARRAY(arena, void *, node->output_count + 1);
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i])
      inputs[i] = memory[node->inputs[i]->id];
  TRY(evaluate_node(arena, graph, node, inputs, outputs, error));
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i])
      memory[node->outputs[i]->id] = outputs[i];
  return ADZE_OK;
}

enum adze_status evaluate_graph(struct arena *arena, struct graph *graph,
                                void **memory, struct adze_error *error) {
  for (size_t i = 0; i < graph->nodes.count; i++)
    if (graph->nodes.data[i]->op->express)
      TRY(evaluate_in_graph(arena, graph, graph->nodes.data[i], memory,
                            error));
  return ADZE_OK;
}
