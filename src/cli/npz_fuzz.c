/* SPDX-License-Identifier: Apache-2.0 */
/* Reading npz from any bytes: headers, then every array of at most a megabyte,
 * and what could be read is written and read again. What is no zip archive is
 * taken as a bare npy header, which a checksum would else keep mutations from.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/npy.h"
#include "cli/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
  struct arena *arena;
  const char *path;
};

static enum adze_status read_all(void *argument) {
  struct fuzz *fuzz = argument;
  struct adze_error error;
  struct npz *npz, *again;
  TRY(npz_open(fuzz->arena, fuzz->path, &npz, &error));
  for (size_t i = 0; i < npz_count(npz); i++) {
    struct array array = *npz_array(npz, i);
    if (array.bytes > 1 << 20)
      continue;
    array_allocate(fuzz->arena, &array);
    if (npz_read(npz, i, array.data, &error))
      continue;
    array.name = "again";
    TRY(npz_write(fuzz->arena, fuzz->path, &array, 1, &error));
    check(npz_open(fuzz->arena, fuzz->path, &again, &error) == ADZE_OK);
    check(npz_array(again, 0)->bytes == array.bytes);
    break; /* the file has been written over */
  }
  return ADZE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[] = "/tmp/npz_fuzz_XXXXXX";
  struct adze_error error;
  struct npy_header header;
  if (size && data[0] != 'P') {
    if (npy_parse(data, size, &header, &error) == ADZE_OK)
      check(header.size <= size && header.array.rank <= ADZE_MAX_RANK);
    return 0;
  }
  int file = mkstemp(path);
  struct fuzz fuzz = {arena_create("fuzz"), path};
  check(file >= 0 && fuzz.arena);
  check(write(file, data, size) == (ssize_t)size);
  close(file);
  enum adze_status status = guard_run(read_all, &fuzz, &error);
  (void)status;
  arena_destroy(fuzz.arena);
  unlink(path);
  return 0;
}
