/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of protocol buffers: a message is a row of fields, each a
 * varint key (number << 3 | wire type) and a payload.
 *
 * Everything goes through take_varint and take_bytes, which never move past
 * `end`; a message's end never lies behind its parent's. Groups (wire types 3
 * and 4, deprecated since 2008) count as damage: none of the formats read here
 * has ever used them.
 */
#include "base/protobuf.h"

#include <string.h>

void protobuf_reader_init(struct protobuf_reader *reader, const void *data,
                          size_t size) {
  *reader = (struct protobuf_reader){.data = size ? data : (const uint8_t *)"",
                                     .size = size};
}

struct protobuf_message protobuf_root(struct protobuf_reader *reader) {
  return (struct protobuf_message){.reader = reader,
                                   .next = reader->data,
                                   .end = reader->data + reader->size};
}

void protobuf_damage(struct protobuf_message *message, const uint8_t *where,
                     const char *problem) {
  struct protobuf_reader *reader = message->reader;
  if (reader->problem)
    return;
  reader->problem = problem;
  reader->problem_offset = (size_t)(where - reader->data);
}

enum adze_status protobuf_finish(const struct protobuf_reader *reader,
                                 enum adze_status status, const char *name,
                                 struct adze_error *error) {
  if (!reader->problem)
    return ADZE_OK;
  return fail(error, status, "%s: byte %zu: %s", name, reader->problem_offset,
              reader->problem);
}

static bool take_varint(struct protobuf_message *message, uint64_t *out) {
  const uint8_t *start = message->next;
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (message->next == message->end) {
      protobuf_damage(message, start, "a number is cut off");
      return false;
    }
    uint8_t byte = *message->next++;
    if (shift == 63 && byte > 1)
      break;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) {
      *out = value;
      return true;
    }
  }
  protobuf_damage(message, start, "a number has more than 64 bits");
  return false;
}

static bool take_bytes(struct protobuf_message *message, uint64_t size,
                       const uint8_t **out) {
  if (size > (uint64_t)(message->end - message->next)) {
    protobuf_damage(message, message->next,
                    "a field reaches past the end of its message");
    return false;
  }
  *out = message->next;
  message->next += size;
  return true;
}

static bool take_fixed(struct protobuf_message *message, size_t size,
                       uint64_t *out) {
  const uint8_t *bytes;
  if (!take_bytes(message, size, &bytes))
    return false;
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++)
    value |= (uint64_t)bytes[i] << (8 * i);
  *out = value;
  return true;
}

static bool take_payload(struct protobuf_message *message,
                         struct protobuf_field *field, unsigned wire,
                         const uint8_t *key_start) {
  const uint8_t *bytes;
  bool taken = false;
  field->data = message->next;
  switch (wire) {
  case PROTOBUF_VARINT:
    taken = take_varint(message, &field->value);
    break;
  case PROTOBUF_FIXED64:
    taken = take_fixed(message, 8, &field->value);
    break;
  case PROTOBUF_FIXED32:
    taken = take_fixed(message, 4, &field->value);
    break;
  case PROTOBUF_BYTES:
    if (!take_varint(message, &field->value))
      return false;
    field->data = message->next;
    taken = take_bytes(message, field->value, &bytes);
    break;
  default:
    protobuf_damage(message, key_start, "a field has an unknown wire type");
  }
  field->size = (size_t)(message->next - field->data);
  return taken;
}

bool protobuf_next(struct protobuf_message *message,
                   struct protobuf_field *field) {
  const uint8_t *start = message->next;
  uint64_t key;
  *field = (struct protobuf_field){0};
  if (message->reader->problem || message->next == message->end ||
      !take_varint(message, &key))
    return false;
  if (key >> 3 == 0 || key >> 3 > (1u << 29) - 1) {
    protobuf_damage(message, start, "a field number is out of range");
    return false;
  }
  unsigned wire = (unsigned)(key & 7);
  field->number = (uint32_t)(key >> 3);
  field->wire = (enum protobuf_wire)wire;
  if (take_payload(message, field, wire, start))
    return true;
  *field = (struct protobuf_field){0};
  return false;
}

/* Whether the field has the wire type; records damage otherwise. */
static bool expect_wire(struct protobuf_message *message,
                        const struct protobuf_field *field,
                        enum protobuf_wire wire) {
  if (message->reader->problem)
    return false;
  if (field->wire == wire)
    return true;
  protobuf_damage(message, message->next,
                  "the field before has another type than the format says");
  return false;
}

int64_t protobuf_int64(struct protobuf_message *message,
                       const struct protobuf_field *field) {
  return expect_wire(message, field, PROTOBUF_VARINT) ? (int64_t)field->value
                                                      : 0;
}

int64_t protobuf_sint64(struct protobuf_message *message,
                        const struct protobuf_field *field) {
  if (!expect_wire(message, field, PROTOBUF_VARINT))
    return 0;
  return (int64_t)((field->value >> 1) ^ (0 - (field->value & 1)));
}

static float float_from_bits(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float value;
  memcpy(&value, &low, sizeof value);
  return value;
}

static double double_from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float protobuf_float(struct protobuf_message *message,
                     const struct protobuf_field *field) {
  return expect_wire(message, field, PROTOBUF_FIXED32)
             ? float_from_bits(field->value)
             : 0;
}

double protobuf_double(struct protobuf_message *message,
                       const struct protobuf_field *field) {
  return expect_wire(message, field, PROTOBUF_FIXED64)
             ? double_from_bits(field->value)
             : 0;
}

struct protobuf_bytes protobuf_bytes(struct protobuf_message *message,
                                     const struct protobuf_field *field) {
  if (!expect_wire(message, field, PROTOBUF_BYTES))
    return (struct protobuf_bytes){(const uint8_t *)"", 0};
  return (struct protobuf_bytes){field->data, field->size};
}

/* A cursor that has nothing to read. */
static struct protobuf_message empty_message(struct protobuf_message *parent) {
  return (struct protobuf_message){.reader = parent->reader,
                                   .next = parent->end,
                                   .end = parent->end,
                                   .depth = parent->depth};
}

struct protobuf_message
protobuf_submessage(struct protobuf_message *message,
                    const struct protobuf_field *field) {
  if (!expect_wire(message, field, PROTOBUF_BYTES))
    return empty_message(message);
  if (message->depth + 1 >= PROTOBUF_MAX_DEPTH) {
    protobuf_damage(message, field->data, "messages are nested too deeply");
    return empty_message(message);
  }
  return (struct protobuf_message){.reader = message->reader,
                                   .next = field->data,
                                   .end = field->data + field->size,
                                   .depth = message->depth + 1};
}

bool protobuf_equal(struct protobuf_bytes bytes, const char *text) {
  return bytes.size == strlen(text) &&
         memcmp(bytes.data, text, bytes.size) == 0;
}

static size_t element_bytes(enum protobuf_wire element) {
  return element == PROTOBUF_FIXED32 ? 4 : 8;
}

struct protobuf_values protobuf_values(struct protobuf_message *message,
                                       const struct protobuf_field *field,
                                       enum protobuf_wire element) {
  struct protobuf_values values = {empty_message(message), element};
  if (message->reader->problem)
    return values;
  if (field->wire != element && !expect_wire(message, field, PROTOBUF_BYTES))
    return values;
  /* An unpacked value is a row of one: its own payload. */
  values.bytes.next = field->data;
  values.bytes.end = field->data + field->size;
  if (element != PROTOBUF_VARINT && field->size % element_bytes(element)) {
    protobuf_damage(message, field->data,
                    "packed values end in the middle of one");
    values.bytes.next = values.bytes.end;
  }
  return values;
}

size_t protobuf_values_count(const struct protobuf_values *values) {
  const struct protobuf_message *bytes = &values->bytes;
  if (bytes->reader->problem)
    return 0;
  if (values->element != PROTOBUF_VARINT)
    return (size_t)(bytes->end - bytes->next) / element_bytes(values->element);
  size_t count = 0;
  for (const uint8_t *byte = bytes->next; byte < bytes->end; byte++)
    count += !(*byte & 0x80);
  return count;
}

static bool take_value(struct protobuf_values *values, uint64_t *out) {
  struct protobuf_message *bytes = &values->bytes;
  if (bytes->reader->problem || bytes->next == bytes->end)
    return false;
  return values->element == PROTOBUF_VARINT
             ? take_varint(bytes, out)
             : take_fixed(bytes, element_bytes(values->element), out);
}

bool protobuf_values_int64(struct protobuf_values *values, int64_t *out) {
  uint64_t value;
  if (!take_value(values, &value))
    return false;
  *out = (int64_t)value;
  return true;
}

bool protobuf_values_float(struct protobuf_values *values, float *out) {
  uint64_t bits;
  check(values->element == PROTOBUF_FIXED32);
  if (!take_value(values, &bits))
    return false;
  *out = float_from_bits(bits);
  return true;
}

bool protobuf_values_double(struct protobuf_values *values, double *out) {
  uint64_t bits;
  check(values->element == PROTOBUF_FIXED64);
  if (!take_value(values, &bits))
    return false;
  *out = double_from_bits(bits);
  return true;
}
