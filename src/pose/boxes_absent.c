/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for boxes.c where adze is built without Jansson, so that
 * everything else still works and this says what is missing. */
#include "adze/pose.h"
#include "base/base.h"

enum adze_status adze_box_file_load(const char *path, float threshold,
                                    adze_box_file **out,
                                    struct adze_error *error) {
  (void)threshold, (void)out;
  return fail(error, ADZE_UNAVAILABLE,
              "%s: reading boxes needs Jansson, and adze was built without it",
              path);
}

size_t adze_box_file_find(const adze_box_file *file, const char *image_path,
                          const struct adze_box **out) {
  (void)file, (void)image_path;
  static const struct adze_box none;
  *out = &none;
  return 0;
}

void adze_box_file_destroy(adze_box_file *file) { (void)file; }
