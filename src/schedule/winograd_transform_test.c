/* SPDX-License-Identifier: Apache-2.0 */
/* Every tile and kernel that there are transforms for: the identity holds, and
 * rows written as expressions have the matrix' values in fewer operations. */
#include "test.h"

#include <math.h>

#include "ir/simplify.h"
#include "schedule/winograd_transform.h"

static const int known[][3] = {
    {3, 2, 1}, {4, 2, 1}, {5, 2, 1}, {2, 3, 1}, {3, 3, 1}, {4, 3, 1},
    {6, 3, 1}, {2, 4, 1}, {3, 4, 1}, {2, 5, 1}, {4, 5, 1}, {2, 7, 1},
    {2, 3, 2}, {3, 3, 2}, {4, 3, 2}, {2, 5, 2}, {3, 5, 2}, {2, 4, 3}};

static double number(int i) { return sin(1 + 7.3 * i); }

static void multiply(const struct winograd_matrix *matrix, const double *in,
                     double *out) {
  for (int r = 0; r < matrix->rows; r++) {
    out[r] = 0;
    for (int c = 0; c < matrix->columns; c++)
      out[r] += matrix->at[r][c] * in[c];
  }
}

static void test_identity(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
    struct winograd_transform t;
    assert_true(
        winograd_transform_make(known[i][0], known[i][1], known[i][2], &t));
    double in[WINOGRAD_MOST], taps[WINOGRAD_MOST], a[WINOGRAD_MOST],
        b[WINOGRAD_MOST], out[WINOGRAD_MOST];
    for (int k = 0; k < WINOGRAD_MOST; k++) {
      in[k] = number(k);
      taps[k] = number(20 + k);
    }
    multiply(&t.input, in, a);
    multiply(&t.weight, taps, b);
    for (int u = 0; u < t.reach; u++)
      a[u] *= b[u];
    multiply(&t.output, a, out);
    for (int o = 0; o < t.tile; o++) {
      double expected = 0;
      for (int r = 0; r < t.kernel; r++)
        expected += taps[r] * in[o * t.stride + r];
      if (!(fabs(out[o] - expected) < 1e-12))
        fail_msg("F(%d,%d) with a stride of %d: %.17g, expected %.17g", t.tile,
                 t.kernel, t.stride, out[o], expected);
    }
  }
  struct winograd_transform t;
  assert_false(winograd_transform_make(5, 3, 1, &t)); /* no such points */
  assert_false(winograd_transform_make(8, 3, 1, &t)); /* too many */
  assert_false(winograd_transform_make(2, 1, 2, &t)); /* a phase without taps */
}

static void check_rows(const struct winograd_matrix *matrix) {
  struct arena *arena = arena_create("test");
  struct expr_pool *pool = expr_pool_create(arena);
  const struct expr *terms[WINOGRAD_MOST];
  double values[WINOGRAD_MOST], expected[WINOGRAD_MOST];
  int dense = 0;
  for (int c = 0; c < matrix->columns; c++) {
    values[c] = number(c);
    terms[c] = expr_constant(pool, ADZE_F64, values[c]);
  }
  multiply(matrix, values, expected);
  for (int r = 0; r < matrix->rows; r++) {
    const struct expr *row =
        simplify(pool, winograd_row(pool, matrix, expr_index(pool, r), terms));
    assert_int_equal(row->kind, EXPR_REAL);
    if (!(fabs(row->real - expected[r]) < 1e-12))
      fail_msg("row %d: %.17g, expected %.17g", r, row->real, expected[r]);
    for (int c = 0; c < matrix->columns; c++)
      dense += matrix->at[r][c] != 0;
  }
  assert_true(winograd_operations(matrix) < dense);
  arena_destroy(arena);
}

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
    struct winograd_transform t;
    assert_true(
        winograd_transform_make(known[i][0], known[i][1], known[i][2], &t));
    check_rows(&t.input);
    check_rows(&t.output);
    check_rows(&t.weight);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_identity),
      cmocka_unit_test(test_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
