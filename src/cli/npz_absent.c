/* SPDX-License-Identifier: Apache-2.0 */
/* In place of npz.c in a build without libzip. No archive can be opened, so
 * what takes an open one is never called. */
#include "cli/npz.h"

static enum adze_status no_npz(const char *path, struct adze_error *error) {
  return fail(error, ADZE_UNAVAILABLE,
              "%s: npz files need libzip, which was absent when adze was built",
              path);
}

enum adze_status npz_open(struct arena *arena, const char *path,
                          struct npz **out, struct adze_error *error) {
  (void)arena, (void)out;
  return no_npz(path, error);
}

const char *npz_path(const struct npz *npz) {
  (void)npz;
  unreachable();
}

size_t npz_count(const struct npz *npz) {
  (void)npz;
  unreachable();
}

const struct array *npz_array(const struct npz *npz, size_t index) {
  (void)npz, (void)index;
  unreachable();
}

int npz_find(const struct npz *npz, const char *name) {
  (void)npz, (void)name;
  unreachable();
}

enum adze_status npz_read(struct npz *npz, size_t index, void *out,
                          struct adze_error *error) {
  (void)npz, (void)index, (void)out, (void)error;
  unreachable();
}

enum adze_status npz_write(struct arena *arena, const char *path,
                           const struct array *arrays, size_t count,
                           struct adze_error *error) {
  (void)arena, (void)arrays, (void)count;
  return no_npz(path, error);
}
