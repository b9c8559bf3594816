/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of elementwise.def against the C library, broadcast in several
 * ways; where, batch_norm. */
#include "op/test/op_test.h"

#include <math.h>

typedef double function_of_two(double x, double y);

#define FUNCTION(name, result)                                                 \
  static double f_##name(double x, double y) {                                 \
    (void)y;                                                                   \
    return result;                                                             \
  }
static double softplus(double x) { return log1p(exp(x)); }
static double clamp(double x) { return fmin(fmax(x, 0), 1); }

FUNCTION(identity, x)
FUNCTION(relu, x > 0 ? x : 0)
FUNCTION(leaky_relu, x < 0 ? 0.01 * x : x)
FUNCTION(thresholded_relu, x > 1 ? x : 0)
FUNCTION(elu, x < 0 ? expm1(x) : x)
FUNCTION(selu, 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x)))
FUNCTION(sigmoid, 1 / (1 + exp(-x)))
FUNCTION(hard_sigmoid, clamp(0.2 * x + 0.5))
FUNCTION(hard_swish, x * clamp(x / 6 + 0.5))
FUNCTION(softplus, softplus(x))
FUNCTION(softsign, x / (1 + fabs(x)))
FUNCTION(mish, x * tanh(softplus(x)))
FUNCTION(gelu, 0.5 * x * (1 + erf(x / sqrt(2))))
FUNCTION(swish, x / (1 + exp(-x)))
FUNCTION(erf, erf(x))
FUNCTION(exp, exp(x))
FUNCTION(log, log(x))
FUNCTION(sqrt, sqrt(x))
FUNCTION(reciprocal, 1 / x)
FUNCTION(neg, -x)
FUNCTION(abs, fabs(x))
FUNCTION(sign, (x > 0) - (x < 0))
FUNCTION(floor, floor(x))
FUNCTION(ceil, ceil(x))
FUNCTION(round, nearbyint(x))
FUNCTION(sin, sin(x))
FUNCTION(cos, cos(x))
FUNCTION(tan, tan(x))
FUNCTION(asin, asin(x))
FUNCTION(acos, acos(x))
FUNCTION(atan, atan(x))
FUNCTION(sinh, sinh(x))
FUNCTION(cosh, cosh(x))
FUNCTION(tanh, tanh(x))
FUNCTION(asinh, asinh(x))
FUNCTION(acosh, acosh(x))
FUNCTION(atanh, atanh(x))
FUNCTION(shrink, x < -0.5 ? x : x > 0.5 ? x : 0)
FUNCTION(not, !x)
FUNCTION(bitwise_not, (double)~(int64_t)x)
FUNCTION(is_nan, isnan(x))
FUNCTION(is_inf, isinf(x) != 0)
FUNCTION(add, x + y)
FUNCTION(sub, x - y)
FUNCTION(mul, x *y)
FUNCTION(div, x / y)
FUNCTION(pow, pow(x, y))
FUNCTION(min, fmin(x, y))
FUNCTION(max, fmax(x, y))
FUNCTION(prelu, x < 0 ? x * y : x)
FUNCTION(equal, x == y)
FUNCTION(less, x < y)
FUNCTION(less_or_equal, x <= y)
FUNCTION(greater, x > y)
FUNCTION(greater_or_equal, x >= y)
FUNCTION(and, x &&y)
FUNCTION(or, x || y)
FUNCTION(xor, !x != !y)
FUNCTION(mod, x - y * floor(x / y))
FUNCTION(div_whole, trunc(x / y))
FUNCTION(bitwise_and, (double)((int64_t)x & (int64_t)y))
FUNCTION(bitwise_or, (double)((int64_t)x | (int64_t)y))
FUNCTION(bitwise_xor, (double)((int64_t)x ^ (int64_t)y))

static const struct row {
  const char *op;
  function_of_two *function;
  enum adze_dtype dtype;
  double low, high;
  int arity;
} rows[] = {
#define ONE(op, low, high) {#op, f_##op, ADZE_F32, low, high, 1},
#define TWO(op, low, high) {#op, f_##op, ADZE_F32, low, high, 2},
    ONE(identity, -2, 2) ONE(relu, -2, 2) ONE(leaky_relu, -2, 2)
    ONE(thresholded_relu, -2, 2) ONE(elu, -4, 4) ONE(selu, -4, 4)
    ONE(sigmoid, -20, 20) ONE(hard_sigmoid, -5, 5) ONE(hard_swish, -5, 5)
    ONE(softplus, -20, 20) ONE(softsign, -3, 3) ONE(mish, -5, 5)
    ONE(gelu, -4, 4) ONE(swish, -5, 5) ONE(erf, -3, 3) ONE(exp, -20, 5)
    ONE(log, 0.01, 9) ONE(sqrt, 0, 9) ONE(reciprocal, 0.1, 2) ONE(neg, -2, 2)
    ONE(abs, -2, 2) ONE(sign, -1, 1) ONE(floor, -5, 5) ONE(ceil, -5, 5)
    ONE(round, -5, 5) ONE(sin, -9, 9) ONE(cos, -9, 9) ONE(tan, -1.4, 1.4)
    ONE(asin, -0.99, 0.99) ONE(acos, -0.99, 0.99) ONE(atan, -9, 9)
    ONE(sinh, -3, 3) ONE(cosh, -3, 3) ONE(tanh, -9, 9) ONE(asinh, -9, 9)
    ONE(acosh, 1.01, 9) ONE(atanh, -0.99, 0.99) ONE(shrink, -2, 2)
    ONE(is_nan, -1, 1) ONE(is_inf, -1, 1)
    TWO(add, -2, 2) TWO(sub, -2, 2) TWO(mul, -2, 2) TWO(div, 0.5, 2)
    TWO(pow, 0.1, 3) TWO(min, -2, 2) TWO(max, -2, 2) TWO(prelu, -2, 2)
    TWO(less, -2, 2) TWO(less_or_equal, -2, 2) TWO(greater, -2, 2)
    TWO(greater_or_equal, -2, 2)
    {"not", f_not, ADZE_BOOL, 0, 1, 1},
    {"and", f_and, ADZE_BOOL, 0, 1, 2},
    {"or", f_or, ADZE_BOOL, 0, 1, 2},
    {"xor", f_xor, ADZE_BOOL, 0, 1, 2},
    {"equal", f_equal, ADZE_BOOL, 0, 1, 2},
    {"equal", f_equal, ADZE_I32, 0, 3, 2},
    {"less", f_less, ADZE_I64, 0, 3, 2},
    {"add", f_add, ADZE_I64, -99, 99, 2},
    {"mul", f_mul, ADZE_I8, -11, 11, 2},
    {"div", f_div_whole, ADZE_I32, 1, 99, 2},
    {"mod", f_mod, ADZE_I64, 1, 20, 2},
    {"relu", f_relu, ADZE_I32, -9, 9, 1},
    {"abs", f_abs, ADZE_I16, -9, 9, 1},
    {"bitwise_not", f_bitwise_not, ADZE_I32, -99, 99, 1},
    {"bitwise_and", f_bitwise_and, ADZE_I32, -99, 99, 2},
    {"bitwise_or", f_bitwise_or, ADZE_I64, -99, 99, 2},
    {"bitwise_xor", f_bitwise_xor, ADZE_I16, -99, 99, 2},
    {"exp", f_exp, ADZE_F64, -20, 5, 1},
    {"add", f_add, ADZE_F64, -2, 2, 2},
};

static double tolerance_of(enum adze_dtype dtype) {
  return dtype == ADZE_F16 ? 2e-3 : dtype == ADZE_BF16 ? 2e-2
         : dtype == ADZE_F64 ? 1e-12 : 3e-6;
}

/* The element of an operand that the output's index means. */
static double broadcast(const struct operand *operand, const int64_t *index,
                        size_t rank) {
  int64_t own[GRAPH_MAX_RANK];
  for (size_t i = 0; i < operand->rank; i++)
    own[i] = operand->dims[i] == 1 ? 0 : index[i + rank - operand->rank];
  return operand->x[trial_at(operand, own)];
}

static void check_row(const struct row *row, enum adze_dtype dtype,
                      const int64_t (*shapes)[3], const size_t *ranks) {
  struct trial t;
  trial_begin(&t);
  for (int i = 0; i < row->arity; i++)
    trial_input(&t, dtype, row->low, row->high, ranks[i], shapes[i]);
  trial_node(&t, row->op, 1);
  trial_run(&t);
  int64_t index[GRAPH_MAX_RANK] = {0};
  size_t at = 0;
  do {
    double x = broadcast(&t.in[0], index, t.out[0].rank);
    double y = row->arity > 1 ? broadcast(&t.in[1], index, t.out[0].rank) : 0;
    trial_compare(&t, 0, at++, row->function(x, y), tolerance_of(dtype));
  } while (trial_next(t.out[0].rank, t.out[0].dims, index));
  assert_int_equal(at, t.out[0].count);
  trial_end(&t);
}

static void every_row(void **state) {
  (void)state;
  static const int64_t shapes[][2][3] = {
      {{2, 3, 4}, {2, 3, 4}}, {{2, 3, 4}, {3, 1}}, {{5}, {2, 1}}, {{0}, {3}}};
  static const size_t ranks[][2] = {{3, 3}, {3, 2}, {1, 2}, {0, 1}};
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    for (size_t k = 0; k < ARRAY_COUNT(ranks); k++)
      check_row(&rows[i], rows[i].dtype, shapes[k], ranks[k]);
}

static void half_precision(void **state) {
  (void)state;
  static const int64_t shapes[2][3] = {{3, 4}, {4}};
  static const size_t ranks[2] = {2, 1};
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    if (rows[i].dtype != ADZE_F32)
      continue;
    check_row(&rows[i], ADZE_F16, shapes, ranks);
    check_row(&rows[i], ADZE_BF16, shapes, ranks);
  }
}

/* ---- With attributes ----------------------------------------------------- */

static void one_attribute(const char *op, const char *name, double number,
                          function_of_two *function) {
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -3, 3, 1, (int64_t[]){40});
  node_set_float(trial_node(&t, op, 1), name, number);
  trial_run(&t);
  for (size_t i = 0; i < 40; i++)
    trial_compare(&t, 0, i, function(t.in[0].x[i], number), 3e-6);
  trial_end(&t);
}

static double celu(double x, double a) {
  return fmax(0, x) + fmin(0, a * expm1(x / a));
}
static double elu(double x, double a) { return x < 0 ? a * expm1(x) : x; }
static double clip_low(double x, double low) { return x < low ? low : x; }
static double clip_high(double x, double high) { return x > high ? high : x; }

static void attributes_count(void **state) {
  (void)state;
  one_attribute("celu", "alpha", 0.7, celu);
  one_attribute("elu", "alpha", 1.7, elu);
  one_attribute("clip", "min", 0.25, clip_low);
  one_attribute("clip", "max", -0.25, clip_high);
}

static double gelu_tanh(double x) {
  return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

static void words_count(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -3, 3, 1, (int64_t[]){30});
  node_set_string(t.graph, trial_node(&t, "gelu", 1), "approximate", "tanh");
  trial_run(&t);
  for (size_t i = 0; i < 30; i++)
    trial_compare(&t, 0, i, gelu_tanh(t.in[0].x[i]), 3e-6);
  trial_end(&t);
  for (int left = 0; left < 2; left++) {
    trial_begin(&t);
    trial_input(&t, ADZE_U8, 0, 255, 1, (int64_t[]){30});
    trial_input(&t, ADZE_U8, 0, 7, 1, (int64_t[]){30});
    node_set_string(t.graph, trial_node(&t, "bit_shift", 1), "direction",
                    left ? "LEFT" : "RIGHT");
    trial_run(&t);
    for (size_t i = 0; i < 30; i++) {
      uint8_t x = (uint8_t)t.in[0].x[i], y = (uint8_t)t.in[1].x[i];
      trial_compare(&t, 0, i, left ? (uint8_t)(x << y) : x >> y, 0);
    }
    trial_end(&t);
  }
}

static void casts(void **state) {
  (void)state;
  static const struct {
    enum adze_dtype from, to;
    double low, high;
  } cases[] = {{ADZE_F32, ADZE_I32, -9, 9},   {ADZE_F32, ADZE_U8, -300, 300},
               {ADZE_I64, ADZE_F32, -99, 99}, {ADZE_F32, ADZE_BOOL, -1, 1},
               {ADZE_BOOL, ADZE_F32, 0, 1},   {ADZE_I32, ADZE_F16, -99, 99}};
  for (size_t k = 0; k < ARRAY_COUNT(cases); k++) {
    struct trial t;
    trial_begin(&t);
    trial_input(&t, cases[k].from, cases[k].low, cases[k].high, 1,
                (int64_t[]){20});
    node_set_int(trial_node(&t, "cast", 1), "to", cases[k].to);
    trial_run(&t);
    assert_int_equal(t.out[0].value->dtype, cases[k].to);
    for (size_t i = 0; i < 20; i++) {
      double want = t.in[0].x[i];
      if (cases[k].to == ADZE_BOOL)
        want = want != 0;
      else if (cases[k].to == ADZE_U8)
        want = fmin(fmax(trunc(want), 0), 255);
      else if (!dtype_is_float(cases[k].to))
        want = trunc(want);
      trial_compare(&t, 0, i, want, 0);
    }
    trial_end(&t);
  }
}

/* ---- More inputs --------------------------------------------------------- */

static void where_chooses(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_BOOL, 0, 1, 2, (int64_t[]){3, 1});
  trial_input(&t, ADZE_F32, -2, 2, 2, (int64_t[]){3, 4});
  trial_input(&t, ADZE_F32, -2, 2, 1, (int64_t[]){4});
  trial_node(&t, "where", 1);
  trial_run(&t);
  for (size_t i = 0; i < 12; i++)
    trial_compare(&t, 0, i,
                  t.in[0].x[i / 4] != 0 ? t.in[1].x[i] : t.in[2].x[i % 4], 0);
  trial_end(&t);
}

static void batch_norm_normalizes(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -2, 2, 3, (int64_t[]){2, 3, 5});
  for (int i = 0; i < 3; i++)
    trial_input(&t, ADZE_F32, -2, 2, 1, (int64_t[]){3});
  trial_input(&t, ADZE_F32, 0.1, 2, 1, (int64_t[]){3});
  node_set_float(trial_node(&t, "batch_norm", 1), "epsilon", 1e-3);
  trial_run(&t);
  for (size_t i = 0; i < 30; i++) {
    size_t c = i / 5 % 3;
    double want = (t.in[0].x[i] - t.in[3].x[c]) / sqrt(t.in[4].x[c] + 1e-3) *
                      t.in[1].x[c] +
                  t.in[2].x[c];
    trial_compare(&t, 0, i, want, 1e-5);
  }
  trial_end(&t);
}

int op_elementwise_tests(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row),     cmocka_unit_test(half_precision),
      cmocka_unit_test(attributes_count), cmocka_unit_test(words_count),
      cmocka_unit_test(casts),         cmocka_unit_test(where_chooses),
      cmocka_unit_test(batch_norm_normalizes)};
  return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}
