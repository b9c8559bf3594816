/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and ends of picture files.
 *
 * Sizes are read here so that a file that promises too many pixels is refused
 * with its numbers, before a decoder allocates. Ends are looked for because
 * decoders don't miss the last few bytes: a JPEG or PNG that was cut there
 * would pass. BMP has no end mark; its decoder counts rows.
 */
#include <string.h>

#include "media/jpeg.h"
#include "media/probe.h"

static uint32_t big16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t big32(const uint8_t *p) {
  return big16(p) << 16 | big16(p + 2);
}
static uint32_t little16(const uint8_t *p) {
  return (uint32_t)p[1] << 8 | p[0];
}
static uint32_t little32(const uint8_t *p) {
  return little16(p + 2) << 16 | little16(p);
}

/* c0 to cf start a frame, but for three that mean other things. */
static bool is_start_of_frame(unsigned marker) {
  return (marker & 0xf0) == 0xc0 && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}

/* The end-of-image marker can be searched for after the start of the scan: no
 * pixels look like it, while a thumbnail in an earlier segment has one. */
bool probe_jpeg(const uint8_t *data, size_t size, struct probe *out) {
  size_t at = JPEG_FIRST_SEGMENT;
  struct jpeg_segment segment;
  *out = (struct probe){0};
  while (jpeg_next_segment(data, size, &at, &segment)) {
    if (is_start_of_frame(segment.marker) && segment.size >= 5)
      *out = (struct probe){big16(segment.data + 3), big16(segment.data + 1)};
    if (segment.marker == JPEG_START_OF_SCAN)
      return memmem(data + at, size - at, "\xff\xd9", 2) != NULL;
  }
  return false;
}

/* Chunks: length, type, data, checksum; IHDR first, IEND last. */
bool probe_png(const uint8_t *data, size_t size, struct probe *out) {
  size_t at = 8;
  if (size < at + 16 || memcmp(data + at + 4, "IHDR", 4) != 0)
    return false;
  *out = (struct probe){big32(data + at + 8), big32(data + at + 12)};
  while (size - at >= 12) {
    size_t length = big32(data + at);
    if (length > size - at - 12)
      return false;
    if (memcmp(data + at + 4, "IEND", 4) == 0)
      return true;
    at += length + 12;
  }
  return false;
}

/* A negative height says that rows go down. */
bool probe_bmp(const uint8_t *data, size_t size, struct probe *out) {
  if (size < 26)
    return false;
  if (little32(data + 14) == 12) {
    *out = (struct probe){little16(data + 18), little16(data + 20)};
  } else {
    int64_t width = (int32_t)little32(data + 18);
    int64_t height = (int32_t)little32(data + 22);
    *out = (struct probe){width, height < 0 ? -height : height};
  }
  return true;
}
