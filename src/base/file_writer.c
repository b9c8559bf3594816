/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear under their name only when finished.
 *
 *   open:    an unnamed file in the folder of `path` (O_TMPFILE), or, where the
 *            file system has none, one named .NAME.PID-N.part
 *   commit:  flush, fsync, give it that name, rename to `path`
 *
 * An unnamed file vanishes by itself when the process is killed. A symbolic
 * link at `path` is followed, so that what it points to is replaced, not the
 * link. A device or pipe at `path` (/dev/null, …) is written directly:
 * renaming over it would destroy it.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITER_BUFFER = 64 << 10 };

struct file_writer {
  int descriptor;
  bool direct; /* a device: neither synced nor renamed */
  bool named;  /* `part` exists */
  char path[PATH_MAX];
  char part[PATH_MAX + NAME_MAX];
  uint64_t flushed; /* bytes in the file */
  size_t buffered;
  unsigned char buffer[WRITER_BUFFER];
};

/* Always IO: NOT_FOUND means an input that is missing. */
static enum adze_status fail_write(struct adze_error *error, const char *path,
                                   int code) {
  return fail(error, ADZE_IO, "%s: can't write: %s", path, strerror(code));
}

/* Fills in `path` (links resolved) and says whether it is written directly. */
static enum adze_status resolve_path(struct file_writer *writer,
                                     const char *path,
                                     struct adze_error *error) {
  struct stat facts;
  if (strlen(path) >= sizeof writer->path)
    return fail(error, ADZE_INVALID_ARGUMENT, "%.200s…: the path is too long",
                path);
  if (stat(path, &facts) != 0) {
    strcpy(writer->path, path);
    return errno == ENOENT && *path ? ADZE_OK : fail_write(error, path, errno);
  }
  if (S_ISDIR(facts.st_mode))
    return fail(error, ADZE_IO, "%s: can't write: is a folder", path);
  writer->direct = !S_ISREG(facts.st_mode);
  if (writer->direct)
    strcpy(writer->path, path);
  else if (!realpath(path, writer->path))
    return fail(error, ADZE_IO, "%s: can't write: the path can't be resolved",
                path);
  return ADZE_OK;
}

/* folder/.name.pid-n.part; the folder alone is left in `folder`. */
static void name_part(struct file_writer *writer, char *folder) {
  static atomic_uint counter;
  const char *slash = strrchr(writer->path, '/');
  const char *name = slash ? slash + 1 : writer->path;
  size_t folder_size = (size_t)(name - writer->path);
  memcpy(folder, writer->path, folder_size);
  folder[folder_size] = '\0';
  snprintf(writer->part, sizeof writer->part, "%s.%.180s.%ld-%u.part", folder,
           name, (long)getpid(), atomic_fetch_add(&counter, 1));
  if (!*folder)
    strcpy(folder, ".");
}

static enum adze_status open_part(struct file_writer *writer,
                                  struct adze_error *error) {
  char folder[PATH_MAX];
  name_part(writer, folder);
  writer->descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (writer->descriptor >= 0)
    return ADZE_OK;
  writer->descriptor =
      open(writer->part, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  if (writer->descriptor < 0)
    return fail_write(error, writer->path, errno);
  writer->named = true;
  return ADZE_OK;
}

enum adze_status file_writer_open(const char *path, struct file_writer **out,
                                  struct adze_error *error) {
  *out = NULL;
  struct file_writer *writer = calloc(1, sizeof *writer);
  if (!writer)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", path);
  writer->descriptor = -1;
  enum adze_status status = resolve_path(writer, path, error);
  if (status == ADZE_OK && writer->direct) {
    writer->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (writer->descriptor < 0)
      status = fail_write(error, path, errno);
  } else if (status == ADZE_OK) {
    status = open_part(writer, error);
  }
  if (status != ADZE_OK) {
    free(writer);
    return status;
  }
  *out = writer;
  return ADZE_OK;
}

enum adze_status file_check_writable(const char *path,
                                     struct adze_error *error) {
  struct file_writer *writer = calloc(1, sizeof *writer);
  if (!writer)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", path);
  writer->descriptor = -1;
  enum adze_status status = resolve_path(writer, path, error);
  /* Opening a pipe would wait for a reader, and closing it end what he gets. */
  if (status == ADZE_OK && !writer->direct)
    status = open_part(writer, error);
  file_writer_abandon(writer);
  return status;
}

/* Writes all, at `offset` or, when that is negative, at the end. */
static enum adze_status write_all(struct file_writer *writer, const void *data,
                                  size_t size, off_t offset,
                                  struct adze_error *error) {
  const unsigned char *bytes = data;
  while (size > 0) {
    ssize_t written = offset < 0
                          ? write(writer->descriptor, bytes, size)
                          : pwrite(writer->descriptor, bytes, size, offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return fail_write(error, writer->path, written < 0 ? errno : ENOSPC);
    bytes += written;
    size -= (size_t)written;
    if (offset >= 0)
      offset += written;
    else
      writer->flushed += (uint64_t)written;
  }
  return ADZE_OK;
}

static enum adze_status flush(struct file_writer *writer,
                              struct adze_error *error) {
  size_t size = writer->buffered;
  writer->buffered = 0;
  return write_all(writer, writer->buffer, size, -1, error);
}

enum adze_status file_writer_write(struct file_writer *writer, const void *data,
                                   size_t size, struct adze_error *error) {
  if (size > sizeof writer->buffer - writer->buffered)
    TRY(flush(writer, error));
  if (size > sizeof writer->buffer)
    return write_all(writer, data, size, -1, error);
  if (size)
    memcpy(writer->buffer + writer->buffered, data, size);
  writer->buffered += size;
  return ADZE_OK;
}

enum adze_status file_writer_write_at(struct file_writer *writer,
                                      uint64_t offset, const void *data,
                                      size_t size, struct adze_error *error) {
  TRY(flush(writer, error));
  check(offset <= writer->flushed && size <= writer->flushed - offset);
  return write_all(writer, data, size, (off_t)offset, error);
}

uint64_t file_writer_offset(const struct file_writer *writer) {
  return writer->flushed + writer->buffered;
}

static enum adze_status publish(struct file_writer *writer,
                                struct adze_error *error) {
  TRY(flush(writer, error));
  if (writer->direct)
    return ADZE_OK;
  if (fsync(writer->descriptor) != 0)
    return fail_write(error, writer->path, errno);
  if (!writer->named) {
    char unnamed[64];
    snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", writer->descriptor);
    if (linkat(AT_FDCWD, unnamed, AT_FDCWD, writer->part, AT_SYMLINK_FOLLOW) !=
        0)
      return fail_write(error, writer->path, errno);
    writer->named = true;
  }
  if (rename(writer->part, writer->path) != 0)
    return fail_write(error, writer->path, errno);
  writer->named = false;
  return ADZE_OK;
}

enum adze_status file_writer_commit(struct file_writer *writer,
                                    struct adze_error *error) {
  enum adze_status status = publish(writer, error);
  /* Some file systems report a full disk only now. */
  int closed = close(writer->descriptor);
  writer->descriptor = -1;
  if (status == ADZE_OK && closed != 0 && writer->direct)
    status = fail_write(error, writer->path, errno);
  file_writer_abandon(writer);
  return status;
}

void file_writer_abandon(struct file_writer *writer) {
  if (!writer)
    return;
  if (writer->descriptor >= 0)
    close(writer->descriptor);
  if (writer->named)
    unlink(writer->part);
  free(writer);
}

enum adze_status file_write_all(const char *path, const void *data, size_t size,
                                struct adze_error *error) {
  struct file_writer *writer;
  TRY(file_writer_open(path, &writer, error));
  enum adze_status status = file_writer_write(writer, data, size, error);
  if (status != ADZE_OK) {
    file_writer_abandon(writer);
    return status;
  }
  return file_writer_commit(writer, error);
}
