/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping files for reading, also below a folder that must not be left.
 *
 * Only regular files are mapped: opening a pipe or a device must neither hang
 * nor read without end. External data of a model names files of its author's
 * choice, so those are opened with openat2, whose kernel side refuses to leave
 * the folder whatever is renamed meanwhile; an older kernel gets the same, one
 * component at a time with O_NOFOLLOW.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum adze_status fail_errno(struct adze_error *error, const char *path,
                                   const char *act, int code) {
  enum adze_status status = ADZE_IO;
  if (code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG)
    status = ADZE_NOT_FOUND;
  if (code == ENOMEM)
    status = ADZE_OUT_OF_MEMORY;
  return fail(error, status, "%s: can't %s: %s", path, act, strerror(code));
}

/* Takes the descriptor. `links` is the most names that the file may have; 0
 * for any number. */
static enum adze_status map_descriptor(int descriptor, const char *path,
                                       nlink_t links, struct file_map *out,
                                       struct adze_error *error) {
  struct stat facts;
  enum adze_status status = ADZE_OK;
  *out = (struct file_map){0};
  if (fstat(descriptor, &facts) != 0)
    status = fail_errno(error, path, "read", errno);
  else if (S_ISDIR(facts.st_mode))
    status = fail(error, ADZE_IO, "%s: is a folder, not a file", path);
  else if (!S_ISREG(facts.st_mode))
    status = fail(error, ADZE_IO, "%s: is not a regular file", path);
  else if (links && facts.st_nlink > links)
    status = fail(error, ADZE_INVALID_MODEL,
                  "%s: has %ju hard links; expected a file of one name", path,
                  (uintmax_t)facts.st_nlink);
  else if ((uintmax_t)facts.st_size > SIZE_MAX / 2)
    status = fail(error, ADZE_LIMIT, "%s: is too large to map", path);
  if (status == ADZE_OK && facts.st_size > 0) {
    size_t size = (size_t)facts.st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
      status = fail_errno(error, path, "map", errno);
    else
      *out = (struct file_map){data, size};
  }
  close(descriptor);
  return status;
}

enum adze_status file_map_open(const char *path, struct file_map *out,
                               struct adze_error *error) {
  /* Without O_NONBLOCK, opening a pipe waits for a writer. */
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail_errno(error, path, "open", errno);
  return map_descriptor(descriptor, path, 0, out, error);
}

void file_map_close(struct file_map *map) {
  if (map->size > 0)
    munmap((void *)(uintptr_t)map->data, map->size);
  *map = (struct file_map){0};
}

/* ---- Below a folder ------------------------------------------------------ */

static enum adze_status check_relative(const char *path,
                                       struct adze_error *error) {
  if (!*path)
    return fail(error, ADZE_INVALID_MODEL, "the name of a file is empty");
  if (*path == '/')
    return fail(error, ADZE_INVALID_MODEL,
                "%s: is absolute; expected a name below the model's folder",
                path);
  for (const char *at = path; *at;) {
    size_t size = strcspn(at, "/");
    if (size == 2 && strncmp(at, "..", 2) == 0)
      return fail(error, ADZE_INVALID_MODEL,
                  "%s: leaves the model's folder by \"..\"", path);
    at += size;
    at += *at == '/';
  }
  return ADZE_OK;
}

static int open_by_components(int folder, const char *relative) {
  char name[NAME_MAX + 1];
  int at = dup(folder);
  while (at >= 0) {
    size_t size = strcspn(relative, "/");
    if (size >= sizeof name) {
      close(at);
      errno = ENAMETOOLONG;
      return -1;
    }
    memcpy(name, relative, size);
    name[size] = '\0';
    relative += size + strspn(relative + size, "/");
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int next = openat(at, name, *relative ? flags | O_DIRECTORY : flags);
    int code = errno;
    close(at);
    errno = code;
    at = next;
    if (!*relative)
      break;
  }
  return at;
}

static int open_below(int folder, const char *relative) {
  struct open_how how = {
      .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
  };
  long descriptor = syscall(SYS_openat2, folder, relative, &how, sizeof how);
  if (descriptor >= 0)
    return (int)descriptor;
  /* Sandboxes answer unknown calls with EPERM. */
  if (errno != ENOSYS && errno != EPERM)
    return -1;
  return open_by_components(folder, relative);
}

enum adze_status file_map_open_below(const char *folder, const char *relative,
                                     struct file_map *out,
                                     struct adze_error *error) {
  *out = (struct file_map){0};
  TRY(check_relative(relative, error));
  int root = open(*folder ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return fail_errno(error, folder, "open", errno);
  int descriptor = open_below(root, relative);
  int code = errno;
  close(root);
  if (descriptor < 0 && (code == ELOOP || code == EXDEV))
    return fail(error, ADZE_INVALID_MODEL,
                "%s: is or passes a symbolic link; expected a file below %s",
                relative, *folder ? folder : ".");
  if (descriptor < 0)
    return fail_errno(error, relative, "open", code);
  return map_descriptor(descriptor, relative, 1, out, error);
}
