/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions over every set of axes of a small tensor, arg_max and arg_min with
 * ties. */
#include "op/test/op_test.h"

#include <math.h>

/* What is added up of x, in which way, and what becomes of it. */
struct row {
  const char *op;
  double start;
  double (*step)(double sum, double x);
  double (*end)(double sum, double count);
};

static double plus(double sum, double x) { return sum + x; }
static double plus_abs(double sum, double x) { return sum + fabs(x); }
static double plus_square(double sum, double x) { return sum + x * x; }
static double plus_exp(double sum, double x) { return sum + exp(x); }
static double times(double sum, double x) { return sum * x; }
static double same(double sum, double count) { return (void)count, sum; }
static double mean(double sum, double count) { return sum / count; }
static double root(double sum, double count) { return (void)count, sqrt(sum); }
static double logarithm(double sum, double count) {
  return (void)count, log(sum);
}

static const struct row rows[] = {
    {"reduce_sum", 0, plus, same},
    {"reduce_mean", 0, plus, mean},
    {"reduce_max", -INFINITY, fmax, same},
    {"reduce_min", INFINITY, fmin, same},
    {"reduce_prod", 1, times, same},
    {"reduce_l1", 0, plus_abs, same},
    {"reduce_l2", 0, plus_square, root},
    {"reduce_sum_square", 0, plus_square, same},
    {"reduce_log_sum", 0, plus, logarithm},
    {"reduce_log_sum_exp", 0, plus_exp, logarithm},
};

/* The sum for one output index; a dimension of -1 runs over all. */
static double reduced(const struct trial *t, const struct row *row,
                      const int64_t *fixed) {
  double sum = row->start, count = 0;
  int64_t i[GRAPH_MAX_RANK] = {0};
  size_t at = 0;
  do {
    bool belongs = true;
    for (size_t k = 0; k < t->in[0].rank; k++)
      belongs &= fixed[k] < 0 || fixed[k] == i[k];
    if (belongs) {
      sum = row->step(sum, t->in[0].x[at]);
      count++;
    }
    at++;
  } while (trial_next(t->in[0].rank, t->in[0].dims, i));
  return row->end(sum, count);
}

static void check_reduction(const struct row *row, unsigned axes, bool keep) {
  struct trial t;
  int64_t list[3], dims[3] = {2, 3, 4};
  size_t count = 0;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, 0.1, 2, 3, dims);
  for (size_t i = 0; i < 3; i++)
    if (axes >> i & 1)
      list[count++] = i == 1 ? -2 : (int64_t)i;
  struct node *node = trial_node(&t, row->op, 1);
  node_set_ints(t.graph, node, "axes", list, count);
  node_set_int(node, "keepdims", keep);
  trial_run(&t);
  assert_int_equal(t.out[0].rank,
                   keep ? 3 : axes == 0 ? 0 : 3 - count);
  int64_t o[GRAPH_MAX_RANK] = {0};
  size_t at = 0;
  do {
    int64_t fixed[3];
    for (size_t i = 0, k = 0; i < 3; i++) {
      bool is_reduced = axes == 0 || (axes >> i & 1);
      fixed[i] = is_reduced ? -1 : o[k];
      k += keep || !is_reduced;
    }
    trial_compare(&t, 0, at++, reduced(&t, row, fixed), 2e-6);
  } while (trial_next(t.out[0].rank, t.out[0].dims, o));
  trial_end(&t);
}

static void every_reduction(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    for (unsigned axes = 0; axes < 8; axes++)
      for (int keep = 0; keep < 2; keep++)
        check_reduction(&rows[i], axes, keep);
}

static void integers_reduce(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_I32, -99, 99, 1, (int64_t[]){20});
  node_set_int(trial_node(&t, "reduce_max", 1), "keepdims", 0);
  trial_run(&t);
  double want = -100;
  for (size_t i = 0; i < 20; i++)
    want = fmax(want, t.in[0].x[i]);
  trial_compare(&t, 0, 0, want, 0);
  trial_end(&t);
}

static void check_arg(bool is_max, bool is_last) {
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_I32, 0, 2, 3, (int64_t[]){2, 6, 3});
  struct node *node = trial_node(&t, is_max ? "arg_max" : "arg_min", 1);
  node_set_int(node, "axis", 1);
  node_set_int(node, "select_last_index", is_last);
  node_set_int(node, "keepdims", is_last);
  trial_run(&t);
  for (int64_t i = 0; i < 6; i++) {
    int64_t best = 0;
    for (int64_t k = 1; k < 6; k++) {
      const double *x = t.in[0].x + i / 3 * 18 + i % 3;
      double difference = (x[k * 3] - x[best * 3]) * (is_max ? 1 : -1);
      if (difference > 0 || (is_last && difference == 0))
        best = k;
    }
    trial_compare(&t, 0, (size_t)i, (double)best, 0);
  }
  trial_end(&t);
}

static void args(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++)
    check_arg(i & 1, i & 2);
}

int op_reduce_tests(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_reduction),
                                     cmocka_unit_test(integers_reduce),
                                     cmocka_unit_test(args)};
  return cmocka_run_group_tests_name("reductions", tests, NULL, NULL);
}
