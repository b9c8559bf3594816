/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that move elements: each output element is compared with the input
 * element that it should be, found by index arithmetic written here. */
#include "op/test/op_test.h"

#include <math.h>

/* The value that output index o should have. */
typedef double wanted_at(const struct trial *t, const int64_t *o);

static double x_at(const struct trial *t, size_t input, const int64_t *index) {
  return t->in[input].x[trial_at(&t->in[input], index)];
}

static void compare_all(const struct trial *t, size_t output,
                        wanted_at *wanted) {
  int64_t o[GRAPH_MAX_RANK] = {0};
  size_t at = 0;
  do
    trial_compare(t, output, at++, wanted(t, o), 1e-6);
  while (trial_next(t->out[output].rank, t->out[output].dims, o));
  assert_int_equal(at, t->out[output].count);
}

static void begin(struct trial *t, size_t rank, const int64_t *dims) {
  trial_begin(t);
  trial_input(t, ADZE_F32, -2, 2, rank, dims);
}

static void finish(struct trial *t, size_t rank, const int64_t *dims,
                   wanted_at *wanted) {
  trial_run(t);
  trial_shape(t, 0, rank, dims);
  compare_all(t, 0, wanted);
  trial_end(t);
}

#define DIMS(...) ((int64_t[]){__VA_ARGS__})

/* ---- concat and split ---------------------------------------------------- */

static double concatenated(const struct trial *t, const int64_t *o) {
  int64_t column = o[1];
  size_t k = 0;
  while (column >= t->in[k].dims[1])
    column -= t->in[k++].dims[1];
  return x_at(t, k, DIMS(o[0], column));
}

static void concats(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 2, DIMS(2, 3));
  trial_input(&t, ADZE_F32, -2, 2, 2, DIMS(2, 1));
  trial_input(&t, ADZE_F32, -2, 2, 2, DIMS(2, 4));
  node_set_int(trial_node(&t, "concat", 1), "axis", -1);
  finish(&t, 2, DIMS(2, 8), concatenated);
}

static void splits(void **state) {
  (void)state;
  for (int given = 0; given < 2; given++) {
    struct trial t;
    begin(&t, 2, DIMS(2, 7));
    struct node *node = trial_node(&t, "split", 3);
    node_set_int(node, "axis", 1);
    if (given)
      node_set_ints(t.graph, node, "split", DIMS(1, 4, 2), 3);
    trial_run(&t);
    int64_t begin_column = 0;
    for (size_t k = 0; k < 3; k++) {
      int64_t width = given ? DIMS(1, 4, 2)[k] : DIMS(3, 3, 1)[k];
      trial_shape(&t, k, 2, DIMS(2, width));
      for (int64_t i = 0; i < 2 * width; i++)
        trial_compare(&t, k, (size_t)i,
                      x_at(&t, 0, DIMS(i / width, begin_column + i % width)),
                      0);
      begin_column += width;
    }
    trial_end(&t);
  }
}

/* ---- Same order, other shape --------------------------------------------- */

static void check_order(struct trial *t, size_t rank, const int64_t *dims) {
  trial_run(t);
  trial_shape(t, 0, rank, dims);
  for (size_t i = 0; i < t->out[0].count; i++)
    trial_compare(t, 0, i, t->in[0].x[i], 0);
  trial_end(t);
}

static void reshapes(void **state) {
  (void)state;
  static const struct {
    size_t from_rank, rank;
    int64_t from[4], shape[4], dims[4];
  } cases[] = {
      {3, 2, {2, 3, 4}, {4, 6}, {4, 6}},
      {3, 2, {2, 3, 4}, {0, -1}, {2, 12}},
      {3, 4, {2, 3, 4}, {3, 1, 2, -1}, {3, 1, 2, 4}},
      {2, 3, {6, 4}, {2, 3, 4}, {2, 3, 4}},
      {3, 1, {2, 3, 4}, {-1}, {24}},
      {4, 3, {2, 1, 6, 5}, {4, 3, 5}, {4, 3, 5}},
  };
  for (size_t k = 0; k < ARRAY_COUNT(cases); k++) {
    struct trial t;
    begin(&t, cases[k].from_rank, cases[k].from);
    trial_integers(&t, cases[k].rank, cases[k].shape);
    trial_node(&t, "reshape", 1);
    check_order(&t, cases[k].rank, cases[k].dims);
  }
}

static void flattens_and_squeezes(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 3, DIMS(2, 3, 4));
  node_set_int(trial_node(&t, "flatten", 1), "axis", 2);
  check_order(&t, 2, DIMS(6, 4));
  begin(&t, 4, DIMS(1, 3, 1, 4));
  trial_node(&t, "squeeze", 1);
  check_order(&t, 2, DIMS(3, 4));
  begin(&t, 4, DIMS(1, 3, 1, 4));
  node_set_ints(t.graph, trial_node(&t, "squeeze", 1), "axes", DIMS(-2), 1);
  check_order(&t, 3, DIMS(1, 3, 4));
  begin(&t, 2, DIMS(3, 4));
  node_set_ints(t.graph, trial_node(&t, "unsqueeze", 1), "axes", DIMS(-1, 1),
                2);
  check_order(&t, 4, DIMS(3, 1, 4, 1));
}

/* ---- Other places -------------------------------------------------------- */

static double transposed(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[1], o[2], o[0]));
}
static double expanded(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[1], 0));
}
static double tiled(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0] % 2, o[1] % 3));
}
static double deep_first(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0], (o[2] % 2 * 2 + o[3] % 2) * 3 + o[1], o[2] / 2,
                         o[3] / 2));
}
static double column_first(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0], o[1] * 4 + o[2] % 2 * 2 + o[3] % 2, o[2] / 2,
                         o[3] / 2));
}
static double into_depth(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0], o[1] % 3, o[2] * 2 + o[1] / 3 / 2,
                         o[3] * 2 + o[1] / 3 % 2));
}

static void moves(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 3, DIMS(2, 3, 4));
  node_set_ints(t.graph, trial_node(&t, "transpose", 1), "perm",
                DIMS(2, 0, 1), 3);
  finish(&t, 3, DIMS(4, 2, 3), transposed);
  begin(&t, 2, DIMS(3, 1));
  trial_integers(&t, 3, DIMS(2, 1, 4));
  trial_node(&t, "expand", 1);
  finish(&t, 3, DIMS(2, 3, 4), expanded);
  begin(&t, 2, DIMS(2, 3));
  trial_integers(&t, 2, DIMS(2, 3));
  trial_node(&t, "tile", 1);
  finish(&t, 2, DIMS(4, 9), tiled);
  begin(&t, 4, DIMS(1, 12, 2, 3));
  node_set_int(trial_node(&t, "depth_to_space", 1), "blocksize", 2);
  finish(&t, 4, DIMS(1, 3, 4, 6), deep_first);
  begin(&t, 4, DIMS(1, 12, 2, 3));
  struct node *node = trial_node(&t, "depth_to_space", 1);
  node_set_int(node, "blocksize", 2);
  node_set_string(t.graph, node, "mode", "CRD");
  finish(&t, 4, DIMS(1, 3, 4, 6), column_first);
  begin(&t, 4, DIMS(1, 3, 4, 6));
  node_set_int(trial_node(&t, "space_to_depth", 1), "blocksize", 2);
  finish(&t, 4, DIMS(1, 12, 2, 3), into_depth);
}

/* ---- slice and pad ------------------------------------------------------- */

static void slices(void **state) {
  (void)state;
  /* start, end, step along an axis of 7 -> first, count */
  static const int64_t cases[][5] = {
      {0, 7, 1, 0, 7},    {2, 5, 1, 2, 3},          {-3, INT64_MAX, 1, 4, 3},
      {0, 7, 3, 0, 3},    {-1, -100, -1, 6, 7},     {5, 0, -2, 5, 3},
      {-100, 4, 1, 0, 4}, {6, INT64_MIN, -3, 6, 3}, {1, 2, 5, 1, 1},
  };
  for (size_t k = 0; k < ARRAY_COUNT(cases); k++) {
    const int64_t *c = cases[k];
    struct trial t;
    begin(&t, 2, DIMS(2, 7));
    struct node *node = trial_node(&t, "slice", 1);
    node_set_ints(t.graph, node, "starts", &c[0], 1);
    node_set_ints(t.graph, node, "ends", &c[1], 1);
    node_set_ints(t.graph, node, "axes", DIMS(-1), 1);
    node_set_ints(t.graph, node, "steps", &c[2], 1);
    trial_run(&t);
    trial_shape(&t, 0, 2, DIMS(2, c[4]));
    for (int64_t i = 0; i < 2 * c[4]; i++)
      trial_compare(&t, 0, (size_t)i,
                    x_at(&t, 0, DIMS(i / c[4], c[3] + i % c[4] * c[2])), 0);
    trial_end(&t);
  }
}

static int64_t continued(const char *mode, int64_t i, int64_t extent) {
  if (strcmp(mode, "edge") == 0)
    return i < 0 ? 0 : i >= extent ? extent - 1 : i;
  if (strcmp(mode, "wrap") == 0)
    return (i + 2 * extent) % extent;
  return i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i;
}

static void pads(void **state) {
  (void)state;
  static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
  for (size_t k = 0; k < ARRAY_COUNT(modes); k++) {
    struct trial t;
    begin(&t, 2, DIMS(4, 5));
    struct node *node = trial_node(&t, "pad", 1);
    node_set_ints(t.graph, node, "pads", DIMS(0, 2, -1, 3), 4);
    node_set_string(t.graph, node, "mode", modes[k]);
    node_set_float(node, "value", 1.5);
    trial_run(&t);
    trial_shape(&t, 0, 2, DIMS(3, 10));
    for (int64_t i = 0; i < 30; i++) {
      int64_t x = i % 10 - 2;
      double want = 1.5;
      if (k > 0)
        x = continued(modes[k], x, 5);
      if (x >= 0 && x < 5)
        want = x_at(&t, 0, DIMS(i / 10, x));
      trial_compare(&t, 0, (size_t)i, want, 0);
    }
    trial_end(&t);
  }
}

/* ---- Indices ------------------------------------------------------------- */

static int64_t index_of(const struct trial *t, const int64_t *o,
                        int64_t extent) {
  int64_t index = (int64_t)x_at(t, 1, o);
  return index < 0 ? index + extent : index;
}
static double gathered(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0], index_of(t, &o[1], 4), o[3]));
}
static double gathered_each(const struct trial *t, const int64_t *o) {
  return x_at(t, 0, DIMS(o[0], index_of(t, o, 4)));
}
static double is_hot(const struct trial *t, const int64_t *o) {
  double index = x_at(t, 0, DIMS(o[0], o[2]));
  bool hit = (index < 0 ? index + 4 : index) == (double)o[1];
  return t->in[2].x[hit ? 1 : 0];
}
static double counted(const struct trial *t, const int64_t *o) {
  (void)t;
  return 10 - 3 * (double)o[0];
}
static double summed(const struct trial *t, const int64_t *o) {
  double sum = 0;
  bool reverse = node_int(t->node, "reverse");
  bool exclusive = node_int(t->node, "exclusive");
  for (int64_t i = 0; i < 5; i++)
    if ((reverse ? i > o[1] : i < o[1]) || (!exclusive && i == o[1]))
      sum += x_at(t, 0, DIMS(o[0], i));
  return sum;
}
static double triangle(const struct trial *t, const int64_t *o) {
  bool keeps = node_int(t->node, "upper") ? o[2] >= o[1] + 1 : o[2] <= o[1] + 1;
  return keeps ? x_at(t, 0, o) : 0;
}

static void indices(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 3, DIMS(2, 4, 3));
  trial_input(&t, ADZE_I64, -4, 3, 2, DIMS(2, 5));
  node_set_int(trial_node(&t, "gather", 1), "axis", 1);
  finish(&t, 4, DIMS(2, 2, 5, 3), gathered);
  begin(&t, 2, DIMS(3, 4));
  trial_input(&t, ADZE_I32, -4, 3, 2, DIMS(3, 6));
  node_set_int(trial_node(&t, "gather_elements", 1), "axis", 1);
  finish(&t, 2, DIMS(3, 6), gathered_each);
  trial_begin(&t);
  trial_input(&t, ADZE_I64, -4, 3, 2, DIMS(3, 5));
  trial_integers(&t, 1, DIMS(4));
  trial_input(&t, ADZE_F32, -2, 2, 1, DIMS(2));
  node_set_int(trial_node(&t, "one_hot", 1), "axis", 1);
  finish(&t, 3, DIMS(3, 4, 5), is_hot);
  trial_begin(&t);
  for (int i = 0; i < 3; i++)
    trial_integers(&t, 1, &DIMS(10, 0, -3)[i]);
  trial_node(&t, "range", 1);
  finish(&t, 1, DIMS(4), counted);
  for (int i = 0; i < 4; i++) {
    begin(&t, 2, DIMS(2, 5));
    struct node *node = trial_node(&t, "cum_sum", 1);
    node_set_int(node, "axis", -1);
    node_set_int(node, "reverse", i & 1);
    node_set_int(node, "exclusive", i >> 1);
    finish(&t, 2, DIMS(2, 5), summed);
  }
  for (int i = 0; i < 2; i++) {
    begin(&t, 3, DIMS(2, 4, 5));
    struct node *node = trial_node(&t, "trilu", 1);
    node_set_int(node, "upper", i);
    node_set_int(node, "k", 1);
    finish(&t, 3, DIMS(2, 4, 5), triangle);
  }
}

/* Indices from data that point nowhere must not lead out of memory. */
static void wild_indices(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 2, DIMS(3, 4));
  trial_input(&t, ADZE_I64, -1e9, 1e9, 1, DIMS(50));
  trial_node(&t, "gather", 1);
  trial_run(&t);
  trial_end(&t);
}

/* ---- resize -------------------------------------------------------------- */

/* Position in the input of output position o. */
static double origin(const char *mode, int64_t o, double scale, int64_t in,
                     int64_t out) {
  if (strcmp(mode, "asymmetric") == 0)
    return (double)o / scale;
  if (strcmp(mode, "align_corners") == 0)
    return out == 1 ? 0 : (double)(o * (in - 1)) / (double)(out - 1);
  if (strcmp(mode, "tf_half_pixel_for_nn") == 0)
    return ((double)o + 0.5) / scale;
  if (strcmp(mode, "pytorch_half_pixel") == 0 && out == 1)
    return 0;
  return ((double)o + 0.5) / scale - 0.5;
}

static double linear(const double *row, int64_t count, double x) {
  double low = floor(x), share = x - low;
  int64_t a = (int64_t)fmin(fmax(low, 0), (double)(count - 1));
  int64_t b = (int64_t)fmin(fmax(low + 1, 0), (double)(count - 1));
  return row[a] * (1 - share) + row[b] * share;
}

static double nearest(const double *row, int64_t count, double x,
                      const char *mode) {
  double at = strcmp(mode, "floor") == 0   ? floor(x)
              : strcmp(mode, "ceil") == 0  ? ceil(x)
              : strcmp(mode, "round_prefer_ceil") == 0 ? floor(x + 0.5)
                                                       : ceil(x - 0.5);
  return row[(int64_t)fmin(fmax(at, 0), (double)(count - 1))];
}

static void check_resize(const char *transform, const char *mode,
                         const char *rounding, int64_t size) {
  struct trial t;
  begin(&t, 2, DIMS(3, 6));
  trial_integers(&t, 2, DIMS(3, size));
  struct node *node = trial_node(&t, "resize", 1);
  node_set_string(t.graph, node, "mode", mode);
  node_set_string(t.graph, node, "nearest_mode", rounding);
  node_set_string(t.graph, node, "coordinate_transformation_mode", transform);
  trial_run(&t);
  trial_shape(&t, 0, 2, DIMS(3, size));
  for (int64_t i = 0; i < 3 * size; i++) {
    double x = origin(transform, i % size, (double)size / 6, 6, size);
    const double *row = t.in[0].x + i / size * 6;
    double want = strcmp(mode, "linear") == 0 ? linear(row, 6, x)
                                              : nearest(row, 6, x, rounding);
    trial_compare(&t, 0, (size_t)i, want, 2e-6);
  }
  trial_end(&t);
}

static void resizes(void **state) {
  (void)state;
  static const char *const transforms[] = {
      "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"};
  static const char *const roundings[] = {"round_prefer_floor",
                                          "round_prefer_ceil", "floor", "ceil"};
  /* Powers of two: positions are exact, so rounding is the same everywhere. */
  static const int64_t sizes[] = {12, 24, 6, 3};
  for (size_t i = 0; i < ARRAY_COUNT(transforms); i++)
    for (size_t k = 0; k < ARRAY_COUNT(sizes); k++) {
      check_resize(transforms[i], "linear", "floor", sizes[k]);
      for (size_t r = 0; r < ARRAY_COUNT(roundings) && i != 2; r++)
        check_resize(transforms[i], "nearest", roundings[r], sizes[k]);
    }
  check_resize("half_pixel", "linear", "floor", 11);
  check_resize("align_corners", "linear", "floor", 1);
}

/* At whole positions a cubic gives the element; a constant stays one. */
static void cubics(void **state) {
  (void)state;
  struct trial t;
  begin(&t, 1, DIMS(6));
  trial_integers(&t, 1, DIMS(12));
  struct node *node = trial_node(&t, "resize", 1);
  node_set_string(t.graph, node, "mode", "cubic");
  node_set_string(t.graph, node, "coordinate_transformation_mode",
                  "asymmetric");
  trial_run(&t);
  for (size_t i = 0; i < 6; i++)
    trial_compare(&t, 0, 2 * i, t.in[0].x[i], 1e-6);
  double a = -0.75; /* half way: weights of Keys' kernel at 1.5 and 0.5 */
  double far = a * 3.375 - 5 * a * 2.25 + 8 * a * 1.5 - 4 * a;
  double near = (a + 2) * 0.125 - (a + 3) * 0.25 + 1;
  trial_compare(&t, 0, 5,
                far * (t.in[0].x[1] + t.in[0].x[4]) +
                    near * (t.in[0].x[2] + t.in[0].x[3]),
                1e-6);
  trial_end(&t);
}

int op_move_tests(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(concats),  cmocka_unit_test(splits),
      cmocka_unit_test(reshapes), cmocka_unit_test(flattens_and_squeezes),
      cmocka_unit_test(moves),    cmocka_unit_test(slices),
      cmocka_unit_test(pads),     cmocka_unit_test(indices),
      cmocka_unit_test(wild_indices), cmocka_unit_test(resizes),
      cmocka_unit_test(cubics)};
  return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
