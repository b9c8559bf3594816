/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels in memory, and reading them from a file.
 *
 * Loading is mapping the file and handing its bytes to adze_image_decode,
 * which decode.c implements on FFmpeg's libraries (decode_absent.c where adze
 * is built without them).
 */
#include <stdlib.h>

#include "adze/image.h"
#include "base/base.h"
#include "base/file.h"

enum adze_status adze_image_create(int width, int height,
                                   struct adze_image *out,
                                   struct adze_error *error) {
  if (width <= 0 || height <= 0)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a picture of %d x %d pixels has no pixels", width, height);
  if (width > ADZE_IMAGE_MAX_SIDE || height > ADZE_IMAGE_MAX_SIDE ||
      (int64_t)width * height > ADZE_IMAGE_MAX_PIXELS)
    return fail(error, ADZE_LIMIT,
                "a picture of %d x %d pixels exceeds the limit of %d a side "
                "and %lld in all",
                width, height, ADZE_IMAGE_MAX_SIDE,
                (long long)ADZE_IMAGE_MAX_PIXELS);
  size_t stride = (size_t)width * 3;
  uint8_t *pixels = malloc(stride * (size_t)height);
  if (!pixels)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "no memory for a picture of %d x %d pixels", width, height);
  *out = (struct adze_image){pixels, width, height, stride};
  return ADZE_OK;
}

void adze_image_release(struct adze_image *image) {
  free(image->pixels);
  *image = (struct adze_image){0};
}

enum adze_status adze_image_load(const char *path, struct adze_image *out,
                                 struct adze_error *error) {
  struct file_map map;
  TRY(file_map_open(path, &map, error));
  enum adze_status status =
      adze_image_decode(map.data, map.size, path, out, error);
  file_map_close(&map);
  return status;
}
