/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing folders. Removal never follows symbolic links nor leaves
 * the file system it started on. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum adze_status folder_make_temporary(char *out, struct adze_error *error) {
  const char *root = getenv("TMPDIR");
  if (!root || !*root)
    root = "/tmp";
  int size = snprintf(out, PATH_MAX, "%s/adze-XXXXXX", root);
  if (size < 0 || size >= PATH_MAX)
    return fail(error, ADZE_IO, "TMPDIR: the path is too long");
  if (!mkdtemp(out))
    return fail(error, ADZE_IO, "%s: can't make a temporary folder: %s", root,
                strerror(errno));
  return ADZE_OK;
}

static int remove_entry(const char *path, const struct stat *facts, int kind,
                        struct FTW *place) {
  (void)facts;
  (void)kind;
  (void)place;
  /* What can't be removed now stays; there is no one to tell. */
  remove(path);
  return 0;
}

void folder_remove(const char *path) {
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static enum adze_status make_one(const char *path, struct adze_error *error) {
  struct stat facts;
  if (mkdir(path, 0777) == 0)
    return ADZE_OK;
  int code = errno;
  if (stat(path, &facts) == 0) {
    if (S_ISDIR(facts.st_mode))
      return ADZE_OK;
    code = ENOTDIR;
  }
  return fail(error, ADZE_IO, "%s: can't make the folder: %s", path,
              strerror(code));
}

enum adze_status folder_make(const char *path, struct adze_error *error) {
  char prefix[PATH_MAX];
  size_t size = strlen(path);
  if (size == 0 || size >= sizeof prefix)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "\"%.200s\": not a name for a folder", path);
  memcpy(prefix, path, size + 1);
  for (size_t i = 1; i < size; i++) {
    if (prefix[i] != '/' || prefix[i - 1] == '/')
      continue;
    prefix[i] = '\0';
    TRY(make_one(prefix, error));
    prefix[i] = '/';
  }
  return make_one(path, error);
}
