/* SPDX-License-Identifier: Apache-2.0 */
/* The little of ELF (64 bits, little-endian) that is needed to make the weights
 * an object file: a section of read-only data with one symbol. A code generator
 * could do that too, at the price of holding hundreds of megabytes several
 * times over; here they only pass through.
 *
 *   0     file header (written last)
 *   64    .rodata: the weights
 *         .symtab | .strtab | .shstrtab | section headers
 *
 * The symbol is hidden: visible to the code it is linked with, but no export of
 * a shared library that it ends up in.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "package/format.h"

enum section { NONE, RODATA, NO_STACK, SYMTAB, STRTAB, SHSTRTAB, SECTIONS };

struct elf_weights {
  struct arena *arena;
  const char *path;
  FILE *file;
  uint64_t bytes; /* of weights */
};

static enum adze_status fail_io(const struct elf_weights *weights,
                                struct adze_error *error) {
  return fail(error, ADZE_IO, "%s: can't write: %s", weights->path,
              strerror(errno));
}

static enum adze_status put(struct elf_weights *weights, const void *data,
                            size_t bytes, struct adze_error *error) {
  if (bytes > 0 && fwrite(data, 1, bytes, weights->file) != bytes)
    return fail_io(weights, error);
  return ADZE_OK;
}

enum adze_status elf_weights_open(struct arena *arena, const char *path,
                                  struct elf_weights **out,
                                  struct adze_error *error) {
  struct elf_weights *weights = ARENA_NEW(arena, struct elf_weights);
  weights->arena = arena;
  weights->path = path;
  weights->file = fopen(path, "wbe");
  if (!weights->file)
    return fail_io(weights, error);
  *out = weights;
  static const Elf64_Ehdr room;
  return put(weights, &room, sizeof room, error);
}

enum adze_status elf_weights_add(struct elf_weights *weights, const void *data,
                                 size_t bytes, struct adze_error *error) {
  weights->bytes += bytes;
  return put(weights, data, bytes, error);
}

void elf_weights_abandon(struct elf_weights *weights) {
  if (weights && weights->file)
    fclose(weights->file);
  if (weights)
    weights->file = NULL;
}

/* ---- Finishing ----------------------------------------------------------- */

static enum adze_status read_header(const struct object_code *object,
                                    Elf64_Ehdr *out, struct adze_error *error) {
  if (object->bytes >= sizeof *out) {
    memcpy(out, object->data, sizeof *out);
    if (memcmp(out->e_ident, ELFMAG, SELFMAG) == 0 &&
        out->e_ident[EI_CLASS] == ELFCLASS64 &&
        out->e_ident[EI_DATA] == ELFDATA2LSB)
      return ADZE_OK;
  }
  return fail(error, ADZE_UNSUPPORTED,
              "the target's object code is not ELF of 64 bits, little-endian");
}

/* Section headers; `tail` holds what follows the weights: symbols, names. */
static void describe_sections(const struct elf_weights *weights,
                              struct text *tail, const char *symbol,
                              Elf64_Shdr sections[SECTIONS]) {
  static const char names[] =
      "\0.rodata\0.note.GNU-stack\0.symtab\0.strtab\0.shstrtab";
  uint64_t start = align_up(sizeof(Elf64_Ehdr) + weights->bytes, 8);
  Elf64_Sym symbols[2] = {{0},
                          {.st_name = 1,
                           .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                           .st_other = STV_HIDDEN,
                           .st_shndx = RODATA,
                           .st_size = weights->bytes}};
  sections[RODATA] = (Elf64_Shdr){.sh_name = 1,
                                  .sh_type = SHT_PROGBITS,
                                  .sh_flags = SHF_ALLOC,
                                  .sh_offset = sizeof(Elf64_Ehdr),
                                  .sh_size = weights->bytes,
                                  .sh_addralign = ADZE_ABI_ALIGNMENT};
  sections[NO_STACK] = (Elf64_Shdr){.sh_name = 9,
                                    .sh_type = SHT_PROGBITS,
                                    .sh_offset = start,
                                    .sh_addralign = 1};
  sections[SYMTAB] = (Elf64_Shdr){.sh_name = 25,
                                  .sh_type = SHT_SYMTAB,
                                  .sh_offset = start,
                                  .sh_size = sizeof symbols,
                                  .sh_link = STRTAB,
                                  .sh_info = 1, /* the first global one */
                                  .sh_addralign = 8,
                                  .sh_entsize = sizeof symbols[0]};
  text_add_n(tail, (const char *)symbols, sizeof symbols);
  sections[STRTAB] = (Elf64_Shdr){.sh_name = 33,
                                  .sh_type = SHT_STRTAB,
                                  .sh_offset = start + tail->size,
                                  .sh_size = strlen(symbol) + 2,
                                  .sh_addralign = 1};
  text_add_n(tail, "", 1);
  text_add_n(tail, symbol, strlen(symbol) + 1);
  sections[SHSTRTAB] = (Elf64_Shdr){.sh_name = 41,
                                    .sh_type = SHT_STRTAB,
                                    .sh_offset = start + tail->size,
                                    .sh_size = sizeof names,
                                    .sh_addralign = 1};
  text_add_n(tail, names, sizeof names);
}

static enum adze_status write_tail(struct elf_weights *weights,
                                   const char *symbol, uint64_t *sections_at,
                                   struct adze_error *error) {
  static const uint8_t zeros[8];
  uint64_t end = sizeof(Elf64_Ehdr) + weights->bytes;
  TRY(put(weights, zeros, align_up(end, 8) - end, error));
  end = align_up(end, 8);
  struct text tail = {.arena = weights->arena};
  Elf64_Shdr sections[SECTIONS] = {{0}};
  describe_sections(weights, &tail, symbol, sections);
  TRY(put(weights, tail.data, tail.size, error));
  end += tail.size;
  TRY(put(weights, zeros, align_up(end, 8) - end, error));
  *sections_at = align_up(end, 8);
  return put(weights, sections, sizeof sections, error);
}

enum adze_status elf_weights_finish(struct elf_weights *weights,
                                    const char *symbol,
                                    const struct object_code *like,
                                    struct adze_error *error) {
  Elf64_Ehdr theirs;
  TRY(read_header(like, &theirs, error));
  Elf64_Ehdr header = {.e_type = ET_REL,
                       .e_machine = theirs.e_machine,
                       .e_version = EV_CURRENT,
                       .e_flags = theirs.e_flags,
                       .e_ehsize = sizeof header,
                       .e_shentsize = sizeof(Elf64_Shdr),
                       .e_shnum = SECTIONS,
                       .e_shstrndx = SHSTRTAB};
  memcpy(header.e_ident, theirs.e_ident, sizeof header.e_ident);
  TRY(write_tail(weights, symbol, &header.e_shoff, error));
  if (fseeko(weights->file, 0, SEEK_SET) != 0)
    return fail_io(weights, error);
  TRY(put(weights, &header, sizeof header, error));
  FILE *file = weights->file;
  weights->file = NULL;
  return fclose(file) == 0 ? ADZE_OK : fail_io(weights, error);
}

/* ---- Reading symbols, for archives --------------------------------------- */

static bool inside(const struct object_code *object, uint64_t offset,
                   uint64_t bytes) {
  return offset <= object->bytes && bytes <= object->bytes - offset;
}

/* The section's header; false when it or its bytes lie outside the object. */
static bool read_section(const struct object_code *object,
                         const Elf64_Ehdr *header, size_t index,
                         Elf64_Shdr *out) {
  if (index >= header->e_shnum || header->e_shoff > object->bytes ||
      !inside(object, header->e_shoff + index * sizeof *out, sizeof *out))
    return false;
  memcpy(out,
         (const char *)object->data + header->e_shoff + index * sizeof *out,
         sizeof *out);
  return out->sh_type == SHT_NOBITS ||
         inside(object, out->sh_offset, out->sh_size);
}

static bool add_symbols(const struct object_code *object,
                        const Elf64_Shdr *table, const Elf64_Shdr *strings,
                        struct text *names, size_t *count) {
  const char *data = object->data;
  if (strings->sh_size == 0 ||
      data[strings->sh_offset + strings->sh_size - 1] != '\0')
    return false;
  for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size;
       at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    memcpy(&symbol, data + table->sh_offset + at, sizeof symbol);
    if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ||
        symbol.st_shndx == SHN_UNDEF)
      continue;
    if (symbol.st_name >= strings->sh_size)
      return false;
    const char *name = data + strings->sh_offset + symbol.st_name;
    text_add_n(names, name, strlen(name) + 1);
    ++*count;
  }
  return true;
}

enum adze_status elf_global_symbols(const struct object_code *object,
                                    struct text *names, size_t *count,
                                    struct adze_error *error) {
  Elf64_Ehdr header;
  Elf64_Shdr table, strings;
  *count = 0;
  TRY(read_header(object, &header, error));
  for (size_t i = 0; i < header.e_shnum; i++) {
    if (!read_section(object, &header, i, &table))
      return fail(error, ADZE_INTERNAL, "object code with a damaged section");
    if (table.sh_type == SHT_SYMTAB &&
        (!read_section(object, &header, table.sh_link, &strings) ||
         !add_symbols(object, &table, &strings, names, count)))
      return fail(error, ADZE_INTERNAL, "object code with a damaged symbol");
  }
  return ADZE_OK;
}
