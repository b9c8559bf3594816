/* SPDX-License-Identifier: Apache-2.0 */
/* The text form: parse(print(x)) prints the same, parsed functions run, wrong
 * text is an error at a line and column. */
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

static struct function *parse(struct fixture *f, const char *text) {
  struct function *function = NULL;
  assert_ok(function_parse(f->pool, text, strlen(text), &function, &f->error),
            f->error);
  return function;
}

static const char *print(struct fixture *f, const struct function *function) {
  struct text text = {.arena = f->arena};
  function_print(&text, function);
  return text_string(&text);
}

/* The text is canonical: it is what its function prints. */
static struct function *canonical(struct fixture *f, const char *text) {
  struct function *function = parse(f, text);
  assert_string_equal(print(f, function), text);
  return function;
}

static const char matmul_text[] =
    "structured function matmul {\n"
    "  scalar N #0 least 1 most 4096\n"
    "  scalar K #1\n"
    "  parameter a: f32[N, K]\n"
    "  parameter b: f32[K, 8] constant\n"
    "  parameter out: f32[N, 8] halo(1:1, 0:0)\n"
    "  buffer tile: f32[4, 8] stack strides(16, 1) offset(3) size(64)\n"
    "  stage sum: out[i < N, j < 8] = reduce sum(k < K) from 0.0 of "
    "a[i, k] * b[k, j]\n"
    "  for i < N parallel {\n"
    "    for j < 8 {\n"
    "      prefetch b[j * 16 + K * 8]\n"
    "      block sum(i, j; 0) initial\n"
    "      for k < K partition {\n"
    "        block sum(i, j; k) update when i * 8 + j < N * 8\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "  for i from 1 count 2 {\n"
    "    if i == 1 | out[i, 0] < -1.5 {\n"
    "      tile[i, 0] = max(out[i, 0], -inf)\n"
    "    } else {\n"
    "      tile[i, 1] = cast(f32, i)\n"
    "    }\n"
    "  }\n"
    "}\n";

static void test_structured(void **state) {
  struct fixture *f = *state;
  struct function *function = canonical(f, matmul_text);
  assert_ok(verify_structured(function, &f->error), f->error);
  enum { N = 3, K = 2 };
  float a[N * K] = {1, 2, 3, 4, 5, 6}, b[K * 8], out[(N + 2) * 8] = {0};
  for (size_t i = 0; i < K * 8; i++)
    b[i] = (float)i;
  int64_t scalars[] = {N, K};
  assert_ok(interpret(function, (void *[]){a, b, out},
                      (size_t[]){sizeof a, sizeof b, sizeof out}, scalars, 0, 1,
                      &f->error),
            f->error);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < 8; j++)
      assert_true(out[(i + 1) * 8 + j] ==
                  a[i * K] * b[j] + a[i * K + 1] * b[8 + j]);
}

static const char flat_text[] =
    "flat function flow {\n"
    "  spmd worker of workers\n"
    "  parameter x: f32[64]\n"
    "  parameter out: f32[64]\n"
    "  parameter bits: u8[64]\n"
    "  buffer pad: i32[16] worker at(0)\n"
    "  buffer more: f16[4] worker at(64)\n"
    "  scratch 72\n"
    "  let total: f32x4 = broadcast(0.0, 4)\n"
    "  for i < 16 {\n"
    "    prefetch x[i * 4 + 1000]\n"
    "    total = fma(x[i * 4 : 4], broadcast(2.0, 4), total)\n"
    "  }\n"
    "  barrier\n"
    "  let even: boolx4 = rem(ramp(worker, 1, 4), broadcast(2, 4)) == "
    "broadcast(0, 4)\n"
    "  if worker == 0 {\n"
    "    out[0] = select(even, total, neg(total))\n"
    "    out[ramp(4, 3, 4)] = x[ramp(8, 2, 4)]\n"
    "    bits[0] = bitcast(u8, cast(i8, floordiv(worker - 7, 2)))\n"
    "    pad[0] = shl(cast(i32, worker), 3:i32)\n"
    "  }\n"
    "}\n";

static void test_flat(void **state) {
  struct fixture *f = *state;
  struct function *function = canonical(f, flat_text);
  assert_ok(verify_flat(function, &f->error), f->error);
  float x[64], out[64] = {0}, sums[4] = {0};
  uint8_t bits[64] = {0};
  for (size_t i = 0; i < 64; i++) {
    x[i] = (float)i;
    sums[i % 4] = fmaf(x[i], 2, sums[i % 4]);
  }
  assert_ok(interpret_all_workers(function, (void *[]){x, out, bits},
                                  (size_t[]){sizeof x, sizeof out, sizeof bits},
                                  NULL, 3, &f->error),
            f->error);
  for (size_t i = 0; i < 4; i++) {
    assert_true(out[i] == (i % 2 == 0 ? sums[i] : -sums[i]));
    if (i > 0)
      assert_true(out[4 + 3 * i] == x[8 + 2 * i]);
  }
  assert_int_equal(bits[0], 0xfc);
}

/* Constants of all dtypes, operators by how they bind, every call. */
static void test_expressions(void **state) {
  struct fixture *f = *state;
  static const char *const values[] = {
      "x[0] + (x[1] - x[2]) * x[3] - x[4]",
      "(x[0] + x[1]) * (x[2] + 0.1) * -2.5e-10",
      "x[0] - (x[1] - x[2])",
      "select(x[0] < x[1] & (x[2] == nan | x[3] <= inf), 1.0, -0.0)",
      "select((x[0] < 1.0) == (x[1] != 2.0), 16777216.0, 1e+30)",
      "cast(f32, 3.0000000000000004:f64 + cast(f64, x[0]))",
      "cast(f32, -9223372036854775808 - i)",
      "cast(f32, cast(u64, i) + -1:u64)",
      "cast(f32, cast(i8, i) * -128:i8)",
      "cast(f32, bitcast(f16, cast(u16, i)))",
      "bitcast(f32, and(bitcast(u32, x[0]), 2147483647:u32))",
      "min(max(abs(neg(x[0])), sqrt(x[1])), floor(ceil(x[2])))",
      "exp(log(sin(cos(tan(asin(acos(atan(x[0]))))))))",
      "pow(sinh(cosh(x[0])), asinh(tanh(erf(x[1]))))",
      "rem(round(x[0]), trunc(x[1])) / 3.0",
      "cast(f32, shr(xor(i, 5), floormod(i, 3)) | not(i))",
      "with #0 = x[0] * x[1] + x[2] * x[3] in exp(#0) / (#0 + 1.0)",
  };
  for (size_t n = 0; n < ARRAY_COUNT(values); n++) {
    char text[512];
    const char *format = "structured function f {\n"
                         "  parameter x: f32[8]\n"
                         "  for i < 8 {\n"
                         "    x[i] = %s\n"
                         "  }\n"
                         "}\n";
    snprintf(text, sizeof text, format, values[n]);
    struct function *function = parse(f, text);
    assert_ok(verify_structured(function, &f->error), f->error);
    /* Makers fold and operators may be written as calls, so the first print
     * may differ; the second may not. */
    const char *once = print(f, function);
    assert_string_equal(print(f, parse(f, once)), once);
  }
}

/* A doubling DAG and a deep chain stay small and come back. */
static void test_sharing(void **state) {
  struct fixture *f = *state;
  struct function *function = parse(f, "structured function f {\n"
                                       "  parameter x: f32[8]\n"
                                       "  x[0] = x[1]\n"
                                       "}\n");
  struct expr_pool *pool = f->pool;
  const struct expr *e = function->body->store.value;
  for (size_t i = 0; i < 60; i++)
    e = expr_mul(pool, expr_unary(pool, EXPR_SQRT, e), expr_add(pool, e, e));
  for (size_t i = 0; i < 3000; i++)
    e = expr_unary(pool, i % 2 ? EXPR_SQRT : EXPR_NEGATE, e);
  function->body->store.value = e;
  const char *once = print(f, function);
  assert_true(strlen(once) < 60000);
  struct function *again = parse(f, once);
  assert_ptr_not_equal(again->body->store.value, e); /* another buffer */
  assert_string_equal(print(f, again), once);
}

/* Equal names are told apart, odd ones become identifiers. */
static void test_names(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  const struct expr *eight = expr_index(pool, 8);
  struct function *function = function_new(pool, "names");
  const char *const names[] = {"x", "x", "conv/1:0", "3", "", "for", "x_1"};
  for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
    struct buffer *buffer =
        buffer_new(pool, names[i], ADZE_F32, BUFFER_ARGUMENT, &eight, 1);
    vec_push(f->arena, &function->parameters, buffer);
    struct variable *variable = variable_new(pool, names[i], eight);
    struct statement *store = statement_new(pool, STATEMENT_STORE);
    store->store.buffer = buffer;
    store->store.index_count = 1;
    store->store.indices[0] = expr_variable(pool, variable);
    store->store.value = expr_real(pool, ADZE_F32, i + 0.25);
    function->body = statement_append(
        function->body, statement_for(pool, variable, LOOP_SERIAL, store));
  }
  const char *once = print(f, function);
  assert_non_null(strstr(once, "conv_1_0: f32[8]"));
  struct function *again = parse(f, once);
  assert_ok(verify_structured(again, &f->error), f->error);
  assert_string_equal(print(f, again), once);
}

static void test_errors(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *body, *message;
  } rows[] = {
      {"  y[0] = 1.0\n", "line 4, column 3: there is no local y"},
      {"  x[0] = y\n", "line 4, column 10: there is nothing called y"},
      {"  x[0 = 1.0\n", "expected ], found ="},
      {"  x[0, 1] = 1.0\n", "expected ], found ,"},
      {"  x[1.0] = 1.0\n", "expected a scalar i64, found f32x1"},
      {"  x[0] = 1\n", "x holds f32, not i64"},
      {"  x[0] = x[0] + 1\n", "add takes arguments of one dtype"},
      {"  x[0] = and(x[0], x[0])\n", "and takes integers and bool"},
      {"  x[0] = exp(1)\n", "exp takes f32 and f64"},
      {"  x[0] = select(1, x[0], x[0])\n", "select takes a bool first"},
      {"  x[0] = bitcast(f32, 1)\n", "bitcast takes an argument of as many"},
      {"  x[0] = select(1 < 2 < 3, x[0], x[0])\n", "comparisons don't chain"},
      {"  x[0] = @\n", "line 4, column 10: nothing starts with @"},
      {"  x[0] = \x01\n", "nothing starts with byte 1"},
      {"  x[0] = 1.5:i32\n", "a real constant can't be i32"},
      {"  x[0] = 99999999999999999999\n", "has more than 64 bits"},
      {"  x[0] = 1.2.3\n", "1.2.3 is no number"},
      {"  x[0] = #0\n", "no numbered expressions here"},
      {"  x[0] = with #1 = 1.0 in #1\n", "1 is not in 0"},
      {"  for x < 3 {\n  }\n", "x is taken"},
      {"  for for < 3 {\n  }\n", "expected a name, found for"},
      {"  for i < 1.0 {\n  }\n", "expected a scalar i64"},
      {"  if 1 {\n  }\n", "expected a scalar bool, found i64x1"},
      {"  block nothing()\n", "there is no stage nothing"},
      {"  x[0] = ramp(0, 1, 4)\n", "x holds f32, not i64"},
      {"  x[0] = broadcast(1.0, 4)\n", "vectors are stored in flat"},
      {"  x[0] = broadcast(1.0, 1)\n", "1 is not in 2"},
      {"  let y: f99 = 1.0\n", "expected an element type, found f99"},
      {"  let y: f32x0 = 1.0\n", "0 is no number of lanes"},
      {"  let y: f32 = 1\n", "set to a value of i64x1"},
      {"  stage s: x[i < 8, j < 8] = 1.0\n", "there is no local stage"},
      {"  x[0] = 1.0\n", "expected a statement, found the end"},
  };
  for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
    char text[512];
    bool is_cut = n + 1 == ARRAY_COUNT(rows);
    snprintf(text, sizeof text,
             "structured function f {\n  parameter x: f32[8]\n"
             "  x[1] = 1.0\n%s%s",
             rows[n].body, is_cut ? "" : "}\n");
    struct function *function;
    assert_fails(
        function_parse(f->pool, text, strlen(text), &function, &f->error),
        f->error, ADZE_INVALID_DATA, rows[n].message);
  }
}

/* Every prefix and many damaged copies: an error or a function, never a crash.
 */
static void test_damage(void **state) {
  struct fixture *f = *state;
  struct test_random random = {7};
  const char *const texts[] = {matmul_text, flat_text};
  for (size_t t = 0; t < ARRAY_COUNT(texts); t++) {
    size_t size = strlen(texts[t]);
    for (size_t n = 0; n + 1 < size; n += 3) {
      struct function *function;
      char *copy = arena_strndup(f->arena, texts[t], n);
      assert_int_equal(function_parse(f->pool, copy, n, &function, &f->error),
                       ADZE_INVALID_DATA);
      copy = arena_strdup(f->arena, texts[t]);
      for (int k = 0; k < 3; k++)
        copy[test_random_range(&random, 0, (int64_t)size - 1)] =
            texts[t][test_random_range(&random, 0, (int64_t)size - 1)];
      if (function_parse(f->pool, copy, size, &function, &f->error) == ADZE_OK)
        print(f, function);
    }
  }
}

static void test_depth(void **state) {
  struct fixture *f = *state;
  struct text text = {.arena = f->arena};
  text_add(&text, "structured function f {\n  parameter x: f32[8]\n  x[0] = ");
  for (size_t i = 0; i < 100000; i++)
    text_add(&text, "(");
  struct function *function;
  assert_fails(
      function_parse(f->pool, text.data, text.size, &function, &f->error),
      f->error, ADZE_INVALID_DATA, "nests deeper than 256");
  text = (struct text){.arena = f->arena};
  text_add(&text, "structured function f {\n");
  for (size_t i = 0; i < 100000; i++)
    text_add(&text, "if true { ");
  assert_fails(
      function_parse(f->pool, text.data, text.size, &function, &f->error),
      f->error, ADZE_INVALID_DATA, "nests deeper than 256");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_structured, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_flat, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_expressions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_sharing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
