/* SPDX-License-Identifier: Apache-2.0 */
/* Exif orientation. Phones store pictures as the sensor sees them and say in
 * one tag how to turn them; a pose network needs people upright.
 *
 * Read here, not through FFmpeg, whose versions differ in what they export.
 * Whatever doesn't parse counts as upright: the pixels are still good.
 */
#include <string.h>

#include "base/base.h"
#include "media/jpeg.h"
#include "media/orientation.h"

#define EXIF_ORIENTATION_TAG 0x0112

/* A TIFF block, in either byte order; offsets are checked by `has`. */
struct tiff {
  const uint8_t *data;
  size_t size;
  bool big_endian;
};

static bool has(const struct tiff *tiff, size_t offset, size_t bytes) {
  return offset <= tiff->size && bytes <= tiff->size - offset;
}

static unsigned read16(const struct tiff *tiff, size_t offset) {
  const uint8_t *p = tiff->data + offset;
  return tiff->big_endian ? (unsigned)p[0] << 8 | p[1]
                          : (unsigned)p[1] << 8 | p[0];
}

static uint32_t read32(const struct tiff *tiff, size_t offset) {
  uint32_t first = read16(tiff, offset), second = read16(tiff, offset + 2);
  return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

/* The first directory of the block lists the tags of the picture itself. */
static int orientation_of_tiff(const uint8_t *data, size_t size) {
  struct tiff tiff = {data, size, size > 0 && data[0] == 'M'};
  if (!has(&tiff, 0, 8) ||
      memcmp(data, tiff.big_endian ? "MM\0*" : "II*\0", 4) != 0)
    return 1;
  size_t directory = read32(&tiff, 4);
  if (!has(&tiff, directory, 2))
    return 1;
  size_t count = read16(&tiff, directory);
  for (size_t i = 0; i < count; i++) {
    size_t entry = directory + 2 + 12 * i;
    if (!has(&tiff, entry, 12))
      return 1;
    if (read16(&tiff, entry) == EXIF_ORIENTATION_TAG) {
      unsigned value = read16(&tiff, entry + 8);
      return value >= 1 && value <= 8 ? (int)value : 1;
    }
  }
  return 1;
}

int orientation_of_jpeg(const uint8_t *data, size_t size) {
  size_t at = JPEG_FIRST_SEGMENT;
  struct jpeg_segment segment;
  while (jpeg_next_segment(data, size, &at, &segment) &&
         segment.marker != JPEG_START_OF_SCAN)
    if (segment.marker == JPEG_APPLICATION_1 && segment.size >= 6 &&
        memcmp(segment.data, "Exif\0\0", 6) == 0)
      return orientation_of_tiff(segment.data + 6, segment.size - 6);
  return 1;
}

/* Where pixel (0, 0) of the upright picture lies in the stored one, and the
 * steps there for one pixel to the right and one down. */
struct walk {
  ptrdiff_t start, right, down;
};

static struct walk walk_of(int orientation, const struct adze_image *image) {
  ptrdiff_t pixel = 3, row = (ptrdiff_t)image->stride;
  ptrdiff_t last_x = (image->width - 1) * pixel;
  ptrdiff_t last_y = (image->height - 1) * row;
  switch (orientation) {
  case 2:
    return (struct walk){last_x, -pixel, row};
  case 3:
    return (struct walk){last_x + last_y, -pixel, -row};
  case 4:
    return (struct walk){last_y, pixel, -row};
  case 5:
    return (struct walk){0, row, pixel};
  case 6:
    return (struct walk){last_y, -row, pixel};
  case 7:
    return (struct walk){last_x + last_y, -row, -pixel};
  case 8:
    return (struct walk){last_x, row, -pixel};
  }
  return (struct walk){0, pixel, row};
}

enum adze_status orientation_apply(int orientation, struct adze_image *image,
                                   struct adze_error *error) {
  if (orientation <= 1)
    return ADZE_OK;
  bool turned = orientation >= 5;
  struct adze_image upright;
  TRY(adze_image_create(turned ? image->height : image->width,
                        turned ? image->width : image->height, &upright,
                        error));
  struct walk walk = walk_of(orientation, image);
  for (int y = 0; y < upright.height; y++) {
    const uint8_t *from = image->pixels + walk.start + y * walk.down;
    uint8_t *to = upright.pixels + (size_t)y * upright.stride;
    for (int x = 0; x < upright.width; x++)
      memcpy(to + 3 * x, from + x * walk.right, 3);
  }
  adze_image_release(image);
  *image = upright;
  return ADZE_OK;
}
