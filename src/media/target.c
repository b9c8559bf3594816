/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of stretching and warping: the usual one, and which are refused. */
#include "media/target.h"

#include "base/base.h"

void adze_image_target_init(struct adze_image_target *target, float *data,
                            int width, int height) {
  *target = (struct adze_image_target){
      .data = data,
      .width = width,
      .height = height,
      .channel_stride = (ptrdiff_t)width * height,
      .row_stride = width,
      .column_stride = 1,
      .scale = {1, 1, 1},
  };
}

enum adze_status target_check(const struct adze_image *image,
                              const struct adze_image_target *target,
                              struct adze_error *error) {
  if (image->width <= 0 || image->height <= 0 ||
      image->width > ADZE_IMAGE_MAX_SIDE ||
      image->height > ADZE_IMAGE_MAX_SIDE ||
      image->stride < (size_t)image->width * 3)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a picture has 1 to %d pixels a side and rows of at least 3 "
                "bytes a pixel, found %d x %d in rows of %zu bytes",
                ADZE_IMAGE_MAX_SIDE, image->width, image->height,
                image->stride);
  if (target->width <= 0 || target->height <= 0 ||
      target->width > ADZE_IMAGE_MAX_SIDE ||
      target->height > ADZE_IMAGE_MAX_SIDE)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a network's input has 1 to %d pixels a side, found %d x %d",
                ADZE_IMAGE_MAX_SIDE, target->width, target->height);
  return ADZE_OK;
}
