/* SPDX-License-Identifier: Apache-2.0 */
/* What the package says about the model: index and mod.json. */
#include <inttypes.h>
#include <string.h>

#include "adze_config.h"
#include "driver/compilation.h"
#include "ir/loop_text.h"

/* Values of open dimensions beyond this are refused, so that sizes computed
 * from three of them fit 64 bits. */
#define SYMBOL_MAXIMUM 65536

static int64_t index_dim(const struct graph *graph, const struct expr *dim,
                         bool is_input) {
  int64_t size;
  if (expr_get_integer(dim, &size))
    return size;
  for (size_t i = 0; i < graph->symbols.count; i++)
    if (dim->kind == EXPR_VARIABLE && dim->variable == graph->symbols.data[i])
      return ~(int64_t)i;
  check(!is_input);
  return INT64_MIN;
}

static struct package_tensor *tensors(struct compilation *compilation,
                                      struct value *const *values, size_t count,
                                      bool are_inputs) {
  struct package_tensor *list =
      ARENA_ARRAY(compilation->arena, struct package_tensor, count + 1);
  for (size_t i = 0; i < count; i++) {
    list[i] = (struct package_tensor){
        .name = values[i]->name,
        .dtype = values[i]->dtype,
        .rank = values[i]->rank,
    };
    for (size_t d = 0; d < values[i]->rank; d++)
      list[i].dims[d] =
          index_dim(compilation->graph, values[i]->dims[d], are_inputs);
  }
  return list;
}

/* One row per step of the module. */
static struct package_kernel *kernels(struct compilation *compilation,
                                      size_t *count) {
  VEC(struct package_kernel) rows = {0};
  for (size_t g = 0; g < compilation->plan->groups.count; g++) {
    const struct group *group = compilation->plan->groups.data[g];
    const char *name = group_name(compilation->arena, group);
    uint64_t macs = group_macs(group);
    size_t phases =
        compilation->kernels.data[compilation->group_kernels.data[g]]
            .phase_count;
    for (size_t p = 0; p < phases; p++) {
      struct package_kernel row = {
          .name = name,
          .template_name = group->template->name,
          .flops = p == 0 ? 2.0 * (double)macs : 0,
      };
      vec_push(compilation->arena, &rows, row);
    }
  }
  *count = rows.count;
  return rows.data;
}

static size_t count_properties(const char *const *properties) {
  size_t count = 0;
  while (properties && properties[count * 2])
    count++;
  return count;
}

enum adze_status compile_open_package(struct compilation *compilation) {
  struct arena *arena = compilation->arena;
  const struct graph *graph = compilation->graph;
  const struct adze_compile_options *options = compilation->options;
  size_t symbol_count = graph->symbols.count;
  struct package_symbol *symbols =
      ARENA_ARRAY(arena, struct package_symbol, symbol_count + 1);
  for (size_t i = 0; i < symbol_count; i++)
    symbols[i] = (struct package_symbol){graph->symbols.data[i]->name,
                                         graph->symbols.data[i]->minimum > 1
                                             ? graph->symbols.data[i]->minimum
                                             : 1,
                                         SYMBOL_MAXIMUM};
  const char **constraints =
      ARENA_ARRAY(arena, const char *, graph->constraints.count + 1);
  for (size_t i = 0; i < graph->constraints.count; i++)
    constraints[i] = graph->constraints.data[i].sentence;
  size_t property_count = count_properties(options->properties);
  struct package_property *properties =
      ARENA_ARRAY(arena, struct package_property,
                  property_count + graph->properties.count + 1);
  for (size_t i = 0; i < property_count; i++)
    properties[i] = (struct package_property){options->properties[2 * i],
                                              options->properties[2 * i + 1]};
  /* So that nobody who prepares inputs does it twice. */
  if (options->mean_values || options->scale_values ||
      options->reverse_input_channels)
    properties[property_count++] =
        (struct package_property){"preprocessing", "compiled in"};
  /* After the caller's, since the first one of a name is what readers find. */
  for (size_t i = 0; i < graph->properties.count; i++)
    properties[property_count++] = (struct package_property){
        graph->properties.data[i].name, graph->properties.data[i].value};
  size_t row_count;
  struct package_kernel *rows = kernels(compilation, &row_count);
  struct package_contents contents = {
      .format = options->output_format,
      .path = compilation->output,
      .module_name = compilation->module_name,
      .name = graph->name,
      .target_line = compilation->machine.target_line,
      .version = ADZE_VERSION,
      .machine = compilation->machine.elf_machine,
      .features = compilation->machine.features,
      .feature_count = compilation->machine.feature_count,
      .symbols = symbols,
      .symbol_count = symbol_count,
      .inputs =
          tensors(compilation, graph->inputs.data, graph->inputs.count, true),
      .input_count = graph->inputs.count,
      .outputs = tensors(compilation, graph->outputs.data, graph->outputs.count,
                         false),
      .output_count = graph->outputs.count,
      .constraints = constraints,
      .constraint_count = graph->constraints.count,
      .kernels = rows,
      .kernel_count = row_count,
      .properties = properties,
      .property_count = property_count,
  };
  struct package_contents *kept = arena_copy(arena, &contents, sizeof contents);
  return package_open(arena, kept, &compilation->writer, compilation->error);
}

/* ---- mod.json ------------------------------------------------------------ */
static void json_string(struct text *text, const char *string) {
  text_add(text, "\"");
  for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
    if (*c == '"' || *c == '\\')
      text_format(text, "\\%c", *c);
    else if (*c < 0x20 || *c >= 0x7f)
      text_format(text, "\\u%04x", *c);
    else
      text_add_n(text, (const char *)c, 1);
  }
  text_add(text, "\"");
}

static void json_dims(struct text *text, const struct value *value) {
  text_add(text, "[");
  for (size_t d = 0; d < value->rank; d++) {
    int64_t size;
    text_add(text, d ? ", " : "");
    if (expr_get_integer(value->dims[d], &size)) {
      text_format(text, "%" PRId64, size);
    } else {
      struct text dim = {.arena = text->arena};
      expr_print(&dim, value->dims[d]);
      json_string(text, text_string(&dim));
    }
  }
  text_add(text, "]");
}

static void json_values(struct text *text, const char *key,
                        struct value *const *values, size_t count) {
  text_format(text, "  \"%s\": [", key);
  for (size_t i = 0; i < count; i++) {
    text_add(text, i ? ",\n    {\"name\": " : "\n    {\"name\": ");
    json_string(text, values[i]->name);
    text_format(text, ", \"dtype\": \"%s\", \"shape\": ",
                adze_dtype_name(values[i]->dtype));
    json_dims(text, values[i]);
    text_add(text, "}");
  }
  text_add(text, "\n  ],\n");
}

static void json_groups(struct text *text,
                        const struct compilation *compilation) {
  const struct plan *plan = compilation->plan;
  text_add(text, "  \"kernels\": [");
  for (size_t g = 0; g < plan->groups.count; g++) {
    const struct group *group = plan->groups.data[g];
    text_format(text,
                "%s\n    {\"template\": \"%s\", \"code\": %zu, "
                "\"nodes\": [",
                g ? "," : "", group->template->name,
                compilation->group_kernels.data[g]);
    for (size_t n = 0; n < group->nodes.count; n++) {
      text_add(text, n ? ", {\"op\": " : "{\"op\": ");
      json_string(text, group->nodes.data[n]->op->name);
      text_add(text, ", \"name\": ");
      json_string(text, group->nodes.data[n]->name);
      text_add(text, "}");
    }
    text_add(text, "], \"output\": ");
    json_string(text, group->output->name);
    text_add(text, ", \"shape\": ");
    json_dims(text, group->output);
    text_add(text, "}");
  }
  text_add(text, "\n  ],\n  \"traces\": [");
  for (size_t k = 0; k < compilation->kernels.count; k++) {
    text_add(text, k ? ",\n    " : "\n    ");
    json_string(text, compilation->kernels.data[k].trace);
  }
  text_add(text, "\n  ]\n");
}

const char *compilation_json(struct compilation *compilation) {
  const struct graph *graph = compilation->graph;
  struct text text = {.arena = compilation->arena};
  text_add(&text, "{\n  \"name\": ");
  json_string(&text, graph->name);
  text_add(&text, ",\n  \"adze\": ");
  json_string(&text, ADZE_VERSION);
  text_add(&text, ",\n  \"target\": ");
  json_string(&text, compilation->machine.target_line);
  text_add(&text, ",\n");
  json_values(&text, "inputs", graph->inputs.data, graph->inputs.count);
  json_values(&text, "outputs", graph->outputs.data, graph->outputs.count);
  json_groups(&text, compilation);
  text_add(&text, "}\n");
  return text_string(&text);
}
