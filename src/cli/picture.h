/* SPDX-License-Identifier: Apache-2.0 */
/* A picture as a network's input, for --image. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "cli/array.h"

/* Whether an array of this shape can hold a picture: [n,c,h,w] or [n,h,w,c]
 * with n = 1 and c = 1 or 3. */
bool picture_fits(int rank, const int64_t *dims);

/* Fills an array that fits with the picture, stretched over it bilinearly, as
 * RGB from 0 to 255, or as luminance where there is one channel. */
enum adze_status picture_fill(struct arena *arena, const char *path,
                              struct array *array,
                              struct adze_error *error) ADZE_MUST_USE;

#endif
