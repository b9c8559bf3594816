/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto files from any bytes. */
#include "cli/tensor_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
  struct arena *arena;
  const uint8_t *data;
  size_t size;
};

static enum adze_status read_tensor(void *argument) {
  struct fuzz *fuzz = argument;
  struct adze_error error;
  struct array array;
  TRY(tensor_proto_read(fuzz->arena, fuzz->data, fuzz->size, "fuzz", &array,
                        &error));
  double sum = 0;
  for (size_t i = 0; i < array_count(&array); i++)
    sum += array_get(&array, i);
  array_type_text(fuzz->arena, array.dtype, array.rank, array.dims);
  return sum < 0 ? ADZE_MISMATCH : ADZE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz fuzz = {arena_create("fuzz"), data, size};
  struct adze_error error;
  check(fuzz.arena);
  enum adze_status status = guard_run(read_tensor, &fuzz, &error);
  (void)status;
  arena_destroy(fuzz.arena);
  return 0;
}
