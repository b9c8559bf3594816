/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of warping a box, for every machine: the first is a loop that a
 * compiler makes vectors of, the second works on a pixel's channels at once
 * and turns four pixels into planes, with vectors as GCC and Clang have them.
 */
#include "media/warp.h"

/* Four floats anywhere in memory. */
typedef float vector __attribute__((vector_size(16), aligned(4), may_alias));

static void mix(const uint8_t *restrict upper, const uint8_t *restrict lower,
                float upper_share, float lower_share, size_t count,
                float *restrict out) {
  for (size_t i = 0; i < count; i++)
    out[i] = upper_share * (float)upper[i] + lower_share * (float)lower[i];
}

/* Red, green, blue; the fourth lane means nothing. */
static inline vector pixel_of(const float *mixed, struct warp_column column) {
  const float *first = mixed + column.first;
  vector left = *(const vector *)first, right = *(const vector *)(first + 3);
  return left + (right - left) * column.share;
}

static inline void store_four(const struct warp_row *row, vector p, vector q,
                              vector r, vector s, float *out) {
  vector a = __builtin_shufflevector(p, q, 0, 4, 1, 5);
  vector b = __builtin_shufflevector(r, s, 0, 4, 1, 5);
  vector c = __builtin_shufflevector(p, q, 2, 6, 2, 6);
  vector d = __builtin_shufflevector(r, s, 2, 6, 2, 6);
  vector red = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  vector green = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  vector blue = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  *(vector *)(out + row->strides[0]) = (red - row->mean[0]) * row->scale[0];
  *(vector *)(out + row->strides[1]) = (green - row->mean[1]) * row->scale[1];
  *(vector *)(out + row->strides[2]) = (blue - row->mean[2]) * row->scale[2];
}

static inline void store_one(const struct warp_row *row, vector pixel,
                             float *out) {
  for (int i = 0; i < 3; i++)
    out[row->strides[i]] = (pixel[i] - row->mean[i]) * row->scale[i];
}

static void spread(const struct warp_row *shared, int x, float *out) {
  const struct warp_row copy = *shared, *row = &copy; /* no store changes it */
  const float *mixed = row->mixed;
  const struct warp_column *columns = row->columns;
  if (row->column_stride == 1)
    for (; x + 4 <= row->width; x += 4)
      store_four(row, pixel_of(mixed, columns[x]),
                 pixel_of(mixed, columns[x + 1]),
                 pixel_of(mixed, columns[x + 2]),
                 pixel_of(mixed, columns[x + 3]), out + x);
  for (; x < row->width; x++)
    store_one(row, pixel_of(mixed, columns[x]), out + x * row->column_stride);
}

const struct warp_steps warp_steps_plain = {mix, spread};
