/* SPDX-License-Identifier: Apache-2.0 */
/* adze_interpret: the model node by node, each operator's own expression
 * expanded without a schedule and interpreted. No pass runs, no template is
 * asked: what comes out is what compiled code is measured against. */
#include <string.h>

#include "driver/compilation.h"
#include "import/import.h"
#include "ir/interpret.h"
#include "op/express.h"

struct reference {
  struct arena *arena;
  struct graph *graph;
  const char *path;
  const struct adze_compile_options *options;
  const void *const *inputs;
  void *const *outputs;
  void **memory; /* by value id */
  struct adze_error *error;
};

static enum adze_status value_bytes(struct reference *reference,
                                    const struct value *value, size_t *out) {
  size_t count;
  if (!value_is_static(value))
    return fail(reference->error, ADZE_SHAPE,
                "%s: '%s' has an open dimension; give its size with input "
                "shapes",
                reference->path, value->name);
  if (!value_count(value, &count) ||
      !size_mul(count, adze_dtype_bytes(value->dtype), out))
    return fail(reference->error, ADZE_LIMIT, "%s: '%s' is too large",
                reference->path, value->name);
  return ADZE_OK;
}

struct arguments {
  VEC(struct buffer *) buffers;
  VEC(void *) memory;
  VEC(size_t) bytes;
};

static enum adze_status add_value(struct reference *reference,
                                  struct arguments *arguments,
                                  const struct value *value,
                                  struct buffer **out) {
  size_t bytes;
  struct buffer *buffer = buffer_new(
      reference->graph->pool,
      arena_printf(reference->arena, "p%zu", arguments->buffers.count),
      value->dtype, BUFFER_ARGUMENT, value->dims, value->rank);
  TRY(value_bytes(reference, value, &bytes));
  void **memory = &reference->memory[value->id];
  if (!*memory)
    *memory = value->constant ? (void *)(uintptr_t)value->constant->data
                              : arena_alloc(reference->arena, bytes);
  vec_push(reference->arena, &arguments->buffers, buffer);
  vec_push(reference->arena, &arguments->memory, *memory);
  vec_push(reference->arena, &arguments->bytes, bytes);
  *out = buffer;
  return ADZE_OK;
}

/* Intermediates of an operator of several stages become parameters too. */
static enum adze_status add_temporaries(struct reference *reference,
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
        !size_mul((size_t)elements, adze_dtype_bytes(buffer->dtype), &bytes))
      return fail(reference->error, ADZE_LIMIT,
                  "%s: node '%s' needs too much memory", reference->path,
                  express->node->name);
    vec_push(reference->arena, &arguments->buffers, buffer);
    vec_push(reference->arena, &arguments->memory,
             arena_alloc(reference->arena, bytes));
    vec_push(reference->arena, &arguments->bytes, bytes);
  }
  return ADZE_OK;
}

static enum adze_status run_node(struct reference *reference,
                                 const struct node *node) {
  struct arena *arena = reference->arena;
  struct arguments arguments = {.buffers = {0}};
  struct buffer **inputs =
      ARENA_ARRAY(arena, struct buffer *, node->input_count + 1);
  struct buffer **outputs =
      ARENA_ARRAY(arena, struct buffer *, node->output_count + 1);
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i])
      TRY(add_value(reference, &arguments, node->inputs[i], &inputs[i]));
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i])
      TRY(add_value(reference, &arguments, node->outputs[i], &outputs[i]));
  struct express express = {.pool = reference->graph->pool,
                            .node = node,
                            .inputs = inputs,
                            .outputs = outputs,
                            .error = reference->error};
  TRY(node_express(&express));
  TRY(add_temporaries(reference, &arguments, &express));
  struct function *function =
      expand(reference->graph->pool, "reference", express.stages.data,
             express.stages.count, arguments.buffers.data,
             arguments.buffers.count);
  return interpret(function, arguments.memory.data, arguments.bytes.data,
                   NULL, 0, 1, reference->error);
}

static enum adze_status reference_body(void *argument) {
  struct reference *reference = argument;
  struct import_options import = {
      .input_shapes = reference->options->input_shapes};
  TRY(import_model(reference->arena, reference->path, &import,
                   &reference->graph, reference->error));
  TRY(apply_preprocessing(reference->graph, reference->options,
                          reference->error));
  struct graph *graph = reference->graph;
  reference->memory = ARENA_ARRAY(reference->arena, void *,
                                  graph->value_count + 1);
  for (size_t i = 0; i < graph->inputs.count; i++)
    reference->memory[graph->inputs.data[i]->id] =
        (void *)(uintptr_t)reference->inputs[i];
  for (size_t i = 0; i < graph->nodes.count; i++)
    if (graph->nodes.data[i]->op->fusion != FUSION_METADATA)
      TRY(run_node(reference, graph->nodes.data[i]));
  for (size_t i = 0; i < graph->outputs.count; i++) {
    const struct value *value = graph->outputs.data[i];
    size_t bytes;
    TRY(value_bytes(reference, value, &bytes));
    const void *data = value->constant ? value->constant->data
                                       : reference->memory[value->id];
    if (data && bytes)
      memcpy(reference->outputs[i], data, bytes);
  }
  return ADZE_OK;
}

enum adze_status adze_interpret(const char *model_path,
                                const struct adze_compile_options *options,
                                const void *const *inputs,
                                void *const *outputs,
                                struct adze_error *error) {
  struct adze_compile_options defaults;
  adze_compile_options_init(&defaults);
  struct reference reference = {
      .arena = arena_create("reference"),
      .path = model_path,
      .options = options ? options : &defaults,
      .inputs = inputs,
      .outputs = outputs,
      .error = error,
  };
  if (!reference.arena)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", model_path);
  enum adze_status status = guard_run(reference_body, &reference, error);
  arena_destroy(reference.arena);
  return status;
}
