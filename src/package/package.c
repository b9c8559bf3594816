/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that all formats share. What must not outlive a failed compile (an
 * unfinished output, a temporary folder) hangs on the arena, since an unwind
 * past this code can come from any allocation.
 */
#include "package/package.h"

#include <string.h>
#include <unistd.h>

#include "package/format.h"

static const struct package_format *const formats[] = {
    [ADZE_OUTPUT_SO] = &package_format_so,
    [ADZE_OUTPUT_OBJ] = &package_format_object,
    [ADZE_OUTPUT_STATIC] = &package_format_archive,
    [ADZE_OUTPUT_C] = &package_format_source,
};

bool package_module_name_valid(const char *name) {
  static const char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  size_t size = strlen(name);
  if (size == 0 || size > 100 || !strchr(letters, name[0]))
    return false;
  size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return good == size;
}

const char *package_module_name_default(struct arena *arena,
                                        const char *model_name) {
  char *name = arena_printf(arena, "adze_%.80s", model_name ? model_name : "");
  for (char *next = name; *next; next++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "0123456789_",
                *next))
      *next = '_';
  return name;
}

static void release(void *resource) {
  struct package_writer *writer = resource;
  if (writer->format->abandon)
    writer->format->abandon(writer);
  file_writer_abandon(writer->output);
  file_writer_abandon(writer->header);
  if (writer->folder[0])
    folder_remove(writer->folder);
  writer->output = writer->header = NULL;
  writer->folder[0] = '\0';
}

/* NAME.h in the folder of the output. */
static enum adze_status open_header(struct package_writer *writer,
                                    struct adze_error *error) {
  const struct package_contents *contents = writer->contents;
  const char *slash = strrchr(contents->path, '/');
  size_t folder = slash ? (size_t)(slash - contents->path) + 1 : 0;
  const char *path = arena_printf(writer->arena, "%.*s%s.h", (int)folder,
                                  contents->path, contents->module_name);
  if (string_equal(path, contents->path))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: this name is needed for the header", path);
  return file_writer_open(path, &writer->header, error);
}

enum adze_status package_open(struct arena *arena,
                              const struct package_contents *contents,
                              struct package_writer **out,
                              struct adze_error *error) {
  check((size_t)contents->format < ARRAY_COUNT(formats));
  struct package_writer *writer = ARENA_NEW(arena, struct package_writer);
  writer->arena = arena;
  writer->contents = contents;
  writer->format = formats[contents->format];
  if (writer->format->is_standalone && !contents->module_name)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: this output format needs a module name", contents->path);
  if (writer->format->is_standalone &&
      !package_module_name_valid(contents->module_name))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "module name '%s': expected a C identifier that starts with a "
                "letter, of at most 100 characters",
                contents->module_name);
  arena_defer(arena, release, writer);
  TRY(file_writer_open(contents->path, &writer->output, error));
  if (writer->format->is_standalone)
    TRY(open_header(writer, error));
  TRY(writer->format->open(writer, error));
  *out = writer;
  return ADZE_OK;
}

static enum adze_status pad_weights(struct package_writer *writer,
                                    size_t alignment,
                                    struct adze_error *error) {
  static const uint8_t zeros[256];
  uint64_t end = align_up(writer->weights_bytes, alignment);
  while (writer->weights_bytes < end) {
    uint64_t left = end - writer->weights_bytes;
    size_t part = left < sizeof zeros ? (size_t)left : sizeof zeros;
    TRY(writer->format->add_weights(writer, zeros, part, error));
    writer->weights_bytes += part;
  }
  return ADZE_OK;
}

enum adze_status package_add_weights(struct package_writer *writer,
                                     const void *data, size_t bytes,
                                     size_t alignment, uint64_t *offset,
                                     struct adze_error *error) {
  check(alignment > 0 && (alignment & (alignment - 1)) == 0 &&
        alignment <= ADZE_WEIGHTS_FILE_ALIGNMENT);
  if (bytes > (uint64_t)1 << 62 || writer->weights_bytes > (uint64_t)1 << 62)
    return fail(error, ADZE_LIMIT, "%s: too many weights",
                writer->contents->path);
  TRY(pad_weights(writer, alignment, error));
  TRY(writer->format->add_weights(writer, data, bytes, error));
  *offset = writer->weights_bytes;
  writer->weights_bytes += bytes;
  return ADZE_OK;
}

static enum adze_status write_header(struct package_writer *writer,
                                     const struct package_code *code,
                                     struct adze_error *error) {
  struct text text = {.arena = writer->arena};
  header_print(&text, writer->contents, code);
  return file_writer_write(writer->header, text_string(&text), text.size,
                           error);
}

static enum adze_status finish(struct package_writer *writer,
                               const struct package_code *code,
                               struct adze_error *error) {
  TRY(writer->format->finish(writer, code, error));
  if (writer->header)
    TRY(write_header(writer, code, error));
  struct file_writer *output = writer->output, *header = writer->header;
  writer->output = NULL;
  TRY(file_writer_commit(output, error));
  writer->header = NULL;
  if (!header)
    return ADZE_OK;
  enum adze_status status = file_writer_commit(header, error);
  if (status != ADZE_OK)
    unlink(writer->contents->path); /* one without the other helps nobody */
  return status;
}

enum adze_status package_finish(struct package_writer *writer,
                                const struct package_code *code,
                                struct adze_error *error) {
  enum adze_status status = finish(writer, code, error);
  release(writer);
  return status;
}
