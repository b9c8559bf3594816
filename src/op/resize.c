/* SPDX-License-Identifier: Apache-2.0 */
/* resize: every axis whose extent or scale changes is interpolated on its own.
 *
 * Each output position has, per axis, one tap (nearest), two (linear) or four
 * (cubic): an index into the input, clamped to it, and a weight. The result is
 * the sum over all combinations. Positions are computed in f32, as runtimes do;
 * but nearest neighbours at whole-numbered scales are plain integer divisions,
 * which schedules can follow.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

#include <math.h>
#include <string.h>

/* ---- Inference ----------------------------------------------------------- */

/* floor(extent * scale); in f64 where it is open. */
static const struct expr *scaled(struct expr_pool *pool,
                                 const struct expr *extent, double scale) {
  int64_t known;
  if (expr_get_integer(extent, &known))
    return expr_index(pool, (int64_t)floor((double)known * scale));
  if (scale == floor(scale))
    return expr_mul(pool, extent, expr_index(pool, (int64_t)scale));
  if (1 / scale == floor(1 / scale))
    return expr_floor_div(pool, extent, expr_index(pool, (int64_t)(1 / scale)));
  const struct expr *product =
      expr_mul(pool, expr_cast(pool, ADZE_F64, extent),
               expr_real(pool, ADZE_F64, scale));
  return expr_cast(pool, ADZE_I64, expr_unary(pool, EXPR_FLOOR, product));
}

static enum adze_status resize_infer(struct infer *infer) {
  struct expr_pool *pool = infer->graph->pool;
  const struct value *x = infer_input(infer, 0);
  const struct value *sizes = infer_input(infer, 1);
  const struct expr *dims[GRAPH_MAX_RANK];
  size_t count;
  const double *scales = node_floats(infer->node, "scales", &count);
  if (sizes != NULL)
    count = sizes->element_count;
  if (x->dtype == ADZE_BOOL)
    return infer_fail(infer, ADZE_UNSUPPORTED, "input '%s' is bool", x->name);
  if (count != x->rank)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "%zu scales or sizes are given; %zu expected", count,
                      x->rank);
  for (size_t i = 0; i < x->rank; i++) {
    if (sizes != NULL) {
      dims[i] = sizes->elements[i];
      continue;
    }
    if (!(scales[i] > 1e-6 && scales[i] < 1e6 &&
          (double)value_dim(x, i) * scales[i] < 1e12))
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "the scale of dimension %zu is %g", i, scales[i]);
    dims[i] = scales[i] == 1 ? x->dims[i] : scaled(pool, x->dims[i], scales[i]);
  }
  infer_output(infer, 0, x->dtype, dims, x->rank);
  return ADZE_OK;
}

/* ---- Positions ----------------------------------------------------------- */

struct resize_axis {
  struct express *express;
  size_t axis;
  const struct expr *in, *out;  /* extents */
  const struct expr *o;         /* output position */
  const struct expr *scale;     /* f32 */
  int64_t whole_scale;          /* 0: not a whole number */
};

static const struct expr *real(struct expr_pool *pool, double value) {
  return expr_real(pool, ADZE_F32, value);
}

static const struct expr *divide(struct expr_pool *pool, const struct expr *a,
                                 const struct expr *b) {
  return expr_binary(pool, EXPR_DIV, a, b);
}

/* (o + 0.5) / scale - shift */
static const struct expr *half_pixel(const struct resize_axis *a,
                                     double shift) {
  struct expr_pool *pool = a->express->pool;
  const struct expr *o = expr_cast(pool, ADZE_F32, a->o);
  const struct expr *center =
      divide(pool, expr_add(pool, o, real(pool, 0.5)), a->scale);
  return expr_sub(pool, center, real(pool, shift));
}

static const struct expr *align_corners(const struct resize_axis *a) {
  struct expr_pool *pool = a->express->pool;
  const struct expr *one = expr_index(pool, 1);
  const struct expr *last_in =
      expr_cast(pool, ADZE_F32, expr_sub(pool, a->in, one));
  const struct expr *last_out =
      expr_cast(pool, ADZE_F32, expr_sub(pool, a->out, one));
  const struct expr *o = expr_cast(pool, ADZE_F32, a->o);
  return expr_select(pool, expr_equal(pool, a->out, one), real(pool, 0),
                     divide(pool, expr_mul(pool, o, last_in), last_out));
}

static const struct expr *symmetric(const struct resize_axis *a) {
  struct expr_pool *pool = a->express->pool;
  const struct expr *in = expr_cast(pool, ADZE_F32, a->in);
  const struct expr *out = expr_cast(pool, ADZE_F32, a->out);
  const struct expr *adjustment =
      divide(pool, out, expr_mul(pool, a->scale, in));
  const struct expr *offset =
      expr_mul(pool, expr_mul(pool, in, real(pool, 0.5)),
               expr_sub(pool, real(pool, 1), adjustment));
  return expr_add(pool, offset, half_pixel(a, 0.5));
}

/* A box given in units of the input, by attribute roi: starts, then ends. */
static const struct expr *crop(const struct resize_axis *a) {
  struct expr_pool *pool = a->express->pool;
  size_t count;
  const double *roi = node_floats(a->express->node, "roi", &count);
  size_t rank = a->express->inputs[0]->rank;
  double start = count == 2 * rank ? roi[a->axis] : 0;
  double end = count == 2 * rank ? roi[a->axis + rank] : 1;
  const struct expr *one = expr_index(pool, 1);
  const struct expr *last_in =
      expr_cast(pool, ADZE_F32, expr_sub(pool, a->in, one));
  const struct expr *last_out =
      expr_cast(pool, ADZE_F32, expr_sub(pool, a->out, one));
  const struct expr *step =
      divide(pool, expr_mul(pool, last_in, real(pool, end - start)), last_out);
  const struct expr *many = expr_add(
      pool, expr_mul(pool, last_in, real(pool, start)),
      expr_mul(pool, expr_cast(pool, ADZE_F32, a->o), step));
  return expr_select(pool, expr_equal(pool, a->out, one),
                     expr_mul(pool, last_in, real(pool, (start + end) / 2)),
                     many);
}

static bool is_crop(const struct node *node) {
  return strcmp(node_string(node, "coordinate_transformation_mode"),
                "tf_crop_and_resize") == 0;
}

/* The position in the input, f32. */
static const struct expr *position(const struct resize_axis *a) {
  struct expr_pool *pool = a->express->pool;
  const char *mode =
      node_string(a->express->node, "coordinate_transformation_mode");
  if (strcmp(mode, "asymmetric") == 0)
    return divide(pool, expr_cast(pool, ADZE_F32, a->o), a->scale);
  if (strcmp(mode, "align_corners") == 0)
    return align_corners(a);
  if (strcmp(mode, "tf_half_pixel_for_nn") == 0)
    return half_pixel(a, 0);
  if (strcmp(mode, "half_pixel_symmetric") == 0)
    return symmetric(a);
  if (strcmp(mode, "pytorch_half_pixel") == 0)
    return expr_select(pool, expr_less(pool, expr_index(pool, 1), a->out),
                       half_pixel(a, 0.5), real(pool, 0));
  if (is_crop(a->express->node))
    return crop(a);
  return half_pixel(a, 0.5);
}

static const struct expr *clamped(const struct resize_axis *a,
                                  const struct expr *index) {
  struct expr_pool *pool = a->express->pool;
  const struct expr *last = expr_sub(pool, a->in, expr_index(pool, 1));
  return expr_min(pool, expr_max(pool, index, expr_index(pool, 0)), last);
}

/* ---- Taps ---------------------------------------------------------------- */

struct taps {
  size_t count;
  const struct expr *index[4];
  const struct expr *weight[4]; /* NULL: 1 */
  const struct expr *inside;    /* NULL: always */
};

/* With a scale s >= 1, all of these are floor(o / s). */
static bool is_plain_division(const struct node *node) {
  const char *mode = node_string(node, "coordinate_transformation_mode");
  const char *nearest = node_string(node, "nearest_mode");
  if (strcmp(mode, "asymmetric") == 0 ||
      strcmp(mode, "tf_half_pixel_for_nn") == 0)
    return strcmp(nearest, "floor") == 0;
  return (strcmp(mode, "half_pixel") == 0 ||
          strcmp(mode, "pytorch_half_pixel") == 0) &&
         (strcmp(nearest, "round_prefer_floor") == 0 ||
          strcmp(nearest, "round_prefer_ceil") == 0);
}

static const struct expr *rounded(struct express *express,
                                  const struct expr *x) {
  struct expr_pool *pool = express->pool;
  const char *mode = node_string(express->node, "nearest_mode");
  if (strcmp(mode, "floor") == 0)
    return expr_unary(pool, EXPR_FLOOR, x);
  if (strcmp(mode, "ceil") == 0)
    return expr_unary(pool, EXPR_CEIL, x);
  if (strcmp(mode, "round_prefer_ceil") == 0)
    return expr_unary(pool, EXPR_FLOOR, expr_add(pool, x, real(pool, 0.5)));
  return expr_unary(pool, EXPR_CEIL, expr_sub(pool, x, real(pool, 0.5)));
}

static void nearest_taps(const struct resize_axis *a, struct taps *taps) {
  struct expr_pool *pool = a->express->pool;
  taps->count = 1;
  if (a->whole_scale > 0 && is_plain_division(a->express->node)) {
    taps->index[0] =
        expr_floor_div(pool, a->o, expr_index(pool, a->whole_scale));
    return;
  }
  taps->index[0] = clamped(
      a, expr_cast(pool, ADZE_I64, rounded(a->express, position(a))));
}

static void linear_taps(const struct resize_axis *a, struct taps *taps) {
  struct expr_pool *pool = a->express->pool;
  const struct expr *x = position(a), *low = expr_unary(pool, EXPR_FLOOR, x);
  const struct expr *index = expr_cast(pool, ADZE_I64, low);
  const struct expr *share = expr_sub(pool, x, low);
  taps->count = 2;
  taps->index[0] = clamped(a, index);
  taps->index[1] = clamped(a, expr_add(pool, index, expr_index(pool, 1)));
  taps->weight[0] = expr_sub(pool, real(pool, 1), share);
  taps->weight[1] = share;
}

/* Keys' kernel with parameter c at distance d: `near` up to 1, else up to 2. */
static const struct expr *cubic_weight(struct expr_pool *pool, double c,
                                       const struct expr *d, bool near) {
  double k3 = near ? c + 2 : c, k2 = near ? -(c + 3) : -5 * c;
  double k1 = near ? 0 : 8 * c, k0 = near ? 1 : -4 * c;
  const struct expr *sum = real(pool, k3);
  sum = expr_add(pool, expr_mul(pool, sum, d), real(pool, k2));
  sum = expr_add(pool, expr_mul(pool, sum, d), real(pool, k1));
  return expr_add(pool, expr_mul(pool, sum, d), real(pool, k0));
}

static void cubic_taps(const struct resize_axis *a, struct taps *taps) {
  struct expr_pool *pool = a->express->pool;
  double c = node_float(a->express->node, "cubic_coeff_a");
  bool exclude = node_int(a->express->node, "exclude_outside") != 0;
  const struct expr *x = position(a), *low = expr_unary(pool, EXPR_FLOOR, x);
  const struct expr *index = expr_cast(pool, ADZE_I64, low);
  const struct expr *share = expr_sub(pool, x, low), *sum = NULL;
  taps->count = 4;
  for (int i = 0; i < 4; i++) {
    const struct expr *at =
        expr_add(pool, index, expr_index(pool, i - 1));
    const struct expr *distance =
        i < 2 ? expr_add(pool, share, real(pool, 1 - i))
              : expr_sub(pool, real(pool, i - 1), share);
    const struct expr *weight =
        cubic_weight(pool, c, distance, i == 1 || i == 2);
    if (exclude) {
      const struct expr *inside =
          expr_and(pool, expr_less_equal(pool, expr_index(pool, 0), at),
                   expr_less(pool, at, a->in));
      weight = expr_select(pool, inside, weight, real(pool, 0));
    }
    taps->index[i] = clamped(a, at);
    taps->weight[i] = weight;
    sum = sum == NULL ? weight : expr_add(pool, sum, weight);
  }
  for (int i = 0; exclude && i < 4; i++)
    taps->weight[i] = divide(pool, taps->weight[i], sum);
}

static struct taps axis_taps(const struct resize_axis *a) {
  struct expr_pool *pool = a->express->pool;
  struct taps taps = {0};
  const char *mode = node_string(a->express->node, "mode");
  if (strcmp(mode, "linear") == 0)
    linear_taps(a, &taps);
  else if (strcmp(mode, "cubic") == 0)
    cubic_taps(a, &taps);
  else
    nearest_taps(a, &taps);
  if (is_crop(a->express->node)) {
    const struct expr *last = expr_cast(
        pool, ADZE_F32, expr_sub(pool, a->in, expr_index(pool, 1)));
    const struct expr *x = position(a);
    taps.inside = expr_and(pool, expr_less_equal(pool, real(pool, 0), x),
                           expr_less_equal(pool, x, last));
  }
  return taps;
}

/* ---- The stage ----------------------------------------------------------- */

static int64_t whole_scale(struct expr_pool *pool, const struct expr *in,
                           const struct expr *out) {
  int64_t x, y;
  if (expr_get_integer(in, &x) && expr_get_integer(out, &y))
    return x > 0 && y % x == 0 ? y / x : 0;
  for (int64_t k = 1; k <= 8; k++)
    if (simplify(pool, expr_mul(pool, in, expr_index(pool, k))) == out)
      return k;
  return 0;
}

static struct resize_axis describe(struct express *express,
                                   const struct stage *stage, size_t axis) {
  struct expr_pool *pool = express->pool;
  struct resize_axis a = {.express = express, .axis = axis};
  size_t count;
  const double *scales = node_floats(express->node, "scales", &count);
  a.in = express->inputs[0]->shape[axis];
  a.out = stage->output->shape[axis];
  a.o = express_axis(express, stage, axis);
  a.whole_scale = whole_scale(pool, a.in, a.out);
  if (count > 0) {
    a.scale = real(pool, scales[axis]);
    if (scales[axis] != (double)a.whole_scale)
      a.whole_scale = 0;
  } else {
    a.scale = divide(pool, expr_cast(pool, ADZE_F32, a.out),
                     expr_cast(pool, ADZE_F32, a.in));
  }
  return a;
}

/* The sum over the taps of this axis and all behind it. */
static const struct expr *sum_taps(struct express *express,
                                   const struct taps *taps, size_t axis,
                                   const struct expr **indices) {
  struct expr_pool *pool = express->pool;
  if (axis == express->inputs[0]->rank)
    return express_load(express, express->inputs[0], indices);
  const struct expr *sum = NULL;
  for (size_t i = 0; i < taps[axis].count; i++) {
    indices[axis] = taps[axis].index[i];
    const struct expr *term = sum_taps(express, taps, axis + 1, indices);
    if (taps[axis].weight[i] != NULL)
      term = expr_mul(pool, expr_cast(pool, ADZE_F32, term),
                      taps[axis].weight[i]);
    sum = sum == NULL ? term : expr_add(pool, sum, term);
  }
  return sum;
}

static enum adze_status resize_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  struct taps taps[LOOP_MAX_RANK];
  const struct expr *indices[LOOP_MAX_RANK], *inside = NULL;
  struct stage *stage = express_stage(express, express->outputs[0]);
  for (size_t i = 0; i < stage->axis_count; i++) {
    struct resize_axis axis = describe(express, stage, i);
    taps[i] = (struct taps){.count = 1, .index = {axis.o}};
    if (axis.whole_scale != 1 || is_crop(express->node))
      taps[i] = axis_taps(&axis);
    if (taps[i].inside != NULL)
      inside = inside == NULL ? taps[i].inside
                              : expr_and(pool, inside, taps[i].inside);
  }
  const struct expr *body = sum_taps(express, taps, 0, indices);
  if (inside != NULL)
    body = expr_select(
        pool, inside, body,
        expr_constant(pool, body->dtype,
                      node_float(express->node, "extrapolation_value")));
  express_body(express, stage, body);
  return ADZE_OK;
}

static const struct attribute_desc resize_attributes[] = {
    {"scales", ATTRIBUTE_FLOATS, false, 0, NULL,
     "factor per dimension, where no sizes are given"},
    {"mode", ATTRIBUTE_STRING, false, 0, "nearest", "nearest, linear or cubic"},
    {"coordinate_transformation_mode", ATTRIBUTE_STRING, false, 0,
     "half_pixel",
     "half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, "
     "asymmetric, tf_half_pixel_for_nn or tf_crop_and_resize"},
    {"nearest_mode", ATTRIBUTE_STRING, false, 0, "round_prefer_floor",
     "round_prefer_floor, round_prefer_ceil, floor or ceil"},
    {"cubic_coeff_a", ATTRIBUTE_FLOAT, false, -0.75, NULL, "of cubic"},
    {"exclude_outside", ATTRIBUTE_INT, false, 0, NULL,
     "1: cubic gives no weight to what is outside"},
    {"extrapolation_value", ATTRIBUTE_FLOAT, false, 0, NULL,
     "what is outside of a crop"},
    {"roi", ATTRIBUTE_FLOATS, false, 0, NULL,
     "of tf_crop_and_resize: starts, then ends, of 0 to 1"},
    {0}};

const struct op_def op_resize = {
    .name = "resize",
    .summary = "x interpolated to other extents, given by scales or input 1.",
    .min_inputs = 1,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_FOLLOWS,
    .flags = OP_FINITE,
    .shape_inputs = 1u << 1,
    .attributes = resize_attributes,
    .infer = resize_infer,
    .express = resize_express,
};
