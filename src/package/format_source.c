/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.c: the weights as an array of 64-bit words, then the code's text. Words
 * instead of bytes, because what a C compiler spends goes with the number of
 * initialisers, and a string literal of any useful length is more than C
 * promises to take. Bytes in memory are the same on little-endian machines; on
 * others the file refuses to compile.
 */
#include <inttypes.h>
#include <string.h>

#include "package/format.h"

struct state {
  uint64_t word;
  unsigned filled; /* bytes of it */
  unsigned column; /* words in this line */
};

static enum adze_status write_string(struct package_writer *writer,
                                     const char *string,
                                     struct adze_error *error) {
  return file_writer_write(writer->output, string, strlen(string), error);
}

static enum adze_status source_open(struct package_writer *writer,
                                    struct adze_error *error) {
  writer->state = ARENA_NEW(writer->arena, struct state);
  TRY(write_string(
      writer,
      arena_printf(writer->arena,
                   "/* Compiled by adze %s; see %s.h. */\n"
                   "#include <stdint.h>\n\n"
                   "#if defined(__BYTE_ORDER__) && "
                   "__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n"
                   "#error \"compiled for little-endian machines\"\n"
                   "#endif\n\n"
                   "extern const uint64_t %s_weights[];\n"
                   "_Alignas(%u) const uint64_t %s_weights[] = {",
                   writer->contents->version ? writer->contents->version : "",
                   writer->contents->module_name, writer->contents->module_name,
                   ADZE_ABI_ALIGNMENT, writer->contents->module_name),
      error));
  return ADZE_OK;
}

static enum adze_status write_word(struct package_writer *writer,
                                   struct adze_error *error) {
  struct state *state = writer->state;
  char text[32];
  snprintf(text, sizeof text, "%s0x%" PRIx64 ",",
           state->column == 0 ? "\n" : "", state->word);
  state->column = (state->column + 1) % 4;
  state->word = 0;
  state->filled = 0;
  return write_string(writer, text, error);
}

static enum adze_status source_add_weights(struct package_writer *writer,
                                           const void *data, size_t bytes,
                                           struct adze_error *error) {
  struct state *state = writer->state;
  for (size_t i = 0; i < bytes; i++) {
    uint64_t byte = ((const uint8_t *)data)[i];
    state->word |= byte << (8 * state->filled++);
    if (state->filled == 8)
      TRY(write_word(writer, error));
  }
  return ADZE_OK;
}

static enum adze_status source_finish(struct package_writer *writer,
                                      const struct package_code *code,
                                      struct adze_error *error) {
  struct state *state = writer->state;
  if (state->filled > 0 || writer->weights_bytes == 0)
    TRY(write_word(writer, error)); /* C has no empty arrays */
  TRY(write_string(writer, "\n};\n\n", error));
  return write_string(writer, code->source, error);
}

const struct package_format package_format_source = {.is_standalone = true,
                                                     .open = source_open,
                                                     .add_weights =
                                                         source_add_weights,
                                                     .finish = source_finish};
