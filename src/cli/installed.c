/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/installed.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum adze_status installed_file(struct arena *arena, const char *name,
                                const char **out, struct adze_error *error) {
  char program[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0)
    return fail(error, ADZE_NOT_FOUND,
                "the program can't tell where it lies, so '%s', which comes "
                "with it, is not found",
                name);
  program[length] = 0;
  /* From PREFIX/bin/adze to PREFIX. */
  for (int i = 0; i < 2; i++) {
    char *slash = strrchr(program, '/');
    if (slash)
      *slash = 0;
  }
  *out = arena_printf(arena, "%s/share/adze/%s", program, name);
  if (access(*out, R_OK) == 0)
    return ADZE_OK;
  return fail(error, ADZE_NOT_FOUND,
              "'%s' comes with adze, but this installation lacks it", *out);
}
