/* SPDX-License-Identifier: Apache-2.0 */
/* adze_interpret: the model node by node, each operator's own expression
 * expanded without a schedule and interpreted. No pass runs, no template is
 * asked: what comes out is what compiled code is measured against. */
#include <string.h>

#include "driver/compilation.h"
#include "import/import.h"
#include "pass/evaluate.h"

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
  TRY(evaluate_graph(reference->arena, graph, reference->memory,
                     reference->error));
  for (size_t i = 0; i < graph->outputs.count; i++) {
    const struct value *value = graph->outputs.data[i];
    size_t count;
    if (value_count(value, &count))
      memcpy(reference->outputs[i], reference->memory[value->id],
             count * adze_dtype_bytes(value->dtype));
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
