/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for surface.c and draw.c where adze is built without Cairo, so
 * that everything else still works and this says what is missing. */
#include "adze/pose.h"
#include "base/base.h"

enum adze_status adze_poses_draw(const struct adze_poses *poses,
                                 const struct adze_draw_options *options,
                                 struct adze_image *image,
                                 struct adze_error *error) {
  (void)poses, (void)options, (void)image;
  return fail(error, ADZE_UNAVAILABLE,
              "drawing needs Cairo, and adze was built without it");
}
