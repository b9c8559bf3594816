/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions, pooling, matrix products and normalization on random shapes
 * against loops written the other way round: transposed convolution scatters,
 * pooling counts its elements. */
#include "op/test/op_test.h"

#include <math.h>

struct shape {
  int64_t n, group, c, k, h, w, kh, kw, sh, sw, dh, dw, pads[4];
};

static struct shape random_shape(void) {
  struct shape s = {
      .n = trial_integer(1, 2),
      .group = trial_integer(1, 3),
      .kh = trial_integer(1, 3),
      .kw = trial_integer(1, 3),
      .sh = trial_integer(1, 3),
      .sw = trial_integer(1, 3),
      .dh = trial_integer(1, 2),
      .dw = trial_integer(1, 2),
  };
  s.c = s.group * trial_integer(1, 3);
  s.k = s.group * trial_integer(1, 3);
  s.h = trial_integer((s.kh - 1) * s.dh + 1, 9);
  s.w = trial_integer((s.kw - 1) * s.dw + 1, 9);
  for (int i = 0; i < 4; i++)
    s.pads[i] = trial_integer(0, i % 2 ? (s.kw - 1) * s.dw : (s.kh - 1) * s.dh);
  return s;
}

static void set_window(struct trial *t, struct node *node,
                       const struct shape *s) {
  node_set_ints(t->graph, node, "kernel_shape", (int64_t[]){s->kh, s->kw}, 2);
  node_set_ints(t->graph, node, "strides", (int64_t[]){s->sh, s->sw}, 2);
  node_set_ints(t->graph, node, "dilations", (int64_t[]){s->dh, s->dw}, 2);
  node_set_ints(t->graph, node, "pads", s->pads, 4);
}

/* Positions of a window along an axis. */
static int64_t windows_in(int64_t in, int64_t k, int64_t s, int64_t d,
                          int64_t low, int64_t high, bool ceil_mode) {
  int64_t room = in + low + high - (k - 1) * d - 1;
  int64_t out = (ceil_mode ? (room + s - 1) / s : room / s) + 1;
  if (ceil_mode && (out - 1) * s >= in + low)
    out--;
  return out;
}

/* ---- conv ---------------------------------------------------------------- */

static double conv_at(const struct trial *t, const struct shape *s, int64_t n,
                      int64_t k, int64_t y, int64_t x) {
  double sum = t->in_count > 2 ? t->in[2].x[k] : 0;
  int64_t group_c = s->c / s->group, g = k / (s->k / s->group);
  for (int64_t c = 0; c < group_c; c++)
    for (int64_t r = 0; r < s->kh; r++)
      for (int64_t q = 0; q < s->kw; q++) {
        int64_t iy = y * s->sh + r * s->dh - s->pads[0];
        int64_t ix = x * s->sw + q * s->dw - s->pads[1];
        if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)
          continue;
        sum += t->in[0].x[trial_at(&t->in[0],
                                   (int64_t[]){n, g * group_c + c, iy, ix})] *
               t->in[1].x[trial_at(&t->in[1], (int64_t[]){k, c, r, q})];
      }
  return sum;
}

static void check_conv(enum adze_dtype dtype, double tolerance) {
  struct shape s = random_shape();
  struct trial t;
  trial_begin(&t);
  trial_input(&t, dtype, -1, 1, 4, (int64_t[]){s.n, s.c, s.h, s.w});
  trial_input(&t, dtype, -1, 1, 4, (int64_t[]){s.k, s.c / s.group, s.kh, s.kw});
  if (trial_integer(0, 1))
    trial_input(&t, dtype, -1, 1, 1, (int64_t[]){s.k});
  struct node *node = trial_node(&t, "conv", 1);
  set_window(&t, node, &s);
  node_set_int(node, "group", s.group);
  trial_run(&t);
  trial_shape(
      &t, 0, 4,
      (int64_t[]){
          s.n, s.k,
          windows_in(s.h, s.kh, s.sh, s.dh, s.pads[0], s.pads[2], false),
          windows_in(s.w, s.kw, s.sw, s.dw, s.pads[1], s.pads[3], false)});
  int64_t i[4] = {0};
  size_t at = 0;
  do {
    trial_compare(&t, 0, at++, conv_at(&t, &s, i[0], i[1], i[2], i[3]),
                  tolerance);
  } while (trial_next(4, t.out[0].dims, i));
  trial_end(&t);
}

static void conv_convolves(void **state) {
  (void)state;
  for (int i = 0; i < 30; i++)
    check_conv(ADZE_F32, 1e-5);
  check_conv(ADZE_F64, 1e-12);
  check_conv(ADZE_F16, 2e-2);
}

/* ---- conv_transpose: a scatter ------------------------------------------- */

static void scatter(const struct trial *t, const struct shape *s,
                    const int64_t *i, double *want) {
  int64_t group_k = s->k / s->group, g = i[1] / (s->c / s->group);
  double x = t->in[0].x[trial_at(&t->in[0], i)];
  for (int64_t k = 0; k < group_k; k++)
    for (int64_t r = 0; r < s->kh; r++)
      for (int64_t q = 0; q < s->kw; q++) {
        int64_t o[4] = {i[0], g * group_k + k,
                        i[2] * s->sh + r * s->dh - s->pads[0],
                        i[3] * s->sw + q * s->dw - s->pads[1]};
        if (o[2] < 0 || o[2] >= t->out[0].dims[2] || o[3] < 0 ||
            o[3] >= t->out[0].dims[3])
          continue;
        want[trial_at(&t->out[0], o)] +=
            x * t->in[1].x[trial_at(&t->in[1], (int64_t[]){i[1], k, r, q})];
      }
}

static void check_conv_transpose(void) {
  struct shape s = random_shape();
  struct trial t;
  for (int i = 0; i < 4; i++)
    s.pads[i] = 0;
  if (s.kh > 1 && s.h > 1)
    s.pads[0] = s.pads[2] = trial_integer(0, 1);
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -1, 1, 4, (int64_t[]){s.n, s.c, s.h, s.w});
  trial_input(&t, ADZE_F32, -1, 1, 4,
              (int64_t[]){s.c, s.k / s.group, s.kh, s.kw});
  struct node *node = trial_node(&t, "conv_transpose", 1);
  int64_t extra[2] = {trial_integer(0, s.sh - 1), trial_integer(0, s.sw - 1)};
  set_window(&t, node, &s);
  node_set_int(node, "group", s.group);
  node_set_ints(t.graph, node, "output_padding", extra, 2);
  trial_run(&t);
  assert_int_equal(t.out[0].dims[3], (s.w - 1) * s.sw + extra[1] +
                                         (s.kw - 1) * s.dw + 1 - s.pads[1] -
                                         s.pads[3]);
  double *want = calloc(t.out[0].count, sizeof *want);
  int64_t i[4] = {0};
  do
    scatter(&t, &s, i, want);
  while (trial_next(4, t.in[0].dims, i));
  for (size_t k = 0; k < t.out[0].count; k++)
    trial_compare(&t, 0, k, want[k], 1e-5);
  free(want);
  trial_end(&t);
}

static void conv_transpose_scatters(void **state) {
  (void)state;
  for (int i = 0; i < 30; i++)
    check_conv_transpose();
}

/* ---- Pooling ------------------------------------------------------------- */

struct window_sum {
  double sum, maximum;
  int64_t inside, padded; /* elements in the input, and with its padding */
};

static struct window_sum sum_window(const struct trial *t,
                                    const struct shape *s, const int64_t *o) {
  struct window_sum sum = {.maximum = -INFINITY};
  for (int64_t r = 0; r < s->kh; r++)
    for (int64_t q = 0; q < s->kw; q++) {
      int64_t y = o[2] * s->sh + r * s->dh - s->pads[0];
      int64_t x = o[3] * s->sw + q * s->dw - s->pads[1];
      sum.padded += y < s->h + s->pads[2] && x < s->w + s->pads[3];
      if (y < 0 || y >= s->h || x < 0 || x >= s->w)
        continue;
      double value =
          t->in[0].x[trial_at(&t->in[0], (int64_t[]){o[0], o[1], y, x})];
      sum.sum += value;
      sum.maximum = fmax(sum.maximum, value);
      sum.inside++;
    }
  return sum;
}

static void check_pool(const char *op, bool ceil_mode, bool with_padding) {
  struct shape s = random_shape();
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -1, 1, 4, (int64_t[]){s.n, s.c, s.h, s.w});
  struct node *node = trial_node(&t, op, 1);
  bool is_average = strcmp(op, "average_pool") == 0;
  set_window(&t, node, &s);
  node_set_int(node, "ceil_mode", ceil_mode);
  if (is_average)
    node_set_int(node, "count_include_pad", with_padding);
  trial_run(&t);
  trial_shape(
      &t, 0, 4,
      (int64_t[]){
          s.n, s.c,
          windows_in(s.h, s.kh, s.sh, s.dh, s.pads[0], s.pads[2], ceil_mode),
          windows_in(s.w, s.kw, s.sw, s.dw, s.pads[1], s.pads[3], ceil_mode)});
  int64_t o[4] = {0};
  size_t at = 0;
  do {
    struct window_sum sum = sum_window(&t, &s, o);
    int64_t count = with_padding ? sum.padded : sum.inside;
    trial_compare(&t, 0, at++,
                  is_average ? sum.sum / (double)count : sum.maximum, 1e-5);
  } while (trial_next(4, t.out[0].dims, o));
  trial_end(&t);
}

static void pools(void **state) {
  (void)state;
  for (int i = 0; i < 40; i++) {
    check_pool("max_pool", i & 1, false);
    check_pool("average_pool", i & 1, i & 2);
  }
}

/* ---- matmul -------------------------------------------------------------- */

static void check_matmul(int64_t m, int64_t n, int64_t k, bool ta, bool tb,
                         int64_t batch_a, int64_t batch_b) {
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -1, 1, 3,
              (int64_t[]){batch_a, ta ? k : m, ta ? m : k});
  trial_input(&t, ADZE_F32, -1, 1, 3,
              (int64_t[]){batch_b, tb ? n : k, tb ? k : n});
  struct node *node = trial_node(&t, "matmul", 1);
  node_set_int(node, "transpose_a", ta);
  node_set_int(node, "transpose_b", tb);
  trial_run(&t);
  int64_t o[3] = {0};
  size_t at = 0;
  do {
    double want = 0;
    int64_t a = batch_a == 1 ? 0 : o[0], b = batch_b == 1 ? 0 : o[0];
    for (int64_t i = 0; i < k; i++)
      want += t.in[0].x[trial_at(
                  &t.in[0], (int64_t[]){a, ta ? i : o[1], ta ? o[1] : i})] *
              t.in[1].x[trial_at(&t.in[1],
                                 (int64_t[]){b, tb ? o[2] : i, tb ? i : o[2]})];
    trial_compare(&t, 0, at++, want, 1e-5);
  } while (trial_next(3, t.out[0].dims, o));
  trial_end(&t);
}

static void matrices(void **state) {
  (void)state;
  for (int i = 0; i < 16; i++)
    check_matmul(trial_integer(1, 5), trial_integer(1, 5), trial_integer(1, 7),
                 i & 1, i & 2, i & 4 ? 3 : 1, i & 8 ? 3 : 1);
  struct trial t; /* vectors */
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -1, 1, 1, (int64_t[]){4});
  trial_input(&t, ADZE_F32, -1, 1, 1, (int64_t[]){4});
  trial_node(&t, "matmul", 1);
  trial_run(&t);
  double want = 0;
  for (size_t i = 0; i < 4; i++)
    want += t.in[0].x[i] * t.in[1].x[i];
  trial_shape(&t, 0, 0, NULL);
  trial_compare(&t, 0, 0, want, 1e-5);
  trial_end(&t);
}

/* ---- Normalization ------------------------------------------------------- */

/* rows x columns; what follows is along the columns */
static void check_softmax(bool is_log, bool flattens) {
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -30, 30, 3, (int64_t[]){4, 3, 2});
  struct node *node = trial_node(&t, is_log ? "log_softmax" : "softmax", 1);
  node_set_int(node, "axis", flattens ? 1 : -1);
  node_set_int(node, "flatten", flattens);
  trial_run(&t);
  size_t columns = flattens ? 6 : 2;
  for (size_t i = 0; i < 24; i++) {
    double sum = 0, first = t.in[0].x[i];
    for (size_t k = 0; k < columns; k++)
      sum += exp(t.in[0].x[i / columns * columns + k] - first);
    trial_compare(&t, 0, i, is_log ? -log(sum) : 1 / sum, 1e-5);
  }
  trial_end(&t);
}

static void softmaxes(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++)
    check_softmax(i & 1, i & 2);
}

static double normal(const double *row, size_t count, size_t index,
                     double epsilon) {
  double mean = 0, squares = 0;
  for (size_t i = 0; i < count; i++)
    mean += row[i] / (double)count;
  for (size_t i = 0; i < count; i++)
    squares += (row[i] - mean) * (row[i] - mean) / (double)count;
  return (row[index] - mean) / sqrt(squares + epsilon);
}

static void norms(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -2, 2, 3, (int64_t[]){2, 3, 4});
  trial_input(&t, ADZE_F32, -2, 2, 2, (int64_t[]){3, 4});
  trial_input(&t, ADZE_F32, -2, 2, 1, (int64_t[]){4});
  node_set_int(trial_node(&t, "layer_norm", 1), "axis", 1);
  trial_run(&t);
  for (size_t i = 0; i < 24; i++)
    trial_compare(&t, 0, i,
                  normal(t.in[0].x + i / 12 * 12, 12, i % 12, 1e-5) *
                          t.in[1].x[i % 12] +
                      t.in[2].x[i % 4],
                  2e-5);
  trial_end(&t);
  trial_begin(&t);
  trial_input(&t, ADZE_F32, -2, 2, 3, (int64_t[]){2, 3, 4});
  trial_input(&t, ADZE_F32, -2, 2, 1, (int64_t[]){3});
  trial_input(&t, ADZE_F32, -2, 2, 1, (int64_t[]){3});
  node_set_float(trial_node(&t, "instance_norm", 1), "epsilon", 1e-2);
  trial_run(&t);
  for (size_t i = 0; i < 24; i++)
    trial_compare(&t, 0, i,
                  normal(t.in[0].x + i / 4 * 4, 4, i % 4, 1e-2) *
                          t.in[1].x[i / 4 % 3] +
                      t.in[2].x[i / 4 % 3],
                  2e-5);
  trial_end(&t);
}

static void lrn_looks_around(void **state) {
  (void)state;
  for (int64_t size = 1; size < 6; size++) {
    struct trial t;
    trial_begin(&t);
    trial_input(&t, ADZE_F32, -2, 2, 2, (int64_t[]){2, 6});
    struct node *node = trial_node(&t, "lrn", 1);
    node_set_int(node, "size", size);
    node_set_float(node, "alpha", 0.5);
    trial_run(&t);
    for (int64_t i = 0; i < 12; i++) {
      double sum = 0;
      int64_t low = i % 6 - (size - 1) / 2, high = i % 6 + size / 2;
      for (int64_t c = low; c <= high; c++)
        if (c >= 0 && c < 6)
          sum += t.in[0].x[i / 6 * 6 + c] * t.in[0].x[i / 6 * 6 + c];
      trial_compare(&t, 0, (size_t)i,
                    t.in[0].x[i] / pow(1 + 0.5 / (double)size * sum, 0.75),
                    1e-5);
    }
    trial_end(&t);
  }
}

int op_neural_tests(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(conv_convolves),
                                     cmocka_unit_test(conv_transpose_scatters),
                                     cmocka_unit_test(pools),
                                     cmocka_unit_test(matrices),
                                     cmocka_unit_test(softmaxes),
                                     cmocka_unit_test(norms),
                                     cmocka_unit_test(lrn_looks_around)};
  return cmocka_run_group_tests_name("neural", tests, NULL, NULL);
}
