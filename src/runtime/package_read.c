/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in a package is trusted: the index is checksummed before its fields
 * are believed, then every table, string and number in it is checked once, so
 * that the rest of the runtime can use it as it would use its own data. Cost
 * is linear in the size of the index, whatever it says.
 *
 * The checksum comes first, so that damage is called damage; a package of
 * another version has an intact checksum and is told apart from that.
 */
#include "runtime/package_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adze/runtime.h"
#include "base/cpu.h"
#include "base/crc32c.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "packages are little-endian and are used in place"
#endif

#define DAMAGED(...) fail(error, ADZE_INVALID_PACKAGE, __VA_ARGS__)

enum adze_status package_find_index(const char *name, const uint8_t *file,
                                    size_t file_bytes, const uint8_t **out,
                                    size_t *index_bytes,
                                    struct adze_error *error) {
  size_t magic_bytes = sizeof ADZE_INDEX_MAGIC - 1;
  if (file_bytes < ADZE_INDEX_OFFSET + magic_bytes ||
      memcmp(file + ADZE_INDEX_OFFSET, ADZE_INDEX_MAGIC, magic_bytes) != 0)
    return DAMAGED("%s: not an adze package", name);
  struct adze_index_header header;
  if (file_bytes < ADZE_INDEX_OFFSET + sizeof header)
    return DAMAGED("%s: cut short: %zu bytes don't hold the index", name,
                   file_bytes);
  memcpy(&header, file + ADZE_INDEX_OFFSET, sizeof header);
  if (header.index_bytes < sizeof header ||
      header.index_bytes > file_bytes - ADZE_INDEX_OFFSET)
    return DAMAGED("%s: the index has %" PRIu32 " bytes in a file of %zu", name,
                   header.index_bytes, file_bytes);
  *out = file + ADZE_INDEX_OFFSET;
  *index_bytes = header.index_bytes;
  return ADZE_OK;
}

/* CRC-32C of the index with its own field as zero. */
static uint32_t index_checksum(const struct adze_index_header *index,
                               size_t index_bytes) {
  static const uint8_t zero[sizeof index->index_crc];
  const uint8_t *bytes = (const uint8_t *)index;
  size_t field = offsetof(struct adze_index_header, index_crc);
  size_t after = field + sizeof zero;
  uint32_t crc = crc32c(0, bytes, field);
  crc = crc32c(crc, zero, sizeof zero);
  return crc32c(crc, bytes + after, index_bytes - after);
}

static enum adze_status check_table(const char *name,
                                    const struct adze_index_header *index,
                                    const char *what, uint32_t count,
                                    uint32_t offset, size_t entry_bytes,
                                    struct adze_error *error) {
  if (offset % 8 != 0 || offset > index->index_bytes ||
      count > (index->index_bytes - offset) / entry_bytes)
    return DAMAGED("%s: the index' table of %s lies outside it", name, what);
  return ADZE_OK;
}

static enum adze_status check_string(const char *name,
                                     const struct adze_index_header *index,
                                     const char *what, uint32_t offset,
                                     struct adze_error *error) {
  if (offset >= index->index_bytes)
    return DAMAGED("%s: a string of the index (%s) lies outside it", name,
                   what);
  return ADZE_OK;
}

/* A table of `count` entries of `strings` string offsets each. */
static enum adze_status check_strings(const char *name,
                                      const struct adze_index_header *index,
                                      const char *what, uint32_t count,
                                      uint32_t offset, size_t strings,
                                      struct adze_error *error) {
  TRY(check_table(name, index, what, count, offset, strings * sizeof(uint32_t),
                  error));
  const uint32_t *table = package_table(index, offset);
  for (size_t i = 0; i < count * strings; i++)
    TRY(check_string(name, index, what, table[i], error));
  return ADZE_OK;
}

static enum adze_status check_symbols(const char *name,
                                      const struct adze_index_header *index,
                                      struct adze_error *error) {
  const struct adze_index_symbol *symbols =
      package_table(index, index->symbols);
  TRY(check_table(name, index, "open dimensions", index->symbol_count,
                  index->symbols, sizeof *symbols, error));
  for (uint32_t i = 0; i < index->symbol_count; i++) {
    TRY(check_string(name, index, "open dimension", symbols[i].name_string,
                     error));
    if (symbols[i].minimum < 0 || symbols[i].minimum > symbols[i].maximum)
      return DAMAGED(
          "%s: the range of open dimension '%s' is empty or negative", name,
          package_string(index, symbols[i].name_string));
  }
  return ADZE_OK;
}

static enum adze_status check_tensor(const char *name,
                                     const struct adze_index_header *index,
                                     const struct adze_index_tensor *tensor,
                                     bool is_output, struct adze_error *error) {
  TRY(check_string(name, index, "tensor", tensor->name_string, error));
  const char *text = package_string(index, tensor->name_string);
  size_t element = adze_dtype_bytes((enum adze_dtype)tensor->dtype);
  if (element == 0)
    return DAMAGED("%s: tensor '%s' has the unknown element type %" PRIu32,
                   name, text, tensor->dtype);
  if (tensor->rank > ADZE_INDEX_MAX_RANK)
    return DAMAGED("%s: tensor '%s' has rank %" PRIu32 ", more than %d", name,
                   text, tensor->rank, ADZE_INDEX_MAX_RANK);
  int64_t bytes = (int64_t)element;
  for (uint32_t i = 0; i < tensor->rank; i++) {
    int64_t dim = tensor->dims[i];
    if (dim >= 0) {
      if (dim > 0 && !int64_mul(bytes, dim, &bytes))
        return DAMAGED("%s: the size of tensor '%s' overflows", name, text);
    } else if (!(is_output && dim == INT64_MIN) &&
               (uint64_t)~dim >= index->symbol_count) {
      return DAMAGED("%s: dimension %" PRIu32 " of tensor '%s' is unknown",
                     name, i, text);
    }
  }
  return ADZE_OK;
}

static enum adze_status check_tensors(const char *name,
                                      const struct adze_index_header *index,
                                      uint32_t count, uint32_t offset,
                                      bool is_output,
                                      struct adze_error *error) {
  const struct adze_index_tensor *tensors = package_table(index, offset);
  TRY(check_table(name, index, is_output ? "outputs" : "inputs", count, offset,
                  sizeof *tensors, error));
  for (uint32_t i = 0; i < count; i++)
    TRY(check_tensor(name, index, &tensors[i], is_output, error));
  return ADZE_OK;
}

static enum adze_status check_kernels(const char *name,
                                      const struct adze_index_header *index,
                                      struct adze_error *error) {
  const struct adze_index_kernel *kernels =
      package_table(index, index->kernels);
  TRY(check_table(name, index, "kernels", index->kernel_count, index->kernels,
                  sizeof *kernels, error));
  for (uint32_t i = 0; i < index->kernel_count; i++) {
    TRY(check_string(name, index, "kernel", kernels[i].name_string, error));
    TRY(check_string(name, index, "template", kernels[i].template_string,
                     error));
  }
  return ADZE_OK;
}

/* A piece of the file that has a checksum of its own. */
struct piece {
  const char *name;
  uint64_t offset, bytes;
  uint32_t crc;
};
#define PIECE_COUNT 4

/* All such pieces in file order. */
static void list_pieces(const struct adze_index_header *index,
                        struct piece out[PIECE_COUNT]) {
  const struct piece pieces[PIECE_COUNT] = {
      {"the index", ADZE_INDEX_OFFSET, index->index_bytes, index->index_crc},
      {"mod.so", index->code_offset, index->code_bytes, index->code_crc},
      {"mod.params", index->weights_offset, index->weights_bytes,
       index->weights_crc},
      {"mod.json", index->json_offset, index->json_bytes, index->json_crc},
  };
  for (size_t i = 0; i < PIECE_COUNT; i++) {
    size_t at = i;
    for (; at > 0 && out[at - 1].offset > pieces[i].offset; at--)
      out[at] = out[at - 1];
    out[at] = pieces[i];
  }
}

static enum adze_status check_layout(const char *name,
                                     const struct adze_index_header *index,
                                     size_t file_bytes,
                                     struct adze_error *error) {
  if (index->file_bytes > file_bytes)
    return DAMAGED("%s: cut short: %zu of %" PRIu64 " bytes", name, file_bytes,
                   index->file_bytes);
  if (index->file_bytes < file_bytes)
    return DAMAGED("%s: %" PRIu64 " bytes too many at its end", name,
                   file_bytes - index->file_bytes);
  if (index->weights_offset % ADZE_WEIGHTS_FILE_ALIGNMENT != 0)
    return DAMAGED("%s: the weights are not aligned in the file", name);
  struct piece pieces[PIECE_COUNT];
  list_pieces(index, pieces);
  uint64_t end = 0;
  for (size_t i = 0; i < PIECE_COUNT; i++) {
    if (pieces[i].offset < end || pieces[i].offset > file_bytes ||
        pieces[i].bytes > file_bytes - pieces[i].offset)
      return DAMAGED("%s: %s overlaps another part or the file's end", name,
                     pieces[i].name);
    end = pieces[i].offset + pieces[i].bytes;
  }
  return ADZE_OK;
}

enum adze_status package_check_index(const char *name,
                                     const struct adze_index_header *index,
                                     size_t index_bytes, size_t file_bytes,
                                     struct adze_error *error) {
  check(index_bytes >= sizeof *index);
  if (index->index_bytes != index_bytes ||
      index_checksum(index, index_bytes) != index->index_crc)
    return DAMAGED("%s: the index is damaged (checksum)", name);
  if (index->index_version != ADZE_INDEX_VERSION)
    return fail(error, ADZE_INCOMPATIBLE,
                "%s: package format %" PRIu32 "; this runtime reads format %u",
                name, index->index_version, ADZE_INDEX_VERSION);
  if (((const char *)index)[index_bytes - 1] != '\0')
    return DAMAGED("%s: the index' strings have no end", name);
  TRY(check_layout(name, index, file_bytes, error));
  TRY(check_string(name, index, "target", index->target_string, error));
  TRY(check_string(name, index, "version", index->version_string, error));
  TRY(check_string(name, index, "name", index->name_string, error));
  TRY(check_strings(name, index, "CPU features", index->feature_count,
                    index->features, 1, error));
  TRY(check_symbols(name, index, error));
  TRY(check_tensors(name, index, index->input_count, index->inputs, false,
                    error));
  TRY(check_tensors(name, index, index->output_count, index->outputs, true,
                    error));
  TRY(check_strings(name, index, "constraints", index->constraint_count,
                    index->constraints, 1, error));
  TRY(check_kernels(name, index, error));
  return check_strings(name, index, "properties", index->property_count,
                       index->properties, 2, error);
}

/* "x86-64", or "machine 999" in the caller's buffer. */
static const char *machine_name(uint32_t machine, char *buffer,
                                size_t buffer_bytes) {
  const char *known = cpu_elf_machine_name(machine);
  if (known)
    return known;
  snprintf(buffer, buffer_bytes, "machine %" PRIu32, machine);
  return buffer;
}

enum adze_status package_check_machine(const char *name,
                                       const struct adze_index_header *index,
                                       struct adze_error *error) {
  if (index->abi_version != ADZE_ABI_VERSION)
    return fail(error, ADZE_INCOMPATIBLE,
                "%s: compiled for ABI version %" PRIu32
                " (adze %s); this runtime has version %u",
                name, index->abi_version,
                package_string(index, index->version_string), ADZE_ABI_VERSION);
  char theirs[32], ours[32];
  if (index->machine != cpu_elf_machine())
    return fail(error, ADZE_INCOMPATIBLE,
                "%s: compiled for %s; this machine is %s", name,
                machine_name(index->machine, theirs, sizeof theirs),
                machine_name(cpu_elf_machine(), ours, sizeof ours));
  const uint32_t *features = package_table(index, index->features);
  for (uint32_t i = 0; i < index->feature_count; i++) {
    const char *feature = package_string(index, features[i]);
    if (!cpu_has_feature(feature))
      return fail(
          error, ADZE_INCOMPATIBLE,
          "%s: compiled for a CPU with %s, which this CPU %s", name, feature,
          cpu_knows_feature(feature) ? "lacks" : "is not known to have");
  }
  return ADZE_OK;
}

enum adze_status package_check_members(const char *name,
                                       const struct adze_index_header *index,
                                       const uint8_t *file,
                                       struct adze_error *error) {
  struct piece pieces[PIECE_COUNT];
  list_pieces(index, pieces);
  uint64_t end = 0;
  uint32_t rest = 0;
  for (size_t i = 0; i < PIECE_COUNT; i++) {
    const struct piece *piece = &pieces[i];
    rest = crc32c(rest, file + end, piece->offset - end);
    end = piece->offset + piece->bytes;
    if (piece->offset != ADZE_INDEX_OFFSET &&
        crc32c(0, file + piece->offset, piece->bytes) != piece->crc)
      return DAMAGED("%s: %s is damaged (checksum)", name, piece->name);
  }
  rest = crc32c(rest, file + end, index->file_bytes - end);
  if (rest != index->rest_crc)
    return DAMAGED("%s: damaged between its members (checksum)", name);
  return ADZE_OK;
}
