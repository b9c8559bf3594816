/* SPDX-License-Identifier: Apache-2.0 */
/* Flat functions: locals, vectors, guards by lanes, workers and barriers,
 * scratch memory, faults. Written as text, since that says it best. */
#include "test.h"

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

enum { SIZE = 16 };

/* A function over x: i64[16] and out: i64[16]. */
static struct function *flat(struct fixture *f, const char *body) {
  char text[2048];
  snprintf(text, sizeof text,
           "flat function f {\n  spmd worker of workers\n"
           "  parameter x: i64[16]\n  parameter out: i64[16]\n%s}\n",
           body);
  struct function *function = NULL;
  assert_ok(function_parse(f->pool, text, strlen(text), &function, &f->error),
            f->error);
  assert_ok(verify_flat(function, &f->error), f->error);
  return function;
}

static enum adze_status run_workers(struct fixture *f, const char *body,
                                    int64_t workers, int64_t *out) {
  int64_t x[SIZE];
  for (int64_t i = 0; i < SIZE; i++) {
    x[i] = 10 * i;
    out[i] = -1;
  }
  return interpret_all_workers(flat(f, body), (void *[]){x, out},
                               (size_t[]){sizeof x, SIZE * sizeof *out}, NULL,
                               workers, &f->error);
}

static void expect(struct fixture *f, const char *body, int64_t workers,
                   const int64_t *wanted, size_t count) {
  int64_t out[SIZE];
  assert_ok(run_workers(f, body, workers, out), f->error);
  for (size_t i = 0; i < count; i++)
    if (out[i] != wanted[i])
      fail_msg("out[%zu] = %lld, wanted %lld\n%s", i, (long long)out[i],
               (long long)wanted[i], body);
}

/* A local keeps its value over rounds and is not confused with what it was. */
static void test_locals(void **state) {
  expect(*state,
         "  let a: i64 = 0\n  let b: i64 = 1\n"
         "  for i < 10 {\n"
         "    let next: i64 = a + b\n"
         "    a = b\n    b = next\n    out[i] = a + x[i] - 10 * i\n  }\n",
         1, (int64_t[]){1, 1, 2, 3, 5, 8, 13, 21, 34, 55, -1}, 11);
  expect(*state,
         "  let a: i64 = x[1]\n  a = a * a + a\n  out[0] = a\n"
         "  a = select(a < 50, x[a + 99], a)\n  out[1] = a\n"
         "  a = select(a < 150, x[a - 99], a)\n  out[2] = a\n",
         1, (int64_t[]){110, 110, 110, -1}, 4);
  expect(*state,
         "  let a: i64 = x[1]\n"
         "  a = select(a < 50, x[a - 7], x[a + 50])\n  out[0] = a\n",
         1, (int64_t[]){30, -1}, 2);
}

static void test_loops(void **state) {
  /* No rounds, a negative count, a minimum, bounds by outer loops. */
  expect(*state,
         "  for i < 0 {\n    out[0] = 5\n  }\n"
         "  for i from 3 count -4 {\n    out[1] = 5\n  }\n"
         "  for i from 3 count 2 {\n"
         "    for j from i count i - 2 {\n      out[i + j] = i * 100 + j\n"
         "    }\n  }\n",
         1, (int64_t[]){-1, -1, -1, -1, -1, -1, 303, -1, 404, 405, -1}, 11);
  /* The same expression at several depths is computed anew where it must. */
  expect(*state,
         "  for i < 3 {\n    out[i * 5] = i * 5 + 1\n"
         "    for j < 2 {\n      out[i * 5 + j + 1] = i * 5 + j\n    }\n"
         "  }\n  for i < 1 {\n    out[15] = i * 5 + 1\n  }\n",
         1,
         (int64_t[]){1, 0, 1, -1, -1, 6, 5, 6, -1, -1, 11, 10, 11, -1, -1, 1},
         16);
}

/* Two loops may bind the same variable one after the other. */
static void test_variable_again(void **state) {
  struct fixture *f = *state;
  struct function *function =
      flat(f, "  for i < 2 {\n    out[i * 5 + 1] = i\n  }\n"
              "  for k < 2 {\n    barrier\n  }\n");
  struct statement *again = statement_new(f->pool, STATEMENT_FOR);
  *again = *function->body;
  again->next = NULL;
  again->loop.minimum =
      expr_variable(f->pool, function->body->next->loop.variable);
  function->body->next->loop.body = again;
  int64_t x[SIZE] = {0}, out[SIZE] = {0};
  assert_ok(interpret(function, (void *[]){x, out},
                      (size_t[]){sizeof x, sizeof out}, NULL, 0, 1, &f->error),
            f->error);
  assert_int_equal(out[6], 1);
  assert_int_equal(out[11], 2);
}

/* A store between two loads of the same element is seen. */
static void test_memory_order(void **state) {
  expect(*state,
         "  let a: i64 = x[2]\n  x[2] = a + 1\n  let b: i64 = x[2]\n"
         "  out[0] = a\n  out[1] = b\n  if x[2] == 21 {\n    x[2] = 7\n"
         "    out[2] = x[2]\n  } else {\n    out[3] = 1\n  }\n"
         "  out[4] = x[2]\n",
         1, (int64_t[]){20, 21, 7, -1, 7}, 5);
}

static void test_vectors(void **state) {
  expect(*state,
         "  let v: i64x4 = x[4 : 4]\n"
         "  v = v + ramp(worker, 2, 4)\n"
         "  out[0] = v\n  out[ramp(15, -2, 4)] = x[v - x[4 : 4]]\n",
         1,
         (int64_t[]){40, 52, 64, 76, -1, -1, -1, -1, -1, 60, -1, 40, -1, 20, -1,
                     0},
         16);
  expect(*state,
         "  let v: i64x4 = x[ramp(15, -5, 4)]\n  out[0] = v\n"
         "  out[ramp(5, 3, 3)] = broadcast(worker + 9, 3)\n",
         1, (int64_t[]){150, 100, 50, 0, -1, 9, -1, -1, 9, -1, -1, 9, -1}, 13);
  expect(*state,
         "  let n: i8x4 = ramp(cast(i8, worker + 125), 1:i8, 4)\n"
         "  out[0] = cast(i64, n)\n",
         1, (int64_t[]){125, 126, 127, -128, -1}, 5);
}

/* Loads below the side that is not chosen are not done. */
static void test_guards(void **state) {
  expect(*state,
         "  for i < 4 {\n"
         "    out[i] = select(i < 3, x[i * 7], 5) + "
         "select(2 < i, 1, x[i * 7])\n  }\n",
         1, (int64_t[]){0, 140, 280, 6}, 4);
  /* Guards in guards, with what both sides need between them. */
  expect(*state,
         "  for i < 4 {\n"
         "    out[i] = select(i < 2, select(0 < i, x[i] + x[i + 14], x[9]), "
         "select(i == 2, x[i] * 3, x[i]))\n  }\n",
         1, (int64_t[]){90, 160, 60, 30}, 4);
  /* By lanes: only the lanes chosen may be out of bounds or not. */
  expect(*state,
         "  let at: i64x4 = ramp(worker + 13, 1, 4)\n"
         "  out[0] = select(at < broadcast(16, 4), x[at], broadcast(7, 4))\n"
         "  out[4] = select(broadcast(16, 4) <= at, at, x[13 : 4])\n"
         "  out[8] = select(at < broadcast(15, 4), "
         "select(at < broadcast(14, 4), x[at], x[at + broadcast(1, 4)]), "
         "broadcast(x[1], 4) + at)\n",
         1, (int64_t[]){130, 140, 150, 7, 130, 140, 150, 16, 130, 150, 25, 26},
         12);
}

/* A chain in which every link stands on both sides of a guard: its code must
 * not double at every link. */
static void test_guard_chain(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  struct function *function = flat(f, "  out[0] = x[0]\n");
  const struct expr *e = function->body->store.value;
  struct buffer *x = function->parameters.data[0];
  for (int64_t i = 1; i <= 200; i++) {
    const struct expr *offset = expr_index(pool, i % SIZE);
    const struct expr *load = expr_load(pool, x, &offset, 1);
    const struct expr *more = expr_add(pool, e, load);
    e = expr_select(pool, expr_less(pool, load, expr_index(pool, 50)), more, e);
  }
  function->body->store.value = e;
  int64_t memory[SIZE], out[SIZE] = {0}, wanted = 0;
  for (int64_t i = 0; i < SIZE; i++)
    memory[i] = 10 * i;
  for (int64_t i = 1; i <= 200; i++)
    wanted += i % SIZE < 5 ? 10 * (i % SIZE) : 0;
  assert_ok(interpret(function, (void *[]){memory, out},
                      (size_t[]){sizeof memory, sizeof out}, NULL, 0, 1,
                      &f->error),
            f->error);
  assert_int_equal(out[0], wanted);
}

static void test_workers(void **state) {
  struct fixture *f = *state;
  const char *body = "  buffer own: i64[2] worker at(8)\n"
                     "  scratch 24\n"
                     "  own[worker - worker] = worker * 100\n"
                     "  for i < 2 {\n"
                     "    out[worker] = own[0] + i\n"
                     "    barrier\n"
                     "    if worker == 0 {\n"
                     "      out[8 + i] = out[1] + out[workers - 1]\n    }\n"
                     "    barrier\n  }\n";
  expect(f, body, 3, (int64_t[]){1, 101, 201, -1, -1, -1, -1, -1, 300, 302, -1},
         11);
  int64_t out[SIZE];
  assert_fails(run_workers(f, "  if worker == 1 {\n    barrier\n  }\n", 2, out),
               f->error, ADZE_INTERNAL, "does not meet the others");
  assert_fails(run_workers(f, "  barrier\n", 0, out), f->error, ADZE_INTERNAL,
               "is none that there can be");
}

static void test_faults(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *body, *message;
  } rows[] = {
      {"  out[0] = x[16]\n", "reading element 16 of buffer x"},
      {"  out[0] = x[worker - 1]\n", "reading element -1 of buffer x"},
      {"  out[16] = 1\n", "writing element 16 of buffer out"},
      {"  out[0] = x[13 : 4]\n", "reading element 16 of buffer x"},
      {"  out[13] = x[0 : 4]\n", "writing element 16 of buffer out"},
      {"  out[0] = x[ramp(0, 6, 4)]\n", "reading element 18 of buffer x"},
      {"  out[ramp(0, 6, 4)] = x[0 : 4]\n", "writing element 18"},
      {"  for i < 17 {\n    out[i] = i\n  }\n", "writing element 16"},
      {"  buffer s: i64[2] stack\n  s[2] = 1\n",
       "writing element 2 of buffer s, whose memory has 2"},
      {"  buffer s: i64[2] worker at(8)\n  scratch 16\n  s[0] = 1\n",
       "leaves the scratch memory"},
      {"  buffer s: i64[9223372036854775807] stack\n  s[2] = 1\n", "huge"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    int64_t out[SIZE];
    enum adze_status status = run_workers(f, rows[i].body, 1, out);
    assert_true(status == ADZE_INTERNAL || status == ADZE_LIMIT);
    if (strstr(f->error.message, rows[i].message) == NULL)
      fail_msg("%s: not %s", f->error.message, rows[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_locals, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_loops, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_variable_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_memory_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_vectors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_guards, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_guard_chain, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_workers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
