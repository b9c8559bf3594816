/* SPDX-License-Identifier: Apache-2.0 */
/* Cairo's surfaces over our pictures. */
#ifndef MEDIA_SURFACE_H
#define MEDIA_SURFACE_H

#include <cairo.h>

#include "adze/image.h"

/* LIMIT for a picture with more pixels a side than a surface can have,
 * INVALID_ARGUMENT for an empty one. */
enum adze_status surface_check(const struct adze_image *image,
                               struct adze_error *error) ADZE_MUST_USE;
/* Lays a surface of 32-bit pixels with transparency over the picture, its upper
 * left corner at (left, top) and all of it inside. */
void surface_blend(cairo_surface_t *surface, double alpha,
                   struct adze_image *image, int left, int top);

#endif
