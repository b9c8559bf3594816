/* SPDX-License-Identifier: Apache-2.0 */
/* A box of a picture over a network's input.
 *
 * Rows and columns are independent then. For each row of the input the two
 * rows of the picture around it are mixed, which is work on adjacent bytes;
 * then each pixel mixes two neighbours of that row, whose places are the same
 * for every row and are found once. The mixed row has two pixels more on each
 * side, which stay 0 as everything around the picture, so that no place needs
 * a condition.
 */
#include <stdlib.h>

#include "base/base.h"
#include "media/warp.h"

/* Pixels beside the mixed row, on each side. */
#define BESIDE 2

/* On one axis: the first of two neighbours, -2 to the picture's size (both then
 * lie outside), and the share of the second. */
struct place {
  int first;
  float share;
};

/* What isn't a number is outside. */
static struct place place_of(double at, int size) {
  if (!(at > -BESIDE))
    return (struct place){-BESIDE, 0};
  if (at >= size)
    return (struct place){size, 0};
  int first = (int)(at + BESIDE) - BESIDE;
  return (struct place){first, (float)(at - first)};
}

struct box {
  const struct adze_image *image;
  const double *m;
  const struct warp_steps *steps;
  struct warp_column *columns;
  float *mixed;
  int left, right; /* of the picture's columns, those that are used */
};

static void find_columns(struct box *box, int count) {
  int width = box->image->width;
  box->left = width;
  box->right = 0;
  for (int x = 0; x < count; x++) {
    struct place place = place_of(box->m[0] * x + box->m[2], width);
    box->columns[x] =
        (struct warp_column){3 * (place.first + BESIDE), place.share};
    if (place.first < box->left)
      box->left = place.first < 0 ? 0 : place.first;
    if (place.first + 2 > box->right)
      box->right = place.first + 2 < width ? place.first + 2 : width;
  }
}

/* Of the two rows either may lie outside and be 0. */
static void mix_rows(const struct box *box, int y) {
  const struct adze_image *image = box->image;
  struct place row = place_of(box->m[4] * y + box->m[5], image->height);
  bool has_upper = row.first >= 0 && row.first < image->height;
  bool has_lower = row.first + 1 >= 0 && row.first + 1 < image->height;
  size_t upper = has_upper ? (size_t)row.first : 0;
  size_t lower = has_lower ? (size_t)row.first + 1 : 0;
  const uint8_t *pixels = image->pixels + 3 * (size_t)box->left;
  box->steps->mix(pixels + upper * image->stride,
                  pixels + lower * image->stride, has_upper ? 1 - row.share : 0,
                  has_lower ? row.share : 0,
                  3 * (size_t)(box->right - box->left),
                  box->mixed + 3 * (size_t)(box->left + BESIDE));
}

static void warp(struct box *box, const struct adze_image_target *target) {
  struct warp_row row = {.mixed = box->mixed,
                         .columns = box->columns,
                         .width = target->width,
                         .column_stride = target->column_stride};
  for (int i = 0; i < 3; i++) {
    int channel = target->bgr ? 2 - i : i;
    row.strides[i] = channel * target->channel_stride;
    row.mean[i] = target->mean[channel];
    row.scale[i] = target->scale[channel];
  }
  find_columns(box, target->width);
  for (int y = 0; y < target->height; y++) {
    mix_rows(box, y);
    box->steps->spread(&row, 0, target->data + y * target->row_stride);
  }
}

enum adze_status warp_box(const struct adze_image *image, const double m[6],
                          const struct adze_image_target *target,
                          struct adze_error *error) {
  const struct warp_steps *avx2 = warp_steps_avx2();
  struct box box = {
      .image = image, .m = m, .steps = avx2 ? avx2 : &warp_steps_plain};
  size_t width = (size_t)image->width + 2 * BESIDE;
  box.columns = malloc((size_t)target->width * sizeof *box.columns);
  box.mixed = calloc(3 * width + 1, sizeof *box.mixed);
  bool ready = box.columns && box.mixed;
  if (ready)
    warp(&box, target);
  free(box.columns);
  free(box.mixed);
  if (!ready)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "no memory to warp a picture to %d x %d", target->width,
                target->height);
  return ADZE_OK;
}
