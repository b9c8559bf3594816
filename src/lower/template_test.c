/* SPDX-License-Identifier: Apache-2.0 */
/* From graphs to flat kernels: random small networks are planned, scheduled by
 * the templates and lowered, and the flat code, interpreted, is compared with
 * the operators' own expressions. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adze/runtime.h"
#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "ir/simplify.h"
#include "lower/lower.h"
#include "pass/evaluate.h"
#include "pass/plan.h"

#define NETWORK_SYMBOLS 2 /* height and width */

struct network {
  bool is_chain; /* heights and widths are open in one of two runs */
  bool is_open; /* height and width of rank 4 inputs */
  int64_t sizes[NETWORK_SYMBOLS];
  struct arena *arena;
  struct graph *graph;
  struct machine machine;
  struct adze_error error;
  uint32_t seed;
  bool winograd;
};

static uint32_t next_random(struct network *net) {
  net->seed = net->seed * 1664525u + 1013904223u;
  return net->seed >> 8;
}
static int64_t pick(struct network *net, int64_t low, int64_t high) {
  return low + (int64_t)(next_random(net) % (uint32_t)(high - low + 1));
}
static float number(struct network *net) {
  return (float)((int)(next_random(net) % 2001) - 1000) / 1000.0f;
}

static struct value *constant(struct network *net, size_t rank,
                              const int64_t *dims) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  float *data = ARENA_ARRAY(net->arena, float, count);
  for (size_t i = 0; i < count; i++)
    data[i] = number(net);
  return graph_add_constant_data(net->graph, NULL, ADZE_F32, dims, rank,
                                 data);
}

static struct value *apply(struct network *net, const struct op_def *op,
                           struct value **inputs, size_t count) {
  struct node *node =
      graph_add_node(net->graph, op, NULL, inputs, count, 1);
  enum adze_status status = node_infer(net->graph, node, &net->error);
  if (status != ADZE_OK)
    fail_msg("%s", net->error.message);
  return node->outputs[0];
}

static struct value *unary(struct network *net, const struct op_def *op,
                           struct value *x) {
  return apply(net, op, &x, 1);
}
static struct value *binary(struct network *net, const struct op_def *op,
                            struct value *a, struct value *b) {
  struct value *inputs[2] = {a, b};
  return apply(net, op, inputs, 2);
}

struct conv_spec {
  int64_t out, kernel[2], stride[2], dilation[2], pads[4], group;
};

static struct value *conv(struct network *net, const struct op_def *op,
                          struct value *x, const struct conv_spec *spec,
                          bool bias) {
  int64_t channels = value_dim(x, 1);
  int64_t dims[4] = {spec->out, channels / spec->group, spec->kernel[0],
                     spec->kernel[1]};
  if (op == &op_conv_transpose) {
    dims[0] = channels;
    dims[1] = spec->out;
  }
  struct value *inputs[3] = {x, constant(net, 4, dims), NULL};
  if (bias)
    inputs[2] = constant(net, 1, &spec->out);
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

static void start(struct network *net, uint32_t seed, const char *target) {
  memset(net, 0, sizeof *net);
  net->seed = seed;
  net->arena = arena_create("test");
  net->graph = graph_create(net->arena, "net");
  if (machine_parse(net->arena, target, &net->machine, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
}

static struct value *input(struct network *net, size_t rank,
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

/* How often each template took a group. */
static size_t uses[16];

/* ---- Running the plan on the interpreter ---------------------------------------- */
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
    knobs[k] = values[pick(net, 0, (int64_t)count - 1)];
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
    uses[i] += group->template == template_table[i];
  enum adze_status status = builder_make_stages(&builder);
  /* Winograd's columns may cross rows of tiles only as choose picks them. */
  if (status == ADZE_OK && pick(net, 0, 1) &&
      group->template != &template_conv_winograd) {
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
      struct memory *known =
          &values[plan_root(plan, parameter->value)->id];
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

static const float *reference(struct network *net, const float *in,
                              const struct value *output) {
  struct graph *graph = net->graph;
  void **memory = ARENA_ARRAY(net->arena, void *, graph->value_count + 1);
  memory[graph->inputs.data[0]->id] = (void *)(uintptr_t)in;
  if (evaluate_graph(net->arena, graph, memory, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return memory[output->id];
}

/* The output of the planned network. */
static const float *run_plan(struct network *net, float *in, size_t in_count) {
  struct graph *graph = net->graph;
  struct plan *plan;
  assert_ok(plan_make(graph, &net->machine, net->winograd, &plan, &net->error),
            net->error);
  struct memory *values =
      ARENA_ARRAY(net->arena, struct memory, graph->value_count + 1);
  values[graph->inputs.data[0]->id] =
      (struct memory){in, in_count * sizeof *in};
  for (size_t g = 0; g < plan->groups.count; g++)
    run_group(net, plan, plan->groups.data[g], values, 1 + (int64_t)g % 3);
  return values[graph->outputs.data[0]->id].data;
}

static float *random_data(struct network *net, const struct value *value,
                          size_t *count) {
  assert_true(value_count(value, count));
  float *data = ARENA_ARRAY(net->arena, float, *count);
  for (size_t i = 0; i < *count; i++)
    data[i] = number(net);
  return data;
}

static void compare(const float *actual, const float *expected, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; i++)
    largest = fmaxf(largest, fabsf(expected[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabsf(actual[i] - expected[i]) <= 1e-5f * (largest + 1)))
      fail_msg("element %zu of %zu: %g, expected %g", i, count, actual[i],
               expected[i]);
}

/* Compares the planned network with its reference, and frees it. */
static void finish(struct network *net, struct value *output) {
  size_t in_count, count;
  vec_push(net->arena, &net->graph->outputs, output);
  assert_true(value_count(output, &count));
  float *in = random_data(net, net->graph->inputs.data[0], &in_count);
  const float *expected = reference(net, in, output);
  compare(run_plan(net, in, in_count), expected, count);
  arena_destroy(net->arena);
}

/* ---- Networks --------------------------------------------------------------------- */
static const char *const targets[] = {"llvm -mcpu=x86-64", "llvm -mcpu=haswell",
                                      "llvm -mcpu=znver4"};

static struct conv_spec random_conv(struct network *net, int64_t group) {
  struct conv_spec spec = {.out = group * pick(net, 1, 20), .group = group};
  for (int i = 0; i < 2; i++) {
    spec.kernel[i] = pick(net, 1, 4);
    spec.stride[i] = pick(net, 1, 2);
    spec.dilation[i] = pick(net, 1, 2);
    spec.pads[i] = pick(net, 0, 2);
    spec.pads[2 + i] = pick(net, 0, 2);
  }
  return spec;
}

static void test_convolutions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {pick(&net, 1, 2), pick(&net, 1, 20), pick(&net, 8, 12),
                       pick(&net, 8, 20)};
    struct value *x = input(&net, 4, dims);
    struct conv_spec first = random_conv(&net, 1), second;
    x = unary(&net, &op_relu, conv(&net, &op_conv, x, &first, true));
    second = random_conv(&net, 1);
    finish(&net, conv(&net, &op_conv, x, &second, false));
  }
}

static void test_groups(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t group = seed % 2 ? 2 : pick(&net, 3, 20);
    int64_t each = seed % 2 ? 16 : 1;
    int64_t dims[4] = {1, group * each, 9, 13};
    struct conv_spec spec = random_conv(&net, group);
    spec.out = group * each;
    struct value *x = input(&net, 4, dims);
    finish(&net, unary(&net, &op_tanh, conv(&net, &op_conv, x, &spec, true)));
  }
}

static void test_transposed(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {1, pick(&net, 1, 20), pick(&net, 3, 6),
                       pick(&net, 3, 9)};
    struct conv_spec spec = random_conv(&net, 1);
    for (int i = 0; i < 2; i++) {
      spec.dilation[i] = 1;
      spec.kernel[i] = spec.stride[i] + pick(&net, 0, 2);
      spec.pads[i] = pick(&net, 0, spec.kernel[i] - 1) / 2;
      spec.pads[2 + i] = spec.pads[i];
    }
    struct value *x = input(&net, 4, dims);
    finish(&net, unary(&net, &op_relu,
                       conv(&net, &op_conv_transpose, x, &spec, true)));
  }
}

static void test_pointwise_depthwise(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {pick(&net, 1, 2), pick(&net, 8, 40),
                       pick(&net, 5, 20), pick(&net, 5, 33)};
    struct conv_spec one = {.out = pick(&net, 2, 40), .kernel = {1, 1},
                            .stride = {1, 1}, .dilation = {1, 1}, .group = 1};
    struct conv_spec each = random_conv(&net, one.out);
    each.out = one.out;
    struct value *x = conv(&net, &op_conv, input(&net, 4, dims), &one, true);
    for (uint32_t i = 0; i < seed % 3; i++)
      x = unary(&net, i ? &op_tanh : &op_relu, x);
    x = conv(&net, &op_conv, x, &each, seed % 2);
    finish(&net, unary(&net, &op_relu, x));
  }
}

static void test_winograd(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    net.winograd = true;
    int64_t dims[4] = {pick(&net, 1, 2), pick(&net, 16, 40),
                       pick(&net, 7, 20), pick(&net, 7, 33)};
    struct conv_spec three = {.out = pick(&net, 16, 40), .kernel = {3, 3},
                              .stride = {1, 1}, .dilation = {1, 1},
                              .pads = {1, pick(&net, 0, 2), 1, 0}, .group = 1};
    struct value *x = input(&net, 4, dims);
    x = unary(&net, &op_relu, conv(&net, &op_conv, x, &three, true));
    finish(&net, conv(&net, &op_conv, x, &three, seed % 2));
  }
}

static void test_residual(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 6; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t channels = pick(&net, 1, 40);
    int64_t dims[4] = {1, channels, pick(&net, 5, 9), pick(&net, 5, 17)};
    struct conv_spec same = {.out = channels, .kernel = {3, 3},
                             .stride = {1, 1}, .dilation = {1, 1},
                             .pads = {1, 1, 1, 1}, .group = 1};
    struct value *x = input(&net, 4, dims);
    struct value *a = conv(&net, &op_conv, x, &same, true);
    struct value *b = conv(&net, &op_conv, unary(&net, &op_relu, a), &same,
                           true);
    finish(&net, unary(&net, &op_relu, binary(&net, &op_add, b, a)));
  }
}

static void test_concat(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 6; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {1, 16, 7, 11};
    struct conv_spec three = {.out = 16, .kernel = {3, 3}, .stride = {1, 1},
                              .dilation = {1, 1}, .pads = {1, 1, 1, 1},
                              .group = 1};
    struct conv_spec one = {.out = seed % 2 ? 16 : 5, .kernel = {1, 1},
                            .stride = {1, 1}, .dilation = {1, 1}, .group = 1};
    struct value *x = input(&net, 4, dims), *parts[3];
    parts[0] = conv(&net, &op_conv, x, &three, true);
    parts[1] = conv(&net, &op_conv, parts[0], &one, true);
    struct node *shorter =
        graph_add_node(net.graph, &op_concat, NULL, parts, 2, 1);
    node_set_int(shorter, "axis", 1);
    assert_int_equal(node_infer(net.graph, shorter, &net.error), ADZE_OK);
    parts[2] = conv(&net, &op_conv, shorter->outputs[0], &three, false);
    struct node *longer =
        graph_add_node(net.graph, &op_concat, NULL, parts, 3, 1);
    node_set_int(longer, "axis", 1);
    assert_int_equal(node_infer(net.graph, longer, &net.error), ADZE_OK);
    finish(&net, conv(&net, &op_conv, longer->outputs[0], &three, true));
  }
}

static void test_dense(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[2] = {seed % 4 ? pick(&net, 2, 30) : 1, pick(&net, 1, 40)};
    int64_t weights[2] = {dims[1], pick(&net, 1, 150)};
    int64_t bias = weights[1];
    struct value *x = input(&net, 2, dims);
    x = binary(&net, &op_matmul, x, constant(&net, 2, weights));
    finish(&net, binary(&net, &op_add, x, constant(&net, 1, &bias)));
  }
}

/* ---- Reductions -------------------------------------------------------------------- */
static struct value *add_node(struct network *net, const struct op_def *op,
                              struct value **inputs, size_t count,
                              struct node **out) {
  *out = graph_add_node(net->graph, op, NULL, inputs, count, 1);
  return (*out)->outputs[0];
}
static struct value *infer_node(struct network *net, struct node *node) {
  if (node_infer(net->graph, node, &net->error) != ADZE_OK)
    fail_msg("%s", net->error.message);
  return node->outputs[0];
}

static struct value *random_input(struct network *net, size_t rank,
                                  int64_t longest) {
  int64_t dims[GRAPH_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    dims[i] = pick(net, 1, pick(net, 0, 3) ? 6 : longest);
  return input(net, rank, dims);
}

/* Something elementwise behind it, with an operand that is broadcast. */
static struct value *epilogue(struct network *net, struct value *x) {
  int64_t dims[GRAPH_MAX_RANK];
  size_t rank = x->rank - (size_t)pick(net, 0, (int64_t)x->rank);
  for (size_t i = 0; i < rank; i++)
    dims[i] = pick(net, 0, 1) ? value_dim(x, i + x->rank - rank) : 1;
  switch (pick(net, 0, 3)) {
  case 0: return x;
  case 1: return unary(net, &op_sigmoid, x);
  case 2: return binary(net, &op_mul, x, constant(net, rank, dims));
  default:
    return unary(net, &op_tanh,
                 binary(net, &op_add, constant(net, rank, dims), x));
  }
}

static struct value *normalize(struct network *net, struct value *x) {
  struct value *inputs[3] = {x, NULL, NULL};
  struct node *node;
  int64_t axis = pick(net, 0, (int64_t)x->rank - 1), dims[GRAPH_MAX_RANK];
  switch (pick(net, 0, 3)) {
  case 0:
    add_node(net, &op_softmax, inputs, 1, &node);
    node_set_int(node, "flatten", pick(net, 0, 1));
    break;
  case 1:
    add_node(net, &op_log_softmax, inputs, 1, &node);
    break;
  case 2:
    for (size_t i = (size_t)axis; i < x->rank; i++)
      dims[i - (size_t)axis] = net->is_chain ? 1 : value_dim(x, i);
    inputs[1] = constant(net, x->rank - (size_t)axis, dims);
    inputs[2] = constant(net, 1, &dims[x->rank - 1 - (size_t)axis]);
    add_node(net, &op_layer_norm, inputs, 3, &node);
    break;
  default:
    if (x->rank < 3)
      return x;
    dims[0] = value_dim(x, 1);
    inputs[1] = constant(net, 1, dims);
    inputs[2] = constant(net, 1, dims);
    add_node(net, &op_instance_norm, inputs, 3, &node);
    return infer_node(net, node);
  }
  node_set_int(node, "axis", axis);
  return infer_node(net, node);
}

static struct value *reduce(struct network *net, struct value *x) {
  static const struct op_def *const ops[] = {
      &op_reduce_sum, &op_reduce_mean, &op_reduce_max, &op_reduce_min,
      &op_reduce_l2,  &op_reduce_l1,   &op_reduce_log_sum_exp,
      &op_reduce_prod};
  struct node *node;
  int64_t axes[GRAPH_MAX_RANK];
  size_t count = 0;
  add_node(net, ops[pick(net, 0, ARRAY_COUNT(ops) - 1)], &x, 1, &node);
  for (int64_t i = 0; i < (int64_t)x->rank; i++)
    if (pick(net, 0, 1) || (count == 0 && i + 1 == (int64_t)x->rank))
      axes[count++] = pick(net, 0, 1) ? i : i - (int64_t)x->rank;
  node_set_ints(net->graph, node, "axes", axes, count);
  node_set_int(node, "keepdims", pick(net, 0, 1));
  return infer_node(net, node);
}

static void test_normalizations(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 90; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    struct value *x =
        random_input(&net, (size_t)pick(&net, 1, 4), seed % 2 ? 150 : 40);
    x = normalize(&net, x);
    finish(&net, epilogue(&net, x));
  }
}

static void test_reductions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 90; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    struct value *x =
        random_input(&net, (size_t)pick(&net, 1, 4), seed % 2 ? 150 : 40);
    x = reduce(&net, x);
    finish(&net, epilogue(&net, x));
  }
}

/* Of a convolution's result, which lies in blocks. */
static void test_blocked_reductions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 36; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {pick(&net, 1, 2), pick(&net, 1, 20), pick(&net, 1, 9),
                       pick(&net, 1, 20)};
    struct conv_spec spec = {.out = pick(&net, 1, 40), .kernel = {1, 1},
                             .stride = {1, 1}, .dilation = {1, 1}, .group = 1};
    struct value *x =
        conv(&net, &op_conv, input(&net, 4, dims), &spec, true);
    x = seed % 2 ? normalize(&net, x) : reduce(&net, x);
    finish(&net, epilogue(&net, x));
  }
}

/* ---- Pooling ------------------------------------------------------------------------- */
/* `most`: of the window; small ones fit whatever comes before. */
static struct value *pool(struct network *net, struct value *x, int64_t most) {
  struct node *node;
  bool average = pick(net, 0, 1);
  int64_t kernel[2], strides[2], dilations[2], pads[4];
  for (int i = 0; i < 2; i++) {
    kernel[i] = pick(net, 1, most > 3 && pick(net, 0, 3) ? 3 : most);
    strides[i] = pick(net, 1, most > 3 ? 3 : 2);
    dilations[i] = most <= 3 || pick(net, 0, 3) ? 1 : 2;
    int64_t reach = (kernel[i] - 1) * dilations[i];
    pads[i] = pick(net, 0, reach < 2 ? reach : 2);
    pads[2 + i] = pick(net, 0, reach < 2 ? reach : 2);
  }
  add_node(net, average ? &op_average_pool : &op_max_pool, &x, 1, &node);
  node_set_ints(net->graph, node, "kernel_shape", kernel, 2);
  node_set_ints(net->graph, node, "strides", strides, 2);
  node_set_ints(net->graph, node, "dilations", dilations, 2);
  node_set_ints(net->graph, node, "pads", pads, 4);
  node_set_int(node, "ceil_mode", pick(net, 0, 3) == 0);
  if (average)
    node_set_int(node, "count_include_pad", pick(net, 0, 1));
  return infer_node(net, node);
}

static void test_pooling(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 60; seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {pick(&net, 1, 2), pick(&net, 1, 20), pick(&net, 11, 13),
                       pick(&net, 11, 37)};
    struct conv_spec spec = {.out = pick(&net, 1, 40), .kernel = {1, 1},
                             .stride = {1, 1}, .dilation = {1, 1}, .group = 1};
    struct value *x = input(&net, 4, dims);
    if (seed % 4)
      x = conv(&net, &op_conv, x, &spec, true);
    if (seed % 3)
      x = unary(&net, seed % 2 ? &op_relu : &op_sigmoid, x);
    x = epilogue(&net, pool(&net, x, 6));
    finish(&net, x);
  }
}

/* ---- Chains: what follows what, with heights and widths open or not -------------------- */
static struct value *same_conv(struct network *net, struct value *x,
                               int64_t out, int64_t group, int64_t kernel) {
  int64_t pad = kernel / 2;
  struct conv_spec spec = {.out = out, .kernel = {kernel, kernel},
                           .stride = {1, 1}, .dilation = {1, 1},
                           .pads = {pad, pad, pad, pad}, .group = group};
  return conv(net, &op_conv, x, &spec, pick(net, 0, 1));
}

/* An operand of every kind of broadcasting: a scalar, [C,1,1], [N,C,1,1],
 * [1,C,1,1], one computed for each channel, and a whole value. */
static struct value *operand(struct network *net, struct value *x) {
  int64_t dims[4] = {value_dim(x, 0), value_dim(x, 1), 1, 1};
  static const int64_t axes[2] = {2, 3};
  struct node *node;
  switch (pick(net, 0, 5)) {
  case 0: return constant(net, 0, NULL);
  case 1: return constant(net, 3, dims + 1);
  case 2: return constant(net, 4, dims);
  case 3: dims[0] = 1; return constant(net, 4, dims);
  case 4:
    add_node(net, &op_reduce_mean, &x, 1, &node);
    node_set_ints(net->graph, node, "axes", axes, 2);
    return unary(net, &op_sigmoid, infer_node(net, node));
  default: return same_conv(net, x, value_dim(x, 1), 1, 3);
  }
}

static struct value *elementwise(struct network *net, struct value *x) {
  static const struct op_def *const unaries[] = {
      &op_relu, &op_sigmoid, &op_tanh, &op_hard_swish, &op_leaky_relu};
  static const struct op_def *const binaries[] = {&op_add, &op_mul, &op_sub,
                                                  &op_max};
  int64_t count = pick(net, 0, 2);
  for (int64_t i = 0; i < count; i++) {
    if (pick(net, 0, 1)) {
      x = unary(net, unaries[pick(net, 0, ARRAY_COUNT(unaries) - 1)], x);
      continue;
    }
    struct value *other = operand(net, x);
    const struct op_def *op =
        binaries[pick(net, 0, ARRAY_COUNT(binaries) - 1)];
    x = pick(net, 0, 1) ? binary(net, op, x, other)
                        : binary(net, op, other, x);
  }
  return x;
}

static struct value *extend(struct network *net, struct value *x) {
  int64_t channels = value_dim(x, 1);
  struct conv_spec up = {.out = pick(net, 1, 20), .kernel = {4, 4},
                         .stride = {2, 2}, .dilation = {1, 1},
                         .pads = {1, 1, 1, 1}, .group = 1};
  struct node *node;
  switch (pick(net, 0, 8)) {
  case 0: return same_conv(net, x, pick(net, 1, 40), 1, 1);
  case 1: return same_conv(net, x, pick(net, 1, 40), 1, 3);
  case 2: return same_conv(net, x, channels, channels, 3);
  case 3: /* the pair that one template takes */
    x = unary(net, &op_relu,
              same_conv(net, x, channels = pick(net, 17, 40), 1, 1));
    return same_conv(net, x, channels, channels, 3);
  case 4: return conv(net, &op_conv_transpose, x, &up, true);
  case 5: return pool(net, x, 2);
  case 6: return normalize(net, x);
  case 7:
    add_node(net, &op_softmax, &x, 1, &node);
    node_set_int(node, "axis", pick(net, 0, 1) ? 1 : -1);
    return infer_node(net, node);
  default: return reduce(net, x);
  }
}

static struct value *chain(struct network *net) {
  int64_t dims[4] = {pick(net, 1, 2), pick(net, 1, 20), pick(net, 11, 14),
                     pick(net, 11, 23)};
  net->is_chain = true;
  struct value *x = input(net, 4, dims);
  for (int64_t i = pick(net, 1, 3); i > 0 && x->rank == 4; i--) {
    x = extend(net, x);
    if (x->rank == 4)
      x = elementwise(net, x);
  }
  return x;
}

static void test_chains(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < (test_small() ? 20 : 60); seed++) {
    struct network net;
    start(&net, seed, targets[seed % 3]);
    finish(&net, chain(&net));
  }
}

/* The same network with open height and width, run at the sizes of the first. */
static void test_open_chains(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < (test_small() ? 20 : 60); seed++) {
    struct network closed, open;
    size_t in_count, count;
    start(&closed, seed, targets[seed % 3]);
    struct value *output = chain(&closed);
    start(&open, seed, targets[seed % 3]);
    open.is_open = true;
    vec_push(open.arena, &open.graph->outputs, chain(&open));
    float *in = random_data(&closed, closed.graph->inputs.data[0], &in_count);
    assert_true(value_count(output, &count));
    const float *expected = reference(&closed, in, output);
    compare(run_plan(&open, in, in_count), expected, count);
    arena_destroy(closed.arena);
    arena_destroy(open.arena);
  }
}

static void test_templates_used(void **state) {
  (void)state;
  for (size_t i = 0; i < template_table_count; i++)
    if (uses[i] == 0)
      fail_msg("no group for %s", template_table[i]->name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolutions), cmocka_unit_test(test_groups),
      cmocka_unit_test(test_transposed),   cmocka_unit_test(test_pointwise_depthwise),
      cmocka_unit_test(test_winograd),
      cmocka_unit_test(test_residual),
      cmocka_unit_test(test_concat),       cmocka_unit_test(test_dense),
      cmocka_unit_test(test_normalizations),
      cmocka_unit_test(test_reductions),
      cmocka_unit_test(test_blocked_reductions),
      cmocka_unit_test(test_pooling),
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_open_chains),
      cmocka_unit_test(test_templates_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
