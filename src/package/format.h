/* SPDX-License-Identifier: Apache-2.0 */
/* Between package.c and the files of the formats. */
#ifndef PACKAGE_FORMAT_H
#define PACKAGE_FORMAT_H

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/text.h"
#include "package/package.h"

struct package_writer {
  struct arena *arena;
  const struct package_contents *contents;
  const struct package_format *format;
  uint64_t weights_bytes; /* so far */
  struct file_writer *output;
  struct file_writer *header; /* NAME.h */
  char folder[PATH_MAX];      /* temporary; "" when there is none */
  void *state;                /* the format's, in the arena */
};

/* One output format. Steps are called in this order, each after the success of
 * the one before; package.c opens and commits the output. */
struct package_format {
  bool is_standalone; /* linked into programs: module_name, NAME.h */
  enum adze_status (*open)(struct package_writer *writer,
                           struct adze_error *error);
  /* `bytes` bytes at writer->weights_bytes; also called for the padding. */
  enum adze_status (*add_weights)(struct package_writer *writer,
                                  const void *data, size_t bytes,
                                  struct adze_error *error);
  enum adze_status (*finish)(struct package_writer *writer,
                             const struct package_code *code,
                             struct adze_error *error);
  /* Releases what package.c doesn't know of; may be NULL. */
  void (*abandon)(struct package_writer *writer);
};
extern const struct package_format package_format_so, package_format_object,
    package_format_archive, package_format_source;

/* ---- Pieces that formats share ------------------------------------------- */

/* The index with checksums, offsets and byte counts left zero. */
struct index_image {
  struct adze_index_header *header; /* index_bytes bytes, arena */
  size_t bytes;
};
enum adze_status index_build(struct arena *arena,
                             const struct package_contents *contents,
                             struct index_image *out,
                             struct adze_error *error) ADZE_MUST_USE;
/* Fills in index_crc; the last step. */
void index_seal(struct adze_index_header *header);

/* One ustar header, 512 bytes; LIMIT for 8 GiB and more. */
#define TAR_RECORD 512u
enum adze_status tar_header(const char *name, uint64_t bytes,
                            uint8_t out[TAR_RECORD],
                            struct adze_error *error) ADZE_MUST_USE;

/* The text of NAME.h. */
void header_print(struct text *text, const struct package_contents *contents,
                  const struct package_code *code);

/* A file in the temporary folder: neither synced nor renamed. */
enum adze_status scratch_write(const char *path, const void *data, size_t bytes,
                               struct adze_error *error) ADZE_MUST_USE;
/* Writes every object as FOLDER/codeN.o and returns their names, ending with
 * NULL, arena. */
enum adze_status link_write_objects(struct arena *arena, const char *folder,
                                    const struct package_code *code,
                                    const char ***names,
                                    struct adze_error *error) ADZE_MUST_USE;
/* Runs ld.lld in `folder` with these arguments (NULL-terminated, without the
 * program's name); `what` is being made, for messages. */
enum adze_status link_run(struct arena *arena, const char *folder,
                          const char *const *arguments, const char *what,
                          struct adze_error *error) ADZE_MUST_USE;

/* Weights as a relocatable object of its own with the symbol NAME_weights,
 * written in pieces to `path`; elf_weights_finish takes machine and flags from
 * `like`, an object that it will be linked with. */
struct elf_weights;
enum adze_status elf_weights_open(struct arena *arena, const char *path,
                                  struct elf_weights **out,
                                  struct adze_error *error) ADZE_MUST_USE;
enum adze_status elf_weights_add(struct elf_weights *weights, const void *data,
                                 size_t bytes,
                                 struct adze_error *error) ADZE_MUST_USE;
enum adze_status elf_weights_finish(struct elf_weights *weights,
                                    const char *symbol,
                                    const struct object_code *like,
                                    struct adze_error *error) ADZE_MUST_USE;
/* NULL is fine. */
void elf_weights_abandon(struct elf_weights *weights);
/* Appends the names of the global symbols that an object defines, each with
 * its NUL; returns their number. INTERNAL when it is not an object of 64 bits
 * and little-endian. */
enum adze_status elf_global_symbols(const struct object_code *object,
                                    struct text *names, size_t *count,
                                    struct adze_error *error) ADZE_MUST_USE;

#endif
