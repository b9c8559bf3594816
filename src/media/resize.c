/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures into a network's input by stretching.
 *
 * It is separable: every output column is a weighted sum of a run of
 * source columns (`struct taps`), every output row of source rows. Rows are
 * stretched horizontally once, when first needed, into a ring that holds as
 * many as one output row uses; so each source pixel is read once and the
 * memory is a few rows. The triangle filter is as wide as a pixel of the
 * coarser of the two grids: plain bilinear when growing, an average without
 * aliasing when shrinking.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adze/image.h"
#include "base/base.h"
#include "media/target.h"

/* For each output position: its first source position, how many there are, and
 * their weights, which sum to 1, at weights[position * most]. */
struct taps {
  int most;
  int *first, *count;
  float *weights;
};

static void taps_release(struct taps *taps) {
  free(taps->first);
  free(taps->count);
  free(taps->weights);
}

/* Fills position `i`; `radius` is half the filter's width in source pixels. */
static void taps_fill(struct taps *taps, int i, int from, double centre,
                      double radius) {
  int first = (int)fmax(floor(centre - radius) + 1, 0);
  int last = (int)fmin(ceil(centre + radius) - 1, from - 1);
  float *weights = taps->weights + (size_t)i * (size_t)taps->most;
  double sum = 0;
  for (int j = first; j <= last; j++)
    sum += 1 - fabs(j - centre) / radius;
  for (int j = first; j <= last; j++)
    weights[j - first] = (float)((1 - fabs(j - centre) / radius) / sum);
  taps->first[i] = first;
  taps->count[i] = last - first + 1;
  check(last >= first && last - first < taps->most);
}

static bool taps_make(struct taps *taps, int from, int to) {
  double step = (double)from / to;
  double radius = fmax(step, 1);
  taps->most = (int)fmin(2 * radius + 2, from);
  taps->first = malloc((size_t)to * sizeof *taps->first);
  taps->count = malloc((size_t)to * sizeof *taps->count);
  taps->weights =
      malloc((size_t)to * (size_t)taps->most * sizeof *taps->weights);
  if (!taps->first || !taps->count || !taps->weights)
    return false;
  for (int i = 0; i < to; i++)
    taps_fill(taps, i, from, (i + 0.5) * step - 0.5, radius);
  return true;
}

struct stretch {
  const struct adze_image *image;
  const struct adze_image_target *target;
  struct taps columns, rows;
  float *ring;    /* [rows.most][3][width] */
  int rows_ready; /* source rows before this one are in the ring */
};

static float *ring_row(const struct stretch *stretch, int source_row) {
  size_t slot = (size_t)(source_row % stretch->rows.most);
  return stretch->ring + slot * 3 * (size_t)stretch->target->width;
}

static void stretch_row(struct stretch *stretch, int source_row) {
  const struct taps *taps = &stretch->columns;
  int width = stretch->target->width;
  const uint8_t *pixels =
      stretch->image->pixels + (size_t)source_row * stretch->image->stride;
  float *out = ring_row(stretch, source_row);
  for (int x = 0; x < width; x++) {
    const uint8_t *pixel = pixels + 3 * (size_t)taps->first[x];
    const float *weights = taps->weights + (size_t)x * (size_t)taps->most;
    float red = 0, green = 0, blue = 0;
    for (int i = 0; i < taps->count[x]; i++, pixel += 3) {
      red += weights[i] * pixel[0];
      green += weights[i] * pixel[1];
      blue += weights[i] * pixel[2];
    }
    out[x] = red;
    out[width + x] = green;
    out[2 * width + x] = blue;
  }
}

/* One channel of one output row: the weighted sum of rows of the ring. */
static void combine_rows(const struct stretch *stretch, int y, int channel,
                         float *sums) {
  const struct taps *taps = &stretch->rows;
  int width = stretch->target->width;
  const float *weights = taps->weights + (size_t)y * (size_t)taps->most;
  for (int i = 0; i < taps->count[y]; i++) {
    const float *row =
        ring_row(stretch, taps->first[y] + i) + (size_t)channel * (size_t)width;
    float weight = weights[i];
    if (i == 0)
      for (int x = 0; x < width; x++)
        sums[x] = weight * row[x];
    else
      for (int x = 0; x < width; x++)
        sums[x] += weight * row[x];
  }
}

static void stretch_all(struct stretch *stretch, float *sums) {
  const struct adze_image_target *target = stretch->target;
  const struct taps *rows = &stretch->rows;
  for (int y = 0; y < target->height; y++) {
    if (stretch->rows_ready < rows->first[y])
      stretch->rows_ready = rows->first[y];
    for (; stretch->rows_ready < rows->first[y] + rows->count[y];
         stretch->rows_ready++)
      stretch_row(stretch, stretch->rows_ready);
    for (int c = 0; c < 3; c++) {
      combine_rows(stretch, y, target->bgr ? 2 - c : c, sums);
      float *out =
          target->data + c * target->channel_stride + y * target->row_stride;
      float mean = target->mean[c], scale = target->scale[c];
      ptrdiff_t step = target->column_stride;
      for (int x = 0; x < target->width; x++)
        out[x * step] = (sums[x] - mean) * scale;
    }
  }
}

enum adze_status adze_image_resize(const struct adze_image *image,
                                   const struct adze_image_target *target,
                                   struct adze_error *error) {
  TRY(target_check(image, target, error));
  struct stretch stretch = {.image = image, .target = target};
  size_t row_bytes = (size_t)target->width * sizeof(float);
  float *sums = malloc(row_bytes);
  bool ready = taps_make(&stretch.columns, image->width, target->width) &&
               taps_make(&stretch.rows, image->height, target->height);
  if (ready)
    stretch.ring = malloc((size_t)stretch.rows.most * 3 * row_bytes);
  ready = ready && stretch.ring && sums;
  if (ready)
    stretch_all(&stretch, sums);
  free(sums);
  free(stretch.ring);
  taps_release(&stretch.columns);
  taps_release(&stretch.rows);
  if (!ready)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "no memory to stretch a picture to %d x %d", target->width,
                target->height);
  return ADZE_OK;
}
