/* SPDX-License-Identifier: Apache-2.0 */
/* Graph passes keep what a graph computes: random graphs are evaluated on the
 * interpreter before and after every pass. The texts that passes make are in
 * golden_test.c. */
#include "test.h"

#include "pass/evaluate.h"
#include "pass/pass.h"

#include <math.h>
#include <time.h>

struct random_graph {
  struct arena *arena;
  struct graph *graph;
  struct adze_error error;
  uint64_t state;
  VEC(struct value *) values; /* rank 4, f32, to build on */
};

static uint64_t below(struct random_graph *random, uint64_t limit) {
  random->state = random->state * 6364136223846793005u + 1442695040888963407u;
  return (random->state >> 33) % limit;
}

/* Few distinct numbers, so that equal constants and zeros and ones come up. */
static float number(struct random_graph *random) {
  static const float few[] = {0, 1, -1, 0.5f, 2, -0.25f, 3, -0.0f};
  return few[below(random, ARRAY_COUNT(few))];
}

static struct value *constant(struct random_graph *random, size_t rank,
                              const int64_t *dims) {
  size_t count = 1;
  for (size_t d = 0; d < rank; d++)
    count *= (size_t)dims[d];
  float *data = ARENA_ARRAY(random->arena, float, count);
  float all = number(random);
  bool same = below(random, 3) == 0;
  for (size_t i = 0; i < count; i++)
    data[i] = same ? all : number(random);
  return graph_add_constant_data(random->graph, NULL, ADZE_F32, dims, rank,
                                 data);
}

static struct node *add_node(struct random_graph *random,
                             const struct op_def *op,
                             struct value *const *inputs, size_t count) {
  return graph_add_node(random->graph, op, NULL, inputs, count, 1);
}

static struct value *finish(struct random_graph *random, struct node *node) {
  if (node_infer(random->graph, node, &random->error) != ADZE_OK)
    fail_msg("%s", random->error.message);
  return node->outputs[0];
}

static struct value *pick(struct random_graph *random) {
  return random->values.data[below(random, random->values.count)];
}

static void keep(struct random_graph *random, struct value *value) {
  if (value->rank == 4 && value->dtype == ADZE_F32)
    vec_push(random->arena, &random->values, value);
}

static struct value *unary(struct random_graph *random) {
  static const struct op_def *const ops[] = {
      &op_relu, &op_abs, &op_neg, &op_identity, &op_sigmoid, &op_floor};
  struct value *x = pick(random);
  return finish(random,
                add_node(random, ops[below(random, ARRAY_COUNT(ops))], &x, 1));
}

static struct value *binary(struct random_graph *random) {
  static const struct op_def *const ops[] = {&op_add, &op_mul, &op_sub,
                                             &op_div};
  struct value *x = pick(random), *y = pick(random);
  const struct op_def *op = ops[below(random, ARRAY_COUNT(ops))];
  int64_t dims[4] = {1, value_dim(x, 1), 1, 1};
  uint64_t kind = below(random, 4);
  if (kind == 0)
    y = constant(random, 1, (int64_t[]){1});
  else if (kind == 1)
    y = constant(random, 4, dims);
  else if (kind == 2)
    y = constant(random, 3, dims + 1);
  else if (!value_same_shape(x, y))
    y = x;
  struct value *inputs[2] = {x, y};
  if (op != &op_div && below(random, 2)) {
    inputs[0] = y;
    inputs[1] = x;
  }
  return finish(random, add_node(random, op, inputs, 2));
}

static struct value *convolution(struct random_graph *random) {
  struct value *x = pick(random);
  bool transposed = below(random, 4) == 0;
  int64_t c = value_dim(x, 1), k = 1 + (int64_t)below(random, 3);
  int64_t dims[4] = {transposed ? c : k, transposed ? k : c, 1, 1};
  struct value *inputs[3] = {x, constant(random, 4, dims),
                             constant(random, 1, &k)};
  struct node *node =
      add_node(random, transposed ? &op_conv_transpose : &op_conv, inputs,
               2 + below(random, 2));
  node_set_ints(random->graph, node, "kernel_shape", (int64_t[]){1, 1}, 2);
  return finish(random, node);
}

static struct value *pooling(struct random_graph *random) {
  struct value *x = pick(random);
  if (below(random, 2))
    x = convolution(random);
  struct node *node = add_node(random, &op_average_pool, &x, 1);
  int64_t kernel[2], strides[2], pads[4];
  for (size_t axis = 0; axis < 2; axis++) {
    bool wide = value_dim(x, 2 + axis) > 1;
    kernel[axis] = 1 + (wide && below(random, 2));
    strides[axis] = 1 + (int64_t)below(random, 2);
    pads[axis] = kernel[axis] > 1 && below(random, 2);
    pads[2 + axis] = kernel[axis] > 1 && below(random, 2);
  }
  node_set_ints(random->graph, node, "kernel_shape", kernel, 2);
  node_set_ints(random->graph, node, "strides", strides, 2);
  node_set_ints(random->graph, node, "pads", pads, 4);
  node_set_int(node, "count_include_pad", (int64_t)below(random, 2));
  return finish(random, node);
}

static struct value *batch_norm(struct random_graph *random) {
  struct value *inputs[5] = {pick(random)};
  int64_t c = value_dim(inputs[0], 1);
  for (size_t i = 1; i < 5; i++)
    inputs[i] = constant(random, 1, &c);
  inputs[4] = graph_add_constant_data(random->graph, NULL, ADZE_F32, &c, 1,
                                      (float[]){1, 4, 2, 0.5f, 1, 1, 1, 1});
  return finish(random, add_node(random, &op_batch_norm, inputs, 5));
}

/* There and back again, or half of the way. */
static struct value *reshaping(struct random_graph *random) {
  struct value *x = pick(random);
  int64_t dims[4];
  for (size_t d = 0; d < 4; d++)
    dims[d] = value_dim(x, d);
  struct node *node = add_node(random, &op_flatten, &x, 1);
  node_set_int(node, "axis", 1 + (int64_t)below(random, 3));
  struct value *flat = finish(random, node);
  node = add_node(random, &op_reshape, &flat, 1);
  dims[below(random, 4)] = -1;
  node_set_ints(random->graph, node, "shape", dims, 4);
  return finish(random, node);
}

static struct value *transposition(struct random_graph *random) {
  static const int64_t orders[][4] = {
      {0, 1, 2, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}};
  struct value *x = pick(random);
  for (int i = 0; i < 2; i++) {
    struct node *node = add_node(random, &op_transpose, &x, 1);
    node_set_ints(random->graph, node, "perm", orders[below(random, 4)], 4);
    x = finish(random, node);
  }
  return x;
}

static struct value *casts(struct random_graph *random) {
  static const enum adze_dtype types[] = {ADZE_F32, ADZE_F64, ADZE_I32};
  struct value *x = pick(random);
  for (int i = 0; i < 2; i++) {
    struct node *node = add_node(random, &op_cast, &x, 1);
    node_set_int(node, "to", i ? ADZE_F32 : types[below(random, 3)]);
    x = finish(random, node);
  }
  return x;
}

/* Of constants only. */
static struct value *constants(struct random_graph *random) {
  int64_t dims[4] = {1, 2, 3, 2};
  struct value *inputs[2] = {constant(random, 4, dims),
                             constant(random, 4, dims)};
  return finish(random, add_node(random, &op_mul, inputs, 2));
}

static void build(struct random_graph *random, uint64_t seed, size_t nodes) {
  static struct value *(*const makers[])(struct random_graph *) = {
      unary,         unary,       binary,   binary,     binary,
      convolution,   convolution, pooling,  batch_norm, reshaping,
      transposition, casts,       constants};
  random->arena = arena_create("test");
  assert_non_null(random->arena);
  random->graph = graph_create(random->arena, "random");
  random->state = seed;
  const struct expr *dims[4];
  static const int64_t sizes[4] = {1, 2, 3, 2};
  for (size_t d = 0; d < 4; d++)
    dims[d] = expr_index(random->graph->pool, sizes[d]);
  keep(random, graph_add_input(random->graph, "x", ADZE_F32, dims, 4));
  for (size_t i = 0; i < nodes; i++)
    keep(random, makers[below(random, ARRAY_COUNT(makers))](random));
  for (size_t i = 0; i < 3; i++) {
    struct value *x = pick(random);
    struct value *out = finish(random, add_node(random, &op_identity, &x, 1));
    vec_push(random->arena, &random->graph->outputs, out);
  }
}

static float **evaluate(struct random_graph *random) {
  static const float x[] = {0.5f,  -1.25f, 3,     0, -0.0f, 7,
                            -2.5f, 0.125f, 1e-3f, 2, -9,    4};
  struct graph *graph = random->graph;
  void **memory = ARENA_ARRAY(random->arena, void *, graph->value_count + 1);
  float **outputs =
      ARENA_ARRAY(random->arena, float *, graph->outputs.count + 1);
  memory[graph->inputs.data[0]->id] = (void *)(uintptr_t)x;
  if (evaluate_graph(random->arena, graph, memory, &random->error) != ADZE_OK)
    fail_msg("%s", random->error.message);
  for (size_t i = 0; i < graph->outputs.count; i++)
    outputs[i] = memory[graph->outputs.data[i]->id];
  return outputs;
}

static bool same(float a, float b, bool exact) {
  if (isnan(a) || isnan(b))
    return isnan(a) && isnan(b);
  if (exact)
    return !memcmp(&a, &b, sizeof a);
  return a == b || fabsf(a - b) <= 1e-4f * (1 + fabsf(a));
}

/* These two round elsewhere than the nodes that they replace. */
static void compare(struct random_graph *random, float *const *before,
                    float *const *after, const struct pass *pass,
                    uint64_t seed) {
  bool exact = pass->run != pass_fold_scales && pass->run != pass_pool_first;
  for (size_t i = 0; i < random->graph->outputs.count; i++) {
    size_t count;
    assert_true(value_count(random->graph->outputs.data[i], &count));
    for (size_t e = 0; e < count; e++)
      if (!same(before[i][e], after[i][e], exact))
        fail_msg("seed %llu: %s changes output %zu at %zu from %g to %g",
                 (unsigned long long)seed, pass->name, i, e, before[i][e],
                 after[i][e]);
  }
}

static void test_passes_keep_meaning(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 500; seed++) {
    struct random_graph random = {.arena = NULL};
    build(&random, seed, 4 + seed % 16);
    if (graph_verify(random.graph, &random.error) != ADZE_OK)
      fail_msg("%s", random.error.message);
    float **before = evaluate(&random);
    for (size_t i = 0; i < pass_table_count; i++) {
      const struct pass *pass = &pass_table[i];
      if (pass->run(random.graph, &random.error) != ADZE_OK ||
          graph_verify(random.graph, &random.error) != ADZE_OK)
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, pass->name,
                 random.error.message);
      float **after = evaluate(&random);
      compare(&random, before, after, pass, seed);
      before = after;
    }
    arena_destroy(random.arena);
  }
}

/* Of this thread, so that a busy machine doesn't matter. */
static int64_t cpu_time_ns(void) {
  struct timespec now;
  assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* x -> relu -> … of n nodes; values stay few, so time is that of the passes. */
static int64_t time_of_chain(size_t nodes, const struct op_def *op) {
  struct random_graph random = {.arena = arena_create("test")};
  random.graph = graph_create(random.arena, "chain");
  const struct expr *dim = expr_index(random.graph->pool, 4);
  struct value *x = graph_add_input(random.graph, "x", ADZE_F32, &dim, 1);
  for (size_t i = 0; i < nodes; i++)
    x = finish(&random, add_node(&random, i % 2 ? op : &op_exp, &x, 1));
  vec_push(random.arena, &random.graph->outputs, x);
  int64_t start = cpu_time_ns();
  assert_int_equal(pass_run_all(random.graph, false, &random.error), ADZE_OK);
  int64_t time = cpu_time_ns() - start;
  arena_destroy(random.arena);
  return time;
}

/* A bound that quadratic passes exceed by far: linear ones take some
 * milliseconds for 60000 nodes, quadratic ones seconds. */
static void test_passes_are_linear(void **state) {
  (void)state;
  assert_true(time_of_chain(60000, &op_identity) < INT64_C(3000000000));
  assert_true(time_of_chain(60000, &op_neg) < INT64_C(3000000000));
}

static void test_dump_names(void **state) {
  struct adze_error error;
  (void)state;
  setenv("ADZE_DUMP", "fold_scales,group,lower", 1);
  assert_int_equal(pass_check_dump(&error), ADZE_OK);
  setenv("ADZE_DUMP", "all", 1);
  assert_int_equal(pass_check_dump(&error), ADZE_OK);
  setenv("ADZE_DUMP", "group,fold", 1);
  assert_int_equal(pass_check_dump(&error), ADZE_INVALID_ARGUMENT);
  assert_non_null(strstr(error.message, "'fold' is not one of widen_half"));
  assert_non_null(strstr(error.message, "lower, all"));
  unsetenv("ADZE_DUMP");
  assert_int_equal(pass_check_dump(&error), ADZE_OK);
}

static void test_evaluation_needs_sizes(void **state) {
  struct random_graph random = {.arena = arena_create("test")};
  (void)state;
  random.graph = graph_create(random.arena, "open");
  const struct expr *dim =
      expr_variable(random.graph->pool, graph_symbol(random.graph, "n"));
  struct value *x = graph_add_input(random.graph, "x", ADZE_F32, &dim, 1);
  struct value *y = finish(&random, add_node(&random, &op_relu, &x, 1));
  void **memory =
      ARENA_ARRAY(random.arena, void *, random.graph->value_count + 1);
  memory[x->id] = memory;
  vec_push(random.arena, &random.graph->outputs, y);
  assert_int_equal(
      evaluate_graph(random.arena, random.graph, memory, &random.error),
      ADZE_SHAPE);
  assert_non_null(strstr(random.error.message, "'x' has an open dimension"));
  arena_destroy(random.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_passes_keep_meaning),
      cmocka_unit_test(test_passes_are_linear),
      cmocka_unit_test(test_dump_names),
      cmocka_unit_test(test_evaluation_needs_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
