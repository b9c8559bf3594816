/* SPDX-License-Identifier: Apache-2.0 */
/* Preprocessing compiled into the model: the channels of an image input are
 * put in reverse order, then every channel c becomes (x - mean[c]) * scale[c].
 * These are ordinary nodes after the input, so they join whatever kernel reads
 * it first. */
#include <stdlib.h>
#include <string.h>

#include "driver/compilation.h"

#define MAX_CHANNELS 64

/* The numbers for an input: "a,b,c" for every input, or "name:[a,b,c] …". */
static enum adze_status numbers_for(const char *text, const char *name,
                                    const char *option, double *values,
                                    size_t *count, struct adze_error *error) {
  *count = 0;
  if (!text)
    return ADZE_OK;
  const char *at = text;
  if (strchr(text, '[')) {
    size_t length = strlen(name);
    for (at = text; at; at = strchr(at, ' ')) {
      at += strspn(at, " ");
      if (!strncmp(at, name, length) && at[length] == ':' &&
          at[length + 1] == '[')
        break;
    }
    if (!at)
      return ADZE_OK;
    at += length + 2;
  }
  for (;;) {
    char *end;
    if (*count == MAX_CHANNELS)
      break;
    values[(*count)++] = strtod(at, &end);
    if (end == at || (*end && *end != ',' && *end != ']'))
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "--%s: expected numbers separated by commas, found '%s'",
                  option, text);
    if (*end != ',')
      return ADZE_OK;
    at = end + 1;
  }
  return fail(error, ADZE_INVALID_ARGUMENT, "--%s: more than %d numbers",
              option, MAX_CHANNELS);
}

/* A constant [1, C, 1, …] for an input of this rank. */
static enum adze_status channel_constant(struct graph *graph,
                                         const struct value *input,
                                         const char *option,
                                         const double *values, size_t count,
                                         struct value **out,
                                         struct adze_error *error) {
  int64_t dims[GRAPH_MAX_RANK];
  float data[MAX_CHANNELS];
  int64_t channels = value_dim(input, 1);
  if (count != 1 && (int64_t)count != channels)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "--%s: input '%s' has %lld channels, %zu numbers were given",
                option, input->name, (long long)channels, count);
  for (size_t i = 0; i < input->rank; i++)
    dims[i] = i == 1 ? (int64_t)count : 1;
  for (size_t i = 0; i < count; i++)
    data[i] = (float)values[i];
  *out = graph_add_constant_data(graph, option, ADZE_F32, dims, input->rank,
                                 data);
  return ADZE_OK;
}

/* Appends op(value, operand) and makes it *value. */
static enum adze_status append(struct graph *graph, const struct op_def *op,
                               struct value **value, struct value *operand,
                               struct adze_error *error) {
  struct value *inputs[2] = {*value, operand};
  struct node *node = graph_add_node(graph, op, NULL, inputs, 2, 1);
  TRY(node_infer(graph, node, error));
  *value = node->outputs[0];
  return ADZE_OK;
}

static enum adze_status reverse_channels(struct graph *graph,
                                         struct value **value,
                                         struct adze_error *error) {
  static const int64_t axis = 1, start = -1, end = INT64_MIN + 1, step = -1;
  struct node *node = graph_add_node(graph, &op_slice, NULL, value, 1, 1);
  node_set_ints(graph, node, "axes", &axis, 1);
  node_set_ints(graph, node, "starts", &start, 1);
  node_set_ints(graph, node, "ends", &end, 1);
  node_set_ints(graph, node, "steps", &step, 1);
  TRY(node_infer(graph, node, error));
  *value = node->outputs[0];
  return ADZE_OK;
}

static enum adze_status preprocess_input(
    struct graph *graph, struct value *input,
    const struct adze_compile_options *options, struct adze_error *error) {
  double mean[MAX_CHANNELS], scale[MAX_CHANNELS];
  size_t mean_count, scale_count, before = graph->nodes.count;
  TRY(numbers_for(options->mean_values, input->name, "mean-values", mean,
                  &mean_count, error));
  TRY(numbers_for(options->scale_values, input->name, "scale-values", scale,
                  &scale_count, error));
  struct value *value = input, *operand;
  if (options->reverse_input_channels)
    TRY(reverse_channels(graph, &value, error));
  if (mean_count) {
    TRY(channel_constant(graph, input, "mean-values", mean, mean_count,
                         &operand, error));
    TRY(append(graph, &op_sub, &value, operand, error));
  }
  if (scale_count) {
    TRY(channel_constant(graph, input, "scale-values", scale, scale_count,
                         &operand, error));
    TRY(append(graph, &op_mul, &value, operand, error));
  }
  if (value == input)
    return ADZE_OK;
  /* Everyone but the new nodes takes the preprocessed value. */
  for (size_t i = 0; i < before; i++)
    for (size_t k = 0; k < graph->nodes.data[i]->input_count; k++)
      if (graph->nodes.data[i]->inputs[k] == input)
        graph->nodes.data[i]->inputs[k] = value;
  return ADZE_OK;
}

enum adze_status apply_preprocessing(
    struct graph *graph, const struct adze_compile_options *options,
    struct adze_error *error) {
  if (!options->mean_values && !options->scale_values &&
      !options->reverse_input_channels)
    return ADZE_OK;
  bool found = false;
  for (size_t i = 0; i < graph->inputs.count; i++) {
    struct value *input = graph->inputs.data[i];
    if (input->rank != 4 || input->dtype != ADZE_F32)
      continue;
    found = true;
    TRY(preprocess_input(graph, input, options, error));
  }
  if (!found)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s has no fp32 input of rank 4 to preprocess", graph->name);
  graph_sweep(graph);
  return ADZE_OK;
}
