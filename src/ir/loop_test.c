/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers' layouts, statements' copies, and what expand makes. */
#include "test.h"

#include "ir/loop.h"
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

static struct variable *symbol(struct fixture *f, const char *name,
                               int32_t number, int64_t minimum) {
  struct variable *variable = variable_new(f->pool, name, NULL);
  variable->symbol = number;
  variable->minimum = minimum;
  return variable;
}

static const char *printed(struct fixture *f, const struct expr *e) {
  struct text text = {.arena = f->arena};
  expr_print(&text, e);
  return text_string(&text);
}

static const char *function_text(struct fixture *f,
                                 const struct function *function) {
  struct text text = {.arena = f->arena};
  function_print(&text, function);
  return text_string(&text);
}

static void test_layout(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  const struct expr *shape[] = {expr_index(pool, 2), expr_index(pool, 3),
                                expr_index(pool, 5)};
  struct buffer *dense =
      buffer_new(pool, "d", ADZE_F32, BUFFER_ARGUMENT, shape, 3);
  assert_string_equal(printed(f, dense->strides[0]), "15");
  assert_string_equal(printed(f, dense->strides[1]), "5");
  assert_string_equal(printed(f, dense->strides[2]), "1");
  assert_string_equal(printed(f, dense->size), "30");
  struct buffer *halo =
      buffer_new_halo(pool, "h", ADZE_F32, BUFFER_STACK, shape, 3,
                      (int64_t[]){0, 1, 2}, (int64_t[]){0, 1, 3});
  assert_string_equal(printed(f, halo->strides[0]), "50");
  assert_string_equal(printed(f, halo->strides[1]), "10");
  assert_string_equal(printed(f, halo->offset), "12");
  assert_string_equal(printed(f, halo->size), "100");
  const struct expr *indices[] = {expr_index(pool, 1), expr_index(pool, -1),
                                  expr_index(pool, 7)};
  assert_string_equal(printed(f, buffer_element(pool, halo, indices)), "59");
  assert_int_not_equal(dense->id, halo->id);
  struct buffer *scalar =
      buffer_new(pool, "s", ADZE_F32, BUFFER_STACK, NULL, 0);
  assert_string_equal(printed(f, scalar->size), "1");
  assert_string_equal(printed(f, buffer_element(pool, scalar, NULL)), "0");
  const struct expr *open[] = {expr_variable(pool, symbol(f, "H", 0, 1)),
                               expr_variable(pool, symbol(f, "W", 1, 1)),
                               expr_index(pool, 4)};
  struct buffer *symbolic =
      buffer_new(pool, "o", ADZE_F32, BUFFER_ARGUMENT, open, 3);
  assert_ptr_equal(symbolic->strides[1], expr_index(pool, 4));
  assert_true(expr_uses_variable(pool, symbolic->size, open[0]->variable));
}

static void test_reductions(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  const struct expr *a = expr_variable(pool, symbol(f, "a", 0, 0));
  const struct expr *b = expr_variable(pool, symbol(f, "b", 1, 0));
  static const char *const texts[] = {"b", "a + b", "a * b", "max(a, b)",
                                      "min(a, b)"};
  for (int kind = REDUCE_NONE; kind <= REDUCE_MIN; kind++)
    assert_string_equal(
        printed(f, reduce_combine(pool, (enum reduce_kind)kind, a, b)),
        texts[kind]);
  assert_string_equal(reduce_kind_name(REDUCE_PRODUCT), "product");
}

static const char nest_text[] = "structured function nest {\n"
                                "  scalar n\n"
                                "  parameter x: f32[n, n]\n"
                                "  for i < n {\n"
                                "    for j from i count n - i parallel {\n"
                                "      if i < j {\n"
                                "        x[i, j] = cast(f32, i + j)\n"
                                "      }\n"
                                "    }\n"
                                "    barrier\n"
                                "  }\n"
                                "}\n";

static struct function *nest(struct fixture *f) {
  struct function *function = NULL;
  assert_ok(function_parse(f->pool, nest_text, strlen(nest_text), &function,
                           &f->error),
            f->error);
  return function;
}

static void test_clone(void **state) {
  struct fixture *f = *state;
  struct function *function = nest(f);
  struct statement *original = function->body;
  struct statement *copy = statement_clone(f->pool, original);
  assert_ptr_not_equal(copy->loop.variable, original->loop.variable);
  assert_ptr_not_equal(copy->loop.body->loop.variable,
                       original->loop.body->loop.variable);
  function->body = copy;
  assert_string_equal(function_text(f, function), nest_text);
  assert_ok(verify_structured(function, &f->error), f->error);
  function->body = statement_append(copy, original);
  assert_ok(verify_structured(function, &f->error), f->error);
  assert_null(statement_clone(f->pool, NULL));
}

static void test_substitute(void **state) {
  struct fixture *f = *state;
  struct function *function = nest(f);
  struct substitution pair = {function->scalars.data[0],
                              expr_index(f->pool, 6)};
  statement_substitute(f->pool, function->body, &pair, 1);
  assert_string_equal(printed(f, function->body->loop.extent), "6");
  assert_string_equal(printed(f, function->body->loop.variable->extent), "6");
  struct statement *inner = function->body->loop.body;
  assert_false(expr_uses_variable(f->pool, inner->loop.extent,
                                  function->scalars.data[0]));
  pair.variable = function->body->loop.variable;
  statement_substitute(f->pool, inner, &pair, 1);
  assert_string_equal(printed(f, inner->loop.minimum), "6");
  assert_string_equal(
      printed(f, inner->loop.body->branch.then_body->store.indices[0]), "6");
}

static void count_kinds(void *context, struct statement *s) {
  ((size_t *)context)[s->kind]++;
}

static void test_walk(void **state) {
  struct fixture *f = *state;
  size_t counts[STATEMENT_BARRIER + 1] = {0};
  statement_walk(nest(f)->body, count_kinds, counts);
  assert_int_equal(counts[STATEMENT_FOR], 2);
  assert_int_equal(counts[STATEMENT_IF], 1);
  assert_int_equal(counts[STATEMENT_STORE], 1);
  assert_int_equal(counts[STATEMENT_BARRIER], 1);
}

/* out[i] = sum(k < extent) x[i, k], and twice that. */
static struct function *expanded(struct fixture *f, const struct expr *extent) {
  struct expr_pool *pool = f->pool;
  const struct expr *h = expr_variable(pool, symbol(f, "H", 3, 1));
  struct buffer *x = buffer_new(pool, "x", ADZE_F32, BUFFER_ARGUMENT,
                                (const struct expr *[]){h, extent}, 2);
  struct buffer *sum =
      buffer_new(pool, "sum", ADZE_F32, BUFFER_ARGUMENT, &h, 1);
  struct buffer *out =
      buffer_new(pool, "out", ADZE_F32, BUFFER_ARGUMENT, &h, 1);
  struct stage *first = ARENA_NEW(f->arena, struct stage);
  *first = (struct stage){.name = "sum",
                          .output = sum,
                          .axis_count = 1,
                          .axes = {variable_new(pool, "i", h)},
                          .reduction_count = 1,
                          .reductions = {variable_new(pool, "k", extent)},
                          .reduce = REDUCE_SUM,
                          .initial = expr_real(pool, ADZE_F32, 0)};
  const struct expr *at[] = {expr_variable(pool, first->axes[0]),
                             expr_variable(pool, first->reductions[0])};
  first->body = expr_load(pool, x, at, 2);
  struct stage *second = ARENA_NEW(f->arena, struct stage);
  *second = (struct stage){.name = "double",
                           .output = out,
                           .axis_count = 1,
                           .axes = {variable_new(pool, "i", h)}};
  at[0] = expr_variable(pool, second->axes[0]);
  second->body =
      expr_mul(pool, expr_load(pool, sum, at, 1), expr_real(pool, ADZE_F32, 2));
  return expand(pool, "twice", (struct stage *[]){first, second}, 2,
                (struct buffer *[]){x, out}, 2);
}

static void test_expand(void **state) {
  struct fixture *f = *state;
  assert_string_equal(
      function_text(f, expanded(f, expr_index(f->pool, 7))),
      "structured function twice {\n"
      "  scalar H #3 least 1\n"
      "  parameter x: f32[H, 7]\n"
      "  parameter out: f32[H]\n"
      "  buffer sum: f32[H] stack\n"
      "  stage sum: sum[i < H] = reduce sum(k < 7) from 0.0 of x[i, k]\n"
      "  stage double: out[i < H] = sum[i] * 2.0\n"
      "  for i < H {\n"
      "    for k < 7 {\n"
      "      block sum(i; k)\n"
      "    }\n"
      "  }\n"
      "  for i < H {\n"
      "    block double(i)\n"
      "  }\n"
      "}\n");
}

/* Where nothing may be reduced, the initial value has a block of its own. */
static void test_expand_empty(void **state) {
  struct fixture *f = *state;
  const struct expr *k = expr_variable(f->pool, symbol(f, "K", 1, 0));
  struct function *function = expanded(f, k);
  assert_int_equal(function->scalars.count, 2);
  assert_string_equal(function->scalars.data[0]->name, "K");
  assert_ok(verify_structured(function, &f->error), f->error);
  const char *text = function_text(f, function);
  assert_non_null(strstr(text, "  for i < H {\n"
                               "    block sum(i; 0) initial\n"
                               "    for k < K {\n"
                               "      block sum(i; k) update\n"
                               "    }\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_layout, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_reductions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_clone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_substitute, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_walk, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_expand, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_expand_empty, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
