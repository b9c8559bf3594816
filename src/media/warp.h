/* SPDX-License-Identifier: Apache-2.0 */
/* A box of a picture over a network's input: the two steps of a row, in plain C
 * and for AVX2, which give the same bits. */
#ifndef MEDIA_WARP_H
#define MEDIA_WARP_H

#include "adze/image.h"

/* adze_image_warp where m[1] and m[3] are 0; the sizes have been checked. */
enum adze_status warp_box(const struct adze_image *image, const double m[6],
                          const struct adze_image_target *target,
                          struct adze_error *error) ADZE_MUST_USE;

/* A column of the input mixes two neighbours in the mixed row: where the first
 * one's red is, and the share of the second. */
struct warp_column {
  int first;
  float share;
};

struct warp_row {
  const float *mixed; /* red, green, blue of each pixel; one float more */
  const struct warp_column *columns; /* [width] */
  int width;
  /* What the target asks for, red first. */
  ptrdiff_t column_stride, strides[3];
  float mean[3], scale[3];
};

/* out[i] = upper_share * upper[i] + lower_share * lower[i] */
typedef void warp_mix_function(const uint8_t *restrict upper,
                               const uint8_t *restrict lower, float upper_share,
                               float lower_share, size_t count,
                               float *restrict out);
/* Columns from `x` on of one row of the input. */
typedef void warp_spread_function(const struct warp_row *row, int x,
                                  float *out);

struct warp_steps {
  warp_mix_function *mix;
  warp_spread_function *spread;
};

extern const struct warp_steps warp_steps_plain;
/* NULL where the machine has no AVX2. */
const struct warp_steps *warp_steps_avx2(void);

#endif
