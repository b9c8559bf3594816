/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: identity of nodes, folding as C computes, identities that keep
 * every bit, vectors, and walks over deep and shared expressions. */
#include "test.h"

#include <math.h>

#include "ir/expr_pool.h"
#include "ir/scalar.h"
#include "ir/simplify.h"

static struct arena *arena;
static struct expr_pool *pool;

static int set_up(void **state) {
  (void)state;
  arena = arena_create("expr_test");
  if (!arena)
    return -1;
  pool = expr_pool_create(arena);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  return 0;
}

static const struct expr *new_variable(const char *name) {
  return expr_variable(pool, variable_new(pool, name, NULL));
}

static const struct expr *new_local(enum adze_dtype dtype, uint16_t lanes) {
  struct local *local = ARENA_NEW(arena, struct local);
  *local = (struct local){"l", pool->node_count, dtype, lanes};
  return expr_local(pool, local);
}

static const struct expr *integer(int64_t value) {
  return expr_index(pool, value);
}

/* ---- Names and identity -------------------------------------------------- */

static void kinds_have_names(void **state) {
  (void)state;
  for (int kind = 0; kind < EXPR_KIND_COUNT; kind++) {
    const char *name = expr_kind_name((enum expr_kind)kind);
    assert_int_equal(expr_kind_from_name(name), kind);
    assert_true(expr_kind_is_unary((enum expr_kind)kind) +
                    expr_kind_is_binary((enum expr_kind)kind) +
                    expr_kind_is_compare((enum expr_kind)kind) <=
                1);
  }
  assert_int_equal(expr_kind_from_name("nothing"), EXPR_KIND_COUNT);
  assert_true(expr_kind_is_binary(EXPR_POW));
  assert_true(expr_kind_is_compare(EXPR_LESS_EQUAL));
  assert_false(expr_kind_is_binary(EXPR_LESS));
}

static void equal_nodes_are_one(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *y = new_variable("x");
  assert_ptr_not_equal(x, y); /* two variables of one name */
  assert_ptr_equal(expr_variable(pool, x->variable), x);
  assert_ptr_equal(expr_mul(pool, x, y), expr_mul(pool, x, y));
  assert_ptr_not_equal(expr_mul(pool, x, y), expr_mul(pool, y, x));
  assert_ptr_equal(integer(7), integer(7));
  assert_ptr_not_equal(integer(1), expr_bool(pool, true));
  assert_ptr_not_equal(expr_real(pool, ADZE_F32, 0.0),
                       expr_real(pool, ADZE_F32, -0.0));
  assert_ptr_equal(expr_real(pool, ADZE_F64, NAN),
                   expr_real(pool, ADZE_F64, -NAN));
  assert_ptr_not_equal(expr_real(pool, ADZE_F64, 1),
                       expr_real(pool, ADZE_F32, 1));
}

static void many_nodes_stay_apart(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *e = x;
  enum { COUNT = 20000 };
  const struct expr **nodes = ARENA_ARRAY(arena, const struct expr *, COUNT);
  for (int i = 0; i < COUNT; i++)
    nodes[i] = e = expr_binary(pool, EXPR_XOR, e, integer(i * 64 + 1));
  e = x;
  for (int i = 0; i < COUNT; i++) {
    e = expr_binary(pool, EXPR_XOR, e, integer(i * 64 + 1));
    assert_ptr_equal(e, nodes[i]);
    assert_true(i == 0 || e->id > nodes[i - 1]->id);
  }
  assert_true(expr_pool_count(pool) < 2 * COUNT + 10);
}

/* ---- Folding ------------------------------------------------------------- */

static int64_t fold(enum expr_kind kind, enum adze_dtype dtype, int64_t a,
                    int64_t b) {
  const struct expr *e = expr_binary(pool, kind, expr_integer(pool, dtype, a),
                                     expr_integer(pool, dtype, b));
  int64_t value = 0;
  assert_true(expr_get_integer(e, &value));
  return value;
}

static double fold_real(enum expr_kind kind, enum adze_dtype dtype, double a,
                        double b) {
  const struct expr *e = expr_binary(pool, kind, expr_real(pool, dtype, a),
                                     expr_real(pool, dtype, b));
  assert_int_equal(e->kind, EXPR_REAL);
  return e->real;
}

static int64_t cast_to(enum adze_dtype to, const struct expr *e) {
  int64_t value = 0;
  assert_true(expr_get_integer(expr_cast(pool, to, e), &value));
  return value;
}

static void integers_wrap(void **state) {
  (void)state;
  assert_int_equal(fold(EXPR_ADD, ADZE_I8, 127, 1), -128);
  assert_int_equal(fold(EXPR_MUL, ADZE_U8, 200, 2), 144);
  assert_int_equal(fold(EXPR_SUB, ADZE_U32, 0, 1), UINT32_MAX);
  assert_int_equal(fold(EXPR_ADD, ADZE_I64, INT64_MAX, 1), INT64_MIN);
  assert_int_equal(fold(EXPR_DIV, ADZE_I32, INT32_MIN, -1), INT32_MIN);
  assert_int_equal(fold(EXPR_DIV, ADZE_I64, INT64_MIN, -1), INT64_MIN);
  assert_int_equal(fold(EXPR_FLOOR_DIV, ADZE_I16, INT16_MIN, -1), INT16_MIN);
  assert_int_equal(fold(EXPR_SHIFT_LEFT, ADZE_I32, 1, 33), 2);
  assert_int_equal(fold(EXPR_SHIFT_RIGHT, ADZE_I8, -128, 1), -64);
  assert_int_equal(fold(EXPR_SHIFT_RIGHT, ADZE_U8, 128, 1), 64);
  assert_int_equal(fold(EXPR_SHIFT_RIGHT, ADZE_I64, INT64_MIN, 63), -1);
  assert_int_equal(
      expr_unary(pool, EXPR_ABS, expr_integer(pool, ADZE_I8, -128))->integer,
      -128);
}

static void division_is_total(void **state) {
  (void)state;
  assert_int_equal(fold(EXPR_DIV, ADZE_I32, -7, 2), -3);
  assert_int_equal(fold(EXPR_REMAINDER, ADZE_I32, -7, 2), -1);
  assert_int_equal(fold(EXPR_FLOOR_DIV, ADZE_I32, -7, 2), -4);
  assert_int_equal(fold(EXPR_FLOOR_MOD, ADZE_I32, -7, 2), 1);
  assert_int_equal(fold(EXPR_FLOOR_MOD, ADZE_I32, 7, -2), -1);
  assert_int_equal(fold(EXPR_DIV, ADZE_I64, 5, 0), 0);
  assert_int_equal(fold(EXPR_REMAINDER, ADZE_I64, 5, 0), 5);
  assert_int_equal(fold(EXPR_FLOOR_DIV, ADZE_U8, 5, 0), 0);
  assert_int_equal(fold(EXPR_FLOOR_MOD, ADZE_U8, 5, 0), 5);
  assert_int_equal(fold(EXPR_FLOOR_MOD, ADZE_I64, INT64_MIN, -1), 0);
  assert_int_equal(fold(EXPR_DIV, ADZE_U64, -1, 2), INT64_MAX);
  assert_int_equal(fold(EXPR_LESS, ADZE_U64, 1, -1), 1);
  assert_int_equal(fold(EXPR_MAX, ADZE_U64, 1, -1), -1);
}

/* All pairs of 8 bits against C's own arithmetic in int. */
static void bytes_fold_like_c(void **state) {
  (void)state;
  for (int a = -128; a < 128; a++)
    for (int b = -128; b < 128; b++) {
      union scalar x = {.integer = a}, y = {.integer = b}, r;
      assert_true(scalar_binary(EXPR_MUL, ADZE_I8, x, y, &r));
      assert_int_equal(r.integer, (int8_t)(a * b));
      assert_true(scalar_binary(EXPR_MIN, ADZE_I8, x, y, &r));
      assert_int_equal(r.integer, b < a ? b : a);
      assert_true(scalar_binary(EXPR_DIV, ADZE_I8, x, y, &r));
      assert_int_equal(r.integer, b == 0 ? 0 : (int8_t)(a / b));
      assert_true(scalar_binary(EXPR_FLOOR_DIV, ADZE_I8, x, y, &r));
      assert_int_equal(r.integer,
                       b == 0 ? 0 : (int8_t)(int)floor((double)a / (double)b));
      assert_true(scalar_binary(EXPR_FLOOR_MOD, ADZE_I8, x, y, &r));
      if (b != 0)
        assert_true(r.integer == 0 || (r.integer < 0) == (b < 0));
      assert_true(scalar_binary(EXPR_LESS_EQUAL, ADZE_I8, x, y, &r));
      assert_int_equal(r.integer, a <= b);
    }
}

static void floats_round_once(void **state) {
  (void)state;
  /* In f64 the sum is exact; in f32 it is a tie to even. */
  assert_true(fold_real(EXPR_ADD, ADZE_F32, 16777216, 1) == 16777216);
  assert_true(fold_real(EXPR_ADD, ADZE_F64, 16777216, 1) == 16777217);
  assert_true(fold_real(EXPR_DIV, ADZE_F32, 1, 3) == (double)(1.0f / 3.0f));
  assert_true(isinf(fold_real(EXPR_MUL, ADZE_F32, 1e30, 1e30)));
  assert_true(isinf(fold_real(EXPR_DIV, ADZE_F32, 1, 0)));
  assert_true(fold_real(EXPR_REMAINDER, ADZE_F32, -7, 3) == -1);
  /* The first argument wins ties and NaNs. */
  assert_true(isnan(fold_real(EXPR_MIN, ADZE_F32, NAN, 1)));
  assert_true(fold_real(EXPR_MIN, ADZE_F32, 1, NAN) == 1);
  assert_true(signbit(fold_real(EXPR_MAX, ADZE_F32, -0.0, 0.0)));
  assert_true(expr_real(pool, ADZE_F32, 0.1)->real == (double)0.1f);
  assert_true(expr_real(pool, ADZE_F16, 65519)->real == 65504);
  assert_true(isinf(expr_real(pool, ADZE_F16, 65520)->real));
  const struct expr *third = expr_real(pool, ADZE_F32, 1.0 / 3);
  assert_true(expr_fma(pool, third, expr_real(pool, ADZE_F32, 3),
                       expr_real(pool, ADZE_F32, -1))
                  ->real == fma((double)(1.0f / 3), 3, -1));
  assert_true(
      expr_unary(pool, EXPR_ROUND, expr_real(pool, ADZE_F32, 2.5))->real == 2);
}

static void casts_saturate(void **state) {
  (void)state;
  const struct expr *big = expr_real(pool, ADZE_F32, 1e20);
  const struct expr *nan = expr_real(pool, ADZE_F32, NAN);
  assert_int_equal(cast_to(ADZE_I8, big), 127);
  assert_int_equal(cast_to(ADZE_I64, big), INT64_MAX);
  assert_int_equal(cast_to(ADZE_U64, big), -1);
  assert_int_equal(cast_to(ADZE_U8, expr_real(pool, ADZE_F32, -3)), 0);
  assert_int_equal(cast_to(ADZE_I64, expr_real(pool, ADZE_F64, -1e300)),
                   INT64_MIN);
  assert_int_equal(cast_to(ADZE_I32, expr_real(pool, ADZE_F32, -2.9)), -2);
  assert_int_equal(cast_to(ADZE_I32, nan), 0);
  assert_int_equal(cast_to(ADZE_BOOL, nan), 1);
  assert_int_equal(cast_to(ADZE_BOOL, expr_real(pool, ADZE_F32, -0.0)), 0);
  assert_int_equal(cast_to(ADZE_I8, integer(200)), -56); /* wraps */
  assert_int_equal(cast_to(ADZE_U16, integer(-1)), 65535);
  const struct expr *wide = expr_integer(pool, ADZE_U64, -1);
  assert_true(expr_cast(pool, ADZE_F32, wide)->real == 0x1p64);
  /* Rounded once, not through f64. */
  int64_t above_tie = (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1;
  const struct expr *tricky = integer(above_tie);
  assert_true(expr_cast(pool, ADZE_F32, tricky)->real == 0x1p60 + 0x1p37);
  assert_int_equal(expr_constant(pool, ADZE_U8, 300)->integer, 255);
  assert_true(expr_constant(pool, ADZE_F16, 0.1)->real == 0x1.998p-4);
}

static void bits_are_kept(void **state) {
  (void)state;
  const struct expr *one = expr_real(pool, ADZE_F32, 1);
  const struct expr *bits = expr_bitcast(pool, ADZE_I32, one);
  assert_true(expr_is_value(bits, 0x3f800000));
  assert_ptr_equal(expr_bitcast(pool, ADZE_F32, bits), one);
  /* A NaN constant has no payload, so its bits stay an integer. */
  const struct expr *payload = expr_integer(pool, ADZE_U32, 0x7fc00123);
  const struct expr *nan = expr_bitcast(pool, ADZE_F32, payload);
  assert_int_equal(nan->kind, EXPR_BITCAST);
  assert_ptr_equal(expr_bitcast(pool, ADZE_U32, nan), payload);
}

/* ---- Identities ---------------------------------------------------------- */

static void integer_identities(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *y = new_variable("y");
  assert_ptr_equal(expr_add(pool, x, integer(0)), x);
  assert_ptr_equal(expr_add(pool, integer(0), x), x);
  assert_ptr_equal(expr_mul(pool, integer(1), x), x);
  assert_ptr_equal(expr_mul(pool, x, integer(0)), integer(0));
  assert_ptr_equal(expr_sub(pool, x, x), integer(0));
  assert_ptr_equal(expr_add(pool, expr_add(pool, x, integer(3)), integer(-3)),
                   x);
  assert_ptr_equal(expr_floor_div(pool, x, integer(1)), x);
  assert_ptr_equal(expr_floor_mod(pool, x, integer(1)), integer(0));
  assert_ptr_equal(expr_min(pool, x, x), x);
  assert_ptr_equal(expr_binary(pool, EXPR_XOR, x, x), integer(0));
  assert_ptr_equal(expr_binary(pool, EXPR_AND, x, integer(-1)), x);
  assert_ptr_equal(expr_equal(pool, x, x), expr_bool(pool, true));
  assert_ptr_equal(expr_less(pool, x, x), expr_bool(pool, false));
  const struct expr *less = expr_less(pool, x, y);
  assert_ptr_equal(expr_unary(pool, EXPR_NOT, less),
                   expr_less_equal(pool, y, x));
  assert_ptr_equal(expr_and(pool, less, expr_bool(pool, true)), less);
  assert_ptr_equal(expr_and(pool, less, expr_bool(pool, false)),
                   expr_bool(pool, false));
  assert_ptr_equal(expr_select(pool, less, x, x), x);
  assert_ptr_equal(expr_select(pool, expr_bool(pool, false), x, y), y);
  assert_ptr_equal(
      expr_select(pool, less, expr_bool(pool, true), expr_bool(pool, false)),
      less);
  assert_ptr_equal(expr_ceil_div(pool, integer(9), integer(4)), integer(3));
}

static void float_identities_keep_bits(void **state) {
  (void)state;
  const struct expr *x = new_local(ADZE_F32, 1);
  const struct expr *zero = expr_real(pool, ADZE_F32, 0);
  const struct expr *minus_zero = expr_real(pool, ADZE_F32, -0.0);
  const struct expr *one = expr_real(pool, ADZE_F32, 1);
  assert_ptr_equal(expr_mul(pool, x, one), x);
  assert_ptr_equal(expr_add(pool, x, minus_zero), x);
  assert_ptr_equal(expr_sub(pool, x, zero), x);
  assert_ptr_not_equal(expr_add(pool, x, zero), x); /* -0 + 0 is 0 */
  assert_ptr_not_equal(expr_sub(pool, x, minus_zero), x);
  assert_ptr_not_equal(expr_mul(pool, x, zero), zero); /* NaN, -0 */
  assert_int_equal(expr_sub(pool, x, x)->kind, EXPR_SUB);
  assert_int_equal(expr_equal(pool, x, x)->kind, EXPR_EQUAL);
  assert_ptr_equal(expr_less(pool, x, x), expr_bool(pool, false));
  /* not (x < y) is not y <= x with NaNs. */
  const struct expr *y = new_local(ADZE_F32, 1);
  assert_int_equal(expr_unary(pool, EXPR_NOT, expr_less(pool, x, y))->kind,
                   EXPR_NOT);
}

static void casts_that_lose_nothing(void **state) {
  (void)state;
  const struct expr *h = new_local(ADZE_F16, 1);
  const struct expr *f = new_local(ADZE_F32, 1);
  const struct expr *i = new_local(ADZE_I32, 1);
  assert_ptr_equal(expr_cast(pool, ADZE_F16, expr_cast(pool, ADZE_F32, h)), h);
  assert_ptr_equal(expr_cast(pool, ADZE_F32, expr_cast(pool, ADZE_F64, f)), f);
  assert_ptr_equal(expr_cast(pool, ADZE_I32, expr_cast(pool, ADZE_I64, i)), i);
  assert_ptr_equal(expr_cast(pool, ADZE_I32, expr_cast(pool, ADZE_F64, i)), i);
  assert_ptr_not_equal(expr_cast(pool, ADZE_I32, expr_cast(pool, ADZE_F32, i)),
                       i);
  assert_ptr_not_equal(expr_cast(pool, ADZE_F32, expr_cast(pool, ADZE_F16, f)),
                       f);
  /* Between halves and other dtypes through f32. */
  const struct expr *through = expr_cast(pool, ADZE_I8, h);
  assert_int_equal(through->args[0]->dtype, ADZE_F32);
  through = expr_cast(pool, ADZE_BF16, i);
  assert_int_equal(through->args[0]->dtype, ADZE_F32);
}

/* ---- Vectors ------------------------------------------------------------- */

static void vectors_stay_simple(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *y = new_variable("y");
  const struct expr *bx = expr_broadcast(pool, x, 8);
  const struct expr *ramp = expr_ramp(pool, y, integer(2), 8);
  assert_ptr_equal(expr_broadcast(pool, x, 1), x);
  assert_ptr_equal(expr_add(pool, bx, expr_broadcast(pool, y, 8)),
                   expr_broadcast(pool, expr_add(pool, x, y), 8));
  assert_ptr_equal(expr_add(pool, ramp, x), /* the scalar is broadcast */
                   expr_ramp(pool, expr_add(pool, y, x), integer(2), 8));
  assert_ptr_equal(expr_sub(pool, bx, ramp),
                   expr_ramp(pool, expr_sub(pool, x, y), integer(-2), 8));
  assert_ptr_equal(
      expr_mul(pool, integer(3), ramp),
      expr_ramp(pool, expr_mul(pool, y, integer(3)), integer(6), 8));
  assert_ptr_equal(expr_sub(pool, ramp, ramp),
                   expr_broadcast(pool, integer(0), 8));
  assert_ptr_equal(expr_ramp(pool, x, integer(0), 8), bx);
  assert_int_equal(expr_less(pool, ramp, bx)->lanes, 8);
  assert_int_equal(expr_less(pool, ramp, bx)->dtype, ADZE_BOOL);
  assert_int_equal(expr_select(pool, expr_less(pool, x, y), ramp, bx)->lanes,
                   8);
}

static void loads_have_lanes(void **state) {
  (void)state;
  const struct expr *shape = integer(100);
  struct buffer buffer = {
      .name = "b", .dtype = ADZE_F32, .rank = 1, .shape = {shape}};
  const struct expr *x = new_variable("x");
  const struct expr *load = expr_load(pool, &buffer, &x, 1);
  assert_int_equal(load->lanes, 1);
  const struct expr *lanes = expr_load_lanes(pool, &buffer, x, 8);
  assert_int_equal(lanes->lanes, 8);
  assert_ptr_not_equal(lanes, load);
  const struct expr *dense = expr_ramp(pool, x, integer(1), 8);
  assert_ptr_equal(expr_load(pool, &buffer, &dense, 1), lanes);
  const struct expr *strided = expr_ramp(pool, x, integer(3), 8);
  const struct expr *gather = expr_load(pool, &buffer, &strided, 1);
  assert_int_equal(gather->lanes, 8);
  assert_int_equal(gather->args[0]->lanes, 8);
  const struct expr *same = expr_broadcast(pool, x, 8);
  assert_ptr_equal(expr_load(pool, &buffer, &same, 1),
                   expr_broadcast(pool, load, 8));
  /* Other arguments keep the lanes. */
  const struct expr *y = new_variable("y");
  assert_ptr_equal(expr_with_args(pool, lanes, &y),
                   expr_load_lanes(pool, &buffer, y, 8));
  assert_true(expr_uses_buffer(pool, expr_add(pool, load, load), &buffer));
  assert_false(expr_uses_buffer(pool, x, &buffer));
}

/* ---- Walks --------------------------------------------------------------- */

static void count_visit(void *context, const struct expr *node) {
  (void)node;
  ++*(size_t *)context;
}

static const struct expr *increment(void *context, const struct expr *node) {
  ++*(size_t *)context;
  return node->kind == EXPR_INTEGER ? integer(node->integer + 1) : node;
}

/* x + x doubled 60 times: 2^60 paths, 61 nodes. */
static void shared_nodes_are_visited_once(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *y = new_variable("y"), *e = x;
  for (int i = 0; i < 60; i++)
    e = expr_binary(pool, EXPR_MUL, e, e);
  size_t visits = 0;
  expr_walk(pool, e, count_visit, &visits);
  assert_int_equal(visits, 61);
  struct substitution substitution = {x->variable, y};
  const struct expr *replaced = expr_substitute(pool, e, &substitution, 1);
  assert_false(expr_uses_variable(pool, replaced, x->variable));
  assert_true(expr_uses_variable(pool, replaced, y->variable));
  simplify(pool, e);
}

static void depth_is_no_limit(void **state) {
  (void)state;
  enum { DEPTH = 200000 };
  const struct expr *x = new_variable("x"), *e = x;
  for (int i = 0; i < DEPTH; i++)
    e = expr_binary(pool, i % 2 ? EXPR_XOR : EXPR_MUL, integer(i + 3), e);
  size_t visits = 0;
  expr_walk(pool, e, count_visit, &visits);
  assert_int_equal(visits, 2 * DEPTH + 1);
  visits = 0;
  assert_ptr_not_equal(expr_map(pool, e, increment, &visits), e);
  assert_int_equal(visits, 2 * DEPTH + 1);
  simplify(pool, e);
  for (int i = 0; i < DEPTH / 20; i++) {
    e = i % 2 ? expr_min(pool, integer(-i), e)
              : expr_max(pool, e, new_variable("z"));
    e = expr_add(pool, e, new_variable("y"));
  }
  simplify_interval(pool, e);
}

struct order {
  size_t count;
  const struct expr *nodes[8];
};

static void note(void *context, const struct expr *node) {
  struct order *order = context;
  order->nodes[order->count++] = node;
}

static void walks_go_arguments_first(void **state) {
  (void)state;
  const struct expr *x = new_variable("x"), *y = new_variable("y");
  const struct expr *product = expr_mul(pool, x, y);
  const struct expr *e = expr_sub(pool, product, x);
  struct order order = {0};
  expr_walk(pool, e, note, &order);
  assert_int_equal(order.count, 4);
  assert_ptr_equal(order.nodes[0], x);
  assert_ptr_equal(order.nodes[1], y);
  assert_ptr_equal(order.nodes[2], product);
  assert_ptr_equal(order.nodes[3], e);
}

/* A visitor that walks itself: each walk has a side array of its own. */
static const struct expr *nested(void *context, const struct expr *node) {
  const struct expr *const *pair = context;
  struct substitution substitution = {pair[0]->variable, pair[1]};
  return expr_substitute(pool, node, &substitution, 1);
}

static void walks_nest(void **state) {
  (void)state;
  const struct expr *pair[2] = {new_variable("x"), new_variable("y")};
  const struct expr *e =
      expr_mul(pool, expr_add(pool, pair[0], integer(5)), pair[0]);
  const struct expr *expected =
      expr_mul(pool, expr_add(pool, pair[1], integer(5)), pair[1]);
  assert_ptr_equal(expr_map(pool, e, nested, pair), expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(kinds_have_names),
      TEST(equal_nodes_are_one),
      TEST(many_nodes_stay_apart),
      TEST(integers_wrap),
      TEST(division_is_total),
      TEST(bytes_fold_like_c),
      TEST(floats_round_once),
      TEST(casts_saturate),
      TEST(bits_are_kept),
      TEST(integer_identities),
      TEST(float_identities_keep_bits),
      TEST(casts_that_lose_nothing),
      TEST(vectors_stay_simple),
      TEST(loads_have_lanes),
      TEST(shared_nodes_are_visited_once),
      TEST(depth_is_no_limit),
      TEST(walks_go_arguments_first),
      TEST(walks_nest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
