/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG segments: ff, marker, a big-endian length that counts itself, data.
 * After the start-of-scan segment come the pixels, in which ff is always
 * followed by 00, a restart marker or the next segment. */
#include "media/jpeg.h"

bool jpeg_next_segment(const uint8_t *data, size_t size, size_t *at,
                       struct jpeg_segment *out) {
  size_t start = *at;
  /* Any number of ff may come before a marker. */
  while (start + 1 < size && data[start] == 0xff && data[start + 1] == 0xff)
    start++;
  if (start > size || size - start < 4 || data[start] != 0xff)
    return false;
  size_t length = (size_t)data[start + 2] << 8 | data[start + 3];
  if (length < 2 || length > size - start - 2)
    return false;
  *out = (struct jpeg_segment){data[start + 1], data + start + 4, length - 2};
  *at = start + 2 + length;
  return true;
}
