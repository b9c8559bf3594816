/* SPDX-License-Identifier: Apache-2.0 */
/* The outer structure of a JPEG file: segments up to the pixels. */
#ifndef MEDIA_JPEG_H
#define MEDIA_JPEG_H

#include "base/base.h"

struct jpeg_segment {
  unsigned marker;     /* its second byte */
  const uint8_t *data; /* after the length */
  size_t size;
};

#define JPEG_START_OF_SCAN 0xdau
#define JPEG_APPLICATION_1 0xe1u

/* Reads the segment at *at, which starts at JPEG_FIRST_SEGMENT, and moves on.
 * False at a byte that starts none, or when the segment is cut. */
#define JPEG_FIRST_SEGMENT 2
bool jpeg_next_segment(const uint8_t *data, size_t size, size_t *at,
                       struct jpeg_segment *out);

#endif
