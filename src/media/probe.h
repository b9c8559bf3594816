/* SPDX-License-Identifier: Apache-2.0 */
/* What a picture file says about itself, before a decoder sees it: its size,
 * and whether it is there to its end. */
#ifndef MEDIA_PROBE_H
#define MEDIA_PROBE_H

#include "base/base.h"

struct probe {
  int64_t width, height;
};

/* False when the file is damaged or cut. The format's magic bytes are there. */
typedef bool probe_function(const uint8_t *data, size_t size,
                            struct probe *out);
probe_function probe_jpeg, probe_png, probe_bmp;

#endif
