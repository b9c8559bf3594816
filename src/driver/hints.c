/* SPDX-License-Identifier: Apache-2.0 */
/* --shape-hint: the likely sizes of open dimensions. They decide which buffers
 * share memory well; that results are right never depends on them. */
#include "driver/compilation.h"
#include "import/import_format.h"

static enum adze_status hint_input(struct graph *graph,
                                   const struct value *input,
                                   const struct import_shape *shape,
                                   struct adze_error *error) {
  if (shape->rank != input->rank)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "'%s' has %zu dimensions, where %zu are given", input->name,
                input->rank, shape->rank);
  for (size_t d = 0; d < input->rank; d++)
    for (size_t i = 0; i < graph->symbols.count; i++)
      if (input->dims[d]->kind == EXPR_VARIABLE &&
          input->dims[d]->variable == graph->symbols.data[i])
        graph->symbols.data[i]->hint = shape->dims[d].extent;
  return ADZE_OK;
}

static enum adze_status apply(struct graph *graph, const char *text,
                              struct adze_error *error) {
  struct import_shapes shapes;
  TRY(import_parse_shapes(graph->arena, text, &shapes, error));
  for (size_t i = 0; i < graph->inputs.count; i++)
    for (size_t k = 0; k < shapes.list.count; k++) {
      struct import_shape *shape = &shapes.list.data[k];
      if (!string_equal(shape->name, graph->inputs.data[i]->name))
        continue;
      shape->is_used = true;
      TRY(hint_input(graph, graph->inputs.data[i], shape, error));
    }
  return import_check_shapes(graph, &shapes, error);
}

enum adze_status apply_shape_hint(struct graph *graph,
                                  const struct adze_compile_options *options,
                                  struct adze_error *error) {
  if (!options->shape_hint ||
      apply(graph, options->shape_hint, error) == ADZE_OK)
    return ADZE_OK;
  return error ? fail_prefix(error, "--shape-hint") : ADZE_INVALID_ARGUMENT;
}
