/* SPDX-License-Identifier: Apache-2.0 */
/* adze_summarize: what is in a model, without compiling it. */
#include <stdlib.h>
#include <string.h>

#include "driver/compilation.h"
#include "import/import.h"

struct adze_model_summary {
  struct arena *arena;
  const char *path;
  const struct adze_compile_options *options;
  struct adze_error *error;
  struct import_report report;
  uint64_t parameters, parameter_bytes, macs;
};

static int by_falling_count(const void *a, const void *b) {
  const struct import_count *x = a, *y = b;
  if (x->count != y->count)
    return x->count < y->count ? 1 : -1;
  return strcmp(x->name, y->name);
}

static enum adze_status summarize_body(void *argument) {
  struct adze_model_summary *summary = argument;
  struct import_options import = {
      .input_shapes = summary->options->input_shapes};
  TRY(import_inspect(summary->arena, summary->path, &import, &summary->report,
                     summary->error));
  struct graph *graph = summary->report.graph;
  bool *counted = ARENA_ARRAY(summary->arena, bool, graph->value_count + 1);
  for (size_t i = 0; i < graph->nodes.count; i++) {
    const struct node *node = graph->nodes.data[i];
    summary->macs += node_macs(node);
    for (size_t k = 0; k < node->input_count; k++) {
      const struct value *value = node->inputs[k];
      if (!value || !value->constant || counted[value->id])
        continue;
      counted[value->id] = true;
      summary->parameters += value->constant->count;
      summary->parameter_bytes += value->constant->bytes;
    }
  }
  if (summary->report.operators.count)
    qsort(summary->report.operators.data, summary->report.operators.count,
          sizeof *summary->report.operators.data, by_falling_count);
  return ADZE_OK;
}

enum adze_status adze_summarize(const char *model_path,
                                const struct adze_compile_options *options,
                                adze_model_summary **out,
                                struct adze_error *error) {
  struct adze_compile_options defaults;
  adze_compile_options_init(&defaults);
  struct adze_model_summary *summary = calloc(1, sizeof *summary);
  struct arena *arena = arena_create("summary");
  if (!summary || !arena) {
    free(summary);
    arena_destroy(arena);
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", model_path);
  }
  *summary = (struct adze_model_summary){
      .arena = arena,
      .path = model_path,
      .options = options ? options : &defaults,
      .error = error,
  };
  enum adze_status status = guard_run(summarize_body, summary, error);
  if (status != ADZE_OK) {
    adze_summary_release(summary);
    return status;
  }
  summary->error = NULL;
  *out = summary;
  return ADZE_OK;
}

void adze_summary_release(adze_model_summary *summary) {
  if (!summary)
    return;
  arena_destroy(summary->arena);
  free(summary);
}

const char *adze_summary_format(const adze_model_summary *summary) {
  return summary->report.format;
}

static void describe(const struct value *value,
                     struct adze_tensor_info *out) {
  size_t count;
  *out = (struct adze_tensor_info){.name = value->name,
                                   .dtype = value->dtype,
                                   .rank = (int)value->rank};
  for (size_t d = 0; d < value->rank; d++) {
    out->dims[d] = value_dim(value, d);
    if (value->dims[d]->kind == EXPR_VARIABLE)
      out->dim_names[d] = value->dims[d]->variable->name;
  }
  if (value_is_static(value) && value_count(value, &count))
    out->bytes = count * adze_dtype_bytes(value->dtype);
}

size_t adze_summary_input_count(const adze_model_summary *summary) {
  return summary->report.graph->inputs.count;
}
void adze_summary_input(const adze_model_summary *summary, size_t index,
                        struct adze_tensor_info *out) {
  check(index < summary->report.graph->inputs.count);
  describe(summary->report.graph->inputs.data[index], out);
}
size_t adze_summary_output_count(const adze_model_summary *summary) {
  return summary->report.graph->outputs.count;
}
void adze_summary_output(const adze_model_summary *summary, size_t index,
                         struct adze_tensor_info *out) {
  check(index < summary->report.graph->outputs.count);
  describe(summary->report.graph->outputs.data[index], out);
}
size_t adze_summary_operator_count(const adze_model_summary *summary) {
  return summary->report.operators.count;
}
void adze_summary_operator(const adze_model_summary *summary, size_t index,
                           struct adze_count *out) {
  check(index < summary->report.operators.count);
  *out = (struct adze_count){summary->report.operators.data[index].name,
                             summary->report.operators.data[index].count};
}
uint64_t adze_summary_parameters(const adze_model_summary *summary) {
  return summary->parameters;
}
uint64_t adze_summary_parameter_bytes(const adze_model_summary *summary) {
  return summary->parameter_bytes;
}
uint64_t adze_summary_macs(const adze_model_summary *summary) {
  return summary->macs;
}
size_t adze_summary_problem_count(const adze_model_summary *summary) {
  return summary->report.problems.count;
}
const char *adze_summary_problem(const adze_model_summary *summary,
                                 size_t index) {
  check(index < summary->report.problems.count);
  return summary->report.problems.data[index];
}
