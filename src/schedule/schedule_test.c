/* SPDX-License-Identifier: Apache-2.0 */
/* Primitives: what they refuse, what they make, and that neither changes what
 * a function computes; traces. */
#include "test.h"

#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "ir/simplify.h"
#include "schedule/test/random_trial.h"

struct fixture {
  struct arena *arena;
  struct trial trial;
  struct function *function;
  struct schedule schedule;
  struct adze_error error;
};

static void begin(struct fixture *f, uint64_t seed) {
  f->arena = arena_create("test");
  trial_make(&f->trial, f->arena, seed);
  f->function = trial_expand(&f->trial);
  schedule_init(&f->schedule, f->function, NULL, &f->error);
}

static const char *printed(struct arena *arena,
                           const struct function *function) {
  struct text text = {.arena = arena};
  function_print(&text, function);
  return text_string(&text);
}

/* Runs both and compares all parameters. */
static void expect_same(struct fixture *f, uint64_t seed) {
  struct trial fresh;
  trial_make(&fresh, f->arena, seed);
  struct function *reference = trial_expand(&fresh);
  struct trial_memory expected = trial_memory(&fresh, seed);
  struct trial_memory actual = trial_memory(&f->trial, seed);
  assert_ok(verify_structured(f->function, &f->error), f->error);
  assert_ok(trial_run(&fresh, reference, &expected, 1, &f->error), f->error);
  assert_ok(trial_run(&f->trial, f->function, &actual, 1, &f->error), f->error);
  for (size_t p = 0; p < fresh.parameter_count; p++)
    if (memcmp(expected.data[p], actual.data[p], expected.bytes[p]) != 0)
      fail_msg("seed %d: %s differs\n%s\n%s", (int)seed,
               fresh.parameters[p]->name, text_string(&f->schedule.trace),
               printed(f->arena, f->function));
}

/* Random primitives: a refusal says why and changes nothing. */
static void test_random(void **state) {
  (void)state;
  size_t applied = 0, refused = 0;
  uint64_t count = test_small() ? 150 : 600;
  for (uint64_t seed = 0; seed < count; seed++) {
    struct fixture f;
    begin(&f, seed);
    uint64_t random = seed + 1;
    for (int step = 0; step < 14; step++) {
      const char *before = printed(f.arena, f.function);
      size_t trace = f.schedule.trace.size;
      f.error.message[0] = 0;
      if (trial_primitive(&f.schedule, &random) == ADZE_OK) {
        applied++;
        assert_true(f.schedule.trace.size > trace);
        continue;
      }
      refused++;
      assert_int_equal(f.error.status, ADZE_INVALID_ARGUMENT);
      assert_true(strlen(f.error.message) > 10);
      assert_string_equal(before, printed(f.arena, f.function));
      assert_int_equal(trace, f.schedule.trace.size);
    }
    expect_same(&f, seed);
    arena_destroy(f.arena);
  }
  assert_true(applied > 3 * count && refused > 3 * count);
}

/* The trace, replayed on the same stages made anew, gives the same function
 * and the same trace. */
static void test_replay(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    struct fixture f, again;
    begin(&f, seed);
    begin(&again, seed);
    uint64_t random = seed + 1;
    for (int step = 0; step < 14; step++) {
      enum adze_status ignored = trial_primitive(&f.schedule, &random);
      (void)ignored;
    }
    assert_ok(schedule_replay(&again.schedule, text_string(&f.schedule.trace),
                              f.schedule.trace.size),
              again.error);
    assert_string_equal(text_string(&f.schedule.trace),
                        text_string(&again.schedule.trace));
    assert_string_equal(printed(f.arena, f.function),
                        printed(again.arena, again.function));
    arena_destroy(f.arena);
    arena_destroy(again.arena);
  }
}

/* ---- Damaged traces ----------------------------------------------------- */
static void test_damaged_traces(void **state) {
  (void)state;
  static const struct {
    const char *trace, *part;
  } cases[] = {
      {"twist s0.a0", "unknown primitive 'twist'"},
      {"split", "wrong number of words"},
      {"split s0.a0 4 5", "wrong number of words"},
      {"split nowhere 4", "there is no loop 'nowhere'"},
      {"split s0.a0 four", "'four' is not a number"},
      {"split s0.a0 0", "by 0 is not possible"},
      {"split s0.a0 -4", "not possible"},
      {"split s0.a0 99999999999999999999", "is not a number"},
      {"parallel s0.a1", "not an outermost loop"},
      {"fuse s0.a0 s0.a0", "is not alone inside"},
      {"compute_at s9 s0.a0", "there is no block 's9'"},
      {"set_scope s0 attic", "found 'attic'"},
      {"cache_write s0 argument", "found 'argument'"},
      {"rfactor s0 s0.a0", "s0"},
      {"reorder s0.a0 s0.a0", "named twice"},
      {"reorder s0.a0 s1.a0", "s"},
      {"\n\nparallel s0.a0\nparallel s0.a0", "trace line 4"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct fixture f;
    begin(&f, 3);
    const char *before = printed(f.arena, f.function);
    if (schedule_replay(&f.schedule, cases[i].trace, strlen(cases[i].trace)) ==
        ADZE_OK)
      fail_msg("accepted: %s", cases[i].trace);
    assert_int_equal(f.error.status, ADZE_INVALID_ARGUMENT);
    if (!strstr(f.error.message, cases[i].part))
      fail_msg("%s: %s", cases[i].trace, f.error.message);
    if (f.schedule.trace.size == 0)
      assert_string_equal(before, printed(f.arena, f.function));
    arena_destroy(f.arena);
  }
}

/* Bytes of a good trace changed at random: never a wrong result. */
static void test_mutated_traces(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    struct fixture f, again;
    begin(&f, seed);
    begin(&again, seed);
    uint64_t random = seed + 1;
    struct test_random damage = {seed + 5};
    for (int step = 0; step < 14; step++) {
      enum adze_status ignored = trial_primitive(&f.schedule, &random);
      (void)ignored;
    }
    char *trace = arena_strdup(f.arena, text_string(&f.schedule.trace));
    size_t size = f.schedule.trace.size;
    for (int k = 0; k < 3 && size; k++)
      trace[test_random_range(&damage, 0, (int64_t)size - 1)] =
          "\n .0123456789aoirsx\0"[test_random_range(&damage, 0, 19)];
    if (schedule_replay(&again.schedule, trace, size) != ADZE_OK)
      assert_int_equal(again.error.status, ADZE_INVALID_ARGUMENT);
    expect_same(&again, seed);
    arena_destroy(f.arena);
    arena_destroy(again.arena);
  }
}

/* ---- Preconditions ------------------------------------------------------ */
/* x[12,10] -> a = x*2 -> s = sum of a's rows -> b = a + s -> y = b + x. */
static void make_chain(struct fixture *f) {
  enum { X, A, S, B, Y, COUNT };
  static const char *const names[] = {"x", "a", "s", "b", "y"};
  f->arena = arena_create("test");
  struct expr_pool *pool = expr_pool_create(f->arena);
  const struct expr *dims[2] = {expr_index(pool, 12), expr_index(pool, 10)};
  struct buffer *buffers[COUNT];
  struct stage *stages[COUNT];
  const struct expr *at[COUNT][2];
  for (size_t i = 0; i < COUNT; i++) {
    buffers[i] = buffer_new(pool, names[i], ADZE_I32,
                            i == X || i == Y ? BUFFER_ARGUMENT : BUFFER_STACK,
                            dims, i == S ? 1 : 2);
    stages[i] = ARENA_NEW(f->arena, struct stage);
    *stages[i] = (struct stage){
        .name = names[i], .output = buffers[i], .axis_count = buffers[i]->rank};
    for (size_t d = 0; d < stages[i]->axis_count; d++) {
      stages[i]->axes[d] = variable_new(
          pool, arena_printf(f->arena, "%s.%c", names[i], "ij"[d]), dims[d]);
      at[i][d] = expr_variable(pool, stages[i]->axes[d]);
    }
  }
  stages[A]->body = expr_mul(pool, expr_load(pool, buffers[X], at[A], 2),
                             expr_integer(pool, ADZE_I32, 2));
  stages[S]->reductions[stages[S]->reduction_count++] =
      variable_new(pool, "s.r", dims[1]);
  at[S][1] = expr_variable(pool, stages[S]->reductions[0]);
  stages[S]->reduce = REDUCE_SUM;
  stages[S]->initial = expr_integer(pool, ADZE_I32, 0);
  stages[S]->body = expr_load(pool, buffers[A], at[S], 2);
  stages[B]->body = expr_add(pool, expr_load(pool, buffers[A], at[B], 2),
                             expr_load(pool, buffers[S], at[B], 1));
  stages[Y]->body = expr_add(pool, expr_load(pool, buffers[B], at[Y], 2),
                             expr_load(pool, buffers[X], at[Y], 2));
  f->function = expand(pool, "chain", stages + 1, COUNT - 1,
                       (struct buffer *[]){buffers[X], buffers[Y]}, 2);
  schedule_init(&f->schedule, f->function, NULL, &f->error);
}

/* A trace, then a line that is refused with a sentence. */
static void test_preconditions(void **state) {
  (void)state;
  static const struct {
    const char *before, *line, *part;
  } cases[] = {
      {"parallel b.i\n", "split b.i 4", "not a serial loop"},
      {"", "pad b.i 0", "by 0 is not possible"},
      {"", "pad s.r 1", "reduces"},
      {"partition b.i\n", "pad b.i 1", "not a serial loop"},
      {"", "fuse b.i s.r", "not alone inside"},
      {"compute_at s b.i\n", "fuse b.i b.j", "not alone inside"},
      {"", "fuse s.i s.r", "one does not"},
      {"", "reorder b.i s.r", "not a perfect nest"},
      {"compute_at s b.i\n", "reorder b.j b.i", "not a perfect nest"},
      {"parallel b.i\n", "reorder b.j b.i", "b.i is parallel"},
      {"", "parallel b.j", "not an outermost loop"},
      {"reorder s.r s.i\n", "parallel s.r", "reduces"},
      {"parallel b.i\n", "unroll b.i", "not a serial loop"},
      {"", "compute_at y s.i", "an output of the function"},
      {"", "compute_at a b.i", "read outside of b.i"},
      {"", "compute_at s a.i", "read outside of a.i"},
      {"", "compute_at s s.i", "already there"},
      {"compute_at s b.i\n", "cache_write s stack", "read in its own nest"},
      {"compute_at s b.i\n", "compute_inline b", "computed in its nest"},
      {"", "compute_inline s", "is a reduction"},
      {"", "compute_inline y", "an output of the function"},
      {"", "set_scope y stack", "an output of the function"},
      {"", "decompose_reduction a a.i", "does not reduce"},
      {"", "decompose_reduction s b.i", "not inside"},
      {"compute_at s b.i\n", "decompose_reduction s b.i", "holds other"},
      {"reorder s.r s.i\n", "decompose_reduction s s.i", "reduces outside"},
      {"decompose_reduction s s.r\n", "compute_at s b.i", "there is no block"},
      {"", "rfactor a a.i", "does not reduce"},
      {"", "rfactor s s.i", "does not reduce s"},
      {"", "rfactor s s.r", "no other loop reduces s"},
      {"split s.r 4\nunroll s.r.i\n", "rfactor s s.r.i", "serial loop"},
      {"", "prefetch a 8", "no parameter 'a'"},
      {"", "prefetch x 0", "0 elements are not possible"},
      {"", "prefetch_next a a.i a.j", "no parameter 'a'"},
      {"", "prefetch_next x a.i s.r", "below a.i, nothing reads"},
      {"", "prefetch_next x a.j a.i", "below a.j, nothing reads"},
      {"", "prefetch_next x b.i b.j", "nothing reads the parameter x"},
      {"", "prefetch_range x 0 0 b.i", "0 elements from 0 of x"},
      {"", "prefetch_range x -1 8 b.i", "8 elements from -1 of x"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct fixture f;
    make_chain(&f);
    assert_ok(
        schedule_replay(&f.schedule, cases[i].before, strlen(cases[i].before)),
        f.error);
    const char *before = printed(f.arena, f.function);
    if (schedule_replay(&f.schedule, cases[i].line, strlen(cases[i].line)) ==
        ADZE_OK)
      fail_msg("accepted: %s%s", cases[i].before, cases[i].line);
    assert_int_equal(f.error.status, ADZE_INVALID_ARGUMENT);
    if (!strstr(f.error.message, cases[i].part))
      fail_msg("%s: %s", cases[i].line, f.error.message);
    assert_string_equal(before, printed(f.arena, f.function));
    arena_destroy(f.arena);
  }
}

/* What each primitive leaves behind, seen in the loops by name. */
static void test_effects(void **state) {
  (void)state;
  struct fixture f;
  make_chain(&f);
  struct schedule *s = &f.schedule;
  static const char trace[] = "compute_inline b\n"
                              "pad y.j 3\n"
                              "split y.j.p 4\n"
                              "partition y.j.p.o\n"
                              "fuse y.i y.j.p.o\n"
                              "compute_inline a\n"
                              "compute_at s y.i.y.j.p.o\n"
                              "split s.s.r 4\n"
                              "rfactor s s.s.r.i\n"
                              "set_scope s register\n"
                              "vectorize s.s.r.i\n"
                              "decompose_reduction s.part s.s.r.o\n"
                              "prefetch x 8\n"
                              "parallel y.i.y.j.p.o\n";
  assert_ok(schedule_replay(s, trace, strlen(trace)), f.error);
  assert_string_equal(text_string(&s->trace), trace);
  assert_ok(verify_structured(f.function, &f.error), f.error);
  assert_null(schedule_block(s, "a", BLOCK_WHOLE));
  assert_non_null(schedule_block(s, "s", BLOCK_WHOLE));
  assert_non_null(schedule_block(s, "s.part", BLOCK_INITIAL));
  assert_non_null(schedule_block(s, "s.part", BLOCK_UPDATE));
  struct statement *loop = schedule_loop(s, "y.i.y.j.p.o");
  assert_non_null(loop);
  assert_int_equal(loop->loop.kind, LOOP_PARALLEL);
  assert_int_equal(loop->loop.extent->integer, 48);
  struct statement *loops[16];
  struct statement *update = schedule_block(s, "s.part", BLOCK_UPDATE);
  assert_int_equal(schedule_loops_around(s, update, loops, 16), 3);
  assert_int_equal(loops[2]->loop.kind, LOOP_VECTORIZED);
  int32_t x[120], y[120];
  for (int i = 0; i < 120; i++)
    x[i] = i * i % 23;
  assert_ok(interpret(f.function, (void *[]){x, y},
                      (size_t[]){sizeof x, sizeof y}, NULL, 0, 1, &f.error),
            f.error);
  for (int i = 0; i < 12; i++) {
    int32_t sum = 0;
    for (int j = 0; j < 10; j++)
      sum += 2 * x[i * 10 + j];
    for (int j = 0; j < 10; j++)
      assert_int_equal(y[i * 10 + j], 3 * x[i * 10 + j] + sum);
  }
  arena_destroy(f.arena);
}

/* ---- Prefetching -------------------------------------------------------- */
/* w is read in lines: 20 in each round of k, again for each p. */
static void make_product(struct fixture *f, int places) {
  char text[600];
  struct function *function;
  f->arena = arena_create("test");
  (void)snprintf(
      text, sizeof text,
      "structured function f {\n"
      "  parameter x: f32[1000, 20]\n"
      "  parameter w: f32[8, 20, 16] constant\n"
      "  parameter y: f32[8, 1000, 16]\n"
      "  stage y: y[k < 8, p < %d, l < 16] = reduce sum(r < 20) from 0.0 of "
      "x[p, r] * w[k, r, l]\n"
      "  for k < 8 {\n    for p < %d {\n      for r < 5 {\n"
      "        for ri < 4 {\n          for l < 16 {\n"
      "            block y(k, p, l; r * 4 + ri)\n"
      "          }\n        }\n      }\n    }\n  }\n}\n",
      places, places);
  assert_ok(function_parse(expr_pool_create(f->arena), text, strlen(text),
                           &function, &f->error),
            f->error);
  schedule_init(&f->schedule, function, NULL, &f->error);
}

/* Whether rounds k of the outer loop ask for all lines from `begin` to `end`,
 * and for at most five others. */
static void expect_asked(struct fixture *f, int64_t k_begin, int64_t k_end,
                         int places, int64_t begin, int64_t end) {
  struct schedule *schedule = &f->schedule;
  struct expr_pool *pool = schedule->pool;
  struct statement *loop = schedule_loop(schedule, "r");
  bool asked[400] = {false};
  size_t others = 0;
  for (const struct statement *s = loop->loop.body;
       s->kind == STATEMENT_PREFETCH; s = s->next)
    for (int64_t round = k_begin * places * 5; round < k_end * places * 5;
         round++) {
      const struct substitution at[] = {
          {schedule_loop(schedule, "k")->loop.variable,
           expr_index(pool, round / 5 / places)},
          {schedule_loop(schedule, "p")->loop.variable,
           expr_index(pool, round / 5 % places)},
          {loop->loop.variable, expr_index(pool, round % 5)}};
      int64_t offset;
      assert_true(expr_get_integer(
          simplify(pool, expr_substitute(pool, s->prefetch.offset, at, 3)),
          &offset));
      if (offset >= begin && offset < end)
        asked[offset / 16] = true;
      else
        others++;
    }
  for (int64_t at = begin; at < end; at += 16)
    assert_true(asked[at / 16]);
  assert_true(others <= 5);
}

static void test_prefetch(void **state) {
  (void)state;
  static const char next[] = "prefetch_next w k r\n";
  static const char range[] = "prefetch_range w 2560 3200 r\n";
  static const int places[] = {1, 4, 1000};
  for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
    struct fixture f;
    make_product(&f, places[i]);
    assert_ok(schedule_replay(&f.schedule, next, strlen(next)), f.error);
    expect_asked(&f, 1, 2, places[i], 2 * 20 * 16, 3 * 20 * 16);
    arena_destroy(f.arena);
    make_product(&f, places[i]);
    assert_ok(schedule_replay(&f.schedule, range, strlen(range)), f.error);
    expect_asked(&f, 0, 8, places[i], 2560, 2560 + 3200);
    arena_destroy(f.arena);
  }
}

/* A tile over the end of a row that isn't the buffer's: what its reader leaves
 * out is not computed. */
static void test_tile_over_the_end(void **state) {
  (void)state;
  struct fixture f;
  make_chain(&f);
  static const char trace[] = "split y.i 4\n"
                              "split y.i.i 3\n"
                              "compute_at b y.i.i.o\n";
  assert_ok(schedule_replay(&f.schedule, trace, strlen(trace)), f.error);
  struct statement *loops[16];
  const struct statement *b = schedule_block(&f.schedule, "b", BLOCK_WHOLE);
  assert_int_equal(schedule_loops_around(&f.schedule, b, loops, 16), 4);
  struct expr_pool *pool = f.schedule.pool;
  for (int64_t place = 0; place < 6; place++) {
    const int64_t at[4] = {1, place / 3, place % 3, 9};
    struct substitution values[4];
    for (int i = 0; i < 4; i++)
      values[i] = (struct substitution){loops[i]->loop.variable,
                                        expr_index(pool, at[i])};
    const struct expr *predicate =
        simplify(pool, expr_substitute(pool, b->block.predicate, values, 4));
    assert_ptr_equal(predicate, expr_bool(pool, place < 4));
  }
  static const char outside[] = "compute_at s y.i.o\n";
  assert_ok(schedule_replay(&f.schedule, outside, strlen(outside)), f.error);
  const struct statement *s = schedule_block(&f.schedule, "s", BLOCK_WHOLE);
  assert_int_equal(schedule_loops_around(&f.schedule, s, loops, 16), 3);
  assert_true(expr_is_value(loops[1]->loop.extent, 4));
  arena_destroy(f.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_replay),
      cmocka_unit_test(test_damaged_traces),
      cmocka_unit_test(test_mutated_traces),
      cmocka_unit_test(test_preconditions),
      cmocka_unit_test(test_effects),
      cmocka_unit_test(test_prefetch),
      cmocka_unit_test(test_tile_over_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
