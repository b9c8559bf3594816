/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: reading JPEG, PNG and BMP files, turning them into a network's
 * input, writing PNG.
 *
 *   struct adze_image image;
 *   if (adze_image_load("photo.jpg", &image, &error))
 *     return fputs(error.message, stderr), 1;
 *   struct adze_image_target target;
 *   adze_image_target_init(&target, input, 224, 224);
 *   adze_image_resize(&image, &target, &error);
 *   adze_image_release(&image);
 *
 * Part of libadze_pose. Status codes, `struct adze_error` and the ownership
 * words (borrows, takes, returns new) are those of adze/status.h. All
 * functions may be called from any thread; a picture that is written to
 * belongs to one thread at a time.
 */
#ifndef ADZE_IMAGE_H
#define ADZE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adze/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits on what is read, which protect memory. */
#define ADZE_IMAGE_MAX_SIDE 65535
#define ADZE_IMAGE_MAX_PIXELS ((int64_t)1 << 28)

/* Rows of 8-bit red, green, blue, from the top; row y starts at
 * pixels + y * stride (stride >= 3 * width, in bytes). A program may fill this
 * in for pixels of its own, and then doesn't release it. */
struct adze_image {
  uint8_t *pixels;
  int width, height;
  size_t stride;
};

/* Returns new pixels in *out. The format is told from the content (JPEG
 * baseline and progressive, PNG, BMP); grey, palette, 16-bit, CMYK and
 * transparent pictures become RGB (transparency is dropped), and a JPEG that
 * says how the camera was held is turned upright. NOT_FOUND, IO; INVALID_DATA
 * for a damaged or cut file; UNSUPPORTED for another format; LIMIT;
 * UNAVAILABLE when built without FFmpeg. */
ADZE_EXPORT enum adze_status
adze_image_load(const char *path, struct adze_image *out,
                struct adze_error *error) ADZE_MUST_USE;
/* The same from memory; `name` is used in messages. */
ADZE_EXPORT enum adze_status
adze_image_decode(const void *data, size_t size, const char *name,
                  struct adze_image *out,
                  struct adze_error *error) ADZE_MUST_USE;
/* Returns new, uninitialised pixels. */
ADZE_EXPORT enum adze_status
adze_image_create(int width, int height, struct adze_image *out,
                  struct adze_error *error) ADZE_MUST_USE;
/* Frees the pixels of the functions above and clears the struct; a cleared
 * struct is fine. */
ADZE_EXPORT void adze_image_release(struct adze_image *image);

/* Writes a PNG beside its place and renames it; made to be fast, it is some
 * tenth larger than it could be. IO; LIMIT above the limits of reading;
 * UNAVAILABLE when built without FFmpeg. */
ADZE_EXPORT enum adze_status
adze_image_write_png(const struct adze_image *image, const char *path,
                     struct adze_error *error) ADZE_MUST_USE;

/* Where a picture goes in a network's input, and in what form: element
 *   data[c * channel_stride + y * row_stride + x * column_stride]
 * = (value of channel c at (x, y) - mean[c]) * scale[c], values 0..255.
 * Channel 0 is red, or blue when `bgr`. Strides are in elements. */
struct adze_image_target {
  float *data;
  int width, height;
  ptrdiff_t channel_stride, row_stride, column_stride;
  float mean[3], scale[3];
  bool bgr;
};
/* Dense [3, height, width], RGB, mean 0, scale 1. */
ADZE_EXPORT void adze_image_target_init(struct adze_image_target *target,
                                        float *data, int width, int height);

/* Stretches the whole picture over the target with a triangle (bilinear)
 * filter on pixel centres; when it shrinks, the filter widens, so that every
 * pixel counts and nothing aliases. */
ADZE_EXPORT enum adze_status
adze_image_resize(const struct adze_image *image,
                  const struct adze_image_target *target,
                  struct adze_error *error) ADZE_MUST_USE;

/* Samples the picture bilinearly at
 *   (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5])
 * for each target pixel (x, y); pixel (i, j) of the picture lies at exactly
 * (i, j), and around the picture all is 0. */
ADZE_EXPORT enum adze_status
adze_image_warp(const struct adze_image *image, const double m[6],
                const struct adze_image_target *target,
                struct adze_error *error) ADZE_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
