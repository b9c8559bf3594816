/* SPDX-License-Identifier: Apache-2.0 */
/* Values stay 0..255: what else a network wants of its input can be compiled
 * into it (--mean-values, --scale-values, --reverse-input-channels), where it
 * costs nothing and can't be forgotten.
 */
#include "cli/picture.h"

#include <limits.h>

#include "adze/image.h"

struct layout {
  int64_t channels, height, width;
  bool channels_last;
};

static bool find_layout(int rank, const int64_t *dims, struct layout *out) {
  if (rank != 4 || dims[0] > 1)
    return false;
  if (dims[1] == 3 || dims[1] == 1)
    *out = (struct layout){dims[1], dims[2], dims[3], false};
  else if (dims[3] == 3 || dims[3] == 1)
    *out = (struct layout){dims[3], dims[1], dims[2], true};
  else
    return false;
  return out->height <= ADZE_IMAGE_MAX_SIDE &&
         out->width <= ADZE_IMAGE_MAX_SIDE;
}

bool picture_fits(int rank, const int64_t *dims) {
  struct layout layout;
  return find_layout(rank, dims, &layout);
}

/* Dense planes red, green, blue to the array's layout and type. */
static void store_planes(struct array *array, const struct layout *layout,
                         const float *planes) {
  size_t pixels = (size_t)(layout->height * layout->width);
  for (size_t p = 0; p < pixels; p++) {
    const float red = planes[p], green = planes[pixels + p],
                blue = planes[2 * pixels + p];
    if (layout->channels == 1) {
      array_set(array, p, 0.299 * red + 0.587 * green + 0.114 * blue);
      continue;
    }
    for (size_t c = 0; c < 3; c++)
      array_set(array, layout->channels_last ? p * 3 + c : c * pixels + p,
                planes[c * pixels + p]);
  }
}

enum adze_status picture_fill(struct arena *arena, const char *path,
                              struct array *array, struct adze_error *error) {
  struct layout layout;
  struct adze_image image;
  struct adze_image_target target;
  check(find_layout(array->rank, array->dims, &layout));
  if (layout.height == 0 || layout.width == 0)
    return ADZE_OK;
  float *planes = arena_alloc_array(
      arena, (size_t)(layout.height * layout.width), 3 * sizeof(float));
  TRY(adze_image_load(path, &image, error));
  adze_image_target_init(&target, planes, (int)layout.width,
                         (int)layout.height);
  enum adze_status status = adze_image_resize(&image, &target, error);
  adze_image_release(&image);
  TRY(status);
  store_planes(array, &layout, planes);
  return ADZE_OK;
}
