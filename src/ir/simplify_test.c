/* SPDX-License-Identifier: Apache-2.0 */
/* Simplification: named identities, and random index expressions whose value
 * must stay the same under random assignments within the ranges. */
#include "test.h"

#include "ir/expr_pool.h"
#include "ir/scalar.h"
#include "ir/simplify.h"

/* ---- A world of variables --------------------------------------------------- */

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
      number(world, 16), number(world, 4), number(world, 7),
      number(world, 1), w, h, expr_mul(pool, w, h),
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

/* ---- Random expressions ----------------------------------------------------- */

static const struct expr *random_expr(struct world *world, int depth);

static const struct expr *random_leaf(struct world *world) {
  static const int64_t constants[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 32, -1, -3, -8};
  if (random_below(world, 4) == 0)
    return number(world, constants[random_below(world, ARRAY_COUNT(constants))]);
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
    return number(world, constants[random_below(world, ARRAY_COUNT(constants))]);
  }
}

static const struct expr *random_condition(struct world *world, int depth) {
  static const enum expr_kind kinds[] = {EXPR_LESS, EXPR_LESS_EQUAL,
                                         EXPR_EQUAL, EXPR_NOT_EQUAL};
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
  case 0: case 1: case 2:
    return expr_add(pool, a, b);
  case 3:
    return expr_sub(pool, a, b);
  case 4: case 5:
    return expr_mul(pool, a, random_leaf(world));
  case 6: case 7:
    return expr_floor_div(pool, a, random_divisor(world));
  case 8: case 9:
    return expr_floor_mod(pool, a, random_divisor(world));
  case 10:
    return expr_binary(pool, random_below(world, 2) ? EXPR_MIN : EXPR_MAX, a, b);
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

/* ---- Printing for failures -------------------------------------------------- */

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

/* ---- Properties --------------------------------------------------------------- */

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_values),
      cmocka_unit_test(test_random_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
