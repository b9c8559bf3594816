/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of arrays as numbers, fills, shapes, statistics, comparison. */
#include "test.h"

#include <math.h>

#include "cli/fill.h"
#include "cli/shapes.h"
#include "cli/statistics.h"
#include "cli/verify.h"

static struct arena *arena;

static struct array make(enum adze_dtype dtype, int64_t count) {
  struct array array = {
      .name = "x", .dtype = dtype, .rank = 1, .dims = {count}};
  assert_true(array_measure(&array));
  array_allocate(arena, &array);
  return array;
}

/* Every half but NaNs survives the way through double; its neighbours' middle
 * goes to the even one. */
static void converts_halves(void **state) {
  struct array half = make(ADZE_F16, 3);
  uint16_t *bits = half.data;
  (void)state;
  for (unsigned i = 0; i < 0x7c00; i++) {
    bits[0] = (uint16_t)i;
    bits[1] = (uint16_t)(i + 1);
    double low = array_get(&half, 0), high = array_get(&half, 1);
    assert_true(low < high);
    array_set(&half, 2, low);
    assert_int_equal(bits[2], i);
    array_set(&half, 2, -low);
    assert_int_equal(bits[2], i | 0x8000);
    if (i + 1 < 0x7c00) {
      array_set(&half, 2, (low + high) / 2);
      assert_int_equal(bits[2], (i + 1) & ~1u);
    }
  }
  array_set(&half, 0, 65519);
  assert_int_equal(bits[0], 0x7bff);
  array_set(&half, 0, 65520);
  assert_int_equal(bits[0], 0x7c00);
  array_set(&half, 0, NAN);
  assert_true(isnan(array_get(&half, 0)));
}

static void converts_bfloats(void **state) {
  struct array array = make(ADZE_BF16, 1);
  uint16_t *bits = array.data;
  (void)state;
  for (unsigned i = 0; i < 0x7f80; i++) {
    bits[0] = (uint16_t)i;
    array_set(&array, 0, array_get(&array, 0));
    assert_int_equal(bits[0], i);
  }
  array_set(&array, 0, 1 + 0x1p-8); /* the middle: to even */
  assert_int_equal(bits[0], 0x3f80);
  array_set(&array, 0, 1 + 3 * 0x1p-8);
  assert_int_equal(bits[0], 0x3f82);
  array_set(&array, 0, INFINITY);
  assert_int_equal(bits[0], 0x7f80);
  array_set(&array, 0, NAN);
  assert_true(isnan(array_get(&array, 0)));
}

static void saturates_integers(void **state) {
  static const struct {
    enum adze_dtype dtype;
    double value, expected;
  } rows[] = {
      {ADZE_I8, 200, 127},          {ADZE_I8, -200, -128},
      {ADZE_I8, -1.9, -1},          {ADZE_U8, -1, 0},
      {ADZE_U8, 256, 255},          {ADZE_I16, 1e9, 32767},
      {ADZE_U16, 1e9, 65535},       {ADZE_I32, 1e10, 2147483647},
      {ADZE_U32, 1e10, 4294967295}, {ADZE_I32, NAN, 0},
      {ADZE_BOOL, 0.25, 1},         {ADZE_BOOL, 0, 0},
      {ADZE_I64, -0x1p63, -0x1p63}, {ADZE_F64, 0.1, 0.1},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    struct array array = make(rows[i].dtype, 1);
    array_set(&array, 0, rows[i].value);
    assert_true(array_get(&array, 0) == rows[i].expected);
  }
  struct array large = make(ADZE_I64, 1), natural = make(ADZE_U64, 1);
  array_set(&large, 0, 1e30);
  assert_int_equal(*(int64_t *)large.data, INT64_MAX);
  array_set(&natural, 0, 1e30);
  assert_true(*(uint64_t *)natural.data == UINT64_MAX);
}

static void measures_checked(void **state) {
  struct array array = {.dtype = ADZE_F32, .rank = 2, .dims = {3, -1}};
  (void)state;
  assert_false(array_measure(&array));
  array.dims[1] = INT64_MAX;
  assert_false(array_measure(&array));
  array.dims[1] = 0;
  assert_true(array_measure(&array));
  assert_int_equal(array.bytes, 0);
  array.rank = 0;
  assert_true(array_measure(&array));
  assert_int_equal(array_count(&array), 1);
}

static void fills(void **state) {
  struct array a = make(ADZE_F32, 1000), b = make(ADZE_F32, 1000);
  struct array bytes = make(ADZE_U8, 1000), ones = make(ADZE_F16, 4);
  double low = 1, high = -1;
  (void)state;
  fill_array(&a, FILL_RANDOM, 7);
  fill_array(&b, FILL_RANDOM, 7);
  assert_memory_equal(a.data, b.data, a.bytes);
  fill_array(&b, FILL_RANDOM, 8);
  assert_memory_not_equal(a.data, b.data, a.bytes);
  for (size_t i = 0; i < 1000; i++) {
    low = fmin(low, array_get(&a, i));
    high = fmax(high, array_get(&a, i));
  }
  assert_true(low >= -1 && low < -0.9 && high < 1 && high > 0.9);
  fill_array(&bytes, FILL_RANDOM, 1);
  for (size_t i = 0; i < 1000; i++)
    assert_true(array_get(&bytes, i) <= 127);
  fill_array(&ones, FILL_ONES, 0);
  assert_true(array_get(&ones, 3) == 1);
  fill_array(&ones, FILL_ZEROS, 0);
  assert_true(array_get(&ones, 3) == 0);
}

static void parses_shapes(void **state) {
  struct shapes shapes;
  struct adze_error error;
  (void)state;
  assert_ok(shapes_parse(arena, " a/b:0.x:[1,?, 3,-1,0,h] y:[],z:[7]", &shapes,
                         &error),
            error);
  assert_int_equal(shapes.count, 3);
  assert_string_equal(shapes.items[0].name, "a/b:0.x");
  assert_int_equal(shapes.items[0].rank, 6);
  const int64_t expected[] = {1, -1, 3, -1, -1, -1};
  assert_memory_equal(shapes.items[0].dims, expected, sizeof expected);
  assert_int_equal(shapes_find(&shapes, "y")->rank, 0);
  assert_int_equal(shapes_find(&shapes, "z")->dims[0], 7);
  assert_null(shapes_find(&shapes, "w"));
  assert_ok(shapes_parse(arena, NULL, &shapes, &error), error);
  assert_int_equal(shapes.count, 0);
  static const char *const bad[] = {"x",
                                    "x:",
                                    "x:[1",
                                    ":[1]",
                                    "x:[1,,2]",
                                    "x:[,]",
                                    "x:[1.5]",
                                    "x:[99999999999999999999]",
                                    "x:[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"};
  for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
    assert_fails(shapes_parse(arena, bad[i], &shapes, &error), error,
                 ADZE_INVALID_ARGUMENT, "--input-shapes");
}

static bool close_to(double a, double b) { return fabs(a - b) < 1e-9; }

/* The expected numbers are numpy's. */
static void computes_statistics(void **state) {
  double samples[] = {3, 1, 4, 1, 5, 9, 2, 6};
  struct statistics result;
  (void)state;
  statistics_of(samples, ARRAY_COUNT(samples), &result);
  assert_true(close_to(result.mean, 3.875));
  assert_true(close_to(result.median, 3.5));
  assert_true(close_to(result.p90, 6.9));
  assert_true(close_to(result.p99, 8.79));
  assert_true(close_to(result.std, 2.5708704751503917));
  assert_true(result.min == 1 && result.max == 9);
  double one[] = {2};
  statistics_of(one, 1, &result);
  assert_true(result.median == 2 && result.p99 == 2 && result.std == 0);
}

static void compares(void **state) {
  struct array found = make(ADZE_F32, 4), expected = make(ADZE_F32, 4);
  struct adze_error error;
  float *f = found.data, *e = expected.data;
  (void)state;
  e[0] = 100, e[1] = NAN, e[2] = INFINITY, e[3] = 0;
  f[0] = 100.05f, f[1] = NAN, f[2] = INFINITY, f[3] = 5e-8f;
  assert_ok(compare_arrays(arena, &found, &expected, 1e-3, 1e-7, &error),
            error);
  f[0] = 100.2f;
  assert_fails(compare_arrays(arena, &found, &expected, 1e-3, 1e-7, &error),
               error, ADZE_MISMATCH,
               "1 of 4 elements differ, the worst at [0]");
  f[1] = 1;
  assert_fails(compare_arrays(arena, &found, &expected, 1e-3, 1e-7, &error),
               error, ADZE_MISMATCH,
               "2 of 4 elements differ, the worst at [1]");
  expected.dims[0] = 3;
  assert_fails(compare_arrays(arena, &found, &expected, 1, 1, &error), error,
               ADZE_MISMATCH, "float32[4] instead of float32[3]");
  struct array a = make(ADZE_I32, 1), b = make(ADZE_I32, 1);
  *(int32_t *)a.data = 1000001;
  *(int32_t *)b.data = 1000000;
  assert_fails(compare_arrays(arena, &a, &b, 1, 1, &error), error,
               ADZE_MISMATCH, "1000001 instead of 1000000");
}

static int make_arena(void **state) {
  (void)state;
  arena = arena_create("test");
  return arena ? 0 : -1;
}

static int drop_arena(void **state) {
  (void)state;
  arena_destroy(arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(converts_halves),
      cmocka_unit_test(converts_bfloats),
      cmocka_unit_test(saturates_integers),
      cmocka_unit_test(measures_checked),
      cmocka_unit_test(fills),
      cmocka_unit_test(parses_shapes),
      cmocka_unit_test(computes_statistics),
      cmocka_unit_test(compares),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
