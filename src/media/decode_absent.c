/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for decode.c where adze is built without FFmpeg's libraries, so
 * that everything else still works and this says what is missing. */
#include "adze/image.h"
#include "base/base.h"

enum adze_status adze_image_decode(const void *data, size_t size,
                                   const char *name, struct adze_image *out,
                                   struct adze_error *error) {
  (void)data, (void)size, (void)out;
  return fail(error, ADZE_UNAVAILABLE,
              "%s: reading pictures needs FFmpeg's libraries, and adze was "
              "built without them",
              name);
}
