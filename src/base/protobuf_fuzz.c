/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol buffer reader on any bytes: every getter on every field. */
#include "base/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keeps what is read from being optimised away. */
static volatile uint64_t sink;

static void read_values(struct protobuf_message *message,
                        const struct protobuf_field *field,
                        enum protobuf_wire wire) {
  struct protobuf_message copy = *message;
  struct protobuf_values values = protobuf_values(&copy, field, wire);
  size_t announced = protobuf_values_count(&values), count = 0;
  int64_t integer;
  while (protobuf_values_int64(&values, &integer)) {
    sink += (uint64_t)integer;
    count++;
  }
  check(count <= announced);
}

static void read_message(struct protobuf_message message) {
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    struct protobuf_message child;
    check(field.data >= message.reader->data &&
          field.data + field.size == message.next);
    for (size_t i = 0; i < field.size; i++)
      sink += field.data[i];
    switch (field.wire) {
    case PROTOBUF_VARINT:
      sink += (uint64_t)protobuf_sint64(&message, &field);
      read_values(&message, &field, PROTOBUF_VARINT);
      break;
    case PROTOBUF_FIXED32:
    case PROTOBUF_FIXED64:
      read_values(&message, &field, field.wire);
      break;
    case PROTOBUF_BYTES:
      if (field.number % 3 == 0) {
        read_values(&message, &field, PROTOBUF_VARINT);
      } else {
        child = protobuf_submessage(&message, &field);
        read_message(child);
      }
      break;
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct protobuf_reader reader;
  struct adze_error error;
  protobuf_reader_init(&reader, data, size);
  read_message(protobuf_root(&reader));
  if (protobuf_finish(&reader, ADZE_INVALID_DATA, "fuzz", &error))
    sink += (unsigned char)error.message[0];
  return 0;
}
