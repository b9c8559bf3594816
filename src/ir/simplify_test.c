/* SPDX-License-Identifier: Apache-2.0 */
/* Simplification: named identities, and random index expressions whose value
 * must stay the same under random assignments within the ranges. */
#include "test.h"

#include "ir/expr_pool.h"
#include "ir/scalar.h"
#include "ir/simplify.h"

/* ---- A world of variables ------------------------------------------------ */

enum { SYMBOLS = 3, LOOPS = 10, VARIABLES = SYMBOLS + LOOPS };

struct world {
  struct arena *arena;
  struct expr_pool *pool;
  struct variable *variables[VARIABLES]; /* symbols first */
  int64_t values[1024];                  /* by variable id */
  uint64_t random;
};

static uint64_t next_random(struct world *world) {
  world->random ^= world->random << 13;
  world->random ^= world->random >> 7;
  world->random ^= world->random << 17;
  return world->random * 0x2545f4914f6cdd1dull >> 11;
}

static int64_t random_below(struct world *world, int64_t limit) {
  return (int64_t)(next_random(world) % (uint64_t)limit);
}

static const struct expr *variable(struct world *world, size_t i) {
  return expr_variable(world->pool, world->variables[i]);
}

static const struct expr *number(struct world *world, int64_t value) {
  return expr_index(world->pool, value);
}

/* W, H, C are symbols of at least 1; loops run to constants, to symbols and to
 * products of them. */
static void world_open(struct world *world, uint64_t seed) {
  *world = (struct world){.random = seed * 2654435761u + 88172645463325252u};
  world->arena = arena_create("simplify_test");
  assert_non_null(world->arena);
  struct expr_pool *pool = world->pool = expr_pool_create(world->arena);
  static const char *const names[SYMBOLS] = {"W", "H", "C"};
  for (size_t i = 0; i < SYMBOLS; i++) {
    world->variables[i] = variable_new(pool, names[i], NULL);
    world->variables[i]->minimum = 1;
    world->variables[i]->symbol = (int32_t)i;
  }
  const struct expr *w = variable(world, 0), *h = variable(world, 1);
  const struct expr *extents[LOOPS] = {
      number(world, 16),
      number(world, 4),
      number(world, 7),
      number(world, 1),
      w,
      h,
      expr_mul(pool, w, h),
      expr_mul(pool, expr_mul(pool, w, h), variable(world, 2)),
      expr_ceil_div(pool, w, number(world, 8)),
      expr_add(pool, w, number(world, 2)),
  };
  for (size_t i = 0; i < LOOPS; i++)
    world->variables[SYMBOLS + i] = variable_new(pool, "i", extents[i]);
}

static void world_close(struct world *world) { arena_destroy(world->arena); }

static union scalar evaluate(const struct world *world, const struct expr *e) {
  union scalar a, b, result;
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    return (union scalar){.integer = e->integer};
  case EXPR_VARIABLE:
    return (union scalar){.integer = world->values[e->variable->id]};
  case EXPR_SELECT:
    a = evaluate(world, e->args[0]);
    return evaluate(world, e->args[a.integer ? 1 : 2]);
  case EXPR_CAST:
    return scalar_cast(e->dtype, e->args[0]->dtype,
                       evaluate(world, e->args[0]));
  default:
    break;
  }
  a = evaluate(world, e->args[0]);
  if (expr_kind_is_unary(e->kind)) {
    assert_true(scalar_unary(e->kind, e->dtype, a, &result));
    return result;
  }
  b = evaluate(world, e->args[1]);
  assert_true(scalar_binary(e->kind, e->args[0]->dtype, a, b, &result));
  return result;
}

static int64_t value_of(const struct world *world, const struct expr *e) {
  return evaluate(world, e).integer;
}

/* Random values: symbols first, then loops below their extents; the ends of a
 * range often. */
static void assign(struct world *world) {
  for (size_t i = 0; i < VARIABLES; i++) {
    const struct variable *v = world->variables[i];
    int64_t count =
        v->extent ? value_of(world, v->extent) : 1 + random_below(world, 40);
    int64_t value = random_below(world, count);
    int64_t choice = random_below(world, 6);
    if (choice == 0)
      value = 0;
    else if (choice == 1)
      value = count - 1;
    world->values[v->id] = v->extent ? value : 1 + value;
  }
}

/* ---- Random expressions -------------------------------------------------- */

static const struct expr *random_expr(struct world *world, int depth);

static const struct expr *one_of(struct world *world, const int64_t *constants,
                                 size_t count) {
  return number(world, constants[random_below(world, (int64_t)count)]);
}

static const struct expr *random_leaf(struct world *world) {
  static const int64_t constants[] = {0, 1,  2,  3,  4,  5, 7,
                                      8, 16, 32, -1, -3, -8};
  if (random_below(world, 4) == 0)
    return one_of(world, constants, ARRAY_COUNT(constants));
  return variable(world, (size_t)random_below(world, VARIABLES));
}

static const struct expr *random_divisor(struct world *world) {
  static const int64_t constants[] = {2, 3, 4, 8, 16, 32, 1, -2, 0, 12};
  struct expr_pool *pool = world->pool;
  const struct expr *w = variable(world, 0), *h = variable(world, 1);
  switch (random_below(world, 8)) {
  case 0:
    return w;
  case 1:
    return expr_mul(pool, w, h);
  case 2:
    return h;
  case 3:
    return expr_mul(pool, w, number(world, 4));
  case 4:
    return expr_add(pool, w, number(world, 2));
  default:
    return one_of(world, constants, ARRAY_COUNT(constants));
  }
}

static const struct expr *random_condition(struct world *world, int depth) {
  static const enum expr_kind kinds[] = {EXPR_LESS, EXPR_LESS_EQUAL, EXPR_EQUAL,
                                         EXPR_NOT_EQUAL};
  struct expr_pool *pool = world->pool;
  if (depth > 0 && random_below(world, 4) == 0) {
    const struct expr *a = random_condition(world, depth - 1);
    if (random_below(world, 3) == 0)
      return expr_unary(pool, EXPR_NOT, a);
    return expr_binary(pool, random_below(world, 2) ? EXPR_AND : EXPR_OR, a,
                       random_condition(world, depth - 1));
  }
  return expr_binary(pool, kinds[random_below(world, 4)],
                     random_expr(world, depth), random_expr(world, depth));
}

static const struct expr *random_expr(struct world *world, int depth) {
  struct expr_pool *pool = world->pool;
  if (depth == 0)
    return random_leaf(world);
  const struct expr *a = random_expr(world, depth - 1);
  const struct expr *b = random_expr(world, (int)random_below(world, depth));
  switch (random_below(world, 14)) {
  case 0:
  case 1:
  case 2:
    return expr_add(pool, a, b);
  case 3:
    return expr_sub(pool, a, b);
  case 4:
  case 5:
    return expr_mul(pool, a, random_leaf(world));
  case 6:
  case 7:
    return expr_floor_div(pool, a, random_divisor(world));
  case 8:
  case 9:
    return expr_floor_mod(pool, a, random_divisor(world));
  case 10:
    return random_below(world, 2) ? expr_min(pool, a, b) : expr_max(pool, a, b);
  case 11:
    return expr_select(pool, random_condition(world, depth - 1), a, b);
  case 12:
    return expr_binary(pool, random_below(world, 2) ? EXPR_DIV : EXPR_REMAINDER,
                       a, random_divisor(world));
  default: { /* the parts of a fused index, put together again */
    const struct expr *y = random_divisor(world);
    return expr_add(pool, expr_mul(pool, expr_floor_div(pool, a, y), y),
                    expr_floor_mod(pool, a, y));
  }
  }
}

/* ---- Printing for failures ----------------------------------------------- */

static void print(const struct world *world, const struct expr *e) {
  if (e->kind == EXPR_INTEGER) {
    printf("%lld", (long long)e->integer);
  } else if (e->kind == EXPR_VARIABLE) {
    printf("%s%u{%lld}", e->variable->name, e->variable->id,
           (long long)world->values[e->variable->id]);
  } else {
    printf("%s(", expr_kind_name(e->kind));
    for (size_t i = 0; i < e->arg_count; i++) {
      printf("%s", i ? ", " : "");
      print(world, e->args[i]);
    }
    printf(")");
  }
}

static void report(const char *what, const struct world *world,
                   const struct expr *e, const struct expr *simple) {
  printf("%s:\n  ", what);
  print(world, e);
  printf("\n  ");
  print(world, simple);
  printf("\n");
  fail_msg("simplify");
}

/* ---- Named identities ---------------------------------------------------- */

static struct world here;

static int set_up(void **state) {
  (void)state;
  world_open(&here, 7);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  world_close(&here);
  return 0;
}

static const struct expr *add(const struct expr *a, const struct expr *b) {
  return expr_add(here.pool, a, b);
}
static const struct expr *sub(const struct expr *a, const struct expr *b) {
  return expr_sub(here.pool, a, b);
}
static const struct expr *mul(const struct expr *a, const struct expr *b) {
  return expr_mul(here.pool, a, b);
}
static const struct expr *quotient(const struct expr *a, const struct expr *b) {
  return expr_floor_div(here.pool, a, b);
}
static const struct expr *modulo(const struct expr *a, const struct expr *b) {
  return expr_floor_mod(here.pool, a, b);
}
static const struct expr *less(const struct expr *a, const struct expr *b) {
  return expr_less(here.pool, a, b);
}
static const struct expr *n(int64_t value) { return number(&here, value); }

/* A new loop variable. */
static const struct expr *loop(const struct expr *extent) {
  return expr_variable(here.pool, variable_new(here.pool, "t", extent));
}
static const struct expr *symbol(size_t i) { return variable(&here, i); }

static void check_same(const struct expr *e, const struct expr *expected) {
  const struct expr *simple = simplify(here.pool, e);
  if (simple != simplify(here.pool, expected))
    report("should be alike", &here, simple, simplify(here.pool, expected));
}
static void check_is(const struct expr *e, const struct expr *expected) {
  const struct expr *simple = simplify(here.pool, e);
  if (simple != expected)
    report("should be alike", &here, simple, expected);
}
static void check_proves(const struct expr *condition) {
  if (!simplify_proves(here.pool, condition))
    report("not proved", &here, condition, simplify(here.pool, condition));
}

static void sums_are_canonical(void **state) {
  (void)state;
  const struct expr *x = loop(symbol(0)), *y = loop(symbol(1));
  const struct expr *w = symbol(0);
  check_is(sub(add(x, y), x), y);
  check_is(add(mul(x, n(3)), mul(n(-3), x)), n(0));
  check_same(mul(add(x, n(2)), add(y, w)),
             add(add(mul(y, x), mul(w, x)), add(mul(n(2), y), add(w, w))));
  check_same(sub(n(0), sub(x, y)), sub(y, x));
  check_is(loop(n(1)), n(0)); /* runs once */
}

static void constant_division(void **state) {
  (void)state;
  const struct expr *o = loop(n(10)), *i = loop(n(16)), *j = loop(n(4));
  const struct expr *w = symbol(0);
  const struct expr *fused = add(mul(o, n(16)), i);
  check_is(quotient(fused, n(16)), o);
  check_is(modulo(fused, n(16)), i);
  check_same(quotient(add(fused, n(32)), n(16)), add(o, n(2)));
  check_is(modulo(sub(fused, n(160)), n(16)), i);
  /* a factor of the divisor */
  const struct expr *finer = add(mul(i, n(4)), j);
  check_same(quotient(finer, n(16)), quotient(i, n(4)));
  check_same(modulo(finer, n(16)), add(mul(modulo(i, n(4)), n(4)), j));
  check_same(quotient(quotient(fused, n(4)), n(8)), quotient(fused, n(32)));
  check_same(quotient(modulo(w, n(12)), n(4)), modulo(quotient(w, n(4)), n(3)));
  check_same(modulo(modulo(w, n(12)), n(4)), modulo(w, n(4)));
  check_is(add(mul(quotient(w, n(8)), n(8)), modulo(w, n(8))), w);
  check_same(add(mul(quotient(w, n(8)), n(24)), mul(modulo(w, n(8)), n(3))),
             mul(w, n(3)));
}

static void symbolic_division(void **state) {
  (void)state;
  const struct expr *w = symbol(0), *h = symbol(1), *c = symbol(2);
  const struct expr *x = loop(w), *y = loop(h), *k = loop(c);
  const struct expr *plane = mul(w, h);
  const struct expr *flat = add(add(mul(k, plane), mul(y, w)), x);
  check_is(quotient(flat, plane), k);
  check_is(modulo(flat, w), x);
  check_is(modulo(quotient(flat, w), h), y);
  check_is(quotient(modulo(flat, plane), w), y);
  const struct expr *pitch = add(w, n(2));
  check_is(quotient(add(mul(y, pitch), x), pitch), y);
  check_is(modulo(add(mul(y, pitch), x), pitch), x);
  /* an index that a fused loop takes apart and puts together */
  const struct expr *f = loop(mul(plane, c));
  check_is(add(add(mul(quotient(f, plane), plane),
                   mul(modulo(quotient(f, w), h), w)),
               modulo(f, w)),
           f);
  const struct expr *g = loop(n(7 * 5 * 3));
  check_is(add(add(mul(quotient(g, n(35)), n(35)),
                   mul(modulo(quotient(g, n(7)), n(5)), n(7))),
               modulo(g, n(7))),
           g);
}

static void conditions_are_decided(void **state) {
  (void)state;
  struct expr_pool *pool = here.pool;
  const struct expr *w = symbol(0), *h = symbol(1);
  const struct expr *x = loop(w), *y = loop(h), *i = loop(n(8));
  check_proves(less(x, w));
  check_proves(expr_less_equal(pool, n(0), x));
  check_proves(less(add(mul(y, w), x), mul(w, h)));
  check_proves(expr_less_equal(pool, n(1), mul(w, h)));
  check_is(less(w, x), expr_bool(pool, false));
  check_is(expr_equal(pool, x, w), expr_bool(pool, false));
  const struct expr *tile = loop(expr_ceil_div(pool, w, n(8)));
  const struct expr *at = add(mul(tile, n(8)), i);
  assert_false(simplify_proves(pool, less(at, w)));
  check_proves(less(at, add(w, n(8))));
  check_proves(less(mul(tile, n(8)), w));
  /* the partial tile */
  const struct expr *rest = expr_min(pool, n(8), sub(w, mul(tile, n(8))));
  check_proves(expr_less_equal(pool, add(mul(tile, n(8)), rest), w));
  check_proves(expr_less_equal(pool, n(1), rest));
  check_proves(less(add(mul(tile, n(8)), loop(rest)), w));
  check_is(expr_min(pool, x, w), x);
  check_is(expr_max(pool, expr_min(pool, add(x, n(1)), w), n(0)),
           simplify(pool, add(x, n(1))));
  check_is(expr_select(pool, less(x, w), y, i), y);
  /* equal conditions are one node */
  check_same(less(mul(x, n(4)), mul(y, n(4))), less(x, y));
  check_same(expr_less_equal(pool, add(x, n(1)), y), less(x, y));
  check_same(less(add(x, n(5)), add(y, n(5))), less(x, y));
  check_same(expr_and(pool, less(x, n(5)), less(x, n(3))), less(x, n(3)));
}

/* What loads give may wrap, so less is known of it. */
static void data_may_overflow(void **state) {
  (void)state;
  struct expr_pool *pool = here.pool;
  struct buffer buffer = {.name = "b", .dtype = ADZE_I64, .rank = 1};
  struct buffer bytes = {.name = "c", .id = 1, .dtype = ADZE_U8, .rank = 1};
  const struct expr *index = n(3);
  const struct expr *x = expr_load(pool, &buffer, &index, 1);
  check_is(sub(add(x, x), x), x);
  const struct expr *halves = quotient(mul(x, n(2)), n(2));
  check_is(halves, halves);
  const struct expr *later = less(x, add(x, n(1)));
  check_is(later, later);
  const struct expr *small =
      expr_cast(pool, ADZE_I64, expr_load(pool, &bytes, &index, 1));
  check_is(quotient(mul(small, n(2)), n(2)), small);
  check_proves(less(small, n(256)));
  check_proves(less(small, add(small, n(1))));
  assert_int_equal(simplify_interval(pool, small).maximum, 255);
  assert_int_equal(simplify_interval(pool, add(x, n(1))).minimum, INT64_MIN);
  assert_int_equal(simplify_divisor(pool, mul(x, n(12))), 4);
}

static void huge_coefficients_stay(void **state) {
  (void)state;
  const struct expr *x = loop(symbol(0)), *big = n(INT64_MAX / 2);
  const struct expr *e = mul(x, big);
  for (int i = 0; i < 6; i++)
    e = add(mul(e, n(3)), mul(x, big));
  for (int64_t value = 0; value < 3; value++) {
    here.values[x->variable->id] = value;
    assert_int_equal(value_of(&here, simplify(here.pool, e)),
                     value_of(&here, e));
  }
  simplify_interval(here.pool, e);
  simplify_divisor(here.pool, e);
  check_is(quotient(n(INT64_MIN), n(-1)), n(INT64_MIN));
}

static void vectors_go_by_lane(void **state) {
  (void)state;
  struct expr_pool *pool = here.pool;
  const struct expr *o = loop(n(10)), *x = loop(symbol(0));
  const struct expr *ramp = expr_ramp(pool, mul(o, n(16)), n(1), 16);
  check_is(quotient(ramp, n(16)), expr_broadcast(pool, o, 16));
  check_is(modulo(ramp, n(16)), expr_ramp(pool, n(0), n(1), 16));
  check_is(less(ramp, n(160)), expr_broadcast(pool, expr_bool(pool, true), 16));
  check_is(quotient(expr_ramp(pool, x, n(4), 8), n(2)),
           expr_ramp(pool, simplify(pool, quotient(x, n(2))), n(2), 8));
}

static void bounds_of_windows(void **state) {
  (void)state;
  struct expr_pool *pool = here.pool;
  const struct expr *h = symbol(1);
  const struct expr *y = loop(h), *inner = loop(n(4)), *tap = loop(n(3));
  const struct expr *low, *high;
  /* rows that a strided window reads for a tile of four */
  const struct expr *row = add(mul(add(mul(y, n(4)), inner), n(2)), tap);
  const struct variable *running[] = {inner->variable, tap->variable};
  assert_true(simplify_bounds(pool, row, running, 2, &low, &high));
  check_same(low, mul(y, n(8)));
  check_same(high, add(mul(y, n(8)), n(8)));
  assert_true(simplify_bounds(pool, sub(h, inner), running, 1, &low, &high));
  check_same(low, sub(h, n(3)));
  check_same(high, h);
  assert_true(
      simplify_bounds(pool, quotient(row, n(2)), running, 2, &low, &high));
  check_same(low, mul(y, n(4)));
  check_same(high, add(mul(y, n(4)), n(4)));
  assert_true(
      simplify_bounds(pool, expr_min(pool, row, h), running, 2, &low, &high));
  assert_false(simplify_bounds(pool, mul(inner, tap), running, 2, &low, &high));
  struct buffer buffer = {.name = "b", .dtype = ADZE_I64, .rank = 1};
  assert_false(simplify_bounds(pool, expr_load(pool, &buffer, &inner, 1),
                               running, 2, &low, &high));
}

static void divisors(void **state) {
  (void)state;
  const struct expr *w = symbol(0), *x = loop(w);
  assert_int_equal(simplify_divisor(here.pool, n(0)), 0);
  assert_int_equal(simplify_divisor(here.pool, n(-12)), 12);
  assert_int_equal(simplify_divisor(here.pool, x), 1);
  assert_int_equal(simplify_divisor(here.pool, add(mul(x, n(12)), n(8))), 4);
  assert_int_equal(
      simplify_divisor(here.pool, expr_min(here.pool, mul(x, n(12)), n(30))),
      6);
}

/* ---- Properties ---------------------------------------------------------- */

enum { ROUNDS = 60, EXPRESSIONS = 400, ASSIGNMENTS = 24 };

static void test_random_values(void **state) {
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct world world;
    world_open(&world, round + 1);
    for (int n = 0; n < EXPRESSIONS; n++) {
      int depth = 1 + (int)random_below(&world, 5);
      const struct expr *e = n % 4 == 0 ? random_condition(&world, depth - 1)
                                        : random_expr(&world, depth);
      const struct expr *simple = simplify(world.pool, e);
      struct interval range = simplify_interval(world.pool, e);
      int64_t divisor = 1;
      if (e->dtype == ADZE_I64)
        divisor = simplify_divisor(world.pool, e);
      for (int k = 0; k < ASSIGNMENTS; k++) {
        assign(&world);
        int64_t expected = value_of(&world, e);
        if (value_of(&world, simple) != expected)
          report("value differs", &world, e, simple);
        if (expected < range.minimum || expected > range.maximum)
          report("out of interval", &world, e, simple);
        if (divisor == 0 ? expected != 0 : expected % divisor != 0)
          report("not divisible", &world, e, simple);
      }
      assert_ptr_equal(simplify(world.pool, simple), simple);
    }
    world_close(&world);
  }
}

static void test_random_bounds(void **state) {
  (void)state;
  size_t known = 0;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct world world;
    world_open(&world, round + 1000);
    for (int n = 0; n < EXPRESSIONS / 2; n++) {
      const struct expr *e =
          random_expr(&world, 1 + (int)random_below(&world, 4));
      const struct variable *running[LOOPS];
      size_t count = 0;
      for (size_t i = SYMBOLS; i < VARIABLES; i++)
        if (random_below(&world, 2))
          running[count++] = world.variables[i];
      const struct expr *low, *high;
      if (!simplify_bounds(world.pool, e, running, count, &low, &high))
        continue;
      known++;
      for (size_t i = 0; i < count; i++) {
        assert_false(expr_uses_variable(world.pool, low, running[i]));
        assert_false(expr_uses_variable(world.pool, high, running[i]));
      }
      for (int k = 0; k < ASSIGNMENTS; k++) {
        assign(&world);
        int64_t value = value_of(&world, e);
        if (value < value_of(&world, low) || value > value_of(&world, high))
          report("out of bounds", &world, low, high);
      }
    }
    world_close(&world);
  }
  assert_true(known > ROUNDS * EXPRESSIONS / 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(sums_are_canonical),
      TEST(constant_division),
      TEST(symbolic_division),
      TEST(conditions_are_decided),
      TEST(data_may_overflow),
      TEST(huge_coefficients_stay),
      TEST(vectors_go_by_lane),
      TEST(bounds_of_windows),
      TEST(divisors),
      cmocka_unit_test(test_random_values),
      cmocka_unit_test(test_random_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
