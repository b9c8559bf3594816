/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for encode.c where adze is built without FFmpeg's libraries, so
 * that everything else still works and this says what is missing. */
#include "adze/image.h"
#include "base/base.h"

enum adze_status adze_image_write_png(const struct adze_image *image,
                                      const char *path,
                                      struct adze_error *error) {
  (void)image;
  return fail(error, ADZE_UNAVAILABLE,
              "%s: writing PNG needs FFmpeg's libraries, and adze was "
              "built without them",
              path);
}
