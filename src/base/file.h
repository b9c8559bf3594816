/* SPDX-License-Identifier: Apache-2.0 */
/* Files: mapping for reading, writing that is all or nothing. Errors name the
 * file. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/base.h"

/* A read-only mapping of a regular file; {0} when empty. */
struct file_map {
  const uint8_t *data;
  size_t size;
};

enum adze_status file_map_open(const char *path, struct file_map *out,
                               struct adze_error *error) ADZE_MUST_USE;
void file_map_close(struct file_map *map);

/* A regular file below `folder`, for external data: refuses absolute paths,
 * "..", symbolic links anywhere below the folder and files with more than one
 * hard link (openat2 with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS, or the same
 * by hand where the kernel lacks it). */
enum adze_status file_map_open_below(const char *folder, const char *relative,
                                     struct file_map *out,
                                     struct adze_error *error) ADZE_MUST_USE;

/* A file that appears under its name only when finished: written beside its
 * place, synced, renamed. */
struct file_writer;
enum adze_status file_writer_open(const char *path, struct file_writer **out,
                                  struct adze_error *error) ADZE_MUST_USE;
enum adze_status file_writer_write(struct file_writer *writer, const void *data,
                                   size_t size,
                                   struct adze_error *error) ADZE_MUST_USE;
/* Overwrites bytes written before (an index at the front). */
enum adze_status file_writer_write_at(struct file_writer *writer,
                                      uint64_t offset, const void *data,
                                      size_t size,
                                      struct adze_error *error) ADZE_MUST_USE;
uint64_t file_writer_offset(const struct file_writer *writer);
/* Closes and renames; takes the writer, also on failure. */
enum adze_status file_writer_commit(struct file_writer *writer,
                                    struct adze_error *error) ADZE_MUST_USE;
/* Closes and removes; NULL is fine. */
void file_writer_abandon(struct file_writer *writer);

/* Whether a file of this name could be written, so that long work does not end
 * in a sentence that was due at its start. Leaves nothing behind. */
enum adze_status file_check_writable(const char *path,
                                     struct adze_error *error) ADZE_MUST_USE;

/* Convenience: the whole of a small text at once. */
enum adze_status file_write_all(const char *path, const void *data, size_t size,
                                struct adze_error *error) ADZE_MUST_USE;

/* A new private folder under TMPDIR, and its removal with all it holds. `out`
 * has PATH_MAX bytes. */
enum adze_status folder_make_temporary(char *out,
                                       struct adze_error *error) ADZE_MUST_USE;
void folder_remove(const char *path);
/* Removes all temporary folders that there are, with what other threads have
 * put there, and lets no more be made: for a program that is about to end. Not
 * for a signal's handler. */
void folder_end_temporary(void);
/* mkdir -p. */
enum adze_status folder_make(const char *path,
                             struct adze_error *error) ADZE_MUST_USE;

#endif
