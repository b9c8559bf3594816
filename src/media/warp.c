/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures into a network's input by an affine map.
 *
 * The usual one, a box, does not turn the picture: warp_box.c takes that. Any
 * other is sampled pixel by pixel.
 */
#include "media/warp.h"

#include <math.h>

#include "base/base.h"
#include "media/target.h"

/* The sample at (x, y) where all four neighbours are inside the picture. */
static void sample_inside(const struct adze_image *image, float x, float y,
                          float out[3]) {
  int left = (int)x, top = (int)y;
  float u = x - (float)left, v = y - (float)top;
  const uint8_t *p =
      image->pixels + (size_t)top * image->stride + 3 * (size_t)left;
  const uint8_t *q = p + image->stride;
  for (int c = 0; c < 3; c++) {
    float upper = p[c] + u * (float)(p[c + 3] - p[c]);
    float lower = q[c] + u * (float)(q[c + 3] - q[c]);
    out[c] = upper + v * (lower - upper);
  }
}

/* Anywhere: what lies around the picture is 0. */
static void sample_border(const struct adze_image *image, float x, float y,
                          float out[3]) {
  out[0] = out[1] = out[2] = 0;
  /* Also false for what isn't a number. */
  if (!(x > -1 && y > -1 && x < (float)image->width &&
        y < (float)image->height))
    return;
  int left = (int)floorf(x), top = (int)floorf(y);
  float u = x - (float)left, v = y - (float)top;
  for (int i = 0; i < 4; i++) {
    int column = left + (i & 1), row = top + (i >> 1);
    if (column < 0 || row < 0 || column >= image->width || row >= image->height)
      continue;
    float weight = ((i & 1) ? u : 1 - u) * ((i >> 1) ? v : 1 - v);
    const uint8_t *pixel =
        image->pixels + (size_t)row * image->stride + 3 * (size_t)column;
    for (int c = 0; c < 3; c++)
      out[c] += weight * pixel[c];
  }
}

static void warp_row(const struct adze_image *image, const double m[6], int y,
                     const struct adze_image_target *target) {
  float last_x = (float)(image->width - 1), last_y = (float)(image->height - 1);
  double start_x = m[1] * y + m[2], start_y = m[4] * y + m[5];
  float *out = target->data + y * target->row_stride;
  for (int x = 0; x < target->width; x++, out += target->column_stride) {
    float source_x = (float)(m[0] * x + start_x);
    float source_y = (float)(m[3] * x + start_y);
    float pixel[3];
    if (source_x >= 0 && source_y >= 0 && source_x < last_x &&
        source_y < last_y)
      sample_inside(image, source_x, source_y, pixel);
    else
      sample_border(image, source_x, source_y, pixel);
    for (int c = 0; c < 3; c++)
      out[c * target->channel_stride] =
          (pixel[target->bgr ? 2 - c : c] - target->mean[c]) * target->scale[c];
  }
}

enum adze_status adze_image_warp(const struct adze_image *image,
                                 const double m[6],
                                 const struct adze_image_target *target,
                                 struct adze_error *error) {
  TRY(target_check(image, target, error));
  if (m[1] == 0 && m[3] == 0)
    return warp_box(image, m, target, error);
  for (int y = 0; y < target->height; y++)
    warp_row(image, m, y, target);
  return ADZE_OK;
}
