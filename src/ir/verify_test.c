/* SPDX-License-Identifier: Apache-2.0 */
/* The verifiers: what text can say but may not, and what only passes can make.
 */
#include "test.h"

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

static struct function *parse(struct fixture *f, const char *stage,
                              const char *body) {
  char text[2048];
  snprintf(text, sizeof text,
           "%s function f {\n  parameter x: f32[8, 8]\n"
           "  parameter h: f16[8]\n%s}\n",
           stage, body);
  struct function *function = NULL;
  assert_ok(function_parse(f->pool, text, strlen(text), &function, &f->error),
            f->error);
  return function;
}

struct row {
  const char *body, *message;
};

static void test_structured_rules(void **state) {
  struct fixture *f = *state;
  static const struct row rows[] = {
      {"  for i < 8 parallel {\n    for j < 8 parallel {\n    }\n  }\n",
       "loop over j: it is parallel inside a parallel loop"},
      {"  scalar n\n  for i < n vectorized {\n  }\n",
       "loop over i: it is vectorized, but its extent is no constant"},
      {"  scalar n\n  for i < n unrolled {\n  }\n", "it is unrolled"},
      {"  for i < 8 parallel {\n    barrier\n  }\n",
       "barrier: it stands in a parallel loop"},
      {"  let a: i64 = 1\n", "set of a: flat loop IR has locals only"},
      {"  stage s: x[i < 8, j < 8] = 1.0\n  block s(0, 1) update\n",
       "block s: it is update, but its stage reduces nothing"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    assert_fails(
        verify_structured(parse(f, "structured", rows[i].body), &f->error),
        f->error, ADZE_INTERNAL, rows[i].message);
  assert_fails(verify_structured(parse(f, "flat", ""), &f->error), f->error,
               ADZE_INTERNAL, "it is flat");
}

static void test_flat_rules(void **state) {
  struct fixture *f = *state;
  static const struct row rows[] = {
      {"  for i < 8 parallel {\n  }\n", "loop over i: it is parallel"},
      {"  for i < 8 vectorized {\n  }\n", "it is vectorized"},
      {"  for i < 8 unrolled {\n  }\n", "it is unrolled"},
      {"  x[0] = exp(x[1])\n", "store to x: exp is not expanded"},
      {"  x[0] = pow(x[1], x[1])\n", "pow is not expanded"},
      {"  x[0] = cast(f32, h[1])\n", "cast converts halves"},
      {"  h[0] = cast(f16, x[1])\n", "cast converts halves"},
      {"  buffer r: f32[4] register\n  r[0] = 1.0\n",
       "store to r: a register buffer is left"},
      {"  buffer r: f32[4] register\n  x[0] = r[1]\n",
       "r is a register buffer"},
      {"  buffer w: f32[4] worker\n",
       "buffer w: its place in scratch memory is missing"},
      {"  buffer w: f32[4] worker at(0)\n",
       "buffer w: its size of scratch memory is missing"},
      {"  buffer w: f32[4] stack at(0)\n  scratch 16\n",
       "it has a place in scratch memory, but is stack"},
      {"  scalar n\n  buffer w: f32[n] stack\n",
       "buffer w: it is on the stack, but its size is no constant"},
      {"  if x[0] < 1.0 {\n    let a: i64 = 1\n  }\n  x[a] = 1.0\n",
       "store to x: local is read from a local that is not set"},
      {"  for i < 3 {\n    let a: i64 = i\n  }\n  x[a] = 1.0\n",
       "local is read from a local that is not set"},
      {"  buffer w: f32[4] stack\n  prefetch w[0]\n",
       "prefetch of w: it is no parameter"},
      {"  stage s: x[i < 8, j < 8] = 1.0\n  block s(0, 1)\n",
       "block s: blocks are in structured loop IR only"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    assert_fails(verify_flat(parse(f, "flat", rows[i].body), &f->error),
                 f->error, ADZE_INTERNAL, rows[i].message);
  assert_fails(verify_flat(parse(f, "structured", ""), &f->error), f->error,
               ADZE_INTERNAL, "it is structured");
}

static void test_flat_accepts(void **state) {
  struct fixture *f = *state;
  static const char *const bodies[] = {
      "  if x[0] < 1.0 {\n    let a: i64 = 1\n  } else {\n    a = 2\n  }\n"
      "  x[a] = 1.0\n",
      "  let a: i64 = 0\n  for i < 3 {\n    a = a + i\n  }\n  x[a] = 1.0\n",
      "  h[0] = select(x[0] < 1.0, h[1], bitcast(f16, 7:u16))\n",
      "  x[ramp(0, 2, 4)] = select(x[0 : 4] < x[4 : 4], x[0 : 4], "
      "broadcast(1.0, 4))\n",
      "  scalar n\n  buffer w: f32[n] worker at(n * 4)\n  scratch n * 8\n"
      "  w[n - 1] = x[0]\n",
  };
  for (size_t i = 0; i < ARRAY_COUNT(bodies); i++)
    assert_ok(verify_flat(parse(f, "flat", bodies[i]), &f->error), f->error);
}

/* What no text says: pieces missing, undeclared or used where they are not. */
static void test_broken(void **state) {
  struct fixture *f = *state;
  struct expr_pool *pool = f->pool;
  const char *body = "  for i < 8 {\n    x[i, 0] = x[i, 1]\n  }\n";
  const struct expr *zero = expr_index(pool, 0);
  struct statement *s;
  struct function *function = parse(f, "structured", body);
  s = function->body->loop.body;
  s->store.index_count = 1;
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "store to x: it has 1 indices, the buffer 2 dimensions");
  s->store.index_count = 2;
  s->store.indices[1] = NULL;
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "its index is missing");
  s->store.indices[1] = zero;
  function->body->next = s; /* the loop's body once more, outside of it */
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "i is used outside its loop");
  function->body->next = NULL;
  assert_ok(verify_structured(function, &f->error), f->error);
  struct statement *again =
      statement_for(pool, function->body->loop.variable, LOOP_SERIAL, NULL);
  function->body->loop.body = again;
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "loop over i: its variable is bound already");
  function->body->loop.body = s;
  function->parameters.count = 0;
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "buffer x is not declared");
  function->parameters.count = 2;
  function->parameters.data[0]->scope = BUFFER_STACK;
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "buffer x: it is a parameter, but its scope is stack");
}

/* A stage sees its axes, not the loops around its block. */
static void test_stage_scope(void **state) {
  struct fixture *f = *state;
  struct function *function =
      parse(f, "structured",
            "  stage s: x[i < 8, j < 8] = cast(f32, i)\n"
            "  for k < 8 {\n    block s(k, k)\n  }\n");
  assert_ok(verify_structured(function, &f->error), f->error);
  struct statement *loop = function->body;
  loop->loop.body->block.stage->body =
      expr_cast(f->pool, ADZE_F32, expr_variable(f->pool, loop->loop.variable));
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "block s: k is used outside its loop");
  loop->loop.body->block.stage->body = expr_index(f->pool, 1);
  assert_fails(verify_structured(function, &f->error), f->error, ADZE_INTERNAL,
               "its body is i64x1, not a scalar f32");
}

static void test_broken_flat(void **state) {
  struct fixture *f = *state;
  struct function *function =
      parse(f, "flat", "  let a: f32 = x[0]\n  x[1] = a\n");
  struct statement *set = function->body;
  const struct expr *value = set->set.value;
  set->set.value = expr_index(f->pool, 1);
  assert_fails(verify_flat(function, &f->error), f->error, ADZE_INTERNAL,
               "set of a: its value is i64x1, the local f32x1");
  set->set.value = value;
  function->body = set->next;
  assert_fails(verify_flat(function, &f->error), f->error, ADZE_INTERNAL,
               "not set on every path");
  function->body = set;
  function->local_count = 0;
  assert_fails(verify_flat(function, &f->error), f->error, ADZE_INTERNAL,
               "it is not a local of this function");
  function->local_count = 1;
  set->next->store.value =
      expr_broadcast(f->pool, expr_real(f->pool, ADZE_F32, 1), 3);
  set->next->store.indices[0] =
      expr_ramp(f->pool, expr_index(f->pool, 0), expr_index(f->pool, 1), 2);
  assert_fails(verify_flat(function, &f->error), f->error, ADZE_INTERNAL,
               "it has 2 offsets for 3 values");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_structured_rules, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_flat_rules, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_flat_accepts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_stage_scope, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_broken_flat, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
