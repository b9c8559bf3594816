/* SPDX-License-Identifier: Apache-2.0 */
/* Our pictures as Cairo's surfaces and back. */
#ifndef MEDIA_SURFACE_H
#define MEDIA_SURFACE_H

#include <cairo.h>

#include "adze/image.h"

/* Returns new, an RGB24 surface with the picture's pixels; LIMIT, OUT_OF_MEMORY
 * or INVALID_ARGUMENT (an empty picture). */
enum adze_status surface_from_image(const struct adze_image *image,
                                    cairo_surface_t **out,
                                    struct adze_error *error) ADZE_MUST_USE;
/* Copies the pixels of a surface of the same size back. */
void surface_to_image(cairo_surface_t *surface, struct adze_image *image);

#endif
