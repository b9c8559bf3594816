/* SPDX-License-Identifier: Apache-2.0 */
/* How the camera was held, from a JPEG's Exif block, and turning the picture
 * upright. */
#ifndef MEDIA_ORIENTATION_H
#define MEDIA_ORIENTATION_H

#include "adze/image.h"

/* Exif's number: 1 (upright) to 8; 1 when there is none or it is damaged. */
int orientation_of_jpeg(const uint8_t *data, size_t size);

/* Turns and mirrors the pixels (may replace them by new ones). */
enum adze_status orientation_apply(int orientation, struct adze_image *image,
                                   struct adze_error *error) ADZE_MUST_USE;

#endif
