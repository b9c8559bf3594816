/* SPDX-License-Identifier: Apache-2.0 */
/* Expanded functions against libm in the next wider format, over floats of all
 * exponents and special values; half conversions exhaustively. */
#include "test.h"

#include <float.h>
#include <math.h>

#include "ir/expand_math.h"
#include "ir/expr_pool.h"
#include "ir/scalar.h"

/* ---- Evaluating an expression of two variables on many points ------------ */

struct tape {
  struct arena *arena;
  struct expr_pool *pool;
  const struct expr *x, *y; /* locals that stand for the arguments */
  VEC(const struct expr *) nodes;
  union scalar *values; /* by node id */
  const struct expr *result;
};

static void tape_open(struct tape *tape, enum adze_dtype dtype) {
  *tape = (struct tape){.arena = arena_create("expand_math_test")};
  assert_non_null(tape->arena);
  tape->pool = expr_pool_create(tape->arena);
  struct local *locals = ARENA_ARRAY(tape->arena, struct local, 2);
  locals[0] = (struct local){"x", 0, dtype, 1};
  locals[1] = (struct local){"y", 1, dtype, 1};
  tape->x = expr_local(tape->pool, &locals[0]);
  tape->y = expr_local(tape->pool, &locals[1]);
}

static void tape_add(void *context, const struct expr *node) {
  struct tape *tape = context;
  enum expr_kind kind = node->kind;
  assert_false(kind >= EXPR_EXP && kind <= EXPR_POW);
  vec_push(tape->arena, &tape->nodes, node);
}

static void tape_set(struct tape *tape, const struct expr *e, bool fused) {
  tape->result = expand_math(tape->pool, e, fused);
  expr_walk(tape->pool, tape->result, tape_add, tape);
  tape->values =
      ARENA_ARRAY(tape->arena, union scalar, expr_pool_count(tape->pool));
}

static union scalar tape_node(const struct tape *tape, const struct expr *e) {
  union scalar result, args[3] = {{0}};
  for (size_t i = 0; i < e->arg_count; i++)
    args[i] = tape->values[e->args[i]->id];
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    return (union scalar){.integer = e->integer};
  case EXPR_REAL:
    return (union scalar){.real = e->real};
  case EXPR_LOCAL:
    return tape->values[e->id];
  case EXPR_SELECT:
    return args[0].integer ? args[1] : args[2];
  case EXPR_FMA:
    return scalar_fma(e->dtype, args[0], args[1], args[2]);
  case EXPR_CAST:
    return scalar_cast(e->dtype, e->args[0]->dtype, args[0]);
  case EXPR_BITCAST:
    return scalar_bitcast(e->dtype, e->args[0]->dtype, args[0]);
  default:
    if (expr_kind_is_unary(e->kind))
      assert_true(scalar_unary(e->kind, e->dtype, args[0], &result));
    else
      assert_true(
          scalar_binary(e->kind, e->args[0]->dtype, args[0], args[1], &result));
    return result;
  }
}

static union scalar tape_run(struct tape *tape, union scalar x,
                             union scalar y) {
  tape->values[tape->x->id] = x;
  tape->values[tape->y->id] = y;
  for (size_t i = 0; i < tape->nodes.count; i++) {
    const struct expr *node = tape->nodes.data[i];
    tape->values[node->id] = tape_node(tape, node);
  }
  return tape->values[tape->result->id];
}

/* ---- Points -------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1du;
}

static const double specials[] = {0.0,
                                  -0.0,
                                  1,
                                  -1,
                                  2,
                                  -2,
                                  0.5,
                                  -0.5,
                                  3,
                                  -3,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  0x1p-149,
                                  -0x1p-149,
                                  0x1p-126,
                                  FLT_MAX,
                                  -FLT_MAX,
                                  0x1p-1074,
                                  DBL_MIN,
                                  DBL_MAX,
                                  88.7,
                                  88.73,
                                  89.4,
                                  -87.4,
                                  -103.9,
                                  -104.1,
                                  709.7,
                                  709.8,
                                  710.4,
                                  -745.1,
                                  -745.2,
                                  9.01,
                                  3.95,
                                  1e-3,
                                  16777217,
                                  1e10,
                                  0x1.921fb6p0,
                                  0x1.921fb6p1,
                                  0x1.921fb54442d18p0};

/* The n-th point: special values, random bits (all exponents alike), then
 * values that are spread evenly around 0. */
static double point(enum adze_dtype dtype, size_t n) {
  if (n < ARRAY_COUNT(specials))
    return dtype == ADZE_F32 ? (double)(float)specials[n] : specials[n];
  uint64_t bits = next_random() >> 16;
  if (n % 3 == 0) {
    double value = ((double)bits * 0x1p-48 - 0.5) * 2;
    static const double spans[] = {1, 2, 4, 10, 100, 1000};
    value *= spans[n / 3 % ARRAY_COUNT(spans)];
    return dtype == ADZE_F32 ? (double)(float)value : value;
  }
  if (dtype == ADZE_F32)
    return scalar_load(ADZE_F32, &bits).real;
  bits = next_random();
  return scalar_load(ADZE_F64, &bits).real;
}

/* ---- Comparing ----------------------------------------------------------- */

/* |result - exact| in units of the last place of the exact value. */
static double error_in_units(enum adze_dtype dtype, double result,
                             long double exact) {
  if (isnan(exact) || isnan(result))
    return isnan(exact) && isnan(result) ? 0 : INFINITY;
  double rounded = dtype == ADZE_F32 ? (double)(float)exact : (double)exact;
  if (result == rounded)
    return signbit(result) == signbit(rounded) || exact != 0 ? 0 : INFINITY;
  double largest = dtype == ADZE_F32 ? (double)FLT_MAX : DBL_MAX;
  if (isinf(result) || isinf(exact)) /* one step beyond the largest is 1 */
    return fabs(isinf(result) ? (double)exact : result) >= largest * 0.999999
               ? 1
               : INFINITY;
  int exponent;
  frexpl(exact, &exponent);
  int digits = dtype == ADZE_F32 ? 24 : 53;
  int least = dtype == ADZE_F32 ? -149 : -1074;
  int unit = exponent - digits < least ? least : exponent - digits;
  return (double)(fabsl((long double)result - exact) / ldexpl(1, unit));
}

struct subject {
  enum expr_kind kind;
  long double (*exact)(long double x);
  double bound_f32, bound_f64; /* units in the last place */
  double limit_f64;            /* largest |x| that f64 is made for */
};

static const struct subject subjects[] = {
    {EXPR_EXP, expl, 2.5, 2, INFINITY},
    {EXPR_LOG, logl, 1, 1, INFINITY},
    {EXPR_SIN, sinl, 1.6, 1.6, 1e6},
    {EXPR_COS, cosl, 1.6, 1.6, 1e6},
    {EXPR_TAN, tanl, 3.2, 3, 1e6},
    {EXPR_ASIN, asinl, 2.5, 2.5, INFINITY},
    {EXPR_ACOS, acosl, 1.5, 1.5, INFINITY},
    {EXPR_ATAN, atanl, 2.2, 2, INFINITY},
    {EXPR_SINH, sinhl, 4.5, 3, INFINITY},
    {EXPR_COSH, coshl, 2.6, 2.5, INFINITY},
    {EXPR_TANH, tanhl, 6, 2.5, INFINITY},
    {EXPR_ASINH, asinhl, 2.5, 2.5, INFINITY},
    {EXPR_ACOSH, acoshl, 2.5, 2.5, INFINITY},
    {EXPR_ATANH, atanhl, 2.6, 2.5, INFINITY},
    {EXPR_ERF, erfl, 6, 2, INFINITY},
};

enum { POINTS = 40000 };

static void check_function(const struct subject *subject, enum adze_dtype dtype,
                           bool fused) {
  struct tape tape;
  tape_open(&tape, dtype);
  tape_set(&tape, expr_unary(tape.pool, subject->kind, tape.x), fused);
  double bound = dtype == ADZE_F32 ? subject->bound_f32 : subject->bound_f64;
  double worst = 0, worst_at = 0, worst_result = 0;
  for (size_t n = 0; n < POINTS; n++) {
    double x = point(dtype, n);
    if (dtype == ADZE_F64 && fabs(x) > subject->limit_f64)
      continue;
    union scalar argument = {.real = x};
    double result = tape_run(&tape, argument, argument).real;
    double error = error_in_units(dtype, result, subject->exact(x));
    if (error > worst) {
      worst = error;
      worst_at = x;
      worst_result = result;
    }
  }
  if (getenv("ADZE_MATH_REPORT"))
    print_message("%-6s f%d %s: %.2f at %a, %d nodes\n",
                  expr_kind_name(subject->kind), dtype == ADZE_F32 ? 32 : 64,
                  fused ? "fused" : "plain", worst, worst_at,
                  (int)tape.nodes.count);
  if (worst > bound && !getenv("ADZE_MATH_REPORT"))
    fail_msg("%s(%a) is %a, %.2f units off%s", expr_kind_name(subject->kind),
             worst_at, worst_result, worst, fused ? ", fused" : "");
  arena_destroy(tape.arena);
}

static void functions_are_close(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(subjects); i++)
    for (int fused = 0; fused < 2; fused++) {
      check_function(&subjects[i], ADZE_F32, fused);
      check_function(&subjects[i], ADZE_F64, fused);
    }
}

/* ---- Half conversions, all of them --------------------------------------- */

/* The nearest half by search: the largest not above |x| and its neighbour. */
static uint16_t nearest_half(enum adze_dtype dtype, float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint16_t infinity = dtype == ADZE_F16 ? 0x7c00 : 0x7f80;
  if (isnan(x))
    return (uint16_t)(sign | infinity | 1);
  uint16_t low = 0, high = infinity;
  while (high - low > 1) {
    uint16_t middle = (uint16_t)((low + high) / 2);
    if (scalar_load(dtype, &middle).real <= fabsf(x))
      low = middle;
    else
      high = middle;
  }
  /* Infinity takes part with the value that would follow the largest. */
  double above = high < infinity     ? scalar_load(dtype, &high).real
                 : dtype == ADZE_F16 ? 65536
                                     : 0x1p128;
  double below = low < infinity ? scalar_load(dtype, &low).real : above;
  double middle = below / 2 + above / 2, magnitude = fabs((double)x);
  bool up = isinf(x) || magnitude > middle || (magnitude == middle && low % 2);
  return (uint16_t)(sign | (up ? high : low));
}

static bool same_half(enum adze_dtype dtype, uint16_t a, uint16_t b) {
  uint16_t infinity = dtype == ADZE_F16 ? 0x7c00 : 0x7f80;
  bool a_nan = (a & 0x7fff) > infinity, b_nan = (b & 0x7fff) > infinity;
  return a_nan || b_nan ? a_nan && b_nan : a == b;
}

/* Through memory, as the bits are what matters. */
static uint16_t bits_of_half(enum adze_dtype dtype, union scalar value) {
  uint16_t bits;
  scalar_store(dtype, &bits, value);
  return bits;
}

static void check_to_half(struct tape *tape, enum adze_dtype dtype,
                          uint32_t bits) {
  union scalar x = scalar_load(ADZE_F32, &bits);
  uint16_t expected = nearest_half(dtype, (float)x.real);
  uint16_t folded = bits_of_half(dtype, scalar_cast(dtype, ADZE_F32, x));
  uint16_t expanded = bits_of_half(dtype, tape_run(tape, x, x));
  if (!same_half(dtype, folded, expected) ||
      !same_half(dtype, expanded, expected))
    fail_msg("%08x becomes %04x (folded), %04x (expanded), not %04x", bits,
             folded, expanded, expected);
}

/* Every half, its neighbours in f32, and the ties between halves. */
static void to_half_rounds_to_nearest(void **state) {
  (void)state;
  static const enum adze_dtype dtypes[] = {ADZE_F16, ADZE_BF16};
  for (int k = 0; k < 2; k++) {
    struct tape tape;
    tape_open(&tape, ADZE_F32);
    tape_set(&tape, expr_cast(tape.pool, dtypes[k], tape.x), false);
    for (uint32_t half = 0; half < 0x10000; half++) {
      uint16_t narrow = (uint16_t)half;
      float value = (float)scalar_load(dtypes[k], &narrow).real;
      uint32_t bits, tie = dtypes[k] == ADZE_F16 ? 1u << 12 : 1u << 15;
      memcpy(&bits, &value, sizeof bits);
      for (uint32_t step = 0; step < 3; step++) {
        check_to_half(&tape, dtypes[k], bits + step - 1);
        check_to_half(&tape, dtypes[k], bits + tie + step - 1);
      }
    }
    for (int n = 0; n < 200000; n++)
      check_to_half(&tape, dtypes[k], (uint32_t)(next_random() >> 20));
    arena_destroy(tape.arena);
  }
}

/* An f16 is never a subnormal f32, so it must not count as zero where those
 * do: no step may be one. */
static void check_no_subnormal(const struct tape *tape, uint32_t half) {
  for (size_t i = 0; i < tape->nodes.count; i++) {
    const struct expr *node = tape->nodes.data[i];
    double value = tape->values[node->id].real;
    if (node->dtype == ADZE_F32 && value != 0 && fabs(value) < FLT_MIN)
      fail_msg("%04x: a step is %a", half, value);
  }
}

static void from_half_is_exact(void **state) {
  (void)state;
  static const enum adze_dtype dtypes[] = {ADZE_F16, ADZE_BF16};
  for (int k = 0; k < 2; k++) {
    struct tape tape;
    tape_open(&tape, dtypes[k]);
    tape_set(&tape, expr_cast(tape.pool, ADZE_F32, tape.x), false);
    for (uint32_t half = 0; half < 0x10000; half++) {
      uint16_t narrow = (uint16_t)half;
      bool sign = half >> 15;
      uint32_t top = dtypes[k] == ADZE_F16 ? 10 : 7;
      int exponent = (int)((half & 0x7fff) >> top);
      int largest = dtypes[k] == ADZE_F16 ? 31 : 255;
      double fraction = half & ((1u << top) - 1);
      double expected =
          ldexp(fraction + (exponent ? 1 << top : 0),
                (exponent ? exponent : 1) - largest / 2 - (int)top);
      if (exponent == largest)
        expected = fraction != 0 ? (double)NAN : (double)INFINITY;
      if (sign)
        expected = -expected;
      union scalar x = scalar_load(dtypes[k], &narrow);
      double folded = scalar_cast(ADZE_F32, dtypes[k], x).real;
      double expanded = tape_run(&tape, x, x).real;
      if (isnan(expected) ? !isnan(folded) || !isnan(expanded)
                          : folded != expected || expanded != expected ||
                                (signbit(folded) != 0) != sign ||
                                (signbit(expanded) != 0) != sign)
        fail_msg("%04x is %a (folded), %a (expanded), not %a", half, folded,
                 expanded, expected);
      if (dtypes[k] == ADZE_F16)
        check_no_subnormal(&tape, half);
    }
    arena_destroy(tape.arena);
  }
}

/* ---- Powers -------------------------------------------------------------- */

static void check_power(struct tape *tape, enum adze_dtype dtype, double x,
                        double y, double bound) {
  double result =
      tape_run(tape, (union scalar){.real = x}, (union scalar){.real = y}).real;
  long double exact = powl(x, y);
  double error = error_in_units(dtype, result, exact);
  if (error > bound)
    fail_msg("pow(%a, %a) is %a, not %La: %.2f units off", x, y, result, exact,
             error);
}

static void powers_are_close(void **state) {
  (void)state;
  static const enum adze_dtype dtypes[] = {ADZE_F32, ADZE_F64};
  for (int k = 0; k < 2; k++) {
    struct tape tape;
    tape_open(&tape, dtypes[k]);
    tape_set(&tape, expr_binary(tape.pool, EXPR_POW, tape.x, tape.y), k);
    for (size_t i = 0; i < ARRAY_COUNT(specials); i++)
      for (size_t j = 0; j < ARRAY_COUNT(specials); j++)
        check_power(&tape, dtypes[k], point(dtypes[k], i), point(dtypes[k], j),
                    2);
    for (int n = 0; n < 100000; n++) {
      double x = point(dtypes[k], 1000 + (size_t)n);
      double y = point(dtypes[k], 1000 + 3 * (size_t)next_random() % 9000);
      check_power(&tape, dtypes[k], x, n % 4 ? y : (double)(n % 31 - 15), 2);
    }
    arena_destroy(tape.arena);
  }
}

static void constant_powers_multiply(void **state) {
  (void)state;
  static const double exponents[] = {0, 1, 2, 3, -1, 0.5, -2};
  for (size_t k = 0; k < ARRAY_COUNT(exponents); k++) {
    struct tape tape;
    tape_open(&tape, ADZE_F32);
    tape_set(&tape,
             expr_binary(tape.pool, EXPR_POW, tape.x,
                         expr_real(tape.pool, ADZE_F32, exponents[k])),
             false);
    for (size_t n = 0; n < 5000; n++)
      check_power(&tape, ADZE_F32, point(ADZE_F32, n), exponents[k], 1.6);
    arena_destroy(tape.arena);
  }
}

/* ---- Vectors and folding ------------------------------------------------- */

static void vectors_expand_like_scalars(void **state) {
  (void)state;
  struct tape tape;
  tape_open(&tape, ADZE_F32);
  struct local wide = {"v", 2, ADZE_F32, 8};
  const struct expr *vector = expr_local(tape.pool, &wide);
  for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
    enum expr_kind kind = subjects[i].kind;
    const struct expr *e =
        expand_math(tape.pool, expr_unary(tape.pool, kind, vector), true);
    assert_int_equal(e->lanes, 8);
    assert_int_equal(e->dtype, ADZE_F32);
    const struct expr *same = expr_broadcast(tape.pool, tape.x, 8);
    e = expand_math(tape.pool, expr_unary(tape.pool, kind, same), true);
    assert_int_equal(e->kind, EXPR_BROADCAST);
  }
  arena_destroy(tape.arena);
}

/* Where f64 has no digits left, a sine is still one. */
static void sines_stay_in_range(void **state) {
  (void)state;
  static const enum expr_kind kinds[] = {EXPR_SIN, EXPR_COS};
  for (int k = 0; k < 2; k++) {
    struct tape tape;
    tape_open(&tape, ADZE_F64);
    tape_set(&tape, expr_unary(tape.pool, kinds[k], tape.x), k);
    for (size_t n = 0; n < 20000; n++) {
      union scalar x = {.real = point(ADZE_F64, n)};
      double result = tape_run(&tape, x, x).real;
      if (isfinite(x.real) ? !(fabs(result) <= 1) : !isnan(result))
        fail_msg("%s(%a) is %a", expr_kind_name(kinds[k]), x.real, result);
    }
    arena_destroy(tape.arena);
  }
}

/* A constant argument folds to what the expansion computes. */
static void constants_fold(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
    struct tape tape;
    tape_open(&tape, ADZE_F32);
    tape_set(&tape, expr_unary(tape.pool, subjects[i].kind, tape.x), false);
    for (size_t n = 0; n < 60; n++) {
      union scalar x = {.real = point(ADZE_F32, n)};
      const struct expr *folded =
          expand_math(tape.pool,
                      expr_unary(tape.pool, subjects[i].kind,
                                 expr_real(tape.pool, ADZE_F32, x.real)),
                      false);
      double value = tape_run(&tape, x, x).real;
      if (isnan(value)) /* may stay a bitcast of its bits */
        continue;
      assert_int_equal(folded->kind, EXPR_REAL);
      assert_true(folded->real == value);
    }
    arena_destroy(tape.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_are_close),
      cmocka_unit_test(to_half_rounds_to_nearest),
      cmocka_unit_test(from_half_is_exact),
      cmocka_unit_test(powers_are_close),
      cmocka_unit_test(constant_powers_multiply),
      cmocka_unit_test(vectors_expand_like_scalars),
      cmocka_unit_test(sines_stay_in_range),
      cmocka_unit_test(constants_fold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
