/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: small networks with random weights; their plan's kernels, made
 * by the templates with random knobs, run on the interpreter. */
#include "lower/test/random_network.h"

#include <math.h>

#include "adze/runtime.h"
#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "ir/simplify.h"
#include "lower/lower.h"
#include "pass/evaluate.h"
#include "schedule/regroup.h"

static size_t template_uses[16];
size_t network_regrouped;

const char *const network_targets[3] = {
    "llvm -mcpu=x86-64", "llvm -mcpu=haswell", "llvm -mcpu=znver4"};

size_t network_uses(const char *name) {
  for (size_t i = 0; i < template_table_count; i++)
    if (!strcmp(template_table[i]->name, name))
      return template_uses[i];
  fail_msg("no template %s", name);
  return 0;
}

static uint32_t next_random(struct network *net) {
  net->seed = net->seed * 1664525u + 1013904223u;
  return net->seed >> 8;
}
int64_t network_pick(struct network *net, int64_t low, int64_t high) {
  return low + (int64_t)(next_random(net) % (uint32_t)(high - low + 1));
}
static float number(struct network *net) {
  return (float)((int)(next_random(net) % 2001) - 1000) / 1000.0f;
}

struct value *network_constant(struct network *net, size_t rank,
                               const int64_t *dims) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  float *data = ARENA_ARRAY(net->arena, float, count);
  for (size_t i = 0; i < count; i++)
    data[i] = number(net);
  return graph_add_constant_data(net->graph, NULL, ADZE_F32, dims, rank, data);
}

struct value *network_apply(struct network *net, const struct op_def *op,
                            struct value **inputs, size_t count) {
  struct node *node = graph_add_node(net->graph, op, NULL, inputs, count, 1);
  enum adze_status status = node_infer(net->graph, node, &net->error);
  if (status != ADZE_OK)
    fail_msg("%s", net->error.message);
  return node->outputs[0];
}

struct value *network_unary(struct network *net, const struct op_def *op,
                            struct value *x) {
  return network_apply(net, op, &x, 1);
}
struct value *network_binary(struct network *net, const struct op_def *op,
                             struct value *a, struct value *b) {
  struct value *inputs[2] = {a, b};
  return network_apply(net, op, inputs, 2);
}

struct conv_spec network_same_conv(int64_t out, int64_t kernel) {
  int64_t pad = kernel / 2;
  return (struct conv_spec){.out = out,
                            .kernel = {kernel, kernel},
                            .stride = {1, 1},
                            .dilation = {1, 1},
                            .pads = {pad, pad, pad, pad},
                            .group = 1};
}

size_t network_count_nodes(const struct network *net, const struct op_def *op) {
  size_t count = 0;
  for (size_t i = 0; i < net->graph->nodes.count; i++)
    count += net->graph->nodes.data[i]->op == op;
  return count;
}

struct value *network_conv(struct network *net, const struct op_def *op,
                           struct value *x, const struct conv_spec *spec,
                           bool bias) {
  int64_t channels = value_dim(x, 1);
  int64_t dims[4] = {spec->out, channels / spec->group, spec->kernel[0],
                     spec->kernel[1]};
  if (op == &op_conv_transpose) {
    dims[0] = channels;
    dims[1] = spec->out / spec->group;
  }
  struct value *inputs[3] = {x, network_constant(net, 4, dims), NULL};
  if (bias)
    inputs[2] = network_constant(net, 1, &spec->out);
  struct node *node =
      graph_add_node(net->graph, op, NULL, inputs, bias ? 3 : 2, 1);
  node_set_ints(net->graph, node, "strides", spec->stride, 2);
  node_set_ints(net->graph, node, "dilations", spec->dilation, 2);
  node_set_ints(net->graph, node, "pads", spec->pads, 4);
  node_set_int(node, "group", spec->group);
  if (node_infer(net->graph, node, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return node->outputs[0];
}

struct value *network_windows(struct network *net, struct value *x,
                              const struct conv_spec *spec, bool average) {
  struct node *node;
  network_add_node(net, average ? &op_average_pool : &op_max_pool, &x, 1,
                   &node);
  node_set_ints(net->graph, node, "kernel_shape", spec->kernel, 2);
  node_set_ints(net->graph, node, "strides", spec->stride, 2);
  node_set_ints(net->graph, node, "dilations", spec->dilation, 2);
  node_set_ints(net->graph, node, "pads", spec->pads, 4);
  node_set_int(node, "ceil_mode", network_pick(net, 0, 3) == 0);
  if (average)
    node_set_int(node, "count_include_pad", network_pick(net, 0, 1));
  return network_infer_node(net, node);
}

struct value *network_pool(struct network *net, struct value *x, int64_t most) {
  struct conv_spec spec;
  bool average = network_pick(net, 0, 1);
  for (int i = 0; i < 2; i++) {
    spec.kernel[i] =
        network_pick(net, 1, most > 3 && network_pick(net, 0, 3) ? 3 : most);
    spec.stride[i] = network_pick(net, 1, most > 3 ? 3 : 2);
    spec.dilation[i] = most <= 3 || network_pick(net, 0, 3) ? 1 : 2;
    int64_t reach = (spec.kernel[i] - 1) * spec.dilation[i];
    spec.pads[i] = network_pick(net, 0, reach < 2 ? reach : 2);
    spec.pads[2 + i] = network_pick(net, 0, reach < 2 ? reach : 2);
  }
  return network_windows(net, x, &spec, average);
}

struct value *network_global(struct network *net, const struct op_def *op,
                             struct value *x) {
  static const int64_t axes[2] = {2, 3};
  struct node *node;
  network_add_node(net, op, &x, 1, &node);
  node_set_ints(net->graph, node, "axes", axes, 2);
  return network_infer_node(net, node);
}

void network_start(struct network *net, uint32_t seed, const char *target) {
  memset(net, 0, sizeof *net);
  net->seed = seed;
  net->arena = arena_create("test");
  net->graph = graph_create(net->arena, "net");
  if (machine_parse(net->arena, target, &net->machine, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
}

struct value *network_input(struct network *net, size_t rank,
                            const int64_t *dims) {
  const struct expr *shape[GRAPH_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    shape[i] = expr_index(net->graph->pool, dims[i]);
  for (size_t i = 2; i < 4 && net->is_open; i++) {
    shape[i] = expr_variable(net->graph->pool,
                             graph_symbol(net->graph, i == 2 ? "H" : "W"));
    net->sizes[i - 2] = dims[i];
  }
  return graph_add_input(net->graph, NULL, ADZE_F32, shape, rank);
}

struct value *network_add_node(struct network *net, const struct op_def *op,
                               struct value **inputs, size_t count,
                               struct node **out) {
  *out = graph_add_node(net->graph, op, NULL, inputs, count, 1);
  return (*out)->outputs[0];
}
struct value *network_infer_node(struct network *net, struct node *node) {
  if (node_infer(net->graph, node, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return node->outputs[0];
}

/* ---- Running the plan on the interpreter -------------------------------- */
struct memory {
  void *data;
  size_t bytes;
};

static struct memory buffer_memory(struct network *net,
                                   const struct buffer *buffer) {
  struct graph *graph = net->graph;
  struct substitution sizes[NETWORK_SYMBOLS];
  for (size_t i = 0; i < graph->symbols.count; i++)
    sizes[i] = (struct substitution){graph->symbols.data[i],
                                     expr_index(graph->pool, net->sizes[i])};
  int64_t elements = 0;
  assert_true(expr_get_integer(
      simplify(graph->pool, expr_substitute(graph->pool, buffer->size, sizes,
                                            graph->symbols.count)),
      &elements));
  size_t bytes = (size_t)elements * adze_dtype_bytes(buffer->dtype);
  struct memory memory = {arena_alloc(net->arena, bytes), bytes};
  memset(memory.data, 0xff, bytes); /* NaNs: what is not written shows */
  return memory;
}

static struct memory make_constant(struct network *net,
                                   const struct packed_constant *packed) {
  const struct constant *source = packed->source->constant;
  if (!packed->stage)
    return (struct memory){(void *)(uintptr_t)source->data, source->bytes};
  struct memory memory = buffer_memory(net, packed->buffer);
  struct stage *stage = packed->stage;
  struct buffer *parameters[2] = {packed->buffer, packed->source_buffer};
  void *data[2] = {memory.data, (void *)(uintptr_t)source->data};
  size_t bytes[2] = {memory.bytes, source->bytes};
  struct function *function =
      expand(net->graph->pool, "pack", &stage, 1, parameters, 2);
  if (interpret(function, data, bytes, NULL, 0, 1, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return memory;
}

static const char *printed(struct network *net,
                           const struct function *function) {
  struct text text = {.arena = net->arena};
  function_print(&text, function);
  return text_string(&text);
}

/* Some values of the template's knobs. */
static void vary_knobs(struct network *net, const struct builder *builder,
                       int64_t *knobs) {
  const struct template *template = builder->group->template;
  int64_t values[64], chosen[TEMPLATE_MAX_KNOBS] = {0};
  if (template->choose)
    template->choose(builder, chosen);
  for (size_t k = 0; template->knobs && template->knobs[k]; k++) {
    size_t count = template->space(builder, k, values, ARRAY_COUNT(values));
    bool found = false;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
      found = found || values[i] == chosen[k];
    if (!found)
      fail_msg("%s chooses %d for %s", template->name, (int)chosen[k],
               template->knobs[k]);
    knobs[k] = values[network_pick(net, 0, (int64_t)count - 1)];
  }
}

/* The trace applied to the same stages made anew gives the same function. */
static void check_trace(struct network *net, const struct builder *made,
                        const struct function *function, const char *trace) {
  struct builder builder;
  struct schedule schedule;
  builder_init(&builder, net->graph, &net->machine, made->group,
               made->placements, made->block, &net->error);
  assert_ok(builder_make_stages(&builder), net->error);
  struct function *fresh = builder_expand(&builder);
  schedule_init(&schedule, fresh, &net->machine, &net->error);
  assert_ok(schedule_replay(&schedule, trace, strlen(trace)), net->error);
  builder_add_halos(&builder, fresh);
  assert_string_equal(trace, text_string(&schedule.trace));
  assert_string_equal(printed(net, function), printed(net, fresh));
}

static void run_group(struct network *net, struct plan *plan,
                      struct group *group, struct memory *values,
                      int64_t workers) {
  struct builder builder;
  struct function *function = NULL;
  builder_init(&builder, net->graph, &net->machine, group, plan->placements,
               plan->block, &net->error);
  const char *trace = NULL;
  int64_t knobs[TEMPLATE_MAX_KNOBS] = {0}, scalars[NETWORK_SYMBOLS] = {0};
  for (size_t i = 0; i < template_table_count; i++)
    template_uses[i] += group->template == template_table[i];
  enum adze_status status = builder_make_stages(&builder);
  if (status == ADZE_OK && group->output->rank == 4)
    network_regrouped += regroup_width(&builder) !=
                         value_dim(group->nodes.data[0]->outputs[0], 3);
  if (status == ADZE_OK && network_pick(net, 0, 1)) {
    vary_knobs(net, &builder, knobs);
    builder.knobs = knobs;
  }
  if (status == ADZE_OK)
    status = builder_schedule(&builder, &function, &trace);
  if (status == ADZE_OK) {
    check_trace(net, &builder, function, trace);
    status = verify_structured(function, &net->error);
  }
  if (status == ADZE_OK)
    status = lower(function, &net->machine, &net->error);
  if (status == ADZE_OK)
    status = verify_flat(function, &net->error);
  void *data[64];
  size_t bytes[64];
  for (size_t i = 0; i < builder.parameters.count && status == ADZE_OK; i++) {
    const struct parameter *parameter = &builder.parameters.data[i];
    struct memory memory;
    if (parameter->constant) {
      memory = make_constant(net, parameter->constant);
    } else if (parameter->is_temporary) {
      memory = buffer_memory(net, parameter->buffer);
    } else {
      struct memory *known = &values[plan_root(plan, parameter->value)->id];
      if (!known->data)
        *known = buffer_memory(net, parameter->buffer);
      memory = *known;
    }
    data[i] = memory.data;
    bytes[i] = memory.bytes;
  }
  for (size_t i = 0; status == ADZE_OK && i < function->scalars.count; i++)
    scalars[i] = net->sizes[function->scalars.data[i]->symbol];
  if (status == ADZE_OK)
    status = interpret_all_workers(function, data, bytes, scalars, workers,
                                   &net->error);
  if (status != ADZE_OK && function && getenv("ADZE_DUMP"))
    fprintf(stderr, "%s%s\n", trace ? trace : "", printed(net, function));
  if (status != ADZE_OK)
    fail_msg("%s: %s", group->template->name, net->error.message);
}

const float *network_reference(struct network *net, const float *in,
                               const struct value *output) {
  struct graph *graph = net->graph;
  void **memory = ARENA_ARRAY(net->arena, void *, graph->value_count + 1);
  memory[graph->inputs.data[0]->id] = (void *)(uintptr_t)in;
  if (evaluate_graph(net->arena, graph, memory, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return memory[output->id];
}

/* The output of the planned network. */
const float *network_run_plan(struct network *net, float *in, size_t in_count) {
  struct graph *graph = net->graph;
  struct plan *plan;
  assert_ok(plan_make(graph, &net->machine, true, &plan, &net->error),
            net->error);
  struct memory *values =
      ARENA_ARRAY(net->arena, struct memory, graph->value_count + 1);
  values[graph->inputs.data[0]->id] =
      (struct memory){in, in_count * sizeof *in};
  for (size_t g = 0; g < plan->groups.count; g++)
    run_group(net, plan, plan->groups.data[g], values, 1 + (int64_t)g % 3);
  return values[graph->outputs.data[0]->id].data;
}

float *network_random_data(struct network *net, const struct value *value,
                           size_t *count) {
  assert_true(value_count(value, count));
  float *data = ARENA_ARRAY(net->arena, float, *count);
  for (size_t i = 0; i < *count; i++)
    data[i] = number(net);
  return data;
}

void network_compare(const float *actual, const float *expected, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; i++)
    largest = fmaxf(largest, fabsf(expected[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabsf(actual[i] - expected[i]) <= 1e-5f * (largest + 1)))
      fail_msg("element %zu of %zu: %g, expected %g", i, count, actual[i],
               expected[i]);
}

void network_check(struct network *net, struct value *output) {
  size_t in_count, count;
  vec_push(net->arena, &net->graph->outputs, output);
  assert_true(value_count(output, &count));
  float *in = network_random_data(net, net->graph->inputs.data[0], &in_count);
  const float *expected = network_reference(net, in, output);
  network_compare(network_run_plan(net, in, in_count), expected, count);
}

void network_finish(struct network *net, struct value *output) {
  network_check(net, output);
  arena_destroy(net->arena);
}
