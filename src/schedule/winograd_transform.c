/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/winograd_transform.h"

#include <math.h>

/* ---- The matrices -------------------------------------------------------- */
/* Finite points; infinity is the last. Pairs ±p stand side by side; of an even
 * number one has no partner. */
static bool find_points(int reach, double *points) {
  const double root = sqrt(0.5);
  double first[3] = {1};
  switch (reach) {
  case 3:
    points[1] = 1;
    break;
  case 4:
    break;
  case 5:
    first[0] = 0.75;
    points[3] = 1.5;
    break;
  case 6:
    first[0] = root;
    first[1] = 1 / root;
    break;
  case 8:
    first[1] = 0.55;
    first[2] = 1 / 0.55;
    break;
  default:
    return false;
  }
  points[0] = 0;
  for (int i = 0; i < reach / 2 - 1; i++) {
    points[1 + 2 * i] = first[i];
    points[2 + 2 * i] = -first[i];
  }
  return true;
}

/* Coefficients, rising, of the product of (x - points[l]) but for l = skip. */
static void product_of_roots(const double *points, int count, int skip,
                             double *out) {
  int degree = 0;
  for (int i = 0; i <= count; i++)
    out[i] = i == 0;
  for (int l = 0; l < count; l++) {
    if (l == skip)
      continue;
    degree++;
    for (int i = degree; i >= 0; i--)
      out[i] = (i > 0 ? out[i - 1] : 0) - points[l] * out[i];
  }
}

/* What is zero but for rounding, is zero. */
static void clean(struct winograd_matrix *matrix) {
  for (int r = 0; r < matrix->rows; r++)
    for (int c = 0; c < matrix->columns; c++)
      if (fabs(matrix->at[r][c]) < 1e-12)
        matrix->at[r][c] = 0;
}

/* F(tile, taps) of one phase: rows, or columns, from `first` on for its points;
 * inputs and taps phase, phase + stride, … */
static bool fill(struct winograd_transform *out, int first, int phase,
                 int taps) {
  int reach = out->tile + taps - 1, last = reach - 1;
  double points[WINOGRAD_MOST], roots[WINOGRAD_MOST];
  if (!find_points(reach, points))
    return false;
  for (int u = 0; u < reach; u++) {
    double scale = 1;
    for (int l = 0; l < last && u < last; l++)
      scale *= l == u ? 1 : points[u] - points[l];
    for (int i = 0; i < out->tile; i++)
      out->output.at[i][first + u] =
          u < last ? pow(points[u], i) : i == out->tile - 1;
    for (int r = 0; r < taps; r++)
      out->weight.at[first + u][phase + r * out->stride] =
          u < last ? pow(points[u], r) / scale : r == taps - 1;
    product_of_roots(points, last, u < last ? u : -1, roots);
    for (int i = 0; i < reach; i++)
      out->input.at[first + u][phase + i * out->stride] = roots[i];
  }
  return true;
}

/* The same for one tap, and for one output: what is multiplied anyway. */
static void fill_one(struct winograd_transform *out, int first, int phase,
                     int taps) {
  for (int u = 0; u < out->tile + taps - 1; u++) {
    out->output.at[taps == 1 ? u : 0][first + u] = 1;
    out->weight.at[first + u][phase + (taps == 1 ? 0 : u) * out->stride] = 1;
    out->input.at[first + u][phase + u * out->stride] = 1;
  }
}

bool winograd_transform_make(int tile, int kernel, int stride,
                             struct winograd_transform *out) {
  int reach = (tile - 1) * stride + kernel, first = 0;
  if (reach > WINOGRAD_MOST || kernel < stride)
    return false;
  *out = (struct winograd_transform){.tile = tile,
                                     .kernel = kernel,
                                     .stride = stride,
                                     .reach = reach,
                                     .output = {tile, reach, {{0}}},
                                     .weight = {reach, kernel, {{0}}},
                                     .input = {reach, reach, {{0}}}};
  for (int phase = 0; phase < stride; phase++) {
    int taps = (int)ceil_div(kernel - phase, stride);
    if (taps == 1 || tile == 1)
      fill_one(out, first, phase, taps);
    else if (!fill(out, first, phase, taps))
      return false;
    first += tile + taps - 1;
  }
  clean(&out->output);
  clean(&out->weight);
  clean(&out->input);
  return true;
}

/* ---- Rows as expressions ------------------------------------------------- */
static bool is_close(double a, double b) {
  return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

/* A sum being made, or only counted where there is no pool. */
struct sum {
  struct expr_pool *pool;
  const struct expr *value; /* NULL: empty, or not made */
  bool is_empty;
  int operations;
};

static struct sum empty_sum(struct expr_pool *pool) {
  return (struct sum){.pool = pool, .is_empty = true};
}

/* sum += factor * term */
static void add(struct sum *sum, double factor, const struct expr *term) {
  sum->operations += !(sum->is_empty && factor == 1);
  if (sum->pool) {
    struct expr_pool *pool = sum->pool;
    bool is_minus = factor == -1 && !sum->is_empty;
    if (factor != 1 && !is_minus)
      term = expr_mul(pool, term, expr_constant(pool, term->dtype, factor));
    sum->value = sum->is_empty ? term
                 : is_minus    ? expr_sub(pool, sum->value, term)
                               : expr_add(pool, sum->value, term);
  }
  sum->is_empty = false;
}

/* The terms whose coefficient in `row` is its `sign` times that in `other`
 * (all for NULL), divided by the last such coefficient, which is returned: 0
 * where there are none. That term comes first, so that it needs no
 * multiplication. */
static double part(const struct winograd_matrix *matrix, const double *row,
                   const double *other, double sign,
                   const struct expr *const *terms, struct sum *sum) {
  double leading = 0;
  for (int c = matrix->columns - 1; c >= 0; c--) {
    if (row[c] == 0 || (other && !is_close(row[c], sign * other[c])))
      continue;
    if (leading == 0)
      leading = other ? row[c] : 1;
    add(sum, row[c] / leading, terms ? terms[c] : NULL);
  }
  return leading;
}

/* Whether two rows differ in signs only. */
static bool are_paired(const struct winograd_matrix *matrix, int row) {
  if (row < 0 || row + 1 >= matrix->rows)
    return false;
  for (int c = 0; c < matrix->columns; c++)
    if (!is_close(fabs(matrix->at[row][c]), fabs(matrix->at[row + 1][c])))
      return false;
  return true;
}
static bool is_second(const struct winograd_matrix *matrix, int row) {
  bool second = false;
  for (int r = 1; r <= row; r++)
    second = are_paired(matrix, r - 1) && !second;
  return second;
}

/* One row; `shared` are operations that its pair has counted. */
static struct sum make_row(struct expr_pool *pool,
                           const struct winograd_matrix *matrix, int row,
                           const struct expr *const *terms, int *shared) {
  struct sum sum = empty_sum(pool), same = sum, opposite = sum;
  bool second = is_second(matrix, row);
  *shared = 0;
  if (!second && !are_paired(matrix, row)) {
    part(matrix, matrix->at[row], NULL, 1, terms, &sum);
    return sum;
  }
  const double *first = matrix->at[second ? row - 1 : row];
  const double *other = matrix->at[second ? row : row + 1];
  double a = part(matrix, first, other, 1, terms, &same);
  double b = part(matrix, first, other, -1, terms, &opposite);
  sum.operations = same.operations + opposite.operations;
  *shared = second ? sum.operations : 0;
  /* The part without a factor first. */
  double factors[2] = {a, second ? -b : b};
  const struct expr *values[2] = {same.value, opposite.value};
  int start = factors[0] != 1 && factors[1] == 1;
  for (int i = 0; i < 2; i++)
    if (factors[start ^ i] != 0)
      add(&sum, factors[start ^ i], values[start ^ i]);
  return sum;
}

/* Columns ±p: their sum and difference take the place of the two terms. Counts
 * the operations. */
static int pair_columns(struct expr_pool *pool, struct winograd_matrix *matrix,
                        const struct expr **terms) {
  int operations = 0;
  for (int c = 0; c + 1 < matrix->columns; c++) {
    bool paired = true;
    int shared = 0;
    for (int r = 0; r < matrix->rows; r++) {
      double a = matrix->at[r][c], b = matrix->at[r][c + 1];
      paired = paired && is_close(fabs(a), fabs(b));
      shared += a != 0;
    }
    if (!paired || shared < 2)
      continue;
    for (int r = 0; r < matrix->rows; r++) {
      double a = matrix->at[r][c], b = matrix->at[r][c + 1];
      matrix->at[r][c] = is_close(a, b) ? a : 0;
      matrix->at[r][c + 1] = is_close(a, b) ? 0 : a;
    }
    if (pool) {
      const struct expr *plus = expr_add(pool, terms[c], terms[c + 1]);
      terms[c + 1] = expr_sub(pool, terms[c], terms[c + 1]);
      terms[c] = plus;
    }
    operations += 2;
    c++;
  }
  return operations;
}

const struct expr *winograd_row(struct expr_pool *pool,
                                const struct winograd_matrix *matrix,
                                const struct expr *row,
                                const struct expr *const *terms) {
  struct winograd_matrix paired = *matrix;
  const struct expr *changed[WINOGRAD_MOST], *result = NULL;
  for (int c = 0; c < matrix->columns; c++)
    changed[c] = terms[c];
  pair_columns(pool, &paired, changed);
  for (int r = matrix->rows - 1; r >= 0; r--) {
    int shared;
    const struct expr *value =
        make_row(pool, &paired, r, changed, &shared).value;
    result = result
                 ? expr_select(pool, expr_equal(pool, row, expr_index(pool, r)),
                               value, result)
                 : value;
  }
  return result;
}

const struct expr *winograd_coefficient(struct expr_pool *pool,
                                        const struct winograd_matrix *matrix,
                                        const struct expr *row, int column) {
  const struct expr *result = NULL;
  for (int r = matrix->rows - 1; r >= 0; r--) {
    const struct expr *value =
        expr_constant(pool, ADZE_F32, matrix->at[r][column]);
    result = result
                 ? expr_select(pool, expr_equal(pool, row, expr_index(pool, r)),
                               value, result)
                 : value;
  }
  return result;
}

int winograd_operations(const struct winograd_matrix *matrix) {
  struct winograd_matrix paired = *matrix;
  int operations = pair_columns(NULL, &paired, NULL);
  for (int r = 0; r < matrix->rows; r++) {
    int shared;
    operations += make_row(NULL, &paired, r, NULL, &shared).operations;
    operations -= shared;
  }
  return operations;
}
