/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.o and libNAME.a: the code's objects and one object of weights, joined
 * by lld -r or put side by side into an archive. Either way weights wait in the
 * temporary folder until the code is there.
 *
 * The archive is the common one of System V: a member "/" that lists symbols
 * with the offsets of their members (big-endian), then the members. All dates
 * and owners are zero.
 */
#include <string.h>

#include "package/format.h"

static enum adze_status object_open(struct package_writer *writer,
                                    struct adze_error *error) {
  TRY(folder_make_temporary(writer->folder, error));
  struct elf_weights *weights = NULL;
  const char *path =
      arena_printf(writer->arena, "%s/weights.o", writer->folder);
  enum adze_status status =
      elf_weights_open(writer->arena, path, &weights, error);
  writer->state = weights; /* open even if it could not be written to */
  return status;
}

static enum adze_status object_add_weights(struct package_writer *writer,
                                           const void *data, size_t bytes,
                                           struct adze_error *error) {
  return elf_weights_add(writer->state, data, bytes, error);
}

static void object_abandon(struct package_writer *writer) {
  elf_weights_abandon(writer->state);
  writer->state = NULL;
}

/* weights.o is complete after this. */
static enum adze_status finish_weights(struct package_writer *writer,
                                       const struct package_code *code,
                                       struct adze_error *error) {
  check(code->object_count > 0);
  const char *symbol =
      arena_printf(writer->arena, "%s_weights", writer->contents->module_name);
  return elf_weights_finish(writer->state, symbol, &code->objects[0], error);
}

/* Calls with a file of the temporary folder as bytes. */
static enum adze_status copy_file(struct package_writer *writer,
                                  const char *name, struct adze_error *error) {
  struct file_map map;
  TRY(file_map_open(arena_printf(writer->arena, "%s/%s", writer->folder, name),
                    &map, error));
  enum adze_status status =
      file_writer_write(writer->output, map.data, map.size, error);
  file_map_close(&map);
  return status;
}

/* ---- NAME.o -------------------------------------------------------------- */

static enum adze_status object_finish(struct package_writer *writer,
                                      const struct package_code *code,
                                      struct adze_error *error) {
  struct arena *arena = writer->arena;
  TRY(finish_weights(writer, code, error));
  const char **objects;
  TRY(link_write_objects(arena, writer->folder, code, &objects, error));
  VEC(const char *) arguments = {0};
  vec_push(arena, &arguments, "-r");
  vec_push(arena, &arguments, "-o");
  vec_push(arena, &arguments, "joined.o");
  for (size_t i = 0; i < code->object_count; i++)
    vec_push(arena, &arguments, objects[i]);
  vec_push(arena, &arguments, "weights.o");
  vec_push(arena, &arguments, NULL);
  TRY(link_run(arena, writer->folder, arguments.data, writer->contents->path,
               error));
  return copy_file(writer, "joined.o", error);
}

/* ---- libNAME.a ----------------------------------------------------------- */

#define AR_HEADER 60u

struct member {
  const char *name; /* at most 15 bytes, followed by '/' in the header */
  uint64_t bytes;
  size_t symbol_count;
  uint64_t offset; /* of its header in the archive */
};

static enum adze_status write_member_header(struct package_writer *writer,
                                            const char *name, uint64_t bytes,
                                            struct adze_error *error) {
  /* Wide enough for any number, since the compiler can't know they are small;
   * name 16, date 12, owner 6, group 6, mode 8, size 10, end 2. */
  char header[128];
  int size = snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8s%-10llu`\n",
                      name, 0, 0, 0, "100644", (unsigned long long)bytes);
  if (size != AR_HEADER)
    return fail(error, ADZE_LIMIT, "%s: too large for an archive",
                writer->contents->path);
  return file_writer_write(writer->output, header, AR_HEADER, error);
}

static enum adze_status pad_even(struct package_writer *writer,
                                 struct adze_error *error) {
  return file_writer_write(writer->output, "\n",
                           file_writer_offset(writer->output) % 2, error);
}

static void add_big_endian(struct text *text, uint64_t value) {
  char bytes[4];
  for (int i = 0; i < 4; i++)
    bytes[i] = (char)(value >> (24 - 8 * i));
  text_add_n(text, bytes, sizeof bytes);
}

/* The member "/": number of symbols, an offset for each, their names. */
static enum adze_status write_symbols(struct package_writer *writer,
                                      struct member *members, size_t count,
                                      const struct text *names,
                                      struct adze_error *error) {
  size_t symbols = 0;
  for (size_t i = 0; i < count; i++)
    symbols += members[i].symbol_count;
  uint64_t bytes = 4 + 4 * symbols + names->size;
  uint64_t at = strlen("!<arch>\n") + AR_HEADER + align_up(bytes, 2);
  struct text table = {.arena = writer->arena};
  add_big_endian(&table, symbols);
  for (size_t i = 0; i < count; i++) {
    members[i].offset = at;
    if (at > UINT32_MAX)
      return fail(error, ADZE_LIMIT, "%s: too large for an archive",
                  writer->contents->path);
    for (size_t j = 0; j < members[i].symbol_count; j++)
      add_big_endian(&table, at);
    at += AR_HEADER + align_up(members[i].bytes, 2);
  }
  TRY(write_member_header(writer, "/", bytes, error));
  TRY(file_writer_write(writer->output, table.data, table.size, error));
  TRY(file_writer_write(writer->output, names->data, names->size, error));
  return pad_even(writer, error);
}

static enum adze_status write_archive(struct package_writer *writer,
                                      const struct package_code *code,
                                      const struct object_code *weights,
                                      struct adze_error *error) {
  size_t count = code->object_count + 1;
  struct member *members = ARENA_ARRAY(writer->arena, struct member, count);
  struct text names = {.arena = writer->arena};
  for (size_t i = 0; i < count; i++) {
    const struct object_code *object =
        i < code->object_count ? &code->objects[i] : weights;
    members[i].name = object == weights
                          ? "weights.o/"
                          : arena_printf(writer->arena, "code%zu.o/", i);
    members[i].bytes = object->bytes;
    TRY(elf_global_symbols(object, &names, &members[i].symbol_count, error));
  }
  TRY(file_writer_write(writer->output, "!<arch>\n", 8, error));
  TRY(write_symbols(writer, members, count, &names, error));
  for (size_t i = 0; i < count; i++) {
    const struct object_code *object =
        i < code->object_count ? &code->objects[i] : weights;
    check(file_writer_offset(writer->output) == members[i].offset);
    TRY(write_member_header(writer, members[i].name, object->bytes, error));
    TRY(file_writer_write(writer->output, object->data, object->bytes, error));
    TRY(pad_even(writer, error));
  }
  return ADZE_OK;
}

static void close_map(void *map) { file_map_close(map); }

static enum adze_status archive_finish(struct package_writer *writer,
                                       const struct package_code *code,
                                       struct adze_error *error) {
  TRY(finish_weights(writer, code, error));
  struct file_map *map = ARENA_NEW(writer->arena, struct file_map);
  arena_defer(writer->arena, close_map, map);
  TRY(file_map_open(arena_printf(writer->arena, "%s/weights.o", writer->folder),
                    map, error));
  struct object_code weights = {map->data, map->size};
  enum adze_status status = write_archive(writer, code, &weights, error);
  file_map_close(map);
  return status;
}

const struct package_format package_format_object = {.is_standalone = true,
                                                     .open = object_open,
                                                     .add_weights =
                                                         object_add_weights,
                                                     .finish = object_finish,
                                                     .abandon = object_abandon};
const struct package_format package_format_archive = {
    .is_standalone = true,
    .open = object_open,
    .add_weights = object_add_weights,
    .finish = archive_finish,
    .abandon = object_abandon};
