/* SPDX-License-Identifier: Apache-2.0 */
/* Small networks through every template, checked against the reference by
 * samples; that a wrong result would be seen; and that networks really get what
 * the plan is for: concatenation and padding without copies, additions in
 * place, memory in turns. Sizes are awkward: no channel count fills its blocks,
 * no row its tiles. */
#include "test.h"

#include "base/file.h"
#include "driver/check.h"
#include "import/test/model_writer.h"

enum { FLOAT = 1 };

static struct arena *arena;
static char folder[4096];
static struct adze_error error;

/* ---- Networks ------------------------------------------------------------ */
struct net {
  struct model model;
  struct test_random random;
};

static void net_begin(struct net *net, int64_t channels, int64_t height,
                      int64_t width) {
  *net = (struct net){.random = {(uint64_t)(channels * 1000 + width)}};
  model_begin(&net->model, 13);
  model_input(&net->model, "x", FLOAT, 4,
              (int64_t[]){1, channels, height, width});
}

static void weights(struct net *net, const char *name, size_t rank,
                    const int64_t *dims) {
  size_t count = 1;
  struct text tensor = model_tensor(&net->model, name, FLOAT, rank, dims);
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  float *data = ARENA_ARRAY(arena, float, count);
  for (size_t i = 0; i < count; i++)
    data[i] = (float)test_random_double(&net->random);
  model_raw(&tensor, data, count * sizeof *data);
  model_initializer(&net->model, &tensor);
}

static void op(struct net *net, const char *type, const char *inputs,
               const char *output) {
  model_node(&net->model, type, output, inputs, output, NULL);
}

/* weights [a, b, kernel, kernel] and a bias of `outputs` channels. */
static void window(struct net *net, const char *type, const char *input,
                   const char *output, const int64_t *dims, int64_t outputs,
                   int64_t stride, int64_t pad, int64_t group) {
  struct text attributes = model_text(&net->model);
  model_ints(&attributes, "strides", 2, (int64_t[]){stride, stride});
  model_ints(&attributes, "pads", 4, (int64_t[]){pad, pad, pad, pad});
  model_int(&attributes, "group", group);
  weights(net, arena_printf(arena, "%s_w", output), 4, dims);
  weights(net, arena_printf(arena, "%s_b", output), 1, &outputs);
  model_node(&net->model, type, output,
             arena_printf(arena, "%s %s_w %s_b", input, output, output), output,
             &attributes);
}

static void conv(struct net *net, const char *input, const char *output,
                 int64_t channels, int64_t outputs, int64_t kernel,
                 int64_t stride) {
  window(net, "Conv", input, output,
         (int64_t[]){outputs, channels, kernel, kernel}, outputs, stride,
         kernel / 2, 1);
}

static void depthwise(struct net *net, const char *input, const char *output,
                      int64_t channels, int64_t stride) {
  window(net, "Conv", input, output, (int64_t[]){channels, 1, 3, 3}, channels,
         stride, 1, channels);
}

static void concat(struct net *net, const char *inputs, const char *output) {
  struct text attributes = model_text(&net->model);
  model_int(&attributes, "axis", 1);
  model_node(&net->model, "Concat", output, inputs, output, &attributes);
}

static void pool(struct net *net, const char *type, const char *input,
                 const char *output) {
  struct text attributes = model_text(&net->model);
  model_ints(&attributes, "kernel_shape", 2, (int64_t[]){3, 3});
  model_ints(&attributes, "strides", 2, (int64_t[]){2, 2});
  model_ints(&attributes, "pads", 4, (int64_t[]){1, 1, 1, 1});
  model_node(&net->model, type, output, input, output, &attributes);
}

static const char *net_path(struct net *net, const char *output) {
  const char *path = arena_printf(arena, "%s/net.onnx", folder);
  model_output(&net->model, output);
  struct text bytes = model_bytes(&net->model);
  assert_ok(file_write_all(path, bytes.data, bytes.size, &error), error);
  model_end(&net->model);
  return path;
}

static const char *net_direct(struct net *net) {
  net_begin(net, 19, 13, 17);
  conv(net, "x", "a", 19, 37, 3, 2);
  op(net, "Relu", "a", "b");
  conv(net, "b", "y", 37, 5, 1, 1);
  return net_path(net, "y");
}

static const char *net_grouped(struct net *net) {
  net_begin(net, 6, 9, 11);
  window(net, "Conv", "x", "y", (int64_t[]){10, 3, 3, 3}, 10, 1, 1, 2);
  return net_path(net, "y");
}

static const char *net_winograd(struct net *net) {
  net_begin(net, 32, 14, 23);
  conv(net, "x", "a", 32, 48, 3, 1);
  op(net, "Relu", "a", "b");
  conv(net, "b", "y", 48, 35, 3, 1);
  return net_path(net, "y");
}

static const char *net_depthwise(struct net *net) {
  net_begin(net, 21, 15, 19);
  depthwise(net, "x", "a", 21, 1);
  op(net, "Sigmoid", "a", "b");
  depthwise(net, "b", "y", 21, 2);
  return net_path(net, "y");
}

static const char *net_fused(struct net *net) {
  net_begin(net, 16, 40, 41);
  conv(net, "x", "a", 16, 40, 1, 1);
  op(net, "Relu", "a", "b");
  depthwise(net, "b", "y", 40, 1);
  return net_path(net, "y");
}

static const char *net_transposed(struct net *net) {
  net_begin(net, 18, 7, 9);
  window(net, "ConvTranspose", "x", "y", (int64_t[]){18, 21, 4, 4}, 21, 2, 1,
         1);
  return net_path(net, "y");
}

static const char *net_subpixel(struct net *net) {
  net_begin(net, 48, 17, 20);
  window(net, "ConvTranspose", "x", "a", (int64_t[]){48, 37, 4, 4}, 37, 2, 1,
         1);
  op(net, "Sigmoid", "a", "y");
  return net_path(net, "y");
}

static const char *net_dense(struct net *net) {
  net_begin(net, 3, 5, 7);
  op(net, "Flatten", "x", "a");
  weights(net, "w", 2, (int64_t[]){105, 33});
  op(net, "MatMul", "a w", "b");
  op(net, "Tanh", "b", "y");
  return net_path(net, "y");
}

static const char *net_rows(struct net *net) {
  struct text attributes;
  net_begin(net, 3, 5, 37);
  attributes = model_text(&net->model);
  model_int(&attributes, "axis", -1);
  model_node(&net->model, "Softmax", "y", "x", "y", &attributes);
  return net_path(net, "y");
}

static const char *net_pooled(struct net *net) {
  net_begin(net, 19, 13, 18);
  conv(net, "x", "a", 19, 20, 1, 1);
  pool(net, "MaxPool", "a", "b");
  pool(net, "AveragePool", "b", "y");
  return net_path(net, "y");
}

static const char *net_conv_pool(struct net *net) {
  net_begin(net, 3, 163, 171);
  conv(net, "x", "a", 3, 56, 3, 2);
  op(net, "Relu", "a", "b");
  pool(net, "MaxPool", "b", "y");
  return net_path(net, "y");
}

static const char *net_generic(struct net *net) {
  struct text attributes;
  net_begin(net, 4, 5, 37);
  attributes = model_text(&net->model);
  model_ints(&attributes, "perm", 4, (int64_t[]){0, 2, 3, 1});
  model_node(&net->model, "Transpose", "a", "x", "a", &attributes);
  op(net, "Exp", "a", "y");
  return net_path(net, "y");
}

/* Parts that fill blocks lie in the result; the last need not. */
static const char *net_concat(struct net *net) {
  net_begin(net, 16, 11, 13);
  conv(net, "x", "a", 16, 32, 1, 1);
  conv(net, "x", "b", 16, 64, 3, 1);
  conv(net, "x", "c", 16, 7, 3, 1);
  concat(net, "a b c", "d");
  conv(net, "d", "y", 103, 20, 3, 1);
  return net_path(net, "y");
}

/* A part in the middle that fills no block: the copy of a concatenation. */
static const char *net_unaligned(struct net *net) {
  net_begin(net, 16, 6, 7);
  conv(net, "x", "a", 16, 5, 3, 1);
  conv(net, "x", "b", 16, 22, 3, 1);
  concat(net, "a b", "d");
  conv(net, "d", "y", 27, 20, 3, 1);
  return net_path(net, "y");
}

static const char *net_residual(struct net *net) {
  net_begin(net, 16, 12, 10);
  conv(net, "x", "a", 16, 32, 3, 1);
  conv(net, "a", "b", 32, 32, 1, 1);
  conv(net, "b", "c", 32, 32, 1, 1);
  op(net, "Add", "a c", "d");
  op(net, "Relu", "d", "e");
  conv(net, "e", "f", 32, 32, 1, 1);
  conv(net, "f", "y", 32, 16, 3, 1);
  return net_path(net, "y");
}

/* ---- Checks -------------------------------------------------------------- */
struct seen {
  const char *wanted;
  bool found;
  size_t groups, samples;
};
static void see(void *context, const struct adze_check_group *group) {
  struct seen *seen = context;
  seen->found = seen->found || !strcmp(group->template_name, seen->wanted);
  seen->groups++;
  seen->samples += group->samples;
  assert_int_equal(group->index + 1, seen->groups);
  assert_true(group->worst < 1e-3);
}

static const struct {
  const char *template_name;
  const char *(*make)(struct net *net);
} nets[] = {
    {"conv_direct", net_direct},
    {"generic", net_grouped},
    {"conv_winograd", net_winograd},
    {"conv_depthwise", net_depthwise},
    {"conv_pointwise_depthwise", net_fused},
    {"conv_transposed", net_transposed},
    {"conv_transposed_winograd", net_subpixel},
    {"matmul_packed", net_dense},
    {"reduce_rows", net_rows},
    {"pool_window", net_pooled},
    {"conv_pool", net_conv_pool},
    {"generic", net_generic},
    {"conv_direct", net_concat},
    {"conv_direct", net_unaligned},
    {"conv_direct", net_residual},
};

static void check_all(const char *target, enum adze_output_format format) {
  for (size_t i = 0; i < ARRAY_COUNT(nets); i++) {
    struct net net;
    struct seen seen = {.wanted = nets[i].template_name};
    struct adze_compile_options compile;
    struct adze_check_options check;
    adze_compile_options_init(&compile);
    compile.target = target;
    compile.output_format = format;
    adze_check_options_init(&check);
    check.report = see;
    check.context = &seen;
    assert_ok(adze_check(nets[i].make(&net), &compile, &check, &error), error);
    if (!seen.found && !target)
      fail_msg("network %zu: no group by %s", i, seen.wanted);
    assert_true(seen.samples >= 64);
  }
}

static void templates_agree_with_the_reference(void **state) {
  (void)state;
  check_all(NULL, ADZE_OUTPUT_SO);
}

static void narrow_vectors_too(void **state) {
  (void)state;
#ifdef __x86_64__
  check_all("llvm -mcpu=x86-64", ADZE_OUTPUT_SO);
#endif
}

static void open_dimensions_have_their_sizes(void **state) {
  struct net net;
  struct adze_check_options check;
  (void)state;
  net_begin(&net, 19, MODEL_OPEN, MODEL_OPEN);
  conv(&net, "x", "a", 19, 24, 3, 2);
  op(&net, "Relu", "a", "b");
  depthwise(&net, "b", "y", 24, 1);
  const char *path = net_path(&net, "y");
  adze_check_options_init(&check);
  assert_fails(adze_check(path, NULL, &check, &error), error, ADZE_SHAPE,
               "is open");
  static const char *const shapes[] = {"x:[1,19,9,9]", "x:[1,19,30,41]",
                                       "x:[1,19,1,2]"};
  for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
    check.shapes = shapes[i];
    assert_ok(adze_check(path, NULL, &check, &error), error);
  }
}

static void inputs_and_outputs_are_the_callers(void **state) {
  struct net net;
  struct adze_check_options check;
  float x[2 * 3], y[2 * 3];
  const void *inputs[] = {x};
  void *outputs[] = {y};
  (void)state;
  net_begin(&net, 1, 2, 3);
  op(&net, "Neg", "x", "y");
  adze_check_options_init(&check);
  check.inputs = inputs;
  check.outputs = outputs;
  for (size_t i = 0; i < ARRAY_COUNT(x); i++)
    x[i] = (float)i + 1;
  assert_ok(adze_check(net_path(&net, "y"), NULL, &check, &error), error);
  for (size_t i = 0; i < ARRAY_COUNT(x); i++)
    assert_true(y[i] == -x[i]);
}

/* Sums in another order are wrong where no error is allowed. */
static void differences_are_seen(void **state) {
  struct net net;
  struct adze_check_options check;
  (void)state;
  adze_check_options_init(&check);
  check.rtol = check.atol = 0;
  const char *path = net_direct(&net);
  assert_fails(adze_check(path, NULL, &check, &error), error, ADZE_MISMATCH,
               "(conv_direct): element [0,");
  assert_non_null(strstr(error.message, "the reference gives"));
}

static void guards_see_a_byte(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct guarded guarded = guarded_new(100, 0);
    assert_true(guarded_is_intact(&guarded));
    memset(guarded.data, 7, 100);
    assert_true(guarded_is_intact(&guarded));
    if (i == 0)
      guarded.data[100] = 0;
    else if (i == 1)
      guarded.data[-1] = 0;
    assert_true(guarded_is_intact(&guarded) == (i == 2));
    guarded_free(&guarded);
  }
}

static void other_machines_are_refused(void **state) {
  struct net net;
  struct adze_compile_options compile;
  (void)state;
#ifdef __x86_64__
  adze_compile_options_init(&compile);
  compile.target = "llvm -mtriple=aarch64-linux-gnu";
  assert_fails(adze_check(net_direct(&net), &compile, NULL, &error), error,
               ADZE_INCOMPATIBLE, "can't run here");
#else
  (void)net, (void)compile;
#endif
}

/* ---- What the plan is for ------------------------------------------------ */
static enum adze_status plan_guarded(void *argument) {
  return compile_to_kernels(argument);
}

static const struct plan *plan_of(struct compilation *compilation,
                                  const char *path,
                                  struct adze_compile_options *options) {
  adze_compile_options_init(options);
  *compilation = (struct compilation){
      .arena = arena, .model_path = path, .options = options, .error = &error};
  assert_ok(guard_run(plan_guarded, compilation, &error), error);
  return compilation->plan;
}

static const struct value *value_of(const struct plan *plan,
                                    const char *node_name) {
  const struct graph *graph = plan->graph;
  for (size_t i = 0; i < graph->nodes.count; i++)
    if (!strcmp(graph->nodes.data[i]->name, node_name))
      return graph->nodes.data[i]->outputs[0];
  fail_msg("there is no node %s", node_name);
  return NULL;
}

static size_t groups_with(const struct plan *plan, const char *op_name) {
  size_t count = 0;
  for (size_t g = 0; g < plan->groups.count; g++)
    for (size_t n = 0; n < plan->groups.data[g]->nodes.count; n++)
      count += !strcmp(plan->groups.data[g]->nodes.data[n]->op->name, op_name);
  return count;
}

static void concatenation_is_no_work(void **state) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  static const int64_t channels[] = {0, 32, 96};
  static const char *const names[] = {"a", "b", "c"};
  (void)state;
  const struct plan *plan = plan_of(&compilation, net_concat(&net), &options);
  const struct value *whole = value_of(plan, "d");
  assert_int_equal(groups_with(plan, "concat"), 0);
  /* In and out of the caller's memory; nothing else is copied. */
  assert_int_equal(groups_with(plan, "identity"), 2);
  for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
    const struct value *part = value_of(plan, names[i]);
    assert_ptr_equal(plan->placements[part->id].parent, whole);
    assert_int_equal(plan->placements[part->id].parent_channel, channels[i]);
  }
  plan = plan_of(&compilation, net_unaligned(&net), &options);
  assert_int_equal(groups_with(plan, "concat"), 1);
}

static void padding_is_no_work(void **state) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  (void)state;
  const struct plan *plan = plan_of(&compilation, net_concat(&net), &options);
  const struct value *whole = value_of(plan, "d");
  assert_int_equal(groups_with(plan, "pad"), 0);
  for (size_t d = 2; d < 4; d++) {
    assert_true(plan->placements[whole->id].before[d] >= 1);
    assert_true(plan->placements[whole->id].after[d] >= 1);
  }
}

static int32_t slot_of(const struct plan *plan, const char *node_name) {
  const struct value *value = value_of(plan, node_name);
  return plan->value_slots[plan_root(plan, value)->id];
}

static void additions_are_in_place(void **state) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  (void)state;
  const struct plan *plan = plan_of(&compilation, net_residual(&net), &options);
  assert_int_equal(groups_with(plan, "add"), 1);
  const struct group *sum = NULL;
  for (size_t g = 0; g < plan->groups.count; g++)
    if (!strcmp(plan->groups.data[g]->nodes.data[0]->name, "c"))
      sum = plan->groups.data[g];
  assert_non_null(sum);
  assert_int_equal(sum->nodes.count, 3); /* conv, add, relu */
  int32_t slot = plan->value_slots[sum->output->id];
  assert_true(slot >= 0);
  assert_int_equal(slot_of(plan, "a"), slot);
}

/* Planes of 32x32 would lie a multiple of 4 KiB apart. */
static void planes_share_no_cache_sets(void **state) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  (void)state;
  net_begin(&net, 64, 32, 32);
  conv(&net, "x", "c", 64, 64, 1, 1);
  conv(&net, "c", "y", 64, 64, 1, 1);
  const struct plan *plan =
      plan_of(&compilation, net_path(&net, "y"), &options);
  const struct buffer *buffer = placement_buffer(
      plan->graph->pool, value_of(plan, "c"), plan->placements);
  int64_t plane;
  assert_int_equal(buffer->rank, 5);
  assert_true(expr_get_integer(buffer->strides[1], &plane));
  assert_true(placement_lines_in_one_set(plane * 4, 32) <= 4);
}

/* The slots of a chain of Winograd convolutions, small images with many
 * channels, which go in steps: their kernels hand transformed tiles from one
 * step to the next. */
static size_t slots_of_chain(int length) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  net_begin(&net, 128, 14, 14);
  const char *input = "x";
  for (int i = 0; i < length; i++) {
    const char *output = i + 1 < length ? arena_printf(arena, "c%d", i) : "y";
    conv(&net, input, output, 128, 128, 3, 1);
    input = output;
  }
  plan_of(&compilation, net_path(&net, "y"), &options);
  size_t temporaries = 0;
  for (size_t g = 0; g < compilation.builders.count; g++) {
    const struct builder *builder = compilation.builders.data[g];
    for (size_t i = 0; i < builder->parameters.count; i++) {
      const struct parameter *parameter = &builder->parameters.data[i];
      if (!parameter->is_temporary)
        continue;
      plan_temporary(compilation.plan, parameter->buffer, g);
      temporaries++;
    }
  }
  assert_int_equal(temporaries, 2 * length);
  return compilation.plan->slots.count;
}

static void temporaries_take_turns(void **state) {
  (void)state;
  assert_int_equal(slots_of_chain(9), slots_of_chain(5));
}

static void values_take_turns(void **state) {
  struct net net;
  struct compilation compilation;
  struct adze_compile_options options;
  (void)state;
  net_begin(&net, 16, 20, 20);
  const char *input = "x";
  for (int i = 0; i < 12; i++) {
    const char *output = i < 11 ? arena_printf(arena, "c%d", i) : "y";
    conv(&net, input, output, 16, 16, 1, 1); /* without scratch memory */
    input = output;
  }
  const struct plan *plan =
      plan_of(&compilation, net_path(&net, "y"), &options);
  int64_t one = 16 * 20 * 20 * 4,
          workspace = compilation_workspace(&compilation);
  assert_true(plan->groups.count >= 12);
  assert_true(plan->slots.count <= 3);
  assert_true(workspace >= 2 * one);
  assert_true(workspace < 4 * one); /* of 12 */
}

static int set_up(void **state) {
  (void)state;
  arena = arena_create("check_test");
  return !arena || folder_make_temporary(folder, &error) ? -1 : 0;
}

static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  folder_remove(folder);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(templates_agree_with_the_reference),
      cmocka_unit_test(narrow_vectors_too),
      cmocka_unit_test(open_dimensions_have_their_sizes),
      cmocka_unit_test(inputs_and_outputs_are_the_callers),
      cmocka_unit_test(differences_are_seen),
      cmocka_unit_test(guards_see_a_byte),
      cmocka_unit_test(other_machines_are_refused),
      cmocka_unit_test(concatenation_is_no_work),
      cmocka_unit_test(padding_is_no_work),
      cmocka_unit_test(additions_are_in_place),
      cmocka_unit_test(planes_share_no_cache_sets),
      cmocka_unit_test(temporaries_take_turns),
      cmocka_unit_test(values_take_turns),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
