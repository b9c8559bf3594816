/* SPDX-License-Identifier: Apache-2.0 */
/* The package. Weights are streamed before the code is known, so they come
 * before it in the file; the front, whose size is known when opening, is
 * written last, since it holds the checksums of everything else.
 *
 *   0        tar header | index | padding member | tar header
 *   k*64Ki   mod.params
 *            tar header | mod.so | tar header | mod.json | end of archive
 */
#include <string.h>

#include "base/crc32c.h"
#include "package/format.h"

struct state {
  struct index_image index;
  uint8_t *front; /* [front_bytes] everything before the weights */
  size_t front_bytes;
  uint32_t rest_crc; /* of headers and padding so far */
};

static enum adze_status write_zeros(struct package_writer *writer, size_t bytes,
                                    struct adze_error *error) {
  static const uint8_t zeros[4096];
  while (bytes > 0) {
    size_t part = bytes < sizeof zeros ? bytes : sizeof zeros;
    TRY(file_writer_write(writer->output, zeros, part, error));
    bytes -= part;
  }
  return ADZE_OK;
}

/* Where the weights begin, behind the index and a header of their own. */
static size_t place_weights(size_t index_bytes) {
  size_t index_end = align_up(ADZE_INDEX_OFFSET + index_bytes, TAR_RECORD);
  return align_up(index_end + TAR_RECORD, ADZE_WEIGHTS_FILE_ALIGNMENT);
}

static enum adze_status so_open(struct package_writer *writer,
                                struct adze_error *error) {
  struct state *state = ARENA_NEW(writer->arena, struct state);
  writer->state = state;
  TRY(index_build(writer->arena, writer->contents, &state->index, error));
  state->front_bytes = place_weights(state->index.bytes);
  state->front = arena_alloc(writer->arena, state->front_bytes);
  return write_zeros(writer, state->front_bytes, error);
}

static enum adze_status so_add_weights(struct package_writer *writer,
                                       const void *data, size_t bytes,
                                       struct adze_error *error) {
  struct state *state = writer->state;
  struct adze_index_header *header = state->index.header;
  header->weights_crc = crc32c(header->weights_crc, data, bytes);
  return file_writer_write(writer->output, data, bytes, error);
}

/* ---- Finishing ----------------------------------------------------------- */

/* Bytes that belong to no member. */
static enum adze_status write_rest(struct package_writer *writer,
                                   const void *data, size_t bytes,
                                   struct adze_error *error) {
  struct state *state = writer->state;
  state->rest_crc = crc32c(state->rest_crc, data, bytes);
  return file_writer_write(writer->output, data, bytes, error);
}

/* Fills the last record of a member. */
static enum adze_status pad_member(struct package_writer *writer,
                                   struct adze_error *error) {
  static const uint8_t zeros[TAR_RECORD];
  size_t used = file_writer_offset(writer->output) % TAR_RECORD;
  return write_rest(writer, zeros, used ? TAR_RECORD - used : 0, error);
}

static enum adze_status write_member(struct package_writer *writer,
                                     const char *name, const void *data,
                                     size_t bytes, uint64_t *offset,
                                     struct adze_error *error) {
  uint8_t record[TAR_RECORD];
  TRY(tar_header(name, bytes, record, error));
  TRY(write_rest(writer, record, sizeof record, error));
  *offset = file_writer_offset(writer->output);
  TRY(file_writer_write(writer->output, data, bytes, error));
  return pad_member(writer, error);
}

/* The records before the weights; what is between them is zero already. */
static enum adze_status fill_front(struct package_writer *writer,
                                   struct adze_error *error) {
  struct state *state = writer->state;
  uint8_t *front = state->front;
  size_t index_end =
      align_up(ADZE_INDEX_OFFSET + state->index.bytes, TAR_RECORD);
  size_t weights_record = state->front_bytes - TAR_RECORD;
  TRY(tar_header("index", state->index.bytes, front, error));
  if (weights_record > index_end)
    TRY(tar_header("padding", weights_record - index_end - TAR_RECORD,
                   front + index_end, error));
  TRY(tar_header("mod.params", writer->weights_bytes, front + weights_record,
                 error));
  size_t after = ADZE_INDEX_OFFSET + state->index.bytes;
  state->rest_crc = crc32c(0, front, ADZE_INDEX_OFFSET);
  state->rest_crc =
      crc32c(state->rest_crc, front + after, state->front_bytes - after);
  return ADZE_OK;
}

static enum adze_status link_shared(struct package_writer *writer,
                                    const struct package_code *code,
                                    struct file_map *out,
                                    struct adze_error *error) {
  struct arena *arena = writer->arena;
  static const char exports[] =
      "{ global: " ADZE_MODULE_QUERY_NAME "; local: *; };\n";
  static const char *const fixed[] = {"-shared",
                                      "-o",
                                      "mod.so",
                                      "--version-script=exports",
                                      "--gc-sections",
                                      "-z",
                                      "defs",
                                      "-z",
                                      "relro",
                                      "-z",
                                      "now",
                                      "-z",
                                      "noexecstack",
                                      "--hash-style=gnu",
                                      "--build-id=none",
                                      "-s"};
  TRY(folder_make_temporary(writer->folder, error));
  TRY(scratch_write(arena_printf(arena, "%s/exports", writer->folder), exports,
                    sizeof exports - 1, error));
  const char **objects;
  TRY(link_write_objects(arena, writer->folder, code, &objects, error));
  VEC(const char *) arguments = {0};
  for (size_t i = 0; i < ARRAY_COUNT(fixed); i++)
    vec_push(arena, &arguments, fixed[i]);
  for (size_t i = 0; i < code->object_count; i++)
    vec_push(arena, &arguments, objects[i]);
  vec_push(arena, &arguments, NULL);
  TRY(link_run(arena, writer->folder, arguments.data, writer->contents->path,
               error));
  return file_map_open(arena_printf(arena, "%s/mod.so", writer->folder), out,
                       error);
}

static enum adze_status write_back(struct package_writer *writer,
                                   const struct package_code *code,
                                   const struct file_map *so,
                                   struct adze_error *error) {
  static const uint8_t end[2 * TAR_RECORD];
  struct state *state = writer->state;
  struct adze_index_header *header = state->index.header;
  TRY(pad_member(writer, error));
  TRY(write_member(writer, "mod.so", so->data, so->size, &header->code_offset,
                   error));
  TRY(write_member(writer, "mod.json", code->json, code->json_bytes,
                   &header->json_offset, error));
  TRY(write_rest(writer, end, sizeof end, error));
  header->file_bytes = file_writer_offset(writer->output);
  header->code_bytes = so->size;
  header->code_crc = crc32c(0, so->data, so->size);
  header->weights_offset = state->front_bytes;
  header->weights_bytes = writer->weights_bytes;
  header->json_bytes = code->json_bytes;
  header->json_crc = crc32c(0, code->json, code->json_bytes);
  header->rest_crc = state->rest_crc;
  index_seal(header);
  memcpy(state->front + ADZE_INDEX_OFFSET, header, state->index.bytes);
  return file_writer_write_at(writer->output, 0, state->front,
                              state->front_bytes, error);
}

static enum adze_status so_finish(struct package_writer *writer,
                                  const struct package_code *code,
                                  struct adze_error *error) {
  struct file_map so = {0};
  TRY(fill_front(writer, error));
  TRY(link_shared(writer, code, &so, error));
  enum adze_status status = write_back(writer, code, &so, error);
  file_map_close(&so);
  return status;
}

const struct package_format package_format_so = {
    .open = so_open, .add_weights = so_add_weights, .finish = so_finish};
