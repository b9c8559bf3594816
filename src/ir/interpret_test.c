/* SPDX-License-Identifier: Apache-2.0 */
/* Structured loops against plain C: operators written as stages, expanded and
 * interpreted, on awkward sizes; single elements; faults. */
#include "test.h"

#include <math.h>

#include "ir/interpret.h"
#include "ir/loop_text.h"

struct fixture {
  struct arena *arena;
  struct expr_pool *pool;
  struct adze_error error;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = arena_create("test");
  f->pool = expr_pool_create(f->arena);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  arena_destroy(f->arena);
  free(f);
  return 0;
}

static uint32_t random_state = 12345;
static float random_float(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return (float)(int32_t)random_state / 2147483648.0f;
}

static void fill(float *data, size_t count) {
  for (size_t i = 0; i < count; i++)
    data[i] = random_float();
}

static struct buffer *dense(struct fixture *f, const char *name,
                            enum buffer_scope scope, const int64_t *dims,
                            size_t rank) {
  const struct expr *shape[LOOP_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    shape[i] = expr_index(f->pool, dims[i]);
  return buffer_new(f->pool, name, ADZE_F32, scope, shape, rank);
}

/* A stage whose axes run over its output's shape. */
static struct stage *stage_over(struct fixture *f, struct buffer *output) {
  static const char *const names[] = {"i", "j", "k", "l", "m", "n"};
  struct stage *stage = ARENA_NEW(f->arena, struct stage);
  stage->name = output->name;
  stage->output = output;
  stage->axis_count = output->rank;
  for (size_t i = 0; i < output->rank; i++)
    stage->axes[i] = variable_new(f->pool, names[i], output->shape[i]);
  return stage;
}

static const struct expr *reduce_over(struct fixture *f, struct stage *stage,
                                      const char *name, int64_t extent) {
  struct variable *variable =
      variable_new(f->pool, name, expr_index(f->pool, extent));
  stage->reductions[stage->reduction_count++] = variable;
  return expr_variable(f->pool, variable);
}

static const struct expr *axis(struct fixture *f, const struct stage *stage,
                               size_t i) {
  return expr_variable(f->pool, stage->axes[i]);
}

#define LOAD(f, buffer, ...)                                                   \
  expr_load((f)->pool, buffer, (const struct expr *[]){__VA_ARGS__},           \
            sizeof((const struct expr *[]){__VA_ARGS__}) /                     \
                sizeof(struct expr *))

static void run(struct fixture *f, struct stage **stages, size_t stage_count,
                struct buffer **parameters, void **data, const size_t *bytes,
                size_t count) {
  struct function *function =
      expand(f->pool, "test", stages, stage_count, parameters, count);
  if (verify_structured(function, &f->error) != ADZE_OK ||
      interpret(function, data, bytes, NULL, 0, 1, &f->error) != ADZE_OK)
    fail_msg("%s", f->error.message);
}

static void matmul(struct fixture *f, int64_t rows, int64_t columns,
                   int64_t depth) {
  struct buffer *a =
      dense(f, "a", BUFFER_ARGUMENT, (int64_t[]){rows, depth}, 2);
  struct buffer *b =
      dense(f, "b", BUFFER_ARGUMENT, (int64_t[]){depth, columns}, 2);
  struct buffer *out =
      dense(f, "out", BUFFER_ARGUMENT, (int64_t[]){rows, columns}, 2);
  struct stage *stage = stage_over(f, out);
  const struct expr *k = reduce_over(f, stage, "k", depth);
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_real(f->pool, ADZE_F32, 0.5);
  stage->body = expr_mul(f->pool, LOAD(f, a, axis(f, stage, 0), k),
                         LOAD(f, b, k, axis(f, stage, 1)));
  float *x = calloc((size_t)(rows * depth) + 1, 4);
  float *y = calloc((size_t)(depth * columns) + 1, 4);
  float *z = calloc((size_t)(rows * columns) + 1, 4);
  fill(x, (size_t)(rows * depth));
  fill(y, (size_t)(depth * columns));
  run(f, &stage, 1, (struct buffer *[]){a, b, out}, (void *[]){x, y, z},
      (size_t[]){(size_t)(rows * depth) * 4, (size_t)(depth * columns) * 4,
                 (size_t)(rows * columns) * 4},
      3);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      float sum = 0.5f;
      for (int64_t p = 0; p < depth; p++) {
        float product = x[i * depth + p] * y[p * columns + j];
        sum += product;
      }
      assert_true(z[i * columns + j] == sum);
    }
  free(x);
  free(y);
  free(z);
}

static void test_matmul(void **state) {
  matmul(*state, 1, 1, 1);
  matmul(*state, 3, 5, 7);
  matmul(*state, 17, 1, 33);
  matmul(*state, 1, 29, 2);
  matmul(*state, 4, 6, 0); /* nothing to add: the initial value */
  matmul(*state, 0, 6, 3); /* nothing to compute */
}

struct convolution {
  int64_t height, width, in, out, kernel, stride, pad, dilation;
};

/* out[o,y,x] = sum(c,r,s) padded in[c, y*stride + r*dilation - pad, …] */
static struct stage *convolution_stage(struct fixture *f,
                                       const struct convolution *shape,
                                       struct buffer *in, struct buffer *weight,
                                       struct buffer *out) {
  struct expr_pool *pool = f->pool;
  struct stage *stage = stage_over(f, out);
  const struct expr *c = reduce_over(f, stage, "c", shape->in);
  const struct expr *r = reduce_over(f, stage, "r", shape->kernel);
  const struct expr *s = reduce_over(f, stage, "s", shape->kernel);
  const struct expr *place[2], *inside = expr_bool(pool, true);
  for (size_t d = 0; d < 2; d++) {
    const struct expr *extent =
        expr_index(pool, d == 0 ? shape->height : shape->width);
    const struct expr *start =
        expr_mul(pool, axis(f, stage, d + 1), expr_index(pool, shape->stride));
    const struct expr *step =
        expr_mul(pool, d == 0 ? r : s, expr_index(pool, shape->dilation));
    place[d] = expr_sub(pool, expr_add(pool, start, step),
                        expr_index(pool, shape->pad));
    inside = expr_and(pool, inside,
                      expr_less_equal(pool, expr_index(pool, 0), place[d]));
    inside = expr_and(pool, inside, expr_less(pool, place[d], extent));
  }
  const struct expr *value =
      expr_select(pool, inside, LOAD(f, in, c, place[0], place[1]),
                  expr_real(pool, ADZE_F32, 0));
  stage->reduce = REDUCE_SUM;
  stage->initial = expr_real(pool, ADZE_F32, 0);
  stage->body =
      expr_mul(pool, value, LOAD(f, weight, axis(f, stage, 0), c, r, s));
  return stage;
}

static float convolve_at(const struct convolution *n, const float *in,
                         const float *weight, int64_t o, int64_t y, int64_t x) {
  float sum = 0;
  for (int64_t c = 0; c < n->in; c++)
    for (int64_t r = 0; r < n->kernel; r++)
      for (int64_t s = 0; s < n->kernel; s++) {
        int64_t iy = y * n->stride + r * n->dilation - n->pad;
        int64_t ix = x * n->stride + s * n->dilation - n->pad;
        bool inside = iy >= 0 && iy < n->height && ix >= 0 && ix < n->width;
        float value = inside ? in[(c * n->height + iy) * n->width + ix] : 0;
        float product =
            value * weight[((o * n->in + c) * n->kernel + r) * n->kernel + s];
        sum += product;
      }
  return sum;
}

static void convolve(struct fixture *f, struct convolution n) {
  int64_t span = n.dilation * (n.kernel - 1) + 1;
  int64_t oh = (n.height + 2 * n.pad - span) / n.stride + 1;
  int64_t ow = (n.width + 2 * n.pad - span) / n.stride + 1;
  struct buffer *in =
      dense(f, "in", BUFFER_ARGUMENT, (int64_t[]){n.in, n.height, n.width}, 3);
  struct buffer *weight =
      dense(f, "weight", BUFFER_ARGUMENT,
            (int64_t[]){n.out, n.in, n.kernel, n.kernel}, 4);
  struct buffer *out =
      dense(f, "out", BUFFER_ARGUMENT, (int64_t[]){n.out, oh, ow}, 3);
  struct stage *stage = convolution_stage(f, &n, in, weight, out);
  size_t in_count = (size_t)(n.in * n.height * n.width);
  size_t weight_count = (size_t)(n.out * n.in * n.kernel * n.kernel);
  size_t out_count = (size_t)(n.out * oh * ow);
  float *x = calloc(in_count, 4), *w = calloc(weight_count, 4);
  float *z = calloc(out_count, 4);
  fill(x, in_count);
  fill(w, weight_count);
  run(f, &stage, 1, (struct buffer *[]){in, weight, out}, (void *[]){x, w, z},
      (size_t[]){in_count * 4, weight_count * 4, out_count * 4}, 3);
  for (int64_t o = 0; o < n.out; o++)
    for (int64_t y = 0; y < oh; y++)
      for (int64_t i = 0; i < ow; i++)
        assert_true(z[(o * oh + y) * ow + i] == convolve_at(&n, x, w, o, y, i));
  struct interpret_memory memory[] = {{in, x, in_count * 4},
                                      {weight, w, weight_count * 4}};
  for (int64_t o = 0; o < n.out; o++) {
    float element;
    int64_t indices[] = {o, oh - 1, o % ow};
    assert_int_equal(interpret_element(f->pool, &stage, 1, memory, 2, NULL, 0,
                                       stage, indices, &element, &f->error),
                     ADZE_OK);
    assert_true(element == z[(o * oh + oh - 1) * ow + o % ow]);
  }
  free(x);
  free(w);
  free(z);
}

static void test_convolution(void **state) {
  convolve(*state, (struct convolution){5, 7, 3, 4, 3, 1, 1, 1});
  convolve(*state, (struct convolution){9, 4, 2, 3, 3, 2, 1, 1});
  convolve(*state, (struct convolution){11, 13, 1, 2, 5, 3, 4, 2});
  convolve(*state, (struct convolution){1, 1, 5, 1, 1, 1, 0, 1});
}

/* max, sum of exponentials, quotient: three stages through stack buffers. */
static void softmax_stages(struct fixture *f, int64_t rows, int64_t columns,
                           struct buffer *in, struct buffer *out,
                           struct stage **stages) {
  struct expr_pool *pool = f->pool;
  struct buffer *most = dense(f, "most", BUFFER_STACK, &rows, 1);
  struct buffer *total = dense(f, "total", BUFFER_STACK, &rows, 1);
  stages[0] = stage_over(f, most);
  const struct expr *k = reduce_over(f, stages[0], "k", columns);
  stages[0]->reduce = REDUCE_MAX;
  stages[0]->initial = expr_real(pool, ADZE_F32, -INFINITY);
  stages[0]->body = LOAD(f, in, axis(f, stages[0], 0), k);
  stages[1] = stage_over(f, total);
  k = reduce_over(f, stages[1], "k", columns);
  stages[1]->reduce = REDUCE_SUM;
  stages[1]->initial = expr_real(pool, ADZE_F32, 0);
  stages[1]->body =
      expr_unary(pool, EXPR_EXP,
                 expr_sub(pool, LOAD(f, in, axis(f, stages[1], 0), k),
                          LOAD(f, most, axis(f, stages[1], 0))));
  stages[2] = stage_over(f, out);
  const struct expr *row = axis(f, stages[2], 0);
  const struct expr *power =
      expr_unary(pool, EXPR_EXP,
                 expr_sub(pool, LOAD(f, in, row, axis(f, stages[2], 1)),
                          LOAD(f, most, row)));
  stages[2]->body = expr_binary(pool, EXPR_DIV, power, LOAD(f, total, row));
}

static void test_softmax(void **state) {
  struct fixture *f = *state;
  enum { ROWS = 3, COLUMNS = 11 };
  const int64_t dims[] = {ROWS, COLUMNS};
  struct buffer *in = dense(f, "in", BUFFER_ARGUMENT, dims, 2);
  struct buffer *out = dense(f, "out", BUFFER_ARGUMENT, dims, 2);
  struct stage *stages[3];
  softmax_stages(f, ROWS, COLUMNS, in, out, stages);
  float x[ROWS * COLUMNS], y[ROWS * COLUMNS];
  fill(x, ROWS * COLUMNS);
  x[4] = 80;
  run(f, stages, 3, (struct buffer *[]){in, out}, (void *[]){x, y},
      (size_t[]){sizeof x, sizeof y}, 2);
  for (size_t i = 0; i < ROWS; i++) {
    double sum = 0, most = -INFINITY;
    for (size_t j = 0; j < COLUMNS; j++)
      most = fmax(most, x[i * COLUMNS + j]);
    for (size_t j = 0; j < COLUMNS; j++)
      sum += exp(x[i * COLUMNS + j] - most);
    for (size_t j = 0; j < COLUMNS; j++)
      assert_true(fabs(exp(x[i * COLUMNS + j] - most) / sum -
                       y[i * COLUMNS + j]) < 1e-6);
  }
  struct interpret_memory memory = {in, x, sizeof x};
  for (int64_t i = 0; i < ROWS; i++)
    for (int64_t j = 0; j < COLUMNS; j++) {
      float element;
      assert_int_equal(interpret_element(f->pool, stages, 3, &memory, 1, NULL,
                                         0, stages[2], (int64_t[]){i, j},
                                         &element, &f->error),
                       ADZE_OK);
      assert_true(element == y[i * COLUMNS + j]);
    }
}

/* Open dimensions, a halo, an offset into a parent buffer. */
static void test_open_dimensions(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  struct variable *w = variable_new(pool, "W", NULL);
  w->symbol = 0;
  w->minimum = 1;
  const struct expr *width = expr_variable(pool, w);
  struct buffer *in =
      buffer_new_halo(pool, "in", ADZE_F32, BUFFER_ARGUMENT, &width, 1,
                      (int64_t[]){1}, (int64_t[]){1});
  struct buffer *out =
      buffer_new(pool, "out", ADZE_F32, BUFFER_ARGUMENT, &width, 1);
  out->offset = expr_index(pool, 2);
  out->strides[0] = expr_index(pool, 3);
  struct stage *stage = stage_over(f, out);
  const struct expr *one = expr_index(pool, 1), *i = axis(f, stage, 0);
  stage->body = expr_add(pool, LOAD(f, in, expr_sub(pool, i, one)),
                         LOAD(f, in, expr_add(pool, i, one)));
  struct function *function =
      expand(pool, "blur", &stage, 1, (struct buffer *[]){in, out}, 2);
  assert_int_equal(function->scalars.count, 1);
  float x[7] = {0, 1, 2, 3, 4, 5, 0}, y[15] = {0};
  int64_t five = 5;
  assert_int_equal(interpret(function, (void *[]){x, y},
                             (size_t[]){sizeof x, sizeof y}, &five, 0, 1,
                             &f->error),
                   ADZE_OK);
  const float expected[] = {2, 4, 6, 8, 4};
  for (size_t k = 0; k < 5; k++)
    assert_true(y[2 + 3 * k] == expected[k]);
  int64_t six = 6; /* too small memory for it */
  assert_int_equal(interpret(function, (void *[]){x, y},
                             (size_t[]){sizeof x, sizeof y}, &six, 0, 1,
                             &f->error),
                   ADZE_INTERNAL);
  assert_non_null(strstr(f->error.message, "element 7 of buffer in"));
  float element;
  struct interpret_memory memory = {in, x, sizeof x};
  struct substitution symbol = {w, expr_index(pool, 5)};
  assert_int_equal(interpret_element(pool, &stage, 1, &memory, 1, &symbol, 1,
                                     stage, (int64_t[]){3}, &element,
                                     &f->error),
                   ADZE_OK);
  assert_true(element == 8);
}

/* An index outside its dimension is a fault although the memory is there. */
static void test_faults(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  const int64_t dims[] = {3, 4};
  struct buffer *in = dense(f, "in", BUFFER_ARGUMENT, dims, 2);
  struct buffer *out = dense(f, "out", BUFFER_ARGUMENT, dims, 2);
  struct stage *stage = stage_over(f, out);
  stage->body = LOAD(f, in, axis(f, stage, 0),
                     expr_add(pool, axis(f, stage, 1), expr_index(pool, 1)));
  struct function *function =
      expand(pool, "far", &stage, 1, (struct buffer *[]){in, out}, 2);
  float x[13] = {0}, y[12];
  void *data[] = {x, y};
  size_t bytes[] = {sizeof x, sizeof y};
  assert_int_equal(interpret(function, data, bytes, NULL, 0, 1, &f->error),
                   ADZE_INTERNAL);
  assert_non_null(strstr(f->error.message, "buffer in lies outside"));
  assert_int_equal(interpret(function, data, bytes, NULL, 1, 1, &f->error),
                   ADZE_INTERNAL);
  assert_int_equal(
      interpret_all_workers(function, data, bytes, NULL, 0, &f->error),
      ADZE_INTERNAL);
  stage->body = expr_cast(
      pool, ADZE_F32, expr_variable(pool, variable_new(pool, "loose", NULL)));
  assert_int_equal(interpret(function, data, bytes, NULL, 0, 1, &f->error),
                   ADZE_INTERNAL);
  assert_non_null(strstr(f->error.message, "loose"));
  stage->body = LOAD(f, dense(f, "lost", BUFFER_ARGUMENT, dims, 2),
                     axis(f, stage, 0), axis(f, stage, 1));
  assert_int_equal(interpret(function, data, bytes, NULL, 0, 1, &f->error),
                   ADZE_INTERNAL);
  assert_non_null(strstr(f->error.message, "lost"));
}

/* What was never written is not a number. */
static void test_poison(void **state) {
  struct fixture *f = *state;
  const int64_t size = 4;
  struct buffer *between = dense(f, "between", BUFFER_STACK, &size, 1);
  struct buffer *out = dense(f, "out", BUFFER_ARGUMENT, &size, 1);
  struct stage *stage = stage_over(f, out);
  stage->body = LOAD(f, between, axis(f, stage, 0));
  struct function *function = expand(f->pool, "poison", &stage, 1, &out, 1);
  vec_push(f->arena, &function->buffers, between);
  float y[4] = {0};
  assert_int_equal(interpret(function, (void *[]){y}, (size_t[]){sizeof y},
                             NULL, 0, 1, &f->error),
                   ADZE_OK);
  for (size_t i = 0; i < 4; i++)
    assert_true(isnan(y[i]));
}

/* Element programs: a cycle and a missing input are faults, not a crash. */
static void test_element_faults(void **state) {
  struct fixture *f = *state;
  const int64_t size = 4;
  struct buffer *out = dense(f, "out", BUFFER_ARGUMENT, &size, 1);
  struct stage *stage = stage_over(f, out);
  const struct expr *i = axis(f, stage, 0);
  stage->body = LOAD(f, out, i);
  float element;
  int64_t index = 0;
  assert_int_equal(interpret_element(f->pool, &stage, 1, NULL, 0, NULL, 0,
                                     stage, &index, &element, &f->error),
                   ADZE_INTERNAL);
  assert_non_null(strstr(f->error.message, "depends on itself"));
  stage->body = LOAD(f, dense(f, "in", BUFFER_ARGUMENT, &size, 1), i);
  assert_int_equal(interpret_element(f->pool, &stage, 1, NULL, 0, NULL, 0,
                                     stage, &index, &element, &f->error),
                   ADZE_INTERNAL);
  index = 4;
  assert_int_equal(interpret_element(f->pool, &stage, 1, NULL, 0, NULL, 0,
                                     stage, &index, &element, &f->error),
                   ADZE_INTERNAL);
}

/* A long chain of stages: recursion through all of them, each once. */
static void test_element_chain(void **state) {
  struct fixture *f = *state;
  enum { LENGTH = 40 };
  const int64_t size = 3;
  struct buffer *in = dense(f, "in", BUFFER_ARGUMENT, &size, 1);
  struct stage *stages[LENGTH];
  for (size_t n = 0; n < LENGTH; n++) {
    struct buffer *from = n == 0 ? in : stages[n - 1]->output;
    stages[n] = stage_over(f, dense(f, "step", BUFFER_STACK, &size, 1));
    const struct expr *i = axis(f, stages[n], 0);
    const struct expr *other = expr_sub(f->pool, expr_index(f->pool, 2), i);
    stages[n]->body = expr_add(f->pool, LOAD(f, from, i), LOAD(f, from, other));
  }
  float x[3] = {1, 2, 4}, element;
  struct interpret_memory memory = {in, x, sizeof x};
  assert_int_equal(interpret_element(f->pool, stages, LENGTH, &memory, 1, NULL,
                                     0, stages[LENGTH - 1], (int64_t[]){1},
                                     &element, &f->error),
                   ADZE_OK);
  assert_true(element == ldexpf(2, LENGTH));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_matmul, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_convolution, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_softmax, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_open_dimensions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_poison, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_element_faults, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_element_chain, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
