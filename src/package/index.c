/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the binary index: the header, the tables in the order of its fields,
 * each at a multiple of 8, then the strings. Equal strings are stored once, as
 * nodes and templates repeat names. Offset 0 of the string area is "", so that
 * the last byte of the index is NUL in any case.
 *
 * Two passes over nothing: tables have sizes known from the contents, so their
 * offsets come first and strings are appended as the tables are filled in.
 */
#include <string.h>

#include "base/crc32c.h"
#include "base/map.h"
#include "package/format.h"

struct builder {
  struct arena *arena;
  struct text strings;
  struct map known; /* string -> 1 + its offset */
  size_t tables_end;
};

static uint32_t add_string(struct builder *builder, const char *string) {
  if (!string)
    string = "";
  uintptr_t known = (uintptr_t)map_get(&builder->known, string);
  if (known == 0) {
    known = builder->tables_end + builder->strings.size + 1;
    map_set(&builder->known, string, (void *)known);
    text_add_n(&builder->strings, string, strlen(string) + 1);
  }
  return (uint32_t)(known - 1);
}

static size_t place_table(size_t *end, size_t count, size_t entry_bytes) {
  size_t offset = align_up(*end, 8);
  *end = offset + count * entry_bytes;
  return offset;
}

/* Counts and table offsets; returns where strings begin. */
static size_t place_tables(struct adze_index_header *header,
                           const struct package_contents *contents) {
  size_t end = sizeof *header;
#define PLACE(count_field, table_field, count, entry_bytes)                    \
  header->count_field = (uint32_t)(count);                                     \
  header->table_field = (uint32_t)place_table(&end, count, entry_bytes)
  PLACE(feature_count, features, contents->feature_count, sizeof(uint32_t));
  PLACE(symbol_count, symbols, contents->symbol_count,
        sizeof(struct adze_index_symbol));
  PLACE(input_count, inputs, contents->input_count,
        sizeof(struct adze_index_tensor));
  PLACE(output_count, outputs, contents->output_count,
        sizeof(struct adze_index_tensor));
  PLACE(constraint_count, constraints, contents->constraint_count,
        sizeof(uint32_t));
  PLACE(kernel_count, kernels, contents->kernel_count,
        sizeof(struct adze_index_kernel));
  PLACE(property_count, properties, contents->property_count,
        2 * sizeof(uint32_t));
#undef PLACE
  return end;
}

static void fill_tensors(struct builder *builder,
                         struct adze_index_tensor *table,
                         const struct package_tensor *tensors, size_t count) {
  for (size_t i = 0; i < count; i++) {
    check(tensors[i].rank <= ADZE_INDEX_MAX_RANK);
    table[i].name_string = add_string(builder, tensors[i].name);
    table[i].dtype = (uint32_t)tensors[i].dtype;
    table[i].rank = (uint32_t)tensors[i].rank;
    memcpy(table[i].dims, tensors[i].dims,
           tensors[i].rank * sizeof table[i].dims[0]);
  }
}

static void fill_tables(struct builder *builder,
                        const struct adze_index_header *header, char *base,
                        const struct package_contents *contents) {
  uint32_t *features = (void *)(base + header->features);
  for (size_t i = 0; i < contents->feature_count; i++)
    features[i] = add_string(builder, contents->features[i]);
  struct adze_index_symbol *symbols = (void *)(base + header->symbols);
  for (size_t i = 0; i < contents->symbol_count; i++)
    symbols[i] = (struct adze_index_symbol){
        .name_string = add_string(builder, contents->symbols[i].name),
        .minimum = contents->symbols[i].minimum,
        .maximum = contents->symbols[i].maximum};
  fill_tensors(builder, (void *)(base + header->inputs), contents->inputs,
               contents->input_count);
  fill_tensors(builder, (void *)(base + header->outputs), contents->outputs,
               contents->output_count);
  uint32_t *constraints = (void *)(base + header->constraints);
  for (size_t i = 0; i < contents->constraint_count; i++)
    constraints[i] = add_string(builder, contents->constraints[i]);
  struct adze_index_kernel *kernels = (void *)(base + header->kernels);
  for (size_t i = 0; i < contents->kernel_count; i++) {
    const struct package_kernel *kernel = &contents->kernels[i];
    kernels[i].name_string = add_string(builder, kernel->name);
    kernels[i].template_string = add_string(builder, kernel->template_name);
    kernels[i].flops = kernel->flops;
  }
  uint32_t *properties = (void *)(base + header->properties);
  for (size_t i = 0; i < contents->property_count; i++) {
    properties[2 * i] = add_string(builder, contents->properties[i].name);
    properties[2 * i + 1] = add_string(builder, contents->properties[i].value);
  }
}

enum adze_status index_build(struct arena *arena,
                             const struct package_contents *contents,
                             struct index_image *out,
                             struct adze_error *error) {
  struct adze_index_header header = {
      .index_version = ADZE_INDEX_VERSION,
      .abi_version = ADZE_ABI_VERSION,
      .machine = contents->machine,
  };
  memcpy(header.magic, ADZE_INDEX_MAGIC, sizeof header.magic);
  struct builder builder = {.arena = arena, .strings = {.arena = arena}};
  map_init(&builder.known, arena);
  builder.tables_end = place_tables(&header, contents);
  char *tables = arena_alloc(arena, builder.tables_end);
  (void)add_string(&builder, "");
  header.target_string = add_string(&builder, contents->target_line);
  header.version_string = add_string(&builder, contents->version);
  header.name_string = add_string(&builder, contents->name);
  fill_tables(&builder, &header, tables, contents);
  size_t bytes = builder.tables_end + builder.strings.size;
  if (bytes > UINT32_MAX)
    return fail(error, ADZE_LIMIT, "%s: the names of the model are too long",
                contents->path);
  header.index_bytes = (uint32_t)bytes;
  char *image = arena_alloc(arena, bytes);
  memcpy(image, tables, builder.tables_end);
  memcpy(image, &header, sizeof header);
  memcpy(image + builder.tables_end, builder.strings.data,
         builder.strings.size);
  out->header = (void *)image;
  out->bytes = bytes;
  return ADZE_OK;
}

void index_seal(struct adze_index_header *header) {
  header->index_crc = 0;
  header->index_crc = crc32c(0, header, header->index_bytes);
}
