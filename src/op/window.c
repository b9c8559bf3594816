/* SPDX-License-Identifier: Apache-2.0 */
/* Sliding windows: reading, checking and index arithmetic, in one place for
 * convolutions and pooling. Sizes are limited to 2^31 each, so that no sum of
 * a few products of them can overflow. */
#include "op/window.h"

#include "ir/simplify.h"
#include "op/infer.h"

static const int64_t WINDOW_LIMIT = INT64_C(1) << 31;

static enum adze_status read_list(struct infer *infer, const char *name,
                                  size_t count, int64_t minimum, int64_t *out) {
  size_t given;
  const int64_t *list = node_ints(infer->node, name, &given);
  if (given != 0 && given != count)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "attribute '%s' has %zu values; %zu expected", name,
                      given, count);
  for (size_t i = 0; i < count; i++) {
    out[i] = given ? list[i] : minimum;
    if (out[i] < minimum || out[i] >= WINDOW_LIMIT)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "attribute '%s' holds %lld; %lld to 2^31-1 expected",
                        name, (long long)out[i], (long long)minimum);
  }
  return ADZE_OK;
}

static enum adze_status read_kernel(struct infer *infer, bool has_weights,
                                    struct window *out) {
  if (node_has(infer->node, "kernel_shape") || !has_weights)
    TRY(read_list(infer, "kernel_shape", out->rank, 1, out->kernel));
  if (!has_weights)
    return ADZE_OK;
  const struct value *weights = infer_input(infer, 1);
  for (size_t i = 0; i < out->rank; i++) {
    int64_t extent = value_dim(weights, i + 2);
    if (extent < 1 || extent >= WINDOW_LIMIT)
      return infer_fail(infer, ADZE_UNSUPPORTED,
                        "the kernel's shape %s is open or empty",
                        infer_dims_text(infer, weights));
    if (node_has(infer->node, "kernel_shape") && out->kernel[i] != extent)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "kernel_shape says %lld where the weights ('%s') have "
                        "shape %s",
                        (long long)out->kernel[i], weights->name,
                        infer_dims_text(infer, weights));
    out->kernel[i] = extent;
  }
  return ADZE_OK;
}

enum adze_status infer_window(struct infer *infer, bool has_weights,
                              struct window *out) {
  *out = (struct window){.rank = infer_input(infer, 0)->rank - 2};
  int64_t pads[2 * WINDOW_MAX_RANK];
  TRY(read_kernel(infer, has_weights, out));
  TRY(read_list(infer, "strides", out->rank, 1, out->stride));
  TRY(read_list(infer, "dilations", out->rank, 1, out->dilation));
  TRY(read_list(infer, "pads", 2 * out->rank, 0, pads));
  for (size_t i = 0; i < out->rank; i++) {
    out->before[i] = pads[i];
    out->after[i] = pads[i + out->rank];
    int64_t reach;
    if (!int64_mul(out->kernel[i], out->dilation[i], &reach) ||
        reach >= WINDOW_LIMIT)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "kernel %lld with dilation %lld is too large",
                        (long long)out->kernel[i],
                        (long long)out->dilation[i]);
  }
  return ADZE_OK;
}

static int64_t item(const int64_t *list, size_t index, int64_t otherwise) {
  return list != NULL ? list[index] : otherwise;
}

struct window node_window(const struct node *node) {
  struct window window = {.rank = node->inputs[0]->rank - 2};
  size_t count;
  const int64_t *kernel = node_ints(node, "kernel_shape", &count);
  const int64_t *stride = node_ints(node, "strides", &count);
  const int64_t *dilation = node_ints(node, "dilations", &count);
  const int64_t *pads = node_ints(node, "pads", &count);
  for (size_t i = 0; i < window.rank; i++) {
    window.kernel[i] =
        kernel != NULL ? kernel[i] : value_dim(node->inputs[1], i + 2);
    window.stride[i] = item(stride, i, 1);
    window.dilation[i] = item(dilation, i, 1);
    window.before[i] = item(pads, i, 0);
    window.after[i] = item(pads, i + window.rank, 0);
  }
  return window;
}

int64_t window_reach(const struct window *window, size_t axis) {
  return (window->kernel[axis] - 1) * window->dilation[axis] + 1;
}

const struct expr *window_extent(struct expr_pool *pool,
                                 const struct window *window, size_t axis,
                                 const struct expr *in, bool ceil_mode) {
  int64_t stride = window->stride[axis];
  int64_t slack = window->before[axis] + window->after[axis] -
                  window_reach(window, axis) + (ceil_mode ? stride - 1 : 0);
  const struct expr *steps =
      expr_floor_div(pool, expr_add(pool, in, expr_index(pool, slack)),
                     expr_index(pool, stride));
  const struct expr *extent =
      simplify(pool, expr_add(pool, steps, expr_index(pool, 1)));
  if (!ceil_mode || stride == 1)
    return extent;
  /* A last window that would start in the padding behind the input does not
   * count: (extent - 1) * stride < in + before. */
  const struct expr *starts = expr_ceil_div(
      pool, expr_add(pool, in, expr_index(pool, window->before[axis])),
      expr_index(pool, stride));
  return simplify(pool, expr_min(pool, extent, starts));
}

const struct expr *window_position(struct expr_pool *pool,
                                   const struct window *window, size_t axis,
                                   const struct expr *o,
                                   const struct expr *r) {
  const struct expr *start =
      expr_mul(pool, o, expr_index(pool, window->stride[axis]));
  const struct expr *step =
      expr_mul(pool, r, expr_index(pool, window->dilation[axis]));
  return simplify(pool,
                  expr_sub(pool, expr_add(pool, start, step),
                           expr_index(pool, window->before[axis])));
}

unsigned window_checked(const struct window *window, bool ceil_mode) {
  unsigned checked = 0;
  for (size_t i = 0; i < window->rank; i++)
    if (window->before[i] > 0 || window->after[i] > 0 ||
        (ceil_mode && window->stride[i] > 1))
      checked |= 4u << i;
  return checked;
}
