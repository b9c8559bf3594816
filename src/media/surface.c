/* SPDX-License-Identifier: Apache-2.0 */
/* Cairo's 32-bit pixels (one native word a pixel: 0xAARRGGBB, colours already
 * multiplied by their alpha) over packed RGB. Most of them are empty.
 */
#include "media/surface.h"

#include "base/base.h"

/* Cairo's own limit for image surfaces. */
#define SURFACE_MAX_SIDE 32767

enum adze_status surface_check(const struct adze_image *image,
                               struct adze_error *error) {
  if (image->width <= 0 || image->height <= 0)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a picture of %d x %d pixels has no pixels", image->width,
                image->height);
  if (image->width > SURFACE_MAX_SIDE || image->height > SURFACE_MAX_SIDE)
    return fail(error, ADZE_LIMIT,
                "Cairo draws pictures of at most %d pixels a side, found "
                "%d x %d",
                SURFACE_MAX_SIDE, image->width, image->height);
  return ADZE_OK;
}

/* Rounded. `share` and `hidden`, how much of what is below can't be seen, are
 * 256 for all of it. */
static uint8_t blend(uint32_t over, uint32_t share, uint32_t hidden,
                     uint8_t below) {
  return (uint8_t)((over * share + below * (256 - hidden) + 128) >> 8);
}

void surface_blend(cairo_surface_t *surface, double alpha,
                   struct adze_image *image, int left, int top) {
  cairo_surface_flush(surface);
  const uint8_t *data = cairo_image_surface_get_data(surface);
  size_t stride = (size_t)cairo_image_surface_get_stride(surface);
  int width = cairo_image_surface_get_width(surface);
  int height = cairo_image_surface_get_height(surface);
  uint32_t share = 0; /* also for what isn't a number */
  if (alpha > 0)
    share = alpha < 1 ? (uint32_t)(alpha * 256 + 0.5) : 256;
  for (int y = 0; y < height; y++) {
    const uint32_t *from =
        (const uint32_t *)(const void *)(data + (size_t)y * stride);
    uint8_t *to =
        image->pixels + (size_t)(top + y) * image->stride + 3 * (size_t)left;
    for (int x = 0; x < width; x++, to += 3) {
      if (from[x] == 0)
        continue;
      uint32_t hidden = (from[x] >> 24) * share; /* 255 * 256 is all */
      hidden = (hidden + (hidden >> 8) + 128) >> 8;
      to[0] = blend(from[x] >> 16 & 255, share, hidden, to[0]);
      to[1] = blend(from[x] >> 8 & 255, share, hidden, to[1]);
      to[2] = blend(from[x] & 255, share, hidden, to[2]);
    }
  }
}
