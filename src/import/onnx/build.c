/* SPDX-License-Identifier: Apache-2.0 */
/* From struct onnx_model to a graph: inputs, initializers, nodes in an order in
 * which every value is made before it is used, outputs.
 *
 * ONNX demands that order of the file; not all writers keep it, so nodes are
 * sorted here, which also finds cycles, dangling and doubled names before any
 * operator is looked at.
 *
 * While a model is only inspected, a node that fails is noted and its outputs
 * stay without a value; nodes that need them are passed over in silence.
 */
#include "import/onnx/build.h"

#include <string.h>

enum { OPSET_OLDEST = 7 };

struct build {
  struct onnx_import import;
  const struct import_source *source;
  const struct onnx_model *model;
  struct import_shapes shapes;
  struct map producers; /* name -> onnx_node; also inputs, initializers */
  struct map operators; /* while inspecting: name -> size_t, its row */
};

/* Stands for "made by no node" in build.producers. */
static const struct onnx_node no_node;

/* ---- Names --------------------------------------------------------------- */

static enum adze_status declare(struct build *build, const char *name,
                                const struct onnx_node *node) {
  const struct onnx_node *other = map_set(
      &build->producers, name, (void *)(uintptr_t)(node ? node : &no_node));
  if (other == NULL)
    return ADZE_OK;
  return fail(build->import.error, ADZE_INVALID_MODEL,
              "the name '%s' is given to two values%s%s%s", name,
              node ? ", one by node '" : "", node ? node->name : "",
              node ? "'" : "");
}

static enum adze_status declare_all(struct build *build) {
  const struct onnx_model *model = build->model;
  struct map inputs;
  map_init(&inputs, build->source->arena);
  for (size_t i = 0; i < model->inputs.count; i++) {
    struct onnx_value *input = &model->inputs.data[i];
    TRY(declare(build, input->name, NULL));
    map_set(&inputs, input->name, input);
  }
  for (size_t i = 0; i < model->initializers.count; i++) {
    const char *name = model->initializers.data[i].name;
    if (map_set(&inputs, name, NULL) == NULL) /* not also an input */
      TRY(declare(build, name, NULL));
  }
  for (size_t i = 0; i < model->nodes.count; i++) {
    const struct onnx_node *node = &model->nodes.data[i];
    for (size_t k = 0; k < node->outputs.count; k++)
      if (node->outputs.data[k][0] != '\0')
        TRY(declare(build, node->outputs.data[k], node));
  }
  return ADZE_OK;
}

/* ---- Order --------------------------------------------------------------- */

struct order {
  const struct onnx_node **list; /* [count] */
  size_t count;
};

struct order_frame {
  size_t node, next_input;
};

struct ordering {
  struct build *build;
  uint8_t *state; /* by node: 0 new, 1 on the stack, 2 done */
  VEC(struct order_frame) stack;
  struct order order;
};

static enum adze_status visit_input(struct ordering *ordering,
                                    const struct onnx_node *node,
                                    const char *name) {
  struct build *build = ordering->build;
  const struct onnx_node *producer = map_get(&build->producers, name);
  if (producer == NULL)
    return fail(build->import.error, ADZE_INVALID_MODEL,
                "node '%s' (%s) uses '%s', which nothing makes", node->name,
                node->op_type, name);
  if (producer == &no_node)
    return ADZE_OK;
  size_t index = (size_t)(producer - build->model->nodes.data);
  if (ordering->state[index] == 1)
    return fail(build->import.error, ADZE_INVALID_MODEL,
                "node '%s' (%s) is part of a cycle through '%s'", node->name,
                node->op_type, name);
  if (ordering->state[index] == 0) {
    struct order_frame frame = {index, 0};
    ordering->state[index] = 1;
    vec_push(build->source->arena, &ordering->stack, frame);
  }
  return ADZE_OK;
}

static enum adze_status visit(struct ordering *ordering, size_t root) {
  struct build *build = ordering->build;
  struct order_frame frame = {root, 0};
  ordering->state[root] = 1;
  vec_push(build->source->arena, &ordering->stack, frame);
  while (ordering->stack.count > 0) {
    struct order_frame *top =
        &ordering->stack.data[ordering->stack.count - 1];
    const struct onnx_node *node = &build->model->nodes.data[top->node];
    if (top->next_input == node->inputs.count) {
      ordering->state[top->node] = 2;
      ordering->order.list[ordering->order.count++] = node;
      ordering->stack.count--;
      continue;
    }
    const char *name = node->inputs.data[top->next_input++];
    if (name[0] != '\0')
      TRY(visit_input(ordering, node, name));
  }
  return ADZE_OK;
}

static enum adze_status find_order(struct build *build, struct order *out) {
  struct arena *arena = build->source->arena;
  size_t count = build->model->nodes.count;
  struct ordering ordering = {
      .build = build,
      .state = ARENA_ARRAY(arena, uint8_t, count + 1),
      .order.list = ARENA_ARRAY(arena, const struct onnx_node *, count + 1),
  };
  for (size_t i = 0; i < count; i++)
    if (ordering.state[i] == 0)
      TRY(visit(&ordering, i));
  *out = ordering.order;
  return ADZE_OK;
}

/* ---- Inputs and initializers --------------------------------------------- */

/* Notes a failure and goes on while inspecting; else passes it up. */
static enum adze_status note(struct build *build, enum adze_status status) {
  struct import_report *report = build->source->report;
  if (status == ADZE_OK || report == NULL)
    return status;
  vec_push(build->source->arena, &report->problems,
           arena_strdup(build->source->arena, build->import.error->message));
  return ADZE_OK;
}

static enum adze_status add_initializer(struct build *build,
                                        const struct onnx_tensor *tensor) {
  struct onnx_import *import = &build->import;
  struct constant constant;
  const char *what = arena_printf(import->arena, "initializer '%s'",
                                  tensor->name);
  TRY(onnx_tensor_constant(&import->data, what, tensor, &constant));
  struct value *value =
      graph_add_constant(import->graph, tensor->name, &constant);
  map_set(&import->values, tensor->name, value);
  return ADZE_OK;
}

static enum adze_status add_input(struct build *build,
                                  const struct onnx_value *input) {
  struct onnx_import *import = &build->import;
  enum adze_dtype dtype = onnx_dtype(input->type);
  struct import_dim dims[GRAPH_MAX_RANK];
  if (!input->is_tensor || dtype == ADZE_DTYPE_NONE)
    return fail(import->error, ADZE_UNSUPPORTED,
                "input '%s' is not a tensor of a type that adze has",
                input->name);
  if (input->dims.count > GRAPH_MAX_RANK)
    return fail(import->error, ADZE_LIMIT,
                "input '%s' has more than %d dimensions", input->name,
                GRAPH_MAX_RANK);
  if (!input->has_shape)
    return fail(import->error, ADZE_UNSUPPORTED,
                "input '%s' has no shape, not even a rank", input->name);
  for (size_t i = 0; i < input->dims.count; i++) {
    dims[i] = input->dims.data[i];
    if (dims[i].extent < 0)
      return fail(import->error, ADZE_INVALID_MODEL,
                  "dimension %zu of input '%s' is negative", i,
                  input->name);
  }
  struct value *value;
  TRY(import_add_input(import->graph, input->name, dtype, dims,
                       input->dims.count, &build->shapes, &value,
                       import->error));
  map_set(&import->values, input->name, value);
  return ADZE_OK;
}

static enum adze_status add_sources(struct build *build) {
  const struct onnx_model *model = build->model;
  for (size_t i = 0; i < model->initializers.count; i++)
    TRY(note(build, add_initializer(build, &model->initializers.data[i])));
  /* An input that has a value already is a weight, as files before version 4
   * list them. */
  struct map initializers;
  map_init(&initializers, build->source->arena);
  for (size_t i = 0; i < model->initializers.count; i++)
    map_set(&initializers, model->initializers.data[i].name,
            &model->initializers.data[i]);
  for (size_t i = 0; i < model->inputs.count; i++)
    if (map_get(&initializers, model->inputs.data[i].name) == NULL)
      TRY(note(build, add_input(build, &model->inputs.data[i])));
  return import_check_shapes(build->import.graph, &build->shapes,
                             build->import.error);
}

/* ---- Nodes --------------------------------------------------------------- */

static struct import_count *count_operator(struct build *build,
                                           const struct onnx_node *node) {
  struct import_report *report = build->source->report;
  const char *name = node->op_type;
  if (node->domain[0] != '\0')
    name = arena_printf(build->source->arena, "%s.%s", node->domain,
                        node->op_type);
  size_t *place = map_get(&build->operators, name);
  if (place != NULL) {
    report->operators.data[*place].count++;
    return &report->operators.data[*place];
  }
  place = ARENA_NEW(build->source->arena, size_t);
  *place = report->operators.count;
  map_set(&build->operators, name, place);
  struct import_count row = {name, 1, false};
  vec_push(build->source->arena, &report->operators, row);
  return &report->operators.data[*place];
}

static bool inputs_are_there(struct build *build,
                             const struct onnx_node *node) {
  for (size_t i = 0; i < node->inputs.count; i++)
    if (node->inputs.data[i][0] != '\0' &&
        onnx_input(&build->import, node, i) == NULL)
      return false;
  return true;
}

static enum adze_status add_node(struct build *build,
                                 const struct onnx_node *node) {
  if (build->source->report == NULL)
    return onnx_import_node(&build->import, node);
  struct import_count *count = count_operator(build, node);
  if (!inputs_are_there(build, node))
    return ADZE_OK;
  enum adze_status status = onnx_import_node(&build->import, node);
  count->is_supported |= status == ADZE_OK;
  return note(build, status);
}

/* ---- Outputs ------------------------------------------------------------- */

static bool is_output(const struct graph *graph, const struct value *value) {
  for (size_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.data[i] == value)
      return true;
  return false;
}

static bool is_input(const struct graph *graph, const struct value *value) {
  for (size_t i = 0; i < graph->inputs.count; i++)
    if (graph->inputs.data[i] == value)
      return true;
  return false;
}

static enum adze_status add_output(struct build *build,
                                   const struct onnx_value *output) {
  struct onnx_import *import = &build->import;
  struct graph *graph = import->graph;
  if (map_get(&build->producers, output->name) == NULL)
    return fail(import->error, ADZE_INVALID_MODEL,
                "output '%s' is made by nothing",
                output->name);
  struct value *value = map_get(&import->values, output->name);
  if (value == NULL)
    return ADZE_OK; /* behind a node that failed, while inspecting */
  if (value->producer == NULL || is_output(graph, value)) {
    struct node *copy = graph_add_node(graph, &op_identity, output->name,
                                       &value, 1, 1);
    TRY(onnx_infer(import, copy));
    value = copy->outputs[0];
  }
  /* A model may hand an input through; the input keeps the name then. */
  if (map_get(&import->values, output->name) == value ||
      !is_input(graph, map_get(&graph->value_names, output->name)))
    graph_rename_value(graph, value, output->name);
  vec_push(graph->arena, &graph->outputs, value);
  return ADZE_OK;
}

/* ---- The whole ----------------------------------------------------------- */

static enum adze_status find_opset(struct build *build) {
  const struct onnx_model *model = build->model;
  int64_t version = 0;
  for (size_t i = 0; i < model->opsets.count; i++)
    if (model->opsets.data[i].domain[0] == '\0')
      version = model->opsets.data[i].version;
  if (version <= 0)
    version = model->opsets.count == 0 ? 1 : 0;
  if (version < OPSET_OLDEST || version > INT32_MAX)
    return fail(build->import.error, ADZE_UNSUPPORTED,
                "opset %lld is not supported; %d or newer is expected",
                (long long)version, OPSET_OLDEST);
  build->import.opset = version;
  return ADZE_OK;
}

static enum adze_status check_model(struct build *build) {
  const struct onnx_model *model = build->model;
  struct adze_error *error = build->import.error;
  if (!model->has_graph)
    return fail(error, ADZE_INVALID_MODEL, "the file has no graph");
  if (model->nodes.count > ONNX_MAX_NODES)
    return fail(error, ADZE_LIMIT, "more than %zu nodes",
                ONNX_MAX_NODES);
  if (model->outputs.count == 0)
    return fail(error, ADZE_INVALID_MODEL, "the graph has no outputs");
  if (model->sparse_count > 0)
    return fail(error, ADZE_UNSUPPORTED,
                "sparse initializers are not supported");
  if (model->function_count > 0)
    return note(build, fail(error, ADZE_UNSUPPORTED,
                            "functions defined by the model are not "
                            "supported"));
  return ADZE_OK;
}

static enum adze_status build_all(struct build *build) {
  struct order order;
  TRY(check_model(build));
  TRY(find_opset(build));
  TRY(declare_all(build));
  TRY(find_order(build, &order));
  TRY(add_sources(build));
  for (size_t i = 0; i < order.count; i++)
    TRY(add_node(build, order.list[i]));
  for (size_t i = 0; i < build->model->outputs.count; i++)
    TRY(add_output(build, &build->model->outputs.data[i]));
  graph_sweep(build->import.graph);
  return ADZE_OK;
}

/* The first byte of a field of ModelProto, up to functions. */
static bool is_model_key(uint8_t byte) {
  static const uint8_t keys[] = {0x08, 0x12, 0x1a, 0x22, 0x28, 0x32,
                                 0x3a, 0x42, 0x72, 0xa2, 0xca, 0xd2};
  return memchr(keys, byte, sizeof keys) != NULL;
}

/* Whether an operator set (domain, version) or a graph may begin so. */
static bool is_inner_key(uint8_t outer, uint8_t byte) {
  if (outer == 0x42)
    return byte == 0x0a || byte == 0x10;
  return outer != 0x3a || ((byte & 7) == 2 && byte >> 3 > 0);
}

bool import_onnx_probe(const uint8_t *data, size_t size) {
  /* Usually ir_version is the first field, but any other may be. Many files
   * begin with such a byte (a BMP: "BM"), so what it holds, and the field that
   * comes next, are looked at too; the rest is up to the reader. */
  uint64_t value = 0;
  size_t at = 1;
  if (size < 2 || !is_model_key(data[0]))
    return false;
  for (int shift = 0; shift < 63 && at < size; shift += 7) {
    value |= (uint64_t)(data[at] & 127) << shift;
    if (!(data[at++] & 128))
      break;
  }
  if ((data[0] & 7) == 2) {
    if (value > 0 && at < size && !is_inner_key(data[0], data[at]))
      return false;
    at = value < size - at ? at + (size_t)value : size;
  }
  return at == size || is_model_key(data[at]);
}

enum adze_status import_onnx(const struct import_source *source,
                             struct graph **out, struct adze_error *error) {
  struct adze_error own;
  struct arena *arena = source->arena;
  struct onnx_model *model = ARENA_NEW(arena, struct onnx_model);
  struct protobuf_reader *reader = ARENA_NEW(arena, struct protobuf_reader);
  TRY(onnx_read(arena, source->path, source->data, source->size, reader, model,
                error));
  struct build build = {.source = source, .model = model};
  build.import = (struct onnx_import){
      .arena = arena,
      .graph = graph_create(arena, model->graph_name),
      .model = model,
      .error = error != NULL ? error : &own,
  };
  build.import.data = (struct onnx_data){
      .arena = arena,
      .path = source->path,
      .zero_missing = source->report != NULL,
      .error = build.import.error,
  };
  map_init(&build.import.data.files, arena);
  map_init(&build.import.values, arena);
  map_init(&build.producers, arena);
  map_init(&build.operators, arena);
  TRY(import_parse_shapes(arena,
                          source->options ? source->options->input_shapes
                                          : NULL,
                          &build.shapes, error));
  *out = build.import.graph;
  for (size_t i = 0; i < model->properties.count; i++)
    vec_push(arena, &build.import.graph->properties,
             model->properties.data[i]);
  if (source->report != NULL)
    source->report->producer = model->producer;
  enum adze_status status = build_all(&build);
  if (status != ADZE_OK &&
      !string_starts(build.import.error->message, source->path))
    return fail_prefix(build.import.error, source->path);
  if (source->report != NULL)
    source->report->version =
        arena_printf(arena, "opset %lld", (long long)build.import.opset);
  return status;
}
