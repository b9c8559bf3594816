/* SPDX-License-Identifier: Apache-2.0 */
/* What stretching and warping ask of their arguments. */
#ifndef MEDIA_TARGET_H
#define MEDIA_TARGET_H

#include "adze/image.h"

/* INVALID_ARGUMENT unless both have a size within the limits. */
enum adze_status target_check(const struct adze_image *image,
                              const struct adze_image_target *target,
                              struct adze_error *error) ADZE_MUST_USE;

#endif
