/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the dictionary of a .npy header the way numpy writes it, with keys in
 * any order and blanks anywhere: a scanner over a bounded range, since the
 * bytes come from anywhere. Python 2's "3L" for a long is accepted.
 */
#include "cli/npy.h"

#include <string.h>

#include "base/text.h"

struct scanner {
  const char *next, *end;
  struct adze_error *error;
};

static enum adze_status npy_fail(struct scanner *scanner, const char *what) {
  return fail(scanner->error, ADZE_INVALID_DATA, "its header %s", what);
}

static void skip_blanks(struct scanner *scanner) {
  while (scanner->next < scanner->end &&
         (*scanner->next == ' ' || *scanner->next == '\n' ||
          *scanner->next == '\t'))
    scanner->next++;
}

/* Takes `character`, if it is next after blanks. */
static bool take(struct scanner *scanner, char character) {
  skip_blanks(scanner);
  if (scanner->next == scanner->end || *scanner->next != character)
    return false;
  scanner->next++;
  return true;
}

static bool take_word(struct scanner *scanner, const char *word) {
  size_t size = strlen(word);
  skip_blanks(scanner);
  if ((size_t)(scanner->end - scanner->next) < size ||
      memcmp(scanner->next, word, size) != 0)
    return false;
  scanner->next += size;
  return true;
}

/* A quoted string without escapes, into `out`. */
static bool take_string(struct scanner *scanner, char *out, size_t bytes) {
  char quote = take(scanner, '\'') ? '\'' : take(scanner, '"') ? '"' : 0;
  size_t size = 0;
  if (!quote)
    return false;
  while (scanner->next < scanner->end && *scanner->next != quote) {
    if (size + 1 == bytes || *scanner->next == '\\')
      return false;
    out[size++] = *scanner->next++;
  }
  out[size] = '\0';
  return take(scanner, quote);
}

static bool take_size(struct scanner *scanner, int64_t *out) {
  int64_t value = 0;
  skip_blanks(scanner);
  const char *start = scanner->next;
  for (; scanner->next < scanner->end; scanner->next++) {
    char digit = *scanner->next;
    if (digit < '0' || digit > '9')
      break;
    if (!int64_mul(value, 10, &value) || !int64_add(value, digit - '0', &value))
      return false;
  }
  *out = value;
  bool some = scanner->next > start;
  take(scanner, 'L');
  return some;
}

/* dtype letter and bytes to the type; the letters are those of numpy. */
static enum adze_dtype dtype_from_descr(char kind, const char *bytes) {
  static const struct {
    char kind;
    const char *bytes;
    enum adze_dtype dtype;
  } rows[] = {
      {'f', "4", ADZE_F32},  {'f', "8", ADZE_F64}, {'f', "2", ADZE_F16},
      {'i', "1", ADZE_I8},   {'i', "2", ADZE_I16}, {'i', "4", ADZE_I32},
      {'i', "8", ADZE_I64},  {'u', "1", ADZE_U8},  {'u', "2", ADZE_U16},
      {'u', "4", ADZE_U32},  {'u', "8", ADZE_U64}, {'b', "1", ADZE_BOOL},
      {'V', "2", ADZE_BF16}, /* how ml_dtypes' bfloat16 is written */
  };
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    if (rows[i].kind == kind && string_equal(rows[i].bytes, bytes))
      return rows[i].dtype;
  return ADZE_DTYPE_NONE;
}

static bool machine_is_big_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one == 0;
}

static enum adze_status parse_descr(struct scanner *scanner,
                                    struct npy_header *out) {
  char descr[32];
  if (!take_string(scanner, descr, sizeof descr))
    return npy_fail(scanner, "has a 'descr' that is not a plain type");
  const char *kind = descr;
  char order = '|';
  if (*kind && strchr("<>|=", *kind))
    order = *kind++;
  out->array.dtype =
      *kind ? dtype_from_descr(*kind, kind + 1) : ADZE_DTYPE_NONE;
  if (out->array.dtype == ADZE_DTYPE_NONE)
    return fail(scanner->error, ADZE_UNSUPPORTED,
                "its elements have numpy's type '%s', which adze does not read",
                descr);
  out->swapped = adze_dtype_bytes(out->array.dtype) > 1 &&
                 ((order == '>' && !machine_is_big_endian()) ||
                  (order == '<' && machine_is_big_endian()));
  return ADZE_OK;
}

static enum adze_status parse_shape(struct scanner *scanner,
                                    struct array *array) {
  if (!take(scanner, '('))
    return npy_fail(scanner, "has a 'shape' that is not a tuple");
  while (!take(scanner, ')')) {
    if (array->rank == ADZE_MAX_RANK)
      return npy_fail(scanner, "has too many dimensions");
    if (!take_size(scanner, &array->dims[array->rank]))
      return npy_fail(scanner, "has a dimension that is not a size");
    array->rank++;
    if (take(scanner, ','))
      continue;
    if (!take(scanner, ')'))
      return npy_fail(scanner, "has a 'shape' that does not end");
    break;
  }
  return ADZE_OK;
}

static enum adze_status parse_dictionary(struct scanner *scanner,
                                         struct npy_header *out) {
  bool descr = false, order = false, shape = false;
  if (!take(scanner, '{'))
    return npy_fail(scanner, "is not a dictionary");
  while (!take(scanner, '}')) {
    char key[32];
    if (!take_string(scanner, key, sizeof key) || !take(scanner, ':'))
      return npy_fail(scanner, "is not a dictionary");
    if (!descr && string_equal(key, "descr")) {
      descr = true;
      TRY(parse_descr(scanner, out));
    } else if (!order && string_equal(key, "fortran_order")) {
      order = true;
      out->fortran_order = take_word(scanner, "True");
      if (!out->fortran_order && !take_word(scanner, "False"))
        return npy_fail(scanner, "has a 'fortran_order' that is not a bool");
    } else if (!shape && string_equal(key, "shape")) {
      shape = true;
      TRY(parse_shape(scanner, &out->array));
    } else {
      return npy_fail(scanner, "has an unknown or repeated key");
    }
    if (!take(scanner, ',') && !take(scanner, '}'))
      return npy_fail(scanner, "is not a dictionary");
    if (scanner->next[-1] == '}')
      break;
  }
  if (!descr || !order || !shape)
    return npy_fail(scanner, "lacks 'descr', 'fortran_order' or 'shape'");
  return ADZE_OK;
}

enum adze_status npy_parse(const uint8_t *bytes, size_t size,
                           struct npy_header *out, struct adze_error *error) {
  *out = (struct npy_header){0};
  if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return fail(error, ADZE_INVALID_DATA,
                "it does not start with the magic of npy");
  int major = bytes[6];
  size_t prefix = major == 1 ? 10 : 12;
  if (major < 1 || major > 3 || size < prefix)
    return fail(error, ADZE_INVALID_DATA, "its npy version %d is unknown",
                major);
  size_t length = bytes[8] | (size_t)bytes[9] << 8;
  if (major > 1)
    length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length > size - prefix)
    return fail(error, ADZE_INVALID_DATA, "its header is cut or too long");
  struct scanner scanner = {.next = (const char *)bytes + prefix,
                            .end = (const char *)bytes + prefix + length,
                            .error = error};
  TRY(parse_dictionary(&scanner, out));
  skip_blanks(&scanner);
  if (scanner.next != scanner.end)
    return npy_fail(&scanner, "has text after its dictionary");
  out->size = prefix + length;
  if (!array_measure(&out->array))
    return npy_fail(&scanner, "has a shape whose size overflows");
  return ADZE_OK;
}

static const char *dtype_descr(enum adze_dtype dtype) {
  switch (dtype) {
  case ADZE_F32:
    return "<f4";
  case ADZE_F64:
    return "<f8";
  case ADZE_F16:
    return "<f2";
  case ADZE_BF16:
    return "<V2";
  case ADZE_I8:
    return "|i1";
  case ADZE_I16:
    return "<i2";
  case ADZE_I32:
    return "<i4";
  case ADZE_I64:
    return "<i8";
  case ADZE_U8:
    return "|u1";
  case ADZE_U16:
    return "<u2";
  case ADZE_U32:
    return "<u4";
  case ADZE_U64:
    return "<u8";
  case ADZE_BOOL:
    return "|b1";
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

const char *npy_print(struct arena *arena, const struct array *array,
                      size_t *size) {
  struct text text = {.arena = arena};
  char descr[4];
  memcpy(descr, dtype_descr(array->dtype), sizeof descr);
  if (descr[0] == '<' && machine_is_big_endian())
    descr[0] = '>';
  text_format(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
              descr);
  for (int i = 0; i < array->rank; i++)
    text_format(&text, "%lld,%s", (long long)array->dims[i],
                i + 1 < array->rank ? " " : "");
  text_add(&text, "), }");
  /* Blanks up to a multiple of 64 bytes, as numpy does, for mapped files. */
  size_t length = align_up(10 + text.size + 1, 64) - 10;
  while (text.size + 1 < length)
    text_add(&text, " ");
  text_add(&text, "\n");
  uint8_t *out = arena_alloc(arena, 10 + length);
  memcpy(out, "\x93NUMPY\x01", 7);
  out[8] = (uint8_t)(length & 255);
  out[9] = (uint8_t)(length >> 8);
  memcpy(out + 10, text_string(&text), length);
  *size = 10 + length;
  return (const char *)out;
}
